"""Dashboards keep to the rules, ask for what exists, and show what alerts link to."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from observability.board_rules import complaints
from observability.boards import BOARDS, GRAFANA, panels
from supportpulse.alerting.declared import alerts, shape_of
from supportpulse.alerting.tuning import TUNED
from supportpulse.edges.prometheus import program
from supportpulse.policy import load_policy
from supportpulse.settings import SHIPPED_POLICY

needs_promtool = pytest.mark.skipif(
    program("promtool") is None, reason="promtool is neither in $PROMTOOL nor on PATH (Debian: prometheus)"
)


def test_there_are_three_boards_under_their_names() -> None:
    """Alerts and links know them by these uids."""
    assert {name: board["uid"] for name, board in BOARDS.items()} == {
        name: f"supportpulse-{name}" for name in ("overview", "detail", "pipeline", "gateway")
    }


@pytest.mark.parametrize("name", BOARDS)
def test_a_board_keeps_to_the_rules(name: str) -> None:
    """No complaint of any rule: texts, places, data source, variables, rates, links, expressions, labels."""
    assert complaints(BOARDS[name]) == []


@needs_promtool
@pytest.mark.parametrize("name", BOARDS)
def test_prometheus_reads_every_expression(name: str, tmp_path: Path) -> None:
    """Its own parser and type check accept each query of a board."""
    board = BOARDS[name]
    variables = panels.everything(board) | panels.built_in()
    rules = [
        {"record": f"panel_{query.panel}_{query.ref}", "expr": panels.filled(query.expr, variables)}
        for query in panels.queries(name, board)
    ]
    file = tmp_path / "rules.yml"
    file.write_text(json.dumps({"groups": [{"name": name, "rules": rules}]}))  # JSON is YAML
    command = [str(program("promtool")), "check", "rules", str(file)]
    checked = subprocess.run(command, capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stderr
    assert f"{len(rules)} rules found" in checked.stdout


def test_every_alert_links_to_a_panel_that_is_there() -> None:
    """The board by its uid, the panel by its id."""
    there = {(board["uid"], panel["id"]) for board in BOARDS.values() for panel in board["panels"]}
    linked = {(alert.board, alert.panel) for alert in alerts(shape_of(load_policy(SHIPPED_POLICY)))}
    assert linked
    assert linked <= there


def test_the_lines_of_the_detail_board_are_those_of_the_alerts() -> None:
    """The board works them out for what is chosen, so it repeats the constants of the tuning."""
    exprs: dict[int, str] = {}
    for query in panels.queries("detail", BOARDS["detail"]):
        exprs[query.panel] = exprs.get(query.panel, "") + query.expr + "\n"
    outage = [f"clamp_min({TUNED.outage_budgets:g} * sum(", f", {TUNED.outage_share:g})"]
    burns = [f"clamp_max({burn.factor:g} * sum(" for burn in TUNED.burns] + [f", {TUNED.burn_ceiling:g})"]
    squared = TUNED.z**2
    bound = [f"+ {squared / 2:.4f} - {TUNED.z:g} * sqrt(", f"+ {squared / 4:.4f})", f"+ {squared:.4f})"]
    wanted = {
        10: outage + burns,
        11: burns + bound,
        12: [f"{rising.factor:g} * ((sum(" for rising in TUNED.rising] + bound,
        13: [f"{TUNED.at_risk_factor:g} * sum(", f"+ {TUNED.at_risk_deviations:g} * sqrt("],
        17: outage + bound,
    }
    missing = [(panel, part) for panel, parts in wanted.items() for part in parts if part not in exprs[panel]]
    assert not missing


@pytest.mark.parametrize("name", BOARDS)
def test_there_is_a_picture_of_a_board(name: str) -> None:
    """The README shows it; `make pictures` draws it anew. Small enough for a page with four of them."""
    picture = (GRAFANA / "pictures" / f"{name}.png").read_bytes()
    assert picture.startswith(b"\x89PNG")
    assert len(picture) < 400_000
