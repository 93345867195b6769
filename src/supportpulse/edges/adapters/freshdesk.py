"""Freshdesk and Freshservice: webhooks of automation rules (see `freshdesk_rule`), and app events, here.

An app event is what a small serverless app on the Freshworks marketplace is called with (`onTicketCreate`,
`onTicketUpdate`, `onConversationCreate`, `onTicketDelete`); the app posts its whole argument. Prefer app events: they
have times, ids and authors, which automation rules lack. Do not use both on one source: they name people differently.

Understood: a ticket is a `TicketObserved` (status, priority, group, agent, source), with what `changes` says is new in
place of what the ticket says, for some payloads show the ticket before the change; a changed status is a
`StatusChanged` too, as it says who changed it. A new ticket's description is the customer's first `MessagePosted`, a
conversation is one; a forwarded mail and a private note are internal, and a survey's comment is none. `changes` lies
in the ticket or, on Freshservice, beside it. Spam, deletion and their undoing are events; tags named in
`solution_tags`, newly set, are `SolutionProvided`.

Ids: `freshdesk/conversation/ID/...` is the API's conversation, `freshdesk/ticket/ID/TIME/...` the API's ticket at its
`updated_at`, `freshdesk/ticket/ID/description/...` its description.

What is left out, and what that costs:
- `event`, `domain` and `timestamp` may be missing: the kind is read off the shape, and without a domain the source
  numbers are Freshdesk's.
- `updated_at` has whole seconds: two changes within one are ordered by chance, but the same in every replay.
- A merge is not told: the ticket merged away closes with a private note.
- Ratings come only by an automation rule.
- A conversation without an id is named by ticket, author and time: two of them within a second are one.

Custom statuses need `statuses` in the source's configuration (number or name): until then a snapshot of such a ticket
is a dead letter (`status`). Freshdesk's own verdicts on its clocks are kept as `VendorVerdict`: see
`freshdesk_verdicts`.
"""

from __future__ import annotations

from typing import Any

from supportpulse.edges.adapters import freshdesk_rule
from supportpulse.edges.adapters.adapter import Delivery, Unknown, Update, in_causal_order
from supportpulse.edges.adapters.attributes import attributes_of, labels_of, value_of
from supportpulse.edges.adapters.freshdesk_numbers import PRIORITIES, STATUSES, channels, person
from supportpulse.edges.adapters.freshdesk_verdicts import CLOCKS, verdicts
from supportpulse.edges.adapters.message import posted
from supportpulse.edges.adapters.shape import at, moment, needed, record, word
from supportpulse.edges.adapters.snapshot import BORN, LAST, digest, known, number, observed, status_of, when
from supportpulse.edges.adapters.verdict import Judge
from supportpulse.events import (
    Actor,
    MarkedAsSpam,
    SolutionProvided,
    Status,
    StatusChanged,
    TicketDeleted,
    TicketEvent,
    TicketRestored,
)

NOTE, SURVEY, FORWARD = "2", "6", "8"
"""Sources of a conversation."""
DONE = ("solved", "closed")


def adapt(delivery: Delivery) -> list[TicketEvent]:
    """The events of one delivery."""
    payload = record(delivery.payload)
    if not isinstance(payload.get("data"), dict):
        return freshdesk_rule.adapt(delivery)
    event = word(payload, "event") or ""
    if event in ("onConversationUpdate", "onConversationDelete"):
        return []
    if isinstance(at(payload, "data.conversation"), dict):
        return _conversation(delivery)
    if isinstance(at(payload, "data.ticket"), dict):
        return in_causal_order(_ticket(delivery, event))
    if event.startswith("on"):
        return []
    raise Unknown("event", "data: found neither ticket nor conversation; valid: an app event about one of them")


# -- conversations ----------------------------------------------------------------------------------------------------


def _conversation(delivery: Delivery) -> list[TicketEvent]:
    said = at(delivery.payload, "data.conversation")
    source = word(said, "source")
    if source == SURVEY:
        return []
    ticket_id = word(said, "ticket_id", 200) or needed(delivery.payload, "data.ticket.id")
    time, _ = when(delivery, "data.conversation.created_at", "timestamp")
    name = word(said, "id", 200) or digest(ticket_id, said.get("user_id"), said.get("created_at"))
    update = Update(delivery.source, ticket_id, time, f"freshdesk/conversation/{name}", number(name))
    private = said.get("private")
    public = source != NOTE and delivery.options.unmarked_public if private is None else private is False
    html = isinstance(said.get("body"), str)
    text = said.get("body") if html else said.get("body_text")
    by = _author(update, delivery)
    return [posted(update, text, delivery.options, by=by, public=public and source != FORWARD, html=html)]


def _author(update: Update, delivery: Delivery) -> Actor | None:
    said = at(delivery.payload, "data.conversation")
    user = word(said, "user_id") or word(delivery.payload, "data.actor.id")
    kind = person(word(delivery.payload, "data.actor.type"))
    incoming = said.get("incoming")
    if incoming is True:
        kind = "customer"
    elif incoming is False and kind in (None, "customer"):
        kind = "agent"
    kind = known(delivery.options, user, said.get("from_email")) or kind
    return None if kind is None else update.actor(kind, user)


