"""A ticket's week in a few words: events at "Fri 16:30", and what a policy says of one of its clocks.

Instants are written in UTC, from Friday 2025-03-28 on; Berlin is an hour ahead on that day and two from Sunday on.
"""

from __future__ import annotations

from typing import Any

from strategies import MINUTE, START, happened
from supportpulse.events import TicketEvent
from supportpulse.facts import Reading
from supportpulse.outcome import BREACHED, CANCELLED, KIND_NAMES, MET, Emission
from supportpulse.policy import Policy
from supportpulse.reader import read_event
from supportpulse.ticket import Plans, Ticket

DAYS = ("Fri", "Sat", "Sun", "Mon", "Tue", "Wed", "Thu")
WAIT, VENDOR = "pending_customer", "pending_third_party"

Case = tuple[str, list[TicketEvent], list[str]]
"""(clock, events, verdicts)"""


def ms(instant: str) -> int:
    """Milliseconds of "Mon 09:30", in the week from START on."""
    day, clock = instant.split()
    hour, minute = clock.split(":")
    return START + round((DAYS.index(day) * 1440 + int(hour) * 60 + float(minute)) * MINUTE)


def written(time: int) -> str:
    """The other way round."""
    day, minute = divmod((time - START) // MINUTE, 1440)
    return f"{DAYS[day]} {minute // 60:02}:{minute % 60:02}"


def say(name: str, instant: str, **data: Any) -> TicketEvent:
    """An event at an instant."""
    return happened(name, ms(instant), f"{name}@{instant}", **data)


def new(instant: str, priority: str | None = None, by: str = "customer") -> TicketEvent:
    """A ticket is created."""
    return say("TicketCreated", instant, by=by, **({"priority": priority} if priority else {}))


def ask(instant: str) -> TicketEvent:
    """A customer's message."""
    return say("MessagePosted", instant, by="customer")


def reply(instant: str, by: str = "agent", public: bool = True) -> TicketEvent:
    """An agent's message."""
    return say("MessagePosted", instant, by=by, public=public)


def status(instant: str, value: str) -> TicketEvent:
    """A change of status."""
    return say("StatusChanged", instant, status=value)


def raised(instant: str, priority: str) -> TicketEvent:
    """A change of priority."""
    return say("PriorityChanged", instant, priority=priority)


def owned(instant: str, team: str) -> TicketEvent:
    """A team gets the ticket."""
    return say("Assigned", instant, team=team)


def verdicts(policy: Policy, clock: str, *events: TicketEvent) -> list[Emission]:
    """What stands of a clock's verdicts after the week, in the order of time."""
    ticket = Ticket(Plans(policy), "desk")
    said: list[Emission] = []
    for event in events:
        reading = read_event(event)
        assert isinstance(reading, Reading)
        said += ticket.admit(reading) or []
    said += ticket.decide(START + 7 * 1440 * MINUTE - 1)
    stands: dict[tuple[int, int], Emission] = {}
    for one in said:
        if one.kind in (MET, BREACHED, CANCELLED) and ticket.fold.plan.clocks[one.clock].name == clock:
            if one.because:
                del stands[one.kind, one.cycle]
            else:
                stands[one.kind, one.cycle] = one
    return sorted(stands.values(), key=lambda one: one.time)


def told(policy: Policy, clock: str, *events: TicketEvent) -> list[str]:
    """The same in words: "met Mon 09:30"."""
    return [f"{KIND_NAMES[one.kind]} {written(one.time)}" for one in verdicts(policy, clock, *events)]
