"""What Jira Service Management says of its own clocks: the cycles in the SLA fields of an issue.

An SLA is a custom field of any id, told by its shape: an object with `ongoingCycle` or `completedCycles`. Its `name` is
the desk's own: "Time to first response" and "Time to resolution" are the clocks of the shipped policy, others need
`clocks` in the source's configuration (`clocks = { "Time to close" = "time_to_resolution" }`).

A completed cycle: met as of its `stopTime`, breached as of its `breachTime`, or its `stopTime` where it has none. The
ongoing one: breached as of its `breachTime`, running with it only in the webhook of the issue's creation, as no change
says that it moved.

The API has these fields in every issue; that webhooks have them is not documented, so reconcile brings what they lack.
Lost: a cycle that Jira no longer lists; a deadline that moved (pauses, another goal, an edited calendar).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Final

from supportpulse.edges.adapters.shape import at, moment, word
from supportpulse.edges.adapters.verdict import Judge
from supportpulse.events import TicketEvent

CLOCKS: Final[Mapping[str, str]] = {
    "time to first response": "time_to_first_response",
    "time to resolution": "time_to_resolution",
}


def sla_fields(fields: Any) -> dict[str, Any]:
    """Those fields of an issue that are SLAs."""
    if not isinstance(fields, dict):
        return {}
    return {key: value for key, value in fields.items() if isinstance(value, dict) and _is_sla(value)}


def _is_sla(field: dict[str, Any]) -> bool:
    return "ongoingCycle" in field or isinstance(field.get("completedCycles"), list)


def cycles(field: Any) -> list[Any]:
    """The completed cycles of an SLA."""
    found = at(field, "completedCycles")
    return found if isinstance(found, list) else []


def instant(cycle: Any, name: str) -> datetime | None:
    """A time of a cycle, which is written in several ways beside each other."""
    return moment(cycle, f"{name}.epochMillis") or moment(cycle, f"{name}.iso8601")


def verdicts(judge: Judge, fields: Any, born: datetime | None) -> list[TicketEvent]:
    """Of an issue's fields; `born` is its creation, where this is the webhook of it."""
    return [one for field in sla_fields(fields).values() for one in _told(judge, field, born)]


def _told(judge: Judge, field: dict[str, Any], born: datetime | None) -> Iterator[TicketEvent]:
    name = word(field, "name")
    for cycle in cycles(field):
        stop, due, missed = instant(cycle, "stopTime"), instant(cycle, "breachTime"), at(cycle, "breached")
        if missed is True and due is not None and (stop is None or due <= stop):
            yield from judge.says(name, "breached", due, due)
        elif isinstance(missed, bool):
            yield from judge.says(name, "breached" if missed else "met", stop, None if missed else due)
    ongoing = at(field, "ongoingCycle")
    due, missed = instant(ongoing, "breachTime"), at(ongoing, "breached")
    if missed is True:
        yield from judge.says(name, "breached", due, due)
    elif missed is False and due is not None and at(ongoing, "paused") is not True:
        yield from judge.says(name, "running", born, due)
