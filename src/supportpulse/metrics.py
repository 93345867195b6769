"""What this process did: counters and histograms, which start at 0 with it.

They are plain integers and become families at scrape: the hot loop pays one dict entry a count. Never restored from
state; what must survive a restart is in the windows (`collector.py`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from prometheus_client import CollectorRegistry
from prometheus_client.metrics_core import CounterMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector
from prometheus_client.samples import Exemplar

from supportpulse import names
from supportpulse.clock import Plan
from supportpulse.outcome import (
    BREACHED,
    CANCELLED,
    KIND_NAMES,
    LATE,
    MET,
    PARITY,
    PUBLISHED,
    SOLVED,
    STARTED,
    VERDICTS,
    Emission,
)
from supportpulse.panes import Cell, cell, parts
from supportpulse.parity import RESULTS
from supportpulse.series import Series
from supportpulse.spread import Spread

LIVE_MS = names.LIVE_SECONDS * 1000
CLOSED = (MET, BREACHED, CANCELLED)
FULFILLED = (MET, LATE)
LONGEST_EXEMPLAR = 100
"""OpenMetrics allows 128 characters for the labels of an exemplar."""

_DELAYS = {
    names.Metric.EVENT_DELAY: "From when an event happened to when it was processed.",
    names.Metric.DEADLINE_DELAY: "From a deadline to the decision that it was missed.",
    names.Metric.PROBE_DELAY: "From when a worker sent a probe to when it came back through the whole pipe.",
}
_PLAIN = {
    names.Metric.EVENTS_DUPLICATE: "Events delivered again.",
    names.Metric.EVENTS_OUT_OF_ORDER: "Events that sort before one already folded into their ticket.",
    names.Metric.STREAM_HOLES: "Offsets that were expected and had to be read again or are gone.",
    names.Metric.SEAL_MISMATCH: "Seals that restored state did not match.",
    names.Metric.WORKER_REBALANCES: "Changes of the partitions this worker owns.",
}


class Metrics(Collector):
    """The counters and histograms of one worker. The event loop alone writes; scrapes read copies."""

    def __init__(self, registry: CollectorRegistry, series: Series) -> None:
        self._series = series
        self._said: dict[Cell, int] = {}
        self._exemplars: dict[Cell, str] = {}
        self._consumed: dict[int, Spread] = {}
        self._consumed_groups = [Spread(names.CONSUMED_EDGES) for _ in series.groups]
        self._solved = [0] * 4
        self._parity = {row[0]: [0] * len(RESULTS) for row in series.rows}
        self._backfilled = dict.fromkeys((STARTED, *CLOSED), 0)
        self._retracted = dict.fromkeys(names.RETRACTIONS, 0)
        self._processed = dict.fromkeys(names.RECORD_TYPES, 0)
        self._rejected: dict[str, int] = {reason.value: 0 for reason in names.Reason}
        self._plain = dict.fromkeys(_PLAIN, 0)
        self._delays = {family: Spread(names.DELAY_EDGES_SECONDS) for family in _DELAYS}
        registry.register(self)

    # -- the hot loop -------------------------------------------------------------------------------------------------

    def count(self, plan: Plan, said: Iterable[Emission], broker_ms: int, now_ms: int, ticket: str = "") -> None:
        """What one source record made a ticket say: `broker_ms` its broker time, `now_ms` the worker's clock.

        A decision within 15 minutes of its time is live; any other is only counted as backfilled, so a replay of
        history leaves rates alone. `ticket` travels as exemplar.
        """
        version, labels = plan.version.index, plan.labels
        for one in said:
            kind = one.kind
            if one.because:
                if kind in PUBLISHED:
                    self._retracted[one.because] = self._retracted.get(one.because, 0) + 1
                continue
            live = broker_ms - one.time <= LIVE_MS
            if kind == STARTED or kind in VERDICTS:
                if not live:
                    self._backfilled[kind] += 1
                    continue
                place = cell(version, one.binding % labels, one.clock, kind)
                self._said[place] = self._said.get(place, 0) + 1
                if ticket:
                    self._exemplars[place] = ticket
                if kind == BREACHED:
                    self._delays[names.Metric.DEADLINE_DELAY].observe(max(now_ms - one.time, 0) / 1000)
            if kind == SOLVED and live:
                self._solved[one.inferred] += 1
            if kind == PARITY:  # history too: helpdesks tell of a breach long after it
                self._compared(plan.clocks[one.clock].name)[one.elapsed] += 1
            if kind in FULFILLED and live and one.elapsed >= 0:
                aim = plan.aim(one.binding, one.clock)
                if aim is not None:
                    place = cell(version, one.binding % labels, one.clock, 0)
                    spread = self._consumed.get(place) or self._consumed_at(place)
                    spread.observe(one.elapsed / aim.target)

    def processed(self, records: int, kind: str = "event") -> None:
        """Source records done with, by `names.RECORD_TYPES`; those rejected and repeated too."""
        self._processed[kind] += records

    def rejected(self, reason: str) -> None:
        """A record became a dead letter."""
        self._rejected[reason] += 1

    def duplicate(self, events: int = 1) -> None:
        """Events that were delivered before."""
        self._plain[names.Metric.EVENTS_DUPLICATE] += events

    def out_of_order(self, events: int = 1) -> None:
        """Events that sort before one already folded."""
        self._plain[names.Metric.EVENTS_OUT_OF_ORDER] += events

    def event_delays(self, delays_ms: Iterable[int]) -> None:
        """From happened to processed, of each event; less than nothing counts as 0: clocks differ."""
        self._delays[names.Metric.EVENT_DELAY].observe_ms(delays_ms)

    def probe_delay(self, ms: int) -> None:
        """From sent to back."""
        self._delays[names.Metric.PROBE_DELAY].observe(max(ms, 0) / 1000)

    def hole(self) -> None:
        """An offset that was expected did not come."""
        self._plain[names.Metric.STREAM_HOLES] += 1

    def seal_mismatch(self) -> None:
        """Restored state is not what its seal says."""
        self._plain[names.Metric.SEAL_MISMATCH] += 1

    def rebalance(self) -> None:
        """The owned partitions changed."""
        self._plain[names.Metric.WORKER_REBALANCES] += 1

    def _compared(self, clock: str) -> list[int]:
        return self._parity.setdefault(clock, [0] * len(RESULTS))

    def _consumed_at(self, place: Cell) -> Spread:
        group = self._series.group(place)
        while group >= len(self._consumed_groups):
            self._consumed_groups.append(Spread(names.CONSUMED_EDGES))
        spread = self._consumed[place] = self._consumed_groups[group]
        return spread

    # -- the scrape ---------------------------------------------------------------------------------------------------

    def collect(self) -> Iterator[Metric]:
        """All families, with a 0 for whatever did not happen yet."""
        yield from self._clocks()
        outcomes = {KIND_NAMES[kind]: count for kind, count in self._backfilled.items()}
        solved = CounterMetricFamily(
            names.Metric.TICKETS_SOLVED.value, "Tickets solved, by what was confirmed or given before.",
            labels=("confirmed", "solution"),
        )  # fmt: skip
        for known, count in enumerate(self._solved):
            solved.add_metric(("yes" if known & 1 else "no", "yes" if known & 2 else "no"), count)
        yield solved
        parity = CounterMetricFamily(
            names.Metric.VENDOR_PARITY.value, "Verdicts of helpdesks on clocks, by whether ours is the same.",
            labels=(names.CLOCK, names.RESULT),
        )  # fmt: skip
        for clock, results in self._parity.copy().items():
            for result, count in zip(RESULTS, results, strict=True):
                parity.add_metric((clock, result), count)
        yield parity
        yield _counter(names.Metric.OUTCOMES_BACKFILLED, "Decisions on history.", names.OUTCOME, outcomes)
        yield _counter(names.Metric.OUTCOMES_RETRACTED, "Outcomes taken back.", names.REASON, self._retracted)
        yield _counter(names.Metric.EVENTS_PROCESSED, "Records read from the log.", names.TYPE, self._processed)
        yield _counter(names.Metric.EVENTS_REJECTED, "Records that became dead letters.", names.REASON, self._rejected)
        for family, text in _PLAIN.items():
            yield CounterMetricFamily(family.value, text, value=self._plain[family])
        spreads = HistogramMetricFamily(
            names.Metric.CONSUMED.value, "Share of its target a clock had used when fulfilled.",
            labels=self._series.group_labels,
        )  # fmt: skip
        for values, spread in zip(self._series.groups.copy(), self._consumed_groups.copy(), strict=False):
            spreads.add_metric(values, spread.buckets(), spread.total)
        yield spreads
        for family, text in _DELAYS.items():
            spread = self._delays[family]
            yield HistogramMetricFamily(family.value, text, buckets=spread.buckets(), sum_value=spread.total)

    def _clocks(self) -> Iterator[Metric]:
        series, exemplars = self._series, self._exemplars.copy()
        counts: dict[int, dict[int, int]] = {kind: {} for kind in (STARTED, *CLOSED)}
        latest: dict[int, dict[int, str]] = {kind: {} for kind in (STARTED, *CLOSED)}
        for place, count in self._said.copy().items():
            kind, row = parts(place)[3], series.row(place)
            counts[kind][row] = counts[kind].get(row, 0) + count
            ticket = exemplars.get(place, "")
            if ticket and len(ticket) <= LONGEST_EXEMPLAR:
                latest[kind][row] = ticket
        text = "Clock cycles begun; a start taken back and said again, as when a rule change moves it, counts again."
        started = CounterMetricFamily(names.Metric.CLOCKS_STARTED.value, text, labels=series.labels)
        text = (
            "Clock cycles decided; a late stop adds nothing to its breach. A decision taken back and made again counts "
            f"again: {names.Metric.OUTCOMES_RETRACTED.value} says how many were taken back."
        )
        closed_labels = (*series.labels, names.OUTCOME)
        closed = CounterMetricFamily(names.Metric.CLOCKS_CLOSED.value, text, labels=closed_labels)
        for row, values in enumerate(series.rows.copy()):
            for kind, seen in counts.items():
                ticket = latest[kind].get(row, "")
                exemplar = Exemplar({names.TICKET_ID: ticket}, 1.0) if ticket else None
                family = started if kind == STARTED else closed
                labels = values if kind == STARTED else (*values, KIND_NAMES[kind])
                family.add_metric(labels, seen.get(row, 0), exemplar=exemplar)
        yield started
        yield closed


def _counter(family: names.Metric, text: str, label: str, counts: dict[str, int]) -> CounterMetricFamily:
    found = CounterMetricFamily(family.value, text, labels=(label,))
    for value, count in counts.copy().items():
        found.add_metric((value,), count)
    return found
