"""What Chatwoot says of its own clocks: `sla_events` and `applied_sla` of a conversation, in the enterprise edition.

Breached: a miss (`frt`, `nrt`, `rt`), as of when Chatwoot noticed, up to five minutes after the threshold, as the event
has no deadline. Met: `sla_status` is "hit", which says that nothing was missed in the whole conversation: the first
response and the resolution are, if they have thresholds, as of when that was said.

Lost: deadlines; next responses in time; what was in time in a conversation that missed something else. A status that
only changed by itself is told with the next webhook of the conversation.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from supportpulse.edges.adapters.shape import at, moment, word
from supportpulse.edges.adapters.verdict import Judge
from supportpulse.events import TicketEvent

CLOCKS: Final[Mapping[str, str]] = {"frt": "first_response", "nrt": "next_response", "rt": "total_resolution"}
NUMBERS: Final = {"0": "frt", "1": "nrt", "2": "rt"}
THRESHOLDS: Final = {"frt": "sla_first_response_time_threshold", "rt": "sla_resolution_time_threshold"}


def verdicts(judge: Judge, conversation: Any) -> list[TicketEvent]:
    """Of a conversation, wherever it lies."""
    told: list[TicketEvent] = []
    missed = at(conversation, "sla_events")
    for event in missed if isinstance(missed, list) else ():
        kind = word(event, "event_type") or ""
        told += judge.says(NUMBERS.get(kind, kind), "breached", moment(event, "created_at"))
    if at(conversation, "applied_sla.sla_status") == "hit":
        said = moment(conversation, "applied_sla.updated_at")
        for kind, threshold in THRESHOLDS.items():
            if at(conversation, f"applied_sla.{threshold}"):
                told += judge.says(kind, "met", said)
    return told
