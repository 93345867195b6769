"""Lines become records, heartbeats promise what holds, and a bad line stops nothing."""

from __future__ import annotations

import gzip
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from supportpulse.edges.emit import Survey, emit_lines, survey
from supportpulse.edges.producer import RecordTooLarge
from supportpulse.edges.pulse import LivePulse, LogPulse, heartbeat
from supportpulse.envelope import encode
from supportpulse.errors import BrokerUnavailable
from supportpulse.events import DeadlineReached, Due, Heartbeat, MarkedAsSpam

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


class Recorder:
    """A producer that writes down what it was told, in order."""

    def __init__(self) -> None:
        self.told: list[object] = []
        self.error: Exception | None = None
        self.beat = threading.Event()

    def send_encoded(self, key: bytes, value: bytes, partition: int | None = None) -> None:
        """Write down the key, or fail."""
        if len(value) > 1000:
            raise RecordTooLarge("too large")
        self.told.append(key)

    def heartbeat(self, event: Heartbeat) -> None:
        """Write down source and mode, or fail."""
        if self.error is not None:
            raise self.error
        self.told.append((event.source, event.data.mode))
        self.beat.set()


def spam(source: str, ticket: str) -> bytes:
    """Any event of a ticket."""
    return encode(MarkedAsSpam(id=f"{ticket}:1", source=source, ticket_id=ticket, time=NOON))


def beat(source: str) -> bytes:
    """A heartbeat as a log holds it."""
    return encode(heartbeat(source, "import", watermark=NOON, mode="log", time=NOON))


def until(condition: object) -> None:
    """Wait for a condition, at most ten seconds."""
    deadline = time.monotonic() + 10
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < deadline, "waited for ten seconds"
        time.sleep(0.005)


@pytest.fixture
def sink() -> Recorder:
    """A recorder of one's own."""
    return Recorder()


def test_a_bad_line_is_named_and_the_rest_goes_on(sink: Recorder) -> None:
    """No JSON, an unknown type, a worker's own marker and a record too large are told by number; the rest is sent."""
    marker = DeadlineReached(id="m", source="a", ticket_id="1", time=NOON, data=Due(at=NOON))
    large = spam("a", "2").replace(b'"data"', b'"note":"' + b"x" * 1000 + b'","data"')
    large = large if len(large) > 1000 else large[:-1] + b',"note":"' + b"x" * 1000 + b'"}'
    lines = [spam("a", "1"), b"{", b"", b'{"type":"odd"}\n', encode(marker), large, spam("a", "3") + b"\r\n"]
    bad: list[tuple[int, str]] = []
    emitted = emit_lines(lines, sink, None, bad=lambda number, reason: bad.append((number, reason)))
    assert [number for number, _ in bad] == [2, 4, 5, 6]
    assert [reason.split(":")[0] for _, reason in bad] == ["not_json", "unknown_type", "unknown_type", "too large"]
    assert sink.told == [b"a|1", b"a|3"]
    assert emitted.summary() == {"events": 2, "tickets": 2, "heartbeats": 0, "bad_lines": 4, "sources": ["a"]}


def test_a_live_source_beats_before_its_first_event_and_says_how_it_ends(sink: Recorder) -> None:
    """Each source of the input gets a heartbeat before its first event and the asked ending after its last."""
    pulse = LivePulse(sink, instance="i", every_seconds=60)
    emit_lines([spam("a", "1"), spam("b", "1"), spam("a", "2")], sink, pulse, bad=pytest.fail)
    pulse.stop("ended")
    assert sink.told == [("a", "live"), b"a|1", ("b", "live"), b"b|1", b"a|2", ("a", "ended"), ("b", "ended")]


def test_a_source_with_heartbeats_of_its_own_gets_no_live_ones(sink: Recorder) -> None:
    """Heartbeats of the input go out in place, and nothing is added for their source, not even an ending."""
    pulse = LivePulse(sink, instance="i", every_seconds=60)
    emit_lines([beat("a"), spam("a", "1"), beat("a"), spam("b", "1")], sink, pulse, bad=pytest.fail)
    pulse.stop("released")
    assert sink.told == [("a", "log"), b"a|1", ("a", "log"), ("b", "live"), b"b|1", ("b", "released")]


