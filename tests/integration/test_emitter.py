"""The emitters against a real broker: nothing lost, order kept, memory bounded."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from datetime import UTC, datetime

import pytest
from kafka import KafkaConsumer, TopicPartition

from fresh import Fresh
from stream_feed import until
from supportpulse import AsyncEmitter, Emitter
from supportpulse.edges.broker import Broker
from supportpulse.edges.producer import BufferFull, Producer
from supportpulse.envelope import decode
from supportpulse.errors import BrokerUnavailable, ConfigError, Rejected
from supportpulse.events import DeadlineReached, Due, Event, Heartbeat, MarkedAsSpam, TicketEvent
from supportpulse.settings import Settings

pytestmark = pytest.mark.kafka
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
PARTITIONS = 3


@pytest.fixture
def settings(kafka: str, fresh: Fresh) -> Settings:
    """An installation with three partitions."""
    return fresh.topics(kafka, partitions=PARTITIONS)


def spam(ticket: str, number: int = 1) -> MarkedAsSpam:
    """Any event of a ticket."""
    return MarkedAsSpam(id=f"{ticket}:{number}", source="desk", ticket_id=ticket, time=NOON)


def content(settings: Settings) -> list[Event]:
    """All events of the topic, each partition in its order."""
    parts = [TopicPartition(settings.events_topic, number) for number in range(PARTITIONS)]
    consumer = KafkaConsumer(bootstrap_servers=settings.bootstrap, auto_offset_reset="earliest", group_id=None)
    consumer.assign(parts)
    ends = consumer.end_offsets(parts)
    consumer.seek_to_beginning(*parts)
    found: list[Event] = []
    while any(consumer.position(part) < ends[part] for part in parts):
        for records in consumer.poll(1000).values():
            found += [decode(record.value) for record in records]
    consumer.close()
    return found


def tickets(events: list[Event]) -> list[str]:
    """Ids of the ticket events."""
    return [event.id for event in events if isinstance(event, TicketEvent)]


def modes(events: list[Event]) -> set[str]:
    """What the heartbeats say."""
    return {event.data.mode for event in events if isinstance(event, Heartbeat)}


def test_five_lines_are_a_ticket(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where Kafka is comes from the environment, as for every command; the ticket's events arrive in their order."""
    monkeypatch.setenv("SUPPORTPULSE_BOOTSTRAP", settings.bootstrap)
    monkeypatch.setenv("SUPPORTPULSE_TOPIC_PREFIX", settings.topic_prefix)
    with Emitter("desk") as desk:
        ticket = desk.ticket("4711")
        ticket.created(priority="urgent", scenario="live_show", by="customer")
        ticket.replied(text="Encoding was to blame: here is how to check it yourself.")
        ticket.status("solved")
    events = [event for event in content(settings) if isinstance(event, TicketEvent)]
    assert [type(event).__name__ for event in events] == ["TicketCreated", "MessagePosted", "StatusChanged"]
    assert [event.ticket_id for event in events] == ["4711"] * 3


async def test_the_same_five_lines_are_awaited(settings: Settings) -> None:
    """The asynchronous emitter says the same, live before and released behind."""
    async with AsyncEmitter("desk", settings.bootstrap, topic=settings.events_topic) as desk:
        ticket = desk.ticket("4711")
        await ticket.created(priority="urgent", scenario="live_show", by="customer")
        await ticket.replied()
        await ticket.status("solved")
        await desk.flush()
        found = await asyncio.to_thread(content, settings)
        assert [event.id.split("/")[0] for event in found if isinstance(event, TicketEvent)] == [
            "TicketCreated", "MessagePosted", "StatusChanged",
        ]  # fmt: skip
    assert modes(content(settings)) == {"live", "released"}


