"""A worker's /metrics that follow a script, for a Prometheus to scrape: no Kafka and no tickets, numbers over time."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from supportpulse.names import BASELINE_WINDOWS, WINDOWS_SECONDS, Metric

Lines = list[str]
Script = Callable[[float, Lines], bool]
"""Appends lines of an exposition for so many seconds after the start; False: it does not answer then."""


class ScriptedWorker:
    """Listens on loopback at `port` while the block lasts; `began` is when its script starts (monotonic seconds)."""

    def __init__(self, script: Script, began: float) -> None:
        self._script, self._began = script, began
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.port = int(self._server.server_address[1])
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    def __enter__(self) -> ScriptedWorker:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        script, began = self._script, self._began

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                lines: Lines = []
                answers = script(time.monotonic() - began, lines)
                body = "".join(f"{line}\n" for line in lines).encode() if answers else b""
                self.send_response(200 if answers else 503)
                self.send_header("Content-Type", "text/plain; version=0.0.4")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:
                pass

        return Handler


def line(name: str, value: float, **labels: str) -> str:
    """One sample."""
    inner = ",".join(f'{key}="{text}"' for key, text in labels.items())
    return f"{name}{{{inner}}} {value:g}" if inner else f"{name} {value:.3f}"


def clock(lines: Lines, name: str, breached: int, scenario: str = "live_show") -> None:
    """One clock of one rule: 60 closed in each window, `breached` of them in the last hour, one in longer windows.

    Before, one in twenty did; the objective is 90 %.
    """
    labels = {"clock": name, "rule": "live", "scenario": scenario}
    for window in WINDOWS_SECONDS:
        bad = breached if window == "1h" else 1
        for outcome, count in (("breached", bad), ("met", 60 - bad), ("started", 60), ("at_risk", 0)):
            lines.append(line(Metric.WINDOW_CLOCKS, count, window=window, **labels, outcome=outcome))
    for window in BASELINE_WINDOWS:
        for outcome, count in (("breached", 12), ("met", 228), ("started", 240), ("at_risk", 0)):
            lines.append(line(Metric.WINDOW_BASELINE_CLOCKS, count, window=window, **labels, outcome=outcome))
    lines.append(line(Metric.CLOCKS_OPEN, 5, **labels))
    lines.append(line(Metric.OBJECTIVE, 0.9, clock=name, rule="live"))


def health(lines: Lines, swept_ago: float = 0) -> None:
    """A worker that owns two of the topic's four partitions."""
    now = time.time()
    lines.append(line(Metric.WORKER_PARTITIONS, 2))
    lines.append(line(Metric.TOPIC_PARTITIONS, 4))
    lines.append(line(Metric.WORKER_RECOVERING, 0))
    lines.append(line(Metric.DEADLINE_SWEEP, now - swept_ago))
    lines.append(line(Metric.PROBE, now))