def test_a_source_that_begins_to_speak_is_left_to_speak_for_itself(sink: Recorder) -> None:
    """The live heartbeats of a stream end, released, where its first own one comes: unsaid, they would grow stale."""
    pulse = LivePulse(sink, instance="i", every_seconds=60)
    emit_lines([spam("a", "1"), beat("a"), spam("a", "2")], sink, pulse, bad=pytest.fail)
    pulse.stop("released")
    assert sink.told == [("a", "live"), b"a|1", ("a", "released"), ("a", "log"), b"a|2"]


def test_a_file_tells_beforehand_which_sources_speak_and_where_the_others_begin(tmp_path: Path) -> None:
    """A heartbeat late in a file keeps others away from the start; the earliest event need not be the first."""
    file = tmp_path / "events.jsonl.gz"
    early = encode(MarkedAsSpam(id="0", source="b", ticket_id="2", time=NOON - timedelta(days=400)))
    lines = [spam("a", "1"), spam("b", "1"), b'{"broken supportpulse.Heartbeat.v1"', beat("a"), early]
    file.write_bytes(gzip.compress(b"\n".join(lines)))
    assert survey(file) == Survey(frozenset("a"), {"b": NOON - timedelta(days=400)})


def test_a_file_holds_the_deadlines_of_its_sources_from_their_first_instant_to_its_end(sink: Recorder) -> None:
    """A reply further on in it still counts: nobody says live before all was delivered."""
    told: list[tuple[str, datetime]] = []
    original = sink.heartbeat
    sink.heartbeat = lambda event: (told.append((event.data.mode, event.data.watermark)), original(event))  # type: ignore[func-returns-value, method-assign, misc, assignment]
    now = NOON + timedelta(days=9)
    pulse = LogPulse(sink, {"a": NOON - timedelta(days=1)}, instance="i", clock=lambda: now)
    emit_lines([spam("a", "1"), beat("b"), spam("b", "1"), spam("a", "2")], sink, pulse, bad=pytest.fail)
    pulse.stop("released")
    assert sink.told == [("a", "log"), b"a|1", ("b", "log"), b"b|1", b"a|2", ("a", "released")]
    assert told == [("log", NOON - timedelta(days=1)), ("log", NOON), ("released", now)]
    LogPulse(sink, {"a": NOON}).stop("released")
    assert len(told) == 3


def test_a_live_source_goes_on_beating_while_nothing_happens(sink: Recorder) -> None:
    """Watermarks are the clock's and rise without any event."""
    times = iter(NOON + timedelta(seconds=number) for number in range(1000))
    seen: list[datetime] = []
    original = sink.heartbeat
    sink.heartbeat = lambda event: (seen.append(event.data.watermark), original(event))  # type: ignore[func-returns-value, method-assign, misc, assignment]
    pulse = LivePulse(sink, instance="i", every_seconds=0.01, clock=lambda: next(times))
    pulse.begin("a")
    until(lambda: len(seen) >= 3)
    pulse.stop(None)
    assert seen == [NOON + timedelta(seconds=number) for number in range(len(seen))]
    assert ("a", "released") not in sink.told


def test_no_watermark_is_read_while_an_event_is_being_sent(sink: Recorder) -> None:
    """With the lock held, the pulse waits: an event taken before a watermark is sent before its heartbeat."""
    pulse = LivePulse(sink, instance="i", every_seconds=0.01)
    pulse.begin("a")
    with pulse.lock:
        sink.beat.clear()
        assert not sink.beat.wait(0.1)
    assert sink.beat.wait(10)
    pulse.stop(None)


def test_after_a_failure_nothing_is_promised_any_more(sink: Recorder) -> None:
    """A heartbeat that cannot be sent ends the pulse; the next event and the ending raise the reason."""
    pulse = LivePulse(sink, instance="i", every_seconds=0.01)
    pulse.begin("a")
    sink.error = BrokerUnavailable("gone")
    until(lambda: pulse.failure is not None)
    sink.error = None
    told = list(sink.told)
    with pytest.raises(BrokerUnavailable, match="gone"):
        emit_lines([spam("a", "1")], sink, pulse, bad=pytest.fail)
    with pytest.raises(BrokerUnavailable, match="gone"):
        pulse.stop("ended")
    assert sink.told == told
