"""GitHub issues: webhooks `issues` and `issue_comment`.

Understood: opened, closed (with its reason), reopened, assigned, unassigned, labeled, unlabeled, transferred, deleted,
and new comments. Pull requests, edits, pins, locks and milestones are of no interest. A ticket is `owner/repo#number`,
so a link to it can be made; tickets that are open while a repository is renamed go on under another id.

Ids: `github/issue/<id>/created`, `github/comment/<id>`, and for a change `github/issue/<id>@<second>/<what>=<value>`,
as the API's issue events have ids that no webhook tells. Their `created_at` is that second: `closed_at` for a close,
else `updated_at`, for webhooks give changes no time of their own. Whoever reads the API builds the same bodies and
calls `adapt`.

Who somebody is: bots by `user.type` or the option, agents by `author_association` (owner, member, collaborator) or the
option, everybody else a customer. What the sender of a change is, only the option tells; but the issue's author is who
that author is, and nobody else than agents may close, label and assign.

A transfer merges the old ticket into the new one, whose clocks start with the transfer: GitHub copies comments without
telling, so a start at the first opening would show answered tickets as waiting. A close as `duplicate` repeats another
ticket that GitHub does not name. Labels may be a status (`statuses` has `label:NAME`), an attribute (`labels:PREFIX`)
or a solution (`solution_tags`).

Left out by GitHub, and lost: the time of a deletion (the last update counts); the order of two changes of one kind
within a second; webhooks that failed, which are never sent again: reconcile.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

from supportpulse.edges.adapters.adapter import Delivery, Options, Unknown, Update, in_causal_order, opaque
from supportpulse.edges.adapters.attributes import attributes_of, by_labels, changed, labelled, labels_of
from supportpulse.edges.adapters.message import posted
from supportpulse.edges.adapters.shape import at, moment, needed, record, second_of, whole_second, word
from supportpulse.edges.adapters.snapshot import known
from supportpulse.events import (
    Actor,
    ActorKind,
    Assigned,
    RepeatOf,
    SolutionProvided,
    Status,
    StatusChanged,
    TicketCreated,
    TicketDeleted,
    TicketEvent,
    TicketMerged,
    TicketSplit,
)

OURS: Final = frozenset(("OWNER", "MEMBER", "COLLABORATOR"))
REASONS: Final[dict[str, Status]] = {"completed": "solved", "not_planned": "closed", "duplicate": "closed"}
QUIET: Final = frozenset((
    "demilestoned", "edited", "field_added", "field_removed", "locked", "milestoned", "pinned", "typed", "unlocked",
    "unpinned", "untyped",
))  # fmt: skip
QUIET_COMMENTS: Final = frozenset(("edited", "deleted", "pinned", "unpinned"))


def adapt(delivery: Delivery) -> list[TicketEvent]:
    """Events of one webhook body; the header `x-github-event` is only needed for what is neither issue nor ping."""
    body = record(delivery.payload)
    kind = delivery.headers.get("x-github-event") or _kind(body)
    if kind == "ping":
        return []
    if kind not in ("issues", "issue_comment"):
        raise Unknown("event", f"x-github-event: found {kind[:60]}; valid: issues, issue_comment")
    action = needed(body, "action")
    if at(body, "issue.pull_request") is not None:
        return []
    tells, quiet = (_TELL_COMMENTS, QUIET_COMMENTS) if kind == "issue_comment" else (_TELL, QUIET)
    if action in quiet:
        return []
    if action not in tells:
        raise Unknown("event", f"action of {kind}: found {action[:60]}; valid: {', '.join([*tells, *sorted(quiet)])}")
    return in_causal_order(tells[action](delivery))


def _kind(body: dict[str, Any]) -> str:
    if "comment" in body:
        return "issue_comment"
    return "issues" if "issue" in body else "ping" if "zen" in body else "none"


def _ticket(body: Any, repository: str = "repository", issue: str = "issue") -> str:
    return f"{needed(body, f'{repository}.full_name')}#{needed(body, f'{issue}.number')}"


def _update(delivery: Delivery, *paths: str) -> Update:
    """The update of an issue at the first of some paths that has a time, by default its last update."""
    body, time = delivery.payload, None
    for path in (*paths, "issue.updated_at"):
        time = time or moment(body, path)
    if time is None:
        raise Unknown("time", "issue.updated_at: found none; valid: ISO 8601 with a zone")
    time = whole_second(time)
    name = f"github/issue/{needed(body, 'issue.id')}@{second_of(time)}"
    return Update(delivery.source, _ticket(body), time, name)


def _role(options: Options, user: Any, association: str | None) -> ActorKind:
    kind = known(options, at(user, "id"), at(user, "login"))
    if kind == "bot" or word(user, "type") == "Bot":
        return "bot"
    return "agent" if kind == "agent" or association in OURS else "customer"


def _author(delivery: Delivery, update: Update, path: str) -> Actor | None:
    """The author of an issue or a comment."""
    user = at(delivery.payload, f"{path}.user")
    raw = word(user, "id")
    kind = _role(delivery.options, user, word(delivery.payload, f"{path}.author_association"))
    return None if raw is None else update.actor(kind, raw)


def _sender(delivery: Delivery, update: Update) -> Actor | None:
    """Who made a change."""
    body = delivery.payload
    raw = word(body, "sender.id")
    if raw is None:
        return None
    if raw == word(body, "issue.user.id"):
        return _author(delivery, update, "issue")
    return update.actor(_role(delivery.options, at(body, "sender"), "MEMBER"), raw)


def _opened(delivery: Delivery) -> list[TicketEvent]:
    body = delivery.payload
    moved = at(body, "changes.old_issue") is not None
    update = _update(delivery, *(() if moved else ("issue.created_at",)))
    creation = replace(update, id=f"github/issue/{needed(body, 'issue.id')}")
    data = attributes_of(body, delivery.options, labels_of(body, "issue.labels", "name"))
    author = _author(delivery, update, "issue")
    events: list[TicketEvent] = [creation.event(TicketCreated, "created", status="new", actor=author, **data)]
    if moved:
        old = _ticket(body, "changes.old_repository", "changes.old_issue")
        events.append(creation.event(TicketSplit, "split", other_ticket_id=old, actor=_sender(delivery, update)))
    if (agent := word(body, "issue.assignee.id")) is not None:
        events.append(_assigned(delivery, update, agent))
    return events


def _comment(delivery: Delivery) -> list[TicketEvent]:
    body = delivery.payload
    update = _update(delivery, "comment.created_at")
    update = replace(update, id=f"github/comment/{needed(body, 'comment.id')}")
    by = _author(delivery, update, "comment")
    return [posted(update, at(body, "comment.body"), delivery.options, by=by, public=True)]


def _entered(delivery: Delivery, update: Update, status: Status) -> TicketEvent:
    return update.event(StatusChanged, f"status={status}", status=status, actor=_sender(delivery, update))


def _closed(delivery: Delivery) -> list[TicketEvent]:
    update = _update(delivery, "issue.closed_at")
    reason = word(delivery.payload, "issue.state_reason") or "completed"
    status = delivery.options.statuses.get(reason) or REASONS.get(reason, "closed")
    events = [_entered(delivery, update, status)]
    if reason == "duplicate":
        events.append(update.event(RepeatOf, "duplicate", actor=_sender(delivery, update)))
    return events


def _reopened(delivery: Delivery) -> list[TicketEvent]:
    return [_entered(delivery, _update(delivery), delivery.options.statuses.get("reopened", "open"))]


def _assigned(delivery: Delivery, update: Update, raw: str | None) -> TicketEvent:
    agent = None if raw is None else opaque(update.source, raw)
    return update.event(Assigned, f"agent={agent or '-'}", agent=agent, actor=_sender(delivery, update))


def _assignment(delivery: Delivery) -> list[TicketEvent]:
    """The one just assigned has it, else the first of those who are left."""
    body = delivery.payload
    new = word(body, "assignee.id") if at(body, "action") == "assigned" else None
    return [_assigned(delivery, _update(delivery), new or word(body, "issue.assignees.0.id"))]


def _labels(delivery: Delivery) -> list[TicketEvent]:
    body, options, update = delivery.payload, delivery.options, _update(delivery)
    label, added = needed(body, "label.name"), at(body, "action") == "labeled"
    labels = labels_of(body, "issue.labels", "name")
    actor = _sender(delivery, update)
    events: list[TicketEvent] = [
        changed(update, name, by_labels(options, name, labels), actor=actor)
        for name in labelled(options)
        if by_labels(options, name, [label]) is not None
    ]
    status = options.statuses.get(f"label:{label.lower()}")
    if status is not None and at(body, "issue.state") == "open":
        events.append(_entered(delivery, update, status if added else "open"))
    if added and label in options.solution_tags:
        events.append(update.event(SolutionProvided, "solution", actor=actor))
    return events


def _transferred(delivery: Delivery) -> list[TicketEvent]:
    body, update = delivery.payload, _update(delivery)
    new = _ticket(body, "changes.new_repository", "changes.new_issue")
    return [update.event(TicketMerged, "transferred", other_ticket_id=new, actor=_sender(delivery, update))]


def _deleted(delivery: Delivery) -> list[TicketEvent]:
    update = _update(delivery)
    return [update.event(TicketDeleted, "deleted", actor=_sender(delivery, update))]


_Tells = dict[str, Callable[[Delivery], list[TicketEvent]]]
_TELL_COMMENTS: Final[_Tells] = {"created": _comment}
_TELL: Final[_Tells] = {
    "opened": _opened,
    "closed": _closed,
    "reopened": _reopened,
    "assigned": _assignment,
    "unassigned": _assignment,
    "labeled": _labels,
    "unlabeled": _labels,
    "transferred": _transferred,
    "deleted": _deleted,
}
