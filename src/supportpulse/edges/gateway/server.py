"""The gateway as a process: a port, signals, and the lines that tell whoever started it what to do next."""

from __future__ import annotations

import asyncio
import gc
import signal
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

import uvicorn

from supportpulse.edges.board_server import listening
from supportpulse.edges.gateway.application import Gateway, application
from supportpulse.edges.gateway.measures import Measures
from supportpulse.edges.gateway.publisher import Publisher
from supportpulse.edges.gateway.room import Room
from supportpulse.edges.gateway.roster import Roster
from supportpulse.edges.pulse import BEAT_SECONDS, default_instance
from supportpulse.settings import Settings

DEFAULT_PORT = 9466
STOP_SECONDS = 10.0


class GatewayServer:
    """Serves webhooks: `run` in this thread until a signal, or in one of its own for as long as a `with` lasts.

    Raises `DeclarationError` for a sources file in error, `ConfigError` when it cannot listen. Kafka need not be there
    yet: until it is, deliveries are answered with 503.
    """

    def __init__(
        self,
        settings: Settings,
        sources: Path,
        *,
        host: str = "127.0.0.1",
        port: int = DEFAULT_PORT,
        instance: str | None = None,
        environ: Mapping[str, str] | None = None,
        beat_seconds: float = BEAT_SECONDS,
        room: Room | None = None,
    ) -> None:
        measures = Measures()
        self.roster = Roster(sources, measures, environ)
        self._socket = listening(host, port)
        self.host, self.port = host, int(self._socket.getsockname()[1])
        self.instance = instance or f"gateway-{default_instance()}-{port}"[:100]
        self.publisher = Publisher(settings)
        self.gateway = Gateway(
            self.roster,
            self.publisher,
            measures,
            room or Room(),
            settings.events_topic,
            settings.deadletter_topic,
            self.instance,
            beat_seconds,
        )
        config = uvicorn.Config(
            application(self.gateway),
            log_config=None,
            access_log=False,  # a path may hold a token
            lifespan="on",
            ws="none",
            proxy_headers=False,
            server_header=False,
            timeout_graceful_shutdown=int(STOP_SECONDS),
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._serve, name="supportpulse-gateway", daemon=True)

    @property
    def address(self) -> str:
        """Where this host finds it."""
        host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(self.host, self.host)
        return f"http://{f'[{host}]' if ':' in host and not host.startswith('[') else host}:{self.port}"

    def lines(self) -> Iterator[str]:
        """What to say at the start."""
        yield f"gateway: {self.address}/docs"
        for name, station in self.roster.stations.items():
            source = station.source
            known = f"signed in {source.scheme.header}" if source.scheme else f"/TOKEN, or {source.token_header}"
            secrets = f"{len(source.secrets)} secret{'s' if len(source.secrets) > 1 else ''}"
            yield f"  POST {self.address}/webhooks/{name}  ({source.vendor}, {known}, {secrets})"
        graces = ",".join(f"{name}={station.source.grace_seconds:g}" for name, station in self.roster.stations.items())
        yield f"heartbeats as instance {self.instance}: give it a lasting name by --instance"
        yield f"set for the workers: SUPPORTPULSE_DECISION_GRACE_SECONDS={graces}"

    def run(self) -> None:
        """Serve until SIGINT or SIGTERM; SIGHUP reads the sources anew."""
        gc.collect()
        gc.freeze()  # what is loaded now stays: not to be looked through again and again while deliveries come
        self._serve()

    def _serve(self) -> None:
        asyncio.run(self._serving())

    async def _serving(self) -> None:
        if threading.current_thread() is threading.main_thread():
            asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, lambda: self.roster.follow(always=True))
        await self._server.serve([self._socket])

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.should_exit = True
        self._thread.join(2 * STOP_SECONDS)
        self._socket.close()
