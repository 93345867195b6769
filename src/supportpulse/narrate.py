"""An event in a few words."""

from __future__ import annotations

from datetime import UTC, datetime

from supportpulse.envelope import to_ms
from supportpulse.events import (
    Assigned,
    AttributesChanged,
    Escalated,
    HandedOver,
    MessagePosted,
    PriorityChanged,
    StatusChanged,
    TicketCreated,
    TicketEvent,
    TicketObserved,
    VendorVerdict,
)

_FIELDS = ("status", "priority", "scenario", "sub_scenario", "region", "channel", "tier", "team", "site", "agent")


def stamp(ms: int) -> str:
    """An instant as people read it: `2026-01-05 13:00:00Z`, with milliseconds only where there are any."""
    seconds, rest = divmod(ms, 1000)
    fraction = f".{rest:03d}" if rest else ""
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S}{fraction}Z"


def describe(event: TicketEvent) -> str:
    """What happened, by whom: `MessagePosted: public, by agent agt-1; names an item, canned 40%`."""
    name = type(event).__name__
    said = _said(event)
    actor = event.data.actor
    by = "" if actor is None else f"by {actor.kind}" + (f" {actor.id}" if actor.id else "")
    told = ", ".join(part for part in (said, by) if part)
    return f"{name}: {told}" if told else name


def _said(event: TicketEvent) -> str:
    match event:
        case MessagePosted(data=message):
            marks = message.signals
            notes = [
                text
                for text, applies in (
                    (f"canned {marks.canned_share:.0%}", marks.canned_share > 0),
                    ("a question", marks.question),
                    ("names an item", marks.names_item),
                    ("a mere restart", marks.mere_restart),
                    ("explains", marks.cause or marks.prevention or marks.self_check or marks.code or marks.doc_links),
                    ("confirms the resolution", marks.confirms_resolution),
                    (f"macro {message.macro}", message.macro),
                )
                if applies
            ]
            return ", ".join(["public" if message.public else "internal", *notes])
        case StatusChanged(data=change):
            return change.status
        case PriorityChanged(data=priority):
            return priority.priority or "cleared"
        case VendorVerdict(data=said):
            until = "" if said.deadline is None else f", deadline {stamp(to_ms(said.deadline))}"
            return f"the helpdesk says {said.clock} {said.verdict}{until}"
        case Escalated(data=escalation):
            return escalation.kind
        case HandedOver(data=hand_over):
            return f"{hand_over.from_site or '?'} -> {hand_over.to_site or '?'}"
        case TicketCreated() | TicketObserved() | AttributesChanged() | Assigned():
            data = event.data
            shown = [name for name in _FIELDS if name in data.model_fields_set]
            return ", ".join(f"{name} {getattr(data, name) or 'cleared'}" for name in shown)
    return ""
