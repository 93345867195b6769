"""A gateway in memory: a sources file, an adapter of a vendor that does not exist, and a Kafka that remembers."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from asgi import Answered, post
from supportpulse.edges.adapters.adapter import Delivery, Unknown, Update
from supportpulse.edges.gateway import vendors
from supportpulse.edges.gateway.application import Gateway, application
from supportpulse.edges.gateway.measures import Measures
from supportpulse.edges.gateway.publisher import Message
from supportpulse.edges.gateway.room import Room
from supportpulse.edges.gateway.roster import Roster
from supportpulse.edges.gateway.signatures import SCHEMES
from supportpulse.errors import BrokerUnavailable
from supportpulse.events import TicketCreated, TicketEvent

SECRET, OLD, TOKEN = "marker-secret-one", "marker-secret-two", "marker-token-0123456789"
ENVIRON = {"ONE": SECRET, "TWO": OLD, "TOKEN": TOKEN}
SOURCES = """
[sources.code]
vendor = "github"
secrets = ["env:ONE", "env:TWO"]
max_body_bytes = 20_000
answer_seconds = 0.3
retry_seconds = 60

[sources.desk]
vendor = "zendesk"
secrets = ["env:ONE"]

[sources.fresh]
vendor = "freshdesk"
secrets = ["env:TOKEN"]

[sources.slow]
vendor = "github"
secrets = ["env:ONE"]
rate_per_second = 0.001
burst = 2
retry_seconds = 60
"""
AT = datetime(2026, 3, 1, 12, tzinfo=UTC)


def adapt(delivery: Delivery) -> list[TicketEvent]:
    """`{"ticket": id, "events": n}` -> n events; `ping` -> none; anything else is not known."""
    payload = delivery.payload
    if not isinstance(payload, dict):
        raise Unknown("shape", f"body: found {type(payload).__name__}; valid: an object")
    if "crash" in payload:
        raise KeyError(payload["crash"])
    if "ping" in payload:
        return []
    if not isinstance(payload.get("ticket"), str):
        raise Unknown("unknown_event", "no ticket")
    update = Update(delivery.source, payload["ticket"][:200] or "-", AT, f"fake/{payload['ticket'][:50]}")
    return [update.event(TicketCreated, f"c{number}") for number in range(min(payload.get("events", 1), 5))]


@pytest.fixture
def fake_vendors(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every vendor has the adapter above."""
    monkeypatch.setattr(vendors, "module", lambda vendor: SimpleNamespace(adapt=adapt))
    monkeypatch.setattr("supportpulse.edges.gateway.sources.available", lambda: list(vendors.VENDORS))


class Recorder:
    """Remembers what is published; `gate` holds acknowledgements back, `down` refuses them."""

    partitions = 2

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self.down = False
        self.gate: Any = None

    async def publish(self, messages: Sequence[Message]) -> None:
        """As Kafka would acknowledge."""
        if self.gate is not None:
            await self.gate.wait()
        if self.down:
            raise BrokerUnavailable("down")
        self.messages += messages

    @property
    def events(self) -> list[dict[str, Any]]:
        """What went to the events topic."""
        return [json.loads(one.value) for one in self.messages if one.topic == "events"]

    @property
    def letters(self) -> list[Message]:
        """What went to the dead letters."""
        return [one for one in self.messages if one.topic == "letters"]


class Desk:
    """An application around a recorder."""

    def __init__(self, folder: Path, sources: str = SOURCES, room: Room | None = None) -> None:
        self.file = folder / "sources.toml"
        self.file.write_text(sources, "utf-8")
        self.measures, self.kafka, self.room = Measures(), Recorder(), room or Room()
        self.roster = Roster(self.file, self.measures, ENVIRON)
        gateway = Gateway(self.roster, self.kafka, self.measures, self.room, "events", "letters", "one")
        self.app = application(gateway)

    async def signed(
        self, source: str, body: bytes, *, secret: str = SECRET, chunks: Sequence[bytes] | None = None,
        at: float | None = None, **headers: str,
    ) -> Answered:  # fmt: skip
        """A delivery as the vendor of a source would send it."""
        scheme = SCHEMES[self.roster.stations[source].source.vendor]
        told = scheme.headers(secret.encode(), body, time.time() if at is None else at)
        return await post(self.app, f"/webhooks/{source}", chunks or body, {**told, **headers})

    def sample(self, family: str, **labels: str) -> float:
        """A value of /metrics; 0 if it is not there."""
        return self.measures.registry.get_sample_value(family, labels) or 0.0
