"""What a gateway's heartbeats promise."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from gateway_desk import Desk, fake_vendors
from supportpulse.edges.gateway.beats import beats
from supportpulse.edges.gateway.flight import MOST_REFUSED, Flight
from supportpulse.events import Heartbeat

__all__ = ["fake_vendors"]


def test_a_watermark_never_passes_what_is_being_delivered() -> None:
    """The oldest delivery that is not answered holds it."""
    flight = Flight()
    assert flight.watermark(100.0) == 100.0
    first, second = flight.begin(100.0), flight.begin(101.0)
    assert flight.watermark(105.0) == 100.0
    flight.end(first)
    assert flight.watermark(105.0) == 101.0
    flight.end(second)
    assert flight.watermark(105.0) == 105.0


def test_a_refused_delivery_holds_its_source_until_it_comes_again_or_no_more() -> None:
    """The vendor's retry is told by its body."""
    flight = Flight()
    flight.refused(b"a", until=160.0)
    flight.refused(b"b", until=200.0)
    assert flight.watermark(110.0) is None
    flight.landed(b"another")
    flight.landed(b"b")
    assert flight.watermark(110.0) is None
    flight.landed(b"a")
    assert flight.watermark(110.0) == 110.0
    flight.refused(b"c", until=120.0)
    flight.refused(None, until=130.0)
    assert flight.watermark(119.0) is None
    flight.landed(b"c")
    assert flight.watermark(129.0) is None, "one that was never read may have been any"
    assert flight.watermark(131.0) == 131.0


def test_refused_deliveries_cost_a_bounded_memory() -> None:
    """Beyond some thousands a source is held by the clock."""
    flight = Flight()
    for number in range(MOST_REFUSED + 5):
        flight.refused(b"%d" % number, until=200.0)
    assert len(flight._refused) == MOST_REFUSED
    assert flight.watermark(199.0) is None
    assert flight.watermark(201.0) == 201.0
    assert not flight._refused


@pytest.mark.usefixtures("fake_vendors")
async def test_heartbeats_go_to_every_partition_and_not_for_a_source_that_is_held(tmp_path: Path) -> None:
    """While Kafka refuses, the source falls silent; when the same delivery has landed, it speaks again."""
    desk = Desk(tmp_path)

    def told() -> dict[str, set[int | None]]:
        found: dict[str, set[int | None]] = {}
        for one in beats(desk.roster, 2, "events", "one", 1_800_000_000.0, desk.measures):
            beat = Heartbeat.model_validate_json(one.value)
            assert (beat.data.mode, beat.data.instance, one.key.decode()) == ("live", "one", beat.source)
            found.setdefault(beat.source, set()).add(one.partition)
        return found

    everyone = {name: {0, 1} for name in desk.roster.stations}
    assert told() == everyone
    body = json.dumps({"ticket": "1"}).encode()
    desk.kafka.down = True
    assert (await desk.signed("code", body)).code == 503
    assert (await desk.signed("desk", body)).code == 503
    desk.roster.stations["code"].flight.refused(body, 1_800_000_060.0)
    assert told() == {name: both for name, both in everyone.items() if name != "code"}
    assert desk.sample("sla_gateway_source_held", source="code") == 1
    desk.kafka.down = False
    assert (await desk.signed("code", body)).code == 200
    assert told() == everyone
    assert desk.sample("sla_gateway_source_held", source="code") == 0


@pytest.mark.usefixtures("fake_vendors")
async def test_a_heartbeat_while_a_delivery_waits_for_kafka_says_when_it_was_received(tmp_path: Path) -> None:
    """What is not acknowledged yet has not been delivered."""
    desk = Desk(tmp_path)
    desk.kafka.gate = asyncio.Event()
    waiting = asyncio.create_task(desk.signed("desk", b'{"ticket":"1"}'))
    while not desk.room.deliveries:
        await asyncio.sleep(0)
    now = next(iter(desk.roster.stations["desk"].flight._flying.values()))
    by_source = {
        beat.source: beat.data.watermark.timestamp()
        for one in beats(desk.roster, 1, "events", "one", now + 50, desk.measures)
        for beat in [Heartbeat.model_validate_json(one.value)]
    }
    assert by_source["desk"] == pytest.approx(now, abs=0.001)
    assert by_source["code"] == pytest.approx(now + 50, abs=0.001)
    desk.kafka.gate.set()
    assert (await waiting).code == 200
    assert desk.roster.stations["desk"].flight.watermark(now + 50) == now + 50
