"""Two helpdesks that send webhooks to a gateway, for its board: most are taken, some are forged or no event."""

from __future__ import annotations

import contextlib
import json
import random
import tempfile
import threading
import time
import uuid
from datetime import UTC, datetime
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from types import TracebackType
from typing import Self

from supportpulse.edges.gateway.sample import signed
from supportpulse.edges.gateway.server import GatewayServer
from supportpulse.edges.topics import ensure_topics, remove_topics
from supportpulse.settings import Settings

SECRET = "secret-of-the-pictures"
SOURCES = """
[sources.helpdesk]
vendor = "zendesk"
secrets = ["env:SECRET"]
[sources.shop]
vendor = "zendesk"
secrets = ["env:SECRET"]
"""
PER_SECOND = {"helpdesk": 3.0, "shop": 0.8}
FORGED, UNKNOWN = 0.02, 0.01
"""Shares of all deliveries."""
CONNECT_SECONDS = 30


class Webhooks:
    """A gateway on loopback with topics of its own, and deliveries to it, for as long as a `with` lasts."""

    def __init__(self, bootstrap: str) -> None:
        name = f"webhooks-{uuid.uuid4().hex[:8]}"
        self._settings = Settings.from_env({"bootstrap": bootstrap, "app_id": name, "topic_prefix": f"{name}."})
        self._stack = contextlib.ExitStack()
        self._over = threading.Event()
        self._server: GatewayServer | None = None
        self._random = random.Random(1)

    @property
    def target(self) -> str:
        """Its address for Prometheus."""
        assert self._server is not None
        return f"127.0.0.1:{self._server.port}"

    def __enter__(self) -> Self:
        settings = self._settings
        created = ensure_topics(
            settings.bootstrap, partitions=settings.partitions, app_id=settings.app_id,
            topic_prefix=settings.topic_prefix, security=settings.kafka_security(),
        )  # fmt: skip
        self._stack.callback(remove_topics, settings.bootstrap, created, security=settings.kafka_security())
        file = Path(self._stack.enter_context(tempfile.TemporaryDirectory())) / "sources.toml"
        file.write_text(SOURCES, "utf-8")
        self._server = self._stack.enter_context(
            GatewayServer(settings, file, port=0, instance="gateway-1", environ={"SECRET": SECRET})
        )
        deadline = time.monotonic() + CONNECT_SECONDS
        while not self._server.publisher.connected and time.monotonic() < deadline:
            time.sleep(0.1)  # a delivery that is refused meanwhile would hold its source
        for name, rate in PER_SECOND.items():
            thread = threading.Thread(target=self._send, args=(name, rate), daemon=True)
            thread.start()
            self._stack.callback(thread.join)
        self._stack.callback(self._over.set)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def _send(self, name: str, rate: float) -> None:
        assert self._server is not None
        source = self._server.roster.stations[name].source
        number = 0
        while not self._over.wait(self._random.expovariate(rate)):
            number += 1
            kind = "created" if self._random.random() >= UNKNOWN else "frobnicated"
            body = _ticket(kind, str(number))
            path, headers = signed(source, body, time.time(), {})
            if self._random.random() < FORGED:
                body += b" "
            connection = HTTPConnection("127.0.0.1", self._server.port, timeout=10)
            with contextlib.suppress(OSError, HTTPException):
                connection.request("POST", path, body, headers)
                connection.getresponse().read()
            connection.close()


def _ticket(kind: str, ticket: str) -> bytes:
    """An event webhook of Zendesk."""
    time = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
    detail = {"id": ticket, "status": "NEW", "requester_id": "7", "created_at": time, "updated_at": time}
    return json.dumps({
        "type": f"zen:event-type:ticket.{kind}", "id": f"{kind}-{ticket}", "subject": f"zen:ticket:{ticket}",
        "time": time, "event": {}, "detail": detail,
    }).encode()  # fmt: skip
