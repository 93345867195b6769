"""Room for what was sent and is not acknowledged: kafka-python has no bound of its own."""

from __future__ import annotations

import threading

BUFFER_BYTES = 32 * 1024 * 1024
OVERHEAD_BYTES = 400
"""What a small record costs beside its key and value: objects of Python, mostly."""


class Buffer:
    """So many bytes of records may be under way at once; safe between threads."""

    def __init__(self, limit_bytes: int = BUFFER_BYTES) -> None:
        self.limit_bytes, self.used_bytes, self.records = limit_bytes, 0, 0
        self._changed = threading.Condition()

    def take(self, size: int, wait_seconds: float) -> bool:
        """Take room for a record of `size` bytes, waiting for it; False if there is none in time.

        A record larger than the buffer goes in alone.
        """
        size += OVERHEAD_BYTES
        with self._changed:
            if not self._changed.wait_for(lambda: self._fits(size), wait_seconds):
                return False
            self.used_bytes += size
            self.records += 1
            return True

    def give(self, size: int) -> None:
        """Give the room of a record back: it was acknowledged, or failed."""
        with self._changed:
            self.used_bytes -= size + OVERHEAD_BYTES
            self.records -= 1
            self._changed.notify_all()

    def _fits(self, size: int) -> bool:
        return not self.records or self.used_bytes + size <= self.limit_bytes
