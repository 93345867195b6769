"""Markers: a `DeadlineReached` into the same partition for every ticket whose deadline its source's watermark has
passed.

At most one is in flight per ticket, and a bounded number per partition. One is sent again when it could not be
appended, or when the partition was read beyond it and it did not come back: behind a backlog it only has to wait. It
carries no verdict, so a second one does no harm.
"""

from __future__ import annotations

from collections.abc import Iterable

from supportpulse.marker import marker
from supportpulse.partition import Partition


class Flight:
    """Markers appended together: `records` as (key, value)."""

    __slots__ = ("_end", "_until", "records")

    def __init__(self, records: Iterable[tuple[bytes, bytes]] = (), until: int | None = None) -> None:
        self.records = list(records)
        self._end: int | None = None
        self._until = until

    def landed(self, end: int | None) -> None:
        """The markers lie below offset `end` of the partition; None: they could not be appended, or nobody knows."""
        self._end = -1 if end is None else end

    def is_over(self, now: int, read: int, retry_ms: int) -> bool:
        """Whether at `now` (ms), with the partition read up to offset `read`, what is still missing is given up."""
        if self._until is None and self._end is not None and self._end <= read:
            self._until = now + retry_ms
        return self._until is not None and self._until <= now


class Deadlines:
    """The markers of one partition."""

    def __init__(self, partition: Partition, cap: int, retry_ms: int) -> None:
        self._partition, self._cap, self._retry = partition, cap, retry_ms
        self._in_flight: dict[bytes, Flight] = {}

    def __len__(self) -> int:
        return len(self._in_flight)

    def sweep(self, now: int, read: int) -> Flight:
        """The markers to append at `now` (ms), with the partition read up to offset `read`; tell where they landed."""
        partition = self._partition
        self._return(now, read)
        flight = Flight()
        room = self._cap - len(self._in_flight)
        if room > 0:
            for key, at in partition.due(now, room):
                if key not in self._in_flight:
                    self._in_flight[key] = flight
                    flight.records.append((key, marker(key, at)))
        return flight

    def _return(self, now: int, read: int) -> None:
        """Rearm what came back, and what should have."""
        partition = self._partition
        for key, early in partition.marked:
            if key in self._in_flight:
                if early:  # the broker's clock is behind ours: nothing is decided before it has come that far
                    self._in_flight[key] = Flight(until=now + min(early, self._retry))
                else:
                    del self._in_flight[key]
                    partition.rearm(key)
        partition.marked.clear()
        retry = self._retry
        for key in [key for key, flight in self._in_flight.items() if flight.is_over(now, read, retry)]:
            del self._in_flight[key]
            partition.rearm(key)
