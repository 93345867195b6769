"""The panels of a dashboard and the queries they send, as Grafana would send them."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "dashboards"
_VARIABLE = re.compile(r"\$\{(\w+)(?::\w+)?\}|\$(\w+)")

EMPTY: Mapping[tuple[str, int, str], str] = {
    ("overview", 8, "A"): "no alert fires",
    ("overview", 15, "A"): "no alert fires",
    ("overview", 7, "A"): "no ticket was solved in this time",
    ("pipeline", 27, "B"): "no event was rejected",
    ("gateway", 6, "B"): "nothing was turned away",
    ("gateway", 45, "B"): "nothing was turned away",
    ("gateway", 46, "B"): "no delivery became a dead letter",
    ("gateway", 48, "B"): "there was no gateway a week ago",
}
"""Queries (board, panel, refId) that may find nothing, and what did not happen then."""


@dataclass(frozen=True)
class Query:
    """One query of a panel; `expr` as it stands in the board, with variables."""

    board: str
    panel: int
    title: str
    ref: str
    expr: str
    instant: bool

    @property
    def excuse(self) -> str:
        """Why it may find nothing; empty if it may not."""
        return EMPTY.get((self.board, self.panel, self.ref), "")


def boards() -> dict[str, dict[str, Any]]:
    """Every dashboard, by the name of its file."""
    return {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in sorted(FOLDER.glob("*.json"))}


def queries(name: str, board: Mapping[str, Any]) -> Iterator[Query]:
    """All queries of a board, in the order of its panels."""
    for panel in board["panels"]:
        for target in panel["targets"]:
            yield Query(name, panel["id"], panel["title"], target["refId"], target["expr"], target["instant"])


def built_in(seconds: int = 1800) -> dict[str, str]:
    """Grafana's own variables, for a time range of so many seconds and a scrape every 5 s."""
    return {"__rate_interval": "1m", "__interval": "15s", "__range": f"{seconds}s"}


def everything(board: Mapping[str, Any]) -> dict[str, str]:
    """The variables of a board with All chosen: a pattern that fits any value."""
    return {variable["name"]: ".*" for variable in board["templating"]["list"]}


def filled(expr: str, variables: Mapping[str, str]) -> str:
    """An expression with its variables replaced; raises `LookupError` that names one which is not there."""

    def value(match: re.Match[str]) -> str:
        name = match[1] or match[2]
        if name not in variables:
            raise LookupError(f"variable {name} is not there; valid: {', '.join(sorted(variables))}")
        return variables[name]

    return _VARIABLE.sub(value, expr)


def has_data(result: list[dict[str, Any]]) -> bool:
    """Whether an answer of Prometheus, vector or matrix, has a number in it."""
    texts = (text for series in result for _, text in series.get("values", [series.get("value")]))
    return any(not math.isnan(float(text)) for text in texts)
