"""What one event says, read plainly: when it counts, its place among the others, the attributes it speaks of."""

from __future__ import annotations

import xxhash

from supportpulse.envelope import to_ms
from supportpulse.events import (
    DeadlineReached,
    Event,
    HandedOver,
    MessagePosted,
    StatusChanged,
    TicketEvent,
    VendorVerdict,
)

DESCRIPTION = ("scenario", "sub_scenario", "region", "channel", "priority", "tier", "vendor")
WORK = ("status", "team", "site", "agent")
DONE = ("solved", "closed")
WORDLESS = ("MessagePosted", "StatusChanged", "PriorityChanged", "AttributesChanged")  # what they hold says it all
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
    if isinstance(event, VendorVerdict):  # behind all else of its time
        return entry_time(event), 2**63 + 1, id64(event)
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


def actor_kind(event: TicketEvent) -> str | None:
    """The role of whoever did it; None if the event does not say."""
    return None if event.data.actor is None else event.data.actor.kind


def confirms(event: TicketEvent) -> bool:
    """Whether the customer says that the ticket is resolved, in words or by solving it."""
    if actor_kind(event) != "customer":
        return False
    if isinstance(event, MessagePosted):
        return event.data.signals.confirms_resolution
    return isinstance(event, StatusChanged) and event.data.status in DONE


def explains(event: MessagePosted) -> bool:
    """Whether the text teaches something: a cause, prevention, self-check, code or a document."""
    said = event.data.signals
    return said.cause or said.prevention or said.self_check or said.code or said.doc_links > 0


def canned_percent(event: MessagePosted) -> int:
    """Share of canned phrases, rounded down to whole percent."""
    return int(event.data.signals.canned_share * 100 + 1e-9)


def meaning(event: TicketEvent) -> object:
    """All of an event that could ever decide anything: two deliveries of one id that differ elsewhere tell the same."""
    actor = event.data.actor
    by_agent = actor_kind(event) == "agent"
    seen = {name: value for name, value in observed(event).items() if (name, value) != ("status", None)}
    word = (
        None
        if kind(event) in ("MessagePosted", "StatusChanged", "PriorityChanged", "AttributesChanged")
        else kind(event)
    )
    route = (event.data.from_site, event.data.to_site) if isinstance(event, HandedOver) else None
    if isinstance(event, VendorVerdict):
        return entry_order(event), event.data.clock, event.data.verdict, event.data.deadline
    told = word, seen, created_at(event), route, confirms(event), _said(event)
    return entry_order(event), by_agent, actor.site if actor is not None and by_agent else None, told


def _said(event: TicketEvent) -> object:
    """What kind of message it is, with the signals of an answer."""
    if not isinstance(event, MessagePosted):
        return None
    if not event.data.public:
        return "internal"
    if actor_kind(event) in (None, "customer"):
        return actor_kind(event)
    said = event.data.signals
    told = said.question, said.names_item, said.mere_restart, explains(event), event.data.macro == "solution"
    return canned_percent(event), told
