"""The worker's window: /metrics, /tickets and /healthz, answered in threads of their own.

/metrics and /healthz read the snapshot only, so they answer while the event loop is busy. /tickets asks the loop.
"""

from __future__ import annotations

import asyncio
import errno
import gzip
import heapq
import json
import socket
from collections.abc import Callable, Iterable, Mapping
from socketserver import ThreadingMixIn
from threading import Thread
from typing import Any
from urllib.parse import parse_qs
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

from mode import get_logger
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, choose_encoder
from prometheus_client.openmetrics.exposition import CONTENT_TYPE_LATEST as OPEN_METRICS_TYPE

from supportpulse import exposition
from supportpulse.errors import ConfigError
from supportpulse.policy import Policy
from supportpulse.query import Finder, Hit, Query
from supportpulse.snapshot import Snapshot
from supportpulse.ticket import Plans

logger = get_logger(__name__)

CHUNK = 2000
"""Headers read before the event loop gets its turn."""
CLIENT_TIMEOUT_SECONDS = 10
POLL_SECONDS = 0.1
"""How soon the server notices that it shall stop."""
SWEEP_STALLED_MS = 120_000
SNAPSHOT_OLD_MS = 30_000
CHECKPOINT_OLD_MS = 60_000

Found = dict[str, Any]
"""{"total": clocks that answer, "tickets": the oldest of them}."""
Responder = Callable[[str, list[tuple[str, str]]], object]


async def find_tickets(stores: Mapping[int, Mapping[bytes, bytes]], plans: Plans, query: Query) -> Found:
    """Scan the tickets of the owned partitions (partition -> key -> value), in chunks that let the loop run on."""
    finder = Finder(query, plans)
    oldest: list[tuple[Hit, int]] = []
    total = 0
    for partition, store in list(stores.items()):
        keys = [key for key in store if b"|" in key]  # of tickets, and not of the policy, the scale or a source
        for at in range(0, len(keys), CHUNK):
            found: list[tuple[Hit, int]] = []
            for key in keys[at : at + CHUNK]:
                value = store.get(key)
                if value is not None:
                    found += [(hit, partition) for hit in finder.hits(key, value)]
            if found:
                total += len(found)
                oldest = heapq.nsmallest(query.limit, oldest + found)
            await asyncio.sleep(0)
    rows = []
    for at, (hit, partition) in enumerate(oldest):
        value = stores.get(partition, {}).get(hit.key)
        row = None if value is None else finder.row(hit, value)
        if row is not None:
            rows.append(row)
        if at % 100 == 99:
            await asyncio.sleep(0)
    return {"total": total, "tickets": rows}


def unwell(snapshot: Snapshot, now: int) -> list[str]:
    """Why a worker should get no trust at `now` (ms); empty if it is well."""
    found = []
    if snapshot.recovering:
        found.append("recovering: state is being restored from the changelogs")
    if (age := now - snapshot.taken_ms) > SNAPSHOT_OLD_MS:
        found.append(f"stuck: the last snapshot is {age // 1000} s old")
    elif not snapshot.recovering and (age := snapshot.taken_ms - snapshot.swept_ms) > SWEEP_STALLED_MS:
        found.append(f"sweep: deadlines were last looked at {age // 1000} s ago")
    committed = snapshot.committed_ms
    if snapshot.owned and not snapshot.recovering and 0 <= committed < snapshot.taken_ms - CHECKPOINT_OLD_MS:
        found.append(
            f"checkpoint: the last one that succeeded was {(snapshot.taken_ms - committed) // 1000} s ago; what was "
            "processed since is processed again after a restart (see the worker's log)"
        )
    return found


