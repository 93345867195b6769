"""`supportpulse explain` on the events topic tells what the worker said, when, and because of what."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from time import monotonic
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer

from fresh import Fresh
from stream_feed import MINUTE, Feed, created, installed, replied, running, small_history, tell, until, wall
from stream_heard import Heard
from stream_log import drained
from supportpulse import cli, envelope
from supportpulse.edges import ticket_records
from supportpulse.edges.broker import Broker
from supportpulse.errors import BrokerUnavailable
from supportpulse.record import iso
from supportpulse.settings import Settings

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(120)]

TWO_SECONDS = """
name = "two-seconds"
labels = ["rule"]
[[rules]]
name = "all"
targets = { first_response = "2s" }
"""


@pytest.fixture
def policy(tmp_path: Path) -> Path:
    """A first response within two seconds."""
    file = tmp_path / "policy.toml"
    file.write_text(TWO_SECONDS, "utf-8")
    return file


async def explained(
    settings: Settings, capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0
) -> tuple[str, str]:
    """What the command prints: output and errors."""
    asked = ["explain", *arguments, "--bootstrap", settings.bootstrap, "--topic-prefix", settings.topic_prefix]
    capsys.readouterr()
    assert await asyncio.to_thread(cli.main, [*asked, "--policy", str(settings.policy)]) == code
    told = capsys.readouterr()
    return told.out, told.err


async def as_json(settings: Settings, capsys: pytest.CaptureFixture[str], *arguments: str) -> Any:
    """The object that it prints."""
    return json.loads((await explained(settings, capsys, *arguments, "--json"))[0])


def said(told: Any) -> list[tuple[Any, ...]]:
    """What was said, as `published` gives it."""
    return [
        (one["what"], one["retracts"], one["clock"], one["cycle"], one["time"], one["partition"], one["offset"])
        for one in told["said"]
    ]


def published(outcomes: list[Any], key: str) -> list[tuple[Any, ...]]:
    """What lies in the outcomes topic of one ticket."""
    kinds = {"ClockAtRisk": "at_risk", "ClockBreached": "breached", "ClockMet": "met", "ClockCancelled": "cancelled",
             "ClockFinal": "final", "OutcomeRetracted": "retracted"}  # fmt: skip
    found = []
    for one in outcomes:
        if one["subject"] == key:
            data = one["data"]
            _, partition, offset = data["cause"].rsplit("-", 2)
            what = kinds[one["type"].split(".")[1]]
            place = data["clock"], data["cycle"], one["time"], int(partition), int(offset)
            found.append((what, data.get("retracts"), *place))
    return found


async def test_a_late_reply_that_takes_a_breach_back_is_told_with_its_record_and_the_marker(
    kafka: str, fresh: Fresh, tmp_path: Path, policy: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Breached by a marker, met after all by an event that arrived later: in text and in JSON, as it was published."""
    settings = await installed(kafka, fresh, tmp_path, policy=policy)
    async with Feed(settings) as feed, running(settings) as worker, Heard(settings) as heard:
        await until(lambda: len(worker.owned) == 3, "all partitions owned")
        at = wall()
        await feed.beat("desk", "live", at)
        await feed.events([created("1", at)])
        await heard.of("desk|1", "ClockBreached")
        ((partition, offset),) = await feed.events([replied("1", at + 1500)])
        await heard.of("desk|1", "ClockMet")
        log = await drained(settings)
    told = await as_json(settings, capsys, "1", "--source", "desk")
    assert said(told) == published(log.outcomes, "desk|1")
    back = next(one for one in told["said"] if one["what"] == "retracted" and one["retracts"] == "breached")
    assert (back["id"], back["happened"], back["time"]) == ("1/reply", iso(at + 1500), iso(at + 2000))
    assert (back["partition"], back["offset"]) == (partition, offset)
    assert back["arrived"] == iso(log.broker_ms[partition, offset])
    breach = next(one for one in told["said"] if one["what"] == "breached")
    assert breach["marker"]["offset"] == breach["offset"] < offset
    assert iso(at + 2000) <= breach["marker"]["at"] <= breach["arrived"]
    assert [step["late"] for step in told["steps"] if step["id"]] == [False, True]
    (cycle,) = told["cycles"]
    assert (cycle["verdict"], cycle["elapsed_ms"], cycle["policies"][0]["rule"]) == ("met", 1500, "all")
    text = " ".join((await explained(settings, capsys, "1"))[0].split())
    assert "was taken back by 1/reply, which happened" in text
    assert f"1/reply at {partition}-{offset}, late: arrived" in text
    assert "what stands: first_response met" in text


