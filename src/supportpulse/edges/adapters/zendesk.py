"""Zendesk: event webhooks (`zen:event-type:ticket.*`), and triggers with the templates of `zendesk_template`.

Understood: created, comments, status and custom status, priority, group and agent, tags, custom fields, brand, form,
organization, type, merged, spam, soft and permanently deleted, undeleted. Let a webhook subscribe to these; use either
events or triggers for a ticket, not both.

Ids name what the incremental ticket events of the API name too: `zendesk/comment/<comment id>`, and for a change
`zendesk/ticket/<id>@<second>/<field>=<value>`, as the id of an event webhook is in no API. So times are cut to the
second: `updated_at` if the event came within five seconds of it, else `time`. Whoever reads the API builds the same
bodies and calls `adapt`. The events of one update come as a burst in no sure order: they share that second and are
ordered by cause, `meta.sequence` is not needed.

Left out by Zendesk, and lost: the order of two changes of one field within a second; whether a macro, or the merge of
two tickets, wrote a comment; that a public comment was made private later (it stays the reply it was); custom fields of
a ticket before their first change; satisfaction ratings (their payload is not documented: a dead letter). Zendesk's own
verdicts on its clocks are in its API alone: see `zendesk_metrics`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

from supportpulse.edges.adapters.adapter import Delivery, Unknown, Update, in_causal_order, opaque
from supportpulse.edges.adapters.attributes import (
    attributes_of,
    by_labels,
    changed,
    labelled,
    labels_of,
    value_of,
)
from supportpulse.edges.adapters.message import posted
from supportpulse.edges.adapters.shape import at, moment, needed, record, second_of, whole_second, word
from supportpulse.edges.adapters.zendesk_template import adapt_template
from supportpulse.edges.adapters.zendesk_words import SYSTEM, person, status_of
from supportpulse.events import (
    Actor,
    Assigned,
    MarkedAsSpam,
    SolutionProvided,
    StatusChanged,
    TicketCreated,
    TicketDeleted,
    TicketEvent,
    TicketMerged,
    TicketRestored,
)

DOMAIN: Final = "zen:event-type:"
TICKET: Final = "ticket."
ONE_UPDATE: Final = timedelta(seconds=5)
FIELDS: Final = {
    "brand_changed": "detail.brand_id",
    "form_changed": "detail.form_id",
    "organization_changed": "detail.organization_id",
    "type_changed": "detail.type",
}
QUIET: Final = frozenset((
    "attachment_linked_to_comment", "attachment_redacted_from_comment", "comment_made_private", "comment_redacted",
    "csat_requested", "description_changed", "email_ccs_changed", "external_id_changed", "followers_changed",
    "next_sla_breach_changed", "ola_policy_changed", "problem_link_changed", "requester_changed", "schedule_changed",
    "sla_policy_changed", "subject_changed", "submitter_changed", "task_due_at_changed",
))  # fmt: skip


def adapt(delivery: Delivery) -> list[TicketEvent]:
    """Events of one webhook body; raises `Unknown` for what is neither an event of Zendesk nor one of our templates."""
    body = record(delivery.payload)
    if "supportpulse" in body:
        return adapt_template(delivery)
    kind = needed(body, "type")
    if not kind.startswith(DOMAIN):
        raise Unknown("event", f"type: found {kind[:60]}; valid: {DOMAIN}... or a template's body")
    name = kind.removeprefix(DOMAIN)
    if not name.startswith(TICKET):
        return []
    name = name.removeprefix(TICKET)
    if name in QUIET:
        return []
    tell = _field if name in FIELDS else _TELL.get(name)
    if tell is None:
        raise Unknown("event", f"type: found ticket.{name[:60]}; valid: {', '.join(sorted([*_TELL, *FIELDS]))}")
    return in_causal_order(tell(_Told(delivery, name, _update(delivery, name))))


@dataclass(frozen=True)
class _Told:
    """One event of Zendesk: its body, and the update of ours that it becomes."""

    delivery: Delivery
    name: str
    update: Update

    @property
    def current(self) -> str | None:
        """The value after the change; ids come as texts or numbers, and 0 or nothing is nobody."""
        return _some(self.delivery.payload, "event.current")

    def who(self, path: str, staff: Any = None) -> Actor | None:
        """The person whose id lies at a path."""
        raw = word(self.delivery.payload, path)
        kind = person(self.delivery.options, raw, word(self.delivery.payload, "detail.requester_id"), staff)
        return None if kind is None else self.update.actor(kind, raw)

    @property
    def actor(self) -> Actor | None:
        """Who made the change; Zendesk itself has the id -1."""
        return self.who("detail.actor_id")


def _some(payload: Any, path: str) -> str | None:
    found = word(payload, path)
    return None if found in SYSTEM else found


def _update(delivery: Delivery, name: str) -> Update:
    body = delivery.payload
    _, named, tail = (word(body, "subject") or "").partition("zen:ticket:")
    ticket = word(body, "detail.id") or (tail if named else "")
    if not ticket:
        raise Unknown("ticket", "detail.id and subject: found neither; valid: the id of a ticket")
    time = _time(body, name)
    return Update(delivery.source, ticket, time, f"zendesk/ticket/{ticket}@{second_of(time)}")


def _time(body: Any, name: str) -> datetime:
    time, updated = moment(body, "time"), moment(body, "detail.updated_at")
    if name == "created":
        time = moment(body, "detail.created_at") or time
    elif updated is not None and (time is None or timedelta() <= time - updated < ONE_UPDATE):
        time = updated
    if time is None:
        raise Unknown("time", "time: found none; valid: ISO 8601 with a zone")
    return whole_second(time)


def _created(told: _Told) -> list[TicketEvent]:
    body, options = told.delivery.payload, told.delivery.options
    data: dict[str, Any] = {"actor": told.who("detail.submitter_id") or told.actor}
    data["channel"] = value_of(options, "channel", word(body, "detail.via.channel"))
    data["priority"] = value_of(options, "priority", word(body, "detail.priority"))
    data |= attributes_of(body, options, labels_of(body, "detail.tags"))
    status = status_of(options, word(body, "detail.status"), word(body, "detail.custom_status"))
    if status is not None:
        data["status"] = status
    created = told.update.event(TicketCreated, **data)
    events: list[TicketEvent] = [created.model_copy(update={"id": f"zendesk/ticket/{created.ticket_id}/created"})]
    if (group := _some(body, "detail.group_id")) is not None:
        events.append(_team(told, group))
    if (agent := _some(body, "detail.assignee_id")) is not None:
        events.append(_agent(told, agent))
    return events


def _comment(told: _Told) -> list[TicketEvent]:
    body, update = told.delivery.payload, told.update
    comment = record(body, "event.comment")
    name = word(comment, "id")
    update = replace(update, id=f"zendesk/comment/{name}" if name else f"zendesk/event/{needed(body, 'id')}")
    public = comment.get("is_public", at(body, "detail.is_public"))
    by = told.who("event.comment.author.id", at(comment, "author.is_staff")) or told.actor
    return [posted(update, comment.get("body"), told.delivery.options, by=by, public=public is True)]


def _status(told: _Told) -> list[TicketEvent]:
    custom = _some(told.delivery.payload, "detail.custom_status")
    name = needed(told.delivery.payload, "event.current")
    return _entered(told, status_of(told.delivery.options, name, custom))


def _custom_status(told: _Told) -> list[TicketEvent]:
    """A status of the desk's own: `ticket.status_changed` tells its category, unless the configuration knows better."""
    known = told.current in told.delivery.options.statuses
    return _entered(told, status_of(told.delivery.options, None, told.current)) if known else []


