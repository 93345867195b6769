"""What Grafana's file provisioning refuses in a file of alert rules, and what it swallows in silence.

Written from its documentation and the published types of its loader (`pkg/services/provisioning/alerting`, Grafana 12
and 13): YAML keys it does not know are dropped; names, uids, labels and the like are expanded as environment variables
with `$`, annotations with `${}` only, query models not at all.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from observability import annotation

FILE = frozenset(
    {"apiVersion", "groups", "deleteRules", "contactPoints", "deleteContactPoints", "policies", "resetPolicies",
     "templates", "deleteTemplates", "muteTimes", "deleteMuteTimes"}
)  # fmt: skip
GROUP = frozenset({"orgId", "name", "folder", "interval", "rules"})
RULE = frozenset(
    {"uid", "title", "condition", "data", "dashboardUid", "panelId", "noDataState", "execErrState", "for",
     "keepFiringFor", "missing_series_evals_to_resolve", "annotations", "labels", "isPaused", "notification_settings",
     "record"}
)  # fmt: skip
QUERY = frozenset({"refId", "queryType", "relativeTimeRange", "datasourceUid", "model"})
EXPANDED = ("uid", "title", "condition", "dashboardUid", "for", "keepFiringFor", "noDataState", "execErrState")
NO_DATA = frozenset({"Alerting", "NoData", "OK", "KeepLast"})
FAILED = frozenset({"Alerting", "Error", "OK", "KeepLast"})
EXPRESSION = "__expr__"
EXPRESSIONS = frozenset({"threshold", "reduce", "math", "resample", "classic_conditions", "sql"})
PARAMETERS = {
    "gt": 1, "lt": 1, "gte": 1, "lte": 1, "eq": 1, "ne": 1,
    "within_range": 2, "outside_range": 2, "within_range_included": 2, "outside_range_included": 2,
}  # fmt: skip
"""Evaluators of a threshold, and how many numbers each takes."""
RESERVED = frozenset({"alertname", "grafana_folder"})
BASE_SECONDS = 10
"""Its scheduler ticks this often."""

UID = re.compile(r"[A-Za-z0-9_-]{1,40}")
DURATION = re.compile(r"0|(?=\d)(?:(\d+)y)?(?:(\d+)w)?(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?(?:(\d+)ms)?")
UNITS_MS = (31_536_000_000, 604_800_000, 86_400_000, 3_600_000, 60_000, 1000, 1)
DOLLAR = re.compile(r"\$(?!\$)")


def duration_ms(text: str) -> int:
    """A duration as Prometheus's parser reads it; raises ValueError."""
    found = DURATION.fullmatch(text)
    if found is None:
        raise ValueError(f"{text!r} is no duration")
    return sum(int(number or 0) * unit for number, unit in zip(found.groups(), UNITS_MS, strict=True))


def expanded(text: object) -> bool:
    """Whether a `$` in it is taken for a variable; `$$` is a dollar."""
    return bool(DOLLAR.search(str(text).replace("$$", "")))


def unknown(mapping: Mapping[str, Any], known: Collection[str]) -> Iterator[str]:
    """Keys that are dropped in silence."""
    for key in mapping.keys() - known:
        yield f"key {key!r} is not known and would be ignored"


