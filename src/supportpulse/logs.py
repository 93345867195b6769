"""Logging: one line per record, and one line per outage instead of thousands of connection retries."""

from __future__ import annotations

import logging
import re
import sys
import threading
import time
from collections.abc import Callable
from typing import TextIO

CLIENT_LOGGERS = ("aiokafka", "kafka", "faust.transport")
RETRY = re.compile(
    r"unable (to )?(connect|request metadata|update metadata)"
    r"|connection (refused|reset|closed|failed|lost|attempt)|connect call failed|connect(ion)? error|disconnect"
    r"|fail(ed|ure)? (to )?(fetch|get metadata|send|commit)|(fetch|commit|heartbeat|request|refresh) failed"
    r"|heartbeat (send request|session expired)|coordinator (dead|request|for group|lookup)|marking (the )?coordinator"
    r"|(could not|cannot) send|got error produce response|not available|not ?ready|no ?brokers? ?available|timed out"
    r"|error sending|connectionerror|requesttimedout",
    re.IGNORECASE,
)
"""What aiokafka, kafka-python and Faust write, several times a second each, while a broker is away."""

log = logging.getLogger(__name__)


class LineFormatter(logging.Formatter):
    """`2026-01-31T12:00:00.123Z WARNING supportpulse.x: message`; a traceback stays on its record's line."""

    converter = time.gmtime  # type: ignore[assignment]  # typeshed wants an optional argument here

    def __init__(self) -> None:
        super().__init__("%(asctime)s.%(msecs)03dZ %(levelname)s %(name)s: %(message)s", "%Y-%m-%dT%H:%M:%S")

    def format(self, record: logging.LogRecord) -> str:
        return " | ".join(line for line in super().format(record).splitlines() if line.strip())


class OutageFilter(logging.Filter):
    """Lets the first line of a broker outage through and holds the rest back until the retries have stopped.

    The clients log each failed try and nothing on success, so an outage counts as over after `quiet_seconds`
    without a retry; then one line says how long it lasted and how many lines were left out.
    """

    def __init__(self, quiet_seconds: float = 5.0, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._quiet_seconds, self._clock = quiet_seconds, clock
        self._lock = threading.Lock()
        self._began: float | None = None
        self._last = 0.0
        self._held_back = 0

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the record is to be written."""
        if not self._is_retry(record):
            return True
        with self._lock:
            self._last = self._clock()
            if self._began is not None:
                self._held_back += 1
                return False
            self._began, self._held_back = self._last, 0
        self._watch()
        record.msg = f"Kafka does not answer; retrying quietly: {record.getMessage()}"
        record.args, record.exc_info, record.exc_text = None, None, None
        return True

    def settle(self) -> bool:
        """Write the closing line if the retries have stopped; returns whether no outage is going on."""
        with self._lock:
            if self._began is None:
                return True
            if self._clock() - self._last < self._quiet_seconds:
                return False
            lasted, held_back, self._began = self._last - self._began, self._held_back, None
        log.warning("Kafka answers again after %.0f s (%d lines of retries left out)", lasted, held_back)
        return True

    @staticmethod
    def _is_retry(record: logging.LogRecord) -> bool:
        return any(record.name == name or record.name.startswith(f"{name}.") for name in CLIENT_LOGGERS) and bool(
            RETRY.search(record.getMessage())
        )

    def _watch(self) -> None:
        timer = threading.Timer(self._quiet_seconds, self._look_again)
        timer.daemon = True
        timer.start()

    def _look_again(self) -> None:
        if not self.settle():
            self._watch()


def setup_logging(level: str | int = "INFO", stream: TextIO | None = None) -> OutageFilter:
    """Send every log record to `stream` (standard error by default), replacing handlers set up before.

    `level` holds for supportpulse and streams; the libraries below are held at WARNING unless it is DEBUG.
    """
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(LineFormatter())
    outage = OutageFilter()
    handler.addFilter(outage)
    root = logging.getLogger()
    for old in list(root.handlers):
        root.removeHandler(old)
    root.addHandler(handler)
    number = logging.getLevelNamesMapping()[level.upper()] if isinstance(level, str) else level
    root.setLevel(number if number <= logging.DEBUG else max(number, logging.WARNING))
    for name in ("supportpulse", "streams"):
        logging.getLogger(name).setLevel(number)
    return outage
