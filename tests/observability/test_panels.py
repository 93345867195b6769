"""Queries as panels send them, and what counts as data."""

from __future__ import annotations

from typing import Any

import pytest

from observability.boards import BOARDS, live, panels


def test_variables_are_replaced_in_both_spellings() -> None:
    """`$x` and `${x}` alike, also with a format."""
    assert panels.filled('a{b=~"$b"}[${__range}] ${b:regex}', {"b": ".*", "__range": "60s"}) == 'a{b=~".*"}[60s] .*'


def test_an_unknown_variable_is_named() -> None:
    """Grafana would send it as it stands, and Prometheus would find nothing."""
    with pytest.raises(LookupError, match="variable region is not there; valid: clock"):
        panels.filled('a{region="$region"}', {"clock": ".*"})


@pytest.mark.parametrize(
    ("result", "data"),
    [
        ([], False),
        ([{"value": [1, "NaN"]}], False),
        ([{"values": [[1, "NaN"], [2, "0"]]}], True),
        ([{"value": [1, "NaN"]}, {"value": [1, "+Inf"]}], True),
    ],
)
def test_data_is_a_number(result: list[dict[str, object]], data: bool) -> None:
    """A panel of nothing but NaN is as empty as one without series."""
    assert panels.has_data(result) is data


def test_every_excuse_is_of_a_query_that_is_there() -> None:
    """A list of what may be empty does not outlive the panels."""
    asked = {(q.board, q.panel, q.ref) for name, board in BOARDS.items() for q in panels.queries(name, board)}
    assert panels.EMPTY.keys() <= asked


def test_an_excuse_belongs_to_one_query() -> None:
    """Other queries of the same panel must find something."""
    by_ref = {query.ref: query.excuse for query in panels.queries("pipeline", BOARDS["pipeline"]) if query.panel == 27}
    assert by_ref == {"A": "", "B": "no event was rejected"}


class Lacking:
    """Answers every query with a number, but for those that contain a text."""

    def __init__(self, text: str) -> None:
        self._text = text

    def query(self, expression: str, at: float) -> list[dict[str, Any]]:
        """A vector."""
        return [] if self._text in expression else [{"metric": {}, "value": [at, "1"]}]

    def query_range(self, expression: str, start: float, end: float, step: float) -> list[dict[str, Any]]:
        """A matrix."""
        return [] if self._text in expression else [{"metric": {}, "values": [[end, "1"]]}]


def test_a_panel_without_data_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    """What found nothing is handed back, and stands in the list."""
    missing = live.ask_all(Lacking("sla_probe_timestamp_seconds"), since=0)
    assert [(query.board, query.panel) for query in missing] == [("pipeline", 21)]
    assert "Age of the last probe" in next(line for line in capsys.readouterr().out.splitlines() if "EMPTY" in line)


def test_a_panel_whose_event_did_not_happen_may_be_empty(capsys: pytest.CaptureFixture[str]) -> None:
    """It is listed with its excuse, and nothing is missing."""
    assert live.ask_all(Lacking("by (reason) (increase(sla_events_rejected_total"), since=0) == []
    assert "empty: no event was rejected" in capsys.readouterr().out
