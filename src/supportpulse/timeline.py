"""The timeline of one ticket's clocks: what each event did to them, and what time decided in between.

The events are folded one by one in the order in which they happened, everything due before each is decided first, and
the clocks are compared before and after it. That order is the net view's (law 2): what was said too early because an
event came late, and taken back then, is not told here (see `hearing`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from supportpulse.account_line import amount
from supportpulse.clock import INFERENCES, NEVER, Cycle, Plan
from supportpulse.errors import Rejected
from supportpulse.events import TicketEvent
from supportpulse.facts import Reading
from supportpulse.fold import Fold
from supportpulse.narrate import stamp
from supportpulse.outcome import (
    AT_RISK,
    BREACHED,
    CANCELLED,
    FINAL,
    KIND_NAMES,
    LATE,
    MET,
    PARITY,
    SOLVED,
    STARTED,
    Emission,
    cycle_name,
)
from supportpulse.policy import Policy
from supportpulse.ticket import Plans, Ticket
from supportpulse.verdicts import NetView, tell


@dataclass(frozen=True)
class Change:
    """What became of one cycle of a clock at `time` (ms): `what` is an outcome's kind, paused, resumed, or rule."""

    time: int
    clock: str
    cycle: str
    what: str
    words: str
    deadline: int | None = None


@dataclass
class Step:
    """One event, or None where time alone decided, and what it did to the clocks."""

    time: int
    event: TicketEvent | None
    changes: list[Change] = field(default_factory=list)
    note: str = ""


class Telling:
    """Steps through a ticket and writes down what changes."""

    def __init__(self, policy: Policy, key: str, clock: str | None) -> None:
        self.key, self.only = key, clock
        self.ticket = Ticket(Plans(policy), key.partition("|")[0])
        self.steps: list[Step] = []
        self.net: NetView = {}
        self.compared: dict[int, Emission] = {}
        """What became of the helpdesk's own verdicts, by the id hash of their event."""

    def wait(self, as_of: int) -> None:
        """Nothing happened until `as_of`: what did time decide?"""
        fold = self.ticket.fold
        while fold.void_at < 0 and (due := fold.next_due()) <= as_of:
            self._pass(due)
        self._pass(as_of)

    def _pass(self, as_of: int) -> None:
        before = _cycles(self.ticket.fold)
        changes = [*self._said(self.ticket.decide(as_of)), *self._moved(before, as_of)]
        for change in sorted(changes, key=lambda change: change.time):
            if self.steps and self.steps[-1].event is None and self.steps[-1].time == change.time:
                self.steps[-1].changes.append(change)
            else:
                self.steps.append(Step(change.time, None, [change]))

    def admit(self, reading: Reading, event: TicketEvent) -> None:
        """One event."""
        before = _cycles(self.ticket.fold)
        step = Step(reading.time, event)
        self.steps.append(step)
        try:
            said = self.ticket.admit(reading) or []
        except Rejected as error:
            step.note = f"rejected: {error}"
            return
        step.changes += self._said(said)
        step.changes += self._moved(before, reading.time)

    def _wanted(self, clock: int) -> bool:
        return self.only is None or self.ticket.fold.plan.clocks[clock].name == self.only

    def _said(self, emissions: list[Emission]) -> Iterator[Change]:
        fold = self.ticket.fold
        tell(self.net, self.key, fold.plan, emissions)
        for said in emissions:
            if said.kind == PARITY and said.because:
                self.compared.pop(said.cycle, None)
            elif said.kind == PARITY:
                self.compared[said.cycle] = said
            elif said.kind != SOLVED and self._wanted(said.clock):
                yield self._change(said, fold.plan, fold.cycles[said.clock])

    def _change(self, said: Emission, plan: Plan, cycle: Cycle | None) -> Change:
        deadline = said.deadline if said.deadline >= 0 else None
        if said.kind == STARTED and cycle is not None and cycle.id == said.cycle and cycle.due != NEVER:
            deadline = cycle.due
        kind = KIND_NAMES[said.kind]
        what = "retracted" if said.because else kind
        words = _words(said, plan, deadline)
        if said.because:
            words = f"{kind} is taken back: {said.because.replace('_', ' ')}"
        return Change(said.time, plan.clocks[said.clock].name, cycle_name(said.cycle), what, words, deadline)

    def _moved(self, before: dict[tuple[int, int], tuple[bool, int, int]], time: int) -> Iterator[Change]:
        """Pauses, resumptions and new rules, which are not said aloud."""
        plan = self.ticket.fold.plan
        for (clock, cycle), (paused, binding, due) in _cycles(self.ticket.fold).items():
            old = before.get((clock, cycle))
            if old is None or not self._wanted(clock):
                continue
            name, deadline = plan.clocks[clock].name, None if due == NEVER else due
            until = f"; deadline {stamp(due)}" if deadline is not None else ""
            if paused and not old[0]:
                yield Change(time, name, cycle_name(cycle), "paused", "paused")
            elif old[0] and not paused:
                yield Change(time, name, cycle_name(cycle), "resumed", f"resumed{until}", deadline)
            if binding // plan.labels != old[1] // plan.labels:
                rules = plan.rule_name(old[1]), plan.rule_name(binding)
                moved = f"rule {rules[0]} edited" if rules[0] == rules[1] else f"rule {rules[0]} -> {rules[1]}"
                words = f"{moved}, {_target(plan, clock, binding)}{until}"
                yield Change(time, name, cycle_name(cycle), "rule", words, deadline)


def _cycles(fold: Fold) -> dict[tuple[int, int], tuple[bool, int, int]]:
    """(clock, cycle) -> paused, binding, deadline of the running cycles that have a target."""
    return {
        (clock, cycle.id): (cycle.since < 0, cycle.binding, cycle.due)
        for clock, cycle in enumerate(fold.cycles)
        if cycle is not None and cycle.stop < 0 and fold.plan.aim(cycle.binding, clock) is not None
    }


def _target(plan: Plan, clock: int, binding: int) -> str:
    aim = plan.aim(binding, clock)
    return "no target" if aim is None else f"target {amount(aim.target, aim.calendar)} on {aim.calendar.name}"


def _words(said: Emission, plan: Plan, deadline: int | None) -> str:
    start, stop = INFERENCES[said.inferred & 7], INFERENCES[said.inferred >> 3]
    aim = plan.aim(said.binding, said.clock)
    calendar = aim.calendar if aim else None
    took = "at once" if said.elapsed < 0 else f"after {amount(said.elapsed, calendar)}"
    due = "" if deadline is None else f", deadline {stamp(deadline)}"
    if said.kind == STARTED:
        inferred = f", inferred by {start}" if start else ""
        return (
            f"started by rule {plan.rule_name(said.binding)}{inferred}: {_target(plan, said.clock, said.binding)}{due}"
        )
    inferred = f", inferred by {stop}" if stop else ""
    if said.kind == AT_RISK:
        return f"at risk{due}"
    if said.kind == BREACHED:
        rule = plan.rule_name(said.binding)
        return f"BREACHED: {_target(plan, said.clock, said.binding)} (rule {rule}) was used up{due}"
    if said.kind == MET:
        return f"met {took}{inferred}{due}"
    if said.kind == LATE:
        return f"stopped too late, {took}{inferred}{due}"
    if said.kind == CANCELLED:
        return "cancelled"
    assert said.kind == FINAL
    return "final: no reopening can undo it"
