"""What the helpdesk says of a clock, what we say of it as of the same instant, and whether they agree."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from supportpulse.course import entries_of, replay
from supportpulse.envelope import to_ms
from supportpulse.events import VENDOR_WORDS, TicketEvent, VendorVerdict
from supportpulse.facts import Reading
from supportpulse.narrate import stamp
from supportpulse.outcome import Emission
from supportpulse.parity import RESULTS, ours
from supportpulse.record import iso
from supportpulse.ticket import Plans


@dataclass(frozen=True)
class Agreement:
    """One verdict of the helpdesk as of `time` (ms), and ours.

    `ours` is running, met, breached, or None without a cycle; `result` one of `parity.RESULTS`, None if they were not
    compared; `why` says why not.
    """

    id: str
    time: int
    clock: str
    theirs: str
    their_deadline: int | None
    ours: str | None
    our_deadline: int | None
    result: str | None
    why: str = ""

    def our_words(self) -> str:
        """Our side, and whether it is theirs."""
        if self.result is None:
            return f"not compared: {self.why}"
        said = f"we say {self.ours}{_until(self.our_deadline)}" if self.ours else "we have no cycle with a target"
        return f"{said}: {'agree' if self.result == RESULTS[0] else self.result.replace('_', ' ').upper()}"

    def words(self) -> str:
        """Both sides in one line."""
        return f"the helpdesk says {self.theirs}{_until(self.their_deadline)}; {self.our_words()}"

    def as_json(self) -> dict[str, Any]:
        """One object; times as RFC 3339."""
        return {
            "id": self.id,
            "time": iso(self.time),
            "clock": self.clock,
            "vendor": {"verdict": self.theirs, "deadline": _iso(self.their_deadline)},
            "ours": {"verdict": self.ours, "deadline": _iso(self.our_deadline)},
            "result": self.result,
            "not_compared": self.why or None,
            "agree": None if self.result is None else self.result == RESULTS[0],
        }


def agreements(
    judged: Mapping[int, TicketEvent],
    readings: Sequence[Reading],
    plans: Plans,
    compared: Mapping[int, Emission],
    as_of: int,
) -> Iterator[Agreement]:
    """Of a ticket's events (by id hash) those in which the helpdesk judges, each beside ours as it stood then.

    `readings`: all that were admitted, in event order; `compared`: the emissions of the comparison, by id hash;
    `as_of`: up to when all is decided (ms).
    """
    for step in replay(entries_of(readings), plans, readings[0].key.partition("|")[0]):
        event = None if step.entry is None else judged[step.entry[1]]
        if step.entry is None or not isinstance(event, VendorVerdict):
            continue
        said, told = compared.get(step.entry[1]), event.data
        index = step.fold.plan.named.get(told.clock)
        stood = None if index is None else ours(step.fold, index, step.time)
        word, due = (None, -1) if stood is None else (VENDOR_WORDS[stood[0]], stood[1])
        their_due = None if told.deadline is None else to_ms(told.deadline)
        our_due = due if due >= 0 else None
        result, why = (RESULTS[said.elapsed], "") if said is not None else (None, "the ticket is void")
        if index is None:
            why = "the policy has no such clock"
        elif step.time > as_of:
            why = "our side is not decided up to then"
        yield Agreement(event.id, step.time, told.clock, told.verdict, their_due, word, our_due, result, why)


def _until(deadline: int | None) -> str:
    return "" if deadline is None else f", deadline {stamp(deadline)}"


def _iso(ms: int | None) -> str | None:
    return None if ms is None else iso(ms)
