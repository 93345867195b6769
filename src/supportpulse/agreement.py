"""What the helpdesk says of a clock, what we say of it as of the same instant, and whether they agree."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from supportpulse.envelope import to_ms
from supportpulse.events import TicketEvent, VendorVerdict
from supportpulse.narrate import stamp
from supportpulse.outcome import Emission
from supportpulse.parity import RESULTS
from supportpulse.record import iso
from supportpulse.timeline import Step

_WORDS = {"started": "running", "met": "met", "breached": "breached", "late": "breached", "cancelled": None}


@dataclass(frozen=True)
class Agreement:
    """One verdict of the helpdesk as of `time` (ms), and ours.

    `ours` is running, met, breached, or None without a cycle; `result` one of `parity.RESULTS`, None while our side is
    not decided up to that time, or if the policy has no such clock.
    """

    id: str
    time: int
    clock: str
    theirs: str
    their_deadline: int | None
    ours: str | None
    our_deadline: int | None
    result: str | None

    def words(self) -> str:
        """Both sides in one line."""
        theirs = f"the helpdesk says {self.theirs}{_until(self.their_deadline)}"
        if self.result is None:
            return f"{theirs}; not compared yet"
        ours = f"we say {self.ours}{_until(self.our_deadline)}" if self.ours else "we have no cycle with a target"
        return f"{theirs}; {ours}: {self.result.replace('_', ' ').upper() if self.result != 'agree' else 'agree'}"

    def as_json(self) -> dict[str, Any]:
        """One object; times as RFC 3339."""
        return {
            "id": self.id,
            "time": iso(self.time),
            "clock": self.clock,
            "vendor": {"verdict": self.theirs, "deadline": _iso(self.their_deadline)},
            "ours": {"verdict": self.ours, "deadline": _iso(self.our_deadline)},
            "result": self.result,
            "agree": None if self.result is None else self.result == RESULTS[0],
        }


def agreements(
    events: Iterable[tuple[int, int, TicketEvent]], steps: Iterable[Step], compared: Mapping[int, Emission]
) -> Iterator[Agreement]:
    """Of events (time in ms, id hash, event) those in which the helpdesk judges, each beside what the steps came to."""
    changes = [change for step in steps for change in step.changes]
    for time, id64, event in events:
        if not isinstance(event, VendorVerdict):
            continue
        told = event.data
        ours = None
        for change in changes:
            if change.clock == told.clock and change.time <= time:
                back = "running" if change.what == "retracted" else ours
                ours = _WORDS.get(change.what, back)
        said = compared.get(id64)
        due = None if told.deadline is None else to_ms(told.deadline)
        our_due = said.deadline if said is not None and said.deadline >= 0 else None
        result = RESULTS[said.elapsed] if said is not None else None
        yield Agreement(event.id, time, told.clock, told.verdict, due, ours, our_due, result)


def _until(deadline: int | None) -> str:
    return "" if deadline is None else f", deadline {stamp(deadline)}"


def _iso(ms: int | None) -> str | None:
    return None if ms is None else iso(ms)