class Exposer:
    """The HTTP server of one worker. Raises `ConfigError` if it cannot listen; `port` is the one it listens on.

    `find` is called in a thread of the server and may block; `now` is the worker's clock in ms.
    """

    def __init__(
        self,
        host: str,
        port: int,
        *,
        registry: CollectorRegistry,
        snapshot: Callable[[], Snapshot],
        policy: Policy,
        find: Callable[[Query], Found],
        now: Callable[[], int],
    ) -> None:
        self._registry, self._snapshot, self._policy, self._find, self._now = registry, snapshot, policy, find, now
        self._server = _listen(host, port)
        self._server.set_app(self)
        self.port = self._server.server_port
        self._thread = Thread(target=self._server.serve_forever, args=(POLL_SECONDS,), daemon=True, name="expose")
        self._thread.start()

    def stop(self) -> None:
        """Answer no more and free the port; returns within a moment."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def __call__(self, environ: dict[str, Any], respond: Responder) -> Iterable[bytes]:
        """WSGI: one request."""
        path = environ["PATH_INFO"]
        if environ["REQUEST_METHOD"] != "GET":
            return _answer(respond, "405 Method Not Allowed", {"error": "valid: GET"})
        if path == "/metrics":
            return self._metrics(environ, respond)
        if path == "/tickets":
            return self._tickets(environ, respond)
        if path == "/healthz":
            reasons = unwell(self._snapshot(), self._now())
            return _answer(respond, "503 Service Unavailable" if reasons else "200 OK", {"reasons": reasons})
        return _answer(respond, "404 Not Found", {"error": f"{path}: valid: /metrics, /tickets, /healthz"})

    def _metrics(self, environ: dict[str, Any], respond: Responder) -> Iterable[bytes]:
        _, kind = choose_encoder(environ.get("HTTP_ACCEPT", ""))
        families = self._registry.collect()
        openly = kind.startswith("application/openmetrics-text")
        body = exposition.open_metrics(families) if openly else exposition.plain(families)
        headers = [("Content-Type", OPEN_METRICS_TYPE if openly else CONTENT_TYPE_PLAIN_0_0_4)]
        if "gzip" in environ.get("HTTP_ACCEPT_ENCODING", ""):
            body = gzip.compress(body, compresslevel=1)
            headers.append(("Content-Encoding", "gzip"))
        respond("200 OK", [*headers, ("Content-Length", str(len(body)))])
        return [body]

    def _tickets(self, environ: dict[str, Any], respond: Responder) -> Iterable[bytes]:
        parameters = parse_qs(environ.get("QUERY_STRING", ""), keep_blank_values=True)
        try:
            query = Query.parse(parameters, self._policy, self._now())
        except ConfigError as error:
            return _answer(respond, "400 Bad Request", {"error": str(error)})
        try:
            found = self._find(query)
        except Exception as error:
            logger.exception("/tickets failed")
            return _answer(respond, "503 Service Unavailable", {"error": f"not now: {type(error).__name__}"})
        return _answer(respond, "200 OK", {"state": query.state, **found})


def _answer(respond: Responder, status: str, content: dict[str, Any]) -> list[bytes]:
    body = json.dumps(content, ensure_ascii=False).encode() + b"\n"
    respond(status, [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
    return [body]


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class _Server6(_Server):
    address_family = socket.AF_INET6


class _Handler(WSGIRequestHandler):
    timeout = CLIENT_TIMEOUT_SECONDS

    def log_message(self, format: str, *args: object) -> None:
        """A scrape every few seconds is no news."""


def _listen(host: str, port: int) -> WSGIServer:
    try:
        return (_Server6 if ":" in host else _Server)((host, port), _Handler)
    except OSError as error:
        where = f"{host}:{port}"
        if error.errno == errno.EADDRINUSE:
            text = f"{where} is in use: stop what listens there, or set SUPPORTPULSE_METRICS_PORT (0 = any free port)"
        elif error.errno == errno.EACCES:
            text = f"{where}: no permission: set SUPPORTPULSE_METRICS_PORT to 1024 or more"
        else:
            text = f"{where}: {error.strerror or error}: set SUPPORTPULSE_METRICS_HOST to an address of this host"
        raise ConfigError(text) from None
