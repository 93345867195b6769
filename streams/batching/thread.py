"""The consumer thread: takes batches from aiokafka's fetcher."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

from aiokafka import TopicPartition
from aiokafka.consumer.fetcher import FetchResult
from aiokafka.errors import CommitFailedError, ConsumerStoppedError, IllegalStateError
from aiokafka.structs import OffsetAndMetadata
from faust.transport.consumer import ensure_TP
from faust.transport.drivers.aiokafka import AIOKafkaConsumerThread
from faust.types import TP

from streams.batching.binding import Binding
from streams.batching.fetch import drain

FETCH_MAX_WAIT_MS = 100
"""How long the broker may hold an empty fetch; a partition that is not part of it waits for its end."""

HELD_SECONDS = 0.02
"""How soon to look again when fetched data is held back; nothing else wakes the fetch when it no longer is."""


class LogPosition(NamedTuple):
    """Where a source partition can be read from: committed offset of the group, first and next offset of the log."""

    committed: int | None
    earliest: int
    end: int


class ConsumerThread(AIOKafkaConsumerThread):
    """Faust's consumer thread, but topics bound to batches come as one Batch a partition and fetch.

    `fetching_for` is the generation for which records were asked for: none are taken for a later one.
    """

    fetching_for = 0

    @property
    def bound(self) -> Binding:
        """The app's binding."""
        return Binding.of(self.app)

    def _create_worker_consumer(self, transport: Any) -> Any:
        consumer = super()._create_worker_consumer(transport)
        # Faust asks for it only in its transaction mode, which this transport does not need.
        consumer._isolation_level = "read_committed"
        consumer._fetch_max_wait_ms = FETCH_MAX_WAIT_MS
        return consumer

    async def _fetch_records(
        self,
        consumer: Any,
        active_partitions: Collection[TP] | None,
        timeout: float | None = None,
        max_records: int | None = None,
    ) -> dict[Any, Any]:
        if not self.consumer.flow_active:
            return {}
        fetcher = consumer._fetcher
        if consumer._closed or fetcher._closed:
            raise ConsumerStoppedError()
        with fetcher._subscriptions.fetch_context():
            if fetcher._subscriptions.reassignment_in_progress:
                # Bounded: a group that is never joined must not keep the thread from stopping.
                await asyncio.wait({fetcher._subscriptions.wait_for_assignment()}, timeout=timeout)
                return {}
            if self._outdated():
                return {}
            self._pause_changelogs(consumer, active_partitions)
            drained, held = await self._take(fetcher, active_partitions, max_records)
            if not drained:
                waiter = fetcher._create_fetch_waiter()
                done, _ = await asyncio.wait({waiter}, timeout=HELD_SECONDS if held else timeout)
                if not done or fetcher._closed:
                    waiter.cancel()
                    return {}
                waiter.result()  # an authorization error of the group
                if self._outdated():
                    return {}
                drained, _ = await self._take(fetcher, active_partitions, max_records)
            return drained

    def _outdated(self) -> bool:
        """Whether a rebalance came since the records were asked for, with a position of its own: they would be dropped.

        A recovery that had already sought would wait for them for ever.
        """
        return self.app.consumer_generation_id != self.fetching_for

    def _pause_changelogs(self, consumer: Any, active_partitions: Collection[TP] | None) -> None:
        """Outside of recovery do not fetch the changelogs: they are our own writes, and Faust pauses nothing really."""
        paused = consumer.paused()
        for tp in consumer.assignment():
            if tp.topic in self.bound.changelogs:
                wanted = active_partitions is None or tp in active_partitions
                if wanted and tp in paused:
                    consumer.resume(tp)
                elif not wanted and tp not in paused:
                    consumer.pause(tp)
                    consumer._fetcher._records.pop(tp, None)

    async def _take(
        self, fetcher: Any, active_partitions: Collection[TP] | None, max_records: int | None
    ) -> tuple[dict[Any, Any], bool]:
        """What is fetched and may be delivered, and whether something fetched is held back."""
        bound = self.bound
        # A recovery ends by clearing the stream queues after it let the source partitions go: hold them until then.
        hold_source = bound.hold_source_while_rebalancing and self.app.rebalancing
        drained: dict[Any, Any] = {}
        held = False
        stock = set()
        for tp in list(fetcher._records):
            result = fetcher._records[tp]
            if active_partitions is not None and tp not in active_partitions:
                held = held or tp.topic == bound.source
            elif type(result) is not FetchResult or tp.topic not in bound.topics:
                stock.add(tp)  # errors of batch topics too: the stock path raises them
            elif hold_source and tp.topic == bound.source:
                held = True
            else:
                try:
                    # Of a changelog the whole fetch: the next one is not sent before this one is used up.
                    batch = drain(result, bound.batch_limit if tp.topic == bound.source else sys.maxsize)
                finally:
                    if not result.has_more():
                        del fetcher._records[tp]
                        fetcher._notify(fetcher._wait_consume_future)
                if batch is not None and batch.next_offset > batch.from_offset:
                    drained[tp] = batch
        if stock and not (drained and any(type(fetcher._records[tp]) is not FetchResult for tp in stock)):
            drained.update(await fetcher.fetched_records(stock, timeout=0, max_records=max_records))
        return drained, held

    async def log_positions(self, tps: Collection[TP]) -> dict[TP, LogPosition]:
        """Committed offset, start and end of each partition's log."""
        positions: dict[TP, LogPosition] = await self.call_thread(self._log_positions, tps)
        return positions

    async def _log_positions(self, tps: Collection[TP]) -> dict[TP, LogPosition]:
        consumer = self._ensure_consumer()
        wanted = [TopicPartition(*tp) for tp in tps]
        earliest, end = await consumer.beginning_offsets(wanted), await consumer.end_offsets(wanted)
        committed = [await consumer.committed(tp) for tp in wanted]
        return {
            ensure_TP(tp): LogPosition(offset, earliest[tp], end[tp])
            for tp, offset in zip(wanted, committed, strict=True)
        }

    async def seek_to_committed_of(self, tps: Collection[TP]) -> Mapping[Any, int | None]:
        """As `seek_to_committed`, for some partitions only."""
        if not tps:
            return {}
        offsets: Mapping[Any, int | None] = await self.call_thread(
            self._ensure_consumer().seek_to_committed, *(TopicPartition(*tp) for tp in tps)
        )
        return offsets

    async def commit_owned(self, offsets: Mapping[TP, int]) -> bool:
        """Commit offsets; False when the group has moved on. Unlike Faust's commit an error does not end the worker."""
        committed: bool = await self.call_thread(self._commit_owned, offsets)
        return committed

    async def _commit_owned(self, offsets: Mapping[TP, int]) -> bool:
        wanted = {TopicPartition(*tp): OffsetAndMetadata(offset, "") for tp, offset in offsets.items()}
        try:
            await self._ensure_consumer().commit(wanted)
        except (CommitFailedError, IllegalStateError) as error:
            self.log.info("Offsets not committed, the group is rebalancing: %s", error)
            return False
        return True
