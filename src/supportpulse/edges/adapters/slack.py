"""Slack: Events API, where a thread in a channel that the app was invited to is a ticket.

Subscribe to `message.channels`, `message.groups`, `reaction_added` and `reaction_removed`, and invite the app to the
support channels alone: every thread there counts. Direct messages are of no interest. A ticket's id is
`<channel>/p<time stamp>`, as in a link to its first message: `https://acme.slack.com/archives/{ticket_id}`.

Understood: the first message of a thread (`TicketCreated` and `MessagePosted`) and its replies, with files or also sent
to the channel; a first message deleted before anybody answered (`TicketDeleted`); a reaction to the first message whose
emoji is a status (`statuses` by the emoji's name; by default `white_check_mark` and `heavy_check_mark` are solved) or
named in `solution_tags`. A status emoji that is taken away opens the ticket again. Edits, deletions of replies and
notices ("joined the channel") change nothing. The attribute `channel` is `im_group` unless the source says otherwise.

Ids name channel and time stamp: `slack/thread/<channel>/<ts>`, `slack/message/<channel>/<ts>`,
`slack/reaction/<channel>/<ts>/<emoji>@<event_ts>`, never `event_id`, so a retry, or the same message read from
`conversations.replies`, gives the same id.

Who somebody is: a message with a `bot_id` is a bot's. A first message by a bot opens a ticket (forms and bridges speak
for people) unless the source names the bot in `bots`, best by its `B...` and its `U...` id: threads that one starts are
none of ours. Agents are named in `agents` by user id, or all at once by the id of their workspace (customers in shared
channels have another); without any, who began a thread is the customer and everybody else an agent.

Left out by Slack, and what that costs:
- A reaction does not say which thread its message is in: one to a reply counts for nothing. React to the first message.
- Somebody who reacts has no workspace: only `agents` by user id tell, else the author of the message is a customer and
  anybody else nobody known. Who still holds up a status emoji that another took away is not told either.
- A webhook lost: Slack tries three times within some minutes. Every reply therefore also says when its thread began.
- Events beyond 30,000 an hour: `app_rate_limited` says so, and is a dead letter, since messages are missing.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from supportpulse.edges.adapters.adapter import Delivery, Unknown, Update, in_causal_order
from supportpulse.edges.adapters.attributes import attributes_of
from supportpulse.edges.adapters.message import posted
from supportpulse.edges.adapters.shape import at, moment, needed, record, word
from supportpulse.edges.adapters.snapshot import LAST, status_of
from supportpulse.events import (
    Actor,
    ActorKind,
    SolutionProvided,
    Status,
    StatusChanged,
    TicketCreated,
    TicketDeleted,
    TicketEvent,
    TicketObserved,
)

STATUSES: Final[dict[str, Status]] = {"white_check_mark": "solved", "heavy_check_mark": "solved"}
CHANNEL: Final = {"channel": "im_group"}
DIRECT: Final = frozenset(("im", "mpim", "app_home"))
SAID: Final = frozenset(("bot_message", "file_share", "me_message", "thread_broadcast"))
QUIET: Final = frozenset((
    "assistant_app_thread", "bot_add", "bot_disable", "bot_enable", "bot_remove", "document_mention",
    "ekm_access_denied", "file_comment", "file_mention", "huddle_thread", "message_changed", "message_replied",
    "pinned_item", "posting_permissions", "reminder_add", "reply_broadcast", "sh_room_created", "tombstone",
    "unpinned_item",
))  # fmt: skip
NOTICES: Final = ("app_", "channel_", "group_")
OTHERS: Final = ("app_", "assistant_", "channel_", "dnd_", "email_", "emoji_", "file_", "function_", "grid_", "group_",
                 "im_", "invite_", "link_", "member_", "message_metadata_", "pin_", "resources_", "scope_",
                 "shared_channel_", "star_", "subteam_", "team_", "tokens_", "user_", "workflow_")  # fmt: skip
STAMP: Final = re.compile(r"[0-9]{10}\.[0-9]{6}")
MARKUP: Final = re.compile(r"<([@#!]?)([^<>|]{0,3000})(?:\|([^<>]{0,3000}))?>")


def adapt(delivery: Delivery) -> list[TicketEvent]:
    """Events of one request to the app's URL; raises `Unknown` for what is none of the Events API's."""
    body = record(delivery.payload)
    kind = needed(body, "type")
    if kind == "url_verification":
        return []
    if kind == "app_rate_limited":
        raise Unknown("lost", "type: found app_rate_limited; Slack held back events of a minute, reconcile")
    if kind != "event_callback":
        raise Unknown("event", f"type: found {kind[:60]}; valid: event_callback, url_verification")
    event = record(body, "event")
    name = needed(event, "type")
    tell = _TELL.get(name)
    if tell is not None:
        return in_causal_order(tell(delivery, event))
    if name.startswith(OTHERS):
        return []
    raise Unknown("event", f"event.type: found {name[:60]}; valid: {', '.join(_TELL)}")


@dataclass(frozen=True)
class _Thread:
    """A thread by its channel and the time stamp of its first message."""

    channel: str
    root: str

    def update(self, source: str, kind: str, stamp: str = "", more: str = "") -> Update:
        """What happened at a time stamp, by default the first message's; a stamp is unique in its channel."""
        at_stamp = stamp or self.root
        time = moment({"ts": at_stamp}, "ts")
        if time is None:
            raise Unknown("time", f"ts of {kind}: found {at_stamp}; valid: seconds between 2000 and 2090")
        ticket = f"{self.channel}/p{self.root.replace('.', '')}"
        name = f"slack/{kind}/{self.channel}/{more or at_stamp}"
        return Update(source, ticket, time, name, time.microsecond % 1000)


