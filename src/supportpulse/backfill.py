"""Snapshots of the past as OpenMetrics text with time stamps, for `promtool tsdb create-blocks-from openmetrics`.

In the order of time, not by family: promtool reads it so, and no history has to be held. A label set is left out while
nothing counts in it, but for one 0 behind its last count: sums over it are the same, and most of a desk's label sets
are idle most of the time.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import accumulate
from typing import Final

from supportpulse import names
from supportpulse.alerting.declared import shape_of
from supportpulse.alerting.tuning import TUNED, Tuning
from supportpulse.exposition import label_text
from supportpulse.names import BASELINE_WINDOWS, DURATION_EDGES_SECONDS, DURATION_WINDOWS, Metric
from supportpulse.panes import DURATION_SLOTS, FIRST_DURATION, SLOTS, Cell
from supportpulse.recorded import Recording, Values
from supportpulse.series import Series
from supportpulse.snapshot import Counts, Snapshot
from supportpulse.spread import cumulated
from supportpulse.tally import AT_RISK, OPEN, OVERDUE
from supportpulse.ticket import Plans

INSTANCE: Final = {"instance": "replay", "job": "supportpulse"}
"""Labels of series that workers are scraped for: an instance of its own, so no worker's series is continued and all of
the past can be told apart, or deleted, by it. Recorded series have none, as those that rules record."""
END: Final = b"# EOF\n"
_NOW: Final = ((OPEN, Metric.CLOCKS_OPEN), (AT_RISK, Metric.CLOCKS_AT_RISK), (OVERDUE, Metric.CLOCKS_OVERDUE))
Rows = dict[int, list[int]]


class Block:
    """Series that come and go together, by place: `made` writes the names and labels of a place's."""

    def __init__(self, made: Callable[[int], list[str]]) -> None:
        self._made = made
        self._known: dict[int, list[str]] = {}
        self._shown: set[int] = set()

    def write(self, found: Mapping[int, Sequence[float]], end: str, out: list[str]) -> None:
        """A line for each number of each place; one 0 for each series of a place that is no longer there."""
        known = self._known
        for place, numbers in found.items():
            series = known.get(place)
            if series is None:
                series = known[place] = self._made(place)
            for text, number in zip(series, numbers, strict=True):
                out.append(f"{text}{number}{end}")
        for place in self._shown - found.keys():
            out += [f"{text}0{end}" for text in known[place]]
        self._shown = set(found)


