"""Event-time panes, and the windows and baselines that are sums of them.

A pane holds counts by cell; a cell is policy version, label set, clock and slot in one integer. Every emission counts
in its 5-minute pane and in its hour pane, by its own time: a breach at its deadline, a success at its fulfilment. The
last source offset a pane includes makes a replay skip what it has (law 4).
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping
from typing import Final

import msgspec

from supportpulse.names import BASELINE_WINDOWS, DURATION_EDGES_SECONDS, WINDOWS_SECONDS
from supportpulse.outcome import LATE, MET, Emission

FIVE_MINUTES: Final = 300_000
HOUR: Final = 3_600_000
KEPT: Final = {"5m": 2 * 86_400_000, "1h": 35 * 86_400_000}
"""How long panes are kept, in ms of broker time behind them; whole multiples of five minutes, as widths are."""
WIDTH: Final = {"5m": FIVE_MINUTES, "1h": HOUR}
SLOTS: Final = ("started", "at_risk", "breached", "met", "cancelled")
"""Slots by emission kind; duration buckets follow."""
FIRST_DURATION: Final = len(SLOTS)
_EDGES: Final = tuple(edge * 1000 for edge in DURATION_EDGES_SECONDS)
DURATION_SLOTS: Final = len(_EDGES) + 1
HOURS_A_WEEK: Final = 168

Cell = int
Delta = tuple[int, Cell, int]
"""(time ms, cell, +1 or -1)"""


def cell(version: int, label: int, clock: int, slot: int) -> Cell:
    """One integer for a count's place."""
    return ((version << 17 | label) << 5 | clock) << 5 | slot


def parts(place: Cell) -> tuple[int, int, int, int]:
    """(policy version, label set, clock, slot) of a cell."""
    return place >> 27, place >> 10 & 0x1FFFF, place >> 5 & 31, place & 31


def deltas(emissions: Iterable[Emission], version: int, labels: int) -> list[Delta]:
    """What emissions of one ticket add to panes; `labels` is the number of label sets of its policy version."""
    found = []
    for kind, clock, _, time, _, binding, elapsed, _, because in emissions:
        sign = -1 if because else 1
        place = cell(version, binding % labels, clock, 0)
        if kind < FIRST_DURATION:
            found.append((time, place + kind, sign))
        if (kind == MET and elapsed >= 0) or kind == LATE:
            found.append((time, place + FIRST_DURATION + bisect_left(_EDGES, elapsed), sign))
    return found


class Pane:
    """Counts of one span of event time; `offset` is the last source offset included."""

    __slots__ = ("counts", "offset")

    def __init__(self, offset: int = -1, counts: dict[Cell, int] | None = None) -> None:
        self.offset = offset
        self.counts: dict[Cell, int] = {} if counts is None else counts


Key = tuple[str, int]
"""("5m" or "1h", index): the pane of times in [index * width, (index + 1) * width)."""


def key_bytes(key: Key) -> bytes:
    """The changelog key of a pane."""
    return f"{key[0]}|{key[1]}".encode()


def key_from(value: bytes) -> Key:
    """The pane of a changelog key."""
    grain, _, index = value.decode().partition("|")
    return grain, int(index)


def encode(pane: Pane) -> bytes:
    """The changelog value of a pane."""
    return _encoder.encode((pane.offset, pane.counts))


def decode(value: bytes) -> Pane:
    """The pane of a changelog value."""
    return Pane(*_decoder.decode(value))


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(tuple[int, dict[int, int]])


