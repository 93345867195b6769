"""One source partition, record by record: admission, restoring, replays, markers, nothing that stops it."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest

from build import interpreted
from partitioned import DAY, HOUR, START, Consumed, Driven
from strategies import happened
from supportpulse import codec, envelope, panes, partition
from supportpulse.edges.pulse import heartbeat
from supportpulse.fold import Fold
from supportpulse.marker import marker as marker_of
from supportpulse.partition import Partition
from supportpulse.policy_record import POLICY_KEY
from supportpulse.tally import Tally
from supportpulse.ticket import Ticket


@pytest.fixture
def driven(tmp_path: Path) -> Driven:
    """A partition whose clocks have an hour."""
    return Driven(tmp_path)


def created(ticket: str = "1", at: int = START, **data: Any) -> Any:
    """A ticket opened at an instant (ms)."""
    return happened("TicketCreated", at, f"{ticket}/created", ticket=ticket, **data)


def replied(ticket: str = "1", at: int = START + 60_000, identity: str = "reply") -> Any:
    """A public reply of an agent."""
    return happened("MessagePosted", at, f"{ticket}/{identity}", by="agent", ticket=ticket, public=True)


def marker(ticket: str, at: int) -> Any:
    """A worker's marker."""
    return happened("DeadlineReached", at, f"deadline/{at}", ticket=ticket, at=envelope.from_ms(at))


def reasons(driven: Driven) -> list[str]:
    """Why records became dead letters."""
    return [letter.reason.value for letter in driven.state.letters]


def test_a_wrong_partition_is_seen_at_the_first_event_of_a_ticket(tmp_path: Path) -> None:
    """Half a ticket elsewhere would be a false breach; the detail names the right partition."""
    driven = Driven(tmp_path, right=7)
    driven.take(created())
    assert reasons(driven) == ["wrong_partition"]
    assert "valid: 7" in driven.state.letters[0].detail
    assert driven.state.tickets == 0


def test_heartbeats_probes_and_markers_of_unknown_tickets_are_in_no_wrong_partition(tmp_path: Path) -> None:
    """They are sent to explicit partitions, whatever their keys say."""
    driven = Driven(tmp_path, right=7)
    driven.take(marker("1", START))
    pulse = {"instance": "a", "mode": "log", "watermark": "2026-01-01T00:00:00Z"}
    for name, data in (("Heartbeat", pulse), ("Probe", {"worker": "w", "partition": 0})):
        event = {"specversion": "1.0", "id": name, "source": "desk", "type": f"supportpulse.{name}.v1"}
        event |= {"time": "2026-01-01T00:00:00Z", "data": data}
        driven.raw(b"desk", json.dumps(event).encode())
    assert reasons(driven) == []
    assert driven.state.sources.dirty == {"desk"}


@pytest.mark.parametrize("key", [POLICY_KEY, b"desk", b"desk|2", b"", b"\xff|1", b"|"])
def test_a_marker_under_another_key_is_a_dead_letter_and_decides_nothing(driven: Driven, key: bytes) -> None:
    """The store also holds sources and the policy's versions: none of them is a ticket."""
    driven.state.check_policy(START)
    driven.state.store[b"desk"] = b"\x90"
    driven.take(created())
    driven.raw(key, envelope.encode(marker("1", START + DAY)), START + DAY)
    driven.take(replied())
    assert reasons(driven) == ["key_mismatch"]
    assert driven.verdicts() == {"1": "met"}


def test_a_time_ahead_of_the_broker_is_rejected_beyond_the_bound_only(driven: Driven) -> None:
    """The broker's time of the record is the measure, so a replay says the same."""
    driven.take(created("1", START + DAY), START)
    driven.take(created("2", START + DAY + 1), START)
    assert reasons(driven) == ["future_time"]
    assert set(driven.state.live) == {b"desk|1"}


