"""A vendor's API on a local port, with the faults of real ones; and GitHub's, with the webhooks it would send."""

from __future__ import annotations

import copy
import json
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from supportpulse.edges.gateway.sources import load
from supportpulse.edges.reconcile.account import account_of
from supportpulse.edges.reconcile.recovered import Found
from supportpulse.events import TicketEvent

START = datetime(2026, 2, 2, 8, tzinfo=UTC)
REPOSITORY = {"id": 1, "full_name": "acme/sdk", "name": "sdk"}
ANN = {"login": "ann", "id": 10, "type": "User"}
MAX = {"login": "max", "id": 20, "type": "User"}
BOT = {"login": "triage[bot]", "id": 30, "type": "Bot"}


TOKEN = "marker-token-0123456789"
ENVIRON = {"SECRET": "secret-of-a-test", "TOKEN": TOKEN}


def recovered(file: Path, content: str, since: datetime, until: datetime = START) -> Found:
    """What reconciliation finds of the source `desk` in a window, by a sources file of that content."""
    file.write_text(content, "utf-8")
    source = load(file, ENVIRON).sources["desk"]
    account = account_of(source, file, ENVIRON)
    return Found.of(source, account.recover(account.open(lambda text: None), since), until)


def by_id(events: Iterable[TicketEvent]) -> dict[str, TicketEvent]:
    """Events by their ids."""
    return {event.id: event for event in events}


@dataclass
class Answer:
    """What the API answers; with `cut`, only half of what its length promises."""

    body: Any = None
    code: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    cut: bool = False


@dataclass
class Api:
    """`answer(path, query)` is asked once no `faults` are left; `asked` keeps (path, query, headers)."""

    answer: Callable[[str, dict[str, str]], Answer]
    url: str = ""
    faults: list[Answer] = field(default_factory=list)
    asked: list[tuple[str, dict[str, str], dict[str, str]]] = field(default_factory=list)


