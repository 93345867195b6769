"""Signed HTTP requests to a running gateway, through a real Kafka and a worker, to /metrics."""

from __future__ import annotations

import asyncio
import json
import time
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from click.testing import CliRunner

from fresh import Fresh
from gateway_http import POLICY, SECRET, SOURCES, created, is_ready, samples, signed
from stream_feed import installed, running
from streams.app import expose
from supportpulse.commands import webhook
from supportpulse.edges.gateway.server import GatewayServer
from supportpulse.settings import Settings

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(120)]


async def letters_of(settings: Settings) -> list[Any]:
    """All dead letters."""
    consumer = AIOKafkaConsumer(bootstrap_servers=settings.bootstrap, auto_offset_reset="earliest")
    await consumer.start()
    try:
        parts = [TopicPartition(settings.deadletter_topic, number) for number in range(settings.partitions)]
        consumer.assign(parts)
        await consumer.seek_to_beginning()
        ends, found = await consumer.end_offsets(parts), []
        while any([await consumer.position(part) < ends[part] for part in parts]):
            for records in (await consumer.getmany(timeout_ms=500)).values():
                found += records
        return found
    finally:
        await consumer.stop()


async def test_signed_webhooks_become_clocks_on_metrics(
    kafka: str, fresh: Fresh, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A delivery, its retry, one of another secret, an unknown one, and the sample an admin sends by hand."""
    monkeypatch.setenv("DESK_SECRET", SECRET)
    policy, sources, payload = tmp_path / "policy.toml", tmp_path / "sources.toml", tmp_path / "sample.json"
    policy.write_text(POLICY, "utf-8")
    sources.write_text(SOURCES, "utf-8")
    settings = await installed(kafka, fresh, tmp_path, policy=policy)
    now = datetime.now(UTC)
    payload.write_bytes(created(2, now - timedelta(minutes=5)))
    with GatewayServer(settings, sources, port=0, instance="gateway-1", beat_seconds=0.5) as server:
        await is_ready(server)
        body = created(1, now - timedelta(minutes=5))
        for _ in range(2):
            assert await asyncio.to_thread(signed, server.port, body) == (200, {"events": 1})
        assert (await asyncio.to_thread(signed, server.port, body, "another-secret"))[0] == 401
        unknown = b'{"type":"zen:event-type:ticket.sang"}'
        assert (await asyncio.to_thread(signed, server.port, unknown))[0] == 202
        sent = await asyncio.to_thread(
            CliRunner().invoke,
            webhook.command,
            ["desk", str(payload), "--sources", str(sources), "--url", server.address],
        )
        assert (sent.exit_code, sent.output[:4]) == (0, "200 "), sent.output
        assert '{"events":1}' in sent.output
        assert urlopen(f"{server.address}/readyz", timeout=10).status == 200
        ours = await asyncio.to_thread(samples, server.address)
        assert ours[("sla_gateway_received_total", "source=desk")] == 5
        assert ours[("sla_gateway_events_total", "source=desk")] == 3
        assert ours[("sla_gateway_rejected_total", "reason=signature", "source=desk")] == 1
        async with running(settings) as worker:
            exposer = expose(worker, asyncio.get_running_loop())
            address = f"http://127.0.0.1:{exposer.port}"
            opened = ("sla_clocks_open", "clock=first_response", "rule=all")
            theirs: dict[tuple[str, ...], float] = {}

            async def look() -> bool:
                theirs.update(await asyncio.to_thread(samples, address))
                return theirs.get(opened) == 2

            deadline = time.monotonic() + 30
            while not await look():
                assert time.monotonic() < deadline, theirs.get(opened)
                await asyncio.sleep(0.1)
            assert theirs[("sla_events_duplicate_total",)] == 1
            assert theirs[("sla_source_stale", "mode=live", "source=desk")] == 0
            await asyncio.to_thread(exposer.stop)
    (letter,) = await letters_of(settings)
    assert letter.value == unknown
    assert dict(letter.headers)["supportpulse-source"] == b"desk"


async def test_without_kafka_the_gateway_serves_and_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It starts before Kafka does: 503 with Retry-After, never a success."""
    monkeypatch.setenv("DESK_SECRET", SECRET)
    sources = tmp_path / "sources.toml"
    sources.write_text(SOURCES, "utf-8")
    settings = Settings.from_env({"bootstrap": "127.0.0.1:9"}, {})
    with GatewayServer(settings, sources, port=0) as server:
        body = created(1, datetime.now(UTC))
        assert (await asyncio.to_thread(signed, server.port, body))[0] == 503
        connection = HTTPConnection("127.0.0.1", server.port, timeout=10)
        connection.request("GET", "/readyz")
        ready = connection.getresponse()
        assert ready.status == 503
        assert json.loads(ready.read())["acknowledged_seconds_ago"] is None
        connection.close()
        assert server.roster.stations["desk"].flight.watermark(time.time()) is None