class Backfill:
    """Text of one snapshot after the other: recorded series, and what boards read beside them.

    `detail`: also durations and the counts by rule, which most of the text would be.
    """

    def __init__(self, plans: Plans, *, detail: bool = False, tuning: Tuning = TUNED) -> None:
        self._policy, self._detail = plans.policy, detail
        self._series = Series(plans)
        self._over = tuple(dict.fromkeys(name for one in plans.policy.versions for name, _ in one.waiting))
        self._windows = {window: self._rows(Metric.WINDOW_CLOCKS, window) for window in names.WINDOWS_SECONDS}
        self._baselines = {window: self._rows(Metric.WINDOW_BASELINE_CLOCKS, window) for window in BASELINE_WINDOWS}
        self._durations = {window: self._groups(window) for window in DURATION_WINDOWS}
        self._clocks = Block(lambda row: [self._scraped(name, row) for _, name in _NOW])
        self._waiting = Block(lambda row: [self._scraped(Metric.CLOCKS_WAITING, row, over=over) for over in self._over])
        self._recordings = [Recording(level, self._series, tuning) for level in shape_of(plans.policy).levels]
        self._recorded: dict[tuple[str, str, str, Values], str] = {}
        self._shown: set[str] = set()
        self.samples = 0

    def head(self) -> bytes:
        """The types of all families but recorded ones, which have none."""
        families = [*(name for _, name in _NOW), Metric.CLOCKS_WAITING, Metric.OBJECTIVE, Metric.TARGET]
        lines = [f"# TYPE {name} gauge\n" for name in families]
        if self._detail:
            lines += [f"# TYPE {name} gauge\n" for name in (Metric.WINDOW_CLOCKS, Metric.WINDOW_BASELINE_CLOCKS)]
            lines.append(f"# TYPE {Metric.WINDOW_DURATION} gaugehistogram\n")
        return "".join(lines).encode()

    def text(self, snapshot: Snapshot) -> bytes:
        """The lines of one instant, the times in seconds."""
        end = f" {snapshot.taken_ms / 1000:.15g}\n"
        out: list[str] = []
        windows: dict[str, Rows] = {}
        baselines: dict[str, Rows] = {}
        for window, counts in snapshot.windows.items():
            windows[window], durations = counted(counts, self._series)
            if self._detail and window in self._durations:
                below = {group: list(accumulate(max(count, 0) for count in one)) for group, one in durations.items()}
                self._durations[window].write(below, end, out)
        for window, counts in snapshot.baselines.items():
            baselines[window] = counted(counts, self._series)[0]
        if self._detail:
            for blocks, found in ((self._windows, windows), (self._baselines, baselines)):
                for window, rows in found.items():
                    blocks[window].write(rows, end, out)
        self._clocks.write(self._running(snapshot.clocks), end, out)
        self._waiting.write(self._waited(snapshot.waiting), end, out)
        self._record(windows, baselines, self._goals(snapshot.taken_ms, end, out), end, out)
        self.samples += len(out)
        return "".join(out).encode()

    def _running(self, clocks: Counts) -> Rows:
        return _by_row(clocks, lambda place: (self._series.row(place), place & 31), len(_NOW))

    def _waited(self, waiting: Counts) -> Rows:
        """A threshold is known by its name, which may have another place in another version."""
        versions = self._policy.versions

        def at(place: Cell) -> tuple[int, int]:
            return self._series.row(place), self._over.index(versions[place >> 27].waiting[place & 31][0])

        return _by_row(waiting, at, len(self._over))

    def _goals(self, now: int, end: str, out: list[str]) -> dict[tuple[str, str], float]:
        """Writes targets and objectives; returns objectives by clock and rule."""
        objectives = {}
        for (clock, rule), goal in self._policy.goals(now).items():
            objectives[clock, rule] = goal.objective
            labels = {names.CLOCK: clock, names.RULE: rule, **INSTANCE}
            out.append(f"{_text(Metric.OBJECTIVE, labels)}{goal.objective}{end}")
            out.append(f"{_text(Metric.TARGET, labels)}{goal.target_ms / 1000:.15g}{end}")
        return objectives

    def _record(
        self,
        windows: Mapping[str, Rows],
        baselines: Mapping[str, Rows],
        objectives: Mapping[tuple[str, str], float],
        end: str,
        out: list[str],
    ) -> None:
        """Recorded series; a share of nothing is no series, so only sums get a last 0."""
        sums: set[str] = set()
        for recording in self._recordings:
            level = recording.level
            for name, window, values, value in recording.values(windows, baselines, objectives):
                place = level.name, name, window, values
                text = self._recorded.get(place)
                if text is None:
                    labels = dict(zip(level.labels, values, strict=True)) | ({names.WINDOW: window} if window else {})
                    text = self._recorded[place] = _text(f"{level.name}:{name}", labels)
                if name.endswith(":sum"):
                    sums.add(text)
                    out.append(f"{text}{value}{end}")
                else:
                    out.append(f"{text}{value:.7g}{end}")
        out += [f"{text}0{end}" for text in self._shown - sums]
        self._shown = sums

    def _rows(self, family: Metric, window: str) -> Block:
        return Block(lambda row: [self._scraped(family, row, window=window, outcome=slot) for slot in SLOTS])

    def _groups(self, window: str) -> Block:
        edges = [edge for edge, _ in cumulated(DURATION_EDGES_SECONDS, [0] * DURATION_SLOTS)]
        name = f"{Metric.WINDOW_DURATION}_bucket"

        def made(group: int) -> list[str]:
            labels = dict(zip(self._series.group_labels, self._series.groups[group], strict=True)) | INSTANCE
            return [_text(name, labels | {names.WINDOW: window, names.LE: edge}) for edge in edges]

        return Block(made)

    def _scraped(self, name: str, row: int, **more: str) -> str:
        labels = dict(zip(self._series.labels, self._series.rows[row], strict=True))
        return _text(name, labels | INSTANCE | more)


def counted(counts: Counts, series: Series) -> tuple[Rows, Rows]:
    """Outcomes by row and durations by group: of all partitions and policy versions together."""
    rows: Rows = {}
    durations: Rows = {}
    for part in counts:
        for place, count in part.items():
            slot, row = place & 31, series.row(place)
            if slot < FIRST_DURATION:
                at = rows.get(row)
                if at is None:
                    at = rows[row] = [0] * FIRST_DURATION
                at[slot] += count
            else:
                group = series.group_of[row]
                at = durations.get(group)
                if at is None:
                    at = durations[group] = [0] * DURATION_SLOTS
                at[slot - FIRST_DURATION] += count
    return rows, durations


def _by_row(counts: Counts, at: Callable[[Cell], tuple[int, int]], columns: int) -> Rows:
    found: Rows = {}
    for part in counts:
        for place, count in part.items():
            row, column = at(place)
            found.setdefault(row, [0] * columns)[column] += count
    return found


def _text(name: str, labels: Mapping[str, str]) -> str:
    return f"{name}{label_text(tuple(labels.items()))} "
