"""What is no event, or none that may count, becomes a dead letter with its reason, and the worker goes on."""

from __future__ import annotations

import asyncio
import json
import random
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import MessageSizeTooLargeError
from faust.types import TP

from escaped import Escaped, escaping_builder
from fresh import Fresh
from strategies import happened
from stream_check import check
from stream_feed import DAY, HOUR, Feed, installed, running, until, wall
from stream_log import StreamLog, drained, read_topic, supportpulse_headers
from streams.worker import Worker
from supportpulse import envelope, reader
from supportpulse.errors import Rejected
from supportpulse.names import Reason
from supportpulse.settings import Settings

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(120)]

BRIEF = """
name = "brief"
reopen_window = "1s"
lateness = "1s"
labels = ["rule"]
[[rules]]
name = "all"
targets = { first_response = "1h", next_response = "1h" }
"""
HEADERS: tuple[tuple[str, Any], ...] = (("trace", b"\x00\xff"), ("trace", b"again"), ("nothing", None))


@pytest.fixture
async def settings(kafka: str, fresh: Fresh, tmp_path: Path) -> Settings:
    """An installation whose tickets retire two seconds after their end."""
    file = tmp_path / "policy.toml"
    file.write_text(BRIEF, "utf-8")
    return await installed(kafka, fresh, tmp_path, policy=file)


def created(ticket: str, at: int, identity: str = "", **data: Any) -> Any:
    """A ticket opened at an instant (ms)."""
    return happened("TicketCreated", at, identity or f"{ticket}/created", ticket=ticket, **data)


def as_json(at: int, **changes: Any) -> bytes:
    """A good event in JSON, but for some fields; None leaves one out."""
    told = json.loads(envelope.encode(created("7", at))) | changes
    return json.dumps({name: value for name, value in told.items() if value is not None}).encode()


