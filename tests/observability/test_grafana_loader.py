"""The file of Grafana's alerts is what its loader takes, with nothing in it that is dropped in silence."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from observability.alert_files import GRAFANA, boards, data_sources, known, panels, read
from observability.grafana_loader import Loader, duration_ms
from supportpulse.alerting.declared import shape_of
from supportpulse.alerting.grafana_file import grafana_file
from supportpulse.alerting.rule_file import Place
from supportpulse.cli import main
from supportpulse.policy import load_policy
from supportpulse.settings import SHIPPED_POLICY


@pytest.fixture
def loader() -> Loader:
    """One that knows our boards, data sources and series."""
    return Loader({uid: panels(board) for uid, board in boards().items()}, data_sources(), known()[1])


@pytest.mark.parametrize("path", sorted(GRAFANA.parent.iterdir()), ids=lambda path: path.stem)
def test_every_file_is_loaded_as_it_is_meant(loader: Loader, path: Path) -> None:
    """Nothing is refused and nothing is ignored; contact points and policies have tests of their own besides."""
    assert path.suffix in (".yml", ".yaml", ".json")  # or Grafana loads none of them
    assert list(loader.mistakes(read(path))) == []


def test_each_alert_lasts_as_long_as_in_prometheus(loader: Loader) -> None:
    """No instance outlives its series: pending ones start anew, those to be held stay in the query."""
    rules = [rule for group in read(GRAFANA)["groups"] for rule in group["rules"]]
    assert {rule["missing_series_evals_to_resolve"] for rule in rules} == {1}
    assert {rule["noDataState"] for rule in rules} == {"OK"}


Rule = dict[str, Any]


def _evaluator(rule: Rule) -> dict[str, Any]:
    found: dict[str, Any] = rule["data"][1]["model"]["conditions"][0]["evaluator"]
    return found


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda rule: rule.update(pendingFor=rule.pop("for")), "'pendingFor' is not known"),
        (lambda rule: rule.update(keep_firing_for="10m"), "'keep_firing_for' is not known"),
        (lambda rule: rule.update(missingSeriesEvalsToResolve=1), "is not known"),
        (lambda rule: rule.update(uid="sla clock outage"), "uid: found"),
        (lambda rule: rule.update(uid="x" * 41), "uid: found"),
        (lambda rule: rule.update(uid="slaclockburnfast"), "used twice"),
        (lambda rule: rule.update(title=""), "no title"),
        (lambda rule: rule.update(title="Outage of $clock"), "taken for a variable"),
        (lambda rule: rule.update(condition="C"), "no refId"),
        (lambda rule: rule.update({"for": "2 minutes"}), "no duration"),
        (lambda rule: rule.update(keepFiringFor="10"), "no duration"),
        (lambda rule: rule.update(noDataState="Ok"), "noDataState"),
        (lambda rule: rule.update(execErrState="NoData"), "execErrState"),
        (lambda rule: rule.update(missing_series_evals_to_resolve=0), "1 or more"),
        (lambda rule: rule.pop("dashboardUid"), "without dashboardUid"),
        (lambda rule: rule.update(dashboardUid="supportpulse-details"), "no panel 10"),
        (lambda rule: rule.update(panelId=999), "no panel 999"),
        (lambda rule: rule["labels"].update(clock="$labels.clock"), "label clock"),
        (lambda rule: rule["labels"].update(share="{{ $values.A.Value }}"), "label share"),
        (lambda rule: rule["labels"].update(level=1), "label level"),
        (lambda rule: rule["labels"].update(grafana_folder="x"), "by Grafana itself"),
        (lambda rule: rule["annotations"].update(summary="${labels.clock}"), "taken for a variable"),
        (lambda rule: rule["annotations"].update(summary="{{ $labels.clok }}"), "label 'clok'"),
        (lambda rule: rule["annotations"].update(summary="{{ $value }}"), "neither a label"),
        (lambda rule: rule["annotations"].update(summary="{{ $values.C.Value }}"), "neither a label"),
        (lambda rule: rule["annotations"].update(summary="{{ $labels.clock | title }}"), "function 'title'"),
        (lambda rule: rule["annotations"].update(panel=10), "valid: text"),
        (lambda rule: rule["data"][0].update(refID="A"), "'refID' is not known"),
        (lambda rule: rule["data"][0].update(datasourceUid="prom"), "not provisioned"),
        (lambda rule: rule["data"][0].update(relativeTimeRange={"from": 0, "to": 0}), "relativeTimeRange"),
        (lambda rule: rule["data"][0]["model"].pop("expr"), "no expr"),
        (lambda rule: rule["data"][0]["model"].update(refId="X"), "another refId"),
        (lambda rule: rule["data"][0]["model"].update(instant=False, range=True), "reduce them first"),
        (lambda rule: rule["data"][1]["model"].update(expression="C"), "no other refId"),
        (lambda rule: rule["data"][1]["model"].update(type="treshold"), "type: found"),
        (lambda rule: rule["data"][1]["model"]["conditions"].append({}), "exactly one condition"),
        (lambda rule: _evaluator(rule).update(type="above"), "exactly one condition"),
        (lambda rule: _evaluator(rule).update(params=[]), "exactly one condition"),
    ],
)
def test_a_broken_rule_is_found(loader: Loader, change: Callable[[Rule], object], said: str) -> None:
    """Whatever one changes in a rule: what Grafana would refuse or not heed is named, with the rule."""
    document = read(GRAFANA)
    change(document["groups"][0]["rules"][0])
    found = [mistake for mistake in loader.mistakes(document) if mistake.startswith("rule ")]
    assert any(said in mistake for mistake in found), found


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda group: group.update(interval="15s"), "multiple of 10s"),
        (lambda group: group.update(interval="0s"), "multiple of 10s"),
        (lambda group: group.pop("folder"), "no folder"),
        (lambda group: group.update(name="$x"), "taken for a variable"),
        (lambda group: group.update(every="10s"), "'every' is not known"),
        (lambda group: group.update(name="sla_pipeline"), "two in this folder"),
    ],
)
def test_a_broken_group_is_found(loader: Loader, change: Callable[[Rule], object], said: str) -> None:
    """The group's own keys too."""
    document = read(GRAFANA)
    change(document["groups"][0])
    assert any(said in mistake for mistake in loader.mistakes(document))


def test_a_file_of_another_version_is_found(loader: Loader) -> None:
    """And keys beside the groups."""
    assert len(list(loader.mistakes({"apiVersion": 2, "group": []}))) == 2


def test_a_policy_without_scenarios_gives_a_file_as_good() -> None:
    """The alerts by scenario are left out with it; the runbook and the boards are the same."""
    shape = shape_of(load_policy(SHIPPED_POLICY.parent / "servicenow-uci.toml"))
    text = grafana_file(shape, Place())
    assert "SlaClockOutage" in text
    assert ("SlaScenarioOutage" in text) == ("scenario" in shape.labels)


def test_a_time_scale_is_refused_rather_than_ignored(capsys: pytest.CaptureFixture[str]) -> None:
    """Grafana's intervals are multiples of ten seconds."""
    assert main(["rules", "grafana", "--time-scale", "0.01"]) == 2
    assert "--time-scale" in capsys.readouterr().err


def test_durations_are_read_as_prometheus_does() -> None:
    """Units fall from years to milliseconds, each once; a bare number is none."""
    assert [duration_ms(text) for text in ("0", "1h30m", "500ms", "28d")] == [0, 5_400_000, 500, 2_419_200_000]
    for wrong in ("", "10", "30m1h", "1.5h"):
        with pytest.raises(ValueError, match="no duration"):
            duration_ms(wrong)
