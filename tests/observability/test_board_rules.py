"""Each rule for boards finds what it is for: broken copies of a board draw the complaint they should."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from observability.board_rules import complaints
from observability.boards import BOARDS

Break = Callable[[dict[str, Any]], object]


def panel(board: dict[str, Any], number: int) -> dict[str, Any]:
    """A panel of a board by its id."""
    return next(one for one in board["panels"] if one["id"] == number)


def variables(board: dict[str, Any]) -> list[dict[str, Any]]:
    """The variables of a board."""
    listed: list[dict[str, Any]] = board["templating"]["list"]
    return listed


def asks(number: int, old: str, new: str) -> Break:
    """Replaces a part of the first expression of a panel, which must be there."""

    def change(board: dict[str, Any]) -> None:
        target = panel(board, number)["targets"][0]
        assert old in target["expr"]
        target["expr"] = target["expr"].replace(old, new, 1)

    return change


def sets(number: int, **values: object) -> Break:
    """Sets keys of a panel."""
    return lambda board: panel(board, number).update(values)


def targets(number: int, **values: object) -> Break:
    """Sets keys of the first query of a panel."""
    return lambda board: panel(board, number)["targets"][0].update(values)


BROKEN: dict[str, tuple[Break, str]] = {
    "uid": (lambda board: board.pop("uid"), "uid: not a fixed one"),
    "editable": (lambda board: board.update(editable=True), "editable:"),
    "untagged": (lambda board: board.update(tags=[]), "tags:"),
    "no title": (sets(10, title=""), "panel 10: no title"),
    "no description": (sets(10, description=""), "panel 10: no description"),
    "no unit": (lambda board: panel(board, 10)["fieldConfig"]["defaults"].pop("unit"), "panel 10: no unit"),
    "same id": (sets(11, id=10), "panel 10: its id is taken twice"),
    "overlap": (sets(11, gridPos={"x": 0, "y": 5, "w": 12, "h": 2}), "panel 11: overlaps panel 10"),
    "too wide": (sets(11, gridPos={"x": 13, "y": 4, "w": 12, "h": 10}), "panel 11: wider than the board"),
    "panel's source": (sets(10, datasource={"type": "prometheus", "uid": "a"}), "panel 10: not the chosen data source"),
    "query's source": (targets(10, datasource=None), "panel 10 A: not the chosen data source"),
    "two sources": (lambda board: variables(board).append(variables(board)[0]), "not exactly one"),
    "no variable": (lambda board: variables(board).pop(2), "scenario not there"),
    "stale variable": (lambda board: variables(board)[1].update(refresh=1), "variable clock: must be asked"),
    "idle variable": (
        lambda board: variables(board).append(variables(board)[1] | {"name": "region"}),
        "variable region: shown, but no panel uses it",
    ),
    "unknown variable": (asks(10, "$scenario", "$region"), "panel 10 A: variable region is not there"),
    "same refId": (targets(10, refId="B"), "panel 10: two queries with one refId"),
    "instant and range": (targets(10, instant=True), "panel 10 A: neither or both"),
    "table of series": (targets(7, format="time_series"), "panel 7 A: a table wants"),
    "fixed rate": (asks(6, "$__rate_interval", "5m"), "panel 6 A: a rate over 5m"),
    "range in a series": (asks(6, "$__rate_interval", "$__range"), "panel 6 A: a rate over $__range"),
    "no links": (lambda board: board.update(links=[]), "links: the other boards"),
    "forgetful link": (lambda board: board["links"][0].update(keepTime=False), "link Boards: loses time or variables"),
    "no annotations": (lambda board: board["annotations"].update(list=[]), "annotations:"),
    "no PromQL": (asks(10, "sum(", "sum(("), "panel 10 A: "),
    "unknown series": (asks(10, "breached:sum", "breach:sum"), "no series is called clock_scenario:sla_win"),
    "unknown label": (asks(10, "scenario=~", "scenarios=~"), "has no label scenarios"),
    "unknown grouping": (asks(14, "by (over)", "by (above)"), "panel 14 A: sum by above: the operand has"),
    "unknown match": (asks(10, " / (", " / on (region) ("), "panel 10 A: / on region"),
    "summed away": (targets(14, legendFormat="{{rule}}"), "panel 14 A: its legend names rule; the result has over"),
}  # fmt: skip


@pytest.mark.parametrize(("change", "complaint"), BROKEN.values(), ids=BROKEN.keys())
def test_a_broken_board_is_complained_of(change: Break, complaint: str) -> None:
    """One thing broken in a board without fault draws its complaint."""
    board = copy.deepcopy(BOARDS["detail"])
    change(board)
    assert any(complaint in found for found in complaints(board)), complaints(board)


@pytest.mark.parametrize(
    ("url", "complaint"),
    [
        ("/d/nowhere?${__url_time_range}&${datasource:queryparam}", "a link to /d/nowhere, which is no board"),
        ("/d/supportpulse-detail?var-clock=a", "a link that loses time or data source"),
    ],
)
def test_a_data_link_leads_to_a_board_and_keeps_its_time(url: str, complaint: str) -> None:
    """A link in a table's cell is checked like those above the board."""
    board = copy.deepcopy(BOARDS["overview"])
    overrides = panel(board, 8)["fieldConfig"]["overrides"]
    links = next(one for override in overrides for one in override["properties"] if one["id"] == "links")
    links["value"][0]["url"] = url
    assert any(complaint in found for found in complaints(board))
