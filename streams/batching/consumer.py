"""The consumer: delivers batches, starts partitions, asks for checkpoints, commits what it is told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from time import monotonic
from typing import Any, cast

from aiokafka.errors import ConsumerStoppedError, KafkaError
from faust.transport.consumer import ensure_TP
from faust.types import TP, ConsumerMessage
from mode import Service

from streams.batching.batch import Batch
from streams.batching.checkpointing import Checkpointing
from streams.batching.healing import HealingConsumer
from streams.batching.owner import Reason
from streams.batching.thread import ConsumerThread
from supportpulse.errors import TopicMismatch


class Consumer(HealingConsumer):
    """Faust's consumer without its acks: what is committed is what the owner of the state says."""

    _thread: ConsumerThread

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.checkpointing = Checkpointing(
            self.bound.owner, self.app.conf.broker_session_timeout / 3, lambda error: self.crash(error)
        )
        self._assigned_once = False
        self._starts: dict[TP, int] = {}
        self._proved = 0.0

    def _new_consumer_thread(self) -> ConsumerThread:
        return ConsumerThread(self, loop=self.loop, beacon=self.beacon)

    async def on_start(self) -> None:
        """Start the owner before anything is read."""
        await super().on_start()
        await self.bound.owner.start()

    async def on_stop(self) -> None:
        """Stop the owner after the last checkpoint."""
        await super().on_stop()
        await self.bound.owner.stop()

    # Delivery.

    def on_buffer_full(self, tp: TP) -> None:
        """Batch queues are short and block instead: taking the last active partition away would stop fetching."""
        if tp.topic not in self.bound.topics:
            super().on_buffer_full(tp)

    def verify_event_path(self, now: float, tp: TP) -> None:
        """Faust's liveness check reads acks and times that batch topics do not have."""
        if tp.topic not in self.bound.topics:
            super().verify_event_path(now, tp)

    def verify_recovery_event_path(self, now: float, tp: TP) -> None:
        """As `verify_event_path`."""

    async def getmany(self, timeout: float) -> AsyncIterator[tuple[TP, ConsumerMessage]]:
        """Fetch once; what was fetched under another generation than the present one is dropped.

        Nothing is lost by that: what is taken under a generation was taken before the next one seeks.
        """
        # Before the fetch: stale data must never pass.
        generation = self._thread.fetching_for = self.app.consumer_generation_id
        records, active = await self._wait_next_records(timeout)
        if not records or self.should_stop:
            return
        fetched = cast(dict[Any, Any], records)
        batches: dict[TP, Batch] = {ensure_TP(tp): found for tp, found in fetched.items() if isinstance(found, Batch)}
        self._fetched_to.update((tp, batch.next_offset) for tp, batch in batches.items())
        for tp, batch in batches.items():
            if not self._current(generation):
                return
            if active is None or tp in active:
                yield tp, self._batch_message(tp, batch)
        others = {tp: found for tp, found in fetched.items() if not isinstance(found, Batch)}
        for tp, record in self.scheduler.iterate(others):
            if not self._current(generation):
                return
            yield tp, self._to_message(tp, record)

    def _current(self, generation: int) -> bool:
        return bool(self.flow_active) and self.app.consumer_generation_id == generation

    def _batch_message(self, tp: TP, batch: Batch) -> ConsumerMessage:
        seconds = batch.records[-1].timestamp / 1000.0 if batch.records else 0.0
        # Recovery compares this offset with the end of the changelog: the last offset covered, with a record or not.
        last = batch.next_offset - 1
        generation = self.app.consumer_generation_id
        content = cast(Any, batch)
        return ConsumerMessage(
            tp.topic, tp.partition, last, seconds, 0, None, None, content, None, 0, 0, tp, generation_id=generation
        )

    async def _drain_messages(self, fetcher: Any) -> None:
        try:
            while not (self.should_stop or fetcher.should_stop):
                async for tp, message in self.getmany(timeout=1.0):
                    read = self._read_offset[tp]
                    if tp.topic not in self.bound.topics:
                        if read is not None and message.offset < read:
                            continue
                        await self.wait_first(self.callback(message), self.suspend_flow.wait())
                        self._read_offset[tp] = message.offset
                    else:
                        # No read offset to set, and so none to set wrongly when the batch is not delivered after all.
                        await self.wait_first(self.callback(message), self.suspend_flow.wait())
                        await asyncio.sleep(0)
                await asyncio.sleep(0)
        except (ConsumerStoppedError, asyncio.CancelledError):
            if not self.app.should_stop:
                raise

    # Assignment.

    async def on_partitions_revoked(self, revoked: set[TP]) -> None:
        """Checkpoint while the partitions are still ours, within a third of the session; else drop without commit."""
        self.stop_flow()
        self.app.flow_control.suspend()
        self.app.flow_control.clear()
        await self.checkpointing.run(self.bound.expected.partitions & revoked, Reason.REVOKE)
        await super().on_partitions_revoked(revoked)

    async def on_partitions_assigned(self, assigned: set[TP], generation_id: int = 0) -> None:
        """Close what went away, and what came back but was written by somebody else meanwhile."""
        self._assigned_once = True
        owned = self.bound.expected.partitions
        for tp in owned - assigned:
            self._close(tp)
        for tp in await self._outdated(owned & assigned):
            self.log.info("State of %s-%s is read again: its changelog has moved on without us", tp.topic, tp.partition)
            self._close(tp)
        await super().on_partitions_assigned(assigned, generation_id)

    def _close(self, tp: TP) -> None:
        self.bound.expected.revoked(tp)
        self._fetched_to.pop(tp, None)
        for table in self.bound.tables:
            table.data.drop(tp.partition)
        self.bound.owner.closed(tp)

    async def _outdated(self, retained: Iterable[TP]) -> set[TP]:
        """Retained partitions whose changelogs do not end where we left them, e.g. after a session that had expired.

        All tables of a partition are dropped together: one alone would not match the others' offsets.
        """
        tables = {
            TP(table.changelog_topic_name, tp.partition): (table, tp) for tp in retained for table in self.bound.tables
        }
        if not tables:
            return set()
        try:
            ends = await asyncio.wait_for(self.highwaters(*tables), self.app.conf.broker_session_timeout / 3)
        except (KafkaError, TimeoutError):
            return {tp for _, tp in tables.values()}
        return {tp for changelog, (table, tp) in tables.items() if ends[changelog] != table.data.end(tp.partition)}

    async def perform_seek(self) -> None:
        """Start the source partitions at their committed offsets, once their state is restored."""
        bound, generation = self.bound, self.app.consumer_generation_id
        assignment = self.assignment()
        sources = {tp for tp in assignment if tp.topic == bound.source}
        await self._seek_others({tp for tp in assignment if tp.topic not in bound.topics})
        starts: dict[TP, int] = {}
        for tp, position in (await self._thread.log_positions(sources)).items():
            if position.committed is not None and position.committed > position.end:
                raise TopicMismatch(
                    f"{tp.topic}-{tp.partition}: found committed offset {position.committed} above the end of the log, "
                    f"{position.end}: the topic lost records or was created anew; valid: another app id, or the "
                    f"consumer group {self.app.conf.id} deleted and its changelogs with it"
                )
            starts[tp] = position.earliest if position.committed is None else position.committed
            if starts[tp] < position.earliest:
                self._log_lost(tp, starts[tp], position.earliest)
                bound.owner.hole(tp)
                bound.expected.lost += position.earliest - starts[tp]
                starts[tp] = position.earliest
            self._committed_offset[tp] = position.committed
        if starts:
            await self.seek_wait(starts)
        if generation != self.app.consumer_generation_id:
            return  # the next generation seeks again
        self._starts, self._proved = starts, monotonic()
        kept = bound.expected.partitions
        for tp, offset in starts.items():
            bound.expected.assigned(tp, offset)
            bound.owner.opened(tp, offset, tp in kept)

    async def _seek_others(self, tps: set[TP]) -> None:
        for aiokafka_tp, offset in (await self._thread.seek_to_committed_of(tps)).items():
            tp = ensure_TP(aiokafka_tp)
            self._read_offset[tp] = offset if offset is not None and offset >= 0 else None
            self._committed_offset[tp] = offset or None

    # Checkpoints.

    async def force_commit(self, topics: Any = None, start_new_transaction: bool = True) -> bool:
        """Where all of Faust's commits end: Faust's own topics as ever, then a checkpoint of the source partitions."""
        await super().force_commit(topics, start_new_transaction)
        if self.app.rebalancing:
            return False
        return await self.checkpointing.run(self.bound.expected.partitions, Reason.INTERVAL)

    async def commit_and_end_transactions(self) -> None:
        """What Faust calls at the stop. Not by way of `commit`, which does nothing while another one runs."""
        if not self.app.rebalancing:
            await self.checkpointing.run(self.bound.expected.partitions, Reason.STOP)

    async def still_ours(self) -> bool:
        """Whether the group takes us for the owner. Asked by a commit of what is committed anyway, and only if nothing
        has proved it for half a session: a process that was frozen must not write over its successor's state.
        """
        now = monotonic()
        if now - self._proved < self.app.conf.broker_session_timeout / 2:
            return True
        owned = self.bound.expected.partitions & self.assignment()
        known = {tp: self._committed_offset.get(tp) for tp in owned}
        offsets = {tp: self._starts.get(tp, 0) if offset is None else offset for tp, offset in known.items()}
        if offsets and not await self._thread.commit_owned(offsets):
            return False
        self._proved = now
        return True

    async def commit_expected(self, offsets: Mapping[TP, int]) -> bool:
        """Commit expected offsets of owned source partitions: no others, and none backwards.

        Returns False if the group has moved on, in which case nothing was committed. Raises KafkaError.
        """
        owned = self.bound.expected.partitions & self.assignment()
        wanted = {tp: offset for tp, offset in offsets.items() if tp in owned and self._should_commit(tp, offset)}
        if not wanted:
            return True
        now = monotonic()
        if not await self._thread.commit_owned(wanted):
            return False
        self._proved = now
        self._committed_offset.update(wanted)
        self.app.monitor.on_tp_commit(wanted)
        return True

    @Service.task
    async def _report_missing_assignment(self) -> None:
        await self.sleep(self.bound.assignment_deadline_seconds)
        if not self._assigned_once and not self.should_stop:
            self.log.error(
                "No partition assigned within %g s: group %r on %s; is the broker reachable, does topic %s exist, is "
                "broker_session_timeout (%g s) within the broker's group.min/max.session.timeout.ms?",
                self.bound.assignment_deadline_seconds, self.app.conf.id, ", ".join(map(str, self.transport.url)),
                self.bound.source, self.app.conf.broker_session_timeout,
            )  # fmt: skip
