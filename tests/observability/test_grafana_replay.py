"""Grafana's rules make of a history what their twins made of it in a real Prometheus: the same alerts, as long.

Both files as they are committed, durations at a hundredth, evaluated every second over some seconds of trouble that a
scripted worker exports. Prometheus says what it did in ALERTS. The Grafana rules are replayed afterwards: their queries
are asked of the same Prometheus at the same instants, and `grafana_scheduler` keeps the states.
"""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import pytest
import yaml

from observability.alert_files import GRAFANA, PROMETHEUS, Rule, read
from observability.grafana_loader import duration_ms
from observability.grafana_scheduler import Labels, Scheduled, labels_of
from observability.scripted_worker import Lines, ScriptedWorker, clock, health, line
from supportpulse.edges.prometheus import Prometheus, program
from supportpulse.names import Metric

pytestmark = pytest.mark.skipif(
    program("prometheus") is None, reason="prometheus is not installed (Debian: prometheus)"
)

SCALE = 0.01
INTERVAL_MS = 1000
SECONDS = 20
Timeline = dict[tuple[str, Labels], list[tuple[int, str]]]
"""(alert, labels) -> when it entered which state (ms): pending, firing or over."""


def desk(now: float, lines: Lines) -> bool:
    """An outage that ends, comes back while it is held, and ends; a rise beside it; a blip; customers; two sources."""
    if 17 <= now < 19:
        return False
    clock(lines, "first_response", 54 if 3 <= now < 7 or 9 <= now < 10 else 1)
    clock(lines, "substantive_response", 24 if 2 <= now < 12 else 1)
    clock(lines, "solution", 24 if 4 <= now < 6 or 9 <= now < 11 else 1, scenario="overseas")
    clock(lines, "workaround", 0)
    waiting = {"clock": "substantive_response", "rule": "live"}
    lines.append(line(Metric.CLOCKS_OPEN, 1, **waiting, scenario="overseas"))
    for over, begins, ends in (("30m", 2, 12), ("1h", 5, 12), ("4h", 8, 10)):
        for scenario, is_so in (("live_show", begins <= now < ends), ("overseas", 2 <= now < 4)):
            lines.append(line(Metric.CLOCKS_WAITING, is_so, **waiting, scenario=scenario, over=over))
    lines.append(line(Metric.CLOCKS_OVERDUE, int(5 <= now < 7), clock="workaround", rule="live", scenario="live_show"))
    lines.append(line(Metric.EVENTS_REJECTED, int(now >= 6), reason="schema"))
    for source, ends in (("desk", 11), ("chat", 7)):
        lines.append(line(Metric.SOURCE_STALE, 3 <= now < ends, source=source, mode="live"))
    health(lines, swept_ago=300 if 8 <= now < 12 else 0)
    return True


def second(now: float, lines: Lines) -> bool:
    """Another worker, which owns the rest and is away twice."""
    health(lines)
    return not (6 <= now < 11 or 17 <= now < 19)


def scaled(rule: Rule) -> Rule:
    """A Prometheus rule with shorter durations."""
    spans = {key: f"{duration_ms(rule[key]) * SCALE:.0f}ms" for key in ("for", "keep_firing_for") if key in rule}
    return rule | spans


@dataclass
class Run:
    """What Prometheus did, and what it can still be asked."""

    prometheus: Prometheus
    ticks: dict[str, list[int]]
    """Group -> when it was evaluated (ms)."""
    began: int
    """Start of the script: Prometheus writes no ALERTS in its first evaluations."""

    def happened(self) -> Timeline:
        """From ALERTS."""
        seen: dict[tuple[str, Labels], dict[int, str]] = {}
        for found in self.prometheus.query(f"ALERTS[{10 * SECONDS}s]"):
            metric = found["metric"]
            key = metric["alertname"], labels_of(metric, ("alertname", "alertstate", "severity"))
            for seconds, _ in found["values"]:
                seen.setdefault(key, {})[round(seconds * 1000)] = metric["alertstate"]
        return _told((key, self._entered(states, self.ticks[self._group(key[0])])) for key, states in seen.items())

    def replayed(self, document: dict[str, Any], later_ms: int = 0) -> Timeline:
        """From a file of Grafana's rules, evaluated when Prometheus did, or so much later."""
        ticks = {group: [tick + later_ms for tick in known] for group, known in self.ticks.items()}
        return _told(
            ((rule["title"], labels), self._entered(states, ticks[group["name"]]))
            for group in document["groups"]
            for rule in group["rules"]
            for labels, states in self._states(rule, ticks[group["name"]]).items()
        )

    def _states(self, rule: Rule, ticks: list[int]) -> dict[Labels, dict[int, str]]:
        values: dict[int, dict[Labels, float]] = {}
        query = rule["data"][0]["model"]["expr"]
        for series in self.prometheus.query_range(query, ticks[0] / 1000, ticks[-1] / 1000, INTERVAL_MS / 1000):
            for seconds, value in series["values"]:
                values.setdefault(round(seconds * 1000), {})[labels_of(series["metric"])] = float(value)
        scheduled, seen = Scheduled(rule, INTERVAL_MS, SCALE), dict[Labels, dict[int, str]]()
        for tick in ticks:
            scheduled.evaluate(tick, values.get(tick, {}))
            for labels, state in scheduled.states().items():
                seen.setdefault(labels, {})[tick] = "pending" if state == "pending" else "firing"
        return seen

    def _entered(self, states: dict[int, str], ticks: list[int]) -> list[tuple[int, str]]:
        later = [tick for tick in ticks if tick >= self.began]
        runs = groupby(later, key=lambda tick: states.get(tick, "over"))
        entered = [(next(run), state) for state, run in runs]
        return entered[1:] if entered[0][1] == "over" else entered

    @staticmethod
    def _group(alert: str) -> str:
        (found,) = (
            group["name"]
            for group in read(PROMETHEUS)["groups"]
            if any(rule.get("alert") == alert for rule in group["rules"])
        )
        return str(found)


