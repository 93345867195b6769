"""Law 1, read off the imports: a core that decides, edges that talk, streams that carry."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

TRANSPORT = {"faust", "mode", "aiokafka", "kafka"}
WEB = {"fastapi", "starlette", "uvicorn"}
SHAPELESS = {"utils", "util", "helpers", "helper", "manager", "base", "common", "misc"}


def modules(package: str) -> list[Path]:
    """Every source file of an installed package."""
    spec = find_spec(package)
    assert spec is not None
    assert spec.submodule_search_locations is not None
    return sorted(Path(next(iter(spec.submodule_search_locations))).rglob("*.py"))


def imported(path: Path) -> Iterator[tuple[str, str]]:
    """(module, name) of every import in a file, wherever it stands; name is empty for `import x`."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((alias.name, "") for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            yield from ((node.module or "", alias.name) for alias in node.names)


def core() -> list[Path]:
    """The modules of supportpulse that decide: all but edges, commands, the composition root and the front door."""
    root = modules("supportpulse")[0].parent
    places = [path.relative_to(root).parts for path in modules("supportpulse")]
    outside = {"edges", "commands", "cli.py", "__main__.py", "__init__.py"}
    return [root.joinpath(*parts) for parts in places if parts[0] not in outside]


@pytest.mark.parametrize("path", core(), ids=lambda path: path.stem)
def test_the_core_knows_no_transport(path: Path) -> None:
    """No module that decides imports Kafka, Faust, streams, edges or the process-wide metrics registry."""
    for module, name in imported(path):
        top = module.partition(".")[0]
        assert top not in {*TRANSPORT, "streams"}, module
        assert not f"{module}.{name}".startswith(("supportpulse.edges", "supportpulse.commands")), module
        assert (top, name) != ("prometheus_client", "REGISTRY")
        assert (top, name) != ("prometheus_client", ""), "import names of it: the module holds the global registry"


AWAITS_EACH_RECORD = "gateway"
"""The edge that waits for the acknowledgement of each record: with kafka-python's it costs ten times the CPU."""


def test_only_edges_use_the_blocking_client() -> None:
    """kafka-python is imported in edges alone; aiokafka in streams and the gateway's publisher; Faust in streams."""
    for path in modules("supportpulse"):
        found = {module.partition(".")[0] for module, _ in imported(path)}
        if "edges" not in path.parts:
            assert "kafka" not in found, path
        assert not found & {"faust", "mode"}, path
        assert "aiokafka" not in found or (path.parent.name, path.name) == (AWAITS_EACH_RECORD, "publisher.py"), path
    for path in modules("streams"):
        assert "kafka" not in {module.partition(".")[0] for module, _ in imported(path)}, path


def test_only_edges_serve_the_web() -> None:
    """FastAPI, Starlette and uvicorn are imported in edges alone."""
    for path in (*modules("supportpulse"), *modules("streams")):
        if "edges" not in path.parts:
            assert not {module.partition(".")[0] for module, _ in imported(path)} & WEB, path


def test_streams_do_not_judge() -> None:
    """What moves data takes neither clocks, folds, calendars nor rules from the core."""
    judging = {"supportpulse." + name for name in ("fold", "clock", "calendars", "rules", "history", "verdicts")}
    for path in modules("streams"):
        for module, name in imported(path):
            assert module not in judging, path
            assert f"{module}.{name}" not in judging, path


def test_every_module_is_one_noun() -> None:
    """No module is a drawer for leftovers."""
    for path in (*modules("supportpulse"), *modules("streams")):
        assert path.stem not in SHAPELESS, path


def test_modules_stay_short() -> None:
    """Beyond 300 lines lie only the modules known to: the fold's hot path, the list of events, a partition's intake."""
    every = (*modules("supportpulse"), *modules("streams"))
    long = {path.name for path in every if len(path.read_text("utf-8").splitlines()) > 300}
    assert long <= {"clocks.py", "events.py", "partition.py"}
