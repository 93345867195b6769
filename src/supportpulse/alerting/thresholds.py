"""Alerts on single tickets: the thresholds at which a customer is lost, whatever the rates say."""

from __future__ import annotations

from collections.abc import Iterator

from supportpulse.alerting.alert import VALUE, Alert, Severity
from supportpulse.alerting.level import BY_SCENARIO, Shape
from supportpulse.alerting.tiers import DETAIL
from supportpulse.alerting.tuning import HOUR, Tuning
from supportpulse.names import Metric

WAITING, OVERDUE = 14, 15
"""Panels of the detail board."""
COUNT = f"{{{{ {VALUE} | humanize }}}}"
COMPLETE_FIX_MS = 2 * HOUR
"""Complete fixes with no more time than this are promised in an emergency only (the model policy)."""


def thresholds(shape: Shape, tuning: Tuning) -> Iterator[Alert]:
    """The longest wait first: a shorter one is quiet while a longer one fires for the same clock and scenario."""
    longer: list[str] = []
    for place, over in enumerate(reversed(shape.waiting)):
        severity: Severity = "critical" if place == 0 else "info" if place == len(shape.waiting) - 1 else "warning"
        yield _waiting(shape, over, severity, longer, tuning)
        longer.append(f"SlaWaiting{over}")
    yield _overdue(
        shape, "SlaWorkaroundOverdue", "workaround", "", tuning, "an emergency has no workaround",
        "tickets have no workaround yet, and the time for it is over.",
    )  # fmt: skip
    short = f"max by (clock, rule) ({Metric.TARGET}) <= {COMPLETE_FIX_MS // 1000}"
    yield _overdue(
        shape, "SlaCompleteFixOverdue", "complete_resolution", short, tuning, "an emergency is not fixed",
        "emergencies are not completely fixed yet, and the time for it is over.",
    )  # fmt: skip


def _by(shape: Shape) -> tuple[str, ...]:
    return shape.levels[-1].labels


def _waiting(shape: Shape, over: str, severity: Severity, longer: list[str], tuning: Tuning) -> Alert:
    """Of the clocks that are watched, the one that asks for a reply that helps; all of them if it is not watched."""
    watched = [clock for clock in shape.waiting_clocks if clock == "substantive_response"] or shape.waiting_clocks
    by = ", ".join(_by(shape))
    expr = f'sum by ({by}) ({Metric.CLOCKS_WAITING}{{clock=~"{"|".join(watched)}", over="{over}"}}) > 0'
    if longer:
        expr += f'\nunless on ({by}) ALERTS{{alertname=~"{"|".join(longer)}", alertstate="firing"}}'
    return _single(
        shape, f"SlaWaiting{over}", severity, expr, tuning, WAITING, f"customers wait for more than {over}",
        f"{COUNT} tickets have been waiting for more than {over}.", f"--state waiting --over {over}",
    )  # fmt: skip


def _overdue(
    shape: Shape, name: str, clock: str, targets: str, tuning: Tuning, summary: str, description: str
) -> Alert:
    by = ", ".join(_by(shape))
    overdue = f'{Metric.CLOCKS_OVERDUE}{{clock="{clock}"}}'
    if targets and "rule" in shape.labels:
        overdue = f"\n  sum by ({by}, rule) ({overdue})\n  and on (clock, rule) {targets}\n"
    expr = f"sum by ({by}) ({overdue}) > 0"
    return _single(
        shape, name, "warning", expr, tuning, OVERDUE, summary, f"{COUNT} {description}", "--state overdue"
    )  # fmt: skip


def _single(
    shape: Shape,
    name: str,
    severity: Severity,
    expr: str,
    tuning: Tuning,
    panel: int,
    summary: str,
    description: str,
    state: str,
) -> Alert:
    labels = _by(shape)
    place = " in {{ $labels.scenario }}" if BY_SCENARIO in shape.levels else ""
    options = " ".join(f"--{label} {{{{ $labels.{label} }}}}" for label in labels)
    return Alert(
        name=name,
        severity=severity,
        expr=expr,
        summary=f"{{{{ $labels.clock }}}}{place}: {summary}",
        description=description,
        first_look=f"supportpulse tickets {state} {options}",
        board=DETAIL,
        panel=panel,
        labels=labels,
        keep_firing_ms=tuning.keep_firing_ms,
    )
