"""From a simulated desk to where records go: its history at full speed, then its life, heartbeats in their places."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from supportpulse.edges.pulse import BEAT_SECONDS, heartbeat
from supportpulse.edges.simulator import SOURCE, LiveDesk, encode
from supportpulse.envelope import from_ms
from supportpulse.events import Heartbeat, Mode

TICK_SECONDS = 0.2
HISTORY_BEAT_MS = 6 * 3_600_000
INSTANCE = "simulator"


@dataclass(frozen=True)
class Sink:
    """Where records go."""

    send: Callable[[bytes, bytes], object]
    heartbeat: Callable[[Heartbeat], object]
    flush: Callable[[], object]


class Feed:
    """Takes a desk's events to a sink in order, heartbeats between them; `stop` ends it early, from any thread.

    `events` and `live_events` count what was sent, `at` is how far the desk's time has come (ms).
    """

    def __init__(self, desk: LiveDesk, sink: Sink, stop: threading.Event | None = None) -> None:
        self.desk, self.sink = desk, sink
        self.stop = stop or threading.Event()
        self.at = desk.plan.start
        self.events = self.live_events = self.heartbeats = 0

    def history(self, progress: Callable[[int], object] = lambda at: None) -> None:
        """All of the history: a heartbeat before its first event, every six hours of its time, and at its end."""
        due = self.desk.plan.start
        for delivery in self.desk.take_until(self.desk.plan.end):
            if delivery.at >= due:
                if self.stop.is_set():
                    return
                self.beat(delivery.at, "log")
                due = delivery.at + HISTORY_BEAT_MS
                self.at = delivery.at
                progress(delivery.at)
            self.sink.send(*encode(delivery))
            self.events += 1
        self.at = self.desk.plan.end
        self.beat(self.at, "log")

    def live(self, deadline: float | None = None) -> None:
        """What happens from the end of the history on, as it happens, a heartbeat every five seconds."""
        beat = 0.0
        while deadline is None or time.monotonic() < deadline:
            self.at = time.time_ns() // 1_000_000
            for delivery in self.desk.take_until(self.at):
                self.sink.send(*encode(delivery))
                self.live_events += 1
            if time.monotonic() >= beat:
                self.beat(self.at, "live")
                beat = time.monotonic() + BEAT_SECONDS
            self.sink.flush()
            if self.stop.wait(TICK_SECONDS):
                return

    def beat(self, at_ms: int, mode: Mode) -> None:
        """Say that all events before an instant, less what may come late, have been delivered."""
        watermark = from_ms(at_ms - self.desk.lateness)
        self.sink.heartbeat(heartbeat(SOURCE, INSTANCE, watermark=watermark, mode=mode, time=from_ms(at_ms)))
        self.heartbeats += 1

    def summary(self) -> dict[str, object]:
        """What was sent."""
        return {"events": self.events, "live_events": self.live_events, "heartbeats": self.heartbeats}

    def outage(self) -> dict[str, str] | None:
        """The outage the history ends in."""
        found = self.desk.desk.ongoing(self.desk.plan.end)
        return {"scenario": found[0].scenario, "region": found[0].region} if found else None
