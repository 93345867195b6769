"""A ticket from its bytes is the ticket: it folds on alike, and its header tells the truth."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from strategies import History, histories
from supportpulse import codec
from supportpulse.clock import NEVER, Cycle
from supportpulse.errors import Rejected
from supportpulse.facts import Reading
from supportpulse.outcome import Emission
from supportpulse.reader import read_event
from supportpulse.ticket import Plans, Ticket

_PLANS: dict[str, Plans] = {}


def ticket_of(history: History) -> Ticket:
    """A ticket that has seen nothing."""
    if history.policy_name not in _PLANS:
        _PLANS[history.policy_name] = Plans(history.policy)
    return Ticket(_PLANS[history.policy_name], history.events[0].source)


def take(ticket: Ticket, reading: Reading) -> list[Emission] | str | None:
    """What a ticket says to a reading, or why not."""
    try:
        return ticket.admit(reading)
    except Rejected as error:
        return error.reason


def read(history: History) -> list[Reading]:
    """The events as the fold sees them."""
    return [reading for event in history.events if isinstance(reading := read_event(event), Reading)]


@settings(max_examples=200, deadline=None)
@given(histories(), st.data())
def test_a_decoded_ticket_folds_on_alike(history: History, data: st.DataObject) -> None:
    """After any part of a history, a ticket and its copy from bytes say the same to the rest, word for word."""
    kept, readings = ticket_of(history), read(history)
    split = data.draw(st.integers(0, len(readings)))
    for offset, reading in enumerate(readings[:split]):
        take(kept, reading)
        kept.offset = offset
        if data.draw(st.booleans()):
            kept.decide(reading.time)
    value = codec.encode(kept)
    copy = codec.decode(value, kept.plans, kept.source)
    assert codec.encode(copy) == value
    for reading in readings[split:]:
        assert take(copy, reading) == take(kept, reading)
        assert copy.next_due() == kept.next_due()
    assert copy.decide(history.as_of) == kept.decide(history.as_of)
    assert codec.encode(copy) == codec.encode(kept)


@settings(max_examples=200, deadline=None)
@given(histories())
def test_a_header_is_true(history: History) -> None:
    """Offset, next due time, as_of, binding and the clocks running, at risk and overdue are those of the fold."""
    ticket = ticket_of(history)
    for offset, reading in enumerate(read(history)):
        take(ticket, reading)
        ticket.offset = 1000 + offset
    ticket.decide(history.as_of)
    value = codec.encode(ticket)
    header, fold = codec.header_of(value), ticket.fold
    assert (header.version, header.policy) == (codec.VERSION, fold.plan.version.index)
    assert (header.offset, header.next_due, header.as_of) == (ticket.offset, ticket.next_due(), fold.as_of)
    assert header.binding == fold.binding
    assert bool(header.flags & codec.VOID) == (fold.void_at >= 0)
    running: dict[int, Cycle] = {}
    for index, cycle in enumerate(fold.cycles):
        if fold.void_at < 0 and cycle and cycle.stop < 0 and fold.plan.aim(cycle.binding, index) is not None:
            running[index] = cycle
    assert header.running == sum(1 << index for index in running)
    assert codec.starts_of(value, header) == tuple(cycle.start // 60_000 for cycle in running.values())
    for index, cycle in running.items():
        overdue, at_risk = cycle.due <= fold.as_of, cycle.risk <= fold.as_of
        assert bool(header.overdue >> index & 1) == overdue
        assert bool(header.at_risk >> index & 1) == (at_risk and not overdue)
    assert header.overdue & header.at_risk == 0
    assert (header.overdue | header.at_risk) & ~header.running == 0


@settings(max_examples=100, deadline=None)
@given(histories())
def test_a_marker_at_the_next_due_time_moves_it_on(history: History) -> None:
    """Deciding at `next_due` always gets further: no ticket is due for ever."""
    ticket = ticket_of(history)
    for reading in read(history):
        take(ticket, reading)
    for _ in range(200):
        due = ticket.next_due()
        if due == NEVER or ticket.retired:
            break
        ticket.mark(due)
        assert ticket.retired or ticket.next_due() > due
    else:
        raise AssertionError("still due after 200 markers")
