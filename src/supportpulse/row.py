"""One group of clocks, such as a scenario: what became of them lately, what is usual, and what is going on."""

from __future__ import annotations

from dataclasses import dataclass, field

from supportpulse import names

WINDOW, RECENT, LONGEST = "1d", "1h", "28d"


@dataclass
class Closed:
    """Clocks decided in a window; `allowed` of them could have been breached within the objectives of their rules."""

    met: float = 0
    breached: float = 0
    allowed: float = 0

    @property
    def total(self) -> float:
        """Met and breached."""
        return self.met + self.breached

    @property
    def share(self) -> float | None:
        """Breached / (met + breached); None without any."""
        return self.breached / self.total if self.total else None

    @property
    def allowed_share(self) -> float | None:
        """1 - objective, weighted by the traffic of each rule; None without traffic or objective."""
        return self.allowed / self.total if self.allowed else None


@dataclass
class Row:
    """Counts of one group of clocks: over each window, over the same hours as a rule, and right now."""

    group: tuple[str, ...]
    windows: dict[str, Closed] = field(default_factory=lambda: {window: Closed() for window in names.WINDOWS_SECONDS})
    baselines: dict[str, Closed] = field(
        default_factory=lambda: {window: Closed() for window in names.BASELINE_WINDOWS}
    )
    open: float = 0
    at_risk: float = 0
    overdue: float = 0
    waits: dict[str, float] = field(default_factory=dict)
    """Clocks running for longer than each threshold, such as {"30m": 4, "1h": 3}."""

    @property
    def met(self) -> float:
        """Met over the day."""
        return self.windows[WINDOW].met

    @property
    def breached(self) -> float:
        """Breached over the day."""
        return self.windows[WINDOW].breached

    @property
    def share(self) -> float | None:
        """Breached / (met + breached) over the day."""
        return self.windows[WINDOW].share

    @property
    def recent(self) -> float | None:
        """The same over the last hour."""
        return self.windows[RECENT].share

    @property
    def usual(self) -> float | None:
        """The same at the hours of the day in the four weeks before."""
        return self.baselines[WINDOW].share

    @property
    def waiting(self) -> float:
        """Clocks running for longer than the shortest threshold."""
        return max(self.waits.values(), default=0)

    @property
    def excess(self) -> float:
        """Breaches of the day beyond those the usual share would have brought: what makes a row the worst."""
        return self.breached - (self.usual or 0.0) * self.windows[WINDOW].total

    @property
    def empty(self) -> bool:
        """Nothing happened today, and nothing is going on."""
        return not (self.met or self.breached or self.at_risk or self.overdue or self.waiting)

    @property
    def budget_left(self) -> float | None:
        """1 - the part of 28 days' allowed breaches that is spent; negative beyond; None without any allowed."""
        closed = self.windows[LONGEST]
        return 1 - closed.breached / closed.allowed if closed.allowed else None

    def level(self, window: str) -> str:
        """`far_above`: more than twice the usual, `above`: half as much again; never for one breach, which is noise."""
        closed, usual = self.windows[window], self.usual or 0.0
        if closed.share is None or closed.breached < 2:
            return ""
        return "far_above" if closed.share > 2 * usual else "above" if closed.share > 1.5 * usual else ""
