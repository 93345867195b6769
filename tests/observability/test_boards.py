"""Dashboards can be loaded, and each panel says what it shows."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

BOARDS = sorted((Path(__file__).parents[2] / "grafana" / "dashboards").glob("*.json"))


@pytest.fixture(params=BOARDS, ids=lambda path: path.stem)
def board(request: pytest.FixtureRequest) -> dict[str, Any]:
    """One dashboard."""
    loaded: dict[str, Any] = json.loads(request.param.read_text())
    return loaded


def test_there_is_an_overview() -> None:
    """Compose makes it the home dashboard."""
    assert "overview" in [path.stem for path in BOARDS]


def test_panels_have_their_own_place_and_say_what_they_show(board: dict[str, Any]) -> None:
    """Title, description and unit on every panel; no two overlap or share an id."""
    panels = board["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    taken: set[tuple[int, int]] = set()
    for panel in panels:
        assert panel["title"]
        assert panel["description"].endswith(".")
        assert panel["fieldConfig"]["defaults"]["unit"]
        at = panel["gridPos"]
        cells = {(at["x"] + dx, at["y"] + dy) for dx in range(at["w"]) for dy in range(at["h"])}
        assert at["x"] + at["w"] <= 24
        assert not cells & taken, panel["title"]
        taken |= cells


def test_queries_go_to_the_chosen_data_source_and_scale_their_rates(board: dict[str, Any]) -> None:
    """One variable chooses the data source; no rate has a window of its own."""
    for panel in board["panels"]:
        for target in panel["targets"]:
            assert target["datasource"]["uid"] == "${datasource}"
            assert re.findall(r"\[([^\]]+)\]", target["expr"]) in ([], ["$__rate_interval"])
            assert re.findall(r"\bsla_[a-z_]+", target["expr"])


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed (Debian: prometheus)")
def test_every_query_is_promql(board: dict[str, Any], tmp_path: Path) -> None:
    """Prometheus's own parser accepts each expression."""
    rules = [
        {"record": f"panel_{panel['id']}_{target['refId']}", "expr": target["expr"].replace("$__rate_interval", "5m")}
        for panel in board["panels"]
        for target in panel["targets"]
    ]
    file = tmp_path / "rules.yml"
    file.write_text(json.dumps({"groups": [{"name": "board", "rules": rules}]}))  # JSON is YAML
    checked = subprocess.run(["promtool", "check", "rules", str(file)], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stderr
    assert f"{len(rules)} rules found" in checked.stdout


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed (Debian: prometheus)")
def test_the_scrape_configuration_is_valid() -> None:
    """Prometheus would start with it."""
    file = BOARDS[0].parents[1] / "prometheus" / "prometheus.yml"
    checked = subprocess.run(["promtool", "check", "config", str(file)], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stderr + checked.stdout
