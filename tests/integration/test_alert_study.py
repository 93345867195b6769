"""The study of alerts, over a real Prometheus."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from supportpulse.alerting.rule_file import Place, prometheus_file
from supportpulse.edges.prometheus import Prometheus, program

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
pytestmark = pytest.mark.skipif(
    program("prometheus") is None or program("promtool") is None,
    reason="prometheus and promtool are not installed (Debian: prometheus)",
)
CONFIG = "global:\n  evaluation_interval: 1s\nrule_files: [rules.yml]\n"
RECORDED = ("breach:wilson", "breach:ratio", "budget:ratio", "breached:sum")


def test_a_quick_run_ends_with_all_figures() -> None:
    """The last line of `alert_study.py --quick` is one JSON object with every figure, and plain rules fire falsely."""
    done = subprocess.run(
        [sys.executable, str(BENCHMARKS / "alert_study.py"), "--quick"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    figures = json.loads(done.stdout.splitlines()[-1])
    assert set(figures) == {
        "worst_false_per_28d",
        "plain_false_per_28d",
        "rising_false_per_28d",
        "outage_minutes_4ph",
        "step_10_40_minutes_20ph",
    }
    assert figures["plain_false_per_28d"] > 10 * figures["worst_false_per_28d"]
    assert 0 < figures["outage_minutes_4ph"] < 180
    assert 0 < figures["step_10_40_minutes_20ph"] < 360


def test_written_out_expressions_give_what_is_recorded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Over the same samples, the generated rules of a running Prometheus record what the study works out."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    import alert_desks
    import alert_rules

    panes = 2 * alert_desks.HOUR
    desks = [alert_desks.desk(f"desk_{share}", 0.9, alert_desks.steady(4, share), 1) for share in (0.1, 0.6)]
    desks = [replace(desk, first=desk.first + desk.panes - panes) for desk in desks]
    monkeypatch.setattr(alert_desks, "START", int(time.time()) - 3 - panes * alert_desks.PANE)
    prometheus = Prometheus(CONFIG)
    (prometheus.folder / "rules.yml").write_text(prometheus_file(alert_rules.SHAPE, Place()), encoding="utf-8")
    history = prometheus.folder / "desks.om"
    history.write_text("".join(alert_desks.open_metrics(desks)), encoding="ascii")
    prometheus.backfill(history)
    names = [
        f'clock:sla_window_{name}{{window="{window}"}}' for name in RECORDED for window in ("1h", "6h", "1d", "3d")
    ]
    names += [f'clock:sla_baseline_breach:ratio{{window="{window}"}}' for window in alert_desks.BASELINES]
    with prometheus:
        deadline = time.monotonic() + 60
        while len(prometheus.query(names[-1])) < len(desks):
            assert time.monotonic() < deadline, prometheus.last_lines()
            time.sleep(0.2)
        for name in names:
            recorded, worked_out = (
                {series["metric"]["clock"]: float(series["value"][1]) for series in prometheus.query(asked)}
                for asked in (name, alert_rules.expanded(name))
            )
            assert recorded == pytest.approx(worked_out), name
            assert set(recorded) == {desk.clock for desk in desks}, name
