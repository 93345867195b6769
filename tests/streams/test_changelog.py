"""Changelog writes in order, with foreign records noticed."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka.errors import KafkaError, KafkaTimeoutError

from streams.changelog import Changelog, ForeignRecord


class FakeBatch:
    """Takes three records."""

    def __init__(self) -> None:
        self.records: list[Any] = []

    def append(self, *, key: Any, value: Any, timestamp: Any) -> Any:
        if len(self.records) == 3:
            return None
        self.records.append((key, value))
        return True

    def record_count(self) -> int:
        return len(self.records)

    def close(self) -> None:
        pass


class FakeProducer:
    """A log that can be written by others between two batches."""

    max_record_bytes = 1000

    def __init__(self) -> None:
        self.log: list[Any] = []
        self.discarded = 0
        self.error: KafkaError | None = None

    async def ready(self) -> FakeProducer:
        return self

    def create_batch(self) -> FakeBatch:
        return FakeBatch()

    async def send_batch(self, sent: FakeBatch, topic: str, *, partition: int) -> Any:
        done = asyncio.get_running_loop().create_future()
        if self.error is not None:
            done.set_exception(self.error)
        else:
            done.set_result(SimpleNamespace(offset=len(self.log)))
            self.log += sent.records
        return done

    def discard(self, failed: Any) -> None:
        self.discarded += 1


async def test_records_are_written_in_order_and_tombstones_too() -> None:
    """Batches follow each other; the write knows the offset behind its last record."""
    producer = FakeProducer()
    write = await Changelog(producer).send("log", 0, [(b"k%d" % n, None if n == 2 else b"v") for n in range(5)])
    assert await write.acknowledged() == (5, ())
    assert [key for key, _ in producer.log] == [b"k0", b"k1", b"k2", b"k3", b"k4"]
    assert producer.log[2] == (b"k2", None)


async def test_a_record_too_large_is_refused_and_the_others_are_written() -> None:
    """Such a record would be accepted into a batch, and the broker would refuse the whole batch for ever."""
    producer = FakeProducer()
    write = await Changelog(producer).send("log", 0, [(b"a", b"1"), (b"big", b"x" * 1000), (b"b", b"2")])
    assert (write.refused, producer.log) == ([b"big"], [(b"a", b"1"), (b"b", b"2")])


async def test_a_record_between_ours_is_reported_as_foreign() -> None:
    """A zombie's record behind our last one shows at our next acknowledgement."""
    producer = FakeProducer()
    writer = Changelog(producer)
    writer.expect("log", 0, 0)
    await (await writer.send("log", 0, [(b"a", b"1")])).acknowledged()
    producer.log.append("foreign")
    acknowledged = await (await writer.send("log", 0, [(b"b", b"2")])).acknowledged()
    assert acknowledged == (3, (ForeignRecord("log", 0, 1, 2),))


async def test_a_failed_delivery_ends_the_producer_and_its_records_are_not_called_foreign() -> None:
    """Written or not, the batch was ours; sequence numbers lost with it would make the broker refuse what follows."""
    producer = FakeProducer()
    writer = Changelog(producer)
    writer.expect("log", 0, 0)
    producer.error = KafkaTimeoutError()
    with pytest.raises(KafkaTimeoutError):
        await (await writer.send("log", 0, [(b"a", b"1")])).acknowledged()
    assert producer.discarded == 1
    producer.error = None
    producer.log.append("ours after all")
    assert await (await writer.send("log", 0, [(b"a", b"1")])).acknowledged() == (2, ())


async def test_an_acknowledgement_nobody_waits_for_still_counts() -> None:
    """A checkpoint that was cancelled must not make its own late records look foreign to the next one."""
    producer = FakeProducer()
    writer = Changelog(producer)
    writer.expect("log", 0, 0)
    await writer.send("log", 0, [(b"a", b"1")])
    await asyncio.sleep(0)
    assert await (await writer.send("log", 0, [(b"b", b"2")])).acknowledged() == (2, ())


# Binding.
