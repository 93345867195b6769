"""How much is being worked on at once: what the gateway's memory is bounded by."""

from __future__ import annotations

MOST_DELIVERIES = 256
MOST_BYTES = 64 << 20


class Room:
    """Counts deliveries between their first byte and their answer, and the bytes of their bodies."""

    def __init__(self, deliveries: int = MOST_DELIVERIES, size: int = MOST_BYTES) -> None:
        self._most, self._most_bytes = deliveries, size
        self.deliveries = self.bytes = 0

    def enter(self) -> bool:
        """Whether one more fits; if so it must `leave`."""
        if self.deliveries >= self._most:
            return False
        self.deliveries += 1
        return True

    def hold(self, size: int) -> bool:
        """Whether so many more bytes fit; counted even if not, so that `leave` gives back what was held."""
        self.bytes += size
        return self.bytes <= self._most_bytes

    def leave(self, held: int) -> None:
        """One is answered; `held`: the sum of its `hold`s."""
        self.deliveries -= 1
        self.bytes -= held
