"""A situation of a desk and its workers, and exactly the alerts that fire in it, by promtool on the committed rules."""

from __future__ import annotations

import functools
import math
import re
import runpy
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from exported import Count, Exported, Gateway, Traffic, Worker, first, second
from supportpulse.alerting.tuning import TUNED
from supportpulse.edges.prometheus import program, promtool
from supportpulse.names import Metric

RULES: Final = Path(__file__).parents[1] / "grafana" / "prometheus" / "rules.yml"
WATCHDOG: Final = "SlaWatchdog"
Rules = dict[str, Any]

needs_promtool = pytest.mark.skipif(
    program("promtool") is None, reason="no promtool: install prometheus (Debian), or name it in $PROMTOOL"
)


@functools.cache
def _text() -> str:
    return RULES.read_text(encoding="utf-8")


def committed() -> Rules:
    """The committed rules, to be changed at will."""
    found: Rules = yaml.load(_text(), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    return found


def alerts_of(rules: Rules) -> dict[str, dict[str, Any]]:
    """Alerting rules by name."""
    return {rule["alert"]: rule for group in rules["groups"] for rule in group["rules"] if "alert" in rule}


@dataclass(frozen=True)
class Firing:
    """An alert expected to fire. `value`: how the number in its texts reads, if they are to be looked at too."""

    alert: str
    value: str
    pairs: tuple[tuple[str, str], ...]

    @property
    def labels(self) -> dict[str, str]:
        """Its labels, besides its severity."""
        return dict(self.pairs)


def fires(alert: str, value: str = "", **labels: str) -> Firing:
    """An alert with these labels."""
    return Firing(alert, value, tuple(labels.items()))


def bound(breached: int, closed: int) -> str:
    """The lower bound of a share, as people read it."""
    z, share = TUNED.z, breached / closed
    spread = z * math.sqrt(share * (1 - share) / closed + z * z / 4 / closed**2)
    return f"{100 * (share + z * z / 2 / closed - spread) / (1 + z * z / closed):.4g}%"


class Situation:
    """Two workers that are well, or those given, perhaps gateways; then rows of traffic, and what fires when.

    Rules are evaluated and samples taken every `step` minutes.
    """

    def __init__(
        self, minutes: int, step: int = 1, workers: Sequence[Worker] = (), gateways: Sequence[Gateway] = ()
    ) -> None:
        self.minutes, self.step = minutes, step
        self.exported = Exported(minutes, step, workers or (first(), second()), gateways)
        self.checks: list[tuple[int, tuple[Firing, ...]]] = []
        self.spared: tuple[str, ...] = ()

    def clock(
        self,
        traffic: Traffic,
        objective: float = 0.9,
        *,
        clock: str = "first_response",
        scenario: str = "live_show",
        rule: str = "live",
        target: int = 600,
    ) -> Situation:
        """A row of traffic: a clock of a rule in a scenario."""
        self.exported.row(traffic, clock, rule, scenario, objective, target)
        return self

    def open(self, metric: Metric, count: Count, **labels: str) -> Situation:
        """So many running clocks, all of one partition's tickets or of several."""
        self.exported.shared(metric, count, **labels)
        return self

    def at(self, minute: int, *firing: Firing) -> Situation:
        """Exactly these fire at a minute, and the watchdog."""
        assert minute <= self.minutes
        assert minute % self.step == 0
        self.checks.append((minute, (*firing, fires(WATCHDOG))))
        return self

    def spares(self, *alerts: str) -> Situation:
        """Alerts for whose sake this situation is here: it tempts them, and they never fire in it."""
        self.spared += alerts
        return self

    def run(self, rules: Rules | None = None) -> None:
        """Raise `PrometheusFailed` unless exactly what is expected fires; texts too, where they are known."""
        rules, texts = rules or committed(), self.texts()
        for name, rule in alerts_of(rules).items():
            if name not in texts:
                rule.pop("annotations", None)
        severity = {name: rule["labels"] for name, rule in alerts_of(committed()).items()}
        expected: list[dict[str, Any]] = []
        for minute, firing in self.checks:
            alerts: dict[str, list[dict[str, Any]]] = {name: [] for name in severity}
            for one in firing:
                labels = {"exp_labels": {**severity[one.alert], **one.labels}}
                found = texts.get(one.alert, {}).get(one)
                alerts[one.alert].append(labels | ({"exp_annotations": found} if found else {}))
            expected += [
                {"eval_time": f"{minute}m", "alertname": name, "exp_alerts": found} for name, found in alerts.items()
            ]
        self._promtool(rules, expected)

    def texts(self) -> dict[str, dict[Firing, dict[str, str]]]:
        """What a person reads, by alert: of those all of whose numbers are known."""
        known: dict[str, dict[Firing, dict[str, str] | None]] = {}
        rules = alerts_of(committed())
        for _, firing in self.checks:
            for one in firing:
                known.setdefault(one.alert, {})[one] = rendered(rules[one.alert]["annotations"], one)
        return {
            name: {one: text for one, text in texts.items() if text}
            for name, texts in known.items()
            if all(texts.values())
        }

    def _promtool(self, rules: Rules, expected: Sequence[Mapping[str, Any]]) -> None:
        test = {
            "rule_files": ["rules.yml"],
            "evaluation_interval": f"{self.step}m",
            "group_eval_order": [group["name"] for group in rules["groups"]],
            "tests": [
                {
                    "interval": f"{self.step}m",
                    "input_series": [{"series": one, "values": text} for one, text in self.exported.series.items()],
                    "alert_rule_test": list(expected),
                }
            ],
        }
        dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
        with tempfile.TemporaryDirectory() as folder:
            for name, content in (("rules.yml", rules), ("test.yml", test)):
                (Path(folder) / name).write_text(yaml.dump(content, Dumper=dumper, width=10_000), encoding="utf-8")
            promtool("test", "rules", str(Path(folder) / "test.yml"))


def rendered(annotations: Mapping[str, str], firing: Firing) -> dict[str, str] | None:
    """Annotations with labels and the number put in; None where a text has a number that is not known.

    Raises KeyError for a label the alert does not have.
    """
    if not firing.value and any("$value" in text for text in annotations.values()):
        return None

    def label(found: re.Match[str]) -> str:
        return firing.labels[found[1]]

    return {
        key: re.sub(r"\{\{ \$labels\.(\w+) \}\}", label, re.sub(r"\{\{ \$value [^}]*\}\}", firing.value, text))
        for key, text in annotations.items()
    }


Written = Callable[[], Situation]
FOLDER: Final = Path(__file__).parent / "observability" / "rules"


@functools.cache
def situations() -> dict[str, Written]:
    """All that the tests in `observability/rules` describe, by the names of the tests."""
    found: dict[str, Written] = {}
    for path in sorted(FOLDER.glob("test_*.py")):
        for name, value in runpy.run_path(str(path)).items():
            if hasattr(value, "situation"):
                assert name not in found, f"two tests are called {name}"
                found[name] = value.situation
    return found


def situation(write: Written) -> Callable[[], None]:
    """A test of a situation: exactly what it says fires. `.situation` of the test gives it back."""

    @needs_promtool
    @functools.wraps(write)
    def test() -> None:
        write().run()

    test.situation = write  # type: ignore[attr-defined]
    return test
