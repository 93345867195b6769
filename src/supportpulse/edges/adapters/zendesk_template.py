"""Zendesk by triggers: for desks that cannot have event webhooks.

`templates/zendesk.json` has the JSON bodies of two triggers that notify a webhook: `ticket` on "Ticket is created or
updated", and `comment` with the condition "Comment is present" added (without it, an old comment would be told again
at a new time). A trigger knows no before and after: a ticket's body becomes a `TicketObserved`, whose id holds a digest
of what it shows.

Lost beside what event webhooks lose: whatever happens between two deliveries and does not last; merges, spam and
deletions (no trigger runs on them); seconds, where the account writes times to the minute (then two changes of one
minute have no order); the role of a comment's author where Zendesk writes none (everybody but the requester counts as
an agent then: list the agents of the source). Statuses come in the account's language: map other than English ones.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

from supportpulse.edges.adapters.adapter import Delivery, Unknown, Update, opaque
from supportpulse.edges.adapters.attributes import attributes_of, labels_of, value_of
from supportpulse.edges.adapters.message import posted
from supportpulse.edges.adapters.shape import moment, needed, second_of, whole_second, word
from supportpulse.edges.adapters.snapshot import LAST, observed
from supportpulse.edges.adapters.zendesk_metrics import BODY as METRIC_EVENT
from supportpulse.edges.adapters.zendesk_metrics import adapt_metric
from supportpulse.edges.adapters.zendesk_words import SYSTEM, person, status_of
from supportpulse.events import TicketEvent

END_USERS: Final = frozenset(("end-user", "end user", "end_user"))


def adapt_template(delivery: Delivery) -> list[TicketEvent]:
    """The event of a trigger's body, or the verdict of a metric event that reconcile brings.

    Raises `Unknown` for what is not one of our templates.
    """
    body = delivery.payload
    kind = word(body, "supportpulse")
    if kind == METRIC_EVENT:
        return adapt_metric(delivery)
    ticket = needed(body, "ticket_id")
    time = moment(body, "updated_at")
    if time is None:
        raise Unknown(
            "time", "updated_at: found none; valid: ISO 8601 with a zone, as {{ticket.updated_at_with_timestamp}}"
        )
    time = whole_second(time)
    update = Update(delivery.source, ticket, time, f"zendesk/ticket/{ticket}@{second_of(time)}")
    if kind == "ticket":
        return [_observed(delivery, update)]
    if kind == "comment":
        return [_message(delivery, update)]
    raise Unknown("event", f"supportpulse: found {str(kind)[:60]}; valid: ticket, comment")


def _observed(delivery: Delivery, update: Update) -> TicketEvent:
    body, options = delivery.payload, delivery.options
    seen: dict[str, Any] = {}
    if (created_at := moment(body, "created_at")) is not None:
        seen["created_at"] = created_at
    if (channel := word(body, "channel")) is not None:
        seen["channel"] = value_of(options, "channel", channel)
    if "priority" in body:
        seen["priority"] = value_of(options, "priority", word(body, "priority"))
    if "group_id" in body:
        seen["team"] = value_of(options, "team", word(body, "group_id"))
    if "assignee_id" in body:
        agent = word(body, "assignee_id")
        seen["agent"] = None if agent is None else opaque(update.source, agent)
    seen |= attributes_of(body, options, labels_of(body, "tags"))
    if (status := status_of(options, word(body, "status"))) is not None:
        seen["status"] = status
    opener = word(body, "submitter_id")  # the first snapshot makes the creation, and who opened a ticket matters there
    if (kind := person(options, opener, word(body, "requester_id"))) is not None:
        seen["actor"] = update.actor(kind, opener)
    return observed(replace(update, sequence=LAST), seen)


def _message(delivery: Delivery, update: Update) -> TicketEvent:
    body, options = delivery.payload, delivery.options
    author, role = word(body, "author_id"), (word(body, "author_role") or "").lower()
    staff = role not in END_USERS if role else None
    kind = person(options, author, word(body, "requester_id"), staff)
    by = None if kind is None else update.actor(kind, None if author in SYSTEM else author)
    public = str(body.get("is_public")).lower() == "true"
    message = replace(update, id=f"zendesk/comment/{needed(body, 'comment_id')}")
    return posted(message, body.get("body"), options, by=by, public=public)
