"""The course of a cycle: when it ran and when it paused, and under which rule, as the fold had it.

The fold keeps of past spans no more than it may need again; here the events are folded once more, and the cycles are
compared before and after each. All that one step does to a cycle happens at the time of that step.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from supportpulse import facts as f
from supportpulse.clock import LAST, NEVER, RETROACTIVE, Clock, Cycle, Plan
from supportpulse.facts import Reading
from supportpulse.fold import Fold
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
    listed = [(one.time, one.id64, one.facts, one.observation) for one in readings]
    void = void_position(listed)
    born = next((entry for entry in listed if entry[2] & f.ESTABLISHING), None)
    created = NEVER if born is None else creation_of(born[0], born[3])
    plan = plans.at(listed[0][0] if born is None else created)
    trace = _Trace(Fold(plan, readings[0].key.partition("|")[0]))
    for time, id64, facts, observation in listed[: void + 1 if void >= 0 else None]:
        if born is not None and created <= time:
            trace.wait(created - 1)
            trace.fold.create(created, born[1], born[2], born[3])
            trace.note(created)
            born = None
        trace.wait(time - 1)
        trace.fold.step(time, id64, facts, observation)
        trace.note(time)
    if void < 0:
        trace.wait(as_of)
    else:
        for course in trace.found.values():
            course.close(listed[void][0])
            course.undoable = False
    aimed = [
        course
        for course in trace.found.values()
        if any(plan.aim(binding, course.clock) is not None for _, binding in course.rules)
    ]
    return plan, sorted(aimed, key=lambda course: (course.start, course.clock))


class _Trace:
    """Steps through a fold and compares its cycles."""

    def __init__(self, fold: Fold) -> None:
        self.fold = fold
        self.found: dict[tuple[int, int], Course] = {}

    def wait(self, until: int) -> None:
        """Shifts end."""
        while (end := self.fold.shift_end) <= until:
            self.fold.advance(end)
            self.note(end)

    def note(self, time: int) -> None:
        """What did a step at `time` leave behind?"""
        plan, cycles = self.fold.plan, self.fold.cycles
        for (index, id64), known in self.found.items():
            current = cycles[index]
            if current is None or current.id != id64:
                known.close(time)
        for clock, cycle in zip(plan.clocks, cycles, strict=True):
            if cycle is not None:
                place = clock.index, cycle.id
                if place not in self.found:
                    first = [(cycle.start, cycle.binding)]
                    self.found[place] = Course(*place, cycle.start, cycle.binding, [], first)
                self.found[place].follow(plan, clock, cycle, time)