def iso(at: int) -> str:
    """Time of day in UTC without its zone."""
    return datetime.fromtimestamp(at // 1000, UTC).replace(tzinfo=None).isoformat()


def lies_in(log: StreamLog, place: tuple[int, int]) -> Any:
    """The dead letter of the record at a place."""
    found = [one for one in log.letters if (int(supportpulse_headers(one)["partition"]),
                                            int(supportpulse_headers(one)["offset"])) == place]  # fmt: skip
    assert len(found) == 1, f"{len(found)} dead letters of {place}"
    return found[0]


async def test_every_kind_of_bad_record_is_kept_as_it_came_with_its_reason_and_place(settings: Settings) -> None:
    """Bytes, key and headers are the original's, its place and the reason come as headers; good events go on."""
    at = wall() - HOUR
    key, wrong = b"desk|7", "supportpulse.TicketCreated.v9"
    sent: dict[tuple[int, int], tuple[str, bytes | None, bytes | None]] = {}
    async with Feed(settings) as feed, running(settings) as worker:

        async def bad(
            reason: Reason, value: bytes | None, key: bytes | None = key, partition: int | None = None
        ) -> None:
            sent[await feed.raw(value, key, partition, HEADERS)] = reason.value, value, key

        await bad(Reason.NOT_JSON, b"\xff\x00 no json")
        await bad(Reason.NOT_JSON, b"")
        await bad(Reason.NOT_JSON, b"[1, 2]")
        await bad(Reason.SCHEMA, as_json(at, subject=None))
        await bad(Reason.SCHEMA, as_json(at, data={"priority": 5}))
        await bad(Reason.UNKNOWN_TYPE, as_json(at, type="com.example.order"))
        await bad(Reason.UNKNOWN_TYPE, b"{}")
        await bad(Reason.WRONG_VERSION, as_json(at, type=wrong))
        await bad(Reason.WRONG_VERSION, as_json(at, specversion="9"))
        await bad(Reason.TIME_WITHOUT_ZONE, as_json(at, time=iso(at)))
        await bad(Reason.FUTURE_TIME, as_json(wall() + 40 * DAY))
        await bad(Reason.FUTURE_TIME, as_json(at, time="9999-01-01T00:00:00Z"))
        await bad(Reason.SCHEMA, as_json(at, subject="9" * 900_000))
        await bad(Reason.NULL_VALUE, None)
        nothing = await feed.raw(None, None, 2)
        await bad(Reason.NO_KEY, as_json(at), None, 1)
        await bad(Reason.KEY_MISMATCH, as_json(at), b"desk|8")
        await bad(Reason.KEY_MISMATCH, as_json(at), b"\xff\xfe")
        await bad(Reason.WRONG_PARTITION, as_json(at), key, (feed.partition_of(key) + 1) % 3)
        (good,) = await feed.events([created("7", at)])
        await bad(Reason.ID_CONFLICT, envelope.encode(created("7", at, "7/created", priority="high")))
        await feed.events([happened("StatusChanged", at + 1000, "7/s", by="agent", ticket="7", status="closed")])
        state = worker.owned
        await until(lambda: good[0] in state and key in state[good[0]].state.live
                    and state[good[0]].state.live[key].retired, "retired")  # fmt: skip
        await bad(Reason.RETIRED, envelope.encode(happened("Escalated", at + 1, "7/e", ticket="7", kind="functional")))
        await feed.events([created("8", at)])
        log = await drained(settings, expect_events=feed.records)
        counted = dict(worker.metrics._rejected)
        assert worker.fatal is None
    for place, (reason, value, told_key) in sent.items():
        letter = lies_in(log, place)
        headers = supportpulse_headers(letter)
        assert (headers["reason"].decode(), letter.value, letter.key) == (reason, value, told_key)
        assert tuple(letter.headers[:3]) == HEADERS
        assert headers["topic"].decode() == settings.events_topic
        assert headers["detail"]
    letter = lies_in(log, nothing)
    assert (letter.key, letter.value, supportpulse_headers(letter)["reason"]) == (None, b"", b"null_value")
    reasons = Counter([*(reason for reason, _, _ in sent.values()), "null_value"])
    assert {name: count for name, count in counted.items() if count} == reasons
    assert {place[0] for place in log.net} == {"desk|7", "desk|8"}
    check(log, poison=frozenset((*place, reason) for place, (reason, _, _) in sent.items()))


async def test_a_record_as_large_as_the_topic_takes_is_a_dead_letter_too(settings: Settings) -> None:
    """A ticket id of 10 MB on topics made for it, and one that fills the default topic to its last bytes."""
    at = wall() - HOUR
    default = as_json(at, subject="9" * 1_048_200)
    async with Feed(settings, 64 << 20) as feed, running(settings):
        filling = await feed.raw(default, None, 0)
        await _raise_limit(settings, settings.deadletter_topic, 25 << 20)
        await _raise_limit(settings, settings.events_topic, 24 << 20)
        value = as_json(at, subject="9" * (10 << 20))
        key = b"desk|" + b"9" * (10 << 20)
        huge = await _taken(feed, value, key)
        (good,) = await feed.events([created("1", at)])
        log = await drained(settings, expect_events=feed.records)
    assert lies_in(log, huge).value == value
    assert lies_in(log, huge).key == key
    assert lies_in(log, filling).value == default
    assert good in log.events
    check(log)


async def test_a_dead_letter_that_its_topic_refuses_is_cut_not_lost_and_stops_nothing(settings: Settings) -> None:
    """A record larger than the dead letter topic takes is kept in part, says so, and names where the whole lies."""
    value = as_json(wall() - HOUR, subject="9" * (6 << 20))
    async with Feed(settings, 64 << 20) as feed, running(settings):
        await _raise_limit(settings, settings.events_topic, 24 << 20)
        huge = await _taken(feed, value, b"desk|9")
        (good,) = await feed.events([created("1", wall() - HOUR)])
        log = await drained(settings, expect_events=feed.records)
    letter = lies_in(log, huge)
    assert value.startswith(letter.value)
    assert len(letter.value) > 100_000
    assert int(supportpulse_headers(letter)["cut-from"]) == len(value)
    assert good in log.events
    check(log)


async def send_escaped(settings: Settings, events: list[tuple[Any, bytes]]) -> None:
    """One broker batch of events, each with a header of that name."""
    producer = AIOKafkaProducer(bootstrap_servers=settings.bootstrap)
    await producer.start()
    batch = producer.create_batch()
    batch._builder = escaping_builder()
    for event, name in events:
        key, headers = envelope.key_of(event).encode(), [(Escaped.of(name), b"\x00")]
        batch.append(key=key, value=envelope.encode(event), timestamp=None, headers=headers)
    batch.close()
    await (await producer.send_batch(batch, settings.events_topic, partition=0))
    await producer.stop()


async def passed(worker: Worker, place: tuple[int, int]) -> None:
    """Wait until what lies at a place is processed and committed."""
    tp = TP(worker.settings.events_topic, place[0])
    await until(lambda: ((worker.owned and worker.app.consumer._committed_offset.get(tp)) or 0) > place[1], "a commit")


async def test_a_record_with_a_header_name_that_is_not_utf8_is_kept_and_its_neighbours_are_read(
    kafka: str, fresh: Fresh, tmp_path: Path
) -> None:
    """The usual consumers die of it, at each start again; here it is a dead letter with its bytes."""
    settings = await installed(kafka, fresh, tmp_path, partitions=1)
    at = wall() - HOUR
    async with Feed(settings) as feed:
        await send_escaped(settings, [(created("1", at), b"fine"), (created("2", at), b"b\xe9d"),
                                      (created("3", at), b"fine")])  # fmt: skip
        for _ in range(2):  # a worker that starts behind it reads it no more
            async with running(settings) as worker:
                await passed(worker, (await feed.events([created("4", at)]))[0])
                assert worker.fatal is None
                assert {b"desk|1", b"desk|3", b"desk|4"} == {key for key in worker.owned[0].state.store if b"|" in key}
    letters = await read_topic(settings, settings.deadletter_topic)
    assert [supportpulse_headers(one)["offset"] for one in letters] == [b"1"]
    assert (letters[0].key, letters[0].value) == (b"desk|2", envelope.encode(created("2", at)))
    assert letters[0].headers[0] == ("b\\xe9d", b"\x00")
    assert supportpulse_headers(letters[0])["reason"] == b"schema"
    assert b"headers: found names" in supportpulse_headers(letters[0])["detail"]


async def _taken(feed: Feed, value: bytes, key: bytes) -> tuple[int, int]:
    """Send a record until the broker heard of the raised limit, and of all it was told before."""
    deadline = monotonic() + 30
    while True:
        try:
            return await feed.raw(value, key)
        except MessageSizeTooLargeError:
            assert monotonic() < deadline
            feed.records -= 1
            await asyncio.sleep(0.1)


async def _raise_limit(settings: Settings, topic: str, size: int) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=settings.bootstrap)
    await admin.start()
    try:
        await admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic, {
            "max.message.bytes": str(size), "message.timestamp.type": "LogAppendTime"})])  # fmt: skip
    finally:
        await admin.close()


