"""Zendesk's API on a local port, with the webhooks it would send."""

from __future__ import annotations

import copy
from datetime import datetime, timedelta
from typing import Any

from vendor_api import START, Answer

CUSTOMER, AGENT, COPIED, SYSTEM = 100, 200, 300, -1
USERS = [{"id": CUSTOMER, "role": "end-user"}, {"id": AGENT, "role": "agent"}, {"id": COPIED, "role": "end-user"}]
CHOICES: dict[str, list[Any]] = {
    "status": ["open", "pending", "hold", "solved"],
    "priority": ["high", "low", None],
    "group_id": [None, 5, 6],
    "assignee_id": [None, AGENT],
    "tags": [["vip"], ["vip", "answered"], []],
    "360": [None, "live_show", "call"],
}
NAMES = {
    "status": "status_changed", "priority": "priority_changed", "group_id": "group_assignment_changed",
    "assignee_id": "agent_assignment_changed", "tags": "tags_changed", "360": "custom_field_changed",
}  # fmt: skip


class Zendesk:
    """A desk's tickets: each update a minute later, in `hooks` as its webhooks, and in the API as documented."""

    def __init__(self, page: int = 2) -> None:
        self.page, self.now, self.number, self.url = page, START, 1000, ""
        self.tickets: dict[int, dict[str, Any]] = {}
        self.fields: dict[int, dict[str, Any]] = {}
        self.audits: dict[int, list[dict[str, Any]]] = {}
        self.hooks: list[dict[str, Any]] = []

    def open(self, ticket: int, body: str = "it is broken") -> None:
        """A new ticket with its first comment."""
        time = self._tick()
        self.tickets[ticket] = {
            "id": ticket, "created_at": time, "updated_at": time, "requester_id": CUSTOMER, "submitter_id": CUSTOMER,
            "via": {"channel": "web"}, "brand_id": 1, "organization_id": None, "type": None, "custom_status_id": None,
            "ticket_form_id": None, **{name: values[0] for name, values in CHOICES.items() if name != "360"},
        }  # fmt: skip
        self.fields[ticket], self.audits[ticket] = {"360": None}, []
        created = [{"type": "Create", "field_name": name, "value": CHOICES[name][0]} for name in ("status", "priority")]
        self._hook(ticket, "created", CUSTOMER, {})
        self._update(ticket, CUSTOMER, [*created, self._comment(ticket, CUSTOMER, body, True)])

    def comment(self, ticket: int, by: int, body: str = "hello", public: bool = True) -> None:
        """A new comment."""
        self.tickets[ticket]["updated_at"] = self._tick()
        self._update(ticket, by, [self._comment(ticket, by, body, public)])

    def change(self, ticket: int, field: str, by: int = AGENT) -> None:
        """Turn one field to its next value."""
        self.tickets[ticket]["updated_at"] = self._tick()
        holder = self.fields[ticket] if field == "360" else self.tickets[ticket]
        was = holder[field]
        now = holder[field] = CHOICES[field][(CHOICES[field].index(was) + 1) % len(CHOICES[field])]
        event: dict[str, Any] = {"current": now.upper() if field in ("status", "priority") and now else now}
        if field == "tags":
            event = {"tags_added": sorted({*now} - {*was}), "tags_removed": sorted({*was} - {*now})}
        elif field == "360":
            event["custom_field"] = {"id": 360}
        self._hook(ticket, NAMES[field], by, event)
        self._update(ticket, by, [{"type": "Change", "field_name": field, "value": now, "previous_value": was}])

    def answer(self, path: str, query: dict[str, str]) -> Answer:
        """The documented pages: cursors of tickets and of audits."""
        start = int(query.get("cursor") or query.get("page[after]") or 0)
        again = f"{self.url}{path}?cursor={start + self.page}"
        if path == "/api/v2/incremental/tickets/cursor.json":
            since = float(query.get("start_time", START.timestamp()))
            found = [
                one for one in self.tickets.values()
                if datetime.fromisoformat(one["updated_at"]).timestamp() >= since
            ]  # fmt: skip
            end = start + self.page >= len(found)
            body = {"tickets": found[start : start + self.page], "after_url": again, "end_of_stream": end}
            return Answer(body)
        if path.startswith("/api/v2/tickets/"):
            audits = self.audits[int(path.split("/")[4])]
            more = start + self.page < len(audits)
            body = {"audits": audits[start : start + self.page], "users": USERS, "meta": {"has_more": more}}
            return Answer(body | {"links": {"next": again if more else None}})
        return Answer({"error": "RecordNotFound"}, 404)

    def _tick(self) -> str:
        self.now += timedelta(minutes=1)
        return f"{self.now:%Y-%m-%dT%H:%M:%SZ}"

    def _comment(self, ticket: int, by: int, body: str, public: bool) -> dict[str, Any]:
        self.number += 1
        said = {"id": self.number, "body": body, "public": public, "author_id": by}
        who = {"id": str(by), "is_staff": by == AGENT}
        event = {"comment": {"id": str(self.number), "body": body, "is_public": public, "author": who}}
        self._hook(ticket, "comment_added", by, event)
        return {"type": "Comment", **said}

    def _update(self, ticket: int, by: int, events: list[dict[str, Any]]) -> None:
        time = self.tickets[ticket]["updated_at"]
        self.number += 1
        self.audits[ticket].append({"id": self.number, "author_id": by, "created_at": time, "events": events})

    def _hook(self, ticket: int, name: str, by: int, event: dict[str, Any]) -> None:
        detail = {**self.tickets[ticket], "actor_id": str(by)}
        time = detail["updated_at"].replace("Z", ".123456789Z")
        body = {"type": f"zen:event-type:ticket.{name}", "id": f"e-{len(self.hooks)}", "time": time}
        self.hooks.append(copy.deepcopy({**body, "subject": f"zen:ticket:{ticket}", "event": event, "detail": detail}))
