"""Producer, emitter and the two commands against a real broker."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections import defaultdict
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner
from kafka import KafkaConsumer, TopicPartition
from kafka.partitioner.default import murmur2

from fresh import Fresh
from supportpulse.commands import emit, import_log
from supportpulse.edges.emitter import Emitter
from supportpulse.edges.producer import Producer, RecordTooLarge
from supportpulse.envelope import decode, encode, key_of
from supportpulse.errors import BrokerUnavailable, ConfigError
from supportpulse.events import Event, Heartbeat, MarkedAsSpam, TicketEvent
from supportpulse.settings import Settings

pytestmark = pytest.mark.kafka
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
PARTITIONS = 3


@pytest.fixture
def settings(kafka: str, fresh: Fresh) -> Settings:
    """An installation with three partitions."""
    return fresh.topics(kafka, partitions=PARTITIONS)


def spam(ticket: str, source: str = "desk") -> MarkedAsSpam:
    """Any event of a ticket."""
    return MarkedAsSpam(id=f"{ticket}:1", source=source, ticket_id=ticket, time=NOON)


def content(settings: Settings) -> dict[int, list[Event]]:
    """All events of the topic by partition, checking each record's key."""
    parts = [TopicPartition(settings.events_topic, number) for number in range(PARTITIONS)]
    consumer = KafkaConsumer(bootstrap_servers=settings.bootstrap, auto_offset_reset="earliest", group_id=None)
    consumer.assign(parts)
    ends = consumer.end_offsets(parts)
    consumer.seek_to_beginning(*parts)
    found: dict[int, list[Event]] = defaultdict(list)
    while any(consumer.position(part) < ends[part] for part in parts):
        for part, records in consumer.poll(1000).items():
            for record in records:
                event = decode(record.value)
                assert record.key.decode() == key_of(event)
                found[part.partition].append(event)
    consumer.close()
    return found


def test_events_go_to_the_partition_of_their_key_in_order(settings: Settings) -> None:
    """Kafka's own murmur2 of the key decides; each partition keeps the order of sending."""
    with Producer(settings.bootstrap, topic=settings.events_topic) as producer:
        for number in range(300):
            producer.send(spam(str(number)))
    found = content(settings)
    assert sum(map(len, found.values())) == 300
    for partition, events in found.items():
        numbers = [int(event.ticket_id) for event in events if isinstance(event, TicketEvent)]
        assert numbers == sorted(numbers)
        assert all((murmur2(key_of(event).encode()) & 0x7FFFFFFF) % PARTITIONS == partition for event in events)


def test_an_emitter_frames_its_events_with_heartbeats_in_every_partition(settings: Settings) -> None:
    """Each partition begins with a live heartbeat and ends with the asked ending, behind all events."""
    with Emitter("desk", settings.bootstrap, topic=settings.events_topic, instance="desk-1", finish="ended") as emitter:
        for number in range(100):
            emitter.emit(spam(str(number)))
        with pytest.raises(ConfigError, match="source: found 'other'; valid: 'desk'"):
            emitter.emit(spam("1", "other"))
    found = content(settings)
    assert set(found) == set(range(PARTITIONS))
    for events in found.values():
        first, last = events[0], events[-1]
        assert isinstance(first, Heartbeat)
        assert isinstance(last, Heartbeat)
        assert (first.data.mode, last.data.mode, last.data.instance) == ("live", "ended", "desk-1")
        assert last.data.watermark > first.data.watermark
    assert sum(isinstance(event, TicketEvent) for events in found.values() for event in events) == 100


def test_an_emitter_left_by_an_error_does_not_say_that_it_ended(settings: Settings) -> None:
    """What was emitted is delivered, but the source is not released: its deadlines are held until it comes back."""

    def emit_and_fail() -> None:
        with Emitter("desk", settings.bootstrap, topic=settings.events_topic) as emitter:
            emitter.emit(spam("1"))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        emit_and_fail()
    events = [event for events in content(settings).values() for event in events]
    assert sum(isinstance(event, TicketEvent) for event in events) == 1
    assert {event.data.mode for event in events if isinstance(event, Heartbeat)} == {"live"}


def test_a_record_too_large_is_refused_and_the_next_one_is_sent(settings: Settings) -> None:
    """One huge record does not break the producer."""
    with Producer(settings.bootstrap, topic=settings.events_topic) as producer:
        with pytest.raises(RecordTooLarge, match=f"topic {settings.events_topic}, partition 0"):
            producer.send_encoded(b"k", b"x" * 2_000_000, 0)
        producer.send(spam("1"))
    assert sum(map(len, content(settings).values())) == 1


