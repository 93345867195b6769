"""Alerts and recordings read what is there, by labels it has."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from observability import annotation
from observability.alert_files import grafana_alerts, known, prometheus_alerts, prometheus_rules
from observability.promql_labels import Mistake, labels_of
from supportpulse.alerting.declared import alerts, shape_of
from supportpulse.policy import load_policy
from supportpulse.settings import SHIPPED_POLICY


def test_expressions_read_series_and_labels_that_exist() -> None:
    """Each name is a family of /metrics, a series recorded before, ALERTS of an alert that is there, or up."""
    _, found = known()
    assert found.keys() == prometheus_alerts().keys()


def test_alerts_carry_the_labels_they_are_declared_with() -> None:
    """So links, commands and inhibition can be told from the declaration."""
    _, found = known()
    for alert in alerts(shape_of(load_policy(SHIPPED_POLICY))):
        assert set(alert.labels) <= found[alert.name], alert.name


def test_grafana_holds_the_very_series_that_fired() -> None:
    """What is held has the labels of what fires, or Grafana would take it for another instance."""
    series, found = known()
    held = 0
    for name, rule in grafana_alerts().items():
        expression = rule["data"][0]["model"]["expr"]
        assert labels_of(expression, series) == found[name], name
        fires, _, holds = expression.rpartition("\nor ")
        if "keepFiringFor" in rule:
            assert labels_of(fires, series) == labels_of(holds.partition(") ")[2], series), name
            held += 1
    assert held > 15


def test_texts_show_labels_and_the_value_only() -> None:
    """Templates use what the alert's series have and functions that both systems know."""
    _, found = known()
    for name, rule in prometheus_alerts().items():
        for text in rule["annotations"].values():
            assert list(annotation.mistakes(text, found[name], ("$value",))) == [], name


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            lambda rule: rule.update(expr=rule["expr"].replace("sla_window_breach", "sla_windows_breach")),
            "no series is called",
        ),
        (lambda rule: rule.update(expr=rule["expr"].replace("window=", "windows=")), "no label windows"),
        (lambda rule: rule.update(expr=rule["expr"].replace("on (clock)", "on (scenario)")), "on scenario"),
        (lambda rule: rule.update(expr=rule["expr"].replace("SlaClockOutage", "SlaClockOutrage")), "no alert"),
        (lambda rule: rule.update(expr=rule["expr"] + ")"), "unexpected"),
        (lambda rule: rule.update(expr=f"sum by (rule) ({rule['expr']})"), "by rule"),
    ],
)
def test_an_expression_that_reads_nothing_is_found(change: Callable[[dict[str, Any]], object], said: str) -> None:
    """A wrong name, label, matching, alert or syntax would be an alert that never fires."""
    rules = prometheus_rules()
    (broken,) = (rule for rule in rules if rule.get("alert") == "SlaClockBurnFast")
    change(broken)
    with pytest.raises((Mistake, ValueError), match=said):
        known(rules)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{{ $labels.clok }}", "label 'clok'"),
        ("{{ $value | humanise }}", "function 'humanise'"),
        ("{{ $values.A.Value }}", "neither a label"),
        ("{{ $labels.clock }", "braces"),
        ("{{ printf $value }}", "neither a label"),
    ],
)
def test_a_text_that_would_not_be_filled_is_found(text: str, said: str) -> None:
    """A wrong label shows nothing, a wrong function shows the template."""
    (found,) = annotation.mistakes(text, {"clock"}, ("$value",))
    assert said in found
