"""Recorded series: what alerts and boards read, worked out once.

Names are `level:metric:operation`; a label `window` says over which event-time window. Workers export counts of the
partitions they own, so counts are summed first and divided last.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from supportpulse.alerting.level import Level, Shape
from supportpulse.alerting.tuning import Tuning
from supportpulse.names import CLOCK, OUTCOME, RULE, SCENARIO, WINDOW, Metric

CLOSED: Final = "met|breached"
"""Outcomes a share is taken of; cancelled clocks are left out (the SLI of the design)."""


@dataclass(frozen=True)
class Record:
    """A recording rule."""

    name: str
    expr: str


def series(level: Level, name: str, window: str = "") -> str:
    """A recorded series of a level, in one of its windows or in all."""
    return f"{level.name}:{name}" + (f'{{{WINDOW}="{window}"}}' if window else "")


def recordings(shape: Shape, tuning: Tuning) -> Iterator[Record]:
    """All recording rules, in an order in which each finds what it reads."""
    for level in shape.levels:
        for name, expr in (*_windows(level, shape, tuning), *_usual(level, tuning), *_at_risk(level, tuning)):
            yield Record(series(level, name), expr)


def _windows(level: Level, shape: Shape, tuning: Tuning) -> Iterator[tuple[str, str]]:
    closed, share = series(level, "sla_window_closed:sum"), series(level, "sla_window_breach:ratio")
    budget = series(level, "sla_window_budget:ratio")
    yield "sla_window_closed:sum", _counts(level, Metric.WINDOW_CLOCKS, CLOSED)
    yield "sla_window_breached:sum", _counts(level, Metric.WINDOW_CLOCKS, "breached")
    yield "sla_window_breach:ratio", f"{series(level, 'sla_window_breached:sum')} / ({closed} > 0)"
    yield "sla_window_breach:wilson", _lower_bound(share, closed, tuning.z)
    yield "sla_window_budget:ratio", _budget(level, shape, closed)
    yield "sla_window_burn:ratio", f"{share} / ({budget} > 0)"
    month = series(level, "sla_window_burn:ratio", "28d")
    yield "sla_budget_left:ratio", f"1 - sum by ({level.by}) ({month})"


def _lower_bound(share: str, count: str, z: float) -> str:
    """Wilson's score interval, its lower end: what the share is at least, however few the clocks."""
    squared = z * z
    return (
        f"(\n"
        f"  {share} + {squared / 2:.4f} / {count}\n"
        f"  - {z:g} * sqrt({share} * (1 - {share}) / {count} + {squared / 4:.4f} / {count}^2)\n"
        f") / (1 + {squared:.4f} / {count})"
    )


def _budget(level: Level, shape: Shape, closed: str) -> str:
    """The share that may breach: 1 - objective, weighted by what each rule closed. Every worker exports objectives."""
    if RULE not in shape.labels:
        return f"({closed} > 0) * 0 + on ({CLOCK}) group_left () (1 - max by ({CLOCK}) ({Metric.OBJECTIVE}))"
    return (
        f"sum by ({WINDOW}, {level.by}) (\n"
        f"  {_counts(level, Metric.WINDOW_CLOCKS, CLOSED, RULE)}\n"
        f"  * on ({CLOCK}, {RULE}) group_left () (1 - max by ({CLOCK}, {RULE}) ({Metric.OBJECTIVE}))\n"
        f") / ({closed} > 0)"
    )


def _usual(level: Level, tuning: Tuning) -> Iterator[tuple[str, str]]:
    closed = series(level, "sla_baseline_closed:sum")
    yield "sla_baseline_closed:sum", _counts(level, Metric.WINDOW_BASELINE_CLOCKS, CLOSED)
    month = series(level, "sla_window_breach:ratio", "28d")
    breached = _counts(level, Metric.WINDOW_BASELINE_CLOCKS, "breached")
    yield "sla_baseline_breach:ratio", _mixed(level, breached, closed, month, tuning.baseline_weight)


def _at_risk(level: Level, tuning: Tuning) -> Iterator[tuple[str, str]]:
    hour, started = series(level, "sla_window_at_risk:sum", "1h"), series(level, "sla_window_started:sum", "1h")
    yield "sla_window_at_risk:sum", _counts(level, Metric.WINDOW_CLOCKS, "at_risk")
    yield "sla_window_started:sum", _counts(level, Metric.WINDOW_CLOCKS, "started")
    yield "sla_window_at_risk:ratio", f"{hour} / ({started} > 0)"
    month = (
        f"({series(level, 'sla_window_at_risk:sum', '28d')} / ({series(level, 'sla_window_started:sum', '28d')} > 0))"
    )
    usual = _counts(level, Metric.WINDOW_BASELINE_CLOCKS, "at_risk")
    begun = _counts(level, Metric.WINDOW_BASELINE_CLOCKS, "started")
    yield "sla_baseline_at_risk:ratio", _mixed(level, usual, begun, month, tuning.baseline_weight)


def _mixed(level: Level, some: str, of: str, month: str, weight: int) -> str:
    """A share of the same hours in earlier weeks, with so many of the 28-day mean mixed in: see `Tuning`."""
    mean = f"sum by ({level.by}) ({month})"
    return f"(\n  {some}\n  + on ({level.by}) group_left () {weight} * {mean}\n) / ({of} + {weight})"


def _counts(level: Level, metric: Metric, outcome: str, *more: str) -> str:
    matchers = [f'{OUTCOME}=~"{outcome}"' if "|" in outcome else f'{OUTCOME}="{outcome}"']
    if level.scenario:
        matchers.append(f'{SCENARIO}!=""')
    return f"sum by ({', '.join((WINDOW, *level.labels, *more))}) ({metric}{{{', '.join(matchers)}}})"
