"""Jira's API on a local port, of Cloud or of Server, with the webhooks it would send."""

from __future__ import annotations

import copy
from datetime import UTC, datetime, timedelta
from typing import Any

from vendor_api import START, Answer

CUSTOMER = {"accountId": "c1", "accountType": "customer", "displayName": "Cy"}
AGENT = {"accountId": "a1", "accountType": "atlassian", "displayName": "Ada"}
APP = {"accountId": "b1", "accountType": "app", "displayName": "Automation for Jira"}
STATUSES = [
    {"id": "1", "name": "Waiting for support", "statusCategory": {"key": "indeterminate"}},
    {"id": "2", "name": "Waiting for customer", "statusCategory": {"key": "indeterminate"}},
    {"id": "3", "name": "Finito", "statusCategory": {"key": "done"}},
]
PRIORITIES = [{"id": "1", "name": "Highest"}, {"id": "3", "name": "Medium"}]
SCENARIOS = [{"id": "7", "value": "Live show"}, {"id": "8", "value": "Call"}]
ZONE = timedelta(hours=9)
"""Of the user who asks: Asia/Tokyo."""


class Desk:
    """A project's issues: each change a minute later, in `hooks` as its webhook, and in the API as documented."""

    def __init__(self, cloud: bool = True, page: int = 2) -> None:
        self.cloud, self.page, self.now, self.number = cloud, page, START, 50
        self.issues: dict[str, dict[str, Any]] = {}
        self.histories: dict[str, list[dict[str, Any]]] = {}
        self.comments: dict[str, list[dict[str, Any]]] = {}
        self.hooks: list[dict[str, Any]] = []

    def open(self, name: str, assignee: Any = None, by: Any = CUSTOMER) -> None:
        """A new issue."""
        time, customer = self._tick(), self._person(by)
        fields = {
            "created": time, "updated": time, "reporter": customer, "creator": customer, "status": STATUSES[0],
            "priority": PRIORITIES[0], "labels": ["vip"], "summary": "broken", "assignee": self._person(assignee),
            "customfield_77": SCENARIOS[0],
        }  # fmt: skip
        self.issues[name] = {"id": name, "key": f"SUP-{name}", "fields": fields}
        self.histories[name], self.comments[name] = [], []
        self._hook(name, "jira:issue_created", user=customer)

    def change(self, name: str, what: str, by: Any = AGENT) -> None:
        """Turn one field to its next value."""
        time, fields = self._tick(), self.issues[name]["fields"]
        item: dict[str, Any] = {"field": what, "fieldId": what}
        choices: dict[str, list[Any]] = {
            "status": STATUSES, "priority": PRIORITIES, "customfield_77": [*SCENARIOS, None],
            "assignee": [None, self._person(AGENT), self._person(APP)], "labels": [["vip"], ["vip", "answered"], []],
        }  # fmt: skip
        was = fields[what]
        now = choices[what][(choices[what].index(was) + 1) % len(choices[what])]
        for (key, shown), value in zip((("from", "fromString"), ("to", "toString")), (was, now), strict=True):
            if isinstance(value, list):
                item |= {key: None, shown: " ".join(value)}
            else:
                told = value or {}
                item[key] = told.get("accountId") or told.get("key") or told.get("id")
                item[shown] = told.get("displayName") or told.get("name") or told.get("value")
        fields |= {what: now, "updated": time}
        self.number += 1
        entry = {"id": str(self.number), "items": [item]}
        self.histories[name].append({**entry, "author": self._person(by), "created": time})
        self._hook(name, "jira:issue_updated", user=self._person(by), changelog=entry)

    def comment(self, name: str, by: Any, body: str = "hello", public: bool = True) -> None:
        """A new comment: on Cloud of an issue without reporter, on Server of one with, and who may see it left out."""
        time = self._tick()
        self.number += 1
        said = {"id": str(self.number), "author": self._person(by), "body": body, "created": time, "updated": time}
        self.comments[name].append(said | ({"jsdPublic": public} if self.cloud else {}))
        self.issues[name]["fields"]["updated"] = time
        kind = "comment_created" if self.cloud else "jira:issue_updated"
        self._hook(name, kind, user=self._person(by), comment=self.comments[name][-1])
        if self.cloud:
            del self.hooks[-1]["issue"]["fields"]["reporter"]

    def answer(self, path: str, query: dict[str, str]) -> Answer:
        """The documented pages."""
        parts = path.removeprefix("/rest/api/2/").split("/")
        match parts:
            case ["myself"]:
                return Answer({"accountId": "me", "timeZone": "Asia/Tokyo"})
            case ["status"]:
                return Answer(STATUSES)
            case ["search", "jql"] if self.cloud:
                start = int(query.get("nextPageToken", "at-0").removeprefix("at-"))
                found, end = self._searched(query["jql"]), start + self.page
                more = {"nextPageToken": f"at-{end}"} if end < len(found) else {"isLast": True}
                return Answer({"issues": found[start:end], **more})
            case ["search"] if not self.cloud:
                assert query["expand"] == "changelog"
                full = [
                    {**issue, "changelog": {"histories": self.histories[issue["id"]]}}
                    for issue in self._searched(query["jql"])
                ]
                return self._paged("issues", full, query)
            case ["issue", name, "changelog"] if self.cloud:
                return self._paged("values", self.histories[name], query)
            case ["issue", name, "comment"]:
                return self._paged("comments", self.comments[name], query)
        return Answer({"errorMessages": ["not there"]}, 404)

    def _searched(self, jql: str) -> list[dict[str, Any]]:
        project, updated, order = jql.partition(" AND ")[0], jql.split('"')[3], jql.rpartition('" ')[2]
        assert (project, order) == ('project = "SUP"', "ORDER BY created ASC")
        since = datetime.fromisoformat(updated).replace(tzinfo=UTC) - ZONE
        return [
            issue for issue in self.issues.values()
            if datetime.fromisoformat(issue["fields"]["updated"]) >= since
        ]  # fmt: skip

    def _paged(self, key: str, items: list[Any], query: dict[str, str]) -> Answer:
        start = int(query["startAt"])
        size = min(self.page, int(query["maxResults"]))
        return Answer({key: items[start : start + size], "startAt": start, "maxResults": size, "total": len(items)})

    def _person(self, person: Any) -> Any:
        """A person as this Jira shows one: Server has no ids and kinds of accounts."""
        if self.cloud or person is None:
            return person
        return {"key": person["accountId"], "name": person["displayName"], "displayName": person["displayName"]}

    def _tick(self) -> str:
        self.now += timedelta(minutes=1)
        return f"{self.now:%Y-%m-%dT%H:%M:%S}.321+0000"

    def _hook(self, name: str, kind: str, **rest: Any) -> None:
        time = int(self.now.timestamp() * 1000) + 400
        body = {"timestamp": time, "webhookEvent": kind, "issue": self.issues[name], **rest}
        self.hooks.append(copy.deepcopy(body))
