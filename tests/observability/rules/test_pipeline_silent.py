"""The pipeline: restarts, rebalances and replays are its daily life, and no alert."""

from __future__ import annotations

from exported import Flow, Traffic, first, second, third
from situation import Situation, situation

TIERS = "SlaClockOutage", "SlaClockRising1h", "SlaScenarioOutage", "SlaScenarioRising1h"
LIVENESS = "SlaDeadlineSweepStalled", "SlaProbeLate"
ALL = (0, 1, 2, 3)
FINE = Traffic(Flow(20, breached=5, at_risk=10))


@situation
def test_a_replay_of_a_month_is_no_alarm() -> Situation:
    """Half a million old records are read in ten minutes: counters and lag jump, windows do not."""

    def lag(partition: int, minute: int) -> int:
        return max(0, 125_000 - 12_500 * (minute - 5)) if minute >= 5 else 0

    def processed(minute: int) -> int:
        return minute * 20 + min(max(0, minute - 5), 10) * 50_000

    replay = {"lag": lag, "processed": processed}
    return (
        Situation(40, workers=(first(**replay), second(**replay)))
        .clock(FINE)
        .at(5).at(10).at(20).at(30).at(40)
        .spares(*TIERS, "SlaConsumerStuck", "SlaEventsRejected", "SlaStreamHole")
    )  # fmt: skip


@situation
def test_an_import_that_is_read_for_an_hour_is_no_alarm() -> Situation:
    """The lag is never zero, but it shrinks, if not at every moment."""

    def lag(partition: int, minute: int) -> int:
        return max(0, 600_000 - 9_000 * minute + (20_000 if minute % 7 == 3 else 0))

    return Situation(70, workers=(first(lag=lag), second())).at(20).at(40).at(60).at(70).spares("SlaConsumerStuck")


@situation
def test_a_busy_consumer_that_always_has_something_to_read_is_no_alarm() -> Situation:
    """At a thousand events a second some are in flight at every scrape; their number goes up and down."""

    def lag(partition: int, minute: int) -> int:
        return 5 + (minute * 7919 + partition * 31) % 23 + minute // 4

    situation = Situation(60, workers=(first(lag=lag), second(lag=lag)))
    for minute in range(15, 61, 3):
        situation.at(minute)
    return situation.spares("SlaConsumerStuck")


@situation
def test_a_restart_is_no_alarm() -> Situation:
    """Away for a minute, its counters begin anew, it restores for two minutes; the others do not take over so soon."""

    def again(before: int, after: int) -> object:
        return lambda minute: before if minute < 10 else after

    def stands(minute: int) -> int:
        return (minute if minute < 10 or minute > 12 else 9) * 60

    restarted = first(
        alive=lambda minute: minute != 10,
        recovering=lambda minute: int(11 <= minute <= 12),
        owns=lambda minute: (0, 1) if minute < 10 or minute > 12 else (),
        sweep=stands,
        probe=stands,
        rebalances=again(5, 1),
        rejected=again(40, 0),
        holes=again(3, 0),
        mismatches=again(2, 0),
        processed=lambda minute: 20 * (minute if minute < 10 else minute - 10),
    )
    situation = Situation(40, workers=(restarted, second())).clock(FINE)
    for minute in (5, 10, 11, 12, 13, 14, 15, 20, 30, 40):
        situation.at(minute)
    return situation.spares(
        *TIERS, *LIVENESS, "SlaWorkerAbsent", "SlaWorkerDown", "SlaPartitionsOrphaned", "SlaRecoverySlow",
        "SlaRebalanceStorm", "SlaEventsRejected", "SlaStreamHole", "SlaSealMismatch",
    )  # fmt: skip


@situation
def test_a_restart_of_the_only_worker_is_no_alarm() -> Situation:
    """Nobody answers for less than a minute's patience, then it restores."""
    restarted = first(
        owns=lambda minute: ALL if minute < 10 or minute > 12 else (),
        alive=lambda minute: minute != 10,
        recovering=lambda minute: int(11 <= minute <= 12),
        sweep=lambda minute: (minute if minute < 10 or minute > 12 else 11) * 60,
        probe=lambda minute: (minute if minute < 10 or minute > 13 else 11) * 60,
    )
    situation = Situation(30, workers=(restarted,)).clock(FINE)
    for minute in (9, 10, 11, 12, 13, 14, 20, 30):
        situation.at(minute)
    return situation.spares(*TIERS, *LIVENESS, "SlaWorkerAbsent", "SlaPartitionsOrphaned", "SlaObjectiveSilent")


