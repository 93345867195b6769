"""Prometheus and Grafana are told the same: one declaration, two files."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from observability.alert_files import GRAFANA, PROMETHEUS, grafana_alerts, prometheus_alerts
from supportpulse.alerting.declared import alerts, shape_of
from supportpulse.alerting.grafana_file import grafana_file
from supportpulse.alerting.level import Shape
from supportpulse.alerting.rule_file import Place, prometheus_file
from supportpulse.policy import load_policy
from supportpulse.settings import SHIPPED_POLICY

Rules = dict[str, dict[str, Any]]
HELD = "\nor on ({}) 0 * group by ({}) (sla_clocks_open)"
"""How Grafana is told which series to hold after an alert is over; with the alert's labels."""


def differences(prometheus: Rules, grafana: Rules) -> list[str]:
    """Where a rule and its twin are not the same but for the name of the value."""
    found = [f"{name} is in one file only" for name in prometheus.keys() ^ grafana.keys()]
    labels = {alert.name: ", ".join(alert.labels) for alert in alerts(shape_of(load_policy(SHIPPED_POLICY)))}
    for name in prometheus.keys() & grafana.keys():
        one, other = prometheus[name], grafana[name]
        expression = one["expr"]
        if "keep_firing_for" in one:
            expression += HELD.format(labels[name], labels[name])
        (query,) = (query for query in other["data"] if query["refId"] == "A")
        annotations = {key: text.replace("$value ", "$values.A.Value ") for key, text in one["annotations"].items()}
        pairs = {
            "expression": (expression, query["model"]["expr"]),
            "for": (one.get("for", "0s"), other.get("for")),
            "keep firing": (one.get("keep_firing_for"), other.get("keepFiringFor")),
            "labels": (one["labels"], other["labels"]),
            "annotations": (annotations, other["annotations"]),
        }
        found += [f"{name}: {key}: {a!r} is not {b!r}" for key, (a, b) in pairs.items() if a != b]
    return found


def test_the_committed_files_are_the_generated_ones(shape: Shape) -> None:
    """Nobody edited them, and nobody forgot to write them anew."""
    remedy = "write it anew: make rules"
    assert PROMETHEUS.read_text(encoding="utf-8") == prometheus_file(shape, Place()), remedy
    assert GRAFANA.read_text(encoding="utf-8") == grafana_file(shape, Place()), remedy


def test_every_alert_has_its_twin() -> None:
    """Expression, durations, labels and texts are the same, string for string; no rule is in one file only."""
    assert len(prometheus_alerts()) > 30
    assert differences(prometheus_alerts(), grafana_alerts()) == []


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda rules: rules.pop("SlaClockOutage"), "one file only"),
        (lambda rules: rules["SlaClockOutage"]["data"][0]["model"].update(expr="vector(1)"), "expression"),
        (lambda rules: rules["SlaClockOutage"].update({"for": "3m"}), "for"),
        (lambda rules: rules["SlaClockOutage"].pop("keepFiringFor"), "keep firing"),
        (lambda rules: rules["SlaClockOutage"]["labels"].update(severity="info"), "labels"),
        (lambda rules: rules["SlaClockOutage"]["annotations"].update(summary="calm"), "annotations"),
    ],
)
def test_a_twin_that_differs_is_found(change: Callable[[Rules], object], said: str) -> None:
    """Each part that is compared: one changed there is one difference, and it is named."""
    changed = grafana_alerts()
    change(changed)
    (found,) = differences(prometheus_alerts(), changed)
    assert "SlaClockOutage" in found
    assert said in found


@pytest.fixture
def shape() -> Shape:
    """That of the model policy, which the committed files are for."""
    return shape_of(load_policy(SHIPPED_POLICY))
