"""A histogram in plain integers."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence


class Spread:
    """A histogram: how many values lie in each bucket, and their sum."""

    __slots__ = ("counts", "edges", "total")

    def __init__(self, edges: Sequence[float]) -> None:
        self.edges = edges
        self.counts = [0] * (len(edges) + 1)
        self.total = 0.0

    def observe(self, value: float) -> None:
        """Count a value; one on an edge lies below it."""
        self.counts[bisect_left(self.edges, value)] += 1
        self.total += value

    def observe_ms(self, values: Iterable[int]) -> None:
        """Count values given in ms, of seconds; less than nothing as 0."""
        edges, counts = self.edges, self.counts
        for value in values:
            seconds = value / 1000 if value > 0 else 0.0
            counts[bisect_left(edges, seconds)] += 1
            self.total += seconds

    def buckets(self) -> list[tuple[str, float]]:
        """(upper edge, how many lie below) for every edge, the last +Inf."""
        return cumulated(self.edges, self.counts.copy())


def cumulated(edges: Sequence[float], counts: Sequence[int]) -> list[tuple[str, float]]:
    """Buckets as Prometheus wants them: (`le`, count of everything up to it); `counts` has one more for +Inf."""
    below, found = 0, []
    for edge, count in zip((*edges, float("inf")), counts, strict=True):
        below += count
        found.append((_le(edge), float(below)))
    return found


def _le(edge: float) -> str:
    return "+Inf" if edge == float("inf") else repr(float(edge))
