"""A log's past as a worker would have shown it: the state of one partition at every step of time.

The log's clock is the latest event time or watermark that came so far, and every source counts as heard of until then,
as a live one is: an import's heartbeats lie hours apart, and no live worker would have told a breach so late. Step T
stands for the instant before T, so its windows of 5-minute panes are whole; what came later than its step counts from
the next one on, as it would have live.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import datetime
from typing import Final, NamedTuple

import msgspec

from supportpulse.clock import Plan
from supportpulse.envelope import to_ms
from supportpulse.facts import OBSERVED, Beat, Reading
from supportpulse.marker import marker
from supportpulse.outcome import Emission
from supportpulse.panes import HOUR
from supportpulse.partition import Letter, Partition, Place
from supportpulse.policy import Policy
from supportpulse.reader import Read
from supportpulse.snapshot import Snapshot, clock_counts, window_counts
from supportpulse.tally import Shapes
from supportpulse.ticket import Plans
from supportpulse.watermark import Sources

MARKED_AT_ONCE: Final = 10_000
MAX_FUTURE: Final = 86_400_000
Line = tuple[int, bytes, Read]
"""(number, value, what the fold needs of it) of a record in a log."""


class Record(NamedTuple):
    """A record as the partition takes it; `number` is that of its line, 0 for a marker of ours."""

    key: bytes
    value: bytes
    offset: int
    timestamp: int
    number: int


class _Envelope(msgspec.Struct):
    time: datetime


_envelope = msgspec.json.Decoder(_Envelope).decode


def _happened(value: bytes, reading: Reading) -> int:
    """When an event was, in ms: a snapshot counts at the creation it tells of, which may lie ahead of it."""
    if reading.facts & OBSERVED:
        with suppress(msgspec.ValidationError):  # a time that only the laxer contract reads
            return to_ms(_envelope(value).time)
    return reading.time


class Replay:
    """Folds a log in its order. `step` in ms; steps are its multiples since 1970.

    What claims to be further ahead of the log's clock than `max_future` (ms) is not admitted, as by a worker.
    """

    def __init__(self, policy: Policy, step: int, max_future: int = MAX_FUTURE) -> None:
        self.plans = Plans(policy)
        self.step = step
        self.state = Partition(
            Place("replay", 0, lambda key: 0),
            self.plans,
            Shapes(self.plans),
            {},
            {},
            Sources(0),
            _Unwatched(),
            max_future,
        )
        self.events = self.late = self.first_late = 0
        """Events; those that came when their step was over, and the line of the first of them."""
        self.letters: list[Letter] = []
        self._waiting: list[Record] = []
        self._offset = -1
        self._clock = self._next = -1
        self._expired = 0

    def run(self, lines: Iterable[Line], start: int = 0, until: int | None = None) -> Iterator[Snapshot]:
        """The state at each step from `start` (ms) on; the log is left where its clock comes to `until`.

        A snapshot's `taken_ms` is the step. The last step is that of the log's last event or watermark.
        """
        for number, value, reading in lines:
            if isinstance(reading, Reading):
                at = _happened(value, reading)
            elif isinstance(reading, Beat):
                at = reading.watermark
            else:
                continue
            if at > self._clock:
                yield from self._pass(at if until is None else min(at, until - 1), start)
                if until is not None and at >= until:
                    return
                self._clock = at
            if isinstance(reading, Reading):
                self._note(number, at)
                self._append(reading.key.encode(), value, self._clock, number)
        self._take()

    def refused(self) -> list[tuple[int, str, str]]:
        """(line, reason, detail) of what was not admitted since the last call."""
        letters, self.letters = self.letters, []
        return [
            (letter.incoming.number, letter.reason, letter.detail)
            for letter in letters
            if isinstance(letter.incoming, Record)
        ]

    def _note(self, number: int, at: int) -> None:
        self.events += 1
        if self._next < 0:
            self._next = (at // self.step + 1) * self.step
        elif at < self._next - self.step:
            self.late += 1
            self.first_late = self.first_late or number

    def _pass(self, at: int, start: int) -> Iterator[Snapshot]:
        """Every step up to an instant, once there was an event."""
        while 0 <= self._next <= at:
            now, self._next = self._next, self._next + self.step
            self._take()
            self._sweep(now)
            self._slide(now - 1)
            if now >= start:
                yield self._snapshot(now)

    def _append(self, key: bytes, value: bytes, at: int, number: int = 0) -> None:
        self._offset += 1
        self._waiting.append(Record(key, value, self._offset, at, number))

    def _take(self) -> None:
        state, records = self.state, self._waiting
        if records:
            state.take(records, records[-1].timestamp)
            self.letters += state.letters
            state.letters.clear()
            state.outbox.clear()
            self._waiting = []
        state.settle()
        state.dirty.clear()

    def _sweep(self, now: int) -> None:
        """Decide all that was due before `now` (ms), as markers do; what one decides may make the next one due."""
        state = self.state
        while passed := list(state.due(now, MARKED_AT_ONCE)):
            for key, at in passed:
                self._append(key, marker(key, at), now)
            self._take()
            for key, _ in state.marked:
                state.rearm(key)
            state.marked.clear()

    def _slide(self, now: int) -> None:
        state = self.state
        state.windows.move(now, state.panes)
        if now // HOUR > self._expired:
            self._expired = now // HOUR
            state.expire(now)
            state.gone_panes.clear()
        state.panes.dirty.clear()

    def _snapshot(self, step: int) -> Snapshot:
        windows, baselines = window_counts([self.state.windows])
        clocks, waiting = clock_counts(self.state.told(step - 1))
        return Snapshot(step, step, step, windows=windows, baselines=baselines, clocks=clocks, waiting=waiting)


class _Unwatched:
    """Nobody counts what happens: counters are of a worker's own work, and no history has any."""

    def count(self, plan: Plan, said: Iterable[Emission], broker_ms: int, now_ms: int, ticket: str = "") -> None:
        """Not counted."""

    def processed(self, records: int, kind: str = "event") -> None:
        """Not counted."""

    def event_delays(self, delays_ms: Iterable[int]) -> None:
        """Not counted."""

    def out_of_order(self, events: int = 1) -> None:
        """Not counted."""

    def duplicate(self, events: int = 1) -> None:
        """Not counted."""

    def rejected(self, reason: str) -> None:
        """Not counted."""

    def probe_delay(self, ms: int) -> None:
        """Not counted."""