def _entered(told: _Told, status: str | None) -> list[TicketEvent]:
    if status is None:
        return []
    return [told.update.event(StatusChanged, f"status={status}", status=status, actor=told.actor)]


def _priority(told: _Told) -> list[TicketEvent]:
    value = value_of(told.delivery.options, "priority", told.current)
    return [changed(told.update, "priority", value, actor=told.actor)]


def _team(told: _Told, group: str | None) -> TicketEvent:
    team = value_of(told.delivery.options, "team", group)
    return told.update.event(Assigned, f"team={team or '-'}", team=team, actor=told.actor)


def _agent(told: _Told, raw: str | None) -> TicketEvent:
    agent = None if raw is None else opaque(told.update.source, raw)
    return told.update.event(Assigned, f"agent={agent or '-'}", agent=agent, actor=told.actor)


def _field(told: _Told) -> list[TicketEvent]:
    return _at_path(told, FIELDS[told.name], told.current)


def _custom_field(told: _Told) -> list[TicketEvent]:
    body = told.delivery.payload
    current = "event.current.value" if isinstance(at(body, "event.current"), dict) else "event.current"
    return _at_path(told, f"custom_fields.{needed(body, 'event.custom_field.id')}", word(body, current))


def _at_path(told: _Told, path: str, value: str | None) -> list[TicketEvent]:
    options = told.delivery.options
    mine = (attribute for attribute, where in options.attributes.items() if where == path)
    return [changed(told.update, name, value_of(options, name, value), actor=told.actor) for name in mine]


def _tags(told: _Told) -> list[TicketEvent]:
    body, options, update = told.delivery.payload, told.delivery.options, told.update
    added, removed = labels_of(body, "event.tags_added"), labels_of(body, "event.tags_removed")
    all_tags = labels_of(body, "detail.tags") or added
    events: list[TicketEvent] = [
        changed(update, name, by_labels(options, name, all_tags), actor=told.actor)
        for name in labelled(options)
        if by_labels(options, name, [*added, *removed]) is not None
    ]
    if options.solution_tags.intersection(added):
        events.append(update.event(SolutionProvided, "solution", actor=told.actor))
    return events


def _merged(told: _Told) -> list[TicketEvent]:
    other = _some(told.delivery.payload, "event.target_ticket_id")
    return [told.update.event(TicketMerged, "merged", other_ticket_id=other, actor=told.actor)]


def _gone(kind: type[TicketEvent], sub: str) -> Callable[[_Told], list[TicketEvent]]:
    return lambda told: [told.update.event(kind, sub, actor=told.actor)]


_TELL: Final[dict[str, Callable[[_Told], list[TicketEvent]]]] = {
    "created": _created,
    "comment_added": _comment,
    "status_changed": _status,
    "custom_status_changed": _custom_status,
    "priority_changed": _priority,
    "group_assignment_changed": lambda told: [_team(told, told.current)],
    "agent_assignment_changed": lambda told: [_agent(told, told.current)],
    "custom_field_changed": _custom_field,
    "tags_changed": _tags,
    "merged": _merged,
    "marked_as_spam": _gone(MarkedAsSpam, "spam"),
    "soft_deleted": _gone(TicketDeleted, "deleted"),
    "permanently_deleted": _gone(TicketDeleted, "deleted"),
    "undeleted": _gone(TicketRestored, "restored"),
}
