"""Every series a board may ask for, with its labels: exported, recorded by rules, or added by Prometheus."""

from __future__ import annotations

from functools import cache

from observability.promql_labels import Known, labels_of
from observability.scraped import Scraped
from strategies import START
from supportpulse.alerting.declared import alerts, recorded, shape_of
from supportpulse.edges.gateway.measures import Measures
from supportpulse.names import GatewayMetric, Metric
from supportpulse.policy import load_policy
from supportpulse.settings import SHIPPED_POLICY
from supportpulse.snapshot import SourceStatus

TARGET = frozenset({"job", "instance"})
_ALERT = frozenset({"alertname", "severity"})


@cache
def known_series() -> Known:
    """Read from an exposition of the shipped policy, and from the recording rules themselves."""
    policy = load_policy(SHIPPED_POLICY)
    desk = Scraped(policy, START)
    desk.take(START, sources=(SourceStatus("desk", "live", START, False),), lag_records={0: 0})
    found = {name: frozenset(dict(labels)) | TARGET for name, labels in desk.samples()}
    measures = Measures()
    measures.begin("desk").answer.observe(0.01)
    for family in measures.registry.collect():
        found |= {sample.name: frozenset(sample.labels) | TARGET for sample in family.samples}
    families = (*Metric, *GatewayMetric)
    silent = {metric.value for metric in families if not any(name.startswith(metric.value) for name in found)}
    assert not silent, f"not in the exposition: {sorted(silent)}"
    shape = shape_of(policy)
    labels = frozenset(label for alert in alerts(shape) for label in alert.labels)
    found |= {
        "up": TARGET,
        "scrape_duration_seconds": TARGET,
        "ALERTS": _ALERT | labels | {"alertstate"},
        "ALERTS_FOR_STATE": _ALERT | labels,
    }
    for record in recorded(shape):
        found[record.name] = labels_of(record.expr, found)
    return found
