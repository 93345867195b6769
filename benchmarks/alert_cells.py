"""One cell of the study: desks of one traffic and one objective, on their budget and stepping out of it."""

from __future__ import annotations

import math
import random
import statistics
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from alert_desks import DAY, HISTORY, HOUR, PANE, SPAN, Desk, Habit, desk, seasonal, steady
from alert_replay import Firing
from alert_rules import compared
from alert_trial import Fired, trial

HORIZON: Final = {"2x": 2 * DAY, "4x": DAY, "all": DAY // 2}
"""How long after a step detection is waited for, in panes."""
ALREADY: Final = math.nan
NEVER: Final = math.inf


@dataclass(frozen=True)
class Cell:
    """Closes an hour, the objective, and whether traffic and breaches have their hours."""

    per_hour: int
    objective: float
    seasonal: bool = False

    @property
    def budget(self) -> float:
        """The share that may breach, and does before a step."""
        return round(1 - self.objective, 6)

    @property
    def habit(self) -> Habit:
        """How its desks live."""
        return (seasonal if self.seasonal else steady)(self.per_hour, self.budget)

    def share(self, step: str) -> float:
        """What breaches after a step."""
        return {"2x": 2 * self.budget, "4x": 4 * self.budget, "all": 1.0}[step]


@dataclass(frozen=True)
class Work:
    """A cell, how many desks of it, and how often each of them takes each step."""

    cell: Cell
    seeds: int
    steps: dict[str, int]


@dataclass
class Found:
    """False firings by rule, over all desks; minutes from each step to the first firing, by rule, one per try."""

    cell: Cell
    seeds: int
    false: Counter[str] = field(default_factory=Counter)
    minutes: dict[str, dict[str, list[float]]] = field(default_factory=dict)

    def rate(self, rules: Iterable[str]) -> float:
        """False firings per 28 days of these rules together."""
        return sum(self.false[rule] for rule in rules) / self.seeds

    def median(self, step: str, rules: Sequence[str]) -> float:
        """Minutes to the first firing of any of these rules, tries in which one fired already at the step left out."""
        tries = zip(*(self.minutes[step][rule] for rule in rules), strict=True)
        first = [min(minutes) for minutes in tries if not any(math.isnan(one) for one in minutes)]
        return statistics.median(first) if first else ALREADY


def work(task: Work) -> Found:
    """All trials of a cell."""
    cell, found = task.cell, Found(task.cell, task.seeds)
    desks = [desk(f"desk_{seed}", cell.objective, cell.habit, cell) for seed in range(task.seeds)]
    rules = compared()
    for rule, by_clock in trial(desks, rules).items():
        found.false[rule] = sum(len(firings) for firings in by_clock.values())
    for step, tries in task.steps.items():
        found.minutes[step] = _step(cell, desks, step, tries)
    return found


def _step(cell: Cell, desks: Sequence[Desk], step: str, tries: int) -> dict[str, list[float]]:
    chance, stepped, begun = random.Random(f"{cell} {step}"), [], {}
    for one in desks:
        for number in range(tries):
            at = chance.randrange(HISTORY + HOUR, HISTORY + SPAN)
            clock = f"{one.clock}_{number}"
            stepped.append(one.stepped(clock, at, cell.share(step), HORIZON[step], cell.habit, chance))
            begun[clock] = (at - stepped[-1].first) * PANE - PANE + 1
    fired: Fired = trial(stepped, compared())
    return {
        rule: [_minutes(firings, begun[clock]) for clock, firings in by_clock.items()]
        for rule, by_clock in fired.items()
    }


def _minutes(firings: Iterable[Firing], step: float) -> float:
    """From the step to the first firing after it."""
    for fired, resolved in firings:
        if fired >= step:
            return (fired - step) / 60
        if resolved > step:
            return ALREADY
    return NEVER
