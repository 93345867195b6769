"""Freshdesk's automation rules: "Trigger webhook", with a body that the rule's author writes.

Use the bodies in `templates/freshdesk.json`, one rule each: a rule of ticket creation, and three of ticket updates that
differ in who performs the action (agent, requester, system), for the body itself cannot say it. The bodies of
Freshdesk's simple mode are understood too, with the losses below.

Understood: each delivery is a `TicketObserved`; a reply or a note is a `MessagePosted` too, a rating a
`SatisfactionRated`, deletion and spam are events. `triggered_event` looks like JSON and is not
(`{status:{from:4,to:6}}`), has a status as its number where `ticket_status` has its name, and wins over it.

What Freshdesk leaves out, and what that costs:
- No delivery id and no time of its own. The body asks for `{{ticket.modified_on}}` and `{{ticket.created_on}}`; a value
  without a time zone is as good as none. Ids are the ticket's number, that time, and a digest of the content.
- Without it a delivery counts at its receipt, retries (after 5, 30 and 60 minutes) included, and the same content of
  one ticket twice within a UTC day counts once (the second is an `id_conflict`): a ticket that goes back and forth
  between two statuses in a day is misread. Reconciliation cannot name such an event again.
- Of Freshdesk's own verdicts on its clocks there is only the resolution's due time, of a new ticket, as a running
  `VendorVerdict`, if `{{ticket.due_by_time}}` has a time zone: no placeholder says that a clock was missed or met.
- Without `performed_by` a note is an agent's, and a reply is nobody's: it neither answers nor asks.
- The author of a message is not named, an agent only by address. A second message within the same second, or before
  the rule ran, hides the first: the body only holds the latest.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from supportpulse.edges.adapters.adapter import Delivery, Unknown, Update, in_causal_order
from supportpulse.edges.adapters.attributes import attributes_of, labels_of, value_of
from supportpulse.edges.adapters.freshdesk_numbers import FRESHDESK, PRIORITIES, RATINGS, STATUSES, person
from supportpulse.edges.adapters.freshdesk_verdicts import CLOCKS
from supportpulse.edges.adapters.message import posted
from supportpulse.edges.adapters.shape import moment, needed, record, word
from supportpulse.edges.adapters.snapshot import LAST, observed, status_of, when
from supportpulse.edges.adapters.verdict import Judge
from supportpulse.events import (
    MarkedAsSpam,
    SatisfactionRated,
    TicketDeleted,
    TicketEvent,
    TicketRestored,
)

BODY = "freshdesk_webhook"
LONGEST = 1000
_PART = re.compile(r"(\w+):(?:\{from:([^,{}]*),to:([^,{}]*)\}|([^,{}]*))")
_NAMED = re.compile(r"^[^<>\n]{1,80} : ")
GONE: dict[str, type[TicketEvent]] = {
    "delete": TicketDeleted, "deleted": TicketDeleted, "marked_spam": MarkedAsSpam, "spam": MarkedAsSpam,
    "restore": TicketRestored, "restored": TicketRestored,
}  # fmt: skip


def adapt(delivery: Delivery) -> list[TicketEvent]:
    """The events of one delivery."""
    if not isinstance(record(delivery.payload).get(BODY), dict):
        valid = "a body of templates/freshdesk.json, or an app event"
        raise Unknown("shape", f"body: found neither `{BODY}` nor `data`; valid: {valid}")
    body = record(delivery.payload, BODY)
    ticket_id = needed(body, "ticket_id")
    time, name = when(delivery, f"{BODY}.ticket_modified_on")
    update = Update(delivery.source, ticket_id, time, f"freshdesk/ticket/{ticket_id}/{name}")
    news = triggered(body.get("triggered_event"))
    told = _messages(delivery, update, body, news)
    update = replace(update, sequence=LAST)
    told += _snapshot(delivery, update, body, news, bool(told))
    if (score := RATINGS.get(news.get("customer_feedback", ""))) is not None:
        told.append(update.event(SatisfactionRated, f"SatisfactionRated/{news['customer_feedback']}", score=score))
    if (gone := GONE.get(news.get("ticket_action", ""))) is not None:
        told.append(update.event(gone))
    if news.get("ticket_action") == "created":
        told += _due(delivery, ticket_id, body)
    return in_causal_order(told)


def _due(delivery: Delivery, ticket_id: str, body: Any) -> list[TicketEvent]:
    shown, due = moment(body, "ticket_modified_on"), moment(body, "ticket_due_by_time")
    judge = Judge.of("freshdesk", delivery.source, ticket_id, CLOCKS, delivery.options)
    return judge.says("resolution", "running", shown, due) if shown and due and shown < due else []


def triggered(raw: Any) -> dict[str, str]:
    """What a rule reacted to: its field -> the value after it. `{status:{from:4,to:6}}` is `{"status": "6"}`."""
    text = re.sub(r"[\s\"']", "", raw[:LONGEST]) if isinstance(raw, str) else ""
    return {part[1].lower(): (part[3] if part[4] is None else part[4]).lower() for part in _PART.finditer(text)}


def _messages(delivery: Delivery, update: Update, body: Any, news: dict[str, str]) -> list[TicketEvent]:
    performer = person(word(body, "performed_by"))
    if news.get("ticket_action") == "created":
        if performer == "agent" or not isinstance(body.get("ticket_description"), str):
            return []
        time = moment(body, "ticket_created_on") or update.time
        name = f"freshdesk/ticket/{update.ticket_id}/description"
        first = Update(update.source, update.ticket_id, time, name)
        by = first.actor("customer")
        return [posted(first, body["ticket_description"], delivery.options, by=by, public=True, html=True)]
    note = news.get("note_type")
    if note is None and "reply_sent" not in news:
        return []
    public = note != "private"
    text = body.get("ticket_latest_public_comment" if public else "ticket_latest_private_comment")
    text = _NAMED.sub("", text) if isinstance(text, str) else ""
    kind = performer or ("agent" if note is not None else None)
    actor = None if kind is None else update.actor(kind)
    return [posted(update, text, delivery.options, by=actor, public=public, html=True, nameless=True)]


def _snapshot(
    delivery: Delivery, update: Update, body: Any, news: dict[str, str], with_message: bool
) -> list[TicketEvent]:
    options = delivery.options
    seen: dict[str, Any] = attributes_of(delivery.payload, options, labels_of(body, "ticket_tags"))
    read = (
        ("priority", news.get("priority") or word(body, "ticket_priority"), PRIORITIES),
        ("channel", word(body, "ticket_source"), FRESHDESK),
    )
    for attribute, found, preset in read:
        value = value_of(options, attribute, found, preset)
        if value is not None:
            seen.setdefault(attribute, value)
    if "ticket_group_name" in body:
        seen["team"] = value_of(options, "team", word(body, "ticket_group_name"))
    if "ticket_agent_email" in body:
        agent = word(body, "ticket_agent_email")
        seen["agent"] = None if agent is None else update.actor("agent", agent).id
    created = moment(body, "ticket_created_on")
    if created is not None:
        seen["created_at"] = created
    if news.get("ticket_action") == "created" and person(word(body, "performed_by")) == "agent":
        seen["actor"] = update.actor("agent")
    names = news.get("status"), word(body, "ticket_status")
    status = status_of(options, STATUSES, *names)
    if status is not None:
        seen["status"] = status
    elif any(names) and not with_message:
        found = (names[1] or names[0] or "")[:60]
        raise Unknown("status", f"status: found {found!r}; valid: {', '.join(STATUSES)}, or map it in `statuses`")
    return [observed(update, seen, news)]
