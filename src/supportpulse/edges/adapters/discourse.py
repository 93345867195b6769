"""Discourse: webhooks of a community forum, where a topic is a ticket.

Tick the post events, the topic events and, with the plugin, the solved events; restrict the webhook to the categories
in which people ask for help. Private messages are of no interest. A ticket's id is the topic's, so
`https://forum.acme.com/t/{ticket_id}` is its link. The attribute `channel` is `community` unless the source says
otherwise; paths of attributes begin with `topic.` (`topic.category_id`), tags are `labels:PREFIX`.

The header `X-Discourse-Event` names the event. Understood:
- `post_created`: the first post opens the ticket and is its first message, others are messages; a whisper is internal.
  A notice that the topic was closed or opened (a post with an `action_code`) is a change of status, at its own time.
- `topic_created`, `topic_edited`: attributes. A created topic also says that the ticket began, should its first post
  get lost; that counts two seconds later, as only the post says whether staff wrote it.
- `topic_closed_status_updated`: a snapshot, for closings without a notice.
- `accepted_solution`: the solution was given when the accepted post was written, and the topic is solved now;
  `unaccepted_solution` opens it again.
- `topic_destroyed`, `topic_recovered`: the ticket is deleted, or back.
Edits of posts, deleted posts, pins and whatever is not about topics change nothing.

Ids: `discourse/topic/<id>`, `discourse/post/<id>`, as in the API's topics and posts.

Who somebody is: ids below zero are Discourse's own (-1 is the system). `bots` and `agents` name people by id or user
name, `agents` also by primary group; admins and moderators are agents. Everybody else counts as a customer, helpful
neighbours too: their answers are no replies of ours, unless `agents` has them.

Left out by Discourse, and what that costs:
- The time at which a solution was accepted, a topic edited, deleted, recovered or silently closed, and by whom: the
  time of receipt counts, named by its day. Accepted, withdrawn and accepted again within a day counts as withdrawn.
- What is in a webhook that failed: it tries again within minutes only if the setting `retry_web_hook_events` is on.
- Assignments of the assign plugin, and the topics that posts are moved to: not read.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Final

from supportpulse.edges.adapters.adapter import Delivery, Unknown, Update, in_causal_order
from supportpulse.edges.adapters.attributes import attributes_of, labels_of
from supportpulse.edges.adapters.message import posted
from supportpulse.edges.adapters.shape import moment, needed, record, second_of, word
from supportpulse.edges.adapters.snapshot import LAST, known, number, observed, status_of, when
from supportpulse.events import (
    Actor,
    AttributesChanged,
    SolutionProvided,
    Status,
    StatusChanged,
    TicketCreated,
    TicketDeleted,
    TicketEvent,
    TicketObserved,
    TicketRestored,
)

EVENT: Final = "x-discourse-event"
CHANNEL: Final = {"channel": "community"}
REGULAR, WHISPER = "1", "4"
STATUSES: Final[dict[str, Status]] = {
    "closed.enabled": "closed", "autoclosed.enabled": "closed", "archived.enabled": "closed",
    "closed.disabled": "open", "autoclosed.disabled": "open",
}  # fmt: skip
POST_FOLLOWS: Final = timedelta(seconds=2)
QUIET: Final = re.compile(
    r"ping|post_(?:edited|destroyed|recovered|liked)|topic_[a-z_]{1,50}_status_updated|"
    r"(?:assign|badge|calendar|category|chat|group|like|notification|queued|approved|rejected|flag|reviewable|tag|topic_voting"
    r"|unassign|user|voting)[a-z_]{0,80}"
)


def adapt(delivery: Delivery) -> list[TicketEvent]:
    """Events of one webhook; raises `Unknown` for what is none of Discourse's, or has no header that names it."""
    body, name = record(delivery.payload), delivery.headers.get(EVENT, "")
    if name in _TELL:
        key, tell = _TELL[name]
        about = record(body, key)
        private = "private_message" in (word(about, "archetype"), word(about, "topic_archetype"))
        return [] if private else in_causal_order(tell(delivery, about))
    if QUIET.fullmatch(name) or (not name and "ping" in body):
        return []
    raise Unknown("event", f"{EVENT}: found {name[:60] or 'none'}; valid: {', '.join(_TELL)}")


def _attributes(delivery: Delivery, about: dict[str, Any]) -> dict[str, Any]:
    """What a topic says, or a post of its topic."""
    labels = labels_of(about, "tags") or labels_of(about, "tags", "name")
    return attributes_of({"topic": about}, delivery.options, labels)


def _update(delivery: Delivery, topic: str, time: datetime, name: str = "", sequence: int | None = None) -> Update:
    return Update(delivery.source, topic, time, f"discourse/{name or f'topic/{topic}'}", sequence)


# -- posts ------------------------------------------------------------------------------------------------------------


def _written(delivery: Delivery, post: dict[str, Any]) -> Update:
    """What events of a post share."""
    time, name = moment(post, "created_at"), needed(post, "id")
    if time is None:
        raise Unknown("time", f"created_at of post {name[:30]}: found none; valid: ISO 8601 with a zone")
    return _update(delivery, needed(post, "topic_id"), time, f"post/{name}", number(word(post, "post_number")))


def _author(delivery: Delivery, post: dict[str, Any], update: Update) -> Actor | None:
    user = word(post, "user_id")
    if user is None:
        return None
    kind = known(delivery.options, user, post.get("username"), post.get("primary_group_name"))
    if kind is None and user.startswith("-"):
        return update.actor("automation")
    ours = kind == "agent" or any(post.get(role) is True for role in ("staff", "admin", "moderator"))
    return update.actor(kind or ("agent" if ours else "customer"), user)


