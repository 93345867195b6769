"""Jira Service Management, Cloud and Server / Data Center: webhooks about issues and comments.

Understood: `jira:issue_created`, `_updated`, `_deleted` and `comment_created`. What an update was is read from its
`changelog` and `comment`, never from `issue_event_type_name` (old Servers leave it out, and a resolve may come as
`issue_generic`), but for the edits of comments, which are ignored. A ticket's id is the issue's numeric one: keys
change when an issue moves. An issue is resolved by the `status` item of a changelog; a `resolution` item says nothing
more, so a resolve split over two deliveries counts once.

Ids name what the REST API names too: `jira/issue/<id>/created`, `jira/changelog/<id>/<field>`, `jira/comment/<id>`;
changelog ids order changes of one second, and times are cut to the second. A time that the API gives otherwise by
milliseconds across a second's edge shows as an `id_conflict` and changes nothing. Whoever reads the API builds the same
bodies and calls `adapt`.

Who may see a comment: `visibility` makes it internal, else `jsdPublic` decides, else (Server leaves it out) the
option `unmarked_public`, by default internal. Who wrote it: an app is a bot, an account of the kind `customer` a
customer; then the source's `agents` decide, which are the whole team if any are given; without any, the reporter is
the customer and everybody else an agent. `comment_created` has no reporter, on Server not even an issue: where neither
`agents` nor the kind of account tells its author's role, it is a dead letter, and no loss on a Server that ticks
`jira:issue_updated`, which brings the same comment. List the agents if customers have licensed accounts.

A ticket is created as `new` whatever its first status, and never enters `new` again, unless the configuration says so.
A status of the desk's own has the category that Jira shows of the issue, which may have moved on by then: map its name.

Left out by Jira, and lost: the time of a deletion but for the delivery's; a public comment made internal later; custom
fields changed on Server (its changelog names them otherwise); satisfaction. Jira's own verdicts on its clocks are kept
as `VendorVerdict` wherever an issue has its SLA fields: see `jira_sla`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from supportpulse.edges.adapters.adapter import Delivery, Unknown, Update, in_causal_order, opaque
from supportpulse.edges.adapters.attributes import attributes_of, by_labels, changed, labelled, labels_of, value_of
from supportpulse.edges.adapters.jira_sla import CLOCKS, verdicts
from supportpulse.edges.adapters.jira_words import PRIORITIES, account, role, status_of, text_of
from supportpulse.edges.adapters.message import posted
from supportpulse.edges.adapters.shape import at, moment, needed, record, whole_second, word
from supportpulse.edges.adapters.snapshot import number
from supportpulse.edges.adapters.verdict import Judge
from supportpulse.events import Actor, Assigned, StatusChanged, TicketCreated, TicketDeleted, TicketEvent

ISSUE_OF_COMMENT: Final = re.compile(r"/issue/(\d{1,20})/comment/")
OTHERS: Final = ("attachment_", "board_", "comment_", "issue_property_", "issuelink_", "jira:version_", "option_",
                 "project_", "sprint_", "user_", "worklog_")  # fmt: skip
CREATED: Final = "jira:issue_created"
NOT_NEW: Final = frozenset(("issue_comment_edited", "issue_comment_deleted"))


def adapt(delivery: Delivery) -> list[TicketEvent]:
    """Events of one webhook body; raises `Unknown` for what is none of Jira's."""
    body = record(delivery.payload)
    kind = needed(body, "webhookEvent")
    match kind:
        case _ if kind == CREATED:
            found = _created(delivery)
        case "jira:issue_updated":
            found = [*_comment(delivery), *_changes(delivery)]
        case "jira:issue_deleted":
            update = _update(delivery, _time(delivery, "timestamp"))
            found = [update.event(TicketDeleted, "deleted", actor=_actor(delivery, update))]
        case "comment_created":
            found = _comment(delivery)
        case _ if kind.startswith(OTHERS):
            found = []
        case _:
            valid = "jira:issue_created, jira:issue_updated, jira:issue_deleted, comment_created"
            raise Unknown("event", f"webhookEvent: found {kind[:60]}; valid: {valid}")
    return in_causal_order([*found, *_verdicts(delivery, found[0].time if kind == CREATED else None)])


def _verdicts(delivery: Delivery, born: datetime | None) -> list[TicketEvent]:
    issue = word(delivery.payload, "issue.id")
    if issue is None:
        return []
    judge = Judge.of("jira", delivery.source, issue, CLOCKS, delivery.options)
    return verdicts(judge, at(delivery.payload, "issue.fields"), born)


def _time(delivery: Delivery, *paths: str) -> datetime:
    for path in paths:
        found = moment(delivery.payload, path)
        if found is not None:
            return whole_second(found)
    raise Unknown("time", f"{' and '.join(paths)}: found none; valid: ISO 8601 with a zone, or milliseconds")


