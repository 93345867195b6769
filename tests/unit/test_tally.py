"""The tally of running clocks, by hand."""

from __future__ import annotations

from strategies import HOUR, MINUTE, START, happened, policy_of
from supportpulse import codec
from supportpulse.facts import Reading
from supportpulse.panes import cell
from supportpulse.reader import read_event
from supportpulse.tally import AT_RISK, OPEN, OVERDUE, Shapes, Tally
from supportpulse.ticket import Plans, Ticket

POLICY = """
name = "two"
labels = ["scenario"]
enums.scenario = ["live", "voice"]
waiting = ["30m", "1h"]
waiting_clocks = ["first_response"]
[[rules]]
name = "all"
targets = { first_response = "1h", complete_resolution = "4h" }
"""
PLANS = Plans(policy_of(POLICY))
FIRST, COMPLETE = (
    [clock.name for clock in PLANS.plans[0].clocks].index(name) for name in ("first_response", "complete_resolution")
)
LIVE, VOICE = 0, 1


def value(ticket: Ticket) -> bytes:
    """What the store holds of a ticket."""
    return codec.encode(ticket)


def opened(number: int, ms: int, scenario: str = "live") -> Ticket:
    """A ticket just created: both clocks run."""
    ticket = Ticket(PLANS, "desk")
    reading = read_event(happened("TicketCreated", ms, f"c{number}", ticket=str(number), scenario=scenario))
    assert isinstance(reading, Reading)
    ticket.admit(reading)
    return ticket


def replied(ticket: Ticket, number: int, ms: int) -> None:
    """A person answers: the first response stops."""
    reading = read_event(happened("MessagePosted", ms, f"r{number}", ticket=str(number), by="agent"))
    assert isinstance(reading, Reading)
    ticket.admit(reading)


def test_a_clock_is_open_then_at_risk_then_overdue_then_gone() -> None:
    """Past its deadline a clock is overdue and no longer at risk; stopped, it is nowhere."""
    tally, ticket = Tally(Shapes(PLANS)), opened(1, START)
    first, both = value(ticket), {cell(0, LIVE, FIRST, OPEN): 1, cell(0, LIVE, COMPLETE, OPEN): 1}
    tally.replace(None, first)
    assert tally.counts == both
    ticket.mark(START + 50 * MINUTE)
    risky = value(ticket)
    tally.replace(first, risky)
    assert tally.counts == both | {cell(0, LIVE, FIRST, AT_RISK): 1}
    ticket.mark(START + HOUR)
    late = value(ticket)
    tally.replace(risky, late)
    assert tally.counts == both | {cell(0, LIVE, FIRST, OVERDUE): 1}
    replied(ticket, 1, START + 2 * HOUR)
    answered = value(ticket)
    tally.replace(late, answered)
    assert tally.counts == {cell(0, LIVE, COMPLETE, OPEN): 1}
    tally.replace(answered, None)
    assert tally.counts == {}


def test_tickets_of_one_label_set_add_up() -> None:
    """Two live tickets and a voice ticket are counted apart by label, whether loaded or told one by one."""
    values = [value(opened(1, START)), value(opened(2, START + MINUTE)), value(opened(3, START, "voice"))]
    loaded, told = Tally(Shapes(PLANS)), Tally(Shapes(PLANS))
    loaded.load(values)
    for one in values:
        told.replace(None, one)
    assert loaded.counts[cell(0, LIVE, FIRST, OPEN)] == 2
    assert loaded.counts[cell(0, VOICE, FIRST, OPEN)] == 1
    assert loaded.counts == told.counts
    assert loaded.waiting(START + HOUR) == told.waiting(START + HOUR)


def test_waiting_clocks_count_by_age_and_only_where_the_policy_asks() -> None:
    """Over 30 minutes and over 1 hour, less than a minute late; complete_resolution is not watched."""
    tally = Tally(Shapes(PLANS))
    early, late = value(opened(1, START)), value(opened(2, START + 20 * MINUTE + 1))
    tally.load([early, late])
    over_30m, over_1h = cell(0, LIVE, FIRST, 0), cell(0, LIVE, FIRST, 1)
    assert tally.waiting(START + 30 * MINUTE) == {}
    assert tally.waiting(START + 31 * MINUTE) == {over_30m: 1}
    assert tally.waiting(START + 51 * MINUTE) == {over_30m: 2}
    assert tally.waiting(START + 61 * MINUTE) == {over_30m: 2, over_1h: 1}
    tally.replace(early, None)
    assert tally.waiting(START + 62 * MINUTE) == {over_30m: 1}


def test_waiting_needs_no_event_and_holds_for_old_starts() -> None:
    """A ticket that comes when it is already beyond every threshold counts in each, and is forgotten with it."""
    tally, old = Tally(Shapes(PLANS)), value(opened(1, START))
    assert tally.waiting(START + 9 * HOUR) == {}
    tally.load([value(opened(2, START + 9 * HOUR))])
    assert tally.waiting(START + 10 * HOUR) == {cell(0, LIVE, FIRST, 0): 1}
    tally.replace(None, old)
    assert tally.waiting(START + 10 * HOUR) == {cell(0, LIVE, FIRST, 0): 2, cell(0, LIVE, FIRST, 1): 1}
    tally.replace(old, None)
    assert tally.waiting(START + 10 * HOUR) == {cell(0, LIVE, FIRST, 0): 1}
