"""The helpdesk's verdict on a clock, beside ours."""

from __future__ import annotations

import pytest

from oracle_parity import parity
from strategies import MINUTE, START, happened, policy_of
from supportpulse.events import TicketEvent
from supportpulse.facts import Reading
from supportpulse.outcome import PARITY
from supportpulse.parity import BREACHED, MET, RESULTS, RUNNING, compare
from supportpulse.reader import read_event
from supportpulse.ticket import Plans, Ticket

POLICY = """
name = "p"
labels = ["rule"]
[clocks.handling]
start = ["assigned"]
stop = ["resolved"]
cancel = ["left_team"]
cycles = "many"
[[rules]]
name = "all"
match.priority = ["normal"]
targets = { first_response = "1h", handling = "1h" }
"""
HOUR = 60 * MINUTE


@pytest.mark.parametrize(
    ("vendor", "deadline", "word", "due", "result"),
    [
        (MET, -1, MET, HOUR, "agree"),
        (MET, HOUR, MET, HOUR + MINUTE, "agree"),
        (MET, HOUR, MET, HOUR + MINUTE + 1, "deadline_differs"),
        (BREACHED, HOUR, RUNNING, 2 * HOUR, "deadline_differs"),
        (BREACHED, -1, RUNNING, 10 * HOUR + MINUTE, "agree"),
        (BREACHED, -1, RUNNING, 10 * HOUR + MINUTE + 1, "only_vendor_breached"),
        (RUNNING, -1, BREACHED, 10 * HOUR - MINUTE, "agree"),
        (RUNNING, -1, BREACHED, 10 * HOUR - MINUTE - 1, "only_we_breached"),
        (BREACHED, -1, MET, 10 * HOUR, "only_vendor_breached"),
        (MET, -1, BREACHED, 10 * HOUR - MINUTE, "agree"),
        (MET, -1, BREACHED, 10 * HOUR - MINUTE - 1, "only_we_breached"),
        (MET, HOUR, RUNNING, -1, "stands_differently"),
        (RUNNING, -1, MET, HOUR, "stands_differently"),
        (BREACHED, HOUR, RUNNING, -1, "only_vendor_breached"),
    ],
)
def test_two_verdicts_are_one_within_a_minute(vendor: int, deadline: int, word: int, due: int, result: str) -> None:
    """As of ten o'clock: words must be the same, deadlines within a minute, which a breach may be early or late too."""
    assert RESULTS[compare(vendor, deadline, word, due, 10 * HOUR)] == result


def created(priority: str = "normal") -> TicketEvent:
    """A ticket as it is opened."""
    return happened("TicketCreated", START, "1", by="customer", priority=priority)


def says(verdict: str, minutes: float, clock: str = "first_response", **told: int) -> TicketEvent:
    """The helpdesk's verdict; its id sorts first of all, its place is the last."""
    return happened("VendorVerdict", START + round(minutes * MINUTE), "v", clock=clock, verdict=verdict, **told)


def at(name: str, minutes: float, **data: object) -> TicketEvent:
    """Any other event."""
    return happened(name, START + round(minutes * MINUTE), f"{name}/{minutes}", by="agent", **data)  # type: ignore[arg-type]


CASES: dict[str, tuple[list[TicketEvent], str | None]] = {
    "a reply of the same millisecond counts before the verdict": (
        [created(), at("MessagePosted", 10, sequence=9), says("met", 10)], "agree"),
    "a breach said at our deadline is ours": ([created(), says("breached", 60, deadline=START + HOUR)], "agree"),
    "a breach said a minute and more before our deadline is not": (
        [created(), says("breached", 58)], "only_vendor_breached"),
    "a reply in time that the helpdesk did not see": (
        [created(), at("MessagePosted", 50), says("breached", 62)], "only_vendor_breached"),
    "a breach that the helpdesk does not know of": (
        [created(), at("MessagePosted", 70), says("met", 70)], "only_we_breached"),
    "a fulfilment after our deadline that we did not see": ([created(), says("met", 62)], "only_we_breached"),
    "another deadline": ([created(), says("running", 10, deadline=START + 2 * HOUR)], "deadline_differs"),
    "a clock without a target for this ticket": ([created("low"), says("running", 10)], "no_cycle"),
    "a clock that has not begun": ([created(), says("running", 10, "handling")], "no_cycle"),
    "a cycle that was cancelled": (
        [created(), at("Assigned", 1, team="a"), at("Assigned", 2, team=None), says("running", 10, "handling")],
        "no_cycle"),
    "a cycle that was cancelled after its breach": (
        [created(), at("Assigned", 1, team="a"), at("Assigned", 90, team=None), says("breached", 95, "handling")],
        "agree"),
    "the last of several cycles": (
        [created(), at("Assigned", 1, team="a"), at("Assigned", 90, team=None), at("Assigned", 95, team="b"),
         says("running", 100, "handling", deadline=START + 155 * MINUTE)], "agree"),
    "a clock that the policy has not": ([created(), says("running", 10, "nobodys")], None),
    "a ticket that was deleted": ([created(), says("running", 10), at("TicketDeleted", 11)], None),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("backwards", [False, True])
def test_a_verdict_is_compared_with_what_stood_at_its_time(case: str, backwards: bool) -> None:
    """In whatever order events arrive, and as the oracle has it."""
    events, expected = CASES[case]
    policy = policy_of(POLICY)
    ticket, results = Ticket(Plans(policy), "desk"), []
    for event in reversed(events) if backwards else events:
        reading = read_event(event)
        assert isinstance(reading, Reading)
        results += [(one.because, one.elapsed) for one in ticket.admit(reading) or [] if one.kind == PARITY]
    assert not results, "nothing is compared before the markers"
    said = [one for one in ticket.decide(START + 10 * HOUR) if one.kind == PARITY]
    assert [RESULTS[one.elapsed] for one in said] == ([] if expected is None else [expected])
    assert list(parity(events, policy, START + 10 * HOUR).values()) == ([] if expected is None else [expected])
