"""The shipped mapping and policy on the real log: the desk's own verdicts, and nothing known too early."""

from __future__ import annotations

import csv
import gzip
import os
from collections import defaultdict
from datetime import UTC, datetime
from pathlib import Path

import pytest

from supportpulse.edges.uci import LOG, verdicts
from supportpulse.envelope import to_ms
from supportpulse.errors import DataMissing
from supportpulse.policy import load_policy
from supportpulse.settings import SHIPPED_POLICY


@pytest.fixture(scope="module")
def uci() -> Path:
    """The real log, where it is."""
    folder = Path(os.environ.get("SUPPORTPULSE_DATASETS", "../shared/datasets"))
    if not (folder / LOG).exists():
        pytest.skip(f"{folder / LOG} is not there; set SUPPORTPULSE_DATASETS to the folder of data sets")
    return folder / LOG


def test_a_log_that_is_not_there_is_one_sentence(tmp_path: Path) -> None:
    """The error names the path."""
    with pytest.raises(DataMissing, match=r"none.csv.gz: No such file"):
        verdicts(tmp_path / "none.csv.gz")


def test_the_shipped_policy_gives_the_desks_own_verdicts(uci: Path) -> None:
    """Straight from the rows, without the engine: the first close against the rule of the priority held by then."""
    version = load_policy(SHIPPED_POLICY.with_name("servicenow-uci.toml")).versions[0]
    told = verdicts(uci)
    assert len(told) == 24_918
    assert sum(verdict.made_sla for verdict in told.values()) == 15_803
    histories: dict[str, list[tuple[int, int, str, str, int]]] = defaultdict(list)
    ms = {}

    def instant(text: str) -> int:
        if text not in ms:
            ms[text] = to_ms(datetime.strptime(text, "%d/%m/%Y %H:%M").replace(tzinfo=UTC))
        return ms[text]

    with gzip.open(uci, "rt", encoding="utf-8") as lines:
        for row in csv.DictReader(lines):
            step = (instant(row["sys_updated_at"]), int(row["sys_mod_count"]))
            state = (row["incident_state"], f"p{row['priority'][0]}", instant(row["opened_at"]))
            histories[row["number"]].append((*step, *state))
    agree = 0
    for number, history in histories.items():
        history.sort()
        first = next(place for place, step in enumerate(history) if step[2] == "Closed")
        target = version.rule_for({"priority": history[max(first - 1, 0)][3]}).targets["incident_sla"]  # type: ignore[union-attr]
        closed, opened = history[first][0], history[0][4]
        agree += (closed <= target.calendar.after(opened, target.target_ms)) == told[number].made_sla
    assert agree == 24_907