def _told(entered: Iterable[tuple[tuple[str, Labels], list[tuple[int, str]]]]) -> Timeline:
    return {key: states for key, states in entered if states}


@pytest.fixture(scope="module")
def run() -> Iterator[Run]:
    """A Prometheus that has seen it all."""
    rules = read(PROMETHEUS)
    for group in rules["groups"]:
        tick = {"record": "tick", "expr": "vector(1)", "labels": {"group": group["name"]}}
        group |= {"interval": "1s", "rules": [tick, *map(scaled, group["rules"])]}
    began = time.monotonic() + 4
    with ScriptedWorker(desk, began) as one, ScriptedWorker(second, began) as other:
        targets = [f"127.0.0.1:{worker.port}" for worker in (one, other)]
        config = {
            "global": {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"},
            "rule_files": ["rules.yml"],
            "scrape_configs": [{"job_name": "supportpulse", "static_configs": [{"targets": targets}]}],
        }
        prometheus = Prometheus(yaml.safe_dump(config))
        (prometheus.folder / "rules.yml").write_text(yaml.safe_dump(rules), encoding="utf-8")
        with prometheus:
            time.sleep(max(0.0, began + SECONDS - time.monotonic()))  # the script's own length
            ticks = {
                found["metric"]["group"]: [round(seconds * 1000) for seconds, _ in found["values"]]
                for found in prometheus.query(f"tick[{10 * SECONDS}s]")
            }
            yield Run(prometheus, ticks, round((time.time() - SECONDS) * 1000))


def differences(happened: Timeline, replayed: Timeline) -> list[str]:
    """Alerts of which one side went through other states, or entered one more than an interval apart."""
    found = []
    for key in happened.keys() | replayed.keys():
        one, other = happened.get(key, []), replayed.get(key, [])
        same = [state for _, state in one] == [state for _, state in other]
        apart = max((abs(a - b) for (a, _), (b, _) in zip(one, other, strict=False)), default=0)
        if not same or apart > INTERVAL_MS:
            found.append(f"{key[0]} {dict(key[1])}: Prometheus {one}, Grafana {other}")
    return found


def test_grafana_and_prometheus_tell_the_same_story(run: Run) -> None:
    """Same states in the same order, entered within one interval, for every alert and instance."""
    assert differences(run.happened(), run.replayed(read(GRAFANA))) == []


def test_between_prometheuss_evaluations_only_an_early_look_differs(run: Run) -> None:
    """Grafana keeps time of its own; it may see a shorter wait before Prometheus says that a longer one fires."""
    early = {(alert, scenario) for alert in ("SlaWaiting30m", "SlaWaiting1h") for scenario in ("overseas", "live_show")}
    other = run.happened().keys() ^ run.replayed(read(GRAFANA), later_ms=INTERVAL_MS // 2).keys()
    assert {(alert, dict(labels).get("scenario")) for alert, labels in other} <= early


def test_the_story_has_everything_in_it(run: Run) -> None:
    """Fired, held, fired again while held, pending for nothing, kept quiet, a worker gone, all workers gone."""
    states = {
        (alert, dict(labels).get("clock"), dict(labels).get("scenario")): [state for _, state in entered]
        for (alert, labels), entered in run.happened().items()
    }
    assert states["SlaClockOutage", "first_response", None] == ["pending", "firing", "over"]
    assert states["SlaClockRising1h", "substantive_response", None] == ["pending", "firing", "over"]
    assert states["SlaClockRising1h", "solution", None] == ["pending", "over", "pending", "over"]
    assert "firing" not in states["SlaScenarioOutage", "first_response", "live_show"]
    assert states["SlaWaiting4h", "substantive_response", "live_show"] == ["firing", "over"]
    fired = {alert for (alert, _), entered in run.happened().items() if "firing" in {state for _, state in entered}}
    assert fired >= {
        "SlaWaiting30m", "SlaWaiting1h", "SlaWorkaroundOverdue", "SlaDeadlineSweepStalled", "SlaWorkerDown",
        "SlaSourceStale", "SlaWorkerAbsent", "SlaPartitionsOrphaned", "SlaEventsRejected", "SlaWatchdog",
    }  # fmt: skip


def _each(change: Callable[[Rule], object]) -> Callable[[], dict[str, Any]]:
    def changed() -> dict[str, Any]:
        document: dict[str, Any] = copy.deepcopy(read(GRAFANA))
        for group in document["groups"]:
            for rule in group["rules"]:
                change(rule)
        return document

    return changed


def _unheld(rule: Rule) -> None:
    model = rule["data"][0]["model"]
    model["expr"] = model["expr"].partition("\nor on (clock")[0]


@pytest.mark.parametrize(
    "broken",
    [
        pytest.param(_each(_unheld), id="nothing is held"),
        pytest.param(_each(lambda rule: rule.pop("keepFiringFor", None)), id="no keepFiringFor"),
        pytest.param(_each(lambda rule: rule.update({"for": "10m"})), id="another for"),
        pytest.param(_each(lambda rule: rule.update(missing_series_evals_to_resolve=4)), id="patient"),
        pytest.param(
            _each(lambda rule: rule["data"][1]["model"]["conditions"][0]["evaluator"].update(params=[-1])),
            id="a threshold below what is held",
        ),
    ],
)
def test_rules_with_another_meaning_tell_another_story(run: Run, broken: Callable[[], dict[str, Any]]) -> None:
    """What a parity of texts would not see: each of these would page, or resolve, at other times."""
    assert differences(run.happened(), run.replayed(broken()))