# -- tickets ----------------------------------------------------------------------------------------------------------


def _ticket(delivery: Delivery, event: str) -> list[TicketEvent]:
    payload, options = delivery.payload, delivery.options
    ticket_id = needed(payload, "data.ticket.id")
    changes = _changes(payload)
    born = event == "onTicketCreate" or (not event and changes is None)
    now = {"it": {**at(payload, "data.ticket"), **_news(changes)}}
    time, name = when(delivery, "data.ticket.updated_at", "timestamp")
    place = BORN if born else LAST
    update = Update(delivery.source, ticket_id, time, f"freshdesk/ticket/{ticket_id}/{name}", place)
    seen: dict[str, Any] = attributes_of(payload, options, labels_of(now, "it.tags"))
    for attribute, field, preset in (("priority", "priority", PRIORITIES), ("channel", "source", channels(payload))):
        value = value_of(options, attribute, word(now, f"it.{field}"), preset)
        if value is not None:
            seen.setdefault(attribute, value)
    if "group_id" in now["it"]:
        seen["team"] = value_of(options, "team", word(now, "it.group_id"))
    if "responder_id" in now["it"]:
        agent = word(now, "it.responder_id")
        seen["agent"] = None if agent is None else update.actor("agent", agent).id
    created = moment(payload, "data.ticket.created_at")
    if created is not None:
        seen["created_at"] = created
    found = word(now, "it.status")
    status = status_of(options, STATUSES, found)
    if found is not None and status is None:
        raise Unknown("status", f"status: found {found[:60]!r}; valid: {', '.join(STATUSES)}, or map it in `statuses`")
    if status is not None:
        seen["status"] = status
    by = _performer(update, delivery)
    if born and by is not None and by.kind == "agent":
        seen["actor"] = by
    told: list[TicketEvent] = [observed(update, seen)]
    who: dict[str, Any] = {} if by is None else {"actor": by}
    if changes is not None and "status" in changes and status is not None:
        told.append(update.event(StatusChanged, f"StatusChanged/{status}", status=status, **who))
    added = set(labels_of(changes, "tags.1")) - set(labels_of(changes, "tags.0"))
    if added & options.solution_tags:
        told.append(update.event(SolutionProvided, **who))
    told += _gone(update, event, changes, now)
    told += _verdicts(delivery, ticket_id, now["it"], None if born else changes or {}, status)
    return told + (_description(delivery, update, created) if born and "actor" not in seen else [])


def _gone(update: Update, event: str, changes: Any, now: Any) -> list[TicketEvent]:
    told: list[TicketEvent] = []
    for field, kind in (("spam", MarkedAsSpam), ("deleted", TicketDeleted)):
        if at(now, f"it.{field}") is True or (field == "deleted" and event == "onTicketDelete"):
            told.append(update.event(kind))
        elif at(changes, f"{field}.0") is True:
            told.append(update.event(TicketRestored, f"TicketRestored/{field}"))
    return told


def _verdicts(
    delivery: Delivery, ticket_id: str, ticket: dict[str, Any], changes: dict[str, Any] | None, status: Status | None
) -> list[TicketEvent]:
    """What Freshdesk says of its clocks; `changes` is None of a new ticket."""
    payload, options = delivery.payload, delivery.options
    before = status_of(options, STATUSES, word(changes, "status.0"))
    return verdicts(
        Judge.of("freshdesk", delivery.source, ticket_id, CLOCKS, options),
        ticket,
        moment(payload, "data.ticket.updated_at") or moment(payload, "timestamp"),
        delivery.received,
        renewed=changes,
        solved=status in DONE,
        solves=before is not None and before not in DONE,
    )


def _description(delivery: Delivery, update: Update, created: Any) -> list[TicketEvent]:
    """The customer's first message, at the ticket's creation."""
    ticket = at(delivery.payload, "data.ticket")
    text = ticket.get("description")
    html = isinstance(text, str)
    if not html and not isinstance(text := ticket.get("description_text"), str):
        return []
    name = f"freshdesk/ticket/{update.ticket_id}/description"
    first = Update(delivery.source, update.ticket_id, created or update.time, name)
    customer = first.actor("customer", word(ticket, "requester_id"))
    return [posted(first, text, delivery.options, by=customer, public=True, html=html)]


def _performer(update: Update, delivery: Delivery) -> Actor | None:
    raw = word(delivery.payload, "data.actor.id")
    kind = person(word(delivery.payload, "data.actor.type"))
    kind = known(delivery.options, raw, at(delivery.payload, "data.actor.email")) or kind
    return None if kind is None else update.actor(kind, raw)


def _changes(payload: Any) -> dict[str, Any] | None:
    """Field -> [before, after]; in the ticket, beside it, or one level deeper. None where the payload has none."""
    for path in ("data.ticket.changes", "data.changes", "changes"):
        found = at(payload, path)
        if isinstance(found, dict):
            inner = found.get("model_changes")
            return inner if isinstance(inner, dict) else found
    return None


def _news(changes: dict[str, Any] | None) -> dict[str, Any]:
    """Field -> after."""
    pairs = (changes or {}).items()
    return {field: pair[1] for field, pair in pairs if isinstance(pair, list) and len(pair) == 2}
