"""The simulated desk's log as Kafka records: the same for every contender, made once per invocation."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import msgspec
from aiokafka.partitioner import murmur2

from streams.changelog import Changelog
from streams.producer import Producer
from supportpulse import envelope
from supportpulse.edges.feed import Feed, Sink
from supportpulse.edges.simulator import LiveDesk, Plan
from supportpulse.edges.topics import ensure_topics
from supportpulse.events import Heartbeat
from supportpulse.settings import Settings

HOUR = 3_600_000
FIVE_WEEKS = 35 * 24 * HOUR
DISORDER, DUPLICATES = 0.02, 0.01
PARTITIONS = 4


class Record(NamedTuple):
    """A record of the events topic, and whether it is a ticket event (the others are heartbeats)."""

    partition: int
    key: bytes
    value: bytes
    is_event: bool

    @classmethod
    def of(cls, key: bytes, value: bytes, is_event: bool = True) -> Record:
        """A record in the right partition of its key."""
        return cls((murmur2(key) & 0x7FFFFFFF) % PARTITIONS, key, value, is_event)


def generate(events: int, end_ms: int, seed: int = 1) -> list[Record]:
    """Five weeks of a desk, about `events` ticket events: some repeated, some late, heartbeats in their places."""
    records: list[Record] = []

    def send(key: bytes, value: bytes) -> None:
        records.append(Record.of(key, value))

    def beat(event: Heartbeat) -> None:
        key, value = envelope.key_of(event).encode(), envelope.encode(event)
        records.extend(Record(number, key, value, False) for number in range(PARTITIONS))

    end = end_ms - end_ms % HOUR
    plan = Plan(seed, end - FIVE_WEEKS, end, events, disorder=DISORDER, duplicates=DUPLICATES)
    Feed(LiveDesk(plan), Sink(send, beat, lambda: None)).history()
    return records


def save(records: Iterable[Record], path: Path) -> None:
    """Keep a log for other processes."""
    path.write_bytes(msgspec.msgpack.encode(list(records)))


def load(path: Path) -> list[Record]:
    """A log that `save` kept."""
    return msgspec.msgpack.decode(path.read_bytes(), type=list[Record])


def first(records: list[Record], events: int) -> list[Record]:
    """The shortest prefix with so many ticket events."""
    left = events
    for place, record in enumerate(records):
        left -= record.is_event
        if not left:
            return records[: place + 1]
    return records


def settings_for(bootstrap: str, name: str, folder: Path) -> Settings:
    """An installation of its own: application id and topic prefix are `name`."""
    overrides = {"bootstrap": bootstrap, "app_id": name, "topic_prefix": f"{name}.", "metrics_port": 0,
                 "partitions": PARTITIONS, "data_dir": folder}  # fmt: skip
    return Settings.from_env(overrides, {})


async def fill(settings: Settings, records: Iterable[Record], topic: str | None = None) -> None:
    """Create the topics of an installation and append records to its events topic, or to another one."""
    await asyncio.to_thread(
        ensure_topics,
        settings.bootstrap,
        partitions=settings.partitions,
        app_id=settings.app_id,
        topic_prefix=settings.topic_prefix,
    )
    by_partition: dict[int, list[tuple[bytes, bytes]]] = {}
    for record in records:
        by_partition.setdefault(record.partition, []).append((record.key, record.value))
    producer = Producer(settings.bootstrap)
    await producer.start()
    try:
        changelog = Changelog(producer)
        for number, items in by_partition.items():
            write = await changelog.send(topic or settings.events_topic, number, items)
            await write.acknowledged()
    finally:
        await producer.stop()


def ends(records: Iterable[Record]) -> dict[int, int]:
    """The end offset of each partition once it holds these records."""
    counts = dict.fromkeys(range(PARTITIONS), 0)
    for record in records:
        counts[record.partition] += 1
    return counts