def _post(delivery: Delivery, post: dict[str, Any]) -> list[TicketEvent]:
    update = _written(delivery, post)
    by, kind = _author(delivery, post, update), word(post, "post_type") or REGULAR
    if (code := word(post, "action_code")) is not None:
        status = status_of(delivery.options, STATUSES, code)
        return [] if status is None else [_entered(update, _or_solved(status, post), by)]
    if kind not in (REGULAR, WHISPER):
        return []
    message = posted(update, post.get("cooked"), delivery.options, by=by, public=kind == REGULAR, html=True)
    if word(post, "post_number") != "1":
        return [message]
    opened = _update(delivery, update.ticket_id, update.time)
    data: dict[str, Any] = {**CHANNEL, **_attributes(delivery, post), "status": "new", "actor": by}
    return [opened.event(TicketCreated, "created", **data), message]


def _entered(update: Update, status: Status, by: Actor | None = None) -> TicketEvent:
    return update.event(StatusChanged, f"status={status}", status=status, actor=by)


def _or_solved(status: Status, about: dict[str, Any]) -> Status:
    """A topic that opens for more posts though its solution was accepted stays solved."""
    solved = ("topic_accepted_answer", "accepted_answer", "accepted_answers")
    return "solved" if status == "open" and any(about.get(key) for key in solved) else status


def _accepted(delivery: Delivery, post: dict[str, Any]) -> list[TicketEvent]:
    written = _written(delivery, post)
    by = _author(delivery, post, written)
    return [written.event(SolutionProvided, "solution", actor=by), _entered(_now(delivery, written), "solved")]


def _unaccepted(delivery: Delivery, post: dict[str, Any]) -> list[TicketEvent]:
    return [_entered(_now(delivery, _written(delivery, post)), "open")]


def _now(delivery: Delivery, written: Update) -> Update:
    """A change at an unknown time, which is that of receipt."""
    time, day = when(delivery)
    return Update(written.source, written.ticket_id, time, f"{written.id}@{day}", LAST)


# -- topics -----------------------------------------------------------------------------------------------------------


def _created(delivery: Delivery, topic: dict[str, Any]) -> list[TicketEvent]:
    time, name = moment(topic, "created_at"), needed(topic, "id")
    if time is None:
        raise Unknown("time", f"created_at of topic {name[:30]}: found none; valid: ISO 8601 with a zone")
    attributes: dict[str, Any] = {**CHANNEL, **_attributes(delivery, topic)}
    first = _update(delivery, name, time)
    later = _update(delivery, name, time + POST_FOLLOWS)
    seen: dict[str, Any] = {"created_at": time}
    by = _author(delivery, {"user_id": topic.get("user_id"), **_person(topic)}, later)
    if by is not None and by.kind != "customer":
        seen["actor"] = by
    return [
        first.event(AttributesChanged, "attributes", **attributes),
        later.event(TicketObserved, "began", **seen),
    ]


def _person(topic: dict[str, Any]) -> dict[str, Any]:
    """Who wrote a topic, as a post would name them."""
    user, name = word(topic, "created_by.id"), word(topic, "created_by.username")
    return {"username": name} | ({} if user is None else {"user_id": user})


def _snapshot(delivery: Delivery, topic: dict[str, Any], seen: dict[str, Any]) -> list[TicketEvent]:
    time, day = when(delivery)
    name = needed(topic, "id")
    posts = word(topic, "highest_post_number") or "-"
    return [observed(_update(delivery, name, time, f"topic/{name}/{posts}@{day}", LAST), seen)] if seen else []


def _edited(delivery: Delivery, topic: dict[str, Any]) -> list[TicketEvent]:
    return _snapshot(delivery, topic, _attributes(delivery, topic))


def _closed(delivery: Delivery, topic: dict[str, Any]) -> list[TicketEvent]:
    closed = topic.get("closed")
    if not isinstance(closed, bool):
        raise Unknown("shape", f"topic.closed: found {type(closed).__name__}; valid: true or false")
    status = status_of(delivery.options, STATUSES, "closed.enabled" if closed else "closed.disabled")
    return _snapshot(delivery, topic, {} if status is None else {"status": _or_solved(status, topic)})


def _gone(kind: type[TicketEvent], sub: str) -> Callable[[Delivery, dict[str, Any]], list[TicketEvent]]:
    def tell(delivery: Delivery, topic: dict[str, Any]) -> list[TicketEvent]:
        name, (time, day) = needed(topic, "id"), when(delivery)
        deleted = moment(topic, "deleted_at") if kind is TicketDeleted else None
        if deleted is not None:
            time, day = deleted, str(second_of(deleted))
        return [_update(delivery, name, time, f"topic/{name}@{day}").event(kind, sub)]

    return tell


_TELL: Final[dict[str, tuple[str, Callable[[Delivery, dict[str, Any]], list[TicketEvent]]]]] = {
    "post_created": ("post", _post),
    "topic_created": ("topic", _created),
    "topic_edited": ("topic", _edited),
    "topic_closed_status_updated": ("topic", _closed),
    "topic_autoclosed_status_updated": ("topic", _closed),
    "topic_destroyed": ("topic", _gone(TicketDeleted, "deleted")),
    "topic_recovered": ("topic", _gone(TicketRestored, "restored")),
    "accepted_solution": ("solved", _accepted),
    "unaccepted_solution": ("solved", _unaccepted),
}
