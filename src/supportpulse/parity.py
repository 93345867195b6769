"""Is the helpdesk's own verdict on a clock ours? Compared as of the same instant; a minute's rounding is allowed."""

from __future__ import annotations

from typing import Final

from supportpulse.clock import NEVER
from supportpulse.clocks import Clocks
from supportpulse.facts import VENDOR_CODES, Observation
from supportpulse.outcome import PARITY, Emission

RESULTS: Final = (
    "agree", "only_vendor_breached", "only_we_breached", "deadline_differs", "stands_differently", "no_cycle",
)  # fmt: skip
"""`no_cycle`: no cycle with a target here. `stands_differently`: one says it runs, the other that it was met."""
AGREE, ONLY_VENDOR, ONLY_WE, DEADLINE, STANDS, NO_CYCLE = range(len(RESULTS))

RUNNING, MET, BREACHED = (VENDOR_CODES[word] for word in ("running", "met", "breached"))

TOLERANCE_MS: Final = 60_000
"""Helpdesks count in minutes, and check for breaches by the minute at best."""


def compare(word: int, deadline: int, our_word: int, our_deadline: int, time: int) -> int:
    """Place in `RESULTS` for the vendor's word and deadline and ours as of `time` (ms; deadlines -1 if not known)."""
    if deadline >= 0 and our_deadline >= 0 and abs(deadline - our_deadline) > TOLERANCE_MS:
        return DEADLINE
    if word == our_word:
        return AGREE
    if BREACHED not in (word, our_word):
        return STANDS
    by_minute = word == MET or RUNNING in (word, our_word)  # a breach is said at the deadline, however early we met it
    if by_minute and our_deadline >= 0 and abs(our_deadline - time) <= TOLERANCE_MS:
        return AGREE
    return ONLY_VENDOR if word == BREACHED else ONLY_WE


def compared(clocks: Clocks, time: int, id64: int, claim: Observation) -> list[tuple[int, Emission]]:
    """What is to be said of the vendor's verdict (entry `id64`) once `as_of` has passed its time (ms).

    Nothing about a clock that the policy does not have.
    """
    index = clocks.plan.named.get(claim[1])
    if index is None:
        return []
    word, due = ours(clocks, index, time) or (None, -1)
    result = NO_CYCLE if word is None else compare(claim[3], claim[5] if len(claim) > 4 else -1, word, due, time)
    return [(time, Emission(PARITY, index, id64, time, due, clocks.binding, result, 0))]


def ours(clocks: Clocks, index: int, time: int) -> tuple[int, int] | None:
    """Word and deadline (ms, -1 if not known) of a clock's last cycle; None without it or a target."""
    cycle = clocks.cycles[index]
    if cycle is None or cycle.stop >= 0:
        ended = None if clocks.ended is None else clocks.ended.get(index)
        return None if ended is None else (BREACHED if ended[0] else MET, ended[1])
    if clocks.plan.aim(cycle.binding, index) is None:
        return None
    return BREACHED if cycle.due <= time else RUNNING, -1 if cycle.due == NEVER else cycle.due
