"""What is so now: gauges made at scrape from a snapshot of the owned partitions.

So a revoked partition's share is gone with the next snapshot, and a restart loses nothing. Counts, never ratios:
Prometheus sums the workers (law 7).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from time import perf_counter

from prometheus_client import CollectorRegistry
from prometheus_client.metrics_core import (
    GaugeHistogramMetricFamily,
    GaugeMetricFamily,
    InfoMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector
from prometheus_client.samples import Sample

from supportpulse import names
from supportpulse.names import DURATION_EDGES_SECONDS, DURATION_WINDOWS
from supportpulse.panes import DURATION_SLOTS, FIRST_DURATION, SLOTS
from supportpulse.rules import Policy
from supportpulse.series import Series
from supportpulse.snapshot import Counts, Snapshot, SourceStatus
from supportpulse.spread import cumulated
from supportpulse.tally import AT_RISK, OPEN, OVERDUE

_CLOCKS = (
    (OPEN, names.Metric.CLOCKS_OPEN, "Clocks running."),
    (AT_RISK, names.Metric.CLOCKS_AT_RISK, "Clocks running that used up their at-risk share, but not their target."),
    (OVERDUE, names.Metric.CLOCKS_OVERDUE, "Clocks running past their deadline."),
)
_DURATION_TEXT = "Running time of clocks fulfilled in a window that ends now."


class LabelSets:
    """The label sets of one window, made once: for each row of values one with each of `last` as its last label."""

    def __init__(self, rows: list[tuple[str, ...]], labels: Sequence[str], window: str, last: Sequence[str]) -> None:
        self._rows, self._names, self._window, self._last = rows, labels, window, last
        self._made: dict[int, list[dict[str, str]]] = {}

    def __call__(self, row: int) -> list[dict[str, str]]:
        """Those of a row, in the order of `last`; not to be changed."""
        found = self._made.get(row)
        if found is None:
            values = self._window, *self._rows[row]
            found = [dict(zip(self._names, (*values, last), strict=True)) for last in self._last]
            self._made[row] = found
        return found


class SnapshotCollector(Collector):
    """Families of the latest snapshot; `version` is that of the package."""

    def __init__(
        self,
        registry: CollectorRegistry,
        series: Series,
        policy: Policy,
        snapshot: Callable[[], Snapshot],
        version: str,
    ) -> None:
        self._series, self._policy, self._snapshot, self._version = series, policy, snapshot, version
        self._over = tuple(dict.fromkeys(name for one in policy.versions for name, _ in one.waiting))
        edges = [edge for edge, _ in cumulated(DURATION_EDGES_SECONDS, [0] * DURATION_SLOTS)]
        self._outcomes = {
            window: LabelSets(series.rows, (names.WINDOW, *series.labels, names.OUTCOME), window, SLOTS)
            for window in names.WINDOWS_SECONDS
        }
        self._edges = {
            window: LabelSets(series.groups, (names.WINDOW, *series.group_labels, names.LE), window, edges)
            for window in DURATION_WINDOWS
        }
        registry.register(self)

    def collect(self) -> Iterator[Metric]:
        """All families; every label set a policy can reach is there, with 0 if nothing counts in it."""
        begun = perf_counter()
        snapshot = self._snapshot()
        windows, durations = self._windows(
            names.Metric.WINDOW_CLOCKS, "Clocks by what became of them in a window of event time.", snapshot.windows
        )
        yield windows
        yield durations
        text = "The same hours of the four weeks before, together."
        yield self._windows(names.Metric.WINDOW_BASELINE_CLOCKS, text, snapshot.baselines)[0]
        yield from self._clocks(snapshot.clocks)
        yield self._waiting(snapshot.waiting)
        yield from self._goals(snapshot.taken_ms)
        yield from _sources(snapshot.sources)
        yield from _worker(snapshot)
        yield InfoMetricFamily(
            names.Metric.BUILD_INFO.removesuffix("_info"), "What runs here.",
            {"version": self._version, "policy": self._policy.versions[0].name, "digest": self._policy.digest},
        )  # fmt: skip
        yield GaugeMetricFamily(
            names.Metric.COLLECTOR_DURATION.value, "Time taken to make the families of this scrape.",
            value=perf_counter() - begun,
        )  # fmt: skip

    def _windows(
        self, family: names.Metric, text: str, windows: Mapping[str, Counts]
    ) -> tuple[GaugeMetricFamily, GaugeHistogramMetricFamily]:
        series = self._series
        counts = GaugeMetricFamily(family.value, text)
        durations = GaugeHistogramMetricFamily(names.Metric.WINDOW_DURATION.value, _DURATION_TEXT)
        expected = names.WINDOWS_SECONDS if family == names.Metric.WINDOW_CLOCKS else names.BASELINE_WINDOWS
        for window in expected:
            totals = _grid(len(series.rows), FIRST_DURATION)
            spread = _grid(len(series.groups), DURATION_SLOTS)
            for part in windows.get(window, ()):
                for place, count in part.items():
                    slot = place & 31
                    row = series.row(place)
                    if slot < FIRST_DURATION:
                        _at(totals, row, FIRST_DURATION)[slot] += count
                    else:
                        _at(spread, series.group_of[row], DURATION_SLOTS)[slot - FIRST_DURATION] += count
            for row, row_counts in enumerate(totals):
                for labels, count in zip(self._outcomes[window](row), row_counts, strict=True):
                    counts.samples.append(Sample(counts.name, labels, count))
            if window in DURATION_WINDOWS:
                for group, buckets in enumerate(spread):
                    _buckets(durations, self._edges[window](group), buckets)
        return counts, durations

    def _clocks(self, clocks: Counts) -> Iterator[Metric]:
        series = self._series
        totals = _grid(len(series.rows), len(_CLOCKS))
        for part in clocks:
            for place, count in part.items():
                _at(totals, series.row(place), len(_CLOCKS))[place & 31] += count
        for slot, family, text in _CLOCKS:
            gauge = GaugeMetricFamily(family.value, text, labels=series.labels)
            for values, counts in zip(series.rows, totals, strict=False):
                gauge.add_metric(values, counts[slot])
            yield gauge

    def _waiting(self, waiting: Counts) -> Metric:
        """A threshold is known by its name, which may have another place in another version."""
        series = self._series
        watched = {clock for one in series.versions for clock in one.waiting_clocks}
        totals = {
            (row, over): 0 for row, values in enumerate(series.rows) if values[0] in watched for over in self._over
        }
        for part in waiting:
            for place, count in part.items():
                key = series.row(place), series.versions[place >> 27].waiting[place & 31][0]
                totals[key] = totals.get(key, 0) + count
        gauge = GaugeMetricFamily(
            names.Metric.CLOCKS_WAITING.value, "Clocks running for longer than this, whatever their target.",
            labels=(*series.labels, names.OVER),
        )  # fmt: skip
        for (row, over), count in totals.items():
            gauge.add_metric((*series.rows[row], over), count)
        return gauge

    def _goals(self, now: int) -> Iterator[Metric]:
        labels = (names.CLOCK, names.RULE)
        text = "Share of clocks that must meet their target."
        objective = GaugeMetricFamily(names.Metric.OBJECTIVE.value, text, labels=labels)
        text = "How long a clock may run, in the hours of its calendar."
        target = GaugeMetricFamily(names.Metric.TARGET.value, text, labels=labels)
        for values, goal in self._policy.goals(now).items():
            objective.add_metric(values, goal.objective)
            target.add_metric(values, goal.target_ms / 1000)
        yield objective
        yield target


def _grid(rows: int, columns: int) -> list[list[int]]:
    return [[0] * columns for _ in range(rows)]


def _at(grid: list[list[int]], row: int, columns: int) -> list[int]:
    """A row of a grid, which grows when a label set comes up that no rule should reach."""
    while row >= len(grid):
        grid.append([0] * columns)
    return grid[row]


def _buckets(family: GaugeHistogramMetricFamily, labels: Iterable[dict[str, str]], counts: list[int]) -> None:
    """A gauge histogram without its sum, which panes do not keep."""
    name = f"{family.name}_bucket"
    buckets = cumulated(DURATION_EDGES_SECONDS, [max(count, 0) for count in counts])
    for one, (_, below) in zip(labels, buckets, strict=True):
        family.samples.append(Sample(name, one, below))


def _sources(sources: Iterable[SourceStatus]) -> Iterator[Metric]:
    """The least watermark of a source's partitions, stale if one is; sources beyond the first 100 as one."""
    listed = sorted(sources, key=lambda status: status.source)
    named = sorted({status.source for status in listed})[: names.MOST_SOURCES]
    known = set(named)
    least: dict[tuple[str, str], tuple[int, bool]] = {}
    for status in listed:
        key = (status.source if status.source in known else "other", status.mode)
        before, stale = least.get(key, (status.watermark_ms, False))
        least[key] = min(before, status.watermark_ms), stale or status.stale
    labels = (names.SOURCE, names.MODE)
    watermark = GaugeMetricFamily(
        names.Metric.SOURCE_WATERMARK.value, "Everything that happened before has been delivered.", labels=labels
    )
    stale_gauge = GaugeMetricFamily(
        names.Metric.SOURCE_STALE.value, "1: not heard of lately, so its deadlines are held.", labels=labels
    )
    for key, (ms, stale) in least.items():
        watermark.add_metric(key, ms / 1000)
        stale_gauge.add_metric(key, int(stale))
    yield watermark
    yield stale_gauge


def _worker(snapshot: Snapshot) -> Iterator[Metric]:
    single: tuple[tuple[names.Metric, str, float], ...] = (
        (names.Metric.WORKER_PARTITIONS, "Partitions this worker owns.", len(snapshot.owned)),
        (names.Metric.TOPIC_PARTITIONS, "Partitions of the events topic.", snapshot.topic_partitions),
        (names.Metric.WORKER_RECOVERING, "1: state is being restored.", int(snapshot.recovering)),
        (names.Metric.DEADLINE_SWEEP, "When deadlines were last looked at.", snapshot.swept_ms / 1000),
        (names.Metric.PROBE, "When the last probe that came through was sent.", snapshot.probed_ms / 1000),
    )
    for family, text, value in single:
        yield GaugeMetricFamily(family.value, text, value=value)
    lag = GaugeMetricFamily(
        names.Metric.CONSUMER_LAG.value, "Records of a partition not processed yet.", labels=(names.PARTITION,)
    )
    for partition, records in sorted(snapshot.lag_records.items()):
        lag.add_metric((str(partition),), records)
    yield lag
