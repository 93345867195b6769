"""What Jira's own words mean: statuses, priorities, people and rich text."""

from __future__ import annotations

from typing import Any, Final

from supportpulse.edges.adapters.adapter import Options, Unknown
from supportpulse.edges.adapters.shape import word
from supportpulse.edges.adapters.snapshot import known
from supportpulse.events import ActorKind, Status

STATUSES: Final[dict[str, Status]] = {
    "waiting for customer": "pending_customer",
    "pending": "pending_third_party",
    "on hold": "pending_third_party",
    "waiting for vendor": "pending_third_party",
    "waiting for third party": "pending_third_party",
    "waiting for support": "open",
    "in progress": "open",
    "work in progress": "open",
    "escalated": "open",
    "reopened": "open",
    "open": "open",
    "to do": "new",
    "done": "solved",
    "resolved": "solved",
    "closed": "closed",
    "canceled": "closed",
    "cancelled": "closed",
}
CATEGORIES: Final[dict[str, Status]] = {"new": "new", "indeterminate": "open", "done": "solved"}
"""Keys of Jira's status categories, for a status of the desk's own."""
PRIORITIES: Final = {
    "blocker": "urgent",
    "critical": "urgent",
    "highest": "urgent",
    "major": "high",
    "medium": "normal",
    "minor": "low",
    "trivial": "low",
    "lowest": "low",
}
DEEPEST: Final = 100


def status_of(options: Options, status: Any, *, creation: bool = False) -> Status:
    """Our status of an object with id and name, and its category if the snapshot has it.

    At `creation` nobody has taken a ticket up yet, and later it is never new. Raises `Unknown` for a status that nobody
    mapped.
    """
    name, number = (word(status, "name") or "").lower(), word(status, "id") or ""
    said = options.statuses.get(number) or options.statuses.get(name)
    if said is not None:
        return said
    found = STATUSES.get(name) or CATEGORIES.get(word(status, "statusCategory.key") or "")
    if found is None:
        valid = "one mapped in the source's statuses"
        raise Unknown("status", f"status: found {name[:60]!r} with id {number[:20]!r}; valid: {valid}")
    if creation:
        return "new" if found == "open" else found
    return "open" if found == "new" else found


def account(person: Any) -> str | None:
    """The id of a person: of Cloud, or the key or name of Server."""
    return word(person, "accountId") or word(person, "key") or word(person, "name")


def role(options: Options, person: Any, reporter: Any) -> ActorKind | None:
    """Who somebody is to an issue; None if nobody is named."""
    raw = account(person)
    if raw is None:
        return None
    kind = known(options, raw, word(person, "key"), word(person, "name"), word(person, "emailAddress"))
    if kind == "bot" or word(person, "accountType") == "app":
        return "bot"
    if word(person, "accountType") == "customer":
        return "customer"
    if kind is not None or options.agents:
        return kind or "customer"
    return "customer" if raw == account(reporter) else "agent"


def text_of(body: Any, depth: int = 0) -> str:
    """The text of a comment: as it is, or the leaves of Atlassian's document format."""
    if isinstance(body, str):
        return body
    if isinstance(body, dict) and depth < DEEPEST:
        leaf = body.get("text")
        inner = body.get("content")
        parts = [leaf] if isinstance(leaf, str) else []
        if isinstance(inner, list):
            parts += [text_of(part, depth + 1) for part in inner]
        return ("\n" if body.get("type") == "doc" else " ").join(parts)
    return ""
