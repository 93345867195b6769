"""The rules the study compares: ours, the plain ones everybody copies, and a fixed threshold."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from supportpulse.alerting.declared import groups, recorded
from supportpulse.alerting.level import BY_CLOCK, Shape
from supportpulse.names import RULE, SCENARIO, Metric

OUTAGE_AND_BURN: Final = ("Outage", "BurnFast", "BurnMedium", "BurnSlow")
RISING: Final = ("Rising1h", "Rising6h")
PAGES: Final = ("Plain14.4", "Plain6")
PLAIN: Final = (*PAGES, "Plain1")
FIXED: Final = ("Fixed20",)
SHAPE: Final = Shape((RULE, SCENARIO), (), ())
KEEP: Final = 600.0
"""Of the rules that are not ours, s: what ours have, so that flapping does not count against them."""
_RECORDED: Final = re.compile(r"(clock:\w+:\w+)(?:\{([^}]*)\})?")
_WINDOWED: Final = re.compile(rf"({Metric.WINDOW_CLOCKS}|{Metric.WINDOW_BASELINE_CLOCKS})\{{")


@dataclass(frozen=True)
class Rule:
    """A name, a self-contained expression, and its `for` and `keep_firing_for` in seconds."""

    name: str
    expr: str
    hold: float = 0.0
    keep: float = KEEP


def compared() -> list[Rule]:
    """All of them."""
    ours = [
        Rule(name, expanded(alert.expr), alert.for_ms / 1000, alert.keep_firing_ms / 1000)
        for alert in groups(SHAPE)[0].alerts
        for name in (alert.name.removeprefix(f"Sla{BY_CLOCK.title}"),)
        if name in OUTAGE_AND_BURN + RISING
    ]
    return [
        *ours,
        Rule("Plain14.4", _over("1h", 14.4, "1h")),
        Rule("Plain6", f"{_over('6h', 6, '6h')} and {_over('1h', 6, '6h')}"),
        Rule("Plain1", f"{_over('3d', 1, '3d')} and {_over('6h', 1, '3d')}"),
        Rule("Fixed20", expanded('clock:sla_window_breach:ratio{window="1h"} > 0.2')),
    ]


def _over(window: str, factor: float, budget: str) -> str:
    """The plain share of a window beyond so many budgets."""
    return expanded(
        f'clock:sla_window_breach:ratio{{window="{window}"}} > on (clock)'
        f' {factor:g} * clock:sla_window_budget:ratio{{window="{budget}"}}'
    )


def expanded(expr: str, window: str = "") -> str:
    """An expression with every recorded series replaced by what it is recorded from, the window asked of the source.

    Prometheus can record only what happens from now on; written out, the rules of today run over any past.
    """
    definitions = {record.name: record.expr for record in recorded(SHAPE)}

    def written(match: re.Match[str]) -> str:
        return f"({expanded(definitions[match[1]], match[2] or window)})"

    return _RECORDED.sub(written, _WINDOWED.sub(lambda match: f"{match[1]}{{{window},", expr) if window else expr)
