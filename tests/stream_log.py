"""All that an installation wrote to Kafka, read back from the first record to the last.

Events are re-read with their broker times and markers, so what is compared is what lies in the log, not what a test
remembers to have sent.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from dataclasses import dataclass, field
from time import monotonic, time_ns
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import GroupCoordinatorNotAvailableError

from supportpulse import codec, envelope, panes, record
from supportpulse.clock import Plan
from supportpulse.errors import Rejected
from supportpulse.events import DeadlineReached, Event, Heartbeat, TicketEvent
from supportpulse.facts import Beat
from supportpulse.policy import load_policy
from supportpulse.settings import Settings
from supportpulse.verdicts import NetView
from supportpulse.watermark import Sources

Place = tuple[int, int, str]
"""(partition, offset, reason) of a dead letter's original."""


@dataclass
class StreamLog:
    """What was read: `events` by (partition, offset), `poison` what is no event, changelogs as their latest values."""

    settings: Settings
    events: dict[tuple[int, int], Event] = field(default_factory=dict)
    broker_ms: dict[tuple[int, int], int] = field(default_factory=dict)
    poison: set[Place] = field(default_factory=set)
    net: NetView = field(default_factory=dict)
    outcomes: list[dict[str, Any]] = field(default_factory=list)
    said_ids: Counter[str] = field(default_factory=Counter)
    """How often each outcome lies in its topic: a crash repeats some."""
    letters: list[Any] = field(default_factory=list)
    tickets: dict[int, dict[bytes, bytes]] = field(default_factory=dict)
    panes: dict[int, dict[bytes, bytes]] = field(default_factory=dict)

    def as_of(self) -> dict[str, int]:
        """What markers came to, by ticket key: nothing is due to a ticket that has none."""
        found: dict[str, int] = {}
        for place, event in self.events.items():
            if isinstance(event, TicketEvent):
                key = envelope.key_of(event)
                known = found.setdefault(key, -1)
                if isinstance(event, DeadlineReached):
                    found[key] = max(known, min(envelope.to_ms(event.data.at), self.broker_ms[place]))
        return found

    def watermarks(self, now: int) -> dict[tuple[int, str], int]:
        """What each source's heartbeats come to at `now` (ms), by partition."""
        by_partition: dict[int, Sources] = {}
        for place, event in self.events.items():
            if isinstance(event, Heartbeat):
                sources = by_partition.setdefault(place[0], Sources(int(self.settings.freshness_seconds * 1000)))
                told = event.data
                at, sent = envelope.to_ms(told.watermark), envelope.to_ms(event.time)
                beat = Beat(event.source, told.instance, at, told.mode, sent)
                sources.hear(beat, self.broker_ms[place])
        return {
            (number, name): sources.status(name, now).watermark
            for number, sources in by_partition.items()
            for name in sources.sources
        }

    def told(self, *, without: frozenset[Place] = frozenset()) -> list[tuple[tuple[int, int], TicketEvent]]:
        """Ticket events in offset order, but those named."""
        left_out = {place[:2] for place in without}
        return [
            (place, event)
            for place, event in sorted(self.events.items(), key=lambda item: item[0])
            if place not in left_out and isinstance(event, TicketEvent) and not isinstance(event, DeadlineReached)
        ]

    def places_of_letters(self) -> set[Place]:
        """(partition, offset, reason) of every dead letter."""
        told = [supportpulse_headers(letter) for letter in self.letters]
        return {(int(one["partition"]), int(one["offset"]), one["reason"].decode()) for one in told}

    def windows(self, now: int) -> Counter[tuple[str, str, int, str]]:
        """All windows of all partitions at `now` (ms), out of the panes changelog, named as the oracle names them."""
        clocks = Plan(load_policy(self.settings.policy).versions[0]).clocks
        counts: Counter[tuple[str, str, int, str]] = Counter()
        for number in self.panes:
            kept = panes.Panes()
            for key, value in self.panes[number].items():
                kept.panes[panes.key_from(key)] = panes.decode(value)
            windows = panes.Windows()
            windows.move(now, kept)
            for name, rolling in windows.windows.items():
                for place, count in rolling.counts.items():
                    version, label, clock, slot = panes.parts(place)
                    assert version == 0, "the oracle knows labels of one version only"
                    told = panes.SLOTS[slot] if slot < len(panes.SLOTS) else f"duration:{slot - len(panes.SLOTS)}"
                    counts[name, clocks[clock].name, label, told] += count
        return counts


def supportpulse_headers(letter: Any) -> dict[str, bytes]:
    """The headers a dead letter got from us, without their prefix."""
    prefix = "supportpulse-"
    return {name[len(prefix) :]: value for name, value in letter.headers if name.startswith(prefix)}


