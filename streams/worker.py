"""The owner of partition state: opens and closes partitions, checkpoints them, sweeps deadlines, takes snapshots."""

from __future__ import annotations

import asyncio
import logging
import socket
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from os import getpid
from typing import Any

from aiokafka.errors import KafkaError
from aiokafka.partitioner import murmur2
from faust.types import TP
from prometheus_client import CollectorRegistry

from streams.batching import Binding, Owner, Reason
from streams.changelog import Changelog, Write
from streams.checkpoint import Checkpoint, Step
from streams.deadlines import Deadlines, Flight
from streams.health import SETTLE_BELOW, Health
from streams.owned import Owned
from streams.producer import Producer
from supportpulse.errors import SupportpulseError
from supportpulse.metrics import Metrics
from supportpulse.partition import CACHED_TICKETS, Partition, Place
from supportpulse.settings import Settings
from supportpulse.snapshot import Snapshot
from supportpulse.tally import Shapes
from supportpulse.ticket import Plans
from supportpulse.watermark import Sources

logger = logging.getLogger(__name__)

SWEEP_SECONDS = 0.05
EXPIRE_SECONDS = 60.0
ACKNOWLEDGE_SECONDS = 60.0
"""More than a producer tries to send a record: no acknowledgement by then is as good as a failure."""
SETTLE_SECONDS = 0.5
"""Under load tickets are turned into bytes twice a second, not once per batch: most change again before that."""

Clock = Callable[[], int]


def wall_ms() -> int:
    """The wall clock in ms."""
    return time.time_ns() // 1_000_000


