"""A gateway on a port: what Zendesk would send it, and what it and a worker say at /metrics."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from datetime import datetime
from http.client import HTTPConnection
from typing import Any
from urllib.request import urlopen

from prometheus_client.parser import text_string_to_metric_families

from stream_feed import until
from supportpulse.edges.gateway.server import GatewayServer
from supportpulse.edges.gateway.signatures import SCHEMES

SECRET = "secret-of-a-test"
SOURCES = """
[sources.desk]
vendor = "zendesk"
secrets = ["env:DESK_SECRET"]
"""
POLICY = """
name = "hour"
labels = ["rule"]
[[rules]]
name = "all"
targets = { first_response = "1h" }
"""


def created(ticket: int, at: datetime) -> bytes:
    """Zendesk's event webhook of a new ticket."""
    time = f"{at:%Y-%m-%dT%H:%M:%SZ}"
    detail = {
        "actor_id": "7", "requester_id": "7", "submitter_id": "7", "created_at": time, "updated_at": time,
        "id": str(ticket), "description": "It stutters", "subject": "Stutter", "status": "NEW", "priority": "HIGH",
        "is_public": True, "tags": [], "via": {"channel": "web_service"}, "group_id": None, "assignee_id": None,
    }  # fmt: skip
    return json.dumps({
        "type": "zen:event-type:ticket.created", "id": f"e-{ticket}", "subject": f"zen:ticket:{ticket}", "time": time,
        "zendesk_event_version": "2022-11-06", "event": {}, "detail": detail,
    }).encode()  # fmt: skip


def post(port: int, body: bytes, headers: Mapping[str, str]) -> tuple[int, dict[str, Any]]:
    """One request of its own connection."""
    connection = HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request("POST", "/webhooks/desk", body, dict(headers))
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())
    finally:
        connection.close()


def signed(port: int, body: bytes, secret: str = SECRET) -> tuple[int, dict[str, Any]]:
    """The same, as Zendesk signs."""
    return post(port, body, SCHEMES["zendesk"].headers(secret.encode(), body, time.time()))


def samples(address: str) -> dict[tuple[str, ...], float]:
    """What /metrics say: (name, label values by name) -> value."""
    text = urlopen(f"{address}/metrics", timeout=10).read().decode()
    return {
        (sample.name, *(f"{key}={value}" for key, value in sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


async def is_ready(server: GatewayServer) -> None:
    """Wait until it has Kafka's acknowledgement of its first heartbeats."""
    await until(lambda: server.publisher.connected and server.publisher.acknowledged, "the gateway reaches Kafka")
