"""The gateway's HTTP application."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import msgspec
from fastapi import FastAPI, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from supportpulse import __version__
from supportpulse.edges.gateway.beats import beat_on
from supportpulse.edges.gateway.intake import Intake
from supportpulse.edges.gateway.measures import Measures
from supportpulse.edges.gateway.publisher import Publisher, Publishes
from supportpulse.edges.gateway.room import Room
from supportpulse.edges.gateway.roster import Roster
from supportpulse.edges.pulse import BEAT_SECONDS

QUIET_SECONDS = 60.0
"""Heartbeats are acknowledged every few seconds: longer without one, and Kafka is as good as gone."""
WEBHOOK = re.compile("/webhooks/(?P<source>[^/]+)(?:/(?P<token>[^/]+))?")
METRICS_MEDIA = "text/plain; version=0.0.4; charset=utf-8"
ANSWERS: dict[int | str, dict[str, str]] = {
    200: {"description": "Taken: Kafka has acknowledged every event (`events` may be 0: nothing of interest)."},
    202: {"description": "Authentic, but unknown: kept as a dead letter, and Kafka has acknowledged it."},
    400: {"description": "No JSON; kept as a dead letter if it was authentic."},
    401: {"description": "Wrong signature or token, or signed too long ago."},
    404: {"description": "No such source."},
    408: {"description": "The body came too slowly."},
    413: {"description": "Larger than the source takes, packed or unpacked."},
    415: {"description": "A content-encoding other than gzip or deflate."},
    429: {"description": "More deliveries than the source may send; see Retry-After."},
    503: {"description": "Kafka did not acknowledge in time, or too much is going on; see Retry-After."},
}


@dataclass
class Gateway:
    """What the application is made of."""

    roster: Roster
    publisher: Publishes
    measures: Measures
    room: Room
    events_topic: str
    letters_topic: str
    instance: str
    beat_seconds: float = BEAT_SECONDS


def application(gateway: Gateway) -> FastAPI:
    """The endpoints; while it is served, heartbeats are sent and the configuration is followed."""
    measures, publisher = gateway.measures, gateway.publisher
    intake = Intake(
        gateway.roster, publisher, gateway.room, measures, events=gateway.events_topic, letters=gateway.letters_topic
    )
    kafka = publisher if isinstance(publisher, Publisher) else None

    @asynccontextmanager
    async def running(_: FastAPI) -> AsyncIterator[None]:
        if kafka is not None:
            await kafka.start()
        beating = asyncio.create_task(
            beat_on(
                gateway.roster, publisher, gateway.events_topic, gateway.instance, measures, gateway.beat_seconds
            )
        )  # fmt: skip
        try:
            yield
        finally:
            beating.cancel()
            await asyncio.wait({beating})
            if kafka is not None:
                await kafka.stop()

    if kafka is not None:
        measures.watch(lambda: gateway.room.deliveries, lambda: kafka.connected, lambda: kafka.acknowledged)
    webhooks = Webhooks(intake)
    app = Application(
        webhooks,
        title="supportpulse gateway",
        version=__version__,
        summary="Helpdesks' webhooks in, canonical events out.",
        lifespan=running,
    )

    app.router.routes.insert(0, Route("/webhooks/{source}", webhooks, methods=["POST"]))
    app.router.routes.insert(1, Route("/webhooks/{source}/{token}", webhooks, methods=["POST"]))
    app.add_api_route("/webhooks/{source}", signed, methods=["POST"], responses=ANSWERS, response_class=Response)
    app.add_api_route(
        "/webhooks/{source}/{token}", secret, methods=["POST"], responses=ANSWERS, response_class=Response
    )

    @app.get("/healthz")
    async def healthy() -> Response:
        """The process answers."""
        return Response(b"{}", media_type="application/json")

    @app.get("/readyz", responses={503: {"description": "Kafka does not acknowledge."}})
    async def ready() -> Response:
        """Whether a delivery would be taken now."""
        if kafka is None:
            return Response(b"{}", media_type="application/json")
        age = time.time() - kafka.acknowledged if kafka.acknowledged else None
        is_ready = kafka.connected and age is not None and age <= QUIET_SECONDS
        told = {"kafka": kafka.trouble or ("connected" if is_ready else "silent"), "acknowledged_seconds_ago": age}
        return Response(msgspec.json.encode(told), 200 if is_ready else 503, media_type="application/json")

    @app.get("/metrics")
    async def metrics() -> Response:
        """Counters of this gateway, for Prometheus."""
        return Response(measures.text(), media_type=METRICS_MEDIA)

    return app


class Application(FastAPI):
    """FastAPI, which webhooks do not pass through: its layers cost a tenth of a delivery, and do nothing for it."""

    def __init__(self, webhooks: Webhooks, **told: Any) -> None:
        super().__init__(**told)
        self._webhooks = webhooks

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] == "http" and scope["method"] == "POST" and (found := WEBHOOK.fullmatch(scope["path"])):
            scope["path_params"] = found.groupdict("")
            await self._webhooks(scope, receive, send)
        else:
            await super().__call__(scope, receive, send)


class Webhooks:
    """The webhooks' routes as plain ASGI: what FastAPI does for a route costs as much as all that is done here."""

    def __init__(self, intake: Intake) -> None:
        self._intake = intake

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        path = scope["path_params"]
        answer = await self._intake.take(path["source"], path.get("token", ""), scope["headers"], receive)
        headers = [(b"content-type", answer.media), (b"content-length", b"%d" % len(answer.body))]
        if answer.retry_after:
            headers.append((b"retry-after", b"%d" % answer.retry_after))
        await send({"type": "http.response.start", "status": answer.code, "headers": headers})
        await send({"type": "http.response.body", "body": answer.body})


def signed(source: str) -> None:
    """A webhook of a source, signed as its vendor signs, or with a secret token in a header."""


def secret(source: str, token: str) -> None:
    """A webhook of a vendor that signs nothing: the secret token is the end of the path."""
