"""What Zammad says of its own clocks, in every ticket.

`*_escalation_at` is the deadline of a clock that runs, and empty while it stands still and once it was fulfilled; then
`*_diff_in_min` has the minutes that were left, below nothing if it was missed. Breached: the deadline lies before the
ticket's own `updated_at`, or minutes are missing, then as of the response or the first close. Met: minutes were left.
Running, with the deadline: of a new ticket only, for a snapshot does not say what changed.

The update time's minutes are those of the longest wait and have no instant, so of it only missed deadlines are told. It
is `agent_respond`; a desk whose SLAs say "between agent updates" sets `clocks = { update = "pausable_update" }`.

Zammad counts whole minutes: a few seconds late may be in time there. `close_at` stays that of the first close.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from supportpulse.edges.adapters.shape import at, moment
from supportpulse.edges.adapters.verdict import SETTLED, Judge
from supportpulse.events import TicketEvent

CLOCKS: Final[Mapping[str, str]] = {
    "first_response": "first_response",
    "update": "agent_respond",
    "close": "requester_wait",
}


def verdicts(
    judge: Judge, ticket: Any, seen: datetime, shown: datetime | None, received: datetime
) -> list[TicketEvent]:
    """Of a ticket as it is at `shown` (None if it does not say), its snapshot's event being at `seen`."""
    created = moment(ticket, "created_at")
    born = shown is not None and created is not None and abs(shown - created) <= SETTLED
    told: list[TicketEvent] = []
    for clock in CLOCKS:
        due, done = moment(ticket, f"{clock}_escalation_at"), moment(ticket, f"{clock}_at")
        left = at(ticket, f"{clock}_diff_in_min")
        if done is not None:
            if isinstance(left, int) and not isinstance(left, bool):
                told += judge.says(clock, "breached" if left < 0 else "met", done + SETTLED)
        elif due is not None and due <= (shown or received):
            told += judge.says(clock, "breached", due, due)
        elif due is not None and born:
            told += judge.says(clock, "running", seen, due)
    return told