_NAMES = ("scenario", "sub_scenario", "region", "channel", "priority", "tier", "vendor")


async def test_a_ticket_that_grows_without_end_is_stopped_and_the_others_go_on(settings: Settings) -> None:
    """Thousands of distinct attribute values: its state still fits into a record, the rest are dead letters."""
    at = wall() - HOUR
    async with Feed(settings) as feed, running(settings) as worker:
        events = [created("1", at)]
        events += [
            happened(
                "AttributesChanged", at + number, f"1/{number}", ticket="1", **dict.fromkeys(_NAMES, f"{number:0100}")
            )
            for number in range(1, 2000)
        ]
        events += [created("2", at)]
        places = await feed.events(events)
        log = await drained(settings, expect_events=feed.records)
        assert worker.metrics._rejected["ticket_too_big"] == len(log.letters)
    assert 1000 < len(log.letters) < 1900
    reasons = {reason for _, _, reason in log.places_of_letters()}
    assert reasons == {"ticket_too_big"}
    largest = max(len(value) for values in log.tickets.values() for value in values.values())
    assert largest < 900_000
    assert places[-1] in log.events
    check(log, poison=frozenset(log.places_of_letters()))


def fuzzed(rng: random.Random, at: int) -> tuple[bytes | None, bytes | None, str | None]:
    """A payload, its key, and why it must be rejected whatever the state is; None = it is an event."""
    ticket = str(rng.randrange(40))
    good = json.loads(envelope.encode(rng.choice(_KINDS)(ticket, at + rng.randrange(HOUR), f"{ticket}/{rng.random()}")))
    value: bytes | None = json.dumps(good).encode()
    choice = rng.randrange(8)
    if choice == 0:
        value = rng.randbytes(rng.randrange(200))
    elif choice == 1:
        assert value is not None
        cut = rng.randrange(len(value))
        value = value[:cut] + rng.randbytes(rng.randrange(4)) + value[cut + rng.randrange(4) :]
    elif choice == 2:
        field = rng.choice([*good])
        good[field] = rng.choice(
            [None, 5, -1, 1e308, True, [], {}, "", "x" * 300, "\ud800", "\x00", [[[[]]]], {"a": {}}]
        )
        value = json.dumps(good).encode()
    elif choice == 3:
        good["data"] = {rng.choice([*_FIELDS]): rng.choice(_VALUES) for _ in range(rng.randrange(4))}
        value = json.dumps(good).encode()
    elif choice == 4:
        value = rng.choice(
            [None, b"", b"null", b"[" * rng.randrange(5000), b'{"a":' * rng.randrange(5000), b"0" * 5000]
        )
    key: bytes | None = f"desk|{ticket}".encode()
    if rng.random() < 0.03:
        key = rng.choice([None, b"", b"desk", b"\xff|1", b"desk|", b"x" * 300, b"\x00policy"])
    try:
        if value is None:
            raise Rejected(Reason.NULL_VALUE, "")
        if key is None:
            raise Rejected(Reason.NO_KEY, "")
        reader.read(value)
    except Rejected as error:
        return value, key, str(error.reason)
    return value, key, None


