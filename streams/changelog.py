"""Writes state to changelog partitions in batches, and notices who else does."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from aiokafka.errors import KafkaError

from streams.producer import Producer

RECORD_OVERHEAD_BYTES = 128
"""Above key and value: the header of a record batch (61) and of a record, rounded up."""


class ForeignRecord(NamedTuple):
    """Our record came to `got` where `expected` was free: somebody else wrote the offsets between (law 5)."""

    topic: str
    partition: int
    expected: int
    got: int


class Acknowledged(NamedTuple):
    """`next_offset` follows our last record (None if there was none); `foreign` lists what lies between ours."""

    next_offset: int | None
    foreign: tuple[ForeignRecord, ...]


@dataclass
class Write:
    """Records on their way to one changelog partition."""

    topic: str
    partition: int
    refused: list[bytes] = field(default_factory=list)
    """Keys whose record is larger than the producer accepts: not sent, so that they do not stop the others."""
    records: int = 0
    foreign: list[ForeignRecord] = field(default_factory=list)
    next_offset: int | None = None
    _futures: list[asyncio.Future[Any]] = field(default_factory=list)

    @property
    def done(self) -> bool:
        """Whether the broker has answered, well or not."""
        return all(future.done() for future in self._futures)

    def failure(self) -> BaseException | None:
        """Why a write that is done is not durable; None if it is."""
        return next((error for future in self._futures if (error := future.exception()) is not None), None)

    async def acknowledged(self) -> Acknowledged:
        """Wait for the broker. Raises KafkaError if one batch failed: none of the write then counts as durable."""
        if self._futures:
            await asyncio.wait(self._futures)  # does not cancel them: an acknowledgement must be seen even so
        if (error := self.failure()) is not None:
            raise error
        return Acknowledged(self.next_offset, tuple(self.foreign))


class Changelog:
    """Writer of changelog partitions; acknowledged offsets of one partition must be contiguous."""

    def __init__(self, producer: Producer) -> None:
        self._producer = producer
        self._next: dict[tuple[str, int], int] = {}

    def expect(self, topic: str, partition: int, next_offset: int) -> None:
        """State was restored up to `next_offset`: that is where our next record must come to lie."""
        self._next[topic, partition] = next_offset

    def forget(self, topic: str, partition: int) -> None:
        """The partition is no longer ours: the next write, if any, may start anywhere."""
        self._next.pop((topic, partition), None)

    async def send(self, topic: str, partition: int, items: Iterable[tuple[bytes, bytes | None]]) -> Write:
        """Queue records (None = tombstone) in order; returns when all are queued, `acknowledged` waits for the broker.

        Raises KafkaError if the producer does not take them.
        """
        kafka = await self._producer.ready()
        write = Write(topic, partition)
        batch = kafka.create_batch()
        try:
            for key, value in items:
                if len(key) + len(value or b"") + RECORD_OVERHEAD_BYTES > self._producer.max_record_bytes:
                    write.refused.append(key)
                elif batch.append(key=key, value=value, timestamp=None) is None:
                    await self._submit(kafka, write, batch)
                    batch = kafka.create_batch()
                    batch.append(key=key, value=value, timestamp=None)
            if batch.record_count():
                await self._submit(kafka, write, batch)
        except KafkaError:
            self.forget(topic, partition)
            raise
        return write

    async def _submit(self, kafka: Any, write: Write, batch: Any) -> None:
        batch.close()
        count = batch.record_count()
        future = await kafka.send_batch(batch, write.topic, partition=write.partition)
        write.records += count
        write._futures.append(future)
        # In the order of the log and even if nobody waits any more, so not in `acknowledged`.
        future.add_done_callback(lambda done: self._on_acknowledged(kafka, write, count, done))

    def _on_acknowledged(self, kafka: Any, write: Write, count: int, done: asyncio.Future[Any]) -> None:
        place = write.topic, write.partition
        if done.cancelled() or done.exception() is not None:
            self._producer.discard(kafka)
            self._next.pop(place, None)  # written or not, who knows: our own record must not pass for a foreign one
            return
        offset: int = done.result().offset
        expected = self._next.get(place)
        if offset < 0:
            self._next.pop(place, None)  # a repetition the broker knows, but no longer where it lies
            return
        if expected is not None and offset != expected:
            write.foreign.append(ForeignRecord(*place, expected, offset))
        self._next[place] = write.next_offset = offset + count
