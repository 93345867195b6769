"""What this gateway did, for /metrics: by source and reason, never by ticket, person or text."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from supportpulse.exposition import plain
from supportpulse.names import ANSWER_EDGES_SECONDS, REASON, SOURCE, GatewayMetric, Refusal

MOST_REASONS = 50
"""Reasons of dead letters with a series of their own: adapters name them, and a mistake there must not cost memory."""
OTHER = "other"
LETTERS = (
    "adapter_failed", "event", "lost", "not_json", "role", "shape", "status", "ticket", "time", "too_many_events",
)  # fmt: skip
"""What adapters and intake are known to say: these series start at 0, so that the first dead letter is an increase."""
_WORD = re.compile(r"[a-z][a-z0-9_]{0,39}")


class OfSource(NamedTuple):
    """What each delivery of a source counts, looked up once."""

    received: Counter
    events: Counter
    answer: Histogram


class Measures:
    """Counters and histograms in a registry of their own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._received = self._counter(GatewayMetric.RECEIVED, "Requests for a source.", SOURCE)
        self._rejected = self._counter(GatewayMetric.REJECTED, "Requests turned away.", SOURCE, REASON)
        self._events = self._counter(GatewayMetric.EVENTS, "Events that Kafka acknowledged.", SOURCE)
        self._letters = self._counter(GatewayMetric.DEAD_LETTERS, "Deliveries kept as dead letters.", SOURCE, REASON)
        self._answer = Histogram(
            GatewayMetric.ANSWER.value, "From the head of a request to its answer.", (SOURCE,),
            buckets=ANSWER_EDGES_SECONDS, registry=self.registry,
        )  # fmt: skip
        self.publish_failures = self._counter(GatewayMetric.PUBLISH_FAILURES, "Deliveries Kafka did not acknowledge.")
        self.reload_failures = self._counter(GatewayMetric.RELOAD_FAILURES, "Changed configurations not taken.")
        self.configuration_refused = self._gauge(
            GatewayMetric.CONFIGURATION_REFUSED, "1 while the configuration on disk has a mistake and is not taken."
        )
        self._held = self._gauge(GatewayMetric.HELD, "1 while a refused delivery may come again.", SOURCE)
        self._in_flight = self._gauge(GatewayMetric.IN_FLIGHT, "Deliveries not answered yet.")
        self._connected = self._gauge(GatewayMetric.CONNECTED, "1 while there is a producer that sends.")
        self._acknowledged = self._gauge(GatewayMetric.ACKNOWLEDGED, "When Kafka acknowledged something last.")
        self._reasons: set[str] = set(LETTERS)

    def watch(
        self, in_flight: Callable[[], float], connected: Callable[[], float], acknowledged: Callable[[], float]
    ) -> None:
        """Read these at scrape."""
        self._in_flight.set_function(in_flight)
        self._connected.set_function(connected)
        self._acknowledged.set_function(acknowledged)

    def begin(self, source: str) -> OfSource:
        """A source is configured: its series start at 0."""
        self._held.labels(source)
        for reason in Refusal:
            if reason is not Refusal.UNKNOWN_SOURCE:
                self._rejected.labels(source, reason.value)
        for word in LETTERS:
            self._letters.labels(source, word)
        return OfSource(self._received.labels(source), self._events.labels(source), self._answer.labels(source))

    def end(self, source: str) -> None:
        """It is configured no more: nothing is told of it."""
        for family in (self._received, self._rejected, self._events, self._letters, self._answer, self._held):
            family.remove_by_labels({SOURCE: source})

    def rejected(self, source: str, reason: Refusal) -> None:
        """It was turned away; `source` is empty for one that there is not."""
        self._rejected.labels(source, reason.value).inc()

    def dead_letter(self, source: str, reason: str) -> None:
        """A delivery became one."""
        self._letters.labels(source, self.word(reason)).inc()

    def held(self, source: str, is_held: bool) -> None:
        """Whether no heartbeat is sent for it."""
        self._held.labels(source).set(is_held)

    def word(self, reason: str) -> str:
        """A reason as a label may have it."""
        if reason not in self._reasons:
            if not _WORD.fullmatch(reason) or len(self._reasons) >= MOST_REASONS:
                return OTHER
            self._reasons.add(reason)
        return reason

    def text(self) -> bytes:
        """Prometheus text format, without the times at which each series began."""
        families = list(self.registry.collect())
        for family in families:
            family.samples = [sample for sample in family.samples if not sample.name.endswith("_created")]
        return plain(families)

    def _counter(self, family: GatewayMetric, text: str, *labels: str) -> Counter:
        return Counter(family.value.removesuffix("_total"), text, labels, registry=self.registry)

    def _gauge(self, family: GatewayMetric, text: str, *labels: str) -> Gauge:
        return Gauge(family.value, text, labels, registry=self.registry)
