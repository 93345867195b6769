"""A broker is killed for half a minute while webhooks come: what was accepted is there, and counts once."""

from __future__ import annotations

import asyncio
import random
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from fresh import Fresh
from gateway_http import POLICY, SECRET, SOURCES, created, is_ready, samples, signed
from stream_check import check
from stream_feed import installed, running, until
from stream_log import drained
from streams.app import expose
from supportpulse.edges.broker import Broker
from supportpulse.edges.gateway.server import GatewayServer
from supportpulse.events import TicketCreated

pytestmark = [pytest.mark.kafka, pytest.mark.slow, pytest.mark.timeout(240)]

OUTAGE_SECONDS, CLIENTS = 30.0, 8


async def test_no_accepted_event_is_lost_and_none_counts_twice(
    own_broker: Broker, fresh: Fresh, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The vendor repeats what was answered with 503, and some of what was not; the worker counts each ticket once."""
    monkeypatch.setenv("DESK_SECRET", SECRET)
    policy, sources = tmp_path / "policy.toml", tmp_path / "sources.toml"
    policy.write_text(POLICY, "utf-8")
    sources.write_text(SOURCES + "answer_seconds = 1.5\n", "utf-8")
    settings = await installed(own_broker.bootstrap, fresh, tmp_path, policy=policy)
    rng, over, accepted, refused = random.Random(5), asyncio.Event(), set[int](), 0
    numbers = iter(range(1, 1_000_000))

    async def deliver(port: int, body: bytes) -> None:
        nonlocal refused
        while (code := (await asyncio.to_thread(signed, port, body))[0]) != 200:
            assert code == 503, code
            refused += 1
            await asyncio.sleep(0.3)

    async def vendor(port: int) -> None:
        while not over.is_set():
            ticket = next(numbers)
            body = created(ticket, datetime.now(UTC) - timedelta(minutes=1))
            await deliver(port, body)
            accepted.add(ticket)
            if rng.random() < 0.1:
                await deliver(port, body)
            await asyncio.sleep(0.02)

    async with running(settings) as worker:
        exposer = expose(worker, asyncio.get_running_loop())
        with GatewayServer(settings, sources, port=0, instance="gateway-1", beat_seconds=0.5) as server:
            await is_ready(server)
            flight = server.roster.stations["desk"].flight
            clients = [asyncio.create_task(vendor(server.port)) for _ in range(CLIENTS)]
            await until(lambda: len(accepted) > 100, "some deliveries taken")
            await asyncio.to_thread(own_broker.kill)
            await asyncio.sleep(OUTAGE_SECONDS)
            assert refused > 50, "nothing was refused while Kafka was away"
            assert flight.watermark(time.time()) is None, "promised what it refused"
            before = len(accepted)
            await asyncio.to_thread(own_broker.restart)
            await until(lambda: len(accepted) > before + 100, "deliveries taken again", 60)
            over.set()
            await asyncio.gather(*clients)
            assert flight.watermark(time.time()) is not None, "held although all came again"
        log = await drained(settings, 60)
        metrics = await asyncio.to_thread(samples, f"http://127.0.0.1:{exposer.port}")
        await asyncio.to_thread(exposer.stop)
        assert worker.fatal is None
    check(log)
    told = [event for event in log.events.values() if isinstance(event, TicketCreated)]
    assert {int(event.ticket_id) for event in told} == accepted
    assert len(told) > len(accepted), "no delivery was repeated"
    assert metrics[("sla_clocks_open", "clock=first_response", "rule=all")] == len(accepted)
    assert metrics[("sla_clocks_started_total", "clock=first_response", "rule=all")] == len(accepted)
    assert metrics[("sla_events_duplicate_total",)] == len(told) - len(accepted)
