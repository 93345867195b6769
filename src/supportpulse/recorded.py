"""The recorded series of one instant, from the counts their rules would have read.

The rules of `alerting.recording` say the same in PromQL; a test back-fills counts and lets a real Prometheus evaluate
every rule on them. Here they are plain sums, since Prometheus evaluates no rules over a past it did not see.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from math import sqrt
from typing import Final

from supportpulse.alerting.level import Level
from supportpulse.alerting.tuning import Tuning
from supportpulse.names import RULE
from supportpulse.outcome import AT_RISK, BREACHED, MET, STARTED
from supportpulse.series import Series

Rows = Mapping[int, Sequence[int]]
"""Row of `Series` -> counts by slot of `panes.SLOTS`, in one window; what is not there is 0."""
Goals = Mapping[tuple[str, str], float]
"""(clock, rule) -> objective."""
Values = tuple[str, ...]
Recorded = tuple[str, str, Values, float]
"""(name behind the level's, window or "", values of the level's labels, value)"""

SUMS: Final = ("closed:sum", "breached:sum", "at_risk:sum", "started:sum")
MONTH: Final = "28d"
_CLOSED, _BREACHED, _RISKED, _STARTED, _ALLOWED = range(5)


class Recording:
    """The recorded series of one level."""

    def __init__(self, level: Level, series: Series, tuning: Tuning) -> None:
        self.level, self._series, self._tuning = level, series, tuning
        self._places = [series.labels.index(label) for label in level.labels]
        self._rule = series.labels.index(RULE) if RULE in series.labels else -1
        self._keys: dict[int, tuple[Values, tuple[str, str]]] = {}

    def values(
        self, windows: Mapping[str, Rows], baselines: Mapping[str, Rows], objectives: Goals
    ) -> Iterator[Recorded]:
        """All of them; a sum where nothing counts and a share of nothing are left out."""
        goals = self._goals(objectives)
        summed = {window: self._summed(rows, goals) for window, rows in windows.items()}
        for window, sums in summed.items():
            yield from self._window(window, sums)
        month = summed[MONTH]
        weight = self._tuning.baseline_weight
        for window, rows in baselines.items():
            usual = self._summed(rows, goals)
            for key in {**month, **usual}:
                mean = month.get(key, _NOTHING)
                closed, breached, risked, started, _ = usual.get(key, _NOTHING)
                yield "sla_baseline_closed:sum", window, key, closed
                if mean[_CLOSED]:
                    share = (breached + weight * mean[_BREACHED] / mean[_CLOSED]) / (closed + weight)
                    yield "sla_baseline_breach:ratio", window, key, share
                if mean[_STARTED]:
                    share = (risked + weight * mean[_RISKED] / mean[_STARTED]) / (started + weight)
                    yield "sla_baseline_at_risk:ratio", window, key, share

    def _window(self, window: str, summed: Mapping[Values, Sequence[float]]) -> Iterator[Recorded]:
        for key, (closed, breached, risked, started, allowed) in summed.items():
            for name, value in zip(SUMS, (closed, breached, risked, started), strict=True):
                yield f"sla_window_{name}", window, key, value
            if window == "1h" and started:
                yield "sla_window_at_risk:ratio", window, key, risked / started
            if not closed:
                continue
            share, budget = breached / closed, allowed / closed
            yield "sla_window_breach:ratio", window, key, share
            yield "sla_window_breach:wilson", window, key, lower_bound(share, closed, self._tuning.z)
            yield "sla_window_budget:ratio", window, key, budget
            if budget > 0:
                yield "sla_window_burn:ratio", window, key, share / budget
                if window == MONTH:
                    yield "sla_budget_left:ratio", "", key, 1 - share / budget

    def _summed(self, rows: Rows, goals: Goals) -> dict[Values, list[float]]:
        """Closed, breached, at risk, started, and how many of the closed may breach."""
        found: dict[Values, list[float]] = {}
        for row, counts in rows.items():
            key, goal = self._keys.get(row) or self._key(row)
            sums = found.get(key)
            if sums is None:
                sums = found[key] = [0, 0, 0, 0, 0]
            closed = counts[MET] + counts[BREACHED]
            sums[_CLOSED] += closed
            sums[_BREACHED] += counts[BREACHED]
            sums[_RISKED] += counts[AT_RISK]
            sums[_STARTED] += counts[STARTED]
            sums[_ALLOWED] += closed * (1 - goals.get(goal, 1.0))
        return found

    def _goals(self, objectives: Goals) -> Goals:
        """As the rules read them: where the rule is no label, the highest of a clock counts."""
        if self._rule >= 0:
            return objectives
        found: dict[tuple[str, str], float] = {}
        for (clock, _), objective in objectives.items():
            found[clock, ""] = max(objective, found.get((clock, ""), 0.0))
        return found

    def _key(self, row: int) -> tuple[Values, tuple[str, str]]:
        values = self._series.rows[row]
        rule = values[self._rule] if self._rule >= 0 else ""
        found = self._keys[row] = tuple(values[place] for place in self._places), (values[0], rule)
        return found


_NOTHING: Final = (0, 0, 0, 0, 0)


def lower_bound(share: float, count: float, z: float) -> float:
    """Wilson's score interval, its lower end."""
    squared = z * z
    middle = share + squared / (2 * count)
    half = z * sqrt(share * (1 - share) / count + squared / (4 * count * count))
    return (middle - half) / (1 + squared / count)