class Panes:
    """The panes of one source partition.

    `five_minutes` is how many ms "5m" stands for: fewer under a time scale, and all else scales with it.
    """

    def __init__(self, five_minutes: int = FIVE_MINUTES) -> None:
        self.width = {grain: width // FIVE_MINUTES * five_minutes for grain, width in WIDTH.items()}
        self._kept = {grain: kept // FIVE_MINUTES * five_minutes for grain, kept in KEPT.items()}
        self._grains = [(grain, width, self._kept[grain]) for grain, width in self.width.items()]
        self.panes: dict[Key, Pane] = {}
        self.dirty: set[Key] = set()

    def apply(self, offset: int, changes: Iterable[Delta], now: int) -> list[tuple[Key, Cell, int]]:
        """Add all that the record at `offset` changes, once; returns what was added.

        A pane that ended longer ago than it is kept, by the record's broker time `now` (ms), is not made again.
        """
        added: list[tuple[Key, Cell, int]] = []
        touched: dict[Key, Pane | None] = {}
        at: int | None = None
        spots: list[tuple[Key, dict[Cell, int]]] = []
        for time, place, sign in changes:
            if time != at:
                at, spots = time, self._spots(time, offset, now, touched)
            for key, counts in spots:
                total = counts.get(place, 0) + sign
                if total:
                    counts[place] = total
                else:
                    del counts[place]
                added.append((key, place, sign))
        return added

    def _spots(
        self, time: int, offset: int, now: int, touched: dict[Key, Pane | None]
    ) -> list[tuple[Key, dict[Cell, int]]]:
        """The panes of a time, with what to count in; `touched`: panes of the record so far, None if they have it."""
        spots: list[tuple[Key, dict[Cell, int]]] = []
        for grain, width, kept in self._grains:
            index = time // width
            if (index + 1) * width + kept <= now:
                continue
            key = grain, index
            if key in touched:
                pane = touched[key]
            else:
                pane = self.panes.get(key)
                if pane is None:
                    pane = self.panes[key] = Pane()
                if offset <= pane.offset:
                    pane = None
                else:
                    pane.offset = offset
                    self.dirty.add(key)
                touched[key] = pane
            if pane is not None:
                spots.append((key, pane.counts))
        return spots

    def expire(self, now: int) -> list[Key]:
        """Drop panes that ended longer ago than they are kept, by broker time (ms); returns their keys."""
        gone = [key for key in self.panes if (key[1] + 1) * self.width[key[0]] + self._kept[key[0]] <= now]
        for key in gone:
            del self.panes[key]
            self.dirty.discard(key)
        return gone


class Rolling:
    """The sum of the `length` newest panes up to now, or of the same span some panes earlier; kept, not computed."""

    def __init__(self, grain: str, length: int, shifts: tuple[int, ...] = (0,)) -> None:
        self.grain, self.length, self.shifts = grain, length, shifts
        self.last = -1
        self.counts: dict[Cell, int] = {}

    def includes(self, index: int) -> bool:
        """Whether a pane lies in the window as it stands."""
        return any(self.last - shift - self.length < index <= self.last - shift for shift in self.shifts)

    def add(self, counts: Mapping[Cell, int]) -> None:
        """Count changes of a pane that the window includes."""
        for place, count in counts.items():
            self._add(place, count)

    def move(self, last: int, panes: Mapping[Key, Pane]) -> None:
        """Slide to the pane of now, its index."""
        before, self.last = self.last, last
        if last - before >= self.length or before < 0 or last < before:
            self.counts = {}
            for shift in self.shifts:
                for index in range(last - shift - self.length + 1, last - shift + 1):
                    self._merge(panes.get((self.grain, index)), 1)
            return
        for step in range(before + 1, last + 1):
            for shift in self.shifts:
                self._merge(panes.get((self.grain, step - shift)), 1)
                self._merge(panes.get((self.grain, step - shift - self.length)), -1)

    def _merge(self, pane: Pane | None, sign: int) -> None:
        if pane is not None:
            for place, count in pane.counts.items():
                self._add(place, sign * count)

    def _add(self, place: Cell, count: int) -> None:
        total = self.counts.get(place, 0) + count
        if total:
            self.counts[place] = total
        else:
            self.counts.pop(place, None)


class Windows:
    """All windows and baselines of one partition's panes, at one now."""

    def __init__(self) -> None:
        self.windows = {
            name: Rolling(grain, seconds * 1000 // WIDTH[grain])
            for name, seconds in WINDOWS_SECONDS.items()
            for grain in ("5m" if seconds <= 86_400 else "1h",)
        }
        weeks = tuple(HOURS_A_WEEK * week for week in (1, 2, 3, 4))
        self.baselines = {name: Rolling("1h", WINDOWS_SECONDS[name] // 3600, weeks) for name in BASELINE_WINDOWS}
        self._added: list[tuple[Key, Cell, int]] = []

    def add(self, added: Iterable[tuple[Key, Cell, int]]) -> None:
        """Note what `Panes.apply` added; it is counted at the next `move`."""
        self._added += added

    def move(self, now: int, panes: Panes) -> None:
        """Count what was added, then slide every window to `now` (ms); do it before panes are expired."""
        rollings = (*self.windows.values(), *self.baselines.values())
        for (grain, index), counts in self._by_pane().items():
            for rolling in rollings:
                if rolling.grain == grain and rolling.includes(index):
                    rolling.add(counts)
        for rolling in rollings:
            rolling.move(now // panes.width[rolling.grain], panes.panes)

    def _by_pane(self) -> dict[Key, dict[Cell, int]]:
        added, self._added = self._added, []
        found: dict[Key, dict[Cell, int]] = {}
        for key, place, count in added:
            counts = found.get(key)
            if counts is None:
                counts = found[key] = {}
            counts[place] = counts.get(place, 0) + count
        return found
