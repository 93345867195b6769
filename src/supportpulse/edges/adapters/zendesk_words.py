"""What Zendesk's own words mean: statuses, and who somebody is to a ticket."""

from __future__ import annotations

from typing import Any, Final

from supportpulse.edges.adapters.adapter import Options, Unknown
from supportpulse.events import ActorKind, Status

SYSTEM: Final = frozenset(("-1", "0", ""))
"""Ids of nobody: triggers, automations and Zendesk itself."""
STATUSES: Final[dict[str, Status]] = {
    "new": "new",
    "open": "open",
    "pending": "pending_customer",
    "hold": "pending_third_party",
    "on-hold": "pending_third_party",
    "solved": "solved",
    "closed": "closed",
    "archived": "closed",
}
UNTOLD: Final = frozenset(("deleted", "scrubbed"))
"""Statuses that come with an event of their own."""


def status_of(options: Options, name: str | None, custom: str | None = None) -> Status | None:
    """Our status of a status name in any case, or of a custom status's id if the configuration has it.

    None for a status that says nothing new. Raises `Unknown` for one that nobody mapped.
    """
    if custom is not None and custom in options.statuses:
        return options.statuses[custom]
    if name is None:
        return None
    plain = name.lower()
    found = options.statuses.get(plain) or STATUSES.get(plain)
    if found is None and plain not in UNTOLD:
        valid = ", ".join(sorted({*STATUSES, *options.statuses}))
        raise Unknown("status", f"status: found {plain[:60]!r}; valid: {valid}, or map it in the source's statuses")
    return found


def person(options: Options, raw: str | None, requester: str | None, staff: Any = None) -> ActorKind | None:
    """Who somebody is to a ticket: its requester is the customer even if staff; None if nothing is known of them.

    `staff` is True or False where Zendesk says so. Somebody else counts as an agent: a customer in copy who changes a
    ticket cannot be told from one.
    """
    if raw is None:
        return None
    if raw in options.bots:
        return "bot"
    if raw in SYSTEM:
        return "automation"
    if raw in options.agents:
        return "agent"
    if raw == requester or staff is False:
        return "customer"
    return "agent"
