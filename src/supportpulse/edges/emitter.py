"""Sending the events of one live source from a program."""

from __future__ import annotations

import atexit
import logging
import os
import threading
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from types import TracebackType
from typing import Any, Self

from supportpulse.edges.buffer import BUFFER_BYTES
from supportpulse.edges.producer import BufferFull, Producer
from supportpulse.edges.pulse import BEAT_SECONDS, Finish, LivePulse
from supportpulse.edges.ticket_events import TicketEvents
from supportpulse.errors import ConfigError, Rejected, SupportpulseError
from supportpulse.events import DeadlineReached, Heartbeat, TicketEvent
from supportpulse.names import Reason
from supportpulse.settings import Settings

DELIVERY_SECONDS = 7 * 86_400.0
"""How long Kafka may be away before an event in the buffer is given up: longer than a process is left like that."""

logger = logging.getLogger(__name__)


class Emitter:
    """The events of one live source, with its heartbeats; for use by several threads.

        with Emitter("my-desk") as desk:
            ticket = desk.ticket("4711")
            ticket.created(priority="urgent", by="customer")
            ticket.replied()
            ticket.status("solved")

    `bootstrap`, `topic` and `security` are those of the environment (see `Settings`) unless given.

    Emit an event as it happens: a heartbeat every `beat_seconds` says that all until then has been sent. Give each
    process that sends for the source its own, made after it forked, with a lasting `instance` (default: the host's
    name). While Kafka is away events stay in the buffer, in order; once that holds `buffer_bytes`, `emit` waits up to
    `wait_seconds` for room and then raises `BufferFull`: that event was not taken, all before it still are. No
    heartbeat is sent while an event waits.

    Leaving the `with` block waits until all is acknowledged and says `finish`: `released` (the worker's clock decides
    from now on), `ended` (deadlines are held for ever), or None (nothing: another start follows). Leaving it by an
    exception, or the exit of a process that did not close it, delivers all the same and says nothing. Raises what
    `Producer` raises.
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
        settings = Settings.from_env({"bootstrap": bootstrap})
        self.source, self.wait_seconds = source, wait_seconds
        self._finish, self._process, self._closed = finish, os.getpid(), False
        self._producer = Producer(
            settings.bootstrap,
            topic=topic or settings.events_topic,
            security=settings.kafka_security() if security is None else security,
            wait_seconds=wait_seconds,
            delivery_seconds=DELIVERY_SECONDS,
            buffer_bytes=buffer_bytes,
        )
        self._rounds = _Rounds(self._producer)
        self._pulse = LivePulse(self._rounds, instance=instance, every_seconds=beat_seconds)
        self._pulse.begin(source)
        atexit.register(self._at_exit)

    def ticket(self, ticket_id: str) -> TicketEvents[None]:
        """Short words for the events of a ticket."""
        return TicketEvents(self.emit, self.source, ticket_id)

    def emit(self, event: TicketEvent) -> None:
        """Send one event of the source; returns before it is acknowledged (see `flush`)."""
        if not self.offer(event):
            with self.waiting():
                self._producer.send(event)

    def offer(self, event: TicketEvent) -> bool:
        """Send one event if there is room for it now; False: it was not taken."""
        if event.source != self.source:
            raise ConfigError(f"event {event.id}: source: found {event.source!r}; valid: {self.source!r}")
        if isinstance(event, DeadlineReached):
            raise Rejected(Reason.UNKNOWN_TYPE, f"type: found {event.type!r}; valid: what a helpdesk says")
        if self._closed:
            raise ConfigError(f"event {event.id}: the emitter of {self.source} is closed: make another")
        if os.getpid() != self._process:
            raise ConfigError(
                f"event {event.id}: the emitter of {self.source} was made before this process forked, and nothing of "
                "Kafka's client lives on in a fork: make one in each process"
            )
        try:
            with self._pulse.lock:
                self._producer.send(event, wait_seconds=0)
        except BufferFull:
            return False
        return True

    def waiting(self) -> AbstractContextManager[None]:
        """While an event waits for room: nothing is promised until it is sent or given up."""
        return self._rounds.held()

    def full(self) -> BufferFull:
        """What `emit` raises after a vain wait."""
        return self._producer.full(self.wait_seconds)

    def flush(self) -> None:
        """Wait until everything emitted so far is acknowledged. Raises `BrokerUnavailable`; all is kept for another."""
        self._producer.flush()

    def close(self, *, finish: Finish | None) -> None:
        """Wait until all is acknowledged, and say `finish`; raises, saying nothing, if Kafka does not answer in time.

        What it has not acknowledged then may still arrive for as long as the process lives.
        """
        if self._closed:
            return
        self._closed = True
        atexit.unregister(self._at_exit)
        try:
            self._producer.flush()
            self._pulse.stop(finish)
            self._producer.flush()
        finally:
            self._pulse.stop(None)
            self._producer.close(flush=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close(finish=self._finish if kind is None else None)

    def _at_exit(self) -> None:
        if os.getpid() == self._process:
            try:
                self.close(finish=None)
            except SupportpulseError as error:
                logger.error("source %s: at the exit of the process: %s", self.source, error)


class _Rounds:
    """Live heartbeats, one round under way at most: while Kafka is away they do not pile up in the buffer."""

    def __init__(self, producer: Producer) -> None:
        self._producer = producer
        self._waiting, self._lock = 0, threading.Lock()
        self._last: list[Any] = []

    def heartbeat(self, event: Heartbeat) -> None:
        if event.data.mode != "live":
            self._producer.heartbeat(event)
        elif not self._waiting and all(future.is_done for future in self._last):
            with suppress(BufferFull):
                self._last = self._producer.heartbeat(event, wait_seconds=0)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Nothing is promised while an event waits for room."""
        with self._lock:
            self._waiting += 1
        try:
            yield
        finally:
            with self._lock:
                self._waiting -= 1
