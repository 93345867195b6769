"""A simulated desk that sends its events to Kafka beside whatever else this process does."""

from __future__ import annotations

import threading
import time

from supportpulse.edges.feed import Feed, Sink
from supportpulse.edges.producer import Producer
from supportpulse.edges.simulator import LiveDesk, Plan
from supportpulse.settings import Settings

WEEK_MS = 7 * 86_400_000
STOP_SECONDS = 5.0
HISTORY_LINGER_MS = 100
"""Full speed wants full batches; live, an event is sent at once."""


class Simulation:
    """A simulated desk in a thread: its history, then live, until it is closed.

    `history` is the number of its events, None until all of them are acknowledged; `failure` is what ended the thread;
    `outage` says what the history ends in.
    """

    def __init__(self, settings: Settings, *, seed: int, weeks: float, events: int, rate: float) -> None:
        end = time.time_ns() // 1_000_000
        self._start, self._end = end - round(weeks * WEEK_MS), end
        self._plan = Plan(seed, self._start, end, events, rate=rate)
        self._settings, self._stop = settings, threading.Event()
        self._feed: Feed | None = None
        self._thread = threading.Thread(target=self._run, name="simulation", daemon=True)
        self.failure: Exception | None = None
        self.history: int | None = None
        self.outage = ""

    def __enter__(self) -> Simulation:
        try:
            self._thread.start()
        except BaseException:  # a signal while it waits for the thread, which then runs already
            self._stop.set()
            if self._thread.is_alive():
                self._thread.join(STOP_SECONDS)
            raise
        return self

    def __exit__(self, *exception: object) -> None:
        self._stop.set()
        self._thread.join(STOP_SECONDS)

    @property
    def written(self) -> int:
        """Ticket events sent."""
        return self._feed.events + self._feed.live_events if self._feed else 0

    @property
    def share_written(self) -> float:
        """How much of the history's time is written, 0 to 1."""
        return min((self._feed.at - self._start) / (self._end - self._start), 1.0) if self._feed else 0.0

    def _run(self) -> None:
        try:
            desk = LiveDesk(self._plan)
            with self._producer(HISTORY_LINGER_MS) as producer:
                self._feed = feed = Feed(desk, _sink(producer), self._stop)
                if outage := feed.outage():
                    self.outage = f"{outage['scenario']} in {outage['region']}"
                feed.history()
            if not self._stop.is_set():
                with self._producer() as producer:
                    feed.sink = _sink(producer)
                    self.history = feed.events
                    feed.live()
        except Exception as error:  # told by the thread that watches
            self.failure = error

    def _producer(self, linger_ms: int = 5) -> Producer:
        settings = self._settings
        return Producer(
            settings.bootstrap, topic=settings.events_topic, security=settings.kafka_security(), linger_ms=linger_ms
        )


def _sink(producer: Producer) -> Sink:
    return Sink(producer.send_encoded, producer.heartbeat, producer.flush)
