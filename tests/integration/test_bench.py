"""The benchmark runs from end to end; what it measures is not asked of a test machine."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

BENCH = Path(__file__).parents[2] / "benchmarks" / "bench.py"


@pytest.mark.slow
@pytest.mark.kafka
@pytest.mark.timeout(600)
def test_a_quick_run_ends_with_all_figures() -> None:
    """The last line of `bench.py --quick` is one JSON object with every figure, each above zero."""
    address = os.environ.get("SUPPORTPULSE_TEST_BOOTSTRAP")
    given = ["--bootstrap", address] if address else []
    done = subprocess.run([sys.executable, str(BENCH), "--quick", *given], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    figures = json.loads(done.stdout.splitlines()[-1])
    assert set(figures) == {
        "events_per_s",
        "stock_events_per_s",
        "ratio",
        "restore_records_per_s",
        "bytes_per_open_ticket",
        "fold_us_per_event",
    }
    assert all(value > 0 for value in figures.values())
