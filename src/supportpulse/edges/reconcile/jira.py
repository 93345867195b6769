"""Jira's API, of Cloud and of Server, as the webhooks `jira:issue_created`, `jira:issue_updated` and `comment_created`.

Read, in version 2, which writes texts as webhooks do: `search/jql` (Server: `search`) for the issues of a project that
were updated, and of each its changelog (Server: with the search) and its comments, from their beginnings. An issue as
it was created is the issue as it is now with the changelog undone. Times of a search are in the time zone of whoever
asks, so `myself` is asked first.

Its SLA fields are told on their own, as they are now.

Not in the API, and left to the webhooks: deletions, issues that moved to another project, the text of a comment before
it was edited. A custom field that is empty now is taken for an object with `value` and `name`, where it had a value.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from supportpulse.edges.adapters.jira_sla import cycles, instant, sla_fields
from supportpulse.edges.adapters.shape import at, moment, word
from supportpulse.edges.adapters.snapshot import number
from supportpulse.edges.reconcile.pages import Pages, items
from supportpulse.edges.reconcile.recovered import Recovered
from supportpulse.errors import ApiError

REST: Final = "rest/api/2"
PER_PAGE: Final = 100
CLOCKS_GO_BACK: Final = timedelta(hours=1)
"""An hour that comes twice is told apart by no search."""


def headers(token: str, user: str | None) -> dict[str, str]:
    """What each request says: on Cloud a user's address with an API token, on Server a personal access token."""
    if user is None:
        return {"Authorization": f"Bearer {token}"}
    return {"Authorization": f"Basic {b64encode(f'{user}:{token}'.encode()).decode()}"}


def recover(pages: Pages, project: str, since: datetime, *, cloud: bool) -> Iterator[Recovered]:
    """What happened in a project since a time, in no order. Raises `ApiError`."""
    told = pages.get(f"{REST}/status").body
    statuses = {word(status, "id"): status for status in told} if isinstance(told, list) else {}
    for issue in _updated(pages, project, since, cloud):
        name = word(issue, "id")
        if cloud:
            histories = list(_listed(pages, f"{REST}/issue/{name}/changelog", "values"))
        else:
            found = at(issue, "changelog.histories")
            histories = found if isinstance(found, list) else []
        if judged := _judged(issue, since):
            fields = {"webhookEvent": "jira:issue_updated", "issue": {"id": issue.get("id"), "fields": judged}}
            yield Recovered(fields, {})
        past = _Past(issue, statuses)
        for history in sorted(histories, key=lambda history: number(word(history, "id")) or 0, reverse=True):
            if _within(history, since):
                yield Recovered(past.change(history), {})
            past.undo(history)
        if _within(at(issue, "fields"), since):
            body = {"webhookEvent": "jira:issue_created", "issue": past.issue, "user": at(issue, "fields.creator")}
            yield Recovered(body, {})
        for comment in _listed(pages, f"{REST}/issue/{name}/comment", "comments"):
            if _within(comment, since):
                yield Recovered(_comment(issue, comment), {})


def _within(item: Any, since: datetime) -> bool:
    time = moment(item, "created")
    return time is not None and time >= since


def _updated(pages: Pages, project: str, since: datetime, cloud: bool) -> Iterator[dict[str, Any]]:
    zone = word(pages.get(f"{REST}/myself").body, "timeZone")
    try:
        local = (since - CLOCKS_GO_BACK).astimezone(ZoneInfo(zone) if zone else UTC)
    except (KeyError, ValueError, OSError):
        raise ApiError(f"{pages.url}/{REST}/myself: timeZone: found {zone!r}; valid: a zone of the IANA") from None
    jql = f'project = "{project}" AND updated >= "{local:%Y-%m-%d %H:%M}" ORDER BY created ASC'
    query: dict[str, object] = {"jql": jql, "fields": "*all", "maxResults": PER_PAGE}
    if not cloud:
        yield from _listed(pages, f"{REST}/search", "issues", **query, expand="changelog")
        return
    token: str | None = ""
    while token is not None:
        body = pages.get(f"{REST}/search/jql", **query, **({"nextPageToken": token} if token else {})).body
        yield from items(pages, "search/jql", "issues", body, "Jira")
        token = word(body, "nextPageToken", 10_000)


def _listed(pages: Pages, place: str, key: str, **query: object) -> Iterator[dict[str, Any]]:
    """All of a list that is paged by positions; a page may hold fewer than were asked for."""
    start = 0
    while True:
        body = pages.get(place, **{"maxResults": PER_PAGE, **query, "startAt": start}).body
        found = items(pages, place, key, body, "Jira")
        yield from found
        start += len(found)
        total = at(body, "total")
        if not found or not isinstance(total, int) or start >= total:
            return


def _judged(issue: dict[str, Any], since: datetime) -> dict[str, Any]:
    """The SLA fields of an issue, without the cycles that were completed before the window."""

    def late(cycle: Any) -> bool:
        stop = instant(cycle, "stopTime")
        return stop is None or stop >= since

    found = sla_fields(at(issue, "fields"))
    return {
        key: {**field, "completedCycles": [cycle for cycle in cycles(field) if late(cycle)]}
        for key, field in found.items()
    }


def _comment(issue: dict[str, Any], comment: dict[str, Any]) -> dict[str, Any]:
    """As each sends it: Cloud tells the kind of account and no reporter, Server the other way round."""
    fields = {} if word(comment, "author.accountType") else {"reporter": at(issue, "fields.reporter")}
    return {"webhookEvent": "comment_created", "issue": {"id": issue.get("id"), "fields": fields}, "comment": comment}


@dataclass
class _Past:
    """An issue, going back in time: as it was after the change that is looked at."""

    issue: dict[str, Any]
    statuses: dict[str | None, Any]
    """Id -> status with its category."""
    fields: dict[str, Any] = field(init=False)

    def __post_init__(self) -> None:
        found = self.issue.get("fields")
        judged = sla_fields(found)
        self.fields = {key: found[key] for key in found if key not in judged} if isinstance(found, dict) else {}
        self.issue = {"id": self.issue.get("id"), "key": self.issue.get("key"), "fields": self.fields}

    def change(self, history: dict[str, Any]) -> dict[str, Any]:
        """The webhook's body for an entry of the changelog."""
        return {
            "webhookEvent": "jira:issue_updated",
            "timestamp": history.get("created"),
            "user": history.get("author"),
            "issue": {**self.issue, "fields": dict(self.fields)},
            "changelog": {"id": history.get("id"), "items": history.get("items")},
        }

    def undo(self, history: dict[str, Any]) -> None:
        """Go back before an entry."""
        items = history.get("items")
        for item in items if isinstance(items, list) else ():
            name = (word(item, "fieldId") or word(item, "field") or "").lower()
            was, shown = word(item, "from"), word(item, "fromString")
            if name == "status":
                self.fields[name] = self.statuses.get(was) or {"id": was, "name": shown}
            elif name == "labels":
                self.fields[name] = (shown or "").split()
            elif name in ("assignee", "reporter"):
                self.fields[name] = was and {"key": was}
            elif name == "priority" or isinstance(self.fields.get(name), dict | None):
                self.fields[name] = shown and {"id": was, "name": shown, "value": shown}
            else:
                self.fields[name] = shown
