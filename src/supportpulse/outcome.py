"""What we say back: emissions of the fold, and the outcomes made of them.

An emission is a plain tuple, for speed; `retracts` of the same tuple takes it back. The *net view* of any stream of
emissions is what remains: (ticket, clock, cycle) -> (verdict, time, deadline).
"""

from __future__ import annotations

from typing import Final, NamedTuple

STARTED, AT_RISK, BREACHED, MET, CANCELLED, FINAL, LATE, SOLVED, PARITY = range(9)
"""LATE (stopped after its deadline) and STARTED are counted in panes, but not published.

SOLVED is said of the ticket (clock 0, cycle = the entry's id): `inferred` is 1 if its problem had been confirmed, by
word or inference, plus 2 if a solution had been given. PARITY compares the vendor's verdict on a clock with ours: cycle
= the entry's id, `deadline` ours, `elapsed` a place in `parity.RESULTS`.
"""
KIND_NAMES: Final = ("started", "at_risk", "breached", "met", "cancelled", "final", "late", "solved", "parity")
PUBLISHED: Final = frozenset({AT_RISK, BREACHED, MET, CANCELLED, FINAL})
VERDICTS: Final = frozenset({BREACHED, MET, CANCELLED})


class Emission(NamedTuple):
    """One thing said (`because` empty) or taken back (`because` says why) about one cycle.

    `time` and `deadline` in ms (-1: none known), `elapsed` running ms (-1: started and stopped at one instant),
    `binding` rule and label set under which it counts, `inferred` start rule + 8 x stop rule by `clock.INFERENCES`.
    """

    kind: int
    clock: int
    cycle: int
    time: int
    deadline: int
    binding: int
    elapsed: int
    inferred: int
    because: str = ""

    def undone(self, because: str) -> Emission:
        """The retraction of this emission."""
        return self._replace(because=because)


def cycle_name(cycle: int) -> str:
    """How a cycle is written: 16 hex digits of the hash of the id that started it."""
    return cycle.to_bytes(8, "big").hex()
