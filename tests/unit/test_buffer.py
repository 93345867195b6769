"""Room is bounded, waited for and given back; heartbeats do not use it up."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

from supportpulse.edges.buffer import OVERHEAD_BYTES, Buffer
from supportpulse.edges.emitter import _Rounds
from supportpulse.edges.producer import BufferFull
from supportpulse.edges.pulse import heartbeat
from supportpulse.events import Heartbeat, Mode


def test_a_buffer_takes_no_more_than_its_limit() -> None:
    """Records count with what they cost beside their bytes, and room comes back with each that is settled."""
    buffer = Buffer(2 * (OVERHEAD_BYTES + 100))
    assert [buffer.take(100, 0) for _ in range(3)] == [True, True, False]
    assert (buffer.records, buffer.used_bytes) == (2, buffer.limit_bytes)
    buffer.give(100)
    assert not buffer.take(101, 0)
    assert buffer.take(100, 0)


def test_a_record_larger_than_the_buffer_goes_in_alone() -> None:
    """Else it could never be sent; whether it is too large is Kafka's to say."""
    buffer = Buffer(1000)
    assert buffer.take(10_000, 0)
    assert not buffer.take(1, 0)
    buffer.give(10_000)
    assert buffer.take(1, 0)


def test_room_is_waited_for_and_no_longer_than_stated() -> None:
    """A waiting record goes in as soon as another is settled; otherwise the wait ends in time."""
    buffer = Buffer(1)
    assert buffer.take(1, 0)
    started = time.monotonic()
    assert not buffer.take(1, 0.05)
    assert time.monotonic() - started >= 0.05
    threading.Timer(0.05, buffer.give, [1]).start()
    assert buffer.take(1, 30)
    assert time.monotonic() - started < 20


NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


class Broker:
    """A producer whose acknowledgements are given by hand."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.futures: list[Any] = []
        self.full = False

    def heartbeat(self, event: Heartbeat, *, wait_seconds: float | None = None) -> list[Any]:
        """Write down the mode, unless there is no room and no wait."""
        if self.full and wait_seconds == 0:
            raise BufferFull("full")
        self.told.append(event.data.mode)
        self.futures.append(SimpleNamespace(is_done=False))
        return self.futures[-1:]


def beat(mode: Mode = "live") -> Heartbeat:
    """A heartbeat of the desk."""
    return heartbeat("desk", "i", watermark=NOON, mode=mode, time=NOON)


def test_one_round_of_heartbeats_is_under_way_at_most() -> None:
    """Another goes when the last was acknowledged; in an outage they neither pile up nor fail for want of room."""
    broker = Broker()
    rounds = _Rounds(broker)  # type: ignore[arg-type]
    rounds.heartbeat(beat())
    rounds.heartbeat(beat())
    assert broker.told == ["live"]
    broker.futures[0].is_done = True
    broker.full = True
    rounds.heartbeat(beat())
    assert broker.told == ["live"]
    broker.full = False
    rounds.heartbeat(beat())
    assert broker.told == ["live", "live"]


def test_nothing_is_promised_while_an_event_waits() -> None:
    """Its time lies before any watermark read now; the ending is said all the same, since nobody waits by then."""
    broker = Broker()
    rounds = _Rounds(broker)  # type: ignore[arg-type]
    with rounds.held(), rounds.held():
        rounds.heartbeat(beat())
    assert broker.told == []
    rounds.heartbeat(beat())
    rounds.heartbeat(beat("released"))
    assert broker.told == ["live", "released"]
