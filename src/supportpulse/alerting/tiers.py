"""Alerts on rising breach rates: outage, budget burn, rising against what is usual, at risk.

Each is declared for a clock and for a clock in a scenario. A tier stays quiet while a graver one fires for the same
clock, and a scenario while its whole clock does: one trouble, one page.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from supportpulse.alerting.alert import VALUE, Alert, Severity
from supportpulse.alerting.level import BY_CLOCK, Level, Shape
from supportpulse.alerting.recording import series
from supportpulse.alerting.tuning import Burn, Rising, Tuning

DETAIL = "supportpulse-detail"
SHARES, BOUNDS, USUAL, AT_RISK = 10, 11, 12, 13
"""Panels of the detail board."""
SHARE = f"{{{{ {VALUE} | humanizePercentage }}}}"


def tiers(shape: Shape, tuning: Tuning) -> Iterator[Alert]:
    """All of them, the gravest first."""
    for level in shape.levels:
        yield _outage(level, tuning)
        graver = ["Outage"]
        for burn in tuning.burns:
            yield _burn(level, burn, tuning, graver)
            graver.append(burn.name)
        graver = ["Outage", *(burn.name for burn in tuning.burns if burn.severity == "critical")]
        for rising in tuning.rising:
            yield _rising(level, rising, tuning, graver)
            graver.append(rising.name)
        yield _at_risk(level, tuning, graver)


def _outage(level: Level, tuning: Tuning) -> Alert:
    window = tuning.outage_window
    expr = (
        f"{_bound(level, window)} > on ({level.by})\n"
        f"  clamp_min({tuning.outage_budgets:g} * {_budget(level, window)}, {tuning.outage_share:g})\n"
        f"{_at_least(level, tuning.outage_breaches, window)}"
    )
    return _alert(
        level, "Outage", "critical", expr, (), tuning.outage_for_ms, tuning, SHARES,
        "breaches on most tickets",
        f"With 99 % confidence at least {SHARE} of the clocks closed in the last {window} breached: no bad luck, "
        "support is down or drowned.",
    )  # fmt: skip


def _burn(level: Level, burn: Burn, tuning: Tuning, graver: Sequence[str]) -> Alert:
    line = f"clamp_max({burn.factor:g} * {_budget(level, burn.long)}, {tuning.burn_ceiling:g})"
    expr = (
        f"{_bound(level, burn.long)} > on ({level.by})\n"
        f"  {line}\n"
        f"and on ({level.by}) {series(level, 'sla_window_breach:ratio', burn.short)} > on ({level.by})\n"
        f"  {line}\n"
        f"{_at_least(level, tuning.burn_breaches, burn.long)}"
    )
    return _alert(
        level, burn.name, burn.severity, expr, graver, burn.for_ms, tuning, BOUNDS,
        f"spends its budget too fast: {burn.factor:g} times what four weeks allow, over {burn.long}",
        f"With 99 % confidence at least {SHARE} of the clocks closed in the last {burn.long} breached, and the last "
        f"{burn.short} are no better.",
    )  # fmt: skip


def _rising(level: Level, rising: Rising, tuning: Tuning, graver: Sequence[str]) -> Alert:
    window, budget = rising.window, _budget(level, rising.window)
    expr = (
        f"{_bound(level, window)} > on ({level.by})\n"
        f"  {rising.factor:g} * (\n"
        f"    {series(level, 'sla_baseline_breach:ratio', window)} > on ({level.by}) {budget}\n"
        f"    or on ({level.by}) {budget}\n"
        f"  )\n"
        f"{_at_least(level, rising.breaches, window)}"
    )
    if rising.short:
        share = series(level, "sla_window_breach:ratio", rising.short)
        expr += f"\nand on ({level.by}) {share} >= on ({level.by}) {_bound(level, window)}"
    return _alert(
        level, rising.name, "warning", expr, graver, rising.for_ms, tuning, USUAL,
        f"breaches more than usual over {window}",
        f"With 99 % confidence at least {SHARE} of the clocks closed in the last {window} breached: more than "
        f"{rising.factor:g} times what these hours bring in other weeks, and than the objective allows.",
    )  # fmt: skip


def _at_risk(level: Level, tuning: Tuning, graver: Sequence[str]) -> Alert:
    now = series(level, "sla_window_at_risk:sum", "1h")
    started = f"sum by ({level.by}) ({series(level, 'sla_window_started:sum', '1h')})"
    usual = f"sum by ({level.by}) ({series(level, 'sla_baseline_at_risk:ratio', '1h')})"
    expr = (
        f"{now} > on ({level.by}) (\n"
        f"  {tuning.at_risk_factor:g} * {started} * {usual}\n"
        f"  + {tuning.at_risk_deviations:g} * sqrt({started} * {usual})\n"
        f")\n"
        f"and on ({level.by}) {now} >= {tuning.at_risk_clocks}"
    )
    return _alert(
        level, "AtRiskRising", "warning", expr, graver, tuning.at_risk_for_ms, tuning, AT_RISK,
        "comes close to its deadline more often than usual",
        f"{{{{ {VALUE} | humanize }}}} clocks came close to their deadline in the last hour, more than "
        f"{tuning.at_risk_factor:g} times what is usual for so many tickets: breaches follow unless somebody helps.",
        state="at_risk",
    )  # fmt: skip


def _bound(level: Level, window: str) -> str:
    return series(level, "sla_window_breach:wilson", window)


def _budget(level: Level, window: str) -> str:
    return series(level, "sla_window_budget:ratio", window)


def _at_least(level: Level, breaches: int, window: str) -> str:
    return f"and on ({level.by}) {series(level, 'sla_window_breached:sum', window)} >= {breaches}"


def _alert(
    level: Level,
    tier: str,
    severity: Severity,
    expr: str,
    graver: Sequence[str],
    for_ms: int,
    tuning: Tuning,
    panel: int,
    summary: str,
    description: str,
    state: str = "overdue",
) -> Alert:
    if graver:
        expr += f"\nunless on ({level.by}) {_firing(level, graver)}"
    if level.scenario:
        expr += f"\nunless on ({BY_CLOCK.by}) {_firing(BY_CLOCK, (*graver, tier))}"
    options = " ".join(f"--{label} {{{{ $labels.{label} }}}}" for label in level.labels)
    subject = "{{ $labels.clock }} in {{ $labels.scenario }}" if level.scenario else "{{ $labels.clock }}"
    return Alert(
        name=f"Sla{level.title}{tier}",
        severity=severity,
        expr=expr,
        summary=f"{subject} {summary}",
        description=description,
        first_look=f"supportpulse tickets --state {state} {options}",
        board=DETAIL,
        panel=panel,
        labels=level.labels,
        for_ms=for_ms,
        keep_firing_ms=tuning.keep_firing_ms,
    )


def _firing(level: Level, tiers: Iterable[str]) -> str:
    names = "|".join(f"Sla{level.title}{tier}" for tier in tiers)
    return f'ALERTS{{alertname=~"{names}", alertstate="firing"}}'
