"""The HTTP server that Grafana's or Alertmanager's webhook calls."""

from __future__ import annotations

import errno
import json
import logging
import queue
import socket
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from supportpulse.errors import ConfigError
from supportpulse.notification import Alert, parse

logger = logging.getLogger(__name__)

MAX_BODY = 1 << 20
"""Bytes of one notification; more is refused unread."""
CLIENT_TIMEOUT_SECONDS = 10
QUEUE_SIZE = 10_000
"""Notifications that wait for whoever reads `received`; beyond that the sender is told to try again."""
ALERTS_PATH, HEARTBEAT_PATH, HEALTH_PATH = "/", "/heartbeat", "/healthz"


class Webhook:
    """Receives notifications in threads of its own; `received` has each call's alerts, in the order they came.

    Raises `ConfigError` if it cannot listen; `port` is the one it listens on. A call to /heartbeat is only remembered:
    it is the alert that always fires, and its absence is the news.
    """

    def __init__(self, host: str, port: int) -> None:
        self.received: queue.Queue[list[Alert]] = queue.Queue(QUEUE_SIZE)
        self._count, self._beat = 0, 0.0
        self._server = _listen(host, port)
        self._server.webhook = self
        self.port = int(self._server.server_address[1])
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.1,), daemon=True, name="webhook")
        self._thread.start()

    def stop(self) -> None:
        """Answer no more and free the port."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def accept(self, path: str, body: bytes) -> tuple[int, dict[str, Any]]:
        """The answer to a POST: status and content."""
        if path not in (ALERTS_PATH, HEARTBEAT_PATH):
            return 404, {"error": f"{path}: valid: POST {ALERTS_PATH} or {HEARTBEAT_PATH}, GET {HEALTH_PATH}"}
        try:
            alerts = parse(body)
        except ConfigError as error:
            return 400, {"error": str(error)}
        if path == HEARTBEAT_PATH:
            self._beat = time.monotonic()
            return 200, {"alerts": len(alerts)}
        try:
            self.received.put_nowait(alerts)
        except queue.Full:
            return 503, {"error": f"{QUEUE_SIZE} notifications are waiting to be printed"}
        self._count += len(alerts)
        return 200, {"alerts": len(alerts)}

    def health(self) -> dict[str, Any]:
        """What has come so far: the number of alerts, and seconds since the last heartbeat (None = never)."""
        ago = round(time.monotonic() - self._beat, 1) if self._beat else None
        return {"alerts": self._count, "heartbeat_seconds_ago": ago}


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    timeout = CLIENT_TIMEOUT_SECONDS

    def do_GET(self) -> None:
        if self._path() == HEALTH_PATH:
            self._answer(200, self.server.webhook.health())
        else:
            self._answer(404, {"error": f"valid: POST {ALERTS_PATH} or {HEARTBEAT_PATH}, GET {HEALTH_PATH}"})

    def do_POST(self) -> None:
        length = self.headers.get("Content-Length", "")
        if not (length.isascii() and length.isdigit()):
            return self._answer(411, {"error": f"Content-Length: found {length!r}; valid: a number of bytes"})
        if len(length) > 12 or int(length) > MAX_BODY:
            return self._answer(413, {"error": f"Content-Length: found {length}; valid: at most {MAX_BODY} bytes"})
        body = self.rfile.read(int(length))
        if len(body) < int(length):
            return self._answer(400, {"error": f"body: found {len(body)} bytes of {length}"})
        return self._answer(*self.server.webhook.accept(self._path(), body))

    def _path(self) -> str:
        return self.path.partition("?")[0]

    def _answer(self, status: int, content: dict[str, Any]) -> None:
        body = json.dumps(content).encode() + b"\n"
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)
        if status >= 400:
            logger.warning("%s: answered %d: %s", self.client_address[0], status, json.dumps(content["error"]))

    def log_message(self, format: str, *arguments: object) -> None:
        """A request answered is no news."""


class _Server(ThreadingHTTPServer):
    webhook: Webhook
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """A caller that went away: one line, and on."""
        logger.warning("%s: %s", client_address, sys.exc_info()[1])


class _Server6(_Server):
    address_family = socket.AF_INET6


def _listen(host: str, port: int) -> _Server:
    try:
        return (_Server6 if ":" in host else _Server)((host, port), _Handler)
    except OSError as error:
        why = "it is in use" if error.errno == errno.EADDRINUSE else error.strerror or str(error)
        raise ConfigError(
            f"--host {host} --port {port}: cannot listen: {why}; valid: an address of this host and a port that is "
            "free (0 = any)"
        ) from None
