"""Zammad: the default payload of its webhooks, a ticket as it is now and the article that a trigger ran for.

Understood: every delivery is a `TicketObserved` (state, priority, group, owner) and, if it holds an article, a
`MessagePosted`. Use two triggers without conditions but "action is created" and "action is updated", and leave the
payload as it is; a payload of your own works as long as it keeps the names of the default one.

Ids: `zammad/article/ID/...` is the article of the API's `ticket_articles`, `zammad/ticket/ID/TIME/...` the ticket of
the API's `tickets` at its `updated_at` (or the `created_at` of its last article, see below). Both objects of the API
make the same events, so webhook, retry and reconciliation agree, and of two triggers that fire for one update the
second changes nothing.

What Zammad leaves out, and what that costs:
- No event name and no before/after: what happened between two deliveries that both got lost is not seen, and nobody is
  named as the author of a change of state.
- A retry is written anew when it is sent: it shows the ticket as it is by then, not as it was. The state in between is
  lost, unless another delivery has it.
- A merged ticket does not say into which; the other one only shows the articles it got.
- An article that is edited or made public later is told again under its own id: the first version counts.
- `article.created_at` lies some milliseconds before the `ticket.updated_at` of the same update: within a second they
  count as one, so a reply that also closes its ticket is seen as that.
- Without `updated_at` (a payload of your own) a snapshot has the time of receipt, and the same one twice within a UTC
  day counts once.

Pending reminder and pending close both wait for the customer, as they pause Zammad's own clocks; closed is "solved",
for a follow-up opens it again. A public note counts as a reply though Zammad's own clocks leave it out. States of your
own need `statuses` in the source's configuration: until then a snapshot of such a ticket is a dead letter (`status`).

Zammad's own verdicts on its clocks (`*_escalation_at`, `*_diff_in_min`) are kept as `VendorVerdict`: see
`zammad_verdicts`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from supportpulse.edges.adapters.adapter import Delivery, Unknown, Update, in_causal_order
from supportpulse.edges.adapters.attributes import attributes_of, value_of
from supportpulse.edges.adapters.message import posted
from supportpulse.edges.adapters.shape import at, moment, needed, record, word
from supportpulse.edges.adapters.snapshot import LAST, known, number, observed, status_of, when
from supportpulse.edges.adapters.verdict import SETTLED, Judge
from supportpulse.edges.adapters.zammad_verdicts import CLOCKS, verdicts
from supportpulse.events import Actor, ActorKind, Status, TicketDeleted, TicketEvent, TicketMerged

STATES: Mapping[str, Status] = {
    "new": "new",
    "open": "open",
    "pending reminder": "pending_customer",
    "pending close": "pending_customer",
    "closed": "solved",
}
GONE = {"merged": TicketMerged, "removed": TicketDeleted}
PRIORITIES = {"1 low": "low", "2 normal": "normal", "3 high": "high", "1": "low", "2": "normal", "3": "high"}
SENDERS: Mapping[str, ActorKind] = {
    "agent": "agent", "customer": "customer", "system": "automation",
    "1": "agent", "2": "customer", "3": "automation",
}  # fmt: skip
NOBODY = 1
"""The id of Zammad's own user, who owns what nobody owns."""


def adapt(delivery: Delivery) -> list[TicketEvent]:
    """The events of one delivery; an article of an unmapped state's ticket still counts."""
    payload = record(delivery.payload)
    ticket, article = payload.get("ticket"), payload.get("article")
    told = _message(delivery) if isinstance(article, dict) and article else []
    if isinstance(ticket, dict) and ticket:
        told += _snapshot(delivery, bool(told))
    if not told:
        raise Unknown("shape", "neither ticket nor article; valid: the default payload of a Zammad webhook")
    return in_causal_order(told)


def _message(delivery: Delivery) -> list[TicketEvent]:
    payload = delivery.payload
    ticket_id = word(payload, "article.ticket_id") or needed(payload, "ticket.id")
    time, _ = when(delivery, "article.created_at", "ticket.updated_at")
    article_id = needed(payload, "article.id")
    update = Update(delivery.source, ticket_id, time, f"zammad/article/{article_id}", number(article_id))
    html = "html" in (word(payload, "article.content_type") or "")
    internal = at(payload, "article.internal")
    public = delivery.options.unmarked_public if internal is None else internal is False
    text = at(payload, "article.body")
    return [posted(update, text, delivery.options, by=_author(update, delivery), public=public, html=html)]


def _author(update: Update, delivery: Delivery) -> Actor | None:
    payload = delivery.payload
    person = word(payload, "article.origin_by_id") or word(payload, "article.created_by_id")
    if at(payload, "article.preferences.is-auto-response") is True:
        return update.actor("automation", person)
    kind = SENDERS.get((_name(payload, "article.sender") or "").lower())
    names = [person, *(at(payload, f"article.created_by.{name}") for name in ("id", "login", "email"))]
    ours = known(delivery.options, *names) if kind != "customer" else None
    kind = ours or kind
    return None if kind is None else update.actor(kind, person)


def _snapshot(delivery: Delivery, with_message: bool) -> list[TicketEvent]:
    payload, options = delivery.payload, delivery.options
    ticket_id = needed(payload, "ticket.id")
    time, name = when(delivery, "ticket.updated_at")
    replied = moment(payload, "article.created_at")
    if with_message and replied is not None and timedelta(0) <= time - replied <= SETTLED:
        time, name = when(delivery, "article.created_at")
    update = Update(delivery.source, ticket_id, time, f"zammad/ticket/{ticket_id}/{name}", LAST)
    seen: dict[str, Any] = attributes_of(payload, options)
    priority = value_of(options, "priority", _name(payload, "ticket.priority"), PRIORITIES)
    if priority is not None:
        seen.setdefault("priority", priority)
    team = value_of(options, "team", _name(payload, "ticket.group"))
    if team is not None:
        seen["team"] = team
    _owner(delivery, update, seen)
    created = moment(payload, "ticket.created_at")
    if created is not None:
        seen["created_at"] = created
    opener = SENDERS.get((_name(payload, "ticket.create_article_sender") or "").lower())
    if opener is not None:
        seen["actor"] = update.actor(opener)
    state = _name(payload, "ticket.state")
    gone = GONE.get((state or "").lower())
    status = status_of(options, STATES, state, word(payload, "ticket.state_id"))
    if status is not None:
        seen["status"] = status
    elif gone is None and state is not None and not with_message:
        raise Unknown("status", f"state: found {state[:60]!r}; valid: {', '.join(STATES)}, or map it in `statuses`")
    told: list[TicketEvent] = [observed(update, seen)]
    judge = Judge.of("zammad", delivery.source, ticket_id, CLOCKS, options)
    told += verdicts(judge, payload["ticket"], time, moment(payload, "ticket.updated_at"), delivery.received)
    return told if gone is None or status is not None else [*told, update.event(gone)]


def _owner(delivery: Delivery, update: Update, seen: dict[str, Any]) -> None:
    owner = at(delivery.payload, "ticket.owner_id")
    if owner == NOBODY:
        seen["agent"] = None
    elif (person := word(delivery.payload, "ticket.owner_id")) is not None:
        seen["agent"] = update.actor("agent", person).id


def _name(payload: Any, path: str) -> str | None:
    """A thing that Zammad writes as an object with a name, as the name alone, or only as an id beside it."""
    return word(payload, f"{path}.name") or word(payload, path) or word(payload, f"{path}_id")