async def test_for_many_tickets_what_it_tells_is_what_was_published(
    kafka: str, fresh: Fresh, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A history with repeats, disorder and retractions: outcomes and net view of tickets are the worker's."""
    settings = await installed(kafka, fresh, tmp_path)
    async with Feed(settings) as feed, running(settings):
        await tell(feed, small_history(5, events=1500))
        log = await drained(settings, expect_events=feed.records)
    changed = {one["subject"] for one in log.outcomes if "retracts" in one["data"]}
    plain = {one["subject"] for one in log.outcomes} - changed
    assert len(changed) > 3
    for key in [*sorted(changed)[:4], *sorted(plain)[:2]]:
        source, _, ticket = key.partition("|")
        told = await as_json(settings, capsys, ticket, "--source", source)
        assert said(told) == published(log.outcomes, key)
        net = {(one["clock"], one["cycle"]): (one["verdict"], one["time"]) for one in told["verdicts"]}
        assert net == {place[1:]: (one[0], iso(one[1])) for place, one in log.net.items() if place[0] == key}


async def test_hostile_bytes_under_the_tickets_key_are_named_and_do_not_stop_it(
    kafka: str, fresh: Fresh, tmp_path: Path, policy: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whatever lies under the key: an event, or refused with its place and the reason; other keys are not looked at."""
    settings = await installed(kafka, fresh, tmp_path, policy=policy)
    at, key = wall() - MINUTE, b"desk|1"
    event = envelope.encode(created("1", at))
    hostile = [
        None, b"", b"\xff\xfe", b"{", b"[" * 100_000, b"null", b'{"specversion":"1.0"}', event[:-20], b"\0" * 300,
        event.replace(b"TicketCreated", b"TicketDreamt"), envelope.encode(created("2", at)),
        event.replace(b"1/created", b"other").replace(b'"time":"20', b'"time":"29'),
    ]  # fmt: skip
    async with Feed(settings) as feed:
        for other in (b"x|1|1", b"desk|11", b"\xff|2", b"1", b"|"):
            await feed.raw(b"never decoded", other)
        places = [await feed.raw(value, key) for value in hostile]
        await feed.events([created("1", at), replied("1", at + 1000), created("1", at)])
        wrong = (feed.partition_of(key) + 1) % settings.partitions
        places.append(await feed.raw(event, key, wrong))
        await feed.raw(b"\xff", b"\xff\xfe|1")
    told = await as_json(settings, capsys, "1")
    assert [step["id"] for step in told["steps"] if step["id"]] == ["1/created", "1/reply"]
    refused = {(one["partition"], one["offset"]): one["reason"] for one in told["refused"]}
    assert set(refused) == set(places)
    assert refused[places[0]] == "null_value"
    assert refused[places[-1]] == "wrong_partition"
    assert refused[places[-3]] == "key_mismatch"
    text, _ = await explained(settings, capsys, "1", "--source", "desk")
    assert f"{places[0][0]}-{places[0][1]}  null_value" in text
    assert max(map(len, text.splitlines())) <= 100
    _, error = await explained(settings, capsys, "3", code=1)
    assert "no event of ticket '3'" in error


async def test_aborted_records_are_not_told_and_no_group_is_left_behind(
    kafka: str, fresh: Fresh, tmp_path: Path, policy: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Only what was committed, though the topic ends in an aborted transaction; two sources have to be chosen from."""
    settings = await installed(kafka, fresh, tmp_path, policy=policy)
    at = wall() - MINUTE
    async with Feed(settings) as feed:
        await feed.events([created("1", at), created("1", at, "forum")])
    producer = AIOKafkaProducer(bootstrap_servers=settings.bootstrap, transactional_id=f"abort-{fresh.suffix}")
    await producer.start()
    try:
        await producer.begin_transaction()
        event = replied("1", at + 1000)
        await producer.send_and_wait(settings.events_topic, envelope.encode(event), key=b"desk|1")
        await producer.abort_transaction()
    finally:
        await producer.stop()
    told = await as_json(settings, capsys, "1", "--source", "desk")
    assert [step["id"] for step in told["steps"]] == ["1/created"]
    assert told["as_of"] is None
    (cycle,) = told["cycles"]
    assert (cycle["verdict"], cycle["deadline"]) == (None, iso(at + 2000))
    text = " ".join((await explained(settings, capsys, "1", "--source", "forum"))[0].split())
    assert "NOT DECIDED though its deadline has passed" in text
    _, error = await explained(settings, capsys, "1", code=1)
    assert "choose by --source: desk, forum" in error.replace("forum, desk", "desk, forum")


async def test_without_a_broker_or_topic_it_is_one_sentence_in_time(
    kafka: str, fresh: Fresh, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nobody listens there; the broker has no such topic."""
    started = monotonic()
    assert await asyncio.to_thread(cli.main, ["explain", "1", "--bootstrap", "127.0.0.1:9", "--wait", "1"]) == 1
    assert monotonic() - started < 10
    error = capsys.readouterr().err
    assert error.startswith("supportpulse: no Kafka broker answered at 127.0.0.1:9 within 1 s")
    _, error = await explained(fresh.settings(kafka), capsys, "1", code=1)
    assert "not there on Kafka" in error


async def test_a_broker_that_dies_half_way_is_one_sentence_in_time(
    own_broker: Broker, fresh: Fresh, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """How far it came is told, once, after the bounded wait."""
    settings = await installed(own_broker.bootstrap, fresh, tmp_path)
    async with Feed(settings) as feed:
        await asyncio.gather(*[await feed.queue(b"x" * 20_000, b"desk|%d" % number) for number in range(100)])
    monkeypatch.setattr(ticket_records, "FETCH_BYTES", 20_000)
    passed: list[int] = []

    def advance(done: int, total: int) -> None:
        if not passed:
            own_broker.kill()
        passed.append(done)

    started = monotonic()
    with pytest.raises(BrokerUnavailable, match=r"did not go on for 2 s: partition \d at \d+ of \d+"):
        await asyncio.to_thread(ticket_records.ticket_records, settings, "1", wait_seconds=2, advance=advance)
    assert 0 < passed[-1] < 100
    assert monotonic() - started < 15
    assert not [one for one in caplog.records if one.name.startswith("kafka")]
