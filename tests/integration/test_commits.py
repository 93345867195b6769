"""A worker whose checkpoints fail says so, and one whose partitions are gone says nothing of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from aiokafka.errors import TopicAuthorizationFailedError
from faust.types import TP
from prometheus_client import generate_latest

from fresh import Fresh
from strategies import happened
from stream_feed import HOUR, Feed, installed, running, until, wall
from streams.expose import CHECKPOINT_OLD_MS, unwell

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(90)]


async def test_commits_that_stand_still_while_records_arrive_fail_the_health_check(
    kafka: str, fresh: Fresh, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A changelog that may no longer be written: /healthz says so after a minute, and is well when it may again."""
    settings = await installed(kafka, fresh, tmp_path)
    ahead = [0]
    async with (
        Feed(settings) as feed,
        running(settings, now=lambda: wall() + ahead[0]) as worker,
    ):
        await until(lambda: len(worker.owned) == 3, "partitions")
        last = worker.committed_ms
        await until(lambda: worker.committed_ms > last, "a checkpoint")
        send = worker.changelog.send

        async def denied(topic: str, *rest: Any) -> Any:
            if topic == settings.tickets_changelog:
                raise TopicAuthorizationFailedError(topic)
            return await send(topic, *rest)

        monkeypatch.setattr(worker.changelog, "send", denied)
        await feed.events([happened("TicketCreated", wall() - HOUR, f"{n}/c", ticket=str(n)) for n in range(20)])
        failures = worker.app.consumer.checkpointing.failures
        await until(
            lambda: worker.app.consumer.checkpointing.failures > failures + 1,
            "checkpoints fail",
        )
        ahead[0] = CHECKPOINT_OLD_MS + 1000
        await until(lambda: unwell(worker.health.take_snapshot(), worker.now()), "unwell")
        assert "checkpoint: " in unwell(worker.health.take_snapshot(), worker.now())[-1]
        monkeypatch.undo()
        await until(lambda: not unwell(worker.health.take_snapshot(), worker.now()), "well again")


async def test_the_lag_of_a_partition_ends_with_its_ownership(kafka: str, fresh: Fresh, tmp_path: Path) -> None:
    """Whoever owns it now tells its lag; two would be added up."""
    settings = await installed(kafka, fresh, tmp_path)
    async with running(settings) as worker:
        await until(lambda: set(worker.health.take_snapshot().lag_records) == {0, 1, 2}, "lags")
        worker.closed(TP(settings.events_topic, 1))
        assert set(worker.health.take_snapshot().lag_records) == {0, 2}


async def test_offsets_that_are_gone_are_counted_where_alerts_look(kafka: str, fresh: Fresh, tmp_path: Path) -> None:
    """The transport tells its owner of every hole, and the worker counts it."""
    settings = await installed(kafka, fresh, tmp_path)
    async with running(settings) as worker:
        await until(lambda: len(worker.owned) == 3, "partitions")
        await worker.app.consumer.heal(TP(settings.events_topic, 0))
        assert b"sla_stream_holes_total 1.0" in generate_latest(worker.registry)