def test_a_topic_that_is_not_there_is_not_created(settings: Settings) -> None:
    """The error says how to create it as it must be."""
    with pytest.raises(ConfigError, match=r"topic t.none: not there .* `supportpulse topics`"):
        Producer(settings.bootstrap, topic="t.none", wait_seconds=5)


def test_a_broker_that_is_not_there_is_one_sentence_within_the_stated_time() -> None:
    """The wait ends as stated, and the message names the address."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(BrokerUnavailable, match=f"{address} within 1 s"):
            Producer(address, wait_seconds=1)


def test_import_then_emit_give_the_same_records(
    settings: Settings, kafka: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A log sent directly, and by way of a file of JSON lines, arrives alike, heartbeats in every partition."""
    monkeypatch.setenv("SUPPORTPULSE_TOPIC_PREFIX", settings.topic_prefix)
    mapping = tmp_path / "desk.toml"
    mapping.write_text(
        'source = "desk"\nticket = "n"\nid = "{n}:{row}"\n[time]\ncolumn = "at"\nformat = "iso"\n'
        '[data.priority]\ncolumn = "p"\n',
        encoding="utf-8",
    )
    rows = [f"{number % 20},2026-01-01T{number // 10:02}:{number % 10:02}:00Z,p{number % 3}" for number in range(200)]
    log = tmp_path / "log.csv"
    log.write_text("\n".join(["n,at,p", *rows]), encoding="utf-8")
    runner = CliRunner()

    direct = runner.invoke(
        import_log.command, [str(log), "--mapping", str(mapping), "--to-kafka", "--bootstrap", kafka, "--json"]
    )
    assert direct.exit_code == 0, direct.output
    assert json.loads(direct.stdout)["events"] == 200
    first = content(settings)

    file = tmp_path / "events.jsonl"
    assert runner.invoke(import_log.command, [str(log), "--mapping", str(mapping), "-o", str(file)]).exit_code == 0
    file.write_bytes(file.read_bytes() + b"no event\n")
    sent = runner.invoke(emit.command, [str(file), "--bootstrap", kafka, "--json"])
    assert sent.exit_code == 3
    assert f"{file}: line {len(file.read_bytes().splitlines())}: not_json" in sent.stderr
    assert json.loads(sent.stdout) == {
        "events": 200, "tickets": 20, "heartbeats": 5, "bad_lines": 1, "sources": ["desk"],
    }  # fmt: skip
    both = content(settings)
    for partition in range(PARTITIONS):
        assert both[partition] == first[partition] * 2
        assert sum(isinstance(event, Heartbeat) for event in first[partition]) == 5


def test_a_file_without_heartbeats_is_a_log_until_its_end(settings: Settings, kafka: str, tmp_path: Path) -> None:
    """Its source's watermark stands at its earliest event until all was delivered; live would breach old tickets."""
    file = tmp_path / "events.jsonl"
    file.write_bytes(b"".join(encode(spam(str(number))) + b"\n" for number in range(9)))
    environment = {"SUPPORTPULSE_TOPIC_PREFIX": settings.topic_prefix}
    sent = CliRunner().invoke(emit.command, [str(file), "--bootstrap", kafka], env=environment)
    assert sent.exit_code == 0, sent.output
    for events in content(settings).values():
        beats = [event.data for event in (events[0], events[-1]) if isinstance(event, Heartbeat)]
        assert [told.mode for told in beats] == ["log", "released"]
        assert beats[0].watermark == spam("1").time


def test_ctrl_c_delivers_what_was_read_and_says_no_end(settings: Settings, kafka: str) -> None:
    """An interrupted stream ends with its summary and code 130, and its source is not released."""
    sender = subprocess.Popen(
        [sys.executable, "-m", "supportpulse", "emit", "--bootstrap", kafka, "--json"],
        env={**os.environ, "SUPPORTPULSE_TOPIC_PREFIX": settings.topic_prefix},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    try:
        assert sender.stdin is not None
        sender.stdin.write(encode(spam("1")) + b"\n")
        sender.stdin.flush()
        deadline = time.monotonic() + 60
        while sum(map(len, content(settings).values())) < PARTITIONS + 1:
            assert time.monotonic() < deadline, "the event did not arrive"
            assert sender.poll() is None
        sender.send_signal(signal.SIGINT)
        out, err = sender.communicate(timeout=60)
    finally:
        sender.kill()
    assert sender.returncode == 130, err
    assert json.loads(out)["events"] == 1
    events = [event for events in content(settings).values() for event in events]
    assert {event.data.mode for event in events if isinstance(event, Heartbeat)} == {"live"}