def _stamp(payload: Any, path: str) -> str:
    found = needed(payload, path)
    if not STAMP.fullmatch(found):
        raise Unknown("time", f"{path}: found another shape; valid: seconds.micros as a text, like 1700000000.000100")
    return found


def _role(delivery: Delivery, starter: str | None, user: str | None, *groups: str | None) -> ActorKind | None:
    """Who somebody is to a thread that `starter` began; None for nobody named."""
    ours = delivery.options.agents
    if {user, *groups} & delivery.options.bots:
        return "bot"
    if user is None:
        return None
    if ours:
        return "agent" if {user, *groups} & ours else "customer"
    return "customer" if user == starter else "agent"


def _author(delivery: Delivery, event: Any, starter: str | None) -> tuple[ActorKind | None, str | None]:
    user, bot = word(event, "user"), word(event, "bot_id")
    if bot is not None or word(event, "subtype") == "bot_message":
        return "bot", bot or user
    group = word(event, "user_team") or word(event, "source_team") or word(event, "team")
    return _role(delivery, starter, user, group), user


# -- messages ---------------------------------------------------------------------------------------------------------


def _message(delivery: Delivery, event: dict[str, Any]) -> list[TicketEvent]:
    if word(event, "channel_type") in DIRECT:
        return []
    subtype = word(event, "subtype")
    if subtype == "message_deleted":
        return _deleted(delivery, event)
    if subtype is not None and subtype not in SAID:
        if subtype in QUIET or subtype.startswith(NOTICES):
            return []
        raise Unknown("event", f"event.subtype: found {subtype[:60]}; valid: {', '.join(sorted(SAID))}, or none")
    stamp = _stamp(event, "ts")
    root = _stamp(event, "thread_ts") if event.get("thread_ts") is not None else stamp
    thread = _Thread(needed(event, "channel"), root)
    first = root == stamp
    starter = word(event, "user" if first else "parent_user_id")
    if starter in delivery.options.bots or (first and word(event, "bot_id") in delivery.options.bots):
        return []
    told = _opened(delivery, event, thread) if first else [_began(delivery, thread, starter)]
    update = thread.update(delivery.source, "message", stamp)
    kind, raw = _author(delivery, event, starter)
    by = None if kind is None else update.actor(kind, raw)
    return [*told, posted(update, _plain(event.get("text")), delivery.options, by=by, public=True)]


