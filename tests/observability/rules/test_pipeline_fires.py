"""The pipeline: each alert on the machinery fires in its own fault, and names whom it befell."""

from __future__ import annotations

from exported import Flow, Traffic, Worker, first, second, since
from situation import Situation, fires, situation

FIRST = {"instance": "10.0.0.1:9464", "job": "supportpulse"}
SECOND = {"instance": "10.0.0.2:9464", "job": "supportpulse"}


def both(minutes: int, **told: object) -> Situation:
    """Two workers, the first of which tells this."""
    return Situation(minutes, workers=(first(**told), second()))


@situation
def test_all_workers_gone_pages() -> Situation:
    """Nobody answers any more, all series vanish: boards would be green for lack of data. They come back."""
    gone = {"alive": lambda minute: not 5 <= minute < 20}
    return (
        Situation(25, workers=(first(**gone), second(**gone)))
        .at(4)
        .at(6, fires("SlaWorkerAbsent"))
        .at(15, fires("SlaWorkerAbsent"), fires("SlaWorkerDown", **FIRST), fires("SlaWorkerDown", **SECOND))
        .at(21)
        .spares("SlaDeadlineSweepStalled", "SlaProbeLate", "SlaPartitionsOrphaned")
    )


@situation
def test_workers_that_prometheus_no_longer_finds_page_too() -> Situation:
    """The service is gone from the name server: there is not even a target that is down."""
    gone = {"alive": lambda minute: minute < 5, "listed": lambda minute: minute < 5}
    return Situation(15, workers=(first(**gone), second(**gone))).at(15, fires("SlaWorkerAbsent"))


@situation
def test_a_worker_that_is_down_is_named() -> Situation:
    """One of two does not answer; the other has taken its partitions over."""
    left = second(owns=lambda minute: (2, 3) if minute < 6 else (0, 1, 2, 3))
    return (
        Situation(15, workers=(first(alive=lambda minute: minute < 5), left))
        .at(6)
        .at(15, fires("SlaWorkerDown", **FIRST))
        .spares("SlaWorkerAbsent", "SlaPartitionsOrphaned")
    )


@situation
def test_a_worker_that_hangs_pages() -> Situation:
    """Its deadline sweep stalls while it answers scrapes: no breach would be raised. It goes on, and all is well."""
    return (
        both(15, sweep=lambda minute: (minute if minute < 5 or minute > 12 else 5) * 60)
        .at(8)
        .at(10, fires("SlaDeadlineSweepStalled", "5m 0s", **FIRST))
        .at(13)
    )


@situation
def test_a_probe_that_does_not_come_back_pages() -> Situation:
    """Deadlines are swept, but what is appended to the log is never read."""
    return both(15, probe=lambda minute: min(minute, 5) * 60).at(8).at(10, fires("SlaProbeLate", "5m 0s", **FIRST))


@situation
def test_a_consumer_that_stands_still_pages_on_a_busy_desk() -> Situation:
    """Records pile up in one partition and none is read."""
    return (
        both(40, lag=lambda partition, minute: 100 * max(0, minute - 5) if partition == 1 else 0)
        .at(10)
        .at(40, fires("SlaConsumerStuck", partition="1", **FIRST))
    )


@situation
def test_a_consumer_that_falls_behind_pages() -> Situation:
    """It reads, but fewer than come, if not at every moment."""

    def lag(partition: int, minute: int) -> int:
        return 50 * minute + (minute * 7919) % 150 if partition == 1 else 0

    return both(60, lag=lag).at(15).at(60, fires("SlaConsumerStuck", partition="1", **FIRST))


@situation
def test_a_consumer_that_reads_on_resolves() -> Situation:
    """It stood still for twenty-five minutes, and catches up."""

    def lag(partition: int, minute: int) -> int:
        return (100 * minute if minute <= 25 else max(0, 2500 - 400 * (minute - 25))) if partition == 1 else 0

    return both(45, lag=lag).at(24, fires("SlaConsumerStuck", partition="1", **FIRST)).at(30).at(45)


