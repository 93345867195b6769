"""Zendesk's API as its event webhooks would have told it.

Read: `incremental/tickets/cursor` for the tickets that were updated, and of each its audits from their beginning, with
the people in them. A ticket as it was after an update is the ticket as it is now with the later audits undone.

With `verdicts = true` in the source's `api` table also its metric events: see `zendesk_metrics`.

Not in audits, and left to the webhooks: deletions, spam, merges. The channel is the ticket's `via`, which events may
write otherwise (map it in the source's `values`).
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final

from supportpulse.edges.adapters.shape import at, moment, word
from supportpulse.edges.reconcile import zendesk_metrics
from supportpulse.edges.reconcile.pages import Pages, items
from supportpulse.edges.reconcile.recovered import Recovered

PER_PAGE: Final = 100
CHANGES: Final = {
    "status": "status_changed",
    "custom_status_id": "custom_status_changed",
    "priority": "priority_changed",
    "group_id": "group_assignment_changed",
    "assignee_id": "agent_assignment_changed",
    "brand_id": "brand_changed",
    "ticket_form_id": "form_changed",
    "organization_id": "organization_changed",
    "type": "type_changed",
}
"""Field of an audit -> event."""
SAME: Final = ("assignee_id", "brand_id", "created_at", "group_id", "id", "organization_id", "priority", "requester_id",
               "status", "submitter_id", "tags", "type", "via")  # fmt: skip
RENAMED: Final = {"custom_status_id": "custom_status", "ticket_form_id": "form_id"}


def headers(token: str, user: str) -> dict[str, str]:
    """What each request says: an API token, in the name of a user."""
    return {"Authorization": f"Basic {b64encode(f'{user}/token:{token}'.encode()).decode()}"}


def recover(pages: Pages, since: datetime, *, verdicts: bool = False) -> Iterator[Recovered]:
    """What happened on a desk since a time, in no order; with its own `verdicts` on its clocks if asked to.

    Raises `ApiError`.
    """
    tickets = _updated(pages, since)
    gone = {name for name, ticket in tickets.items() if ticket.get("status") == "deleted"}
    if verdicts:
        yield from zendesk_metrics.recover(pages, since, gone)
    for name, ticket in tickets.items():
        if name in gone:
            continue
        audits, staff = _audits(pages, ticket)
        for audit in reversed(audits):
            time = moment(audit, "created_at")
            events = [event for event in audit.get("events") or () if isinstance(event, dict)]
            if time is not None and time >= since:
                for name, event in _events(ticket, audit, events, staff):
                    yield Recovered(_body(ticket, audit, name, event), {})
            for event in events:
                if event.get("type") == "Change" and (field := word(event, "field_name")) is not None:
                    ticket = {**ticket, field: event.get("previous_value")}


def _updated(pages: Pages, since: datetime) -> dict[str | None, dict[str, Any]]:
    """Tickets, each once: one that is updated meanwhile is listed again. Deleted ones have no audits any more."""
    place, query = "api/v2/incremental/tickets/cursor.json", {"start_time": int(since.timestamp())}
    found: dict[str | None, dict[str, Any]] = {}
    page = pages.get(place, **query, per_page=PER_PAGE).body
    while True:
        for ticket in items(pages, place, "tickets", page, "Zendesk"):
            found[word(ticket, "id")] = ticket
        following = at(page, "after_url")
        if at(page, "end_of_stream") is not False or not isinstance(following, str):
            return found
        page = pages.get(following).body


def _audits(pages: Pages, ticket: dict[str, Any]) -> tuple[list[dict[str, Any]], dict[str | None, bool]]:
    """A ticket's audits, oldest first, and of people in them whether they are staff."""
    place, staff = f"api/v2/tickets/{word(ticket, 'id')}/audits.json", dict[str | None, bool]()
    audits: list[dict[str, Any]] = []
    page = pages.get(place, **{"include": "users", "page[size]": PER_PAGE}).body
    while True:
        audits += items(pages, place, "audits", page, "Zendesk")
        users = at(page, "users")
        for user in users if isinstance(users, list) else ():
            staff[word(user, "id")] = word(user, "role") != "end-user"
        following = at(page, "links.next")
        if at(page, "meta.has_more") is not True or not isinstance(following, str):
            return audits, staff
        page = pages.get(following).body


def _events(
    ticket: dict[str, Any], audit: dict[str, Any], events: list[dict[str, Any]], staff: dict[str | None, bool]
) -> Iterator[tuple[str, dict[str, Any]]]:
    """(name, `event` of the body) of what an audit says."""
    if any(event.get("type") == "Create" for event in events):
        yield "created", {}
    for event in events:
        field, value = word(event, "field_name") or "", event.get("value")
        if event.get("type") == "Comment":
            author = word(event, "author_id") or word(audit, "author_id")
            who = {"id": author, "is_staff": staff.get(author)}
            said = {"id": event.get("id"), "body": event.get("body"), "is_public": event.get("public"), "author": who}
            yield "comment_added", {"comment": said}
        elif event.get("type") != "Change":
            continue
        elif field == "tags":
            now, was = _tags(value), _tags(event.get("previous_value"))
            yield (
                "tags_changed",
                {
                    "tags_added": [tag for tag in now if tag not in was],
                    "tags_removed": [tag for tag in was if tag not in now],
                },
            )
        elif field in CHANGES:
            yield CHANGES[field], {"current": value}
        elif field.isdecimal():
            yield "custom_field_changed", {"custom_field": {"id": field}, "current": value}


def _tags(value: Any) -> list[str]:
    return [tag for tag in value if isinstance(tag, str)] if isinstance(value, list) else []


def _body(ticket: dict[str, Any], audit: dict[str, Any], name: str, event: dict[str, Any]) -> dict[str, Any]:
    time = audit.get("created_at")
    detail = {key: ticket.get(key) for key in SAME} | {key: ticket.get(field) for field, key in RENAMED.items()}
    return {
        "type": f"zen:event-type:ticket.{name}",
        "id": f"audit-{word(audit, 'id')}",
        "time": time,
        "subject": f"zen:ticket:{word(ticket, 'id')}",
        "event": event,
        "detail": {**detail, "updated_at": time, "actor_id": audit.get("author_id")},
    }
