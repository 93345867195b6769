"""The demo: a broker, topics, a worker, a simulated desk and a board, watched through the worker's /metrics alone."""

from __future__ import annotations

import contextlib
import socket
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from supportpulse.edges.board_server import DEFAULT_PORT, BoardServer
from supportpulse.edges.board_watch import Stage
from supportpulse.edges.broker import Broker, broker
from supportpulse.edges.simulation import Simulation
from supportpulse.edges.topics import ensure_topics, remove_topics
from supportpulse.edges.worker_process import WorkerProcess
from supportpulse.errors import BrokerUnavailable, ConfigError, SupportpulseError, WorkerFailed
from supportpulse.scrape import Scrape
from supportpulse.settings import Settings

FIRST_LIVE_SECONDS = 900.0
"""From the start of the history: a demo whose first live event has not come through by then has failed."""
STALLED_SECONDS = 120.0
"""Nor may it take so long to write or process nothing at all."""
LOOK_SECONDS = 1.0
HISTORY_LOOK_SECONDS = 3.0
"""A look costs this process and the worker a part of a second, which the history needs more."""
BROKER_GONE_SECONDS = 10.0
SILENT_SECONDS = 60.0
REMOVE_SECONDS = 5.0


@dataclass(frozen=True)
class Wish:
    """What the user asked for; `seconds` after the first live event it ends by itself, None = never."""

    bootstrap: str | None = None
    seconds: float | None = None
    seed: int = 1
    weeks: float = 5
    events: int = 150_000
    rate: float = 1
    port: int | None = None
    keep: bool = False


class Sight(Protocol):
    """Where the state of a demo is shown."""

    def say(self, sentence: str) -> None:
        """One sentence of progress."""

    def show(self, status: Status, scrape: Scrape) -> None:
        """The state after each look at /metrics."""


@dataclass
class Status:
    """How far a demo is. `written` and `read` are ticket events; `live_since` a monotonic time, None before."""

    address: str
    share_written: float = 0.0
    written: int = 0
    read: int = 0
    lag: int = 0
    history: int | None = None
    """Events of the history, known once all are written."""
    live_since: float | None = None
    outage: str = ""

    @property
    def live(self) -> int:
        """Live events that came through the pipe."""
        return max(self.read - self.history, 0) if self.history is not None else 0


def run(wish: Wish, sight: Sight) -> Status:
    """Run a demo to its end; Ctrl-C ends it, and everything it started, at any time.

    Raises `SupportpulseError` with the reason when the first live event did not come through within
    `FIRST_LIVE_SECONDS` or nothing moved for `STALLED_SECONDS`, or when worker, broker or desk failed.
    """
    with contextlib.ExitStack() as stack:
        kafka = stack.enter_context(broker(wish.bootstrap, say=sight.say))
        sight.say(f"broker: {kafka.why}")
        settings = _settings(wish, kafka)
        stack.enter_context(_topics(settings, kafka, keep=wish.keep))
        worker = stack.enter_context(WorkerProcess(settings, keep=wish.keep))
        if wish.keep:
            sight.say(f"worker's log and data: {worker.folder}")
        worker.wait_until_ready()
        sight.say(f"metrics: {worker.address}/metrics")
        stage = Stage([worker.address])
        page = BoardServer(stage, settings.metrics_host, free_port(settings.metrics_host, DEFAULT_PORT, None))
        sight.say(f"board: {stack.enter_context(page).address}")
        desk = stack.enter_context(
            Simulation(settings, seed=wish.seed, weeks=wish.weeks, events=wish.events, rate=wish.rate)
        )
        try:
            return _watch(wish, sight, stage, kafka, worker, desk)
        finally:
            sight.say("ending what was started")


def _settings(wish: Wish, kafka: Broker) -> Settings:
    """Names of its own on a broker that others use too."""
    names = {}
    if kafka.how == "given":
        name = f"demo-{uuid.uuid4().hex[:8]}"
        names = {"app_id": name, "topic_prefix": f"{name}."}
    base = Settings.from_env({"bootstrap": kafka.bootstrap, **names})
    port = free_port(base.metrics_host, base.metrics_port, wish.port)
    return base.model_copy(update={"metrics_port": port})


