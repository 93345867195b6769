"""The boards on a real Prometheus that scraped a real demo."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from supportpulse.edges.prometheus import program

SCRIPT = Path(__file__).parents[2] / "grafana" / "live.py"


@pytest.mark.kafka
@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.skipif(
    program("prometheus") is None, reason="prometheus is neither in $PROMETHEUS nor on PATH (Debian: prometheus)"
)
def test_every_panel_has_data(kafka: str) -> None:
    """Each query of each board finds numbers, but for those whose event did not happen."""
    command = [sys.executable, str(SCRIPT), "panels", "--bootstrap", kafka, "--events", "30000", "--minutes", "3"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=1100, check=False)
    assert done.returncode == 0, done.stderr[-3000:] + done.stdout
    assert "EMPTY" not in done.stdout
    assert done.stdout.count(" series") > 100
