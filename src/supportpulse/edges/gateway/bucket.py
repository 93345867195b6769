"""How many deliveries a second a source may send."""

from __future__ import annotations

import time
from collections.abc import Callable


class Bucket:
    """Tokens that come back at a rate, up to a number; each delivery takes one."""

    def __init__(self, per_second: float, burst: int, clock: Callable[[], float] = time.monotonic) -> None:
        self.per_second, self.burst, self._clock = per_second, burst, clock
        self._tokens, self._then = float(burst), clock()

    def take(self) -> float:
        """0 if there was one; else the seconds until there is."""
        now = self._clock()
        self._tokens = min(self.burst, self._tokens + (now - self._then) * self.per_second)
        self._then = now
        if self._tokens >= 1:
            self._tokens -= 1
            return 0.0
        return (1 - self._tokens) / self.per_second
