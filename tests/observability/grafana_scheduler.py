"""Grafana's alert rules, evaluated as its scheduler and state manager do (published code of Grafana 12.2 to 13).

An instance is a label set the query returned once. `for` and `keepFiringFor` count from the evaluation that entered the
state. An empty result is no data: with `noDataState: OK` all instances are normal then. An instance that is missing
beside others keeps its state, untouched, until `missing_series_evals_to_resolve` intervals have passed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from observability.grafana_loader import duration_ms

Labels = frozenset[tuple[str, str]]


class State(StrEnum):
    """Of an instance; the notifier hears of the last two alike."""

    NORMAL = "normal"
    PENDING = "pending"
    ALERTING = "alerting"
    RECOVERING = "recovering"


@dataclass
class Instance:
    """Its state, since when, and when it was last in a result (all ms)."""

    state: State
    since: int
    seen: int

    def enter(self, state: State, now: int) -> None:
        """Change the state, if it is another."""
        if state != self.state:
            self.state, self.since = state, now


@dataclass
class Scheduled:
    """One rule; `scale` shrinks its durations, `interval_ms` is what its group is evaluated in."""

    rule: Mapping[str, Any]
    interval_ms: int
    scale: float = 1.0
    instances: dict[Labels, Instance] = field(default_factory=dict)

    def evaluate(self, now: int, values: Mapping[Labels, float]) -> None:
        """One evaluation at `now` (ms): `values` is what the query returned, label set -> value."""
        assert self.rule["noDataState"] == "OK"
        if not values:
            for instance in self.instances.values():
                instance.seen = now
                self._normal(instance, now)
            return
        for labels, value in values.items():
            instance = self.instances.setdefault(labels, Instance(State.NORMAL, now, now))
            instance.seen = now
            if self._exceeds(value):
                self._alerting(instance, now)
            else:
                self._normal(instance, now)
        patience = self.rule.get("missing_series_evals_to_resolve", 2) * self.interval_ms
        for labels in [labels for labels, one in self.instances.items() if now - one.seen >= patience]:
            del self.instances[labels]

    def states(self) -> dict[Labels, State]:
        """Of all instances that are not normal."""
        return {labels: one.state for labels, one in self.instances.items() if one.state != State.NORMAL}

    def _alerting(self, instance: Instance, now: int) -> None:
        patience = self._span("for")
        if instance.state == State.PENDING:
            if now - instance.since >= patience:
                instance.enter(State.ALERTING, now)
        elif instance.state == State.NORMAL and patience:
            instance.enter(State.PENDING, now)
        else:
            instance.enter(State.ALERTING, now)

    def _normal(self, instance: Instance, now: int) -> None:
        held = self._span("keepFiringFor")
        if instance.state == State.ALERTING and held:
            instance.enter(State.RECOVERING, now)
        elif instance.state != State.RECOVERING or now - instance.since >= held:
            instance.enter(State.NORMAL, now)

    def _span(self, key: str) -> float:
        return duration_ms(str(self.rule.get(key, "0"))) * self.scale

    def _exceeds(self, value: float) -> bool:
        (condition,) = self.rule["data"][1]["model"]["conditions"]
        assert condition["evaluator"]["type"] == "gt"
        return value > float(condition["evaluator"]["params"][0])


def labels_of(metric: Mapping[str, str], but: Iterable[str] = ()) -> Labels:
    """A series' labels without its name."""
    return frozenset(item for item in metric.items() if item[0] not in {"__name__", *but})