def _opened(delivery: Delivery, event: dict[str, Any], thread: _Thread) -> list[TicketEvent]:
    update = thread.update(delivery.source, "thread")
    data: dict[str, Any] = CHANNEL | attributes_of(delivery.payload, delivery.options)
    kind, raw = _author(delivery, event, word(event, "user"))
    if kind is not None:
        data["actor"] = update.actor(kind, raw)
    return [update.event(TicketCreated, "created", status="new", **data)]


def _began(delivery: Delivery, thread: _Thread, starter: str | None) -> TicketEvent:
    """What every reply tells alike of its thread; sorts behind the first message, if that one arrives."""
    found = thread.update(delivery.source, "thread")
    update = Update(found.source, found.ticket_id, found.time, found.id, LAST)
    shared = {"team_id": at(delivery.payload, "team_id"), "event": {"channel": thread.channel}}
    data: dict[str, Any] = CHANNEL | attributes_of(shared, delivery.options)
    if starter in delivery.options.agents:
        data["actor"] = update.actor("agent", starter)
    return update.event(TicketObserved, "began", created_at=found.time, **data)


def _deleted(delivery: Delivery, event: dict[str, Any]) -> list[TicketEvent]:
    """A first message that is gone; with replies it leaves a tombstone, and the thread goes on."""
    before = record(event, "previous_message")
    stamp = _stamp(event, "deleted_ts")
    bots = {word(before, "user"), word(before, "bot_id")} & delivery.options.bots
    if before.get("thread_ts") is not None or bots or word(before, "subtype") not in {None, *SAID}:
        return []
    thread = _Thread(needed(event, "channel"), stamp)
    update = thread.update(delivery.source, "thread", _stamp(event, "ts"), stamp)
    return [update.event(TicketDeleted, "deleted")]


# -- reactions --------------------------------------------------------------------------------------------------------


def _reaction(delivery: Delivery, event: dict[str, Any]) -> list[TicketEvent]:
    item = record(event, "item")
    if word(item, "type") != "message":
        return []
    emoji = needed(event, "reaction").partition("::")[0]
    added = event["type"] == "reaction_added"
    status = status_of(delivery.options, STATUSES, emoji)
    solves = added and emoji in delivery.options.solution_tags
    if status is None and not solves:
        return []
    thread = _Thread(needed(item, "channel"), _stamp(item, "ts"))
    when = _stamp(event, "event_ts")
    update = thread.update(delivery.source, "reaction", when, f"{thread.root}/{emoji[:50]}@{when}")
    by = _who_reacted(delivery, event, update)
    events: list[TicketEvent] = [update.event(SolutionProvided, "solution", actor=by)] if solves else []
    if status is not None:
        now = status if added else "open"
        events.append(update.event(StatusChanged, f"status={now}", status=now, actor=by))
    return events


def _who_reacted(delivery: Delivery, event: dict[str, Any], update: Update) -> Actor | None:
    user, author = word(event, "user"), word(event, "item_user")
    kind = _role(delivery, author, user)
    if kind == "customer" and user != author:
        kind = None
    return None if kind is None else update.actor(kind, user)


def _plain(text: Any) -> str:
    """Slack's own mark-up as plain text: links as address and label, nobody's id, no escapes."""
    return html.unescape(MARKUP.sub(_unmarked, text)) if isinstance(text, str) else ""


def _unmarked(found: re.Match[str]) -> str:
    sign, target, label = found[1], found[2], found[3] or ""
    return f" {label} {target} " if not sign and label != target else f" {target} " if not sign else f" {label} "


_TELL: Final[dict[str, Callable[[Delivery, dict[str, Any]], list[TicketEvent]]]] = {
    "message": _message,
    "reaction_added": _reaction,
    "reaction_removed": _reaction,
}
