"""The deadlines of one source's tickets in one partition: a wheel of minutes, and a heap for the minute under the hand.

Entries are lazy: a ticket whose deadline moved leaves a stale entry behind, which is dropped when it comes up, or when
there are more than twice as many entries as tickets. The truth is in the ticket's header.
"""

from __future__ import annotations

from collections.abc import Callable
from heapq import heapify, heappop, heappush

from supportpulse.clock import NEVER

MINUTE = 60_000


class Wheel:
    """`due_of(key)` reads a ticket's next deadline (ms)."""

    def __init__(self, due_of: Callable[[bytes], int]) -> None:
        self._due_of = due_of
        self._minutes: dict[int, list[bytes]] = {}
        self._order: list[int] = []
        self._ready: list[tuple[int, bytes]] = []
        self._hand = -1
        self._entries = 0

    def __len__(self) -> int:
        return self._entries + len(self._ready)

    def arm(self, key: bytes, due: int) -> None:
        """Wake `key` when the watermark passes `due` (ms)."""
        if due >= NEVER:
            return
        minute = due // MINUTE
        if minute <= self._hand:
            heappush(self._ready, (due, key))
            return
        slot = self._minutes.get(minute)
        if slot is None:
            self._minutes[minute] = [key]
            heappush(self._order, minute)
        else:
            slot.append(key)
        self._entries += 1

    def pass_to(self, watermark: int, limit: int) -> list[bytes]:
        """Keys whose deadline lies before `watermark` (ms), at most `limit`, earliest first; they are disarmed."""
        hand = (watermark - 1) // MINUTE
        passed: list[bytes] = []
        self._pop(watermark, limit, passed)
        while len(passed) < limit and self._order and self._order[0] <= hand:
            self._turn()
            self._pop(watermark, limit, passed)
        return passed

    def _turn(self) -> None:
        """Move the hand to the next minute that has entries."""
        minute = heappop(self._order)
        keys = self._minutes.pop(minute)
        self._entries -= len(keys)
        for key in set(keys):
            due = self._due_of(key)
            if due // MINUTE == minute:
                self._ready.append((due, key))
        heapify(self._ready)
        self._hand = max(self._hand, minute)

    def _pop(self, watermark: int, limit: int, passed: list[bytes]) -> None:
        """Take what is due out of the minutes under the hand."""
        ready = self._ready
        while ready and ready[0][0] < watermark and len(passed) < limit:
            due, key = first = heappop(ready)
            while ready and ready[0] == first:
                heappop(ready)
            if self._due_of(key) == due:
                passed.append(key)

    def compact(self, tickets: int) -> None:
        """Drop stale entries once there are more than two a ticket."""
        if self._entries <= 2 * tickets + 1000:
            return
        kept: dict[int, list[bytes]] = {}
        for minute, keys in self._minutes.items():
            live = [key for key in set(keys) if self._due_of(key) // MINUTE == minute]
            if live:
                kept[minute] = live
        self._minutes = kept
        self._order = sorted(kept)
        self._entries = sum(map(len, kept.values()))