def free_port(host: str, usual: int, asked: int | None) -> int:
    """The port asked for, which must be free; else the usual one, or any if that is taken."""
    for port in (usual, 0) if asked is None else (asked,):
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
            return int(probe.getsockname()[1])
    raise ConfigError(f"--port: found {asked}, which is taken; valid: a free port, or leave it out to get one")


@contextlib.contextmanager
def _topics(settings: Settings, kafka: Broker, *, keep: bool) -> Iterator[None]:
    """The topics of a run; on a broker of others they are removed at its end."""
    created = ensure_topics(
        settings.bootstrap,
        partitions=settings.partitions,
        app_id=settings.app_id,
        topic_prefix=settings.topic_prefix,
        deadletter_retention_days=settings.deadletter_retention_days,
        security=settings.kafka_security(),
    )
    try:
        yield
    finally:
        if kafka.how == "given" and not keep:
            with contextlib.suppress(BrokerUnavailable):  # it went away first: nothing we can do, and said already
                remove_topics(
                    settings.bootstrap, created, security=settings.kafka_security(), timeout_seconds=REMOVE_SECONDS
                )


def _watch(wish: Wish, sight: Sight, stage: Stage, kafka: Broker, worker: WorkerProcess, desk: Simulation) -> Status:
    status = Status(f"{worker.address}/metrics")
    began = answered = moved_at = time.monotonic()
    moved = (0, 0)
    alive = _Alive(kafka)
    while True:
        worker.check()
        alive.check()
        if desk.failure is not None:
            raise SupportpulseError(f"the simulated desk stopped: {desk.failure}") from desk.failure
        try:
            scrape = Scrape(worker.metrics())
        except OSError as error:
            stage.answered({worker.address: str(error)})
            if time.monotonic() - answered > SILENT_SECONDS:
                raise WorkerFailed(
                    f"{status.address} has not answered for {SILENT_SECONDS:g} s ({error}); the last lines of the "
                    f"worker's log:\n{worker.last_lines()}"
                ) from error
        else:
            answered = time.monotonic()
            stage.answered({worker.address: scrape})
            # The history's count first: it is known before the first live event is sent
            status.history, status.written, status.share_written = desk.history, desk.written, desk.share_written
            status.read, status.lag = scrape.events, scrape.lag
            if desk.outage and not status.outage:
                status.outage = desk.outage
                sight.say(f"the history ends inside an outage of {desk.outage}")
            if status.live and status.live_since is None:
                status.live_since = answered
                sight.say(f"live: the first event came through {answered - began:.0f} s after the history began")
            sight.show(status, scrape)
        now = time.monotonic()
        if (status.written, status.read) != moved:
            moved, moved_at = (status.written, status.read), now
        if status.live_since is None:
            if now - began > FIRST_LIVE_SECONDS:
                raise WorkerFailed(_stuck(f"within {FIRST_LIVE_SECONDS:g} s", status, worker))
            if now - moved_at > STALLED_SECONDS:
                raise WorkerFailed(_stuck(f"and nothing moved for {STALLED_SECONDS:g} s", status, worker))
        elif wish.seconds is not None and now - status.live_since >= wish.seconds:
            return status
        time.sleep(HISTORY_LOOK_SECONDS if desk.history is None else LOOK_SECONDS)


def _stuck(when: str, status: Status, worker: WorkerProcess) -> str:
    where = f"{status.written} events were sent, the worker has processed {status.read}, lag {status.lag} records"
    return f"no live event came through {when}: {where}; the last lines of the worker's log:\n{worker.last_lines()}"


class _Alive:
    """Whether the broker still takes connections."""

    def __init__(self, kafka: Broker) -> None:
        self._kafka, self._last = kafka, time.monotonic()

    def check(self) -> None:
        """Raise `BrokerUnavailable` once it has not for a while."""
        host, _, port = self._kafka.bootstrap.split(",")[0].rpartition(":")
        try:
            socket.create_connection((host.strip("[]"), int(port)), timeout=2).close()
        except OSError as error:
            if time.monotonic() - self._last > BROKER_GONE_SECONDS:
                said = self._kafka.last_lines()
                raise BrokerUnavailable(
                    f"the broker at {self._kafka.bootstrap} is gone ({error})"
                    + (f"; the last lines of its log: {said}" if said else "")
                ) from error
        else:
            self._last = time.monotonic()
