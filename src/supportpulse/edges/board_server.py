"""The overview as a web page: a few files of our own and a stream of server-sent events, on one port."""

from __future__ import annotations

import asyncio
import errno
import socket
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from importlib import resources
from types import TracebackType
from typing import Self

import uvicorn
from fastapi import FastAPI, Response
from fastapi.responses import StreamingResponse

from supportpulse.edges.board_watch import Stage
from supportpulse.errors import ConfigError

DEFAULT_PORT = 9470
POLL_SECONDS = 0.2
"""How soon an open page hears of a new overview."""
BEAT_SECONDS = 2.0
"""A page hears something at least this often, so it notices when the board itself is gone."""
STOP_SECONDS = 5.0
MOST_CONNECTIONS = 200
PAGE = {
    "/": ("index.html", "text/html"),
    "/board.css": ("board.css", "text/css"),
    "/board.js": ("board.js", "text/javascript"),
    "/plots.js": ("plots.js", "text/javascript"),
    "/icon.svg": ("icon.svg", "image/svg+xml"),
}
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-cache",
}


def application(stage: Stage, runbook: bytes | None = None) -> FastAPI:
    """The page, `/events`, the same numbers once as `/overview.json`, and the page of a runbook as `/runbook`."""
    app = FastAPI(title="supportpulse board", openapi_url=None)

    folder = resources.files("supportpulse.edges") / "board_page"
    for path, (name, kind) in PAGE.items():
        app.add_api_route(path, _file((folder / name).read_bytes(), kind), methods=["GET", "HEAD"])

    if runbook is not None:
        app.add_api_route("/runbook", _file(runbook, "text/html"), methods=["GET", "HEAD"])

    @app.get("/overview.json")
    async def once() -> Response:
        return Response(stage.latest[1], headers=HEADERS, media_type="application/json")

    @app.get("/healthz")
    async def healthy() -> Response:
        return Response(b"{}", headers=HEADERS, media_type="application/json")

    @app.get("/events")
    async def events() -> StreamingResponse:
        return StreamingResponse(stream(stage), headers=HEADERS, media_type="text/event-stream")

    return app


def _file(content: bytes, kind: str) -> Callable[[], Awaitable[Response]]:
    async def answer() -> Response:
        return Response(content, headers=HEADERS, media_type=kind)

    return answer


async def stream(stage: Stage) -> AsyncIterator[bytes]:
    """Each new overview; a browser that reads slowly misses some, and nothing is kept for it."""
    sent, last = -1, 0.0
    yield b"retry: 1000\n\n"
    while not stage.closing:
        number, told = stage.latest
        if number != sent:
            sent, last = number, time.monotonic()
            yield b"data: " + told + b"\n\n"
        elif time.monotonic() - last >= BEAT_SECONDS:
            last = time.monotonic()
            yield b"event: beat\ndata:\n\n"
        await asyncio.sleep(POLL_SECONDS)


class BoardServer:
    """Serves a stage in a thread of its own, for as long as a `with` lasts; port 0 is any free one.

    `runbook` is the page of one, if it is to be served too.

    Raises ConfigError when it cannot listen there.
    """

    def __init__(self, stage: Stage, host: str, port: int, runbook: bytes | None = None) -> None:
        self._stage, self._socket = stage, listening(host, port)
        self.host, self.port = host, int(self._socket.getsockname()[1])
        config = uvicorn.Config(
            application(stage, runbook),
            log_config=None,
            access_log=False,
            lifespan="off",
            ws="none",
            server_header=False,
            limit_concurrency=MOST_CONNECTIONS,
            timeout_graceful_shutdown=1,
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(
            target=self._server.run, args=([self._socket],), name="supportpulse-board", daemon=True
        )

    @property
    def address(self) -> str:
        """Where a browser on this host finds it."""
        host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(self.host, self.host)
        return f"http://{f'[{host}]' if ':' in host and not host.startswith('[') else host}:{self.port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stage.closing = self._server.should_exit = True
        self._thread.join(STOP_SECONDS)
        self._socket.close()

    def wait(self) -> None:
        """Until it ends, which it does not by itself."""
        while self._thread.is_alive():
            self._thread.join(1.0)


def listening(host: str, port: int) -> socket.socket:
    """A socket that takes connections there, so that pages are answered as soon as the server runs."""
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        taken = socket.create_server((host, port), family=family, backlog=128)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise ConfigError(f"{host}:{port} is in use: give another --port, or 0 for any that is free") from None
        raise ConfigError(f"cannot listen on {host}:{port} ({error}): give another --host or --port") from None
    return taken
