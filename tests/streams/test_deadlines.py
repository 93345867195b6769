"""Markers: one in flight per ticket, a bounded number per partition, again when they fail or come too early."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import pytest

from partitioned import HOUR, Driven
from strategies import happened
from streams.deadlines import Deadlines, Flight
from supportpulse import envelope
from supportpulse.events import DeadlineReached


@dataclass
class Ticking:
    """Deadlines over a partition that is driven by hand, and a clock."""

    driven: Driven
    deadlines: Deadlines
    now: int
    flight: Flight = field(default_factory=Flight)

    def sweep(self) -> list[tuple[str, int]]:
        """(ticket, at) of the markers to append now."""
        self.driven.state.settle()
        markers = []
        self.flight = self.deadlines.sweep(self.now, len(self.driven.records))
        for key, value in self.flight.records:
            event = envelope.decode(value)
            assert isinstance(event, DeadlineReached)
            assert envelope.key_of(event).encode() == key
            markers.append((event.ticket_id, envelope.to_ms(event.data.at)))
        return markers

    def append(self, markers: list[tuple[str, int]], broker: int) -> None:
        """The markers come back out of the log, with the broker's time."""
        for ticket, at in markers:
            self.driven.take(happened("DeadlineReached", at, "m", ticket=ticket, at=envelope.from_ms(at)), broker)


@pytest.fixture
def ticking(tmp_path: Path) -> Ticking:
    """Three tickets due after one hour."""
    driven = Driven(tmp_path, "1h")
    for ticket in "123":
        driven.take(happened("TicketCreated", driven.start, ticket, ticket=ticket))
    return Ticking(driven, Deadlines(driven.state, cap=2, retry_ms=5000), driven.start)


def test_a_marker_says_one_millisecond_less_than_the_watermark_and_only_after_the_deadline(ticking: Ticking) -> None:
    """The watermark itself has not been delivered, so at the deadline nothing is due yet."""
    due = ticking.driven.start + HOUR
    ticking.now = ticking.driven.start + 48 * 60_000
    assert ticking.sweep() == []
    ticking.now = due
    first = ticking.sweep()  # at risk since 48 minutes
    assert [at for _, at in first] == [due - 1] * 2
    ticking.append(first, due)
    rest = ticking.sweep()
    ticking.append(rest, due)
    assert len(rest) == 1
    assert ticking.sweep() == []
    ticking.now = due + 1
    assert [at for _, at in ticking.sweep()] == [due, due]


def test_no_more_are_in_flight_than_the_cap_and_none_twice(ticking: Ticking) -> None:
    """What waits is sent when others have come back."""
    ticking.now = ticking.driven.start + 2 * HOUR
    first = ticking.sweep()
    assert len(first) == len(ticking.deadlines) == 2
    assert ticking.sweep() == []
    ticking.append(first[:1], ticking.now)
    (third,) = ticking.sweep()
    assert third[0] not in {ticket for ticket, _ in first}


@pytest.mark.parametrize("end", [None, 3])
def test_a_marker_that_does_not_come_back_is_sent_again_after_a_delay(ticking: Ticking, end: int | None) -> None:
    """When it could not be appended, or when all below offset 3, where it ends, was read: it carries no verdict."""
    ticking.now = ticking.driven.start + 2 * HOUR
    first = ticking.sweep()
    ticking.flight.landed(end)
    assert ticking.sweep() == []
    ticking.now += 4999
    assert ticking.sweep() == []
    ticking.now += 1
    assert {ticket for ticket, _ in ticking.sweep()} <= {"1", "2", "3"}
    assert len(ticking.deadlines) == 2
    assert len(first) == 2


@pytest.mark.parametrize("end", [None, 5])
def test_a_marker_that_waits_behind_a_backlog_is_not_sent_again(ticking: Ticking, end: int | None) -> None:
    """However long it takes: until it is acknowledged, and then until the partition was read up to it (offset 5)."""
    ticking.now = ticking.driven.start + 2 * HOUR
    first = ticking.sweep()
    if end is not None:
        ticking.flight.landed(end)
    for _ in range(10):
        ticking.now += HOUR
        assert ticking.sweep() == []
    ticking.append(first, ticking.now)
    assert len(ticking.sweep()) == 1  # the third, which had to wait for its turn
    assert set(ticking.driven.verdicts()) == {ticket for ticket, _ in first}


def test_a_marker_whose_broker_time_lies_before_the_deadline_waits_for_the_difference(ticking: Ticking) -> None:
    """A worker whose clock runs ahead of the broker's does not fill the log with markers that decide nothing."""
    due = ticking.driven.start + HOUR
    ticking.now = due + 3000
    markers = ticking.sweep()
    ticking.append(markers, broker=due - 1000)  # its clock is 4 s behind ours
    ticking.append(ticking.sweep(), broker=due - 1000)
    for passed in (0, 1000, 3000):
        ticking.now = due + 3000 + passed
        assert [ticket for ticket, _ in ticking.sweep() if ticket in {told for told, _ in markers}] == []
    ticking.now = due + 3000 + 3999
    again = ticking.sweep()
    assert {ticket for ticket, _ in again} & {ticket for ticket, _ in markers}
    ticking.append(again, broker=due + 2999)
    assert ticking.driven.verdicts() == {ticket: "breached" for ticket, _ in again}


def test_a_marker_that_decided_all_though_the_broker_is_behind_is_done(ticking: Ticking) -> None:
    """A few milliseconds of difference between clocks cost nothing once the deadline lies before both."""
    ticking.now = ticking.driven.start + HOUR + 500
    markers = ticking.sweep()
    ticking.append(markers, broker=ticking.now - 100)
    ticking.sweep()
    assert len(ticking.deadlines) == 1  # only the third, which had to wait for its turn
    assert set(ticking.driven.verdicts()) == {ticket for ticket, _ in markers}


def test_a_ticket_whose_bytes_are_old_gets_no_second_marker(ticking: Ticking) -> None:
    """Under load bytes are brought up later: what the first marker decided must not look due until then."""
    driven, due = ticking.driven, ticking.driven.start + HOUR
    ticking.now = due - 60_000  # at risk
    first = ticking.sweep()
    ticking.append(first, ticking.now)
    told = {ticket for ticket, _ in first}
    assert [key for key, _ in ticking.deadlines.sweep(ticking.now, 5).records if key.decode()[5:] in told] == []
    driven.state.settle()
    ticking.now = due + 1
    assert {ticket for ticket, _ in ticking.sweep()} & told
