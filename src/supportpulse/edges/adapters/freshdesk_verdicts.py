"""What Freshdesk says of its own clocks, in the ticket of an app event.

Each clock has a due time and a mark that it was missed. Breached: the mark, once the due time has passed. Running, with
the due time: of a new ticket, and where `changes` holds a new due time. Met: only where the payload has the instant,
which is `stats` or, of a resolution, the change of status itself. `is_escalated` is set for any reason, so it counts
only while nothing says that the ticket was resolved in time.

Lost: fulfilments of first and next responses where there are no `stats`, as app events often have none. A due time that
was moved into the past later is compared with what stood at that time. A due time set by hand is the vendor's all the
same.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any, Final

from supportpulse.edges.adapters.shape import at, moment
from supportpulse.edges.adapters.verdict import SETTLED, Judge
from supportpulse.events import TicketEvent

CLOCKS: Final[Mapping[str, str]] = {
    "first response": "first_response",
    "next response": "next_response",
    "resolution": "agent_work",
}
_FIELDS: Final = (
    ("first response", "fr_due_by", "fr_escalated"),
    ("next response", "nr_due_by", "nr_escalated"),
    ("resolution", "due_by", "is_escalated"),
)


def verdicts(
    judge: Judge,
    ticket: Any,
    shown: datetime | None,
    received: datetime,
    *,
    renewed: Collection[str] | None,
    solved: bool,
    solves: bool,
) -> list[TicketEvent]:
    """Of a ticket as it is at `shown` (None if it does not say). `renewed`: fields that changed, None = it is new.

    `solved`: it is resolved or closed; `solves`: by this very update.
    """
    told: list[TicketEvent] = []
    for clock, due_field, mark in _FIELDS:
        due, missed = moment(ticket, due_field), at(ticket, mark)
        if due is None or not isinstance(missed, bool):
            continue
        done = None
        if clock == "first response":
            done = _noted(ticket, "first_responded_at")
        elif clock == "resolution" and solved:
            done = _noted(ticket, "resolved_at") or _noted(ticket, "closed_at") or (shown if solves else None)
            if done is None:
                continue
        late = done is None or done > due + SETTLED
        if missed and late and due <= (shown or received):
            told += judge.says(clock, "breached", due, due)
        elif not missed and not late:
            told += judge.says(clock, "met", done)
        elif not missed and done is None and not solved and shown is not None and shown < due:
            new = renewed is None or (due_field in renewed and _open(clock, ticket))
            told += judge.says(clock, "running", shown, due) if new else []
    return told


def _noted(ticket: Any, name: str) -> datetime | None:
    found = moment(ticket, f"stats.{name}")
    return None if found is None else found + SETTLED


def _open(clock: str, ticket: Any) -> bool:
    """Whether a clock surely runs; a first response may have been given, where nothing says so."""
    return clock != "first response" or isinstance(at(ticket, "stats"), dict)
