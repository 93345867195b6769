"""What an alerting system tells a webhook, and the line a person reads of each alert.

Grafana and Alertmanager send the same core (Alertmanager calls it version 4): a list of alerts with labels, annotations
and times. What either adds is left aside.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, Literal

import msgspec

from supportpulse.errors import ConfigError

MAX_ALERTS = 10_000
MARKS = ("alertname", "severity", "clock", "scenario")
"""Labels that have a place of their own in the line; the others stay in the JSON."""
LINKS = {"look": "look", "runbook_url": "runbook"}
"""Fields that say where to go from here -> how the line calls them."""
STILL_FIRING = datetime(1, 1, 1, tzinfo=UTC)
"""`endsAt` of an alert that has not ended."""


Moment = Annotated[datetime, msgspec.Meta(tz=True)]


class Alert(msgspec.Struct, rename="camel", frozen=True):
    """One alert of a notification. Its texts come from outside: show them by `line` or `fields` only."""

    status: Literal["firing", "resolved"]
    labels: dict[str, str]
    starts_at: Moment
    ends_at: Moment | None = None
    annotations: dict[str, str] = {}

    def fields(self, received: datetime) -> dict[str, Any]:
        """What is known of it, as JSON values; absent ones are empty."""
        ended = self.status == "resolved" and self.ends_at not in (None, STILL_FIRING)
        return {
            "received": _iso(received),
            "status": self.status,
            **{name: self.labels.get(name, "") for name in MARKS},
            "summary": self.annotations.get("summary", ""),
            "starts_at": _iso(self.starts_at),
            "ends_at": _iso(self.ends_at) if self.ends_at and ended else "",
            "look": self.annotations.get("tickets") or self.annotations.get("first_look", ""),
            "runbook_url": self.annotations.get("runbook_url", ""),
            "dashboard_url": self.annotations.get("dashboard_url", ""),
            "labels": dict(sorted(self.labels.items())),
        }

    def line(self, received: datetime) -> str:
        """One line for people, without anything a terminal would obey."""
        known = self.fields(received)
        what = [known["received"], self.status.upper(), known["severity"] or "-", known["alertname"] or "(no name)"]
        where = [f"{name}={known[name]}" for name in ("clock", "scenario") if known[name]]
        until = f" to {known['ends_at']}" if known["ends_at"] else ""
        more = [("from " if until else "since ") + known["starts_at"] + until]
        more += [f"{name}: {known[key]}" for key, name in LINKS.items() if known[key]]
        return _plain(f"{' '.join(what + where)}: {known['summary'] or '(no summary)'} ({'; '.join(more)})")


class _Notification(msgspec.Struct):
    alerts: Annotated[list[Alert], msgspec.Meta(max_length=MAX_ALERTS)]


_decoder = msgspec.json.Decoder(_Notification)


def parse(body: bytes) -> list[Alert]:
    """The alerts of one webhook call. Raises `ConfigError` saying what is wrong and where in the body."""
    try:
        return _decoder.decode(body).alerts
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ConfigError(f"body: {error}; valid: a notification of Grafana or Alertmanager (version 4)") from None


def _iso(moment: datetime) -> str:
    if moment.year in (1, 9999):  # cannot be moved to UTC if its zone lies beyond the calendar
        return moment.isoformat(timespec="seconds")
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _plain(text: str) -> str:
    return "".join(letter if letter.isprintable() else "�" for letter in " ".join(text.split()))
