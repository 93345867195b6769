"""How a worker is: snapshots for scrapes, probes that measure the pipe, lag."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any

from aiokafka.errors import KafkaError
from faust.types import TP

from streams.deadlines import Flight
from supportpulse import envelope
from supportpulse.events import Probe, ProbeBody
from supportpulse.snapshot import Snapshot, clock_counts, source_statuses, window_counts

if TYPE_CHECKING:
    from streams.worker import Worker

SNAPSHOT_SECONDS = 0.1
SNAPSHOT_SHARE = 20
"""A snapshot is followed by a pause of at least so many times what it took."""
PROBE_SECONDS = 15.0
LAG_SECONDS = 2.0
SETTLE_BELOW = 250
"""Changed tickets that a snapshot still turns into bytes itself, so that quiet desks are seen at once."""


class Health:
    """What a worker tells of itself."""

    def __init__(self, worker: Worker) -> None:
        self._worker = worker
        self._lag: dict[int, int] = {}

    def tasks(self) -> tuple[Coroutine[Any, Any, None], ...]:
        """What has to run beside the agent."""
        return self._take_snapshots(), self._probe(), self._measure_lag()

    async def _take_snapshots(self) -> None:
        async for _ in self._worker.every(SNAPSHOT_SECONDS):
            began = time.monotonic()
            self._worker.snapshot = self.take_snapshot()
            await asyncio.sleep(SNAPSHOT_SHARE * (time.monotonic() - began))

    def take_snapshot(self) -> Snapshot:
        """What a scrape is to see now."""
        worker = self._worker
        now = worker.now()
        states = [owned.state for owned in worker.owned.values()]
        for state in states:
            if state.changed and len(state.changed) <= SETTLE_BELOW:
                state.settle()
            state.windows.move(now, state.panes)
        windows, baselines = window_counts(state.windows for state in states)
        clocks, waiting = clock_counts(one for state in states for one in state.told(now))
        return Snapshot(
            taken_ms=now,
            swept_ms=worker.swept_ms,
            probed_ms=max([worker.snapshot.probed_ms, *(state.probed for state in states)]),
            owned=tuple(sorted(worker.owned)),
            topic_partitions=worker.settings.partitions,
            recovering=bool(worker.app.rebalancing),
            windows=windows,
            baselines=baselines,
            clocks=clocks,
            waiting=waiting,
            sources=source_statuses((state.sources for state in states), now),
            lag_records={number: lag for number, lag in self._lag.items() if number in worker.owned},
            committed_ms=worker.committed_ms,
        )

    async def _probe(self) -> None:
        worker = self._worker
        async for _ in worker.every(PROBE_SECONDS):
            for number in list(worker.owned):
                now = worker.now()
                probe = Probe(
                    id=f"probe/{worker.name}/{number}/{now}",
                    source="supportpulse",
                    time=envelope.from_ms(now),
                    data=ProbeBody(worker=worker.name[:100], partition=number),
                )
                await worker.append(number, Flight([(b"supportpulse", envelope.encode(probe))]))

    async def _measure_lag(self) -> None:
        worker = self._worker
        async for _ in worker.every(LAG_SECONDS):
            tps = [TP(worker.settings.events_topic, number) for number in worker.owned]
            if not tps or worker.app.rebalancing:
                continue
            try:
                ends = await asyncio.wait_for(worker.app.consumer.highwaters(*tps), 5.0)
            except (KafkaError, TimeoutError):
                continue
            expected = worker.bound.expected
            self._lag = {
                tp.partition: max(0, (ends.get(tp) or 0) - expected.offset(tp))
                for tp in tps
                if tp.partition in worker.owned
            }