def beat(watermark: str, mode: str = "log") -> bytes:
    """A heartbeat of `desk`."""
    event = {"specversion": "1.0", "id": f"beat/{watermark}", "source": "desk", "type": "supportpulse.Heartbeat.v1"}
    pulse = {"instance": "a", "mode": mode, "watermark": watermark}
    return json.dumps(event | {"time": "2026-01-01T12:00:00Z", "data": pulse}).encode()


def test_times_nobody_can_write_stop_neither_the_stream_nor_the_sweep(driven: Driven) -> None:
    """Heartbeats, markers and creations before 1970 or from 2090 on are dead letters, and none of it is kept."""
    driven.take(created())
    for far in ("9999-12-31T23:59:59-12:00", "2090-01-01T00:00:00Z", "0001-01-01T00:00:00+12:00"):
        driven.raw(b"desk", beat(far))
        told = envelope.encode(marker("1", START)).replace(b"2026-01-01T12:00:00Z", far.encode())
        assert far.encode() in told
        driven.raw(b"desk|1", told)
        seen = envelope.encode(happened("TicketObserved", START, "2", ticket="2", created_at=START))
        driven.raw(b"desk|2", seen.replace(b'"created_at":"2026-01-01T12:00:00Z"', b'"created_at":"%s"' % far.encode()))
    assert reasons(driven) == ["future_time"] * 6 + ["schema"] * 3
    assert driven.state.sources.dirty == set()
    driven.state.settle()
    for key, at in driven.state.due(START + 2 * HOUR, 10):
        marker_of(key, at)
    assert set(driven.store) == {b"desk|1", POLICY_KEY}


def test_a_watermark_ahead_of_now_makes_nothing_due(driven: Driven) -> None:
    """No marker before the worker's clock has come to the deadline; a claim beyond the bound is a dead letter."""
    driven.take(created())
    driven.raw(b"desk", beat("2026-01-02T12:00:00Z"))
    driven.raw(b"desk", beat("2026-01-02T12:00:00.001Z"))
    assert reasons(driven) == ["future_time"]
    driven.state.settle()
    assert list(driven.state.due(START + 48 * 60_000, 10)) == []
    assert list(driven.state.due(START + HOUR, 10)) == [(b"desk|1", START + HOUR - 1)]


