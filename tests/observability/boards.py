"""The dashboards, for tests: `panels` and `live` are the modules beside them."""

from __future__ import annotations

import sys
from pathlib import Path

GRAFANA = Path(__file__).parents[2] / "grafana"
sys.path.insert(0, str(GRAFANA))

import live  # noqa: E402
import panels  # noqa: E402

BOARDS = panels.boards()
__all__ = ["BOARDS", "GRAFANA", "live", "panels"]
