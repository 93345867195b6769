"""Zendesk's metric events: what it says of its own clocks. They are only in its API, so only reconcile brings them.

The body is an event as `incremental/ticket_metric_events` has it, with `"supportpulse": "metric_event"`. Breached: a
`breach`, whose time is the deadline, unless it was `deleted`. Met: a `fulfill`; whoever reads the API leaves out those
of an instance that no SLA was applied to, or that was breached before, as the event itself does not say so.

`reply_time` is the first reply in its instance 1 and a next reply in others. Not told: activations, pauses and targets
(`apply_sla` has no deadline), so no running clock is compared. A trigger has no placeholder for any of it, and the
event webhook `next_sla_breach_changed` does not say of which metric.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from supportpulse.edges.adapters.adapter import Delivery, Unknown
from supportpulse.edges.adapters.shape import moment, needed, word
from supportpulse.edges.adapters.verdict import SETTLED, Judge
from supportpulse.events import TicketEvent

BODY: Final = "metric_event"
FIRST: Final = "1"
CLOCKS: Final[Mapping[str, str]] = {
    "first_reply_time": "first_response",
    "next_reply_time": "next_response",
    "periodic_update_time": "periodic_update",
    "pausable_update_time": "pausable_update",
    "requester_wait_time": "requester_wait",
    "agent_work_time": "agent_work",
    "resolution_time": "total_resolution",
    "group_ownership_time": "ownership",
}


def adapt_metric(delivery: Delivery) -> list[TicketEvent]:
    """The verdict of a metric event; raises `Unknown` for what is none."""
    body = delivery.payload
    ticket, metric, kind = needed(body, "ticket_id"), needed(body, "metric"), word(body, "type")
    time = moment(body, "time")
    if time is None:
        raise Unknown("time", "time: found none; valid: ISO 8601 with a zone")
    if metric == "reply_time":
        metric = "first_reply_time" if word(body, "instance_id") == FIRST else "next_reply_time"
    judge = Judge.of("zendesk", delivery.source, ticket, CLOCKS, delivery.options)
    if kind == "breach":
        return [] if body.get("deleted") is True else judge.says(metric, "breached", time, time)
    if kind == "fulfill":
        return judge.says(metric, "met", time + SETTLED)
    raise Unknown("event", f"type: found {str(kind)[:60]}; valid: breach, fulfill")
