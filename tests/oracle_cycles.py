"""The naive cycles of one clock: spans of running time under bindings, as plain interval arithmetic."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from oracle_timeline import Binding, Step
from supportpulse.rules import ClockSpec, Target


@dataclass
class Cycle:
    """One cycle; `spans` are [from, to) of its running time, to = None while it runs."""

    clock: str
    name: str
    start: int
    bindings: list[tuple[int, Binding]]
    spans: list[tuple[int, int | None]] = field(default_factory=list)
    stopped: int | None = None
    cancelled: int | None = None
    confirmed: bool = False  # the customer's own word stopped it
    edge_paused: bool = False

    @property
    def active(self) -> bool:
        return self.stopped is None and self.cancelled is None

    @property
    def binding(self) -> Binding:
        return self.bindings[-1][1]

    @property
    def end(self) -> int | None:
        return self.cancelled if self.stopped is None else self.stopped

    def target_in(self, binding: Binding) -> Target | None:
        """The target of this clock in the rule; None without one."""
        return None if binding.rule is None else binding.rule.targets.get(self.clock)

    @property
    def target(self) -> Target | None:
        return self.target_in(self.binding)

    def run(self, time: int) -> None:
        """Time counts from here on."""
        if not self.spans or self.spans[-1][1] is not None:
            self.spans.append((time, None))

    def halt(self, time: int) -> None:
        """Time no longer counts from here on."""
        if self.spans and self.spans[-1][1] is None:
            self.spans[-1] = (self.spans[-1][0], time)

    def cancel(self, time: int) -> None:
        """The cycle is over without fulfilment."""
        self.halt(time)
        self.cancelled = time

    def pieces(self) -> Iterator[tuple[int, int | None, Binding]]:
        """The spans, cut where the binding changes."""
        since = [time for time, _ in self.bindings]
        for start, end in self.spans:
            for number, (_, binding) in enumerate(self.bindings):
                low = start if number == 0 else max(start, since[number])
                high = end
                if number + 1 < len(since) and (high is None or high > since[number + 1]):
                    high = since[number + 1]
                if high is None or low < high:
                    yield low, high, binding

    def reach(self, limit: Callable[[Target], int]) -> tuple[int, Binding] | None:
        """The instant at which the running time reaches a limit of the target, and the binding under which it does."""
        used = 0
        for start, end, binding in self.pieces():
            target = self.target_in(binding)
            due = target.calendar.after(start, max(0, limit(target) - used))
            if end is None or due < end:
                return due, binding
            used += target.calendar.business_ms(start, end)
        return None

    def deadline(self) -> tuple[int, Binding] | None:
        """When the target is reached: known if it lies inside the spans, the last of which may be open."""
        return self.reach(lambda target: target.target_ms)

    def risk(self) -> tuple[int, Binding] | None:
        """When the at-risk share of the target is reached."""
        return self.reach(lambda target: int(target.target_ms * target.at_risk_share))

    def elapsed(self) -> int:
        """Business ms of the closed spans."""
        return sum(
            self.target_in(binding).calendar.business_ms(start, end)
            for start, end, binding in self.pieces()
            if end is not None
        )

    def deadline_if_resumed(self, time: int) -> int:
        """When the target would be reached if the halted cycle ran on from `time`."""
        due: int = self.target.calendar.after(time, max(0, self.target.target_ms - self.elapsed()))
        return due


class Track:
    """All cycles of one clock, built step by step."""

    def __init__(self, clock: ClockSpec, reopen_window: int) -> None:
        self.clock, self.window = clock, reopen_window
        self.cycles: list[Cycle] = []
        self.begun: Step | None = None  # the step that started the last cycle
        self.past: set[str] = set()  # conditions of earlier steps
        self.levels = {
            condition.removeprefix("status:") for condition in clock.pause if condition.startswith("status:")
        }
        self.edges = {condition for condition in clock.pause if not condition.startswith("status:")}
        self.stop, self.cancel = set(clock.stop), set(clock.cancel)
        self.resume, self.restart, self.start = set(clock.resume), set(clock.restart), set(clock.start)
        self.all = self.edges | self.stop | self.cancel | self.resume | self.restart | self.start | {"reopened"}

    def active(self) -> Cycle | None:
        """The cycle that has neither stopped nor been cancelled."""
        return self.cycles[-1] if self.cycles and self.cycles[-1].active else None

    def take(self, step: Step) -> None:
        """What one step does, in order: reopen, stop, cancel, pause and resume, restart, start; then the binding.

        The only cycle a clock may have can end in the step that starts it.
        """
        self._take(step)
        self.past |= step.conditions

    def _take(self, step: Step) -> None:
        cycle, found = self.active(), step.conditions
        if cycle is None and not found & self.all:
            return
        if "reopened" in found:
            self._reopen(step)
        cycle = self.active()
        if cycle and found & self.stop:
            cycle.halt(step.time)
            cycle.stopped, cycle.confirmed = step.time, "customer_confirmed" in found
        elif cycle and (found & self.cancel or step.merged):
            cycle.cancel(step.time)
        cycle = self.active()
        if cycle:
            self._pause(cycle, step)
        if cycle and found & self.restart:
            cycle.cancel(step.time)
            self._begin(step)
        if not self.active() and found & self.start and (self.clock.cycles == "many" or not self.cycles):
            self._begin(step)
            if self.clock.cycles == "one" and self.active():
                self._end_at_once(self.active(), step)
        cycle = self.active()
        if cycle and self.begun is not step:
            self._rebind(cycle, step)

    def _end_at_once(self, cycle: Cycle, step: Step) -> None:
        if step.conditions & (self.stop - self.start):
            cycle.halt(step.time)
            cycle.stopped, cycle.confirmed = step.time, "customer_confirmed" in step.conditions
        elif step.conditions & self.cancel:
            cycle.cancel(step.time)

    def _reopen(self, step: Step) -> None:
        last = self.cycles[-1] if self.cycles else None
        if last is None or last.stopped is None or last.confirmed:
            return
        if self.clock.reopen == "new_cycle":
            self._begin(step)
        elif self.clock.reopen in ("resume", "last") and step.time <= last.stopped + self.window and not step.merged:
            if self.clock.reopen == "last":
                last.spans.append((last.stopped, step.time))
            last.stopped = None
            last.run(step.time)

    def _pause(self, cycle: Cycle, step: Step) -> None:
        if step.conditions & self.edges:
            cycle.edge_paused = True
        if step.conditions & self.resume:
            cycle.edge_paused = False
        if cycle.edge_paused or step.status in self.levels:
            cycle.halt(step.time)
        else:
            cycle.run(step.time)

    def _begin(self, step: Step) -> None:
        blocked = step.agent_created and "agent_created" in self.clock.unless
        blocked = blocked or (bool(self.clock.after) and not self.past & set(self.clock.after))
        if blocked or step.merged or step.void or any(cycle.name == step.name for cycle in self.cycles):
            return
        cycle = Cycle(self.clock.name, step.name, step.time, [(step.time, step.binding)])
        if step.status not in self.levels:
            cycle.run(step.time)
        self.cycles.append(cycle)
        self.begun = step

    def _rebind(self, cycle: Cycle, step: Step) -> None:
        old, new, mode = cycle.binding, step.binding, self.clock.on_rule_change
        if mode == "frozen" or old.same(new):
            return
        had, has = cycle.target_in(old) is not None, cycle.target_in(new) is not None
        if not had and has and mode == "new_clock":
            cycle.cancel(step.time)
            self._begin(step)
        elif not had or (has and mode == "retroactive"):
            cycle.bindings = [(cycle.start, new)]
        elif not has:
            cycle.cancel(step.time)
        elif mode == "new_clock":
            cycle.cancel(step.time)
            self._begin(step)
        else:
            due = cycle.deadline()
            if due is None or due[0] >= step.time:
                cycle.bindings.append((step.time, new))
