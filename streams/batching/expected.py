"""The next offset each partition must bring: correctness rests here, not on queues, acks or seeks (law 4)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import Enum
from time import monotonic
from typing import NamedTuple

from faust.types import TP

from streams.batching.batch import Batch, Record


class Action(Enum):
    """What to do with a batch."""

    TAKE = "take"
    SKIP = "skip"
    HOLE = "hole"


class Verdict(NamedTuple):
    """`records` are those to process: empty unless the action is TAKE, and possibly empty even then."""

    action: Action
    records: Sequence[Record]


_SKIP, _HOLE = Verdict(Action.SKIP, ()), Verdict(Action.HOLE, ())


class ExpectedOffsets:
    """Expected offset per owned partition.

    A batch below it is a repetition and skipped, one across it is taken from there on, one above it is a hole: HOLE
    is said once, then the batches above are skipped until the lost one has come or `retry_seconds` have passed.
    """

    def __init__(self, *, retry_seconds: float = 5.0, clock: Callable[[], float] = monotonic) -> None:
        self._next: dict[TP, int] = {}
        self._healing: dict[TP, float] = {}
        self._retry_seconds = retry_seconds
        self._clock = clock
        self.holes = 0
        """Holes found, each answered by a seek back."""
        self.lost = 0
        """Offsets that were never read because the log no longer had them."""
        self.skipped = 0
        """Batches skipped as repetitions."""

    @property
    def partitions(self) -> frozenset[TP]:
        """The partitions that may be processed and committed now."""
        return frozenset(self._next)

    def offset(self, tp: TP) -> int:
        """The offset to commit for an owned partition; KeyError for any other."""
        return self._next[tp]

    def assigned(self, tp: TP, offset: int) -> None:
        """Reading of a partition starts at `offset` (again)."""
        self._next[tp] = offset
        self._healing.pop(tp, None)

    def revoked(self, tp: TP) -> None:
        """The partition is no longer ours: its batches are skipped from here on."""
        self._next.pop(tp, None)
        self._healing.pop(tp, None)

    def admit(self, batch: Batch) -> Verdict:
        """Judge a batch. Nothing moves until `advance`, so a batch whose processing fails is met again."""
        tp = batch.tp
        expected = self._next.get(tp)
        if expected is None:
            return _SKIP
        if batch.from_offset > expected:
            return _HOLE if self.suspect(tp) else _SKIP
        if batch.next_offset <= expected:
            self.skipped += 1
            return _SKIP
        return Verdict(Action.TAKE, batch.records_from(expected))

    def advance(self, batch: Batch) -> None:
        """The batch is processed: expect what follows it. Ignored for a partition revoked meanwhile."""
        tp = batch.tp
        if self._next.get(tp, batch.next_offset) < batch.next_offset:
            self._next[tp] = batch.next_offset
            self._healing.pop(tp, None)

    def suspect(self, tp: TP) -> bool:
        """Note a hole at the expected offset; True if it is new, or old and still there after `retry_seconds`."""
        now = self._clock()
        since = self._healing.get(tp)
        if since is not None and now - since < self._retry_seconds:
            return False
        self._healing[tp] = now
        self.holes += 1
        return True

    def jump(self, tp: TP, offset: int) -> None:
        """The log starts at `offset`, above what is expected: give up what lies between, and count it."""
        self.lost += max(0, offset - self._next[tp])
        self.assigned(tp, offset)