class Worker(Owner):
    """`now` is the worker's clock in ms; `after` is called after each step of a checkpoint."""

    app: Any
    events: Any
    tickets: Any
    panes: Any
    bound: Binding
    registry: CollectorRegistry

    def __init__(
        self, settings: Settings, plans: Plans, metrics: Metrics, now: Clock = wall_ms, after: Step | None = None
    ) -> None:
        self.settings, self.plans, self.metrics, self.now = settings, plans, metrics, now
        self.shapes = Shapes(plans)
        self.owned: dict[int, Owned] = {}
        self.fatal: BaseException | None = None
        self.stopping = asyncio.Event()
        self.name = f"{socket.gethostname()}-{getpid()}"
        self.producer: Producer
        self.changelog: Changelog
        self._after = after
        self._tasks: set[asyncio.Task[None]] = set()
        self._generation = -1
        self._settled = 0.0
        self.health = Health(self)
        self.swept_ms = self.committed_ms = started = now()
        self.snapshot = Snapshot(taken_ms=started, swept_ms=started, probed_ms=started, recovering=True)

    # -- what the transport asks for ----------------------------------------------------------------------------------

    async def start(self) -> None:
        """Connect the producer and start the tasks."""
        self.producer = Producer.of(self.app)
        self.changelog = Changelog(self.producer)
        await self.producer.start()
        extra = {} if self._after is None else {"after": self._after}
        self.checkpoints = Checkpoint(self.changelog, self.tickets, self.panes, **extra)
        for task in (self._sweep(), self._expire(), *self.health.tasks()):
            self._spawn(task)

    async def stop(self) -> None:
        """Stop the tasks and the producer."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self.producer.stop()

    def opened(self, tp: TP, offset: int, kept: bool) -> None:
        """Build the state of a partition from its restored tables."""
        if kept and tp.partition in self.owned:
            return
        number = tp.partition
        for table in (self.tickets, self.panes):
            self.changelog.expect(table.changelog_topic_name, number, table.data.end(number))
        settings, now = self.settings, self.now()
        state = Partition(
            Place(tp.topic, number, lambda key: int((murmur2(key) & 0x7FFFFFFF) % settings.partitions)),
            self.plans,
            self.shapes,
            self.tickets.data.partition(number),
            self.panes.data.partition(number),
            Sources(int(settings.freshness_seconds * 1000), settings.decision_grace_seconds),
            self.metrics,
            int(settings.max_future_seconds * 1000),
            settings.five_minutes_ms,
        )
        try:
            state.restore(now)
        except SupportpulseError as error:
            self.fail(error)
            return
        state.windows.move(now, state.panes)
        deadlines = Deadlines(state, settings.marker_cap, int(settings.marker_retry_seconds * 1000))
        owned = Owned(
            number,
            state,
            deadlines,
            self.producer,
            self.changelog,
            settings.outcomes_topic,
            settings.deadletter_topic,
        )
        self.owned[number] = owned
        self.committed_ms = self.now()  # before, there was nothing of this partition to commit
        self._share_cache()
        if self._generation != self.app.consumer_generation_id:
            self._generation = self.app.consumer_generation_id
            self.metrics.rebalance()
        logger.info("partition %d is ours from offset %d on: %d tickets", number, offset, state.tickets)

    def closed(self, tp: TP) -> None:
        """Forget a partition."""
        if self.owned.pop(tp.partition, None) is not None:
            self._share_cache()
            logger.info("partition %d is no longer ours", tp.partition)
        for table in (self.tickets, self.panes):
            self.changelog.forget(table.changelog_topic_name, tp.partition)

    def _share_cache(self) -> None:
        for owned in self.owned.values():
            owned.state.cached = CACHED_TICKETS // len(self.owned)

    def hole(self, tp: TP) -> None:
        """Count it."""
        self.metrics.hole()

    async def checkpoint(self, partitions: frozenset[TP], reason: Reason) -> None:
        """Make the partitions durable, then commit."""
        if not await self.app.consumer.still_ours():
            raise KafkaError("the group has given our partitions to others")
        expected = {tp: self.bound.expected.offset(tp) for tp in partitions if tp.partition in self.owned}
        await self.checkpoints.write([(self.owned[tp.partition], offset) for tp, offset in expected.items()])
        if await self.app.consumer.commit_expected(expected):
            self.committed_ms = self.now()

    def fail(self, error: BaseException) -> None:
        """End the worker, and say why."""
        self.fatal = self.fatal or error
        self.stopping.set()

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Run something beside the agent; its failure is the worker's."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self.fail(error)

    # -- tasks --------------------------------------------------------------------------------------------------------

    async def _sweep(self) -> None:
        async for _ in self.every(SWEEP_SECONDS):
            if self.app.rebalancing:
                continue
            self._settle()
            now = self.now()
            for owned in list(self.owned.values()):
                tp = TP(self.settings.events_topic, owned.number)
                if tp in self.bound.expected.partitions:
                    await self.append(owned.number, owned.deadlines.sweep(now, self.bound.expected.offset(tp)))
            self.swept_ms = now

    async def append(self, partition: int, flight: Flight) -> None:
        """Append to the source partition, and tell the flight where it landed."""
        if not flight.records:
            return
        try:
            write = await self.changelog.send(self.settings.events_topic, partition, flight.records)
        except KafkaError as error:
            logger.warning("markers of partition %d wait: %r", partition, error)
            flight.landed(None)
        else:
            self._spawn(self._appended(partition, flight, write))

    async def _appended(self, partition: int, flight: Flight, write: Write) -> None:
        try:
            end = (await asyncio.wait_for(write.acknowledged(), ACKNOWLEDGE_SECONDS)).next_offset
        except (KafkaError, TimeoutError) as error:
            logger.warning("markers of partition %d are sent again: %r", partition, error)
            end = None
        flight.landed(end)

    def _settle(self) -> None:
        changed = sum(len(owned.state.changed) for owned in self.owned.values())
        clock = time.monotonic()
        if changed and (changed <= SETTLE_BELOW or clock - self._settled >= SETTLE_SECONDS):
            self._settled = clock
            for owned in self.owned.values():
                owned.state.settle()

    async def _expire(self) -> None:
        async for _ in self.every(EXPIRE_SECONDS):
            now = self.now()
            for owned in self.owned.values():
                owned.state.windows.move(now, owned.state.panes)
                owned.state.expire(now)

    async def every(self, seconds: float) -> AsyncIterator[None]:
        """Ticks until the worker stops."""
        while not self.stopping.is_set():
            yield None
            await asyncio.sleep(seconds)
