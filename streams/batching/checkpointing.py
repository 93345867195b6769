"""Runs the owner's checkpoints: one at a time, bounded in time where the group waits for it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from time import monotonic

from aiokafka.errors import KafkaError
from faust.types import TP

from streams.batching.owner import Owner, Reason

logger = logging.getLogger(__name__)

CANCEL_SECONDS = 1.0
"""How long a cancelled checkpoint may take to put its dirty values back."""


class Checkpointing:
    """An INTERVAL checkpoint waits for the broker as long as it takes; any other gets `limit_seconds` at most."""

    def __init__(self, owner: Owner, limit_seconds: float, crash: Callable[[BaseException], Awaitable[None]]) -> None:
        self._owner, self._limit_seconds, self._crash = owner, limit_seconds, crash
        self._running: asyncio.Future[None] | None = None
        self.failures = 0
        """Checkpoints that ended without a commit."""

    async def run(self, partitions: frozenset[TP], reason: Reason) -> bool:
        """Checkpoint these partitions, after the one under way has ended; True if it succeeded.

        A KafkaError is logged, and whatever was not committed is so by a later checkpoint or processed again; any
        other error is a defect and ends the worker.
        """
        deadline = None if reason is Reason.INTERVAL else monotonic() + self._limit_seconds
        while self._running is not None:
            await self._finish(self._running, deadline)
        if not partitions:
            return False
        self._running = asyncio.ensure_future(self._owner.checkpoint(partitions, reason))
        return await self._finish(self._running, deadline)

    async def _finish(self, running: asyncio.Future[None], deadline: float | None) -> bool:
        # Our own cancellation does not reach the checkpoint: the last one, at the stop, waits for it.
        await asyncio.wait({running}, timeout=None if deadline is None else max(0.0, deadline - monotonic()))
        late = not running.done()
        if late:
            running.cancel()
            await asyncio.wait({running}, timeout=CANCEL_SECONDS)
        if self._running is not running:
            return False  # somebody else waited for it too, and has reported it
        self._running = None
        error = None if late or running.cancelled() else running.exception()
        if error is None and not late and not running.cancelled():
            return True
        self.failures += 1
        if error is not None and not isinstance(error, KafkaError):
            await self._crash(error)
        else:
            why = f"not done within {self._limit_seconds:g} s" if late else repr(error)
            logger.warning("Checkpoint without commit, its events are processed again: %s", why)
        return False
