"""What a scrape sees: one instant of the partitions a worker owns, never changed once it is made.

It is made on the event loop and handed over by one assignment, so the thread that answers /metrics never reads live
state. Making it copies dicts, which is quick; adding partitions up is left to the scrape.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from supportpulse.names import BASELINE_WINDOWS, WINDOWS_SECONDS
from supportpulse.panes import Cell, Windows
from supportpulse.tally import Tally
from supportpulse.watermark import Sources

Counts = tuple[Mapping[Cell, int], ...]
"""Counts by cell, one mapping a partition, or a partition and source."""


@dataclass(frozen=True, slots=True)
class SourceStatus:
    """What is known of a source's time: its watermark (ms), and whether that is too old to decide by."""

    source: str
    mode: str
    watermark_ms: int
    stale: bool


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The owned partitions of a worker at `taken_ms`, a time of its own clock.

    `windows` and `baselines` by window name, cells as in `panes`; `clocks` by cell with the slots of `tally`; `waiting`
    by cell with the place of the threshold as slot. `swept_ms` and `probed_ms`: the last deadline sweep, and when the
    last probe that came through was sent; the worker's start until there is one.
    """

    taken_ms: int
    swept_ms: int
    probed_ms: int
    owned: tuple[int, ...] = ()
    topic_partitions: int = 0
    recovering: bool = False
    windows: Mapping[str, Counts] = field(default_factory=dict)
    baselines: Mapping[str, Counts] = field(default_factory=dict)
    clocks: Counts = ()
    waiting: Counts = ()
    sources: tuple[SourceStatus, ...] = ()
    lag_records: Mapping[int, int] = field(default_factory=dict)
    """Records not processed yet, by partition."""
    committed_ms: int = -1
    """When the last checkpoint succeeded, or a partition was taken over since; -1 = not told."""


def window_counts(partitions: Iterable[Windows]) -> tuple[dict[str, Counts], dict[str, Counts]]:
    """Copies of the windows and the baselines of partitions, moved to one now before: what a snapshot takes."""
    listed = list(partitions)
    windows: dict[str, Counts] = {
        name: tuple(one.windows[name].counts.copy() for one in listed) for name in WINDOWS_SECONDS
    }
    baselines: dict[str, Counts] = {
        name: tuple(one.baselines[name].counts.copy() for one in listed) for name in BASELINE_WINDOWS
    }
    return windows, baselines


def clock_counts(tallies: Iterable[tuple[Tally, int]]) -> tuple[Counts, Counts]:
    """Copies of tallies, and who waits at the time (ms) beside each: `clocks` and `waiting` of a snapshot."""
    listed = list(tallies)
    return tuple(tally.counts.copy() for tally, _ in listed), tuple(tally.waiting(at) for tally, at in listed)


def source_statuses(partitions: Iterable[Sources], now: int) -> tuple[SourceStatus, ...]:
    """The least watermark of each source over the partitions that heard of it, at `now` (ms)."""
    least: dict[str, SourceStatus] = {}
    for sources in partitions:
        for name in sources.sources:
            status = sources.status(name, now)
            known = least.get(name)
            stale = status.stale or (known is not None and known.stale)
            if known is None or status.watermark < known.watermark_ms:
                known = SourceStatus(name, status.mode, status.watermark, stale)
            least[name] = SourceStatus(known.source, known.mode, known.watermark_ms, stale)
    return tuple(least.values())


def summed(counts: Counts) -> dict[Cell, int]:
    """The counts of all partitions together."""
    total: dict[Cell, int] = {}
    for part in counts:
        for place, count in part.items():
            total[place] = total.get(place, 0) + count
    return total