_KINDS = [
    lambda ticket, at, identity: created(ticket, at, identity),
    lambda ticket, at, identity: happened("MessagePosted", at, identity, by="agent", ticket=ticket, public=True),
    lambda ticket, at, identity: happened("TicketObserved", at, identity, ticket=ticket, status="open", created_at=at),
    lambda ticket, at, identity: happened("StatusChanged", at, identity, ticket=ticket, status="open"),
    lambda ticket, at, identity: happened("DeadlineReached", at, identity, ticket=ticket, at=envelope.from_ms(at)),
]
_FIELDS = ("status", "priority", "actor", "signals", "public", "created_at", "at", "team", "watermark", "x", "")
_VALUES = (None, 0, -5, 10**30, "open", "", "x" * 150, [], {}, {"kind": "agent"}, {"kind": None}, "2026-01-01", True)


async def fuzz(settings: Settings, payloads: int, seed: int) -> None:
    """Send payloads and check that each is an event or a dead letter."""
    rng, at = random.Random(seed), wall() - 2 * HOUR
    certain: dict[tuple[int, int], str | None] = {}
    async with Feed(settings) as feed, running(settings) as worker:
        for _ in range(0, payloads, 1000):
            queued = []
            for _ in range(min(1000, payloads)):
                value, key, reason = fuzzed(rng, at)
                queued.append((await feed.queue(value, key), reason))
            for sent, reason in queued:
                certain[await sent] = reason
        log = await drained(settings, 60 + payloads / 200, expect_events=feed.records)
        assert worker.fatal is None
        processed, rejected = dict(worker.metrics._processed), dict(worker.metrics._rejected)
    letters = {(partition, offset): reason for partition, offset, reason in log.places_of_letters()}
    assert len(letters) == len(log.letters)
    expected = {place: reason for place, reason in certain.items() if reason is not None}
    assert expected.items() <= letters.items()
    by_state = {
        "key_mismatch", "wrong_partition", "future_time", "id_conflict", "retired", "ticket_too_big", "too_late",
    }  # fmt: skip
    beyond = {place for place in letters.keys() - expected.keys() if letters[place] not in by_state}
    told = [supportpulse_headers(lies_in(log, place))["detail"] for place in beyond]
    assert beyond == set(), f"{len(beyond)}: {told[:5]}"
    assert Counter(letters.values()) == {name: count for name, count in rejected.items() if count}
    assert processed["event"] - len(letters) <= len(certain)
    assert sum(processed.values()) >= len(certain)


async def test_thousands_of_random_payloads_are_each_an_event_or_a_dead_letter(settings: Settings) -> None:
    """Noise, cut and altered JSON, odd values, odd keys: none stops the worker, each rejection has its reason."""
    await fuzz(settings, 3000, 1)


@pytest.mark.slow
@pytest.mark.timeout(900)
async def test_a_hundred_thousand_random_payloads_are_each_an_event_or_a_dead_letter(settings: Settings) -> None:
    """The same at length."""
    await fuzz(settings, 100_000, 2)
