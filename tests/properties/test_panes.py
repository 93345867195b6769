"""Panes, windows and baselines against sums written out: replay, crashes and expiry included."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from hypothesis import given, settings
from hypothesis import strategies as st

from supportpulse.names import BASELINE_WINDOWS, WINDOWS_SECONDS
from supportpulse.outcome import AT_RISK, BREACHED, LATE, MET, STARTED, Emission
from supportpulse.panes import (
    FIRST_DURATION,
    FIVE_MINUTES,
    HOUR,
    KEPT,
    WIDTH,
    Cell,
    Delta,
    Panes,
    Windows,
    decode,
    deltas,
    encode,
    key_bytes,
    key_from,
    parts,
)

NOW = 1_743_120_000_000
DAY, WEEK = 24 * HOUR, 168 * HOUR
AGO = (
    0,
    1,
    FIVE_MINUTES,
    HOUR - 1,
    HOUR,
    2 * HOUR,
    6 * HOUR,
    DAY,
    2 * DAY,
    3 * DAY,
    WEEK,
    WEEK + DAY,
    28 * DAY,
    35 * DAY,
)
NEAR = (-FIVE_MINUTES, -1, 0, 1, FIVE_MINUTES)

change = st.builds(
    lambda ago, near, place, sign: (NOW - ago + near, place, sign),
    st.sampled_from(AGO), st.sampled_from(NEAR), st.integers(1, 3), st.sampled_from((1, 1, -1)),
)  # fmt: skip
record = st.tuples(st.lists(change, max_size=4), st.sampled_from((0, 0, 1, FIVE_MINUTES, HOUR, DAY, WEEK)))
"""What one record changes, and how far broker time moves on before it."""


def summed(changes: Iterable[Delta], grain: str, first: int, last: int) -> Counter[Cell]:
    """Counts of the panes first..last, from all changes."""
    counts: Counter[Cell] = Counter()
    for time, place, sign in changes:
        if first <= time // WIDTH[grain] <= last:
            counts[place] += sign
    return Counter({place: count for place, count in counts.items() if count})


def expected(changes: list[Delta], now: int) -> dict[str, Counter[Cell]]:
    """Every window and baseline at `now`, by its definition."""
    found: dict[str, Counter[Cell]] = {}
    for name, seconds in WINDOWS_SECONDS.items():
        grain = "5m" if seconds <= 86_400 else "1h"
        last = now // WIDTH[grain]
        found[name] = summed(changes, grain, last - seconds * 1000 // WIDTH[grain] + 1, last)
    for name in BASELINE_WINDOWS:
        hours, total = WINDOWS_SECONDS[name] // 3600, Counter[Cell]()
        for week in (1, 2, 3, 4):
            last = now // HOUR - week * 168
            for place, count in summed(changes, "1h", last - hours + 1, last).items():
                total[place] += count
        found["baseline " + name] = Counter({place: count for place, count in total.items() if count})
    return found


def standing(windows: Windows) -> dict[str, dict[Cell, int]]:
    """Every window and baseline as kept."""
    found = {name: dict(rolling.counts) for name, rolling in windows.windows.items()}
    return found | {"baseline " + name: dict(rolling.counts) for name, rolling in windows.baselines.items()}


@settings(max_examples=300, deadline=None)
@given(st.lists(record, max_size=12), st.booleans())
def test_windows_and_baselines_are_the_sums_of_their_panes(
    records: list[tuple[list[Delta], int]], expire: bool
) -> None:
    """However changes, moves and expiries follow each other, what is kept equals what is counted anew."""
    panes, windows, now, kept = Panes(), Windows(), NOW, []
    windows.move(now, panes)
    for offset, (changes, step) in enumerate(records):
        now += step
        windows.move(now, panes)
        windows.add(panes.apply(offset, changes, now))
        kept += changes
        windows.move(now, panes)
        if expire:
            panes.expire(now)
        assert standing(windows) == expected(kept, now)
    fresh = Windows()
    fresh.move(now, panes)
    assert standing(fresh) == standing(windows)


@settings(max_examples=200, deadline=None)
@given(st.lists(record, max_size=12), st.sampled_from((100, 300_000, 2)))
def test_a_scaled_run_is_the_unscaled_one_with_times_divided(records: list[tuple[list[Delta], int]], by: int) -> None:
    """The same panes by the same keys, dropped at the same records, and the same windows and baselines."""
    whole, scaled, now = Panes(), Panes(FIVE_MINUTES // by), NOW
    wide, narrow = Windows(), Windows()
    for offset, (changes, step) in enumerate(records):
        now += step
        wide.add(whole.apply(offset, changes, now))
        narrow.add(scaled.apply(offset, [(time // by, *rest) for time, *rest in changes], now // by))
        wide.move(now, whole)
        narrow.move(now // by, scaled)
        assert standing(wide) == standing(narrow)
        assert set(whole.expire(now)) == set(scaled.expire(now // by))
        assert {key: pane.counts for key, pane in whole.panes.items()} == {
            key: pane.counts for key, pane in scaled.panes.items()
        }


@settings(max_examples=200, deadline=None)
@given(st.lists(record, min_size=1, max_size=10), st.data())
def test_a_replay_after_a_crash_counts_nothing_twice(
    records: list[tuple[list[Delta], int]], data: st.DataObject
) -> None:
    """Each pane was flushed at some record of its own; replaying the log from the start ends in the same panes."""
    whole, flushed = Panes(), []
    for offset, (changes, _) in enumerate(records):
        whole.apply(offset, changes, NOW)
        flushed.append({key: encode(pane) for key, pane in whole.panes.items()})
    after = Panes()
    for key in whole.panes:
        at = data.draw(st.integers(-1, len(flushed) - 1))
        value = flushed[at].get(key) if at >= 0 else None
        if value is not None:
            after.panes[key_from(key_bytes(key))] = decode(value)
    for offset, (changes, _) in enumerate(records):
        after.apply(offset, changes, NOW)
    assert {key: pane.counts for key, pane in after.panes.items() if pane.counts} == {
        key: pane.counts for key, pane in whole.panes.items() if pane.counts
    }


def test_all_changes_of_a_record_to_one_pane_count() -> None:
    """A refold that moves two cycles within one pane changes it once, by the sum."""
    panes = Panes()
    panes.apply(7, [(NOW, 1, 1), (NOW + 1, 1, 1), (NOW, 2, 1), (NOW + 2, 2, -1)], NOW)
    assert panes.panes["5m", NOW // FIVE_MINUTES].counts == {1: 2}
    assert panes.apply(7, [(NOW, 1, 1)], NOW) == []
    assert panes.apply(6, [(NOW, 1, 1)], NOW) == []
    assert panes.panes["1h", NOW // HOUR].counts == {1: 2}
    assert len(panes.apply(8, [(NOW, 1, 1)], NOW)) == 2


def test_panes_expire_by_broker_time_only() -> None:
    """An event from the far future drops nothing; an instant before the end of its keeping a pane is there."""
    panes = Panes()
    panes.apply(0, [(NOW, 1, 1)], NOW)
    panes.apply(1, [(NOW + 100 * DAY, 1, 1)], NOW)
    five, hour = ("5m", NOW // FIVE_MINUTES), ("1h", NOW // HOUR)
    ends = {key: (key[1] + 1) * WIDTH[key[0]] + KEPT[key[0]] for key in (five, hour)}
    assert panes.expire(ends[five] - 1) == []
    assert panes.expire(ends[five]) == [five]
    assert panes.expire(ends[hour] - 1) == []
    assert panes.expire(ends[hour]) == [hour]
    assert panes.apply(2, [(NOW, 1, 1)], ends[hour]) == []
    assert set(panes.panes) == {("5m", (NOW + 100 * DAY) // FIVE_MINUTES), ("1h", (NOW + 100 * DAY) // HOUR)}
    assert panes.dirty == set(panes.panes)


def test_emissions_count_by_kind_label_and_duration() -> None:
    """One cell per kind, and a duration for what stopped later than it started; a retraction takes away."""
    labels = 10
    said = [
        Emission(STARTED, 3, 1, 100, -1, 25, 0, 0),
        Emission(AT_RISK, 3, 1, 200, 300, 25, 0, 0),
        Emission(BREACHED, 3, 1, 300, 300, 25, 0, 0, "late_event"),
        Emission(MET, 3, 1, 400, 500, 25, 60_000, 0),
        Emission(MET, 3, 2, 400, 500, 25, -1, 0),
        Emission(LATE, 3, 3, 700, 500, 25, 60_001, 0),
    ]
    found = [(time, parts(place), sign) for time, place, sign in deltas(said, 2, labels)]
    assert found == [
        (100, (2, 5, 3, STARTED), 1),
        (200, (2, 5, 3, AT_RISK), 1),
        (300, (2, 5, 3, BREACHED), -1),
        (400, (2, 5, 3, MET), 1),
        (400, (2, 5, 3, FIRST_DURATION), 1),
        (400, (2, 5, 3, MET), 1),
        (700, (2, 5, 3, FIRST_DURATION + 1), 1),
    ]