@situation
def test_a_consumer_that_stands_still_pages_on_a_quiet_desk() -> Situation:
    """Seven records wait, no new ones come, and none is read."""
    return (
        both(40, lag=lambda partition, minute: 7 if partition == 0 and minute >= 5 else 0)
        .at(10)
        .at(40, fires("SlaConsumerStuck", "7", partition="0", **FIRST))
    )


@situation
def test_partitions_that_nobody_owns_page() -> Situation:
    """One partition of four is with no worker, though all workers are well."""
    return (
        both(15, owns=lambda minute: (0, 1) if minute < 5 else (0,)).at(5).at(15, fires("SlaPartitionsOrphaned", "4"))
    )


@situation
def test_a_recovery_without_end_is_told_of() -> Situation:
    """A worker is restoring for ten minutes: its partitions raise no alert of their own meanwhile."""
    return (
        both(
            15,
            recovering=since(2),
            owns=lambda minute: (0, 1) if minute < 2 else (),
            sweep=lambda minute: min(minute, 2) * 60,
        )
        .at(4)
        .at(15, fires("SlaRecoverySlow", **FIRST))
        .spares("SlaDeadlineSweepStalled", "SlaPartitionsOrphaned")
    )


@situation
def test_partitions_that_keep_moving_are_told_of() -> Situation:
    """A rebalance every minute."""
    return (
        both(30, rebalances=lambda minute: 1 + max(0, minute - 5))
        .at(6)
        .at(30, fires("SlaRebalanceStorm", "15", **FIRST))
    )


@situation
def test_rejected_events_are_told_of_by_reason() -> Situation:
    """A helpdesk begins to send what is no event: the first ones already count."""
    return both(30, rejected=since(10, then=1)).at(9).at(12, fires("SlaEventsRejected", reason="schema"))


@situation
def test_rejected_events_of_all_workers_are_one_alert() -> Situation:
    """Both workers reject three a minute."""
    rejects = {"rejected": lambda minute: 3 * minute}
    return Situation(30, workers=(first(**rejects), second(**rejects))).at(
        30, fires("SlaEventsRejected", "90", reason="schema")
    )


@situation
def test_a_hole_in_the_stream_is_told_of() -> Situation:
    """Offsets that were expected did not come; a quarter of an hour after the last it is over."""
    return (
        both(60, holes=lambda minute: min(minute, 30))
        .at(30, fires("SlaStreamHole", "15", **FIRST))
        .at(50)
    )  # fmt: skip


@situation
def test_a_seal_that_does_not_match_pages() -> Situation:
    """State that was restored is not what was written."""
    return both(30, mismatches=since(10)).at(9).at(20, fires("SlaSealMismatch", **FIRST))


@situation
def test_a_helpdesk_that_is_not_heard_of_is_named() -> Situation:
    """Its heartbeats stopped; both workers say so, and it is one alert."""
    held = {"stale": since(5)}
    return Situation(15, workers=(first(**held), second(**held))).at(6).at(15, fires("SlaSourceStale", source="desk"))


@situation
def test_a_clock_that_stops_closing_is_told_of() -> Situation:
    """In other weeks 20 close every hour at this time; for six hours not one did."""
    return (
        Situation(60, 5)
        .clock(Traffic(Flow(20, breached=2), [(Flow(0), 0)], start=-370))
        .at(0)
        .at(60, fires("SlaObjectiveSilent", "120", clock="first_response"))
    )


@situation
def test_the_watchdog_always_fires() -> Situation:
    """With all well, and with nobody there to be well."""
    nobody: Worker = first(alive=lambda minute: False, listed=lambda minute: False)
    return Situation(15, workers=(nobody,)).at(15, fires("SlaWorkerAbsent"))
