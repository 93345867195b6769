"""Heartbeats: what a source says about how far its events have been delivered (law 3)."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from datetime import UTC, datetime
from typing import Literal, Protocol

from supportpulse.errors import SupportpulseError
from supportpulse.events import Heartbeat, Mode, Pulse

BEAT_SECONDS = 5.0
Finish = Literal["released", "ended"]
"""What a source that ends says: `released` = wall clock from now on, `ended` = its deadlines are held for ever."""


def heartbeat(source: str, instance: str, *, watermark: datetime, mode: Mode, time: datetime) -> Heartbeat:
    """A heartbeat; its id names source, instance, mode and watermark, so the same log gives the same heartbeats."""
    return Heartbeat(
        specversion="1.0",
        type="supportpulse.Heartbeat.v1",
        id=f"{instance}:{mode}:{watermark.isoformat()}"[:200],
        source=source,
        time=time,
        data=Pulse(instance=instance, watermark=watermark, mode=mode),
    )


def default_instance() -> str:
    """This host's name: an instance that comes back after a crash must be known by the same name."""
    return socket.gethostname()[:100] or "local"


class SendsHeartbeats(Protocol):
    """What a live pulse needs of a producer."""

    def heartbeat(self, event: Heartbeat) -> object:
        """Send to every partition, behind all that was sent before."""


class LivePulse:
    """Says "all that happened until now has been delivered" every few seconds, for each source that was begun.

    Hold `lock` while sending an event: no watermark is then read between taking an event and sending it. A heartbeat
    that could not be sent stops the pulse for good, and `failure` says why: after a lost event the promise would be
    false. The worker then sees the source grow stale and holds its deadlines.
    """

    def __init__(
        self,
        producer: SendsHeartbeats,
        *,
        instance: str | None = None,
        every_seconds: float = BEAT_SECONDS,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.lock = threading.RLock()
        self.failure: SupportpulseError | None = None
        self._producer, self._every, self._clock = producer, every_seconds, clock
        self._instance = instance or default_instance()
        self._sources: set[str] = set()
        self._over = threading.Event()
        self._thread: threading.Thread | None = None

    def begin(self, source: str) -> None:
        """Beat at once, before the source's first event, and then every few seconds."""
        with self.lock:
            if source in self._sources:
                return
            self._beat(source, "live")
            self._sources.add(source)
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="supportpulse-pulse", daemon=True)
            self._thread.start()

    def drop(self, source: str) -> None:
        """Say `released` of a source and then nothing more: it speaks for itself."""
        with self.lock:
            if source in self._sources:
                self._sources.discard(source)
                self._beat(source, "released")

    def stop(self, finish: Finish | None) -> None:
        """End the thread; with `finish`, each source says so in a last heartbeat, which may raise."""
        self._over.set()
        if self._thread is not None:
            self._thread.join()
        with self.lock:
            if finish is not None:
                if self.failure is not None:
                    raise self.failure
                for source in sorted(self._sources):
                    self._beat(source, finish)
            self._sources.clear()

    def _run(self) -> None:
        while not self._over.wait(self._every):
            with self.lock:
                try:
                    for source in sorted(self._sources):
                        self._beat(source, "live")
                except SupportpulseError as error:
                    self.failure = error
                    return

    def _beat(self, source: str, mode: Mode) -> None:
        now = self._clock()
        self._producer.heartbeat(heartbeat(source, self._instance, watermark=now, mode=mode, time=now))


class LogPulse:
    """Says of each source of a file where its history begins, before its first event, and how it ends.

    Until the end its deadlines are thus held, as law 3 has it for a log: what came due in between may have been
    fulfilled further on in the file. `earliest` is the time of each source's first event.
    """

    failure: None = None

    def __init__(
        self,
        producer: SendsHeartbeats,
        earliest: Mapping[str, datetime],
        *,
        instance: str | None = None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.lock = nullcontext()
        self._producer, self._earliest, self._clock = producer, earliest, clock
        self._instance = instance or default_instance()
        self._sources: set[str] = set()

    def begin(self, source: str) -> None:
        """Say where the source's history begins."""
        if source not in self._sources:
            self._sources.add(source)
            self._beat(source, "log", self._earliest[source])

    def drop(self, source: str) -> None:
        """A source that speaks for itself was never begun."""

    def stop(self, finish: Finish | None) -> None:
        """Say `finish` of each source: all that happened until now was sent. None: nothing, deadlines stay held."""
        if finish is not None:
            for source in sorted(self._sources):
                self._beat(source, finish, self._clock())
        self._sources.clear()

    def _beat(self, source: str, mode: Mode, watermark: datetime) -> None:
        told = heartbeat(source, self._instance, watermark=watermark, mode=mode, time=self._clock())
        self._producer.heartbeat(told)
