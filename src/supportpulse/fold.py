"""All clocks of one ticket, folded entry by entry in event order.

A fold is a pure function of its entries and `as_of`: stepping through entries as they come and raising `as_of` in
between leaves the same net emissions as one pass at the end. A threshold that an entry leaves behind is *passed*; it is
said only when `as_of` has passed it too (law 3), so it waits in `pending`.
"""

from __future__ import annotations

from typing import Any

from xxhash import xxh64_intdigest

from supportpulse import facts as f
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
    STATUS_BIT,
    STATUS_KNOWN,
    STOP,
    Aim,
    Clock,
    Cycle,
    Plan,
)  # fmt: skip
from supportpulse.facts import Observation
from supportpulse.outcome import AT_RISK, BREACHED, CANCELLED, FINAL, LATE, MET, SOLVED, STARTED, Emission

FIRST_ENDED, CLOSED = 4, 5
_RESOLVED, _REOPENED, _CUSTOMER = BIT["resolved"], BIT["reopened"], BIT["customer_confirmed"]
_CONFIRMED, _SOLUTION = BIT["problem_confirmed"], BIT["solution_provided"]
NONE_ATTRIBUTES: tuple[str | None, ...] = (None,) * len(f.INTERVAL_ATTRIBUTES)


class Fold:
    """The state of a ticket's clocks, and the emissions since they were last taken."""

    __slots__ = (
        "agent", "agent_opened", "as_of", "assignment", "attributes", "begun", "binding", "confirmed", "created",
        "creating", "creation", "crossing", "cycles", "ended_at", "handing_site", "merged", "out", "owner_site",
        "pending", "plan", "replied_at", "shift_end", "solved", "source", "status", "stopped", "team", "void_at",
        "void_deadlines",
    )  # fmt: skip

    def __init__(self, plan: Plan, source: str) -> None:
        self.plan = plan
        self.source = source
        self.as_of = -1
        self.created = -1
        self.creation = -1
        self.creating = 0
        self.attributes = NONE_ATTRIBUTES
        self.binding = plan.binding(source, NONE_ATTRIBUTES)
        self.status = -1
        self.team: str | None = None
        self.agent: int | None = None
        self.owner_site: str | None = None
        self.handing_site: str | None = None
        self.assignment = 0
        self.shift_end = NEVER
        self.agent_opened = False
        self.merged = False
        self.void_at = -1
        self.void_deadlines: dict[tuple[int, int], int] = {}
        self.confirmed = False
        self.solved = False
        self.replied_at = -1
        self.ended_at = -1
        self.begun = 0
        self.stopped = 0
        self.cycles: list[Cycle | None] = [None] * len(plan.clocks)
        self.crossing = NEVER
        self.pending: list[tuple[int, Emission]] = []
        self.out: list[Emission] = []

    # -- entries ------------------------------------------------------------------------------------------------------

    def create(self, time: int, id64: int, facts: int, observation: Observation) -> None:
        """The creation step: the ticket exists from `time` on, with the attributes its first snapshot shows."""
        self._reach(time)
        self.created = time
        self.agent_opened = bool(facts & f.BY_AGENT)
        before = self.binding
        self._attributes(observation)
        self.creation = id64
        conditions = BIT["created"]
        if self.status < 0:
            self.status = 0
            conditions |= STATUS_KNOWN
        self.creating = self._operate(time, id64, conditions, 0, before)

    def step(self, time: int, id64: int, facts: int, observation: Observation) -> None:
        """Fold one entry that sorts after all before it."""
        if self.crossing < time or self.shift_end < time:
            self._reach(time)
        conditions = self.plan.conditions(facts)
        before = self.binding
        if observation:
            conditions |= self._observe(time, id64, facts, observation)
        elif facts & f.HANDED_OVER:
            self.handing_site = self.owner_site
        inferred = 0
        if conditions or facts & (f.PROBLEM_CONFIRMED | f.SOLUTION_PROVIDED):
            conditions, inferred = self._infer(time, facts, conditions)
            if conditions & _RESOLVED:
                known = self.confirmed | self.solved << 1
                self.out.append(Emission(SOLVED, 0, id64, time, -1, self.binding, 0, known))
        if facts & f.MERGED:
            self.merged = True
        if facts & f.VOIDING:
            self._void(time, facts)
        if conditions or self.binding != before:
            self._operate(time, id64, conditions, inferred, before)
        if facts & f.MERGED:
            self._merge(time)

    def _reach(self, time: int) -> None:
        """Pass what lies before an entry at `time`: shift ends and thresholds."""
        while self.shift_end < time:
            self._end_shift()
        if self.crossing < time:
            self._settle(time)

    def _attributes(self, observation: Observation) -> bool:
        """Take the attributes that choose a rule; tells whether the priority changed."""
        new: list[Any] = list(self.attributes)
        for index, value in zip(observation[::2], observation[1::2], strict=True):
            if index >= f.STATUS:
                break
            new[index] = value
        attributes: tuple[str | None, ...] = tuple(new)
        if attributes == self.attributes:
            return False
        prioritised = attributes[f.PRIORITY] != self.attributes[f.PRIORITY]
        self.attributes = attributes
        self.binding = self.plan.binding(self.source, attributes)
        return prioritised

    def _observe(self, time: int, id64: int, facts: int, observation: Observation) -> int:
        """Compare a snapshot with what was known before it; returns the conditions of the difference."""
        if observation[0] == f.ACTOR_SITE and self.handing_site is None and not facts & f.HANDED_OVER:
            return 0  # most often: where a message came from
        conditions = 0
        if observation[0] < f.STATUS and self._attributes(observation) and self.created >= 0:
            conditions |= BIT["priority_changed"]
        pairs = iter(observation)
        seen: dict[Any, Any] = dict(zip(pairs, pairs, strict=True))
        status = seen.get(f.STATUS)
        if status is not None and status != self.status:
            conditions |= self._change_status(time, status)
        if f.TEAM in seen or f.AGENT in seen:
            conditions |= self._assign(seen.get(f.TEAM, self.team), seen.get(f.AGENT, self.agent))
        site = seen.get(f.SITE)
        if self.handing_site is not None:
            touching = seen.get(f.ACTOR_SITE), site if facts & f.ASSIGNMENT else None
            if any(other is not None and other != self.handing_site for other in touching):
                conditions |= BIT["touched_by_next_site"]
        if facts & f.HANDED_OVER:
            self.handing_site = seen.get(f.FROM_SITE) or self.owner_site
            site = seen.get(f.TO_SITE)
        if site is not None and site != self.owner_site:
            if not facts & f.HANDED_OVER and self.owner_site is not None:
                self.handing_site = self.owner_site
            self.owner_site = site
            self.assignment = id64
            self.shift_end = NEVER
            if self.plan.shifts and site in self.plan.sites:
                end = self.plan.sites[site].next_end(time)
                self.shift_end = NEVER if end is None else end
        return conditions

    def _change_status(self, time: int, status: int) -> int:
        conditions = STATUS_BIT[status] if self.status >= 0 or status else STATUS_KNOWN
        if status >= FIRST_ENDED:
            if self.status < FIRST_ENDED:
                conditions |= BIT["resolved"] | BIT["completely_resolved"]
                self.ended_at = time
            if status == CLOSED:
                conditions |= BIT["closed"]
        elif self.status >= FIRST_ENDED:
            conditions |= BIT["reopened"]
            self.ended_at = -1
        self.status = status
        return conditions

    def _assign(self, team: str | None, agent: int | None) -> int:
        conditions = 0
        if team != self.team:
            if team is not None:
                conditions |= BIT["assigned"]
            if self.team is not None:
                conditions |= BIT["left_team"]
        if agent != self.agent and agent is not None:
            conditions |= BIT["assigned"]
        self.team, self.agent = team, agent
        return conditions

    def _infer(self, time: int, facts: int, conditions: int) -> tuple[int, int]:
        """Add problem_confirmed and solution_provided, said or inferred; returns the codes of inferring rules."""
        if conditions & _REOPENED:
            self.confirmed = self.solved = False
        if facts & f.PUBLIC_REPLY:
            self.replied_at = time
        if self.confirmed and self.solved:
            return conditions, 0
        by_rule = self.plan.inferred(conditions, facts, self.replied_at == time)
        confirmed = solved = 0
        if not self.confirmed:
            said = facts & f.PROBLEM_CONFIRMED
            rule = 0 if said else by_rule[0]
            if said or rule:
                self.confirmed = True
                conditions |= BIT["problem_confirmed"]
                confirmed = rule
        if not self.solved:
            said = facts & f.SOLUTION_PROVIDED
            rule = 0 if said else by_rule[1]
            if said or rule:
                self.solved = True
                conditions |= BIT["solution_provided"]
                solved = rule
        return conditions, confirmed | solved << 3

    def _merge(self, time: int) -> None:
        if self.ended_at < 0:
            self.ended_at = time
        for clock, cycle in zip(self.plan.clocks, self.cycles, strict=True):
            if cycle is not None and cycle.stop < 0:
                self._cancel(clock, cycle, time)
        self.recross()

    def _void(self, time: int, facts: int) -> None:
        if facts & f.RESTORED:
            self.void_at = -1
            self.void_deadlines = {}
        elif self.void_at < 0:
            self.void_at = time
            self.void_deadlines = {
                (clock.index, cycle.id): self._deadline(clock, cycle, time)
                for clock, cycle in zip(self.plan.clocks, self.cycles, strict=True)
                if cycle is not None and cycle.stop < 0
            }

    def _end_shift(self) -> None:
        """The owning site's shift ended with the ticket still open: a step of its own."""
        end, self.shift_end = self.shift_end, NEVER
        if self.crossing < end:
            self._settle(end)
        if self.status >= FIRST_ENDED or self.merged or self.void_at >= 0:
            return
        self.handing_site = self.owner_site
        name = xxh64_intdigest(self.assignment.to_bytes(8, "big") + end.to_bytes(8, "big"))
        self._operate(end, name, BIT["shift_ended"], 0, self.binding)

    # -- clocks -------------------------------------------------------------------------------------------------------

    def _operate(self, time: int, id64: int, conditions: int, inferred: int, before: int) -> int:
        """Run the clocks through an entry's conditions; returns the bits of those that started a cycle."""
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
                    self._cancel(clock, cycle, time)
                    cycle = None
                else:
                    if ops & (PAUSE | RESUME):
                        cycle.flags = cycle.flags & ~Cycle.HELD if ops & RESUME else cycle.flags | Cycle.HELD
                    if ops & (PAUSE | RESUME | LEVEL | REOPEN):
                        self._hold(clock, cycle, time)
                    if ops & RESTART:
                        self._cancel(clock, cycle, time)
                        started |= self._start(clock, time, id64, inferred)
                        continue
            else:
                cycle = None
            if ops & START and cycle is None and (clock.many or not self.begun >> index & 1):
                started |= self._start(clock, time, id64, inferred)
        if rebound:
            for clock, cycle in zip(self.plan.clocks, cycles, strict=True):
                if cycle is None or cycle.stop >= 0 or started >> clock.index & 1:
                    continue
                if cycle.binding != self.binding:
                    self._rebind(clock, cycle, time, id64)
        self.recross()
        return started

    def _start(self, clock: Clock, time: int, id64: int, inferred: int) -> int:
        """Start a cycle unless the ticket forbids it; returns the clock's bit if it started."""
        index = clock.index
        if self.merged or self.void_at >= 0 or (clock.unless_agent and self.agent_opened):
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

    def _settle(self, time: int) -> None:
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
        return Emission(kind, clock.index, cycle.id, time, cycle.due, cycle.binding, 0, cycle.inferred)

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

    def _deadline(self, clock: Clock, cycle: Cycle, time: int) -> int:
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

    def _ended(self, kind: int, clock: Clock, cycle: Cycle, aim: Aim, time: int) -> Emission:
        deadline = self._deadline(clock, cycle, time)
        elapsed = -1 if time == cycle.start else self._elapsed(cycle, aim, time)
        return Emission(kind, clock.index, cycle.id, time, deadline, cycle.binding, elapsed, cycle.inferred)

    def _cancel(self, clock: Clock, cycle: Cycle, time: int) -> None:
        index = clock.index
        aim = self.plan.aim(cycle.binding, index)
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
                self._cancel(clock, cycle, time)
        elif mode == NEW_CLOCK:
            self._cancel(clock, cycle, time)
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

    # -- as_of --------------------------------------------------------------------------------------------------------

    def advance(self, as_of: int) -> None:
        """Say everything that is due up to `as_of` (ms); an earlier `as_of` than before changes nothing."""
        self.as_of = max(self.as_of, as_of)
        while self.shift_end <= self.as_of:
            self._end_shift()
        if self.crossing <= self.as_of:
            self._settle(self.as_of + 1)
        if self.pending:
            due = [said for at, said in self.pending if at <= self.as_of]
            if due:
                self.pending = [item for item in self.pending if item[0] > self.as_of]
                self.out += due

    def runs(self) -> bool:
        """Whether a clock with a target has not stopped."""
        return any(
            cycle is not None and cycle.stop < 0 and self.plan.aim(cycle.binding, index) is not None
            for index, cycle in enumerate(self.cycles)
        )

    def next_due(self) -> int:
        """The next instant at which a marker would decide something; NEVER if none."""
        due = min(self.crossing, self.shift_end)
        for at, _ in self.pending:
            due = min(due, at)
        return due

    def take(self) -> list[Emission]:
        """The emissions since the last take."""
        out, self.out = self.out, []
        return out


def _inferred(mask: int, inferred: int) -> int:
    """The inference rule behind a start or stop condition, 0 if it was said."""
    if mask & _CONFIRMED and inferred & 7:
        return inferred & 7
    return inferred >> 3 if mask & _SOLUTION else 0
