"""What every dashboard keeps to, as complaints: the cheap rules of Grafana's dashboard-linter, and ours.

A complaint names the panel and what is wrong with it; a board without any passes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

from observability.boards import panels
from observability.known_series import known_series
from observability.promql_labels import Mistake, labels_of

Board = dict[str, Any]
SOURCE = {"type": "prometheus", "uid": "${datasource}"}
COLUMNS = 24
_RANGE = re.compile(r"\[([^\]]+)\]")
_LEGEND = re.compile(r"\{\{\s*(\w+)\s*\}\}")


def complaints(board: Board) -> list[str]:
    """All complaints about a board."""
    return [complaint for rule in RULES for complaint in rule(board)]


def _head(board: Board) -> Iterator[str]:
    if not re.fullmatch(r"supportpulse-[a-z]+", board.get("uid", "")):
        yield "uid: not a fixed one of ours"
    if board.get("editable") is not False:
        yield "editable: the file is the truth, so a board in the browser must not be"
    if "supportpulse" not in board["tags"]:
        yield "tags: without supportpulse the other boards do not link here"


def _panel_texts(board: Board) -> Iterator[str]:
    for panel in board["panels"]:
        if not panel.get("title"):
            yield f"panel {panel['id']}: no title"
        if not panel.get("description", "").endswith("."):
            yield f"panel {panel['id']}: no description in sentences"
        if not panel["fieldConfig"]["defaults"].get("unit"):
            yield f"panel {panel['id']}: no unit"


def _places(board: Board) -> Iterator[str]:
    taken: dict[tuple[int, int], int] = {}
    ids = [panel["id"] for panel in board["panels"]]
    yield from (f"panel {one}: its id is taken twice" for one in sorted({one for one in ids if ids.count(one) > 1}))
    for panel in board["panels"]:
        at = panel["gridPos"]
        if at["x"] + at["w"] > COLUMNS:
            yield f"panel {panel['id']}: wider than the board"
        cells = {(at["x"] + x, at["y"] + y) for x in range(at["w"]) for y in range(at["h"])}
        if covered := sorted({taken[cell] for cell in cells & taken.keys()}):
            yield f"panel {panel['id']}: overlaps panel {covered[0]}"
        taken |= dict.fromkeys(cells, panel["id"])


def _sources(board: Board) -> Iterator[str]:
    listed = board["templating"]["list"]
    if [variable["name"] for variable in listed if variable["type"] == "datasource"] != ["datasource"]:
        yield "variables: not exactly one data source, called datasource"
    users: list[tuple[str, dict[str, Any]]] = [
        (f"variable {variable['name']}", variable) for variable in listed if variable["type"] == "query"
    ]
    users += [(f"annotation {one['name']}", one) for one in board["annotations"]["list"]]
    for panel in board["panels"]:
        users.append((f"panel {panel['id']}", panel))
        users += [(f"panel {panel['id']} {target['refId']}", target) for target in panel["targets"]]
    yield from (f"{who}: not the chosen data source" for who, user in users if user.get("datasource") != SOURCE)


def _variables(board: Board) -> Iterator[str]:
    listed = {variable["name"]: variable for variable in board["templating"]["list"]}
    if missing := {"clock", "scenario"} - listed.keys():
        yield f"variables: {', '.join(sorted(missing))} not there, so links lose what was chosen"
    for name, variable in listed.items():
        if variable["type"] == "query" and (variable.get("refresh"), variable.get("allValue")) != (2, ".*"):
            yield f"variable {name}: must be asked again with the time range, and All must be a short pattern"
        used = any(f"${name}" in query.expr for query in panels.queries("", board))
        if variable["type"] == "query" and not used and variable.get("hide") != 2:
            yield f"variable {name}: shown, but no panel uses it"


def _targets(board: Board) -> Iterator[str]:
    for panel in board["panels"]:
        refs = [target["refId"] for target in panel["targets"]]
        if len(set(refs)) != len(refs):
            yield f"panel {panel['id']}: two queries with one refId"
        for target in panel["targets"]:
            who = f"panel {panel['id']} {target['refId']}"
            if target["instant"] == target["range"]:
                yield f"{who}: neither or both of instant and range"
            if panel["type"] == "table" and (target.get("format"), target["instant"]) != ("table", True):
                yield f"{who}: a table wants an instant query of format table"
            allowed = {"$__rate_interval"} | ({"$__range"} if target["instant"] else set())
            for window in set(_RANGE.findall(target["expr"])) - allowed:
                yield f"{who}: a rate over {window}; valid: {', '.join(sorted(allowed))}"


def _links(board: Board) -> Iterator[str]:
    if not any(link.get("type") == "dashboards" and link.get("tags") == ["supportpulse"] for link in board["links"]):
        yield "links: the other boards cannot be reached"
    for link in board["links"]:
        if not (link.get("keepTime") and link.get("includeVars")):
            yield f"link {link['title']}: loses time or variables"
    uids = {one["uid"] for one in panels.boards().values()}
    for panel in board["panels"]:
        for override in panel["fieldConfig"]["overrides"]:
            for link in (link for one in override["properties"] if one["id"] == "links" for link in one["value"]):
                path, _, query = link["url"].partition("?")
                if path.removeprefix("/d/") not in uids:
                    yield f"panel {panel['id']}: a link to {path}, which is no board"
                if "${__url_time_range}" not in query or "${datasource:queryparam}" not in query:
                    yield f"panel {panel['id']}: a link that loses time or data source"


def _annotations(board: Board) -> Iterator[str]:
    firing = [one for one in board["annotations"]["list"] if 'ALERTS{alertstate="firing"' in one.get("expr", "")]
    if not firing:
        yield "annotations: firing alerts are not shown"


def _expressions(board: Board) -> Iterator[str]:
    known = known_series()
    variables = panels.everything(board) | panels.built_in()
    asked = [(f"annotation {one['name']}", one["expr"], one["textFormat"]) for one in board["annotations"]["list"]]
    for panel in board["panels"]:
        for target in panel["targets"]:
            asked.append((f"panel {panel['id']} {target['refId']}", target["expr"], target.get("legendFormat", "")))
    for who, expr, legend in asked:
        try:
            labels = labels_of(panels.filled(expr, variables), known)
        except (LookupError, Mistake, ValueError) as error:
            yield f"{who}: {error}"
            continue
        for label in set(_LEGEND.findall(legend)) - labels:
            yield f"{who}: its legend names {label}; the result has {', '.join(sorted(labels)) or 'no labels'}"


RULES: tuple[Callable[[Board], Iterator[str]], ...] = (
    _head, _panel_texts, _places, _sources, _variables, _targets, _links, _annotations, _expressions,
)  # fmt: skip
