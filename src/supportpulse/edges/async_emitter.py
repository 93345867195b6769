"""The same emitter for asyncio: its loop is never blocked."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Mapping
from types import TracebackType
from typing import Any, Self

from supportpulse.edges.buffer import BUFFER_BYTES
from supportpulse.edges.emitter import Emitter
from supportpulse.edges.pulse import BEAT_SECONDS, Finish
from supportpulse.edges.ticket_events import TicketEvents
from supportpulse.errors import ConfigError
from supportpulse.events import TicketEvent

LOOK_SECONDS = 0.01
"""How often room is looked for while the buffer is full."""


class AsyncEmitter:
    """An `Emitter` whose `emit` is awaited: at once while there is room in the buffer, else until there is.

        async with AsyncEmitter("my-desk") as desk:
            await desk.ticket("4711").created(priority="urgent", by="customer")

    Everything else is as `Emitter` says. It connects when the block is entered, or by `open`. Events are taken in the
    order of the calls. A cancelled `emit` has not taken its event; a cancelled `open`, `flush` or `close` goes on
    behind the scenes to its end.
    """

    def __init__(
        self,
        source: str,
        bootstrap: str | None = None,
        *,
        topic: str | None = None,
        instance: str | None = None,
        finish: Finish | None = "released",
        security: Mapping[str, str] | None = None,
        wait_seconds: float = 30.0,
        beat_seconds: float = BEAT_SECONDS,
        buffer_bytes: int = BUFFER_BYTES,
    ) -> None:
        self.source, self.wait_seconds = source, wait_seconds
        self._finish: Finish | None = finish
        self._emitter: Emitter | None = None
        self._turn = asyncio.Lock()
        self._how: dict[str, Any] = {
            "bootstrap": bootstrap, "topic": topic, "instance": instance, "security": security,
            "wait_seconds": wait_seconds, "beat_seconds": beat_seconds, "buffer_bytes": buffer_bytes,
        }  # fmt: skip

    async def open(self) -> None:
        """Connect; raises what `Emitter` raises."""
        if self._emitter is not None:
            raise ConfigError(f"the emitter of {self.source} is open already")
        opening = asyncio.ensure_future(asyncio.to_thread(Emitter, self.source, **self._how))
        try:
            self._emitter = await asyncio.shield(opening)
        except asyncio.CancelledError:
            opening.add_done_callback(_abandon)
            raise

    def ticket(self, ticket_id: str) -> TicketEvents[Coroutine[Any, Any, None]]:
        """Short words for the events of a ticket, each to be awaited."""
        return TicketEvents(self.emit, self.source, ticket_id)

    async def emit(self, event: TicketEvent) -> None:
        """Send one event of the source; returns before it is acknowledged (see `flush`)."""
        emitter, clock = self._opened(), asyncio.get_running_loop().time
        deadline = clock() + self.wait_seconds
        async with self._turn:
            if emitter.offer(event):
                return
            with emitter.waiting():
                while not emitter.offer(event):
                    if clock() >= deadline:
                        raise emitter.full()
                    await asyncio.sleep(LOOK_SECONDS)

    async def flush(self) -> None:
        """Wait until everything emitted so far is acknowledged."""
        await asyncio.shield(asyncio.to_thread(self._opened().flush))

    async def close(self, *, finish: Finish | None) -> None:
        """Wait until all is acknowledged, and say `finish`; raises, saying nothing, if Kafka does not answer."""
        if self._emitter is not None:
            await asyncio.shield(asyncio.to_thread(self._emitter.close, finish=finish))

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close(finish=self._finish if kind is None else None)

    def _opened(self) -> Emitter:
        if self._emitter is None:
            raise ConfigError(f"the emitter of {self.source} is not open: use `async with`, or await its `open`")
        return self._emitter


def _abandon(opening: asyncio.Future[Emitter]) -> None:
    if not opening.cancelled() and opening.exception() is None:
        opening.get_loop().run_in_executor(None, lambda: opening.result().close(finish=None))
