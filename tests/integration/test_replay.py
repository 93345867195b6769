"""The past a replay writes, asked of a real Prometheus."""

from __future__ import annotations

import json
import math
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner
from prometheus_client import CollectorRegistry

from supportpulse import cli
from supportpulse.alerting.declared import recorded, shape_of
from supportpulse.collector import SnapshotCollector
from supportpulse.edges.prometheus import Prometheus, program
from supportpulse.envelope import to_ms
from supportpulse.evaluate import evaluate
from supportpulse.exposition import open_metrics
from supportpulse.outcome import BREACHED, MET
from supportpulse.policy import Policy, load_policy
from supportpulse.reader import read
from supportpulse.replay import Replay
from supportpulse.series import Series
from supportpulse.settings import SHIPPED_POLICY

pytestmark = pytest.mark.skipif(
    program("prometheus") is None or program("promtool") is None,
    reason="prometheus and promtool are not installed (Debian: prometheus)",
)
HOUR = 3_600_000


def series(found: list[dict], *, without: tuple[str, ...] = ("__name__",)) -> dict[frozenset, float]:  # type: ignore[type-arg]
    """Labels -> value of a vector."""
    return {
        frozenset((name, value) for name, value in one["metric"].items() if name not in without): float(one["value"][1])
        for one in found
    }


def scrape(log: Path, policy: Policy, now: int) -> bytes:
    """What a worker's /metrics would have said at an instant (ms), idle label sets included, as samples of then."""
    replay = Replay(policy, 5 * 60_000)
    lines = ((number, line, read(line)) for number, line in enumerate(log.read_bytes().splitlines()))
    *_, last = replay.run(lines, now)
    registry = CollectorRegistry()
    SnapshotCollector(registry, Series(replay.plans), policy, lambda: last, "1")
    text = open_metrics(registry.collect()).decode().splitlines()
    return "".join(f"{one}\n" if one[0] == "#" else f"{one} {now // 1000}\n" for one in text).encode()


@pytest.mark.timeout(300)
def test_a_real_prometheus_has_the_past_and_every_rule_agrees_with_what_was_recorded(tmp_path: Path) -> None:
    """Counts at a past instant are those of a batch run, and each rule's own expression gives the series written."""
    log, history = tmp_path / "desk.jsonl", tmp_path / "history.om"
    run = CliRunner().invoke
    simulated = ["simulate", "--weeks", "1.2", "--events", "6000", "--end", "2026-01-31T12:00:00Z", "-o", str(log)]
    assert run(cli.program, simulated).exit_code == 0
    done = run(
        cli.program,
        ["replay", str(log), "--to", "openmetrics", "-o", str(history), "--json", "--from", "2026-01-31T06:00:00Z"],
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    now = to_ms(datetime.fromisoformat(json.loads(done.stdout)["last"]))
    assert now == to_ms(datetime(2026, 1, 31, 12, tzinfo=UTC))
    policy = load_policy(SHIPPED_POLICY)
    evaluation = evaluate((read(line) for line in log.read_bytes().splitlines()), policy, now - 1)
    closed: dict[str, int] = {}
    for key, said in evaluation.said.items():
        plan = evaluation.tickets[key].fold.plan
        for one in said:
            if one.kind in (MET, BREACHED) and now - 6 * HOUR <= one.time < now:
                name = plan.clocks[one.clock].name
                closed[name] = closed.get(name, 0) + (-1 if one.because else 1)
    prometheus = Prometheus("global: {}")
    prometheus.backfill(history)
    scraped = tmp_path / "scraped.om"
    scraped.write_bytes(scrape(log, policy, now))
    prometheus.backfill(scraped)
    with prometheus:
        told = prometheus.query('clock:sla_window_closed:sum{window="6h"} > 0', now / 1000)
        assert {one["metric"]["clock"]: int(one["value"][1]) for one in told} == {c: n for c, n in closed.items() if n}
        compared = 0
        for rule in recorded(shape_of(policy)):
            written = series(prometheus.query(rule.name, now / 1000))
            meant = series(prometheus.query(rule.expr, now / 1000))
            sums = rule.name.endswith(":sum")
            there, due = ({labels for labels, n in one.items() if n or not sums} for one in (written, meant))
            assert there == due, rule.name
            for labels, value in meant.items():
                assert math.isclose(written.get(labels, 0.0), value, rel_tol=1e-4, abs_tol=1e-4), (rule.name, labels)
                compared += 1
        assert compared > 500
        assert prometheus.query('count(sla_clocks_open{job="supportpulse", instance="replay"})', now / 1000)
