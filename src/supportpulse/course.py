"""The course of a cycle: when it ran and when it paused, and under which rule, as the fold had it.

The fold keeps of past spans no more than it may need again; here the events are folded once more, and the cycles are
compared before and after each.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from supportpulse import facts as f
from supportpulse.clock import LAST, NEVER, RETROACTIVE, Clock, Cycle, Plan
from supportpulse.facts import Reading
from supportpulse.fold import Fold
from supportpulse.history import Entry
from supportpulse.ticket import Plans, creation_of, void_position


@dataclass
class Stretch:
    """Running from `begin` to `end` (ms; -1: not ended) under a binding (rule and label set)."""

    begin: int
    end: int
    binding: int


@dataclass
class Course:
    """One cycle. `rules`: (ms, binding) from when on; `end`: when it stopped or was cancelled (ms), -1 if it was not.

    `due`: the deadline of one that runs, -1 while it pauses.
    """

    clock: int
    cycle: int
    start: int
    binding: int
    stretches: list[Stretch] = field(default_factory=list)
    rules: list[tuple[int, int]] = field(default_factory=list)
    end: int = -1
    due: int = -1
    undoable: bool = False
    """Stopped, and a reopening would undo that."""

    @property
    def paused(self) -> bool:
        """Whether it neither ran nor had ended, at last."""
        return self.end < 0 and not (self.stretches and self.stretches[-1].end < 0)

    def close(self, time: int) -> None:
        """It ended."""
        if self.end < 0:
            self._pause(time)
            self.end, self.due = time, -1

    def cancel(self, clock: Clock, time: int) -> None:
        """It was cancelled at `time`; one that had stopped before was reopened by the same step."""
        if self.undoable and self.end < time:
            self._reopen(clock)
            self.close(time)

    def _pause(self, time: int) -> None:
        if self.stretches and self.stretches[-1].end < 0:
            self.stretches[-1].end = time
            if self.stretches[-1].begin == time:
                del self.stretches[-1]

    def follow(self, plan: Plan, clock: Clock, cycle: Cycle, time: int) -> None:
        """Take over what a step at `time` left behind."""
        if cycle.stop >= 0:
            self.close(cycle.stop)
            self.undoable = True
            return
        if self.end >= 0:
            self._reopen(clock)
        if cycle.binding != self.binding:
            self._rebind(plan, clock, cycle, time)
        if cycle.since < 0:
            self._pause(time)
        elif not self.stretches or self.stretches[-1].end >= 0:
            self.stretches.append(Stretch(cycle.since, -1, self.binding))
        self.due = -1 if cycle.due == NEVER else cycle.due

    def _reopen(self, clock: Clock) -> None:
        stop, self.end, self.undoable = self.end, -1, False
        if clock.reopen == LAST:  # as if it had never stopped
            if self.stretches and self.stretches[-1].end == stop:
                self.stretches[-1].end = -1
            else:
                self.stretches.append(Stretch(stop, -1, self.binding))

    def _rebind(self, plan: Plan, clock: Clock, cycle: Cycle, time: int) -> None:
        old, self.binding = self.binding, cycle.binding
        if self.binding // plan.labels == old // plan.labels:
            return
        self.rules.append((time, self.binding))
        if clock.on_change == RETROACTIVE or plan.aim(old, self.clock) is None:  # judged again from its start
            for stretch in self.stretches:
                stretch.binding = self.binding
        elif self.stretches and self.stretches[-1].end < 0:
            self._pause(time)
            self.stretches.append(Stretch(time, -1, self.binding))


def courses(readings: Sequence[Reading], plans: Plans, as_of: int) -> tuple[Plan, list[Course]]:
    """The courses of all cycles of a ticket that have or had a target, by start, and the plan they ran under.

    `readings`: its admitted events (at least one), in event order. Time alone ends shifts until `as_of` (ms). A void
    ticket's cycles end when it became void.
    """
    listed = entries_of(readings)
    void = void_position(listed)
    source = readings[0].key.partition("|")[0]
    found: dict[tuple[int, int], Course] = {}
    for step in replay(listed, plans, source, as_of if void < 0 else None, void + 1 if void >= 0 else None):
        _note(found, step.fold, step.time)
    plan = step.fold.plan
    if void >= 0:
        for course in found.values():
            course.close(listed[void][0])
            course.undoable = False
    aimed = [
        course
        for course in found.values()
        if any(plan.aim(binding, course.clock) is not None for _, binding in course.rules)
    ]
    return plan, sorted(aimed, key=lambda course: (course.start, course.clock))


def entries_of(readings: Iterable[Reading]) -> list[Entry]:
    """What a fold takes of readings."""
    return [(one.time, one.id64, one.facts, one.observation) for one in readings]


class State(NamedTuple):
    """A fold after a step at `time` (ms): an entry, or None for a creation or what time alone did."""

    fold: Fold
    time: int
    entry: Entry | None


def replay(
    entries: Sequence[Entry], plans: Plans, source: str, as_of: int | None = None, until: int | None = None
) -> Iterator[State]:
    """Fold entries in their order, those from position `until` on left out, and then time until `as_of` (ms).

    All that one step does, it does at its time.
    """
    born = next((entry for entry in entries if entry[2] & f.ESTABLISHING), None)
    created = NEVER if born is None else creation_of(born[0], born[3])
    fold = Fold(plans.at(entries[0][0] if born is None else created), source)
    fold.ended = {}
    for entry in entries[:until]:
        time, id64, facts, observation = entry
        if born is not None and created <= time:
            yield from _wait(fold, created - 1)
            fold.create(created, born[1], born[2], born[3])
            yield State(fold, created, None)
            born = None
        yield from _wait(fold, time - 1)
        fold.step(time, id64, facts, observation)
        yield State(fold, time, entry)
    if as_of is not None:
        yield from _wait(fold, as_of)


def _wait(fold: Fold, until: int) -> Iterator[State]:
    """What time alone does until then, each at its own instant: the fold would pass it only with the next entry."""
    while (due := fold.next_due()) <= until:
        fold.advance(due)
        yield State(fold, due, None)


def _note(found: dict[tuple[int, int], Course], fold: Fold, time: int) -> None:
    """What did a step at `time` leave behind?"""
    for (index, id64), known in found.items():
        current = fold.cycles[index]
        if current is None or current.id != id64:
            known.close(time)
    for clock, cycle in zip(fold.plan.clocks, fold.cycles, strict=True):
        if cycle is not None:
            place = clock.index, cycle.id
            if place not in found:
                found[place] = Course(*place, cycle.start, cycle.binding, [], [(cycle.start, cycle.binding)])
            found[place].follow(fold.plan, clock, cycle, time)
