"""One message of each kind, as documents of the interface show it: a day of ticket 4711 and its neighbours."""

from __future__ import annotations

import json
from typing import Any

from supportpulse.envelope import encode
from supportpulse.events import BY_TYPE, Event
from supportpulse.names import EVENTS_TOPIC, event_type

_AGENT = {"kind": "agent", "id": "5d41402abc4b2a76"}
_CUSTOMER = {"kind": "customer", "id": "7d793037a0760186"}

_DATA: dict[str, dict[str, Any]] = {
    "TicketCreated": {
        "scenario": "live_show", "region": "southeast_asia", "channel": "ticket", "priority": "urgent",
        "status": "new", "actor": _CUSTOMER,
    },
    "TicketObserved": {
        "created_at": "2026-01-31T12:00:00Z", "status": "open", "priority": "urgent", "team": "streaming",
        "agent": None,
    },
    "MessagePosted": {
        "public": True, "actor": _AGENT,
        "signals": {"length": 412, "language": "en", "cause": True, "self_check": True, "links": 1, "doc_links": 1},
    },
    "ProblemConfirmed": {"actor": _AGENT},
    "CauseIdentified": {"category": "encoder", "actor": _AGENT},
    "WorkaroundProvided": {"actor": _AGENT},
    "SolutionProvided": {"actor": _AGENT},
    "StatusChanged": {"status": "pending_customer", "actor": _AGENT},
    "PriorityChanged": {"priority": "high", "actor": _AGENT},
    "AttributesChanged": {"scenario": "1v1_social", "sub_scenario": None},
    "Assigned": {"team": "streaming", "site": "beijing", "agent": "5d41402abc4b2a76"},
    "HandedOver": {"from_site": "beijing", "to_site": "valley"},
    "Escalated": {"kind": "functional", "actor": _AGENT},
    "TicketMerged": {"other_ticket_id": "4700"},
    "TicketSplit": {"other_ticket_id": "4712"},
    "RepeatOf": {"other_ticket_id": "4688"},
    "TicketDeleted": {"actor": _AGENT},
    "MarkedAsSpam": {"actor": {"kind": "automation"}},
    "TicketRestored": {"actor": _AGENT},
    "SatisfactionRated": {"score": 0.8, "actor": _CUSTOMER},
    "KnowledgeLinked": {"reference": "kb/echo-cancellation", "actor": _AGENT},
    "KnownIssueLinked": {"reference": "issue/1207", "actor": _AGENT},
    "VendorVerdict": {"clock": "first_response", "verdict": "breached", "deadline": "2026-01-31T12:00:00Z"},
    "DeadlineReached": {"at": "2026-01-31T12:30:00Z"},
    "Heartbeat": {"instance": "desk-1", "watermark": "2026-01-31T12:00:05Z", "mode": "live"},
    "Probe": {"worker": "worker-1", "partition": 3},
}  # fmt: skip


def example_event(kind: type[Event]) -> dict[str, Any]:
    """An event of a type, as its record holds it."""
    said: dict[str, Any] = {"id": f"audit/{kind.__name__}", "source": "desk", "time": "2026-01-31T12:00:00Z"}
    if kind.about_ticket:
        said["subject"] = "4711"
    event = kind.model_validate({**said, "data": _DATA[kind.__name__]})
    found: dict[str, Any] = json.loads(encode(event))
    return found


def example_events() -> list[dict[str, Any]]:
    """An event of every type."""
    return [example_event(kind) for kind in BY_TYPE.values()]


def example_outcomes() -> list[dict[str, Any]]:
    """A batch of outcomes: a breach at its deadline, and its retraction when a reply in time arrives after all."""
    outcome = {
        "specversion": "1.0",
        "id": "5f1d7a84db00d2fce00b31a7fc73224f",
        "source": "supportpulse",
        "type": event_type("ClockBreached"),
        "subject": "desk|4711",
        "time": "2026-01-31T12:30:00.000Z",
        "data": {
            "clock": "substantive_response",
            "cycle": "9ae16a3b2f90404f",
            "deadline": "2026-01-31T12:30:00.000Z",
            "elapsed_ms": 1_800_000,
            "labels": {"scenario": "live_show", "rule": "urgent"},
            "cause": f"{EVENTS_TOPIC}-3-1207",
            "policy": "3f2a9c1be77d4a50c1be77d4a503f2a9",
        },
    }
    data: dict[str, Any] = outcome["data"]  # type: ignore[assignment]
    undone = {
        "id": "0a1b51d46d2ae1a2c7e4e61c2ea7ab51",
        "type": event_type("OutcomeRetracted"),
        "data": {**data, "retracts": "breached", "because": "late_event", "cause": f"{EVENTS_TOPIC}-3-1210"},
    }
    return [outcome, {**outcome, **undone}]