@pytest.mark.parametrize("end", ["pass", "raise ZeroDivisionError", "sys.exit(3)", "os.kill(os.getpid(), 2)"])
def test_nothing_is_lost_when_the_process_ends_without_closing(settings: Settings, end: str) -> None:
    """By its last line, an exception, an exit or Ctrl-C: all that was emitted is there, and no end is said."""
    code = f"""
        import os, sys
        from datetime import UTC, datetime
        from supportpulse import Emitter
        from supportpulse.events import MarkedAsSpam
        desk = Emitter("desk", {settings.bootstrap!r}, topic={settings.events_topic!r})
        for number in range(2000):
            desk.emit(MarkedAsSpam(id=str(number), source="desk", ticket_id=str(number % 7), time=datetime.now(UTC)))
        {end}
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(code)], capture_output=True, timeout=60, check=False)
    events = content(settings)
    assert sorted(map(int, tickets(events))) == list(range(2000))
    assert modes(events) == {"live"}


def test_many_threads_keep_the_order_of_each_ticket(settings: Settings) -> None:
    """Four threads, a ticket each, in a buffer that holds few events: all arrive, each ticket's in its order."""
    with Emitter("desk", settings.bootstrap, topic=settings.events_topic, buffer_bytes=5000) as desk:

        def work(ticket: str) -> None:
            for number in range(200):
                desk.emit(spam(ticket, number))

        threads = [threading.Thread(target=work, args=(f"t{name}",)) for name in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    found = tickets(content(settings))
    for name in range(4):
        mine = [one for one in found if one.startswith(f"t{name}:")]
        assert mine == [f"t{name}:{number}" for number in range(200)]


async def test_many_tasks_keep_the_order_of_each_ticket(settings: Settings) -> None:
    """The same with tasks, which wait for room without stopping the loop."""
    async with AsyncEmitter("desk", settings.bootstrap, topic=settings.events_topic, buffer_bytes=5000) as desk:

        async def work(ticket: str) -> None:
            for number in range(100):
                await desk.emit(spam(ticket, number))

        await asyncio.gather(*(work(f"t{name}") for name in range(4)))
    found = tickets(await asyncio.to_thread(content, settings))
    for name in range(4):
        mine = [one for one in found if one.startswith(f"t{name}:")]
        assert mine == [f"t{name}:{number}" for number in range(100)]


def test_what_an_emitter_cannot_send_is_said_at_once(settings: Settings) -> None:
    """A worker's marker, an emitter that is closed and one made before a fork are errors a person can act on."""
    desk = Emitter("desk", settings.bootstrap, topic=settings.events_topic)
    with pytest.raises(Rejected, match="valid: what a helpdesk says"):
        desk.emit(DeadlineReached(id="m", source="desk", ticket_id="1", time=NOON, data=Due(at=NOON)))
    desk._process += 1
    with pytest.raises(ConfigError, match="made before this process forked"):
        desk.emit(spam("1"))
    desk._process -= 1
    desk.close(finish=None)
    desk.close(finish=None)
    with pytest.raises(ConfigError, match="is closed: make another"):
        desk.emit(spam("1"))


async def test_an_emitter_that_is_not_open_says_so() -> None:
    """The message says how to open it; closing it is nothing."""
    desk = AsyncEmitter("desk", "127.0.0.1:1")
    with pytest.raises(ConfigError, match="use `async with`"):
        await desk.emit(spam("1"))
    await desk.close(finish=None)


async def test_a_cancelled_opening_leaves_nothing_behind(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its connection is closed once it is there, and no heartbeat goes on."""
    closed: list[Producer] = []
    close = Producer.close

    def noted(producer: Producer, *, flush: bool = True) -> None:
        close(producer, flush=flush)
        closed.append(producer)

    monkeypatch.setattr(Producer, "close", noted)
    desk = AsyncEmitter("desk", settings.bootstrap, topic=settings.events_topic)
    opening = asyncio.create_task(desk.open())
    await asyncio.sleep(0)
    opening.cancel()
    with pytest.raises(asyncio.CancelledError):
        await opening
    await until(lambda: closed, "closed")
    await until(lambda: "supportpulse-pulse" not in {thread.name for thread in threading.enumerate()}, "no heartbeats")


def fill(desk: Emitter, first: int) -> int:
    """Emit until the buffer is full; the number that was not taken."""
    number = first
    while desk.offer(spam("1", number)):
        number += 1
    return number


def test_a_broker_that_stops_costs_no_event_and_no_memory(own_broker: Broker, fresh: Fresh) -> None:
    """The buffer fills and no further; what waits too long is refused; all that was taken arrives once, in order."""
    settings = fresh.topics(own_broker.bootstrap, partitions=PARTITIONS)
    how = {"topic": settings.events_topic, "wait_seconds": 2.0, "beat_seconds": 0.05, "buffer_bytes": 100_000}
    with Emitter("desk", settings.bootstrap, **how) as desk:
        desk.emit(spam("1", 0))
        desk.flush()
        own_broker.stop()
        taken = fill(desk, 1)
        buffer = desk._producer.buffer
        assert taken > 50
        started = time.monotonic()
        with pytest.raises(BufferFull, match=r"no room .* within 2 s: \d+ records .* not taken: send it again later"):
            desk.emit(spam("1", taken))
        assert 1.5 < time.monotonic() - started < 10
        assert buffer.used_bytes <= 100_000
        assert buffer.records <= taken + PARTITIONS
        with pytest.raises(BrokerUnavailable, match=rf"{buffer.records} records .* wait for Kafka at"):
            desk.flush()

        waiting = threading.Thread(target=lambda: desk.emit(spam("1", taken)))
        desk._producer._wait = 60.0
        waiting.start()
        own_broker.restart()
        waiting.join(60)
        assert not waiting.is_alive()
    assert (buffer.used_bytes, buffer.records) == (0, 0)
    events = content(settings)
    assert tickets(events) == [f"1:{number}" for number in range(taken + 1)]
    assert modes(events) == {"live", "released"}


async def test_a_cancelled_emit_has_taken_nothing(own_broker: Broker, fresh: Fresh) -> None:
    """While the broker is away the loop goes on; a wait that is cancelled, or too long, leaves its event behind."""
    settings = fresh.topics(own_broker.bootstrap, partitions=PARTITIONS)
    how = {"topic": settings.events_topic, "wait_seconds": 1.0, "beat_seconds": 60.0, "buffer_bytes": 20_000}
    async with AsyncEmitter("desk", settings.bootstrap, **how) as desk:
        await desk.flush()
        await asyncio.to_thread(own_broker.stop)
        assert desk._emitter is not None
        taken = fill(desk._emitter, 0)
        waits = [asyncio.create_task(desk.emit(spam("2", number))) for number in range(3)]
        await asyncio.sleep(0.1)
        waits[0].cancel()
        ends = await asyncio.gather(*waits, return_exceptions=True)
        assert isinstance(ends[0], asyncio.CancelledError)
        assert [type(end) for end in ends[1:]] == [BufferFull, BufferFull]
        await asyncio.to_thread(own_broker.restart)
        desk.wait_seconds = 60.0
        await desk.emit(spam("3"))
        desk._emitter._producer._wait = 60.0
    found = tickets(await asyncio.to_thread(content, settings))
    assert sorted(found) == sorted(["3:1", *(f"1:{number}" for number in range(taken))])


def test_a_process_that_cannot_deliver_at_its_end_says_so(own_broker: Broker, fresh: Fresh) -> None:
    """With the broker gone for good, the exit waits as long as stated and names how many events were not taken."""
    settings = fresh.topics(own_broker.bootstrap, partitions=PARTITIONS)
    code = f"""
        import sys
        from supportpulse import Emitter
        desk = Emitter("desk", {settings.bootstrap!r}, topic={settings.events_topic!r}, wait_seconds=2, beat_seconds=60)
        desk.flush()
        print("ready", flush=True)
        sys.stdin.readline()
        desk.ticket("1").created()
    """
    sender = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert sender.stdout is not None
        assert sender.stdout.readline() == "ready\n"
        own_broker.stop()
        _, err = sender.communicate("\n", timeout=60)
    finally:
        if sender.poll() is None:
            os.kill(sender.pid, signal.SIGKILL)
    assert "source desk: at the exit of the process" in err
    assert "1 records" in err
    assert "Traceback" not in err
