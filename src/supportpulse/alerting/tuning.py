"""The constants of the SLA alerts; `make alert-study` shows what they cost and what they catch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from supportpulse.alerting.alert import Severity

MINUTE: Final = 60_000
HOUR: Final = 60 * MINUTE


@dataclass(frozen=True)
class Burn:
    """A tier of budget burn: the lower bound over `long` and the share over `short` beyond `factor` budgets."""

    name: str
    long: str
    short: str
    factor: float
    severity: Severity
    for_ms: int


@dataclass(frozen=True)
class Rising:
    """The lower bound over a window beyond `factor` times what is usual there, or allowed if that is more.

    `short`: the share over this window must reach the bound too, so that what is over is not told for as long as the
    long window remembers it.
    """

    name: str
    window: str
    factor: float
    breaches: int
    for_ms: int
    short: str = ""


@dataclass(frozen=True)
class Tuning:
    """Shares are of clocks closed; a budget is the share that may breach (1 - objective)."""

    z: float = 2.326
    """Of the lower bound: one-sided 99 %, Wilson's score interval."""

    outage_window: str = "1h"
    outage_share: float = 0.3
    outage_budgets: float = 2.25
    outage_breaches: int = 3
    """Four would halve the false firings of slow desks, but a total outage at 4 closes an hour would take more than an
    hour to be told."""
    outage_for_ms: int = 2 * MINUTE

    burns: tuple[Burn, ...] = (
        Burn("BurnFast", "6h", "1h", 5.6, "critical", 30 * MINUTE),
        Burn("BurnMedium", "1d", "2h", 2.8, "warning", HOUR),
        Burn("BurnSlow", "3d", "6h", 1.1, "warning", 3 * HOUR),
    )
    """5, 10 and 12 % of the budget of 28 days, in the long window. The slow factor stays above 1: below, a busy desk
    that keeps its objective to the point fires every day."""
    burn_ceiling: float = 0.5
    """No line lies above: at an objective of 80 % a factor of 5.6 would ask for more than all, and a line of 0.9 for 49
    closes in the six hours, every one a breach."""
    burn_breaches: int = 4

    rising: tuple[Rising, ...] = (
        Rising("Rising1h", "1h", 1.5, 8, 10 * MINUTE),
        Rising("Rising6h", "6h", 1.5, 8, 30 * MINUTE, "1h"),
    )
    """Fewer breaches are chance on a desk that breaches as it may: with 2 the hour fires up to 11 times a month."""
    baseline_weight: int = 20
    """The usual share is that of the same hours in the four weeks before, with this many clocks of the 28-day mean
    mixed in: all of it on the first day, next to nothing on a busy desk."""

    at_risk_factor: float = 2.0
    at_risk_deviations: float = 3.0
    """At-risk clocks beyond this many standard deviations (of a Poisson count) above the factor."""
    at_risk_clocks: int = 5
    at_risk_for_ms: int = 5 * MINUTE

    keep_firing_ms: int = 10 * MINUTE


TUNED: Final = Tuning()
