"""Markers: a `DeadlineReached` into the same partition for every ticket whose deadline its source's watermark has
passed.

At most one is in flight per ticket, and a bounded number per partition. A marker that does not come back in time is
sent again: it carries no verdict, so a second one does no harm.
"""

from __future__ import annotations

from supportpulse.names import event_type
from supportpulse.partition import Partition
from supportpulse.record import iso, quoted

_TYPE = event_type("DeadlineReached")


class Deadlines:
    """The markers of one partition."""

    def __init__(self, partition: Partition, cap: int, retry_ms: int) -> None:
        self._partition, self._cap, self._retry = partition, cap, retry_ms
        self._in_flight: dict[bytes, int] = {}

    def __len__(self) -> int:
        return len(self._in_flight)

    def sweep(self, now: int) -> list[tuple[bytes, bytes]]:
        """The markers to append at `now` (ms), as (key, value)."""
        partition = self._partition
        self._return(now)
        room = self._cap - len(self._in_flight)
        if room <= 0:
            return []
        markers = []
        for key, at in partition.due(now, room):
            if key not in self._in_flight:
                self._in_flight[key] = now + self._retry
                markers.append((key, marker(key, at)))
        return markers

    def _return(self, now: int) -> None:
        """Rearm what came back, and what should have."""
        partition = self._partition
        for key, early in partition.marked:
            if key in self._in_flight:
                if early:  # the broker's clock is behind ours: nothing is decided before it has come that far
                    self._in_flight[key] = now + min(early, self._retry)
                else:
                    del self._in_flight[key]
                    partition.rearm(key)
        partition.marked.clear()
        for key in [key for key, until in self._in_flight.items() if until <= now]:
            del self._in_flight[key]
            partition.rearm(key)


def marker(key: bytes, at: int) -> bytes:
    """A `DeadlineReached` for the ticket of a record key: everything up to `at` (ms) has been delivered."""
    source, _, ticket_id = key.decode().partition("|")
    return (
        f'{{"specversion":"1.0","id":"deadline/{at}","source":{quoted(source)},"type":"{_TYPE}",'
        f'"subject":{quoted(ticket_id)},"time":"{iso(at)}","data":{{"at":"{iso(at)}"}}}}'
    ).encode()
