"""How far a source has been delivered through this gateway: what its heartbeats may promise (law 3).

What is being worked on holds the watermark at the time it was received. What was refused holds the source altogether,
until the vendor has come with it again or will not come any more: then no heartbeat is sent, and the worker, who has
not heard of the source, holds its deadlines and says so.
"""

from __future__ import annotations

from itertools import count

import xxhash

MOST_REFUSED = 10_000
"""Refused deliveries remembered one by one, for each source; more hold it until the vendor has given up."""


class Flight:
    """The deliveries of one source; times in epoch seconds."""

    def __init__(self) -> None:
        self._numbers = count()
        self._flying: dict[int, float] = {}
        self._refused: dict[bytes, float] = {}
        self._held_until = 0.0

    def begin(self, received: float) -> int:
        """A delivery is received; its number, for `end`."""
        number = next(self._numbers)
        self._flying[number] = received
        return number

    def end(self, number: int) -> None:
        """It is answered."""
        del self._flying[number]

    def landed(self, body: bytes) -> None:
        """All that a delivery stands for is acknowledged: if it had been refused before, it holds nothing any more."""
        if self._refused:
            self._refused.pop(_digest(body), None)

    def refused(self, body: bytes | None, until: float) -> None:
        """A delivery was turned away, unread if `body` is None; the vendor tries again until then."""
        if body is None or len(self._refused) >= MOST_REFUSED:
            self._held_until = max(self._held_until, until)
        else:
            self._refused[_digest(body)] = until

    def watermark(self, now: float) -> float | None:
        """All that was received before it is in Kafka; None while something refused may still come."""
        if self._refused:
            self._refused = {digest: until for digest, until in self._refused.items() if until > now}
        if self._refused or self._held_until > now:
            return None
        return min(now, next(iter(self._flying.values()), now))


def _digest(body: bytes) -> bytes:
    return xxhash.xxh3_128_digest(body)
