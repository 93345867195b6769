"""Queries as panels send them, and what counts as data."""

from __future__ import annotations

import pytest

from observability.boards import BOARDS, panels


def test_variables_are_replaced_in_both_spellings() -> None:
    """`$x` and `${x}` alike, also with a format."""
    assert panels.filled("a{b=~\"$b\"}[${__range}] ${b:regex}", {"b": ".*", "__range": "60s"}) == 'a{b=~".*"}[60s] .*'


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
