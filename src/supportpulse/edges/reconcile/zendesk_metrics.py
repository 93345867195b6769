"""Zendesk's metric events, as bodies of our own for its adapter: what it says of its own clocks.

Read: `incremental/ticket_metric_events` for the tickets whose clocks were fulfilled or missed, and of each all of its
metric events, for whether an SLA was applied before lies long back. That needs an administrator's token, and a plan
that has SLAs. A `fulfill` of an instance without a target, or after its breach, is no verdict and is left out.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import datetime
from typing import Any, Final

from supportpulse.edges.adapters.shape import at, moment, word
from supportpulse.edges.adapters.snapshot import number
from supportpulse.edges.adapters.zendesk_metrics import BODY
from supportpulse.edges.reconcile.pages import Pages, items
from supportpulse.edges.reconcile.recovered import Recovered

FULL: Final = 1000
"""Events of a page that another one follows, where the answer does not say whether it is the last."""


def recover(pages: Pages, since: datetime, gone: Collection[str | None]) -> Iterator[Recovered]:
    """Verdicts since a time on tickets that are not `gone`. Raises `ApiError`."""
    judged = (event for event in _exported(pages, since) if event.get("type") in ("breach", "fulfill"))
    for ticket in dict.fromkeys(word(event, "ticket_id") for event in judged):
        if ticket is None or ticket in gone:
            continue
        for time, event in _verdicts(_of(pages, ticket)):
            if time >= since:
                yield Recovered({**event, "supportpulse": BODY, "ticket_id": ticket}, {})


def _exported(pages: Pages, since: datetime) -> Iterator[dict[str, Any]]:
    place, asked = "api/v2/incremental/ticket_metric_events.json", set[str]()
    page = pages.get(place, start_time=int(since.timestamp())).body
    while True:
        found = items(pages, place, "ticket_metric_events", page, "Zendesk")
        yield from found
        following, last = at(page, "next_page"), at(page, "end_of_stream")
        ended = len(found) < FULL if last is None else last is not False
        if ended or not isinstance(following, str) or following in asked:
            return
        asked.add(following)
        page = pages.get(following).body


def _of(pages: Pages, ticket: str) -> list[tuple[datetime, dict[str, Any]]]:
    """All metric events of a ticket, which lie in lists by metric, in their order."""
    listed = at(pages.get(f"api/v2/tickets/{ticket}.json", include="metric_events").body, "ticket.metric_events")
    groups = listed.values() if isinstance(listed, dict) else [listed]
    events = [event for group in groups if isinstance(group, list) for event in group if isinstance(event, dict)]
    timed = [(time, event) for event in events if (time := moment(event, "time")) is not None]
    return sorted(timed, key=lambda one: (one[0], number(word(one[1], "id")) or 0))


def _verdicts(events: list[tuple[datetime, dict[str, Any]]]) -> Iterator[tuple[datetime, dict[str, Any]]]:
    applied: dict[tuple[str | None, str | None], bool] = {}
    missed = set[tuple[str | None, str | None]]()
    for time, event in events:
        instance, kind = (word(event, "metric"), word(event, "instance_id")), event.get("type")
        if kind in ("apply_sla", "apply_group_sla"):
            applied[instance] = at(event, "sla.target") is not None or at(event, "group_sla.target") is not None
        elif kind == "breach" and event.get("deleted") is not True:
            missed.add(instance)
            yield time, event
        elif kind == "fulfill" and applied.get(instance) and instance not in missed:
            yield time, event
