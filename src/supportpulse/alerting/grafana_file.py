"""The same alerts as Grafana provisions them from a file.

Each is one instant query and one threshold. The query is the Prometheus rule's expression, a filter: whatever it
returns is an alert and above zero, and no data means that all is well. What silence would hide (no worker, no sweep)
has expressions that return something then.

Keys and rules are those of Grafana's file provisioning; `keepFiringFor` and `missing_series_evals_to_resolve` are read
since Grafana 12.2 and ignored in silence before.
"""

from __future__ import annotations

from typing import Any

from supportpulse.alerting.alert import Alert
from supportpulse.alerting.declared import groups
from supportpulse.alerting.level import Shape
from supportpulse.alerting.rule_file import Place, span, texts, written
from supportpulse.alerting.tuning import TUNED, Tuning
from supportpulse.names import Metric

DATA_SOURCE = "supportpulse-prometheus"
FOLDER = "supportpulse"
INTERVAL = "10s"
"""Grafana takes multiples of 10 s."""
LOOKBACK_SECONDS = 600
ABOVE = 0
"""What a value must exceed to be an alert: that of a series which is only held is 0."""


def grafana_file(shape: Shape, place: Place, tuning: Tuning = TUNED) -> str:
    """A file for `provisioning/alerting`."""
    found = [
        {
            "orgId": 1,
            "name": group.name,
            "folder": FOLDER,
            "interval": INTERVAL,
            "rules": [_rule(alert, place) for alert in group.alerts],
        }
        for group in groups(shape, tuning)
    ]
    return written("grafana", {"apiVersion": 1, "groups": found})


def query(alert: Alert) -> str:
    """The expression, and 0 for what it could be about but is not, if the alert is to be held after it ends.

    Grafana holds an instance (`keepFiringFor`) only while its series is there, and a filter's series is gone when the
    alert is over: it would be resolved at once, or not, depending on whether others still fire.
    """
    if not alert.keep_firing_ms:
        return alert.expr
    by = ", ".join(alert.labels)
    return f"{alert.expr}\nor on ({by}) 0 * group by ({by}) ({Metric.CLOCKS_OPEN})"


def _rule(alert: Alert, place: Place) -> dict[str, Any]:
    rule: dict[str, Any] = {
        "uid": alert.anchor,
        "title": alert.name,
        "condition": "B",
        "data": [
            {
                "refId": "A",
                "datasourceUid": DATA_SOURCE,
                "relativeTimeRange": {"from": LOOKBACK_SECONDS, "to": 0},
                "model": {"refId": "A", "expr": query(alert), "instant": True, "range": False},
            },
            {
                "refId": "B",
                "datasourceUid": "__expr__",
                "model": {
                    "refId": "B",
                    "type": "threshold",
                    "expression": "A",
                    "conditions": [{"evaluator": {"type": "gt", "params": [ABOVE]}}],
                },
            },
        ],
        "noDataState": "OK",
        "execErrState": "Error",
        "for": span(alert.for_ms) if alert.for_ms else "0s",
    }
    if alert.keep_firing_ms:
        rule["keepFiringFor"] = span(alert.keep_firing_ms)
    rule |= {
        "missing_series_evals_to_resolve": 1,
        "labels": {"severity": alert.severity},
        "annotations": texts(alert, place, "$values.A.Value"),
        "dashboardUid": alert.board,
        "panelId": alert.panel,
    }
    return rule
