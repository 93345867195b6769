"""The clocks of one ticket: what conditions do to their cycles, and which thresholds that leaves behind.

A threshold that an entry leaves behind is *passed*: it can no longer move, and is said as soon as `as_of` has passed it
too (law 3); until then it waits in `pending`. `fold.Fold` finds the conditions.
"""

from __future__ import annotations

from supportpulse.clock import (
    BIT,
    CANCEL,
    FROZEN,
    KEEP_ELAPSED,
    LAST,
    LEVEL,
    NEVER,
    NEW_CLOCK,
    NEW_CYCLE,
    PAUSE,
    REOPEN,
    RESTART,
    RESUME,
    RETROACTIVE,
    START,
    STOP,
    Aim,
    Clock,
    Cycle,
    Plan,
)
from supportpulse.outcome import AT_RISK, BREACHED, CANCELLED, FINAL, LATE, MET, STARTED, Emission

_CUSTOMER = BIT["customer_confirmed"]
_CONFIRMED, _SOLUTION = BIT["problem_confirmed"], BIT["solution_provided"]


class Clocks:
    """Cycles by clock, decisions that wait for `as_of`, and the emissions since they were last taken.

    `status`, `binding` (rule and label set), `merged`, `void_at` and `agent_opened` are the ticket's, as of the entry
    at hand; `seen` are the conditions met before it, of those that a clock waits for. `begun` and `stopped` are masks
    of clocks: ever started, last ended by a stop. `creation` names the cycles that the creation step started,
    `creating` says on which clocks. `crossing` is the nearest threshold not passed. `ended` is kept of tickets with
    verdicts of their vendor, to compare: by clock, whether the cycle that ended last was breached, and its deadline.
    """

    __slots__ = (
        "agent_opened", "as_of", "begun", "binding", "creating", "creation", "crossing", "cycles", "ended", "merged",
        "out", "pending", "plan", "seen", "status", "stopped", "void_at",
    )  # fmt: skip

    def __init__(self, plan: Plan, binding: int) -> None:
        self.plan = plan
        self.binding = binding
        self.status = -1
        self.as_of = -1
        self.agent_opened = False
        self.merged = False
        self.void_at = -1
        self.creation = -1
        self.creating = 0
        self.seen = 0
        self.begun = 0
        self.stopped = 0
        self.cycles: list[Cycle | None] = [None] * len(plan.clocks)
        self.ended: dict[int, tuple[bool, int]] | None = None
        self.crossing = NEVER
        self.pending: list[tuple[int, Emission]] = []
        self.out: list[Emission] = []

    def operate(self, time: int, id64: int, conditions: int, inferred: int, before: int) -> int:
        """Run the clocks through an entry's conditions; returns the bits of those that started a cycle.

        A clock stops before it starts. One with a single cycle, which cannot have run before, also ends where it
        starts: a first reply that holds the solution confirms the problem and solves it, in no time.
        """
        cycles = self.cycles
        rebound = before != self.binding
        started = 0
        for clock, ops in self.plan.operations(conditions):
            index = clock.index
            cycle = cycles[index]
            if ops & REOPEN and self._reopen(clock, cycle, time):
                if clock.reopen == NEW_CYCLE:
                    started |= self._start(clock, time, id64, inferred)
                    continue
                rebound = True
                cycle = cycles[index]
            if cycle is not None and cycle.stop < 0:
                if ops & STOP:
                    self._stop(clock, cycle, time, conditions, inferred)
                    cycle = None
                elif ops & CANCEL:
                    self.cancel(clock, cycle, time)
                    cycle = None
                else:
                    if ops & (PAUSE | RESUME):
                        cycle.flags = cycle.flags & ~Cycle.HELD if ops & RESUME else cycle.flags | Cycle.HELD
                    if ops & (PAUSE | RESUME | LEVEL | REOPEN):
                        self._hold(clock, cycle, time)
                    if ops & RESTART:
                        self.cancel(clock, cycle, time)
                        started |= self._start(clock, time, id64, inferred)
                        continue
            else:
                cycle = None
            if ops & START and cycle is None and (clock.many or not self.begun >> index & 1):
                started |= self._start(clock, time, id64, inferred)
                cycle = cycles[index]
                if cycle is not None and not clock.many:
                    if conditions & clock.stop & ~clock.start:
                        self._stop(clock, cycle, time, conditions, inferred)
                    elif ops & CANCEL:
                        self.cancel(clock, cycle, time)
        if rebound:
            for clock, cycle in zip(self.plan.clocks, cycles, strict=True):
                if cycle is None or cycle.stop >= 0 or started >> clock.index & 1:
                    continue
                if cycle.binding != self.binding:
                    self._rebind(clock, cycle, time, id64)
        self.seen |= conditions & self.plan.awaited
        self.recross()
        return started

    def _start(self, clock: Clock, time: int, id64: int, inferred: int) -> int:
        """Start a cycle unless the ticket forbids it; returns the clock's bit if it started."""
        index = clock.index
        if self.merged or self.void_at >= 0 or (clock.unless_agent and self.agent_opened):
            return 0
        if clock.after and not self.seen & clock.after:
            return 0
        if id64 == self.creation and self.creating >> index & 1:
            return 0
        cycle = Cycle(id64, time, self.binding)
        self.cycles[index] = cycle
        self.begun |= 1 << index
        self.stopped &= ~(1 << index)
        if inferred:
            cycle.inferred = _inferred(clock.start, inferred)
        if self.status in clock.levels:
            cycle.since = -1
        aim = self.plan.aim(cycle.binding, index)
        if aim is not None:
            self._aim(cycle, aim)
            self.out.append(Emission(STARTED, index, id64, time, -1, cycle.binding, 0, cycle.inferred))
        return 1 << index

    def _aim(self, cycle: Cycle, aim: Aim) -> None:
        """Set the thresholds not passed yet, from the current span on."""
        running = cycle.since >= 0
        if not cycle.flags & Cycle.DUE_PASSED:
            cycle.due = aim.calendar.after(cycle.since, max(aim.target - cycle.consumed, 0)) if running else NEVER
        if not cycle.flags & Cycle.RISK_PASSED:
            cycle.risk = aim.calendar.after(cycle.since, max(aim.risk - cycle.consumed, 0)) if running else NEVER

    def settle(self, time: int) -> None:
        """Pass every threshold before `time`."""
        for clock, cycle in zip(self.plan.clocks, self.cycles, strict=True):
            if cycle is not None and cycle.stop < 0:
                self._pass(clock, cycle, time)
        self.recross()

    def _pass(self, clock: Clock, cycle: Cycle, time: int) -> None:
        """Thresholds before `time` can no longer move: say them as soon as `as_of` allows."""
        if cycle.risk < time and not cycle.flags & Cycle.RISK_PASSED:
            cycle.flags |= Cycle.RISK_PASSED
            self._later(cycle.risk, self._said(AT_RISK, clock, cycle, cycle.risk))
        if cycle.due < time and not cycle.flags & Cycle.DUE_PASSED:
            cycle.flags |= Cycle.DUE_PASSED
            self._later(cycle.due, self._said(BREACHED, clock, cycle, cycle.due))

    def _said(self, kind: int, clock: Clock, cycle: Cycle, time: int) -> Emission:
        due = -1 if cycle.due == NEVER else cycle.due  # judged again while it pauses
        return Emission(kind, clock.index, cycle.id, time, due, cycle.binding, 0, cycle.inferred)

    def _later(self, due: int, emission: Emission) -> None:
        self.pending.append((due, emission))

    def recross(self) -> None:
        """Find the nearest threshold not passed yet."""
        crossing = NEVER
        for cycle in self.cycles:
            if cycle is not None and cycle.stop < 0:
                if cycle.risk < crossing and not cycle.flags & Cycle.RISK_PASSED:
                    crossing = cycle.risk
                if cycle.due < crossing and not cycle.flags & Cycle.DUE_PASSED:
                    crossing = cycle.due
        self.crossing = crossing

    def _elapsed(self, cycle: Cycle, aim: Aim, time: int) -> int:
        return cycle.consumed + (aim.calendar.business_ms(cycle.since, time) if cycle.since >= 0 else 0)

    def deadline(self, clock: Clock, cycle: Cycle, time: int) -> int:
        """The deadline as known at `time`; of a paused cycle, as if it resumed now; -1 without a target."""
        aim = self.plan.aim(cycle.binding, clock.index)
        if aim is None:
            return -1
        if cycle.due != NEVER:
            return cycle.due
        return aim.calendar.after(time, max(aim.target - cycle.consumed, 0))

    def _stop(self, clock: Clock, cycle: Cycle, time: int, conditions: int, inferred: int) -> None:
        index = clock.index
        aim = self.plan.aim(cycle.binding, index)
        if inferred:
            cycle.inferred |= _inferred(clock.stop, inferred) << 3
        if self.ended is not None:
            self._note_end(clock, cycle, aim, time)
        if aim is not None:
            if cycle.flags & Cycle.DUE_PASSED:
                self._later(cycle.due, self._ended(LATE, clock, cycle, aim, time))
            else:
                self.out.append(self._ended(MET, clock, cycle, aim, time))
        by_customer = bool(conditions & _CUSTOMER)
        if by_customer:
            cycle.flags |= Cycle.CONFIRMED
        else:
            self.stopped |= 1 << index
        if not clock.undoable:
            self.cycles[index] = None
            return
        cycle.stop = time
        if aim is None:
            return
        if by_customer:
            self.out.append(Emission(FINAL, index, cycle.id, time, -1, cycle.binding, 0, cycle.inferred))
        else:
            final = time + self.plan.reopen_window
            self._later(final, Emission(FINAL, index, cycle.id, final, -1, cycle.binding, 0, cycle.inferred))

    def _note_end(self, clock: Clock, cycle: Cycle, aim: Aim | None, time: int, *, stopped: bool = True) -> None:
        assert self.ended is not None
        breached = bool(cycle.flags & Cycle.DUE_PASSED)
        if aim is not None and (stopped or breached):
            self.ended[clock.index] = breached, self.deadline(clock, cycle, time)
        else:
            self.ended.pop(clock.index, None)

    def _ended(self, kind: int, clock: Clock, cycle: Cycle, aim: Aim, time: int) -> Emission:
        deadline = self.deadline(clock, cycle, time)
        elapsed = -1 if time == cycle.start else self._elapsed(cycle, aim, time)
        return Emission(kind, clock.index, cycle.id, time, deadline, cycle.binding, elapsed, cycle.inferred)

    def cancel(self, clock: Clock, cycle: Cycle, time: int) -> None:
        """End a cycle without a verdict, unless its deadline had passed."""
        index = clock.index
        aim = self.plan.aim(cycle.binding, index)
        if self.ended is not None:
            self._note_end(clock, cycle, aim, time, stopped=False)
        if aim is not None and not cycle.flags & Cycle.DUE_PASSED:
            self.out.append(self._ended(CANCELLED, clock, cycle, aim, time))
        self.cycles[index] = None
        self.stopped &= ~(1 << index)

    def _hold(self, clock: Clock, cycle: Cycle, time: int) -> None:
        """Pause or resume, as status and events have it now."""
        paused = bool(cycle.flags & Cycle.HELD) or self.status in clock.levels
        if paused == (cycle.since < 0):
            return
        aim = self.plan.aim(cycle.binding, clock.index)
        if paused:
            self._close_span(clock, cycle, aim, time)
        else:
            cycle.since = time
        if aim is not None:
            self._aim(cycle, aim)

    def _close_span(self, clock: Clock, cycle: Cycle, aim: Aim | None, time: int) -> None:
        if aim is not None:
            cycle.consumed += aim.calendar.business_ms(cycle.since, time)
        if aim is None or clock.on_change == RETROACTIVE:
            cycle.spans = [*(cycle.spans or ()), cycle.since, time]
        cycle.since = -1

    def _reopen(self, clock: Clock, cycle: Cycle | None, time: int) -> bool:
        """Tells whether the reopening gives this clock a new cycle, or its stopped one back."""
        index = clock.index
        if not self.stopped >> index & 1 or self.merged:
            return False
        if clock.reopen == NEW_CYCLE:
            return cycle is None
        if cycle is None or cycle.stop < 0 or time > cycle.stop + self.plan.reopen_window:
            return False
        aim = self.plan.aim(cycle.binding, index)
        stop, cycle.stop = cycle.stop, -1
        self.stopped &= ~(1 << index)
        if aim is not None:
            kind = LATE if cycle.flags & Cycle.DUE_PASSED else MET
            if kind == MET or not self._drop_pending(LATE, index, cycle.id):
                self.out.append(self._ended(kind, clock, cycle, aim, stop).undone("reopened"))
            self._drop_pending(FINAL, index, cycle.id)
        cycle.inferred &= 7
        if clock.reopen == LAST:
            if cycle.since < 0:
                cycle.since = stop
        else:
            if cycle.since >= 0:
                self._close_span(clock, cycle, aim, stop)
            cycle.since = time
        if aim is not None:
            self._aim(cycle, aim)
            self._pass(clock, cycle, time)
        return True

    def _drop_pending(self, kind: int, clock: int, cycle: int) -> bool:
        for at, (_, said) in enumerate(self.pending):
            if said.kind == kind and said.clock == clock and said.cycle == cycle:
                del self.pending[at]
                return True
        return False

    def _rebind(self, clock: Clock, cycle: Cycle, time: int, id64: int) -> None:
        """Another rule or label applies from `time` on."""
        mode = clock.on_change
        if mode == FROZEN:
            return
        old, new = self.plan.aim(cycle.binding, clock.index), self.plan.aim(self.binding, clock.index)
        if new is None:
            if old is None:
                cycle.binding = self.binding
            else:
                self.cancel(clock, cycle, time)
        elif mode == NEW_CLOCK:
            self.cancel(clock, cycle, time)
            self._start(clock, time, id64, 0)
        elif mode == KEEP_ELAPSED and old is not None and cycle.flags & Cycle.DUE_PASSED:
            pass
        elif mode == KEEP_ELAPSED and old is not None:
            if cycle.since >= 0:
                cycle.consumed += old.calendar.business_ms(cycle.since, time)
                cycle.since = time
            cycle.binding = self.binding
            self._aim(cycle, new)
        else:
            self._judge_again(clock, cycle, old, new, time)

    def _judge_again(self, clock: Clock, cycle: Cycle, old: Aim | None, new: Aim, time: int) -> None:
        """Retroactive: as if the new rule had held from the cycle's start."""
        index = clock.index
        if old is not None:
            for kind, flag, at in ((AT_RISK, Cycle.RISK_PASSED, cycle.risk), (BREACHED, Cycle.DUE_PASSED, cycle.due)):
                if cycle.flags & flag and not self._drop_pending(kind, index, cycle.id):
                    self.out.append(self._retracted(kind, clock, cycle, at))
            self.out.append(
                Emission(STARTED, index, cycle.id, cycle.start, -1, cycle.binding, 0, cycle.inferred, "rule_changed")
            )
        cycle.flags &= ~(Cycle.RISK_PASSED | Cycle.DUE_PASSED)
        cycle.binding = self.binding
        cycle.risk = cycle.due = NEVER
        self._measure(cycle, new)
        self.out.append(Emission(STARTED, index, cycle.id, cycle.start, -1, cycle.binding, 0, cycle.inferred))
        self._pass(clock, cycle, time)

    def _retracted(self, kind: int, clock: Clock, cycle: Cycle, at: int) -> Emission:
        return self._said(kind, clock, cycle, at).undone("rule_changed")

    def _measure(self, cycle: Cycle, aim: Aim) -> None:
        """Thresholds and running time over all spans of the cycle."""
        consumed = 0
        spans = cycle.spans or []
        for begin, end in zip(spans[::2], spans[1::2], strict=True):
            if cycle.due == NEVER:
                reached = aim.calendar.after(begin, max(aim.target - consumed, 0))
                cycle.due = reached if reached < end else NEVER
            if cycle.risk == NEVER:
                reached = aim.calendar.after(begin, max(aim.risk - consumed, 0))
                cycle.risk = reached if reached < end else NEVER
            consumed += aim.calendar.business_ms(begin, end)
        cycle.consumed = consumed
        if cycle.since >= 0:
            if cycle.due == NEVER:
                cycle.due = aim.calendar.after(cycle.since, max(aim.target - consumed, 0))
            if cycle.risk == NEVER:
                cycle.risk = aim.calendar.after(cycle.since, max(aim.risk - consumed, 0))

    def runs(self) -> bool:
        """Whether a clock with a target has not stopped."""
        return any(
            cycle is not None and cycle.stop < 0 and self.plan.aim(cycle.binding, index) is not None
            for index, cycle in enumerate(self.cycles)
        )

    def take(self) -> list[Emission]:
        """The emissions since the last take."""
        out, self.out = self.out, []
        return out


def _inferred(mask: int, inferred: int) -> int:
    """The inference rule behind a start or stop condition, 0 if it was said."""
    if mask & _CONFIRMED and inferred & 7:
        return inferred & 7
    return inferred >> 3 if mask & _SOLUTION else 0