def _update(delivery: Delivery, time: datetime) -> Update:
    body = delivery.payload
    issue = word(body, "issue.id")
    if issue is None:
        found = ISSUE_OF_COMMENT.search(word(body, "comment.self", 2000) or "")
        if found is None:
            raise Unknown("ticket", "issue.id and comment.self: found neither; valid: the id of an issue")
        issue = found[1]
    return Update(delivery.source, issue, time, f"jira/issue/{issue}")


def _actor(delivery: Delivery, update: Update, path: str = "user") -> Actor | None:
    person, reporter = at(delivery.payload, path), at(delivery.payload, "issue.fields.reporter")
    kind = role(delivery.options, person, reporter)
    return None if kind is None else update.actor(kind, account(person))


def _created(delivery: Delivery) -> list[TicketEvent]:
    body, options = delivery.payload, delivery.options
    update = _update(delivery, _time(delivery, "issue.fields.created", "timestamp"))
    data: dict[str, Any] = {
        "actor": _actor(delivery, update, "issue.fields.creator") or _actor(delivery, update),
        "status": status_of(options, at(body, "issue.fields.status"), creation=True),
        "priority": value_of(options, "priority", word(body, "issue.fields.priority.name"), PRIORITIES),
    }
    data |= attributes_of(body, options, labels_of(body, "issue.fields.labels"))
    events: list[TicketEvent] = [update.event(TicketCreated, "created", **data)]
    if (assignee := account(at(body, "issue.fields.assignee"))) is not None:
        events.append(_assigned(delivery, update, assignee))
    return events


def _assigned(delivery: Delivery, update: Update, raw: str | None) -> TicketEvent:
    agent = None if raw is None else opaque(update.source, raw)
    return update.event(Assigned, "assignee", agent=agent, actor=_actor(delivery, update))


def _comment(delivery: Delivery) -> list[TicketEvent]:
    """The comment that a delivery brings, if it is a new one."""
    body, options = delivery.payload, delivery.options
    comment = at(body, "comment")
    named = word(body, "issue_event_type_name")
    if comment is None or named in NOT_NEW:
        return []
    record(body, "comment")
    edited = word(comment, "created") != word(comment, "updated") and word(comment, "updated") is not None
    if edited and named != "issue_commented" and word(body, "webhookEvent") != "comment_created":
        return []
    update = _update(delivery, _time(delivery, "comment.created", "timestamp"))
    by = _actor(delivery, update, "comment.author")
    told = options.agents or at(body, "issue.fields.reporter") or word(comment, "author.accountType")
    if by is not None and by.kind == "agent" and not told:
        valid = "the agents of the source, or the event 'issue updated' in place of 'comment created'"
        raise Unknown(
            "role", f"comment {needed(comment, 'id')}: found no reporter to tell its author from; valid: {valid}"
        )
    public = comment.get("jsdPublic", options.unmarked_public) is True and not comment.get("visibility")
    update = replace(update, id=f"jira/comment/{needed(comment, 'id')}")
    return [posted(update, text_of(comment.get("body")), options, by=by, public=public)]


def _changes(delivery: Delivery) -> Iterator[TicketEvent]:
    """What the items of a changelog changed; one may be empty or missing."""
    body, options = delivery.payload, delivery.options
    items = at(body, "changelog.items")
    if not items:
        return
    if not isinstance(items, list):
        raise Unknown("shape", f"changelog.items: found {type(items).__name__}; valid: a list")
    change = needed(body, "changelog.id")
    update = _update(delivery, _time(delivery, "timestamp", "issue.fields.updated"))
    update = replace(update, id=f"jira/changelog/{change}", sequence=number(change))
    actor = _actor(delivery, update)
    for item in items:
        field = (word(item, "fieldId") or word(item, "field") or "").lower()
        to, shown = word(item, "to"), word(item, "toString")
        if field == "status":
            now = at(body, "issue.fields.status")
            same = word(now, "id") == to
            status = status_of(options, now if same else {"id": to, "name": shown})
            yield update.event(StatusChanged, field, status=status, actor=actor)
        elif field == "assignee":
            yield _assigned(delivery, update, to)
        elif field == "priority":
            yield changed(update, field, value_of(options, field, shown, PRIORITIES), actor=actor)
        elif field == "labels":
            yield from _labels(delivery, update, item, actor)
        for attribute, path in options.attributes.items():
            if field != "priority" and _named(path) == field:
                yield changed(update, attribute, value_of(options, attribute, shown), actor=actor)


def _named(path: str) -> str:
    """The field of a path into the issue."""
    return path.removeprefix("issue.fields.").partition(".")[0]


def _labels(delivery: Delivery, update: Update, item: Any, actor: Actor | None) -> Iterator[TicketEvent]:
    options = delivery.options
    before, after = labels_of(item, "fromString"), labels_of(item, "toString")
    for attribute in labelled(options):
        value = by_labels(options, attribute, after)
        if value != by_labels(options, attribute, before):
            yield changed(update, attribute, value, actor=actor)
