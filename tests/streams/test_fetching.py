"""What is fetched across a rebalance is left for the generation that can use it."""

from __future__ import annotations

import asyncio
from contextlib import nullcontext
from types import SimpleNamespace
from typing import Any

import pytest

from batches import SOURCE
from streams.batching.consumer import Consumer
from streams.batching.thread import ConsumerThread


class Thread:
    """A consumer thread over a fetcher that is told when there is something."""

    _fetch_records = ConsumerThread._fetch_records
    _outdated = ConsumerThread._outdated

    def __init__(self) -> None:
        self.taken = 0
        self.waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.app: Any = SimpleNamespace(consumer_generation_id=7)
        self.fetching_for = 7
        self.consumer: Any = SimpleNamespace(flow_active=True)
        subscriptions = SimpleNamespace(fetch_context=nullcontext, reassignment_in_progress=False)
        fetcher = SimpleNamespace(
            _closed=False, _subscriptions=subscriptions, _create_fetch_waiter=lambda: self.waiter
        )  # fmt: skip
        self.kafka: Any = SimpleNamespace(_closed=False, _fetcher=fetcher)

    def _pause_changelogs(self, consumer: Any, active: Any) -> None:
        pass

    async def _take(self, fetcher: Any, active: Any, most: Any) -> tuple[dict[Any, Any], bool]:
        """Nothing at first, a batch at the second look."""
        self.taken += 1
        return ({SOURCE: "batch"} if self.taken > 1 else {}), False

    async def fetch(self) -> dict[Any, Any]:
        """One fetch."""
        return await self._fetch_records(self.kafka, {SOURCE}, 5.0)  # type: ignore[misc]


@pytest.mark.parametrize("rebalanced", [False, True])
async def test_what_comes_after_a_rebalance_is_not_taken_by_the_fetch_from_before(rebalanced: bool) -> None:
    """It would be dropped for its generation, while the recovery that sought it waits for ever."""
    thread = Thread()
    fetching = asyncio.create_task(thread.fetch())
    await asyncio.sleep(0)
    if rebalanced:
        thread.app.consumer_generation_id = 8
    thread.waiter.set_result(None)
    assert (await fetching, thread.taken) == (({}, 1) if rebalanced else ({SOURCE: "batch"}, 2))


async def test_a_fetch_that_waited_for_the_flow_through_a_rebalance_takes_nothing() -> None:
    """Asked for under the old generation, begun under the new one."""
    thread = Thread()
    thread.app.consumer_generation_id = 8
    assert (await thread.fetch(), thread.taken) == ({}, 0)


async def test_records_are_asked_for_under_the_generation_from_before_the_wait() -> None:
    """The generation is noted before anything is awaited."""
    noted = []

    async def wait(timeout: float) -> tuple[dict[Any, Any], set[Any]]:
        noted.append(thread.fetching_for)
        return {}, set()

    thread = SimpleNamespace(fetching_for=0)
    consumer: Any = SimpleNamespace(
        app=SimpleNamespace(consumer_generation_id=7), _thread=thread, should_stop=False, _wait_next_records=wait
    )
    assert [found async for found in Consumer.getmany(consumer, 1.0)] == []
    assert noted == [7]
