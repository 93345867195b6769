"""Writes to an installation's events topic, and a worker that runs in the test's own event loop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from time import monotonic, time_ns
from typing import Any, Self

from aiokafka import AIOKafkaProducer
from aiokafka.partitioner import murmur2

from fresh import Fresh
from strategies import happened
from streams.app import build, serve
from streams.worker import Worker
from supportpulse import envelope
from supportpulse.edges.pulse import heartbeat
from supportpulse.edges.simulator import SOURCE, Delivery, LiveDesk, Plan, encode
from supportpulse.envelope import from_ms
from supportpulse.events import Event, Mode
from supportpulse.settings import Settings

MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000


def wall() -> int:
    """Now in ms."""
    return time_ns() // 1_000_000


async def until(condition: Callable[[], Any], what: str, seconds: float = 30.0) -> None:
    """Wait for a condition; AssertionError that names it after a deadline."""
    deadline = monotonic() + seconds
    while not condition():
        assert monotonic() < deadline, f"not within {seconds:g} s: {what}"
        await asyncio.sleep(0.02)


QUICK: dict[str, Any] = {
    "partitions": 3,
    "commit_interval_seconds": 0.3,
    "marker_retry_seconds": 1.0,
    "session_timeout_seconds": 6,
}
"""Settings that let a test see in a second what otherwise takes several."""


async def installed(kafka: str, fresh: Fresh, folder: Path, **overrides: Any) -> Settings:
    """Settings of a quick installation with its topics; its files lie in `folder`."""
    return await asyncio.to_thread(fresh.topics, kafka, **{**QUICK, "data_dir": folder, **overrides})


class Feed:
    """A producer of events, heartbeats and whatever else may land in the topic."""

    def __init__(self, settings: Settings, largest: int = 1_000_000) -> None:
        self.settings = settings
        self.records = 0
        self._largest = largest

    async def __aenter__(self) -> Self:
        self.kafka = AIOKafkaProducer(
            bootstrap_servers=self.settings.bootstrap, linger_ms=2, enable_idempotence=True, max_batch_size=256 * 1024,
            max_request_size=self._largest,
        )  # fmt: skip
        await self.kafka.start()
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.kafka.stop()

    def partition_of(self, key: bytes) -> int:
        """The right partition of a key."""
        return (murmur2(key) & 0x7FFFFFFF) % self.settings.partitions

    async def raw(
        self,
        value: bytes | None,
        key: bytes | None,
        partition: int | None = None,
        headers: Sequence[tuple[str, Any]] = (),
    ) -> tuple[int, int]:
        """One record as it is; where it came to lie."""
        return await (await self.queue(value, key, partition, headers))

    async def queue(
        self,
        value: bytes | None,
        key: bytes | None,
        partition: int | None = None,
        headers: Sequence[tuple[str, Any]] = (),
    ) -> asyncio.Future[tuple[int, int]]:
        """One record on its way; the future says where it came to lie."""
        if partition is None:
            partition = self.partition_of(key) if key else 0
        self.records += 1
        topic = self.settings.events_topic
        if key is None and value is None:  # which aiokafka sends in a batch only
            batch = self.kafka.create_batch()
            batch.append(key=None, value=None, timestamp=None, headers=[*headers])
            sent = await self.kafka.send_batch(batch, topic, partition=partition)
        else:
            sent = await self.kafka.send(topic, value=value, key=key, partition=partition, headers=[*headers])

        async def place() -> tuple[int, int]:
            done = await sent
            return done.partition, done.offset

        return asyncio.ensure_future(place())

    async def events(self, events: Iterable[Event]) -> list[tuple[int, int]]:
        """Send events in order; where they came to lie."""
        queued = [await self.queue(envelope.encode(event), envelope.key_of(event).encode()) for event in events]
        return [await one for one in queued]

    async def beat(self, source: str, mode: Mode, watermark: int, instance: str = "test") -> None:
        """A heartbeat to every partition, `watermark` in ms."""
        beat = heartbeat(source, instance, watermark=from_ms(watermark), mode=mode, time=from_ms(watermark))
        for partition in range(self.settings.partitions):
            await self.raw(envelope.encode(beat), source.encode(), partition)


def created(ticket: str, at: int, source: str = "desk", **data: Any) -> Any:
    """A ticket opened at an instant (ms)."""
    return happened("TicketCreated", at, f"{ticket}/created", ticket=ticket, source=source, **data)


def replied(ticket: str, at: int, source: str = "desk") -> Any:
    """A public reply of an agent at an instant (ms)."""
    return happened("MessagePosted", at, f"{ticket}/reply", by="agent", ticket=ticket, source=source, public=True)


def small_history(seed: int, events: int = 3000, days: float = 3.0, ago_ms: int = 5 * MINUTE) -> LiveDesk:
    """A simulated history of some days that ended a few minutes ago, with repeats and disorder."""
    end = wall() - ago_ms
    return LiveDesk(Plan(seed, end - int(days * DAY), end, events, True, 1.0, 0.02, 0.05))


async def send_all(feed: Feed, deliveries: Iterable[Delivery]) -> None:
    """Send deliveries in order and wait for the broker."""
    queued = []
    for delivery in deliveries:
        key, value = encode(delivery)
        queued.append(await feed.queue(value, key))
    await asyncio.gather(*queued)


async def tell(feed: Feed, desk: LiveDesk, *, every: int = 500, last: Mode = "ended") -> int:
    """Send a history with heartbeats in between; returns the last watermark.

    The heartbeats claim what is not quite true (deliveries may be two minutes late), so that some decisions are taken
    back.
    """
    await feed.beat(SOURCE, "log", desk.plan.start)
    deliveries = list(desk.take_until(desk.plan.end))
    for at in range(0, len(deliveries), every):
        some = deliveries[at : at + every]
        await send_all(feed, some)
        await feed.beat(SOURCE, "log", some[-1].at)
    await feed.beat(SOURCE, last, desk.plan.end)
    return desk.plan.end


@asynccontextmanager
async def running(settings: Settings, **build_options: Any) -> AsyncIterator[Worker]:
    """A worker in this loop, stopped at the end in good order; an error of its own is raised."""
    worker = build(settings, **build_options)
    task = asyncio.create_task(serve(worker))
    try:
        yield worker
        if task.done():
            await task
    finally:
        worker.stopping.set()
        await asyncio.wait_for(task, 30)
    if worker.fatal is not None:
        raise worker.fatal
