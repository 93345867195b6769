"""A worker that is frozen beyond its session, replaced, and wakes: what it wrote or would write does no harm."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path

import pytest

from fresh import Fresh
from stream_check import check
from stream_feed import Feed, installed, small_history
from stream_log import drained
from supportpulse.edges.simulator import SOURCE
from worker_process import Progress, parts_of, send_part, worker_process

pytestmark = [pytest.mark.kafka, pytest.mark.slow, pytest.mark.timeout(150)]


async def test_a_frozen_worker_that_wakes_after_others_took_its_partitions_overwrites_nothing(
    kafka: str, fresh: Fresh, tmp_path: Path
) -> None:
    """It wakes with changes it has not written, while they are old; a third worker restores what the second left."""
    settings = await installed(kafka, fresh, tmp_path, partitions=2, batch_limit=100, commit_interval_seconds=3.0)
    desk = small_history(41, events=2400)
    async with Feed(settings) as feed, Progress(settings) as progress:
        await feed.beat(SOURCE, "log", desk.plan.start)
        first, second, last = parts_of(desk, 3)
        async with worker_process(settings, "one") as one:
            await one.says("is ours")
            sending = asyncio.create_task(send_part(feed, first))
            await progress.grows(20, one)
            one.signal(signal.SIGSTOP)
            await sending
            async with worker_process(settings, "two") as two:
                await send_part(feed, second)
                await two.says("is ours")
                await drained(settings, 60, expect_events=feed.records)
                one.signal(signal.SIGCONT)
                await one.says("no longer ours")
                await one.says("processed again")
        async with worker_process(settings, "three"):
            await send_part(feed, last)
            await feed.beat(SOURCE, "ended", desk.plan.end)
            log = await drained(settings, expect_events=feed.records)
    check(log)
