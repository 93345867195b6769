"""A small Faust app on the batch transport: counts the records of each key, exactly, and checkpoints the counts."""

from __future__ import annotations

import asyncio
import shutil
import struct
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from time import monotonic
from typing import Any

import faust
from faust.types import TP

from streams.batching import Action, Batch, Owner, Reason, batch_table, batch_topic, bind, register
from streams.changelog import Changelog
from streams.producer import Producer

VALUE = struct.Struct(">QQ")  # count, last source offset included


class Counter(Owner):
    """The owner of the counts; `seen` lists (partition, offset) in the order of processing."""

    def __init__(self, app: Any, source: str, partitions: int, **binding: Any) -> None:
        self.app = app
        self.counts = batch_table(app, "counts", partitions=partitions)
        self.bound = bind(app, source=source, tables=[self.counts], owner=self, **binding)
        self.producer = Producer.of(app, request_timeout_seconds=5)
        self.changelog = Changelog(self.producer)
        self.dirty: dict[int, set[bytes]] = {}
        self.events: list[tuple[Any, ...]] = []
        self.seen: list[tuple[int, int]] = []
        self.batches: list[Batch] = []
        self.busy: asyncio.Event | None = None

    async def start(self) -> None:
        await self.producer.start()

    async def stop(self) -> None:
        await self.producer.stop()

    def opened(self, tp: TP, offset: int, kept: bool) -> None:
        self.events.append(("opened", tp.partition, offset, kept))
        if not kept:
            self.dirty[tp.partition] = set()
            self.changelog.expect(self.counts.changelog_topic_name, tp.partition, self.counts.data.end(tp.partition))

    def closed(self, tp: TP) -> None:
        self.events.append(("closed", tp.partition))
        self.dirty.pop(tp.partition, None)
        self.changelog.forget(self.counts.changelog_topic_name, tp.partition)

    def hole(self, tp: TP) -> None:
        self.events.append(("hole", tp.partition))

    async def checkpoint(self, partitions: frozenset[TP], reason: Reason) -> None:
        offsets = {tp: self.bound.expected.offset(tp) for tp in partitions}
        taken = {tp.partition: self.dirty[tp.partition] for tp in partitions}
        items = {p: [(key, self.counts.data.partition(p)[key]) for key in keys] for p, keys in taken.items()}
        self.dirty.update((p, set()) for p in taken)
        try:
            topic = self.counts.changelog_topic_name
            writes = [await self.changelog.send(topic, p, some) for p, some in items.items() if some]
            for write in writes:
                acknowledged = await write.acknowledged()
                if acknowledged.next_offset is not None:
                    self.counts.data.flushed(write.partition, acknowledged.next_offset)
        except BaseException:
            for p, keys in taken.items():
                if p in self.dirty:
                    self.dirty[p] |= keys
            raise
        if await self.app.consumer.commit_expected(offsets):
            self.events.append(("committed", reason))

    def count(self, batch: Batch, records: Any) -> None:
        """Process records, no await inside; a value that already includes an offset skips it."""
        counts, dirty = self.counts.data.partition(batch.partition), self.dirty[batch.partition]
        for record in records:
            self.seen.append((batch.partition, record.offset))
            count, last = VALUE.unpack(counts[record.key]) if record.key in counts else (0, -1)
            if record.offset > last:
                counts[record.key] = VALUE.pack(count + 1, record.offset)
                dirty.add(record.key)

    def total(self, partition: int | None = None) -> int:
        """The sum of all counts."""
        data = self.counts.data
        values = data.values() if partition is None else data.partition(partition).values()
        return sum(VALUE.unpack(value)[0] for value in values)


def counting_app(
    bootstrap: str,
    app_id: str,
    source: str,
    *,
    partitions: int = 2,
    settings: dict[str, Any] | None = None,
    **binding: Any,
) -> tuple[Any, Counter]:
    """An app ready to start, and its counter."""
    register()
    options: dict[str, Any] = {
        "topic_partitions": partitions,
        "topic_replication_factor": 1,
        "store": "fastmem://",
        "consumer_auto_offset_reset": "earliest",
        "stream_wait_empty": False,
        "table_standby_replicas": 0,
        "stream_buffer_maxsize": 16,
        "broker_session_timeout": 6.0,
        "broker_heartbeat_interval": 0.5,
        "broker_commit_interval": 0.2,
        "consumer_max_fetch_size": 4 << 20,
        "web_enabled": False,
        "datadir": str(Path(tempfile.gettempdir()) / f"{app_id}-data"),
        "key_serializer": "raw",
        "value_serializer": "raw",
    }
    app = faust.App(app_id, broker=f"fast://{bootstrap}", **{**options, **(settings or {})})
    topic = batch_topic(app, source, partitions=partitions)
    counter = Counter(app, source, partitions, **binding)

    @app.agent(topic)
    async def count(stream: Any) -> None:
        async for batch in stream:
            counter.batches.append(batch)
            if counter.busy is not None:
                await counter.busy.wait()  # an agent that takes its time
            verdict = counter.bound.expected.admit(batch)
            if verdict.action is Action.TAKE:
                counter.count(batch, verdict.records)
                counter.bound.expected.advance(batch)
            elif verdict.action is Action.HOLE:
                await app.consumer.heal(batch.tp)

    return app, counter


@asynccontextmanager
async def running(app: Any) -> AsyncIterator[None]:
    """Start the app in this event loop, stop it at the end."""
    app.finalize()
    await app.start()
    try:
        yield
    finally:
        await app.stop()
        shutil.rmtree(app.conf.datadir, ignore_errors=True)


async def until(condition: Callable[[], Any], what: str, seconds: float = 30.0) -> None:
    """Wait for a condition; AssertionError naming it after a deadline."""
    deadline = monotonic() + seconds
    while not condition():
        assert monotonic() < deadline, f"not within {seconds:g} s: {what}"
        await asyncio.sleep(0.01)
