"""Workers that are killed: whatever they had done and not yet said, the end is the oracle's."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from fresh import Fresh
from stream_check import check
from stream_feed import Feed, installed, small_history
from stream_log import drained
from supportpulse.edges.simulator import SOURCE
from worker_process import Progress, crashing, parts_of, send_part, worker_process

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(200)]

SMALL_BATCHES = {"batch_limit": 100, "commit_interval_seconds": 0.25}


async def test_a_worker_killed_twice_in_mid_stream_comes_to_what_the_oracle_says(
    kafka: str, fresh: Fresh, tmp_path: Path
) -> None:
    """kill -9 while events flow in, twice; the third worker drains: net view, windows and dead letters are right."""
    settings = await installed(kafka, fresh, tmp_path, **SMALL_BATCHES)
    desk = small_history(21, events=2400)
    async with Feed(settings) as feed, Progress(settings) as progress:
        await feed.beat(SOURCE, "log", desk.plan.start)
        *parts, last = parts_of(desk, 3)
        for part in parts:
            async with worker_process(settings, "worker") as worker:
                sending = asyncio.create_task(send_part(feed, part))
                await progress.grows(40, worker)
                await worker.kill()
                await sending
        async with worker_process(settings, "worker"):
            await send_part(feed, last)
            await feed.beat(SOURCE, "ended", desk.plan.end)
            log = await drained(settings, expect_events=feed.records)
    check(log)


async def test_two_workers_of_which_one_joins_late_and_one_is_killed_come_to_what_the_oracle_says(
    kafka: str, fresh: Fresh, tmp_path: Path
) -> None:
    """Partitions move twice under load, once in good order and once after a kill -9."""
    settings = await installed(kafka, fresh, tmp_path, **SMALL_BATCHES)
    desk = small_history(22, events=2400)
    async with Feed(settings) as feed, Progress(settings) as progress:
        await feed.beat(SOURCE, "log", desk.plan.start)
        first, second, last = parts_of(desk, 3)
        async with worker_process(settings, "one") as one:
            sending = asyncio.create_task(send_part(feed, first))
            await progress.grows(40, one)
            async with worker_process(settings, "two") as two:
                await sending
                await two.says("is ours")
                sending = asyncio.create_task(send_part(feed, second))
                await progress.grows(40, one)
                await one.kill()
                await sending
                await send_part(feed, last)
                await feed.beat(SOURCE, "ended", desk.plan.end)
                log = await drained(settings, expect_events=feed.records)
    check(log)


async def test_a_crash_between_each_two_steps_of_a_checkpoint_loses_and_doubles_nothing(
    kafka: str, fresh: Fresh, tmp_path: Path
) -> None:
    """After the outcomes, after the panes, after the tickets and before the offset: each time the next one goes on."""
    settings = await installed(kafka, fresh, tmp_path, **SMALL_BATCHES, partitions=2)
    desk = small_history(23, events=2000)
    async with Feed(settings) as feed:
        await feed.beat(SOURCE, "log", desk.plan.start)
        *parts, last = parts_of(desk, 4)
        for step, part in zip(("outcomes", "panes", "tickets"), parts, strict=True):
            await send_part(feed, part)
            async with worker_process(settings, step, crashing(step, len(part) // 2)) as worker:
                assert await worker.ended() == -9, worker.log()
        async with worker_process(settings, "worker"):
            await send_part(feed, last)
            await feed.beat(SOURCE, "ended", desk.plan.end)
            log = await drained(settings, expect_events=feed.records)
    assert len(log.outcomes) < sum(log.said_ids.values())  # some outcomes were said again, under their ids
    check(log)