@interpreted
def test_a_defect_in_the_fold_is_a_dead_letter_and_leaves_the_ticket_as_it_was(
    driven: Driven, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What failed half-way is folded away, the ticket's other events and all others go on."""
    driven.take(created())
    with monkeypatch.context() as patch:
        patch.setattr(Fold, "step", lambda *given: 1 / 0)
        driven.take(replied())
    assert reasons(driven) == ["fold_failed"]
    driven.take(created("2"))
    driven.take(replied("1", START + 2 * HOUR, "second"), START + 2 * HOUR)
    driven.take(marker("1", START + 2 * HOUR))
    assert driven.verdicts() == {"1": "breached"}


@interpreted
def test_a_defect_while_a_marker_decides_leaves_the_ticket_as_it_was(
    driven: Driven, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it had decided, but not said, is said by the next marker."""
    driven.take(created())
    driven.take(marker("1", START + 60_000))

    with monkeypatch.context() as patch:
        patch.setattr(Ticket, "retire_at", lambda ticket: 1 // 0)  # asked when all that is due has been decided
        driven.take(marker("1", START + 2 * HOUR))
    assert reasons(driven) == ["fold_failed"]
    assert driven.verdicts() == {}
    driven.take(marker("1", START + 2 * HOUR + 1))
    assert driven.verdicts() == {"1": "breached"}


@interpreted
def test_whatever_goes_wrong_with_a_record_the_next_is_taken(driven: Driven, monkeypatch: pytest.MonkeyPatch) -> None:
    """An error nobody foresaw is a dead letter with its name."""
    with monkeypatch.context() as patch:
        patch.setattr(partition, "read", lambda value: {}[value])
        driven.take(created())
    driven.take(created("2"))
    assert reasons(driven) == ["fold_failed"]
    assert "KeyError" in driven.state.letters[0].detail
    assert set(driven.state.live) == {b"desk|2"}


def test_a_marker_raises_as_of_to_the_brokers_time_at_most(driven: Driven) -> None:
    """A worker whose clock is ahead decides nothing that has not come."""
    driven.take(created())
    driven.take(marker("1", START + 2 * HOUR), START + HOUR - 1)
    assert driven.verdicts() == {}
    assert driven.state.marked == [(b"desk|1", HOUR + 1)]
    driven.take(marker("1", START + 2 * HOUR), START + HOUR)
    assert driven.verdicts() == {"1": "breached"}


def test_a_restored_partition_knows_what_is_due_and_what_runs(driven: Driven) -> None:
    """Deadlines and counts come out of the headers alone."""
    for ticket in "123":
        driven.take(created(ticket))
    driven.take(replied("3"))
    driven.state.settle()
    restored = driven.opened(dict(driven.store), {})
    assert restored.tickets == 3
    assert restored.tallies["desk"].counts == driven.state.tallies["desk"].counts != {}
    found = dict(restored.due(START + HOUR, 10))
    assert found == {b"desk|1": START + HOUR - 1, b"desk|2": START + HOUR - 1}
    assert list(restored.due(START + HOUR, 10)) == []


def test_a_clock_counts_as_at_risk_or_overdue_only_once_that_is_decided(driven: Driven) -> None:
    """An event after the deadline alone says neither: its elder may still come, and a marker decides (law 3)."""

    def shown() -> tuple[int, int]:
        driven.state.settle()
        header = codec.header_of(driven.store[b"desk|1"])
        return header.at_risk, header.overdue

    driven.take(created())
    driven.take(happened("MessagePosted", START + 2 * HOUR, "note", by="agent", public=False))
    assert shown() == (0, 0)
    driven.take(marker("1", START + HOUR - 1))
    assert shown() == (1 << first_response(driven), 0)
    driven.take(marker("1", START + HOUR), START + HOUR)
    assert shown() == (0, 1 << first_response(driven))


def test_a_customer_waits_only_as_far_as_the_source_has_told(driven: Driven) -> None:
    """Behind what an import or a silent source told, the reply may still come; a live source counts by the clock."""
    now = START + 100 * DAY
    for source in ("imported", "live", "silent", "mute"):
        driven.take(happened("TicketCreated", START, source, ticket="1", source=source), now)
    for source, mode, heard in (("imported", "log", now), ("live", "live", now), ("silent", "live", now - HOUR)):
        beat = heartbeat(source, "a", watermark=envelope.from_ms(START + 1), mode=mode, time=envelope.from_ms(START))
        driven.raw(source.encode(), envelope.encode(beat), heard)
    driven.state.settle()
    for state in (driven.state, driven.opened(driven.store, {})):
        state.sources = driven.state.sources
        waiting = {name: sum(tally.waiting(at).values()) for name, (tally, at) in told(state, now).items()}
        assert waiting == {"imported": 0, "live": 3, "silent": 0, "mute": 3}
        assert [sum(tally.counts.values()) for tally, _ in told(state, now).values()] == [1] * 4


def told(state: Partition, now: int) -> dict[str, tuple[Tally, int]]:
    """What a partition tells, by source."""
    return dict(zip(state.tallies, state.told(now), strict=True))


def first_response(driven: Driven) -> int:
    """The place of the only clock with a target."""
    return [clock.name for clock in driven.plans.plans[0].clocks].index("first_response")


def test_no_source_takes_more_than_its_share_of_the_markers(driven: Driven) -> None:
    """An import with much to decide does not hold up a live source, and the limit holds for all together."""
    for number in range(50):
        driven.take(happened("TicketCreated", START, f"c{number}", ticket=str(number), source="import"))
    driven.take(happened("TicketCreated", START, "c", ticket="1", source="live"))
    driven.state.settle()
    found = [key for key, _ in driven.state.due(START + 2 * HOUR, 10)]
    assert b"live|1" in found
    assert len(found) <= 10


@interpreted
def test_more_outcomes_than_a_record_holds_go_out_as_several(driven: Driven, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each outcome once, none dropped."""
    driven.take(created())
    driven.take(marker("1", START + 2 * HOUR))
    driven.said()
    monkeypatch.setattr(partition, "OUTCOMES_A_RECORD", 1)
    driven.take(replied(), START + 2 * HOUR)
    assert len(driven.state.outbox) == 3
    assert [one["type"].split(".")[1] for one in driven.said()] == [
        "OutcomeRetracted", "OutcomeRetracted", "ClockMet",
    ]  # fmt: skip
    assert driven.verdicts() == {"1": "met"}


def history(rng: random.Random) -> list[tuple[Any, int]]:
    """(event, broker time) of some tickets, with repeats, late events and markers."""
    found = []
    for ticket in range(6):
        at = START + rng.randrange(DAY)
        told = [created(str(ticket), at)]
        told += [replied(str(ticket), at + rng.randrange(3 * HOUR), str(n)) for n in range(rng.randrange(4))]
        told += [marker(str(ticket), at + rng.randrange(4 * HOUR)) for _ in range(2)]
        found += [(event, at + rng.randrange(4 * HOUR, 8 * HOUR)) for event in [*told, *rng.sample(told, 1)]]
    return sorted(found, key=lambda item: item[1])


@pytest.mark.parametrize("seed", range(25))
def test_after_a_crash_between_panes_and_tickets_a_replay_comes_to_the_same(tmp_path: Path, seed: int) -> None:
    """Panes hold more than tickets, tickets more than the offset: values skip what they include (law 4)."""
    rng = random.Random(seed)
    driven = Driven(tmp_path)
    whole = history(rng)
    committed, tickets_at, panes_at = sorted(rng.choices(range(len(whole)), k=3))
    tickets: dict[bytes, bytes] = {}
    kept: dict[bytes, bytes] = {}
    for number, (event, broker) in enumerate(whole):
        driven.take(event, broker)
        if number == tickets_at:
            driven.state.settle()
            tickets = dict(driven.store)
        if number == panes_at:
            kept = {panes.key_bytes(key): panes.encode(pane) for key, pane in driven.state.panes.panes.items()}
    driven.state.settle()
    again = driven.opened(dict(tickets), kept)
    driven.replay(again, driven.records[committed:])
    again.settle()
    assert again.store == driven.state.store
    assert _counts(again) == _counts(driven.state)
    assert set(again.outbox) <= set(driven.state.outbox)
    assert {one for one in driven.state.outbox if _cause(one[1]) > tickets_at} <= set(again.outbox)


def _cause(outcomes: bytes) -> int:
    return int(json.loads(outcomes)[0]["data"]["cause"].rpartition("-")[2])


def _counts(state: Partition) -> dict[Any, Any]:
    return {key: pane.counts for key, pane in state.panes.panes.items() if pane.counts}


def test_tickets_put_out_of_the_cache_go_on_where_they_were(tmp_path: Path) -> None:
    """Objects are a cache of bytes."""
    driven, small = Driven(tmp_path), Driven(tmp_path)
    small.state.cached = 2
    for event, broker in history(random.Random(7)):
        driven.take(event, broker)
        small.take(event, broker)
        small.state.settle()
    assert len(small.state.live) < len(driven.state.live)
    driven.state.settle()
    assert small.store == driven.store
    assert small.verdicts() == driven.verdicts()


def test_events_of_one_batch_are_counted_by_what_they_are(driven: Driven) -> None:
    """Rejected and repeated ones too."""
    records = [
        Consumed(b"desk|1", envelope.encode(created()), 0, START),
        Consumed(b"desk|1", envelope.encode(created()), 1, START),
        Consumed(b"desk|1", None, 2, START),
        Consumed(b"desk|1", envelope.encode(marker("1", START)), 3, START),
    ]
    driven.state.take(records, START)
    assert {name: count for name, count in driven.metrics._processed.items() if count} == {"event": 3, "marker": 1}
    assert reasons(driven) == ["null_value"]
