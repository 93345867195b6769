"""How often no inference rule applied."""

from __future__ import annotations

from strategies import happened, policy_of
from supportpulse.facts import Reading
from supportpulse.outcome import SOLVED
from supportpulse.reader import read_event
from supportpulse.ticket import Plans, Ticket

POLICY = """
name = "p"
labels = ["rule"]
[inference]
confirmed_by = ["first_substantive_reply"]
[[rules]]
name = "all"
targets = { total_resolution = "1h" }
"""


def known_when_solved(*events: object) -> list[int]:
    """`inferred` of every SOLVED said of a ticket."""
    ticket = Ticket(Plans(policy_of(POLICY)), "desk")
    said = []
    for event in events:
        reading = read_event(event)  # type: ignore[arg-type]
        assert isinstance(reading, Reading)
        said += ticket.admit(reading) or []
    return [one.inferred for one in said if one.kind == SOLVED]


def test_a_ticket_solved_without_confirmation_or_solution_is_told_from_others() -> None:
    """Solving says what was known by then: nothing, the confirmation by inference, or the solution by word too."""
    created = happened("TicketCreated", 0, "1", by="customer")
    solved = happened("StatusChanged", 3000, "4", status="solved")
    reply = happened("MessagePosted", 1000, "2", by="agent")
    solution = happened("SolutionProvided", 2000, "3", by="agent")
    assert known_when_solved(created, solved) == [0]
    assert known_when_solved(created, reply, solved) == [1]
    assert known_when_solved(created, reply, solution, solved) == [3]
