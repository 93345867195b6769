"""Chatwoot: account webhooks, the webhook of an API inbox, agent bots, and automation rules ("send webhook event").

Tick all of Conversation Created, Status Changed, Updated and Message Created, Updated. One account, one source: the
numbers of conversations are an account's own, and the events of conversations do not say which account.

Understood: `conversation_created`, `_status_changed`, `_updated` (and the old `_opened`, `_resolved`) are snapshots,
`TicketObserved`; `message_created` is a `MessagePosted`; `message_updated` counts only as the answer to a satisfaction
survey, `SatisfactionRated`: edits and delivery receipts are ignored. A label named in `solution_tags`, newly set, is
`SolutionProvided`. Every other event (contacts, inboxes, typing, the widget) is understood and of no interest.

Ids: `chatwoot/message/ID/...` is the message of the API's `messages`; `chatwoot/conversation/NUMBER/TIME/...` the
conversation of the API's `conversations` at its `updated_at`. Message times are cut to the second, as the API tells
them; messages of one second are ordered by their ids.

What Chatwoot leaves out, and what that costs:
- It never sends a webhook twice: what it could not deliver is lost until somebody reconciles. Every message therefore
  also says when its conversation began, so a lost `conversation_created` costs its first attributes, not the ticket.
- `changed_attributes` is null in many status changes; the conversation itself has the status after it. Nobody is named
  as the author of a change.
- Releases before `updated_at` say no time of a change, and the time of the last message would make it look earlier: it
  counts at `X-Chatwoot-Timestamp`, else at receipt.
- The time at which a survey was answered: it counts at the time of the survey.

"pending" is Chatwoot's word for a conversation that a bot holds: nobody of ours has it, so it is "new". "snoozed" waits
for the customer. Greetings, campaigns, automation rules and messages without a human sender are no human replies.

Chatwoot's own verdicts on its clocks, which the enterprise edition puts into every conversation, are kept as
`VendorVerdict`: see `chatwoot_sla`. Its marks (`first_reply_created_at`, `waiting_since`) are not read.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from supportpulse.edges.adapters.adapter import Delivery, Unknown, Update, in_causal_order
from supportpulse.edges.adapters.attributes import attributes_of, labels_of, value_of
from supportpulse.edges.adapters.chatwoot_sla import CLOCKS, verdicts
from supportpulse.edges.adapters.message import posted
from supportpulse.edges.adapters.shape import at, moment, needed, record, whole_second, word
from supportpulse.edges.adapters.snapshot import BORN, LAST, known, number, observed, status_of
from supportpulse.edges.adapters.verdict import Judge
from supportpulse.envelope import to_ms
from supportpulse.events import Actor, SatisfactionRated, SolutionProvided, Status, TicketEvent

STATUSES: Mapping[str, Status] = {
    "open": "open", "resolved": "solved", "pending": "new", "snoozed": "pending_customer",
    "0": "open", "1": "solved", "2": "new", "3": "pending_customer",
}  # fmt: skip
PRIORITIES = {"medium": "normal", "0": "low", "1": "normal", "2": "high", "3": "urgent"}
KINDS = {"0": "incoming", "1": "outgoing", "2": "activity", "3": "template"}
SNAPSHOTS = {"created", "status_changed", "updated", "opened", "resolved"}
OTHER = ("contact_", "inbox_", "webwidget_", "conversation_typing_")
AUTOMATION = "automation_event."
BEST = 5


def adapt(delivery: Delivery) -> list[TicketEvent]:
    """The events of one delivery."""
    payload = record(delivery.payload)
    event = needed(payload, "event")
    if event.startswith(AUTOMATION):
        return in_causal_order([*_snapshot(delivery), *_listed(delivery), *_verdicts(delivery, payload)])
    if event == "message_created":
        conversation = record(payload, "conversation")
        said = _message(delivery, payload, conversation)
        return in_causal_order([*said, *_verdicts(delivery, conversation)])
    if event == "message_updated":
        return _rating(delivery, payload, record(payload, "conversation"))
    if event.startswith("conversation_") and event.removeprefix("conversation_") in SNAPSHOTS:
        return in_causal_order([*_snapshot(delivery), *_verdicts(delivery, payload)])
    if event.startswith(OTHER):
        return []
    raise Unknown("event", f"event: found {event[:60]!r}; valid: a webhook event of Chatwoot")


def _verdicts(delivery: Delivery, conversation: Any) -> list[TicketEvent]:
    judge = Judge.of("chatwoot", delivery.source, _number(conversation), CLOCKS, delivery.options)
    return verdicts(judge, conversation)


def _number(conversation: Any) -> str:
    return word(conversation, "display_id", 200) or needed(conversation, "id")


# -- messages ---------------------------------------------------------------------------------------------------------


def _listed(delivery: Delivery) -> list[TicketEvent]:
    """The last message inside a conversation, where `message_type` and `created_at` are numbers."""
    message = at(delivery.payload, "messages.0")
    return _message(delivery, message, delivery.payload) if isinstance(message, dict) else []


def _message(delivery: Delivery, message: Any, conversation: Any) -> list[TicketEvent]:
    kind = _kind(message)
    told = _began(delivery, conversation)
    if kind == "activity" or at(message, "content_attributes.deleted") is True:
        return told
    update = _told_by(delivery, message, conversation)
    private = at(message, "private")
    public = delivery.options.unmarked_public if private is None else private is False
    by = _author(update, delivery, message, kind)
    return [*told, posted(update, at(message, "content"), delivery.options, by=by, public=public)]


def _told_by(delivery: Delivery, message: Any, conversation: Any) -> Update:
    """What the events of a message share: the time in whole seconds, and its id as sequence."""
    name = needed(message, "id")
    time = moment(message, "created_at") or _updated(delivery, conversation)[0]
    return Update(delivery.source, _number(conversation), whole_second(time), f"chatwoot/message/{name}", number(name))


def _kind(message: Any) -> str:
    found = needed(message, "message_type")
    kind = KINDS.get(found, found)
    if kind not in KINDS.values():
        raise Unknown("shape", f"message_type: found {found[:60]!r}; valid: {', '.join(KINDS.values())}, or 0 to 3")
    return kind


def _author(update: Update, delivery: Delivery, message: Any, kind: str) -> Actor:
    sender = word(message, "sender.id") or word(message, "sender_id") or word(message, "contact.id")
    if kind == "incoming":
        return update.actor("customer", sender)
    if known(delivery.options, sender, at(message, "sender.email")) == "bot":
        return update.actor("bot", sender)
    said_by = (word(message, "sender.type") or word(message, "sender_type") or "user").lower()
    if sender is None or kind == "template" or _automatic(message):
        return update.actor("automation")
    return update.actor("agent" if said_by == "user" else "bot", sender)


def _automatic(message: Any) -> bool:
    reasons = at(message, "content_attributes.automation_rule_id"), at(message, "additional_attributes.campaign_id")
    return any(reason not in (None, "") for reason in reasons)


def _rating(delivery: Delivery, message: Any, conversation: Any) -> list[TicketEvent]:
    rating = number(word(message, "content_attributes.submitted_values.csat_survey_response.rating"))
    if rating is None or not 0 < rating <= BEST:
        return []
    update = _told_by(delivery, message, conversation)
    by = update.actor("customer", word(conversation, "meta.sender.id"))
    return [update.event(SatisfactionRated, f"SatisfactionRated/{rating}", score=rating / BEST, actor=by)]


# -- conversations ----------------------------------------------------------------------------------------------------


def _began(delivery: Delivery, conversation: Any) -> list[TicketEvent]:
    """That the conversation exists since it began; sorts behind the snapshot of that instant, if one arrives."""
    created = moment(conversation, "created_at")
    if created is None:
        return []
    name, began = _number(conversation), whole_second(created)
    update = Update(delivery.source, name, began, f"chatwoot/conversation/{name}/began", LAST + 1)
    return [observed(update, {"created_at": began})]


def _updated(delivery: Delivery, conversation: Any) -> tuple[datetime, str]:
    """Time and name of a change: `updated_at`, else when it was sent. It is sent once, so that too may name it."""
    sent = moment(dict(delivery.headers), "x-chatwoot-timestamp") or delivery.received
    changed = moment(conversation, "updated_at") or sent
    return changed, str(to_ms(changed))


def _snapshot(delivery: Delivery) -> list[TicketEvent]:
    payload, options = delivery.payload, delivery.options
    ticket_id = _number(payload)
    time, name = _updated(delivery, payload)
    created = moment(payload, "created_at")
    born = payload.get("event") == "conversation_created" and created is not None
    if born and created is not None:
        time, name = created, str(to_ms(created))
    place = BORN if born else LAST
    update = Update(delivery.source, ticket_id, time, f"chatwoot/conversation/{ticket_id}/{name}", place)
    labels = labels_of(payload, "labels")
    seen: dict[str, Any] = attributes_of(payload, options, labels)
    if created is not None:
        seen["created_at"] = created
    if "priority" in payload and "priority" not in seen:
        seen["priority"] = value_of(options, "priority", word(payload, "priority"), PRIORITIES)
    if (status := _status(delivery, ticket_id)) is not None:
        seen["status"] = status
    _assignment(delivery, update, seen)
    if born and _written_by_agent(at(payload, "messages.0")):
        seen["actor"] = update.actor("agent")
    told: list[TicketEvent] = [observed(update, seen)]
    change = _change(payload, "label_list")
    added = set(labels_of(change, "current_value")) - set(labels_of(change, "previous_value"))
    if added & options.solution_tags:
        told.append(update.event(SolutionProvided))
    return told


def _written_by_agent(message: Any) -> bool:
    said_by = (word(message, "sender_type") or word(message, "sender.type") or "").lower()
    return said_by == "user" and word(message, "message_type") in ("1", "outgoing")


def _status(delivery: Delivery, ticket_id: str) -> Status | None:
    """The status after the change; one that nobody knows is a mistake of the configuration."""
    payload = delivery.payload
    found = word(_change(payload, "status"), "current_value") or word(payload, "status")
    status = status_of(delivery.options, STATUSES, found)
    if status is None and found is not None:
        valid = "open, resolved, pending, snoozed"
        raise Unknown("status", f"status of conversation {ticket_id[:60]}: found {found[:60]!r}; valid: {valid}")
    return status


def _change(payload: Any, attribute: str) -> Any:
    """Before and after of an attribute in `changed_attributes`: a list of objects with one key, or null."""
    listed = at(payload, "changed_attributes")
    for item in listed if isinstance(listed, list) else ():
        if isinstance(item, dict) and attribute in item:
            return item[attribute]
    return None


def _assignment(delivery: Delivery, update: Update, seen: dict[str, Any]) -> None:
    """Team and assignee; both are null for nobody, and left out where the conversation does not say."""
    meta = at(delivery.payload, "meta")
    if not isinstance(meta, dict):
        return
    if "team" in meta:
        team = word(meta, "team.name") or word(meta, "team.id")
        seen["team"] = value_of(delivery.options, "team", team)
    if "assignee" in meta:
        person = word(meta, "assignee.id")
        seen["agent"] = None if person is None else update.actor("agent", person).id
