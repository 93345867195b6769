"""The study of alerts: its desks count as panes do, its replay fires as Prometheus does."""

from __future__ import annotations

import random
from pathlib import Path
from types import ModuleType

import pytest

from supportpulse.names import WINDOWS_SECONDS
from supportpulse.panes import Panes, Rolling, Windows

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
CLOSED, BREACHED = 1, 2


@pytest.fixture
def desks(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The simulated desks."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    import alert_desks

    return alert_desks


@pytest.fixture
def replay(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The replay of `for` and `keep_firing_for`."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    import alert_replay

    return alert_replay


def test_windows_and_baselines_are_those_of_a_worker(desks: ModuleType) -> None:
    """At every kind of instant, a desk's counts are what `panes.Windows` makes of the same closes."""
    desk = desks.desk("desk", 0.9, desks.seasonal(4, 0.3), 1)
    panes, windows = Panes(), Windows()
    began, totals = desks.START - desk.first * desks.PANE, {CLOSED: desk.closed, BREACHED: desk.breached}
    checked = {0, 1, 11, 12, 287, 288, 2000, desk.panes - 1}
    wanted = {name: desk.window(name) for name in WINDOWS_SECONDS}
    usual = {name: desk.baseline(name) for name in desks.BASELINES}
    for pane in range(len(desk.closed) - 1):
        at, number = (began + pane * desks.PANE + 7) * 1000, pane - desk.first
        changes = [(at, place, 1) for place, total in totals.items() for _ in range(total[pane + 1] - total[pane])]
        windows.add(panes.apply(pane, changes, at))
        if number in checked:
            windows.move(desks.moment(number) * 1000, panes)
            assert {name: counts[number] for name, counts in wanted.items()} == _counts(windows.windows), number
            found = _counts(windows.baselines)
            assert {name: counts[number] for name, counts in usual.items()} == {name: found[name] for name in usual}


def _counts(rollings: dict[str, Rolling]) -> dict[str, tuple[int, int]]:
    return {name: (one.counts.get(CLOSED, 0), one.counts.get(BREACHED, 0)) for name, one in rollings.items()}


def test_a_step_keeps_the_past_and_changes_what_follows(desks: ModuleType) -> None:
    """Up to the step the counts are those of the desk; afterwards all that closes breaches."""
    desk = desks.desk("desk", 0.9, desks.steady(20, 0.1), 1)
    at = desks.HISTORY + 1000
    stepped = desk.stepped("other", at, 1.0, 50, desks.steady(20, 0.1), random.Random(1))
    assert (stepped.closed[: at + 1], stepped.breached[: at + 1]) == (desk.closed[: at + 1], desk.breached[: at + 1])
    assert len(stepped.closed) == at + 51
    assert stepped.closed[-1] - stepped.closed[at] == stepped.breached[-1] - stepped.breached[at] > 20
    assert stepped.first % desks.HOUR == 0
    assert desks.HOUR <= at - stepped.first < 2 * desks.HOUR


def test_desks_breach_as_often_as_they_may(desks: ModuleType) -> None:
    """Traffic and share are the given ones within chance, with hours and without."""
    for habit in (desks.steady(20, 0.1), desks.seasonal(20, 0.1)):
        desk = desks.desk("desk", 0.9, habit, 1)
        hours = (len(desk.closed) - 1) / desks.HOUR
        assert desk.closed[-1] / hours == pytest.approx(20, rel=0.03)
        assert desk.breached[-1] / desk.closed[-1] == pytest.approx(0.1, rel=0.06)


@pytest.mark.parametrize(
    ("true", "hold", "keep", "expected"),
    [
        ([], 0, 0, []),
        ([3], 0, 0, [(900, 1200)]),
        ([3], 120, 600, []),
        ([3, 4], 120, 600, [(1020, 2100)]),
        ([3, 4, 5], 900, 0, []),
        ([3, 4, 5, 6], 900, 0, [(1800, 2100)]),
        ([3, 5, 6], 300, 0, [(1800, 2100)]),
        ([3, 6], 0, 600, [(900, 2700)]),
        ([3, 7], 0, 600, [(900, 1800), (2100, 3000)]),
        ([3, 4, 8], 300, 600, [(1200, 2100)]),
        ([3, 4, 7], 300, 600, [(1200, 3000)]),
    ],
)
def test_for_and_keep_firing_for(
    replay: ModuleType, true: list[int], hold: float, keep: float, expected: list[tuple[float, float]]
) -> None:
    """Pending until it held long enough, kept through gaps no longer than told, counted once."""
    assert replay.firings(true, 300, hold, keep) == expected


def test_the_earliest_rule_counts_unless_one_fired_before(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of several rules the first to fire detects; what fired at the step already detects nothing."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    import alert_cells

    found = alert_cells.Found(alert_cells.Cell(4, 0.9), 1)
    never, already = alert_cells.NEVER, alert_cells.ALREADY
    found.minutes["all"] = {"a": [10.0, never, 30.0, already], "b": [never, 20.0, 5.0, 1.0]}
    assert found.median("all", ["a", "b"]) == 10
    assert found.median("all", ["a"]) == 30
    found.minutes["all"] = {"a": [never, never, 3.0]}
    assert found.median("all", ["a"]) == never
