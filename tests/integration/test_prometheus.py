"""The harness runs a real Prometheus, fills it with history and passes its complaints on."""

from __future__ import annotations

from pathlib import Path

import pytest

from supportpulse.edges.prometheus import Prometheus, PrometheusFailed, program

pytestmark = pytest.mark.skipif(
    program("prometheus") is None or program("promtool") is None,
    reason="prometheus and promtool are not installed (Debian: prometheus)",
)


def test_history_is_there_from_the_first_moment_and_nothing_stays_behind(tmp_path: Path) -> None:
    """Back-filled samples are answered at their own times; the folder goes with the block."""
    history = tmp_path / "history.om"
    history.write_text(
        "# TYPE seen gauge\n" + "".join(f"seen {n} {1_700_000_000 + 60 * n}\n" for n in range(9)) + "# EOF\n"
    )
    prometheus = Prometheus("global: {}")
    prometheus.backfill(history)
    with prometheus:
        assert prometheus.query("seen", 1_700_000_240)[0]["value"][1] == "4"
        (series,) = prometheus.query_range("seen", 1_700_000_060, 1_700_000_180, 60)
        assert [value for _, value in series["values"]] == ["1", "2", "3"]
        with pytest.raises(PrometheusFailed, match="parse error"):
            prometheus.query("seen{")
    assert not prometheus.folder.exists()


def test_a_configuration_it_refuses_is_told_with_its_words() -> None:
    """The end of its log is in the error."""
    with pytest.raises(PrometheusFailed, match="nonsense"), Prometheus("nonsense: 1"):
        pass
