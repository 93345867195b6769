"""How many clocks of a source run in a partition, are at risk, overdue or keep somebody waiting: kept, never scanned.

A ticket's part in the counts is read from the header of its value, under the label set the ticket has now. Headers that
agree in policy version, binding and masks have one *shape*, and what a shape adds is worked out once.
"""

from __future__ import annotations

from collections.abc import Iterable
from struct import Struct
from typing import Final

from supportpulse.codec import HEADER
from supportpulse.panes import Cell, cell, parts
from supportpulse.ticket import Plans

OPEN, AT_RISK, OVERDUE = range(3)
"""Slots of `Tally.counts`. A clock past its deadline is open and overdue, no longer at risk."""

_SHAPE: Final = Struct(">BBIIII")
"""Policy version, number of running clocks, binding, masks: bytes 2-3 and 32-47 of a header."""
_MINUTE: Final = Struct(">I")
_BODY: Final = HEADER.size
_MOST_SHAPES: Final = 100_000

Shape = tuple[tuple[Cell, ...], tuple[tuple[Cell, int], ...]]
"""Cells that count one each, and (cell, place in the value) of each start minute to watch."""


class Shapes:
    """What each shape of header adds to a tally; one for all partitions of a worker."""

    def __init__(self, plans: Plans) -> None:
        versions = plans.policy.versions
        self.labels = tuple(plan.labels for plan in plans.plans)
        self.watched = tuple(
            sum(1 << index for index, clock in enumerate(version.clocks) if clock.name in version.waiting_clocks)
            if version.waiting
            else 0
            for version in versions
        )
        self.thresholds = tuple(tuple(ms for _, ms in version.waiting) for version in versions)
        """Per policy version, rising, in ms."""
        self.known: dict[bytes, Shape] = {}

    def read(self, shape: bytes) -> Shape:
        """Work out a shape not known yet."""
        policy, _, binding, running, at_risk, overdue = _SHAPE.unpack(shape)
        label = binding % self.labels[policy]
        cells: list[Cell] = []
        starts: list[tuple[Cell, int]] = []
        place = _BODY
        for clock in range(running.bit_length()):
            if not running >> clock & 1:
                continue
            cells.append(cell(policy, label, clock, OPEN))
            if at_risk >> clock & 1:
                cells.append(cell(policy, label, clock, AT_RISK))
            if overdue >> clock & 1:
                cells.append(cell(policy, label, clock, OVERDUE))
            if self.watched[policy] >> clock & 1:
                starts.append((cell(policy, label, clock, OPEN), place))
            place += _MINUTE.size
        if len(self.known) >= _MOST_SHAPES:
            self.known.clear()
        found = self.known[shape] = tuple(cells), tuple(starts)
        return found


class Starts:
    """Start minutes of running clocks under one label set. Those beyond the longest threshold are only counted."""

    __slots__ = ("minutes", "old", "old_until")

    def __init__(self) -> None:
        self.minutes: dict[int, int] = {}
        self.old = 0
        self.old_until = -1

    def add(self, minute: int, count: int) -> None:
        """Count clocks that started in a minute."""
        if minute <= self.old_until:
            self.old += count
            return
        total = self.minutes.get(minute, 0) + count
        if total:
            self.minutes[minute] = total
        else:
            del self.minutes[minute]

    def age(self, until: int) -> None:
        """Minutes up to `until` are beyond every threshold from now on."""
        if until > self.old_until:
            self.old_until = until
            for minute in [minute for minute in self.minutes if minute <= until]:
                self.old += self.minutes.pop(minute)

    def until(self, minute: int) -> int:
        """How many started in a minute up to this one."""
        return self.old + sum(count for at, count in self.minutes.items() if at <= minute)


class Tally:
    """The counts of one source in one partition.

    `counts` holds them by cell, with OPEN, AT_RISK and OVERDUE as slots; none is 0.
    """

    def __init__(self, shapes: Shapes) -> None:
        self.counts: dict[Cell, int] = {}
        self._shapes = shapes
        self._starts: dict[Cell, Starts] = {}
        self._now = -1

    def replace(self, old: bytes | None, new: bytes | None) -> None:
        """A ticket's value `old` became `new`; None: there is none."""
        if old is not None and new is not None and old[2:4] == new[2:4] and old[32:48] == new[32:48]:
            end = _BODY + _MINUTE.size * new[3]
            if old[_BODY:end] == new[_BODY:end]:
                return
        if old is not None:
            self._add(old, -1)
        if new is not None:
            self._add(new, 1)

    def load(self, values: Iterable[bytes]) -> None:
        """Count tickets not counted before, as after a recovery: about a third of the time of `replace`."""
        known, read = self._shapes.known, self._shapes.read
        seen: dict[bytes, int] = {}
        for value in values:
            shape = value[2:4] + value[32:48]
            seen[shape] = seen.get(shape, 0) + 1
            starts = (known.get(shape) or read(shape))[1]
            if starts:
                self._watch(value, starts, 1)
        for shape, count in seen.items():
            self._count((known.get(shape) or read(shape))[0], count)

    def waiting(self, now: int) -> dict[Cell, int]:
        """Clocks that have run for longer than each threshold at `now` (ms), the threshold's place being the slot.

        Starts are known by the minute, so a clock counts up to a minute late, never early. A `now` that goes back, as
        that of a source that grows stale, is the latest before.
        """
        now = self._now = max(self._now, now)
        found: dict[Cell, int] = {}
        for place, starts in self._starts.items():
            version, label, clock, _ = parts(place)
            thresholds = self._shapes.thresholds[version]
            starts.age((now - thresholds[-1]) // 60_000 - 1)
            for slot, threshold in enumerate(thresholds):
                if count := starts.until((now - threshold) // 60_000 - 1):
                    found[cell(version, label, clock, slot)] = count
        return found

    def _add(self, value: bytes, sign: int) -> None:
        shape = value[2:4] + value[32:48]
        cells, starts = self._shapes.known.get(shape) or self._shapes.read(shape)
        self._count(cells, sign)
        if starts:
            self._watch(value, starts, sign)

    def _count(self, cells: tuple[Cell, ...], count: int) -> None:
        counts = self.counts
        for place in cells:
            total = counts.get(place, 0) + count
            if total:
                counts[place] = total
            else:
                del counts[place]

    def _watch(self, value: bytes, starts: tuple[tuple[Cell, int], ...], sign: int) -> None:
        for place, at in starts:
            watched = self._starts.get(place)
            if watched is None:
                watched = self._starts[place] = Starts()
            watched.add(_MINUTE.unpack_from(value, at)[0], sign)
