"""Simulated desks for the study of alerts: what closes, what breaches, and the windows a worker would export of it.

Tickets close at random (Poisson), each breaches with a given probability. A desk is counted in panes of five minutes,
and its windows and baselines are sums of them as `supportpulse.panes` defines them; a test compares the two.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import Final

from supportpulse.names import WINDOWS_SECONDS

PANE: Final = 300
"""Seconds."""
HOUR: Final = 3600 // PANE
DAY: Final = 24 * HOUR
WEEK: Final = 7 * DAY
"""In panes."""
HISTORY: Final = 4 * WEEK + DAY
"""Panes before the first measured one: four weeks of baselines and the longest window before those."""
SPAN: Final = 4 * WEEK
START: Final = 1_735_516_800
"""When the first measured pane begins, s since the epoch: a Monday, 0:00 UTC."""
BASELINES: Final = ("1h", "6h")
"""Those the alerts read."""


@dataclass(frozen=True)
class Habit:
    """How a desk lives: closes an hour and the share that breaches, by pane."""

    name: str
    per_hour: Callable[[int], float]
    share: Callable[[int], float]


def steady(per_hour: float, share: float) -> Habit:
    """The same at all hours."""
    return Habit("steady", lambda pane: per_hour, lambda pane: share)


def seasonal(per_hour: float, share: float) -> Habit:
    """Busy afternoons, quiet weekends, and half as many breaches again in the morning: the means are the given ones."""

    def rate(pane: int) -> float:
        day = 1.15 if pane % WEEK < 5 * DAY else 0.625
        return per_hour * day * (1 + 0.6 * math.sin(2 * math.pi * (pane % DAY / DAY - 0.25)))

    return Habit("seasonal", rate, lambda pane: share * (1 + 0.5 * math.sin(2 * math.pi * (pane % DAY / DAY))))


@dataclass(frozen=True)
class Desk:
    """Closes and breaches of one clock, summed up to each pane; `first` is the pane at `START`."""

    clock: str
    objective: float
    closed: Sequence[int]
    breached: Sequence[int]
    first: int = HISTORY

    @property
    def panes(self) -> int:
        """Measured ones."""
        return len(self.closed) - 1 - self.first

    def stepped(self, clock: str, at: int, share: float, panes: int, habit: Habit, chance: random.Random) -> Desk:
        """The same up to pane `at`, from then on this share of the closes breaches; measured from an hour before."""
        closed, breached = _count(habit.per_hour, lambda pane: share, range(at, at + panes), chance)
        before = self.closed[: at + 1], self.breached[: at + 1]
        return replace(
            self,
            clock=clock,
            closed=[*before[0], *(before[0][-1] + more for more in accumulate(closed))],
            breached=[*before[1], *(before[1][-1] + more for more in accumulate(breached))],
            first=(at // HOUR - 1) * HOUR,
        )

    def window(self, name: str) -> list[tuple[int, int]]:
        """(closed, breached) of a window at the end of each measured pane."""
        length = WINDOWS_SECONDS[name] // PANE
        if WINDOWS_SECONDS[name] <= 86_400:
            spans = ((pane + 1 - length, pane + 1) for pane in self._measured())
        else:
            spans = (((pane // HOUR + 1) * HOUR - length, pane + 1) for pane in self._measured())
        return [
            (self.closed[end] - self.closed[begin], self.breached[end] - self.breached[begin]) for begin, end in spans
        ]

    def baseline(self, name: str) -> list[tuple[int, int]]:
        """(closed, breached) of the same whole hours in the four weeks before."""
        length, found = WINDOWS_SECONDS[name] // PANE, []
        for hour in range(self.first // HOUR, (len(self.closed) - 2) // HOUR + 1):
            ends = [(hour + 1) * HOUR - week * WEEK for week in (1, 2, 3, 4)]
            closed = sum(self.closed[end] - self.closed[end - length] for end in ends)
            found += [(closed, sum(self.breached[end] - self.breached[end - length] for end in ends))] * HOUR
        return found[: self.panes]

    def _measured(self) -> range:
        return range(self.first, len(self.closed) - 1)


def desk(clock: str, objective: float, habit: Habit, seed: object) -> Desk:
    """A desk of four measured weeks and what their baselines look back on."""
    closed, breached = _count(habit.per_hour, habit.share, range(HISTORY + SPAN), random.Random(f"{clock} {seed}"))
    return Desk(clock, objective, [0, *accumulate(closed)], [0, *accumulate(breached)])


def _count(
    rate: Callable[[int], float], share: Callable[[int], float], panes: range, chance: random.Random
) -> tuple[list[int], list[int]]:
    """Closes and breaches of each pane."""
    drawn, closed, breached = chance.random, [], []
    for pane in panes:
        number, left, odds = 0, drawn(), share(pane)
        bound = math.exp(-rate(pane) / HOUR)
        while left > bound:
            number += 1
            left *= drawn()
        closed.append(number)
        breached.append(sum(drawn() < odds for _ in range(number)))
    return closed, breached


def moment(pane: int) -> int:
    """When a measured pane, counted from the first, is read: its last second (s since the epoch)."""
    return START + (pane + 1) * PANE - 1


def open_metrics(desks: Sequence[Desk]) -> Iterator[str]:
    """The samples a Prometheus would have scraped of them, as text for promtool; one label set of one rule each."""
    times = [f" {moment(pane)}\n" for pane in range(max(desk.panes for desk in desks))]
    for family, named in (("sla_window_clocks", WINDOWS_SECONDS), ("sla_window_baseline_clocks", BASELINES)):
        yield f"# TYPE {family} gauge\n"
        for desk in desks:
            for name in named:
                counts = desk.window(name) if named is WINDOWS_SECONDS else desk.baseline(name)
                labels = f'{family}{{window="{name}",clock="{desk.clock}",rule="{desk.clock}",scenario="desk",outcome='
                met, breached = f'{labels}"met"}} ', f'{labels}"breached"}} '
                yield "".join([f"{met}{all_ - late}{time}" for (all_, late), time in zip(counts, times, strict=False)])
                yield "".join([f"{breached}{late}{time}" for (_, late), time in zip(counts, times, strict=False)])
    yield "# TYPE sla_objective_ratio gauge\n"
    for desk in desks:
        labels = f'sla_objective_ratio{{clock="{desk.clock}",rule="{desk.clock}"}} {desk.objective:g}'
        yield "".join([labels + time for time in times[: desk.panes]])
    yield "# EOF\n"