@dataclass
class Loader:
    """`panels`: the panel ids of each dashboard uid; `data_sources`: uids of those that are provisioned.

    `labels`: the labels that the series of a rule's query have, by title.
    """

    panels: Mapping[str, Collection[int]]
    data_sources: Collection[str]
    labels: Mapping[str, Collection[str]]
    _uids: set[str] = field(default_factory=set)
    _titles: set[tuple[str, str]] = field(default_factory=set)
    _groups: set[tuple[str, str]] = field(default_factory=set)

    def mistakes(self, document: Mapping[str, Any]) -> Iterator[str]:
        """All of a file, each with where it is."""
        if document.get("apiVersion") != 1:
            yield f"apiVersion: found {document.get('apiVersion')!r}; valid: 1"
        yield from unknown(document, FILE)
        for group in document.get("groups", []):
            for mistake in self._group(group):
                yield f"group {group.get('name')}: {mistake}"
            for rule in group.get("rules", []):
                for mistake in self._rule(str(group.get("folder")), rule):
                    yield f"rule {rule.get('title')}: {mistake}"

    def _group(self, group: Mapping[str, Any]) -> Iterator[str]:
        yield from unknown(group, GROUP)
        for key in ("name", "folder", "interval"):
            if not str(group.get(key, "")).strip():
                yield f"no {key}"
            elif expanded(group[key]):
                yield f"{key}: `$` is taken for a variable"
        name = str(group.get("folder")), str(group.get("name"))
        if name in self._groups:
            yield "there are two in this folder"
        self._groups.add(name)
        try:
            every = duration_ms(str(group.get("interval")))
        except ValueError as error:
            yield f"interval: {error}"
        else:
            if every <= 0 or every % (BASE_SECONDS * 1000):
                yield f"interval: found {group['interval']}; valid: a multiple of {BASE_SECONDS}s"

    def _rule(self, folder: str, rule: Mapping[str, Any]) -> Iterator[str]:
        yield from unknown(rule, RULE)
        yield from (f"no {key}" for key in ("uid", "title", "condition", "data") if not rule.get(key))
        yield from (f"{key}: `$` is taken for a variable" for key in EXPANDED if expanded(rule.get(key, "")))
        uid, title = str(rule.get("uid")), (folder, str(rule.get("title")))
        if not UID.fullmatch(uid):
            yield f"uid: found {uid!r}; valid: up to 40 of A-Z a-z 0-9 _ -"
        if uid in self._uids:
            yield f"uid {uid} is used twice"
        if title in self._titles:
            yield "title is used twice in its folder"
        self._uids.add(uid)
        self._titles.add(title)
        if rule.get("noDataState", "NoData") not in NO_DATA:
            yield f"noDataState: found {rule['noDataState']!r}; valid: {', '.join(sorted(NO_DATA))}"
        if rule.get("execErrState", "Alerting") not in FAILED:
            yield f"execErrState: found {rule['execErrState']!r}; valid: {', '.join(sorted(FAILED))}"
        for key in ("for", "keepFiringFor"):
            try:
                duration_ms(str(rule.get(key, "0")))
            except ValueError as error:
                yield f"{key}: {error}"
        missing = rule.get("missing_series_evals_to_resolve", 2)
        if not isinstance(missing, int) or missing < 1:
            yield f"missing_series_evals_to_resolve: found {missing!r}; valid: 1 or more"
        yield from self._panel(rule)
        yield from self._texts(rule)
        yield from self._data(rule)

    def _panel(self, rule: Mapping[str, Any]) -> Iterator[str]:
        board, panel = rule.get("dashboardUid"), rule.get("panelId")
        if panel is not None and not board:
            yield "panelId without dashboardUid"
        elif board and panel not in self.panels.get(board, ()):
            yield f"dashboard {board} has no panel {panel}"

    def _texts(self, rule: Mapping[str, Any]) -> Iterator[str]:
        for name, value in (rule.get("labels") or {}).items():
            if not isinstance(value, str) or expanded(value) or "{{" in value:
                yield f"label {name}: found {value!r}; valid: fixed text, as it tells alerts apart"
            if name in RESERVED or name.startswith("__"):
                yield f"label {name} is set by Grafana itself"
        refs = [query.get("refId") for query in rule.get("data", [])]
        values = [f"$values.{ref}.Value" for ref in refs]
        for name, value in (rule.get("annotations") or {}).items():
            if not isinstance(value, str):
                yield f"annotation {name}: found {value!r}; valid: text"
                continue
            if "${" in value:
                yield f"annotation {name}: `${{` is taken for a variable"
            for mistake in annotation.mistakes(value, self.labels.get(str(rule.get("title")), ()), values):
                yield f"annotation {name}: {mistake}"

    def _data(self, rule: Mapping[str, Any]) -> Iterator[str]:
        queries = {str(query.get("refId")): query for query in rule.get("data", [])}
        if len(queries) != len(rule.get("data", [])):
            yield "refId is used twice"
        if rule.get("condition") not in queries:
            yield f"condition {rule.get('condition')!r} is no refId"
        for ref, query in queries.items():
            found = self._expression if query.get("datasourceUid") == EXPRESSION else self._query
            for mistake in (*unknown(query, QUERY), *found(query, queries)):
                yield f"query {ref}: {mistake}"
            if query.get("model", {}).get("refId", ref) != ref:
                yield f"query {ref}: its model says another refId"

    def _query(self, query: Mapping[str, Any], queries: Mapping[str, Any]) -> Iterator[str]:
        model, lookback = query.get("model", {}), query.get("relativeTimeRange", {})
        if query.get("datasourceUid") not in self.data_sources:
            yield f"data source {query.get('datasourceUid')!r} is not provisioned"
        if not model.get("expr"):
            yield "no expr"
        if lookback.get("from", 0) <= lookback.get("to", 0):
            yield "relativeTimeRange: `from` must lie before `to`"

    def _expression(self, query: Mapping[str, Any], queries: Mapping[str, Any]) -> Iterator[str]:
        model = query.get("model", {})
        kind, read = model.get("type"), str(model.get("expression", "")).lstrip("$")
        if kind not in EXPRESSIONS:
            yield f"type: found {kind!r}; valid: {', '.join(sorted(EXPRESSIONS))}"
        if kind not in ("threshold", "reduce", "resample"):
            return
        if read not in queries or read == query.get("refId"):
            yield f"expression: {read!r} is no other refId"
        elif kind == "threshold" and not numbers(queries[read]):
            yield f"expression: {read} gives series over time, a threshold takes numbers: reduce them first"
        if kind == "threshold":
            conditions = model.get("conditions") or []
            evaluator = conditions[0].get("evaluator", {}) if len(conditions) == 1 else {}
            if len(evaluator.get("params", ())) != PARAMETERS.get(evaluator.get("type"), -1):
                yield "threshold: exactly one condition, of a known type and with its parameters"


def numbers(query: Mapping[str, Any]) -> bool:
    """Whether a query gives a number a series: an instant query, or an expression that makes numbers."""
    model = query.get("model", {})
    if query.get("datasourceUid") == EXPRESSION:
        return model.get("type") != "resample"
    return model.get("instant") is True and not model.get("range")
