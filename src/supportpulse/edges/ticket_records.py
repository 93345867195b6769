"""The records of one ticket in the events topic, from the first to the end as it was when the reading began."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError
from kafka.partitioner.default import murmur2

from supportpulse.edges.topics import connect, quiet_client
from supportpulse.errors import BrokerUnavailable, DataMissing
from supportpulse.hearing import Arrival
from supportpulse.settings import Settings

FETCH_BYTES = 8 * 1024 * 1024
"""Of one partition at a time."""


def partition_of(key: bytes, partitions: int) -> int:
    """The right partition of a key."""
    return int((murmur2(key) & 0x7FFFFFFF) % partitions)


def ticket_records(
    settings: Settings,
    ticket: str,
    source: str | None = None,
    *,
    wait_seconds: float = 30.0,
    advance: Callable[[int, int], None] = lambda done, total: None,
) -> tuple[dict[str, list[Arrival]], int]:
    """Committed records by key, each in offset order, and the topic's partition count; other records are not decoded.

    With a source only the partition of its key is read, else all, for every source that has a ticket of that name.
    Joins no consumer group and commits nothing. `advance` is told (records passed, records in all). Raises
    `BrokerUnavailable` if no broker answers, or none goes on answering, within `wait_seconds`; `DataMissing` if there
    is no such topic.
    """
    security = settings.kafka_security()
    connect(settings.bootstrap, security=security, timeout_seconds=wait_seconds).close()
    topic = settings.events_topic
    try:
        consumer = KafkaConsumer(
            bootstrap_servers=settings.bootstrap.split(","),
            client_id="supportpulse-explain",
            group_id=None,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            isolation_level="read_committed",
            check_crcs=False,  # in pure Python six times as much work as all the rest, and the broker checked them
            max_partition_fetch_bytes=FETCH_BYTES,
            max_poll_records=10_000,
            bootstrap_timeout_ms=int(wait_seconds * 1000),
            **security,
        )
        with quiet_client(), closing(consumer):
            numbers = consumer.partitions_for_topic(topic)
            if not numbers:
                raise DataMissing(
                    f"topic {topic}: not there on Kafka at {settings.bootstrap}; start a worker, or name another "
                    "installation by SUPPORTPULSE_TOPIC_PREFIX"
                )
            wanted = f"{source}|{ticket}".encode() if source is not None else None
            chosen = sorted(numbers) if wanted is None else [partition_of(wanted, len(numbers))]
            found: dict[bytes, list[Arrival]] = {}
            parts = [TopicPartition(topic, number) for number in chosen]
            for record in _records(consumer, parts, settings.bootstrap, wait_seconds, advance):
                if record.key == wanted if wanted is not None else _names(record.key, ticket.encode()):
                    arrival = Arrival(record.key, record.value, record.offset, record.partition, record.timestamp)
                    found.setdefault(record.key, []).append(arrival)
    except KafkaError as error:
        raise BrokerUnavailable(f"Kafka at {settings.bootstrap} stopped answering about {topic}: {error}") from error
    return {key.decode(errors="replace"): arrivals for key, arrivals in found.items()}, len(numbers)


def _names(key: bytes | None, ticket: bytes) -> bool:
    return key is not None and key.endswith(ticket) and key.partition(b"|")[2] == ticket


def _records(
    consumer: Any, parts: list[Any], bootstrap: str, wait_seconds: float, advance: Callable[[int, int], None]
) -> Iterator[Any]:
    """Every record of the partitions up to their ends as they are now, each partition in offset order."""
    consumer.assign(parts)
    wait_ms = int(wait_seconds * 1000)
    begins, ends = consumer.beginning_offsets(parts, wait_ms), consumer.end_offsets(parts, wait_ms)
    consumer.seek_to_beginning(*parts)
    total = sum(ends[part] - begins[part] for part in parts)
    at = dict(begins)
    heard = time.monotonic()
    while behind := [part for part in parts if at[part] < ends[part]]:
        consumer.pause(*(part for part in parts if at[part] >= ends[part]))
        for part, records in consumer.poll(timeout_ms=500).items():
            yield from (record for record in records if record.offset < ends[part])
        before = sum(at.values())
        at |= {part: consumer.position(part, wait_ms) or at[part] for part in behind}
        if sum(at.values()) > before:
            heard = time.monotonic()
            advance(sum(min(at[part], ends[part]) - begins[part] for part in parts), total)
        elif time.monotonic() - heard > wait_seconds:
            where = ", ".join(f"partition {part.partition} at {at[part]} of {ends[part]}" for part in behind)
            raise BrokerUnavailable(f"Kafka at {bootstrap} did not go on for {wait_seconds:g} s: {where}")
