"""The broker goes away and comes back: the worker waits, needs no help, and the end is the oracle's."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from fresh import Fresh
from strategies import happened
from stream_check import check
from stream_feed import HOUR, Feed, installed, running, small_history, until, wall
from stream_log import drained
from supportpulse.edges.broker import Broker
from supportpulse.edges.simulator import SOURCE
from worker_process import parts_of, send_part

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(150)]

POLICY = """
name = "hour"
labels = ["rule"]
[[rules]]
name = "all"
targets = { first_response = "1h", next_response = "1h" }
"""
OUTAGE_SECONDS = 13.0
"""Longer than a send waits for room (10 s) behind one that is not answered."""


async def test_a_broker_killed_while_events_arrive_and_a_deadline_is_due_costs_nothing_but_time(
    own_broker: Broker, fresh: Fresh, tmp_path: Path
) -> None:
    """Markers, outcomes, dead letters and checkpoints meet a broker that is gone; all of them come after all."""
    policy = tmp_path / "policy.toml"
    policy.write_text(POLICY, "utf-8")
    settings = await installed(own_broker.bootstrap, fresh, tmp_path, policy=policy, partitions=2, batch_limit=100)
    desk = small_history(31, events=1500)
    async with Feed(settings) as feed, running(settings) as worker:
        await feed.beat(SOURCE, "log", desk.plan.start)
        first, second = parts_of(desk, 2)
        due = wall() + 8000
        await feed.events([happened("TicketCreated", due - HOUR + number, f"{number}/c", ticket=str(number))
                           for number in range(0, 6000, 100)])  # fmt: skip
        sending = asyncio.create_task(send_part(feed, first))
        await until(lambda: sum(worker.metrics._processed.values()) > 100, "some events processed")
        await asyncio.to_thread(own_broker.kill)
        assert wall() < due, "too slow: the deadlines were due before the broker was gone"
        poison = [asyncio.create_task(feed.raw(b"no event", b"desk|x", number)) for number in (0, 1)]
        await asyncio.sleep(OUTAGE_SECONDS)
        ended = worker.stopping.is_set()
        await asyncio.to_thread(own_broker.restart)  # first, or the feed would wait for ever
        assert not ended, worker.fatal
        await asyncio.gather(sending, *poison)
        await send_part(feed, second)
        await feed.beat(SOURCE, "ended", desk.plan.end)
        log = await drained(settings, 60, expect_events=feed.records)
        assert worker.fatal is None
    check(log)
    assert sum(key.startswith("desk|") and verdict[0] == "breached" for (key, *_), verdict in log.net.items()) == 60