@situation
def test_a_rebalance_is_no_alarm() -> Situation:
    """Partitions move to another worker: for a minute nobody counts them, and shares stay what they are."""
    breaching = Traffic(Flow(60, breached=8))
    gives = first(owns=lambda minute: (0, 1) if minute < 10 else (0,), rebalances=lambda minute: 1 + (minute >= 10))
    takes = second(
        owns=lambda minute: (2, 3) if minute < 11 else (1, 2, 3), rebalances=lambda minute: 1 + (minute >= 10)
    )
    situation = Situation(30, workers=(gives, takes)).clock(breaching)
    for minute in (9, 10, 11, 12, 20, 30):
        situation.at(minute)
    return situation.spares(*TIERS, "SlaPartitionsOrphaned", "SlaRebalanceStorm", "SlaConsumerStuck")


@situation
def test_a_rolling_update_of_three_workers_is_no_alarm() -> Situation:
    """Each of the others leaves and comes back within a few minutes: four rebalances in a quarter of an hour."""

    def moves(minute: int) -> int:
        return 1 + sum(minute >= at for at in (10, 13, 16, 19))

    told = {"rebalances": moves}
    workers = (first(**told), second(**told), third(**told))
    return Situation(40, workers=workers).at(15).at(20).at(25).at(40).spares("SlaRebalanceStorm")


@situation
def test_a_standby_worker_without_partitions_is_no_alarm() -> Situation:
    """It sweeps nothing, and no probe of its own can come back."""
    return (
        Situation(30, workers=(first(), second(), third()))
        .at(5).at(15).at(30)
        .spares(*LIVENESS, "SlaPartitionsOrphaned", "SlaConsumerStuck")
    )  # fmt: skip


@situation
def test_a_standby_that_takes_over_is_no_alarm() -> Situation:
    """Its last probe is as old as its start until the first of its new partitions is back."""
    left = second(owns=lambda minute: (2, 3) if minute < 15 else (2,))
    heir = third(
        owns=lambda minute: () if minute < 15 else (3,),
        sweep=lambda minute: minute * 60 if minute >= 15 else 0,
        probe=lambda minute: minute * 60 if minute > 15 else 0,
    )
    return Situation(30, workers=(first(), left, heir)).at(15).at(16).at(17).at(30).spares(*LIVENESS)


@situation
def test_a_worker_that_restores_a_large_state_is_no_alarm() -> Situation:
    """For five minutes it has one of two partitions, sweeps nothing, and hears nothing."""
    restores = first(
        owns=lambda minute: (0, 1) if minute < 5 or minute >= 10 else (0,),
        recovering=lambda minute: int(5 <= minute < 10),
        sweep=lambda minute: (minute if minute < 5 or minute >= 10 else 5) * 60,
        probe=lambda minute: (minute if minute < 5 or minute >= 11 else 5) * 60,
    )
    situation = Situation(20, workers=(restores, second())).clock(FINE)
    for minute in (6, 7, 8, 9, 10, 11, 12, 20):
        situation.at(minute)
    return situation.spares(*TIERS, *LIVENESS, "SlaRecoverySlow", "SlaPartitionsOrphaned")


@situation
def test_a_worker_that_is_scaled_away_is_no_alarm() -> Situation:
    """Prometheus no longer looks for it, and its partitions are with the other."""
    gone = first(alive=lambda minute: minute < 10, listed=lambda minute: minute < 10)
    left = second(owns=lambda minute: (2, 3) if minute < 10 else ALL)
    return (
        Situation(30, workers=(gone, left))
        .clock(FINE)
        .at(10).at(13).at(20).at(30)
        .spares("SlaWorkerDown", "SlaWorkerAbsent", "SlaPartitionsOrphaned", *LIVENESS)
    )  # fmt: skip


@situation
def test_a_heartbeat_that_is_late_once_is_no_alarm() -> Situation:
    """A helpdesk is not heard of for a minute."""
    return (
        Situation(15, workers=(first(stale=lambda minute: int(minute == 5)), second()))
        .at(5).at(6).at(8).at(15)
        .spares("SlaSourceStale")
    )  # fmt: skip