@contextmanager
def serving(answer: Callable[[str, dict[str, str]], Answer]) -> Iterator[Api]:
    """An API on a free port."""
    api = Api(answer)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            query = dict(parse_qsl(parts.query))
            api.asked.append((parts.path, query, {name.lower(): value for name, value in self.headers.items()}))
            found = api.faults.pop(0) if api.faults else api.answer(parts.path, query)
            raw = json.dumps(found.body).encode()
            self.send_response(found.code)
            for name, value in found.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw[: len(raw) // 2] if found.cut else raw)
            self.close_connection = True

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    api.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield api
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class Hub:
    """A repository's issues: each change a minute later, in `hooks` as its webhook, and in the API as documented."""

    def __init__(self, page: int = 2) -> None:
        self.page, self.now = page, START
        self.issues: dict[int, dict[str, Any]] = {}
        self.events: list[dict[str, Any]] = []
        self.comments: list[dict[str, Any]] = []
        self.hooks: list[dict[str, Any]] = []

    def open(self, number: int, by: Any = ANN, **fields: Any) -> None:
        """A new issue."""
        time = self._tick()
        self.issues[number] = {
            "id": number * 100, "number": number, "user": by, "author_association": "NONE", "labels": [],
            "state": "open", "state_reason": None, "assignee": None, "assignees": [], "created_at": time,
            "updated_at": time, "closed_at": None, "title": "no sound", "body": "there is no sound", **fields,
        }  # fmt: skip
        self._hook(number, "opened", by)

    def comment(self, number: int, by: Any, association: str = "NONE", body: str = "hello") -> None:
        """A new comment."""
        time = self._tick()
        said = {
            "id": 9000 + len(self.comments), "user": by, "author_association": association, "body": body,
            "created_at": time, "updated_at": time,
            "issue_url": f"https://api.github.com/repos/acme/sdk/issues/{number}",
            "html_url": f"https://github.com/acme/sdk/issues/{number}#issuecomment-1",
        }  # fmt: skip
        self.comments.append(said)
        self.issues[number]["updated_at"] = time
        self._hook(number, "created", by, comment=said)

    def label(self, number: int, name: str, by: Any = MAX) -> None:
        """Put a label on, or take it off."""
        issue, label, time = self.issues[number], {"name": name, "color": "fff"}, self._tick()
        there = any(one["name"] == name for one in issue["labels"])
        labels = [one for one in issue["labels"] if one["name"] != name] + ([] if there else [label])
        self._change(number, "unlabeled" if there else "labeled", by, time, {"label": label}, labels=labels)

    def assign(self, number: int, who: Any, by: Any = MAX) -> None:
        """Give it to somebody if nobody has it, else take it away."""
        issue, time = self.issues[number], self._tick()
        if issue["assignees"]:
            kind, who, now = "unassigned", issue["assignees"][0], []
        else:
            kind, now = "assigned", [who]
        # of assignments, the API's `actor` is who got it
        self._change(
            number, kind, by, time, {"assignee": who}, told={"actor": who, "assigner": by}, assignees=now,
            assignee=now[0] if now else None,
        )  # fmt: skip

    def turn(self, number: int, reason: str | None = None, by: Any = MAX) -> None:
        """Close it, or open it again."""
        time = self._tick()
        fields: dict[str, Any]
        if self.issues[number]["state"] == "open":
            fields = {"state": "closed", "closed_at": time, "state_reason": reason or "completed"}
            self._change(number, "closed", by, time, {}, told={"state_reason": reason}, **fields)
        else:
            fields = {"state": "open", "closed_at": None, "state_reason": "reopened"}
            self._change(number, "reopened", by, time, {}, **fields)

    def transferred_here(self, number: int) -> None:
        """What the API shows of an issue that came from another repository."""
        self.events.append(self._event(number, "transferred", MAX, self._tick(), {}))

    def answer(self, path: str, query: dict[str, str]) -> Answer:
        """The documented pages, newest first, with `Link`."""
        lists: dict[str, list[Any]] = {
            "/repos/acme/sdk/issues": sorted(self.issues.values(), key=lambda issue: issue["created_at"]),
            "/repos/acme/sdk/issues/events": [
                {**event, "issue": self.issues[event["issue"]]} for event in self.events
            ],
            "/repos/acme/sdk/issues/comments": self.comments,
        }  # fmt: skip
        if path == "/repos/acme/sdk":
            return Answer(REPOSITORY)
        if path not in lists:
            return Answer({"message": "Not Found"}, 404)
        assert path.endswith("events") or (query["sort"], query["direction"]) == ("created", "desc")
        assert not path.endswith("issues") or query["state"] == "all"
        size, page = min(int(query["per_page"]), self.page), int(query.get("page", 1))
        newest = lists[path][::-1]
        again = "&".join(f"{key}={value}" for key, value in {**query, "page": str(page + 1)}.items())
        links = f'<{path}?{again}>; rel="next", <{path}?page=9>; rel="last"' if len(newest) > page * size else ""
        return Answer(newest[(page - 1) * size : page * size], headers={"Link": links} if links else {})

    def _tick(self) -> str:
        self.now += timedelta(minutes=1)
        return f"{self.now:%Y-%m-%dT%H:%M:%SZ}"

    def _event(self, number: int, kind: str, by: Any, time: str, told: Any) -> dict[str, Any]:
        return {
            "id": 70_000 + len(self.events),
            "event": kind,
            "actor": by,
            "created_at": time,
            "issue": number,
            **told,
        }

    def _change(
        self, number: int, kind: str, by: Any, time: str, data: Any, told: Any = None, **fields: Any
    ) -> None:  # fmt: skip
        self.issues[number] |= {**fields, "updated_at": time}
        self.events.append(self._event(number, kind, by, time, data | (told or {})))
        self._hook(number, kind, by, **data)

    def _hook(self, number: int, action: str, by: Any, **rest: Any) -> None:
        body = {"action": action, "issue": self.issues[number], "repository": REPOSITORY, "sender": by, **rest}
        self.hooks.append(copy.deepcopy(body))
