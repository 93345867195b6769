"""The dashboards, for tests: `panels` is the module beside them."""

from __future__ import annotations

import sys
from pathlib import Path

GRAFANA = Path(__file__).parents[2] / "grafana"
sys.path.insert(0, str(GRAFANA))

import panels  # noqa: E402

BOARDS = panels.boards()
__all__ = ["BOARDS", "GRAFANA", "panels"]
