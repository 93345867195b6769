"""What one event says, read plainly: when it counts, its place among the others, the attributes it speaks of."""

from __future__ import annotations

import xxhash

from supportpulse.envelope import to_ms
from supportpulse.events import DeadlineReached, Event, TicketEvent

DESCRIPTION = ("scenario", "sub_scenario", "region", "channel", "priority", "tier", "vendor")
WORK = ("status", "team", "site", "agent")
OBSERVING = ("TicketCreated", "TicketObserved", "StatusChanged", "PriorityChanged", "AttributesChanged", "Assigned")


def kind(event: Event) -> str:
    """The event's class name."""
    return type(event).__name__


def id64(event: Event) -> int:
    """The 64-bit hash of the event's id."""
    return xxhash.xxh64_intdigest(event.id.encode())


def hexed(number: int) -> str:
    """A cycle's name: 16 hex digits."""
    return f"{number:016x}"


def created_at(event: TicketEvent) -> int | None:
    """When a snapshot says that its ticket was created, in ms."""
    said = getattr(event.data, "created_at", None)
    return None if said is None else to_ms(said)


def entry_time(event: TicketEvent) -> int:
    """When the event counts, in ms: a snapshot never before the creation it tells of."""
    return max(to_ms(event.time), created_at(event) or to_ms(event.time))


def entry_order(event: TicketEvent) -> tuple[int, int, int]:
    """The place of an entry among those of its ticket: time, sequence (none first), id hash."""
    return entry_time(event), 0 if event.sequence is None else event.sequence + 1, id64(event)


def observed(event: TicketEvent) -> dict[str, str | None]:
    """The attributes the event speaks of; None = cleared."""
    if kind(event) not in OBSERVING:
        return {}
    names = [name for name in (*DESCRIPTION, *WORK) if name in event.data.model_fields_set]
    return {name: getattr(event.data, name) for name in names}


def is_entry(event: Event) -> bool:
    """Whether the event tells what happened to a ticket (a worker's marker does not)."""
    return isinstance(event, TicketEvent) and not isinstance(event, DeadlineReached)
