"""The alert files as they are committed, and everything they may refer to."""

from __future__ import annotations

import copy
import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from observability.known_series import known_series
from observability.promql_labels import Labels, Mistake, labels_of

FOLDER = Path(__file__).parents[2] / "grafana"
PROMETHEUS, GRAFANA = FOLDER / "prometheus" / "rules.yml", FOLDER / "provisioning" / "alerting" / "rules.yml"
RUNBOOK = FOLDER / "runbook.md"
Rule = dict[str, Any]


def read(path: Path) -> Any:
    """A YAML file; made anew at each call, so that a test may break it."""
    return copy.deepcopy(_loaded(path))


@cache
def _loaded(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def prometheus_rules() -> list[Rule]:
    """Recording rules and alerts, in order."""
    return [rule for group in read(PROMETHEUS)["groups"] for rule in group["rules"]]


def prometheus_alerts() -> dict[str, Rule]:
    """Alerts by name."""
    return {rule["alert"]: rule for rule in prometheus_rules() if "alert" in rule}


def grafana_alerts() -> dict[str, Rule]:
    """Grafana's rules by title."""
    return {rule["title"]: rule for group in read(GRAFANA)["groups"] for rule in group["rules"]}


@cache
def boards() -> dict[str, Any]:
    """Dashboards by uid."""
    loaded = [json.loads(path.read_text(encoding="utf-8")) for path in sorted((FOLDER / "dashboards").glob("*.json"))]
    return {board["uid"]: board for board in loaded}


def panels(board: dict[str, Any]) -> set[int]:
    """Ids of a dashboard's panels, those in rows too."""
    return {panel["id"] for row in board["panels"] for panel in (row, *row.get("panels", ()))}


def data_sources() -> set[str]:
    """Uids of the provisioned data sources."""
    files = (FOLDER / "provisioning" / "datasources").glob("*.yml")
    return {source["uid"] for path in files for source in read(path)["datasources"]}


def known(rules: list[Rule] | None = None) -> tuple[dict[str, Labels], dict[str, Labels]]:
    """Labels of every series that rules may read, and of every alert: both as the rules themselves make them.

    Raises `Mistake` if a rule reads what is not there when it is evaluated, and ValueError if it is no PromQL.
    """
    rules = prometheus_rules() if rules is None else rules
    recorded = {rule["record"] for rule in rules if "record" in rule}
    series = {name: labels for name, labels in known_series().items() if name not in recorded | NOT_FOR_RULES}
    names = {rule["alert"] for rule in rules if "alert" in rule}
    alerts: dict[str, Labels] = {}
    for rule in rules:
        for matcher in re.findall(r'alertname=~?"([^"]*)"', rule["expr"]):
            if unknown := set(matcher.split("|")) - names:
                raise Mistake(f"there is no alert {', '.join(sorted(unknown))}")
        labels = labels_of(rule["expr"], series)
        if "record" in rule:
            series[rule["record"]] = labels
        else:
            alerts[rule["alert"]] = labels
    return series, alerts


NOT_FOR_RULES = frozenset({"ALERTS_FOR_STATE", "scrape_duration_seconds"})
