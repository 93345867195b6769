"""The example for sloth is a specification it reads, on counters and clocks that exist."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import promql_parser as promql
import pytest

from observability.alert_files import FOLDER, RUNBOOK, read
from observability.alert_links import anchors, wrong
from observability.known_series import known_series
from observability.promql_labels import Mistake, labels_of
from supportpulse.policy import load_policy
from supportpulse.settings import SHIPPED_POLICY

EXAMPLE = FOLDER / "prometheus" / "sloth.yml"
SPEC = frozenset({"version", "service", "labels", "slos"})
SLO = frozenset({"name", "description", "objective", "labels", "sli", "alerting"})
EVENTS = frozenset({"error_query", "total_query"})
ALERTING = frozenset({"name", "labels", "annotations", "page_alert", "ticket_alert"})
ALERT = frozenset({"disable", "labels", "annotations"})
"""Keys of its `prometheus/v1` types."""
OUTCOMES = frozenset({"met", "breached", "met|breached"})


def mistakes(spec: Mapping[str, Any]) -> Iterator[str]:
    """What sloth would refuse, or make rules of that match nothing."""
    if spec.get("version") != "prometheus/v1" or not spec.get("service"):
        yield "version or service"
    yield from (f"unknown key {key}" for key in spec.keys() - SPEC)
    names = [slo["name"] for slo in spec["slos"]]
    if len(set(names)) != len(names):
        yield "two SLOs of one name"
    for slo in spec["slos"]:
        alerting = slo["alerting"]
        yield from (f"unknown key {key}" for key in slo.keys() - SLO)
        yield from (f"unknown key {key}" for key in alerting.keys() - ALERTING)
        for alert in ("page_alert", "ticket_alert"):
            yield from (f"unknown key {key}" for key in alerting.get(alert, {}).keys() - ALERT)
        if not 0 < slo["objective"] <= 100:
            yield f"objective {slo['objective']}: valid: a percentage"
        if slo["sli"].keys() != {"events"} or slo["sli"]["events"].keys() != EVENTS:
            yield "sli: valid: events with error_query and total_query"
            continue
        for query in slo["sli"]["events"].values():
            yield from _query(query)


def _query(query: str) -> Iterator[str]:
    expression = query.replace("{{.window}}", "5m")
    if expression == query:
        yield f"no {{{{.window}}}} in {query}"
    try:
        if labels_of(expression, known_series()):
            yield f"several series: {query}"
    except (Mistake, ValueError) as error:
        yield str(error)
        return
    clocks = {clock.name for clock in load_policy(SHIPPED_POLICY).versions[-1].clocks}

    def see(node: promql.Expr) -> None:
        if isinstance(node, promql.VectorSelector):
            found.update({matcher.name: matcher.value for matcher in node.matchers.matchers})

    found: dict[str, str] = {}
    promql.walk(promql.parse(expression), see)
    if found.get("clock") not in clocks or found.get("outcome") not in OUTCOMES:
        yield f"no such clock or outcome: {query}"


def test_the_example_is_one_that_sloth_takes() -> None:
    """Keys, objectives and queries are right, and links lead to the runbook."""
    spec = read(EXAMPLE)
    assert list(mistakes(spec)) == []
    headings = anchors(RUNBOOK.read_text(encoding="utf-8"))
    for slo in spec["slos"]:
        notes = slo["alerting"]["annotations"]
        assert notes["runbook_url"].partition("#")[2] in headings
        assert list(wrong(notes["tickets"])) == []


def _events(spec: dict[str, Any]) -> dict[str, str]:
    found: dict[str, str] = spec["slos"][0]["sli"]["events"]
    return found


@pytest.mark.parametrize(
    "change",
    [
        lambda spec: spec.update(version="sloth/v1"),
        lambda spec: spec.update(slo=[]),
        lambda spec: spec["slos"][0].update(objective=0),
        lambda spec: spec["slos"][0].update(name=spec["slos"][1]["name"]),
        lambda spec: spec["slos"][0]["alerting"].update(pageAlert={}),
        lambda spec: spec["slos"][0]["sli"].update(raw={}),
        lambda spec: _events(spec).update(error_query="sum(sla_clocks_closed_total)"),
        lambda spec: _events(spec).update(error_query=_events(spec)["error_query"].replace("closed", "shut")),
        lambda spec: _events(spec).update(error_query=_events(spec)["error_query"].replace("first_", "last_")),
        lambda spec: _events(spec).update(error_query=_events(spec)["error_query"].replace("breached", "broken")),
        lambda spec: _events(spec).update(error_query=_events(spec)["error_query"].removeprefix("sum")),
    ],
)
def test_a_broken_example_is_found(change: Callable[[dict[str, Any]], object]) -> None:
    """Each would be refused, or be an SLO that is always met."""
    spec = read(EXAMPLE)
    change(spec)
    assert list(mistakes(spec))
