"""What an alert is about: a clock, or a clock in one scenario."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from supportpulse.names import CLOCK, SCENARIO


@dataclass(frozen=True)
class Level:
    """The labels a number is kept by. `name` begins its recorded series, `title` is part of its alerts' names."""

    name: str
    title: str
    labels: tuple[str, ...]

    @property
    def by(self) -> str:
        """The labels as PromQL lists them."""
        return ", ".join(self.labels)

    @property
    def scenario(self) -> bool:
        """Whether it tells scenarios apart."""
        return SCENARIO in self.labels


BY_CLOCK: Final = Level("clock", "Clock", (CLOCK,))
BY_SCENARIO: Final = Level("clock_scenario", "Scenario", (CLOCK, SCENARIO))


@dataclass(frozen=True)
class Shape:
    """What rules have to know of a policy: its labels, the thresholds of waiting and the clocks they watch.

    `waiting` as the policy writes them, rising. Objectives and targets are read from metrics.
    """

    labels: tuple[str, ...]
    waiting: tuple[str, ...]
    waiting_clocks: tuple[str, ...]

    @property
    def levels(self) -> tuple[Level, ...]:
        """Clock alone where the policy's labels do not hold the scenario."""
        return (BY_CLOCK, BY_SCENARIO) if SCENARIO in self.labels else (BY_CLOCK,)
