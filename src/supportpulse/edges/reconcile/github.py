"""GitHub's API as the webhooks `issues` and `issue_comment` would have told it.

Read: `/repos/R/issues`, `/repos/R/issues/events` and `/repos/R/issues/comments`, each from the newest back to the start
of the window: what comes in meanwhile is put in front and shifts only what was read already. An issue as it was after a
change is the issue as it is now with the later changes undone.

Not in the API, and left to the webhooks: deletions and transfers (an issue that came from elsewhere is left out up to
its arrival), the text of a comment before it was edited, comments deleted since. Of several assignees, who has the
ticket once one of them left may differ.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from supportpulse.edges.adapters.shape import at, moment, word
from supportpulse.edges.reconcile.pages import Pages
from supportpulse.edges.reconcile.recovered import Recovered
from supportpulse.errors import ApiError

API: Final = "https://api.github.com"
PER_PAGE: Final = 100
ISSUES, COMMENT = {"x-github-event": "issues"}, {"x-github-event": "issue_comment"}
CHANGES: Final = frozenset(("closed", "reopened", "assigned", "unassigned", "labeled", "unlabeled"))


def headers(token: str) -> dict[str, str]:
    """What each request says."""
    return {
        "Authorization": f"Bearer {token}",
        "Accept": "application/vnd.github+json",
        "X-GitHub-Api-Version": "2022-11-28",
    }


def recover(pages: Pages, repository: str, since: datetime) -> Iterator[Recovered]:
    """What happened in a repository since a time, in no order. Raises `ApiError`."""
    here = f"repos/{repository}"
    about = {"full_name": word(pages.get(here).body, "full_name") or repository}
    issues = list(_newest(pages, f"{here}/issues", since, state="all", sort="created", direction="desc"))
    pasts: dict[str, _Past] = {}
    for event in _newest(pages, f"{here}/issues/events", since):
        issue, kind = at(event, "issue"), word(event, "event")
        if (number := word(issue, "number")) is None or at(issue, "pull_request") is not None:
            continue
        past = pasts.setdefault(number, _Past(issue))
        if past.arrived is None and kind in CHANGES:
            yield Recovered({**past.change(event), "repository": about}, ISSUES)
        past.undo(event)
    for issue in issues:
        past = pasts.get(word(issue, "number") or "") or _Past(issue)
        if past.arrived is None and at(issue, "pull_request") is None:
            opened = past.opened()
            body = {"action": "opened", "issue": opened, "repository": about, "sender": opened.get("user")}
            yield Recovered(body, ISSUES)
    for comment in _newest(pages, f"{here}/issues/comments", since, sort="created", direction="desc"):
        found = _comment(comment, pasts)
        if found is not None:
            yield Recovered({**found, "repository": about}, COMMENT)


def _newest(pages: Pages, place: str, since: datetime, **query: object) -> Iterator[dict[str, Any]]:
    """The items of a list from its newest to those of `since`, each once."""
    page, seen = pages.get(place, **query, per_page=PER_PAGE), set()
    while True:
        if not isinstance(page.body, list):
            raise ApiError(f"{pages.url}/{place}: found {type(page.body).__name__}; valid: a list, as GitHub has it")
        for item in page.body:
            time = moment(item, "created_at")
            if time is not None and time < since:
                return
            if isinstance(item, dict) and time is not None and (name := word(item, "id")) not in seen:
                seen.add(name)
                yield item
        if page.next is None:
            return
        page = pages.get(page.next)


def _comment(comment: dict[str, Any], pasts: dict[str, _Past]) -> dict[str, Any] | None:
    """A new comment's body, whose events need no more of the issue than its number."""
    number = (word(comment, "issue_url", 2000) or "").rpartition("/")[2]
    if "/pull/" in (word(comment, "html_url", 2000) or ""):
        return None
    arrived = pasts[number].arrived if number in pasts else None
    if arrived is not None and (moment(comment, "created_at") or arrived) < arrived:
        return None
    issue = {"id": number, "number": number, "updated_at": comment.get("created_at")}
    return {"action": "created", "issue": issue, "comment": comment, "sender": comment.get("user")}


@dataclass
class _Past:
    """An issue, going back in time: `issue` as it was after the change that is looked at."""

    issue: dict[str, Any]
    arrived: datetime | None = None
    """When it was transferred to here."""
    _first: dict[str, Any] | None = None

    def change(self, event: dict[str, Any]) -> dict[str, Any]:
        """The webhook's body for a change."""
        kind, time = event["event"], event["created_at"]
        issue = {**self.issue, "updated_at": time}
        if kind == "closed":
            reason = event.get("state_reason") or self.issue.get("state_reason")
            issue |= {"state": "closed", "closed_at": time, "state_reason": reason}
        actor = event.get("assigner") if "assigned" in kind else None  # of these, `actor` is who was assigned
        body = {"action": kind, "issue": issue, "sender": actor or event.get("actor")}
        return body | {key: event[key] for key in ("assignee", "label") if event.get(key) is not None}

    def undo(self, event: dict[str, Any]) -> None:
        """Go back before a change."""
        time, born = moment(event, "created_at"), moment(self.issue, "created_at")
        if time is not None and born is not None and time <= born and self._first is None:
            self._first = self.issue
        issue = dict(self.issue)
        match event.get("event"):
            case "closed":
                issue |= {"state": "open", "state_reason": None}
            case "reopened":
                issue |= {"state": "closed", "state_reason": None}
            case "labeled":
                issue["labels"] = _without(issue.get("labels"), event.get("label"), "name")
            case "unlabeled":
                issue["labels"] = [*_without(issue.get("labels"), event.get("label"), "name"), event.get("label")]
            case "assigned":
                issue["assignees"] = _without(issue.get("assignees"), event.get("assignee"), "id")
            case "unassigned":
                issue["assignees"] = [
                    *_without(issue.get("assignees"), event.get("assignee"), "id"),
                    event.get("assignee"),
                ]
            case "transferred":
                self.arrived = self.arrived or time
        self.issue = issue

    def opened(self) -> dict[str, Any]:
        """The issue as it was opened: with what was set in that very second."""
        first = self._first or self.issue
        assignee = at(first, "assignees.0")
        return {**first, "assignee": assignee, "state": "open", "updated_at": first.get("created_at")}


def _without(items: Any, gone: Any, key: str) -> list[Any]:
    return [item for item in items if at(item, key) != at(gone, key)] if isinstance(items, list) else []