async def read_topic(settings: Settings, topic: str) -> list[Any]:
    """Every record of a topic up to its end, by partition and offset."""
    consumer = AIOKafkaConsumer(
        bootstrap_servers=settings.bootstrap, auto_offset_reset="earliest", max_partition_fetch_bytes=32 << 20,
        fetch_max_wait_ms=50, enable_auto_commit=False, isolation_level="read_committed",
    )  # fmt: skip
    await consumer.start()
    try:
        parts = [TopicPartition(topic, number) for number in range(settings.partitions)]
        consumer.assign(parts)
        await consumer.seek_to_beginning(*parts)
        ends = await consumer.end_offsets(parts)
        found: list[Any] = []
        for part in parts:
            while await consumer.position(part) < ends[part]:
                for records in (await consumer.getmany(timeout_ms=1000)).values():
                    found += records
        return sorted(found, key=lambda one: (one.partition, one.offset))
    finally:
        await consumer.stop()


async def read_log(settings: Settings) -> StreamLog:
    """Read all five topics of an installation."""
    topics = (settings.events_topic, settings.outcomes_topic, settings.deadletter_topic, settings.tickets_changelog,
              settings.panes_changelog)  # fmt: skip
    events, outcomes, letters, tickets, pane_records = await asyncio.gather(*(read_topic(settings, t) for t in topics))
    log = StreamLog(settings, letters=letters)
    for one in events:
        place = one.partition, one.offset
        log.broker_ms[place] = one.timestamp
        try:
            if one.value is None:
                raise Rejected("null_value", "")
            if one.key is None:
                raise Rejected("no_key", "")
            event = envelope.decode(one.value)
        except Rejected as error:
            log.poison.add((*place, error.reason))
            continue
        log.events[place] = event
    seen: set[str] = set()
    for one in outcomes:
        log.outcomes += record.apply(log.net, seen, one.value)
        log.said_ids.update(outcome["id"] for outcome in json.loads(one.value))
    for target, records in ((log.tickets, tickets), (log.panes, pane_records)):
        for one in records:
            values = target.setdefault(one.partition, {})
            if one.value is None:
                values.pop(one.key, None)
            else:
                values[one.key] = one.value
    return log


async def drained(settings: Settings, seconds: float = 60.0, *, expect_events: int = 1) -> StreamLog:
    """Wait until nothing is left to do, then read the log.

    Nothing is left when the committed offsets are the ends of the log, and no ticket's next deadline lies before its
    source's watermark: a marker on its way would move the end, one still to be sent has its deadline in the changelog.
    """
    deadline, why = monotonic() + seconds, "nothing was read"
    async with _Clients(settings) as clients:
        while monotonic() < deadline:
            why = await _lag(settings, clients, expect_events)
            if not why:
                log = await read_log(settings)
                why = overdue(log, time_ns() // 1_000_000) or await _lag(settings, clients, expect_events)
                if not why:
                    return log
            await asyncio.sleep(0.1)
    raise AssertionError(f"not drained within {seconds:g} s: {why}")


class _Clients:
    def __init__(self, settings: Settings) -> None:
        self._client = AIOKafkaAdminClient(bootstrap_servers=settings.bootstrap)
        self._consumer = AIOKafkaConsumer(bootstrap_servers=settings.bootstrap)

    async def __aenter__(self) -> Any:
        await self._client.start()
        await self._consumer.start()
        return self._client, self._consumer

    async def __aexit__(self, *error: object) -> None:
        await self._consumer.stop()
        await self._client.close()


async def _lag(settings: Settings, clients: Any, expect_events: int) -> str:
    admin, consumer = clients
    parts = [TopicPartition(settings.events_topic, number) for number in range(settings.partitions)]
    ends = await consumer.end_offsets(parts)
    if sum(ends.values()) < expect_events:
        return f"{sum(ends.values())} records in the log, {expect_events} expected"
    try:
        committed = await admin.list_consumer_group_offsets(settings.app_id, partitions=parts)
    except GroupCoordinatorNotAvailableError:  # of a new broker, until the first group is there
        return "the broker has no groups yet"
    behind = {part.partition: (committed[part].offset if part in committed else None, end)
              for part, end in ends.items()
              if end and (part not in committed or committed[part].offset != end)}  # fmt: skip
    return f"(committed, end) by partition: {behind}" if behind else ""


def overdue(log: StreamLog, now: int) -> str:
    """The first ticket whose deadline its source's watermark has passed without a decision; empty if there is none."""
    watermarks = log.watermarks(now)
    for number, values in log.tickets.items():
        for key, value in values.items():
            source, bar, _ = key.partition(b"|")
            if bar:
                due = codec.header_of(value).next_due
                watermark = watermarks.get((number, source.decode()), now)
                if due < watermark:
                    return f"ticket {key.decode()} is due at {due}, before its source's watermark {watermark}"
    return ""
