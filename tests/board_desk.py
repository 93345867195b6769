"""A desk whose /metrics, made by the real collector, stand behind an address that can go and come back."""

from __future__ import annotations

import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from observability.scraped import Scraped
from strategies import MINUTE, policy_of
from supportpulse import exposition
from supportpulse.snapshot import SourceStatus

POLICY = """
name = "desk"
labels = ["rule", "scenario"]
enums.scenario = ["live_show", "overseas"]
waiting = ["30m", "1h"]
waiting_clocks = ["first_response"]
objective = 0.9
[[rules]]
name = "all"
targets = { first_response = "20m", substantive_response = "1h" }
"""


class Desk:
    """Tickets of the last hours, opened and answered as told."""

    def __init__(self) -> None:
        self._scraped = Scraped(policy_of(POLICY), int(time.time() * 1000))
        self._tickets = 0

    def tickets(self, scenario: str, *, answered: int = 0, breached: int = 0) -> None:
        """Opened 50 minutes ago; `answered` at once, `breached` not yet."""
        now = int(time.time() * 1000)
        for late in (False,) * answered + (True,) * breached:
            self._tickets += 1
            ticket, opened = f"T{self._tickets}", now - 50 * MINUTE
            self._scraped.happens("TicketCreated", opened, ticket, scenario=scenario)
            if not late:
                self._scraped.happens("MessagePosted", opened + MINUTE, ticket, by="agent")
            self._scraped.marked(now, ticket)

    def metrics(self, *, stale: bool = False) -> str:
        """What a worker that owns all of it says now."""
        now = int(time.time() * 1000)
        sources = (SourceStatus("desk", "live", now, stale),)
        self._scraped.take(now, owned=(0, 1), topic_partitions=2, sources=sources, lag_records={0: 3, 1: 4})
        return exposition.plain(self._scraped.registry.collect()).decode()


class Served:
    """A text at http://127.0.0.1:port/metrics; `stop` and `start` keep the port."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.asked = 0
        self.hold = threading.Event()
        """Cleared: whoever asks hangs."""
        self.hold.set()
        self._port = 0
        self._server: ThreadingHTTPServer | None = None
        self.start()

    @property
    def url(self) -> str:
        """Of the worker it stands for."""
        return f"http://127.0.0.1:{self._port}"

    def start(self) -> None:
        """Listen (again)."""
        served = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                served.asked += 1
                served.hold.wait(30)
                body = served.text.encode()
                self.send_response(200 if self.path == "/metrics" else 404)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:
                """Nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", self._port), Handler)
        self._server.daemon_threads = True
        self._port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def stop(self) -> None:
        """Refuse connections."""
        self.hold.set()
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None
