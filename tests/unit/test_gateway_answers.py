"""What the gateway answers to whom, and what then lies in Kafka."""

from __future__ import annotations

import asyncio
import gzip
import json
import logging
import time
import tracemalloc
import zlib
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.routing import Mount

from asgi import get, post
from gateway_desk import OLD, SECRET, TOKEN, Desk, fake_vendors
from supportpulse.edges.gateway.payload import NotJson, parse, redacted
from supportpulse.edges.gateway.room import Room
from supportpulse.names import GatewayMetric

__all__ = ["fake_vendors"]
pytestmark = pytest.mark.usefixtures("fake_vendors")

BODY = b'{"ticket":"4711","events":2,"text":"marker-text"}'


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """A gateway in memory."""
    return Desk(tmp_path)


async def test_an_authentic_delivery_is_taken_once_all_its_events_are_acknowledged(desk: Desk) -> None:
    """Not before: the vendor must not be told of what may yet be lost."""
    desk.kafka.gate = asyncio.Event()
    waiting = asyncio.create_task(desk.signed("code", BODY))
    await asyncio.sleep(0.05)
    assert not waiting.done()
    desk.kafka.gate.set()
    answer = await waiting
    assert (answer.code, answer.body) == (200, b'{"events":2}')
    assert [one["subject"] for one in desk.kafka.events] == ["4711", "4711"]
    assert {one.key for one in desk.kafka.messages} == {b"code|4711"}
    assert desk.sample("sla_gateway_events_total", source="code") == 2
    assert desk.sample("sla_gateway_received_total", source="code") == 1


async def test_the_old_secret_is_taken_beside_the_new_one_and_a_retry_makes_the_same_events(desk: Desk) -> None:
    """Rotation without downtime; the retry of a delivery is told by its ids."""
    assert (await desk.signed("code", BODY, secret=OLD)).code == 200
    assert (await desk.signed("code", BODY)).code == 200
    first, second = desk.kafka.messages[:2], desk.kafka.messages[2:]
    assert first == second


async def test_below_another_application_a_delivery_is_taken_all_the_same(desk: Desk) -> None:
    """Whatever the path begins with there: a webhook that nothing came of must never be answered with 200."""
    outer = Starlette(routes=[Mount("/in", app=desk.app)])
    answer = await post(outer, "/in/webhooks/fresh", BODY, {"x-supportpulse-token": TOKEN})
    assert (answer.code, answer.body) == (200, b'{"events":2}')
    assert len(desk.kafka.events) == 2


async def test_a_wrong_signature_is_401_and_says_no_more(desk: Desk) -> None:
    """Missing, wrong, of another body, stale: one answer; only the counters tell them apart."""
    said = {
        (await desk.signed("code", BODY, secret="another-secret")).body,
        (await post(desk.app, "/webhooks/code", BODY)).body,
        (await desk.signed("desk", BODY, secret="another-secret")).body,
        (await desk.signed("desk", BODY, at=time.time() - 301)).body,
        (await post(desk.app, "/webhooks/fresh/wrong", BODY)).body,
        (await post(desk.app, "/webhooks/fresh", BODY)).body,
    }
    assert said == {b'{"error":"not authentic"}'}
    assert not desk.kafka.messages
    assert desk.sample("sla_gateway_rejected_total", source="code", reason="signature") == 2
    assert desk.sample("sla_gateway_rejected_total", source="desk", reason="stale") == 1
    assert desk.sample("sla_gateway_rejected_total", source="fresh", reason="signature") == 2


async def test_a_vendor_that_signs_nothing_shows_a_token_in_path_or_header(desk: Desk) -> None:
    """Either will do."""
    assert (await post(desk.app, f"/webhooks/fresh/{TOKEN}", BODY)).code == 200
    assert (await post(desk.app, "/webhooks/fresh", BODY, {"X-Supportpulse-Token": TOKEN})).code == 200


async def test_an_unknown_source_is_404_and_another_method_405(desk: Desk) -> None:
    """Nothing is read of it."""
    answer = await post(desk.app, "/webhooks/nobody", [b"x", b"y"])
    assert (answer.code, answer.taken) == (404, 0)
    assert desk.sample("sla_gateway_rejected_total", source="", reason="unknown_source") == 1
    assert (await get(desk.app, "/webhooks/code")).code == 405


async def test_a_body_is_413_as_soon_as_it_is_too_large(desk: Desk) -> None:
    """By its announced length unread, and in chunks at the first that is too much."""
    announced = await post(desk.app, "/webhooks/code", [b"x"] * 9, {"Content-Length": "20001"})
    assert (announced.code, announced.taken) == (413, 0)
    absurd = await post(desk.app, "/webhooks/code", b"x", {"Content-Length": "9" * 5000})
    assert absurd.code == 413
    chunked = await post(desk.app, "/webhooks/code", [b"x" * 6000] * 9)
    assert (chunked.code, chunked.taken) == (413, 4)
    assert (await desk.signed("code", b'"' + b"x" * 19_998 + b'"')).code == 202
    assert desk.sample("sla_gateway_rejected_total", source="code", reason="too_large") == 3
    assert (desk.room.deliveries, desk.room.bytes) == (0, 0)


async def test_packed_bodies_are_taken_and_zip_bombs_are_413(desk: Desk) -> None:
    """The signature may be of the packed or of the plain body; what is unpacked is bounded."""
    deflate = zlib.compressobj(wbits=-15)
    raw = deflate.compress(BODY) + deflate.flush()
    for packed, name in ((gzip.compress(BODY), "gzip"), (zlib.compress(BODY), "deflate"), (raw, "deflate")):
        options = {"Content-Encoding": name}
        assert (await desk.signed("code", packed, **options)).code == 200
        assert (await desk.signed("code", BODY, chunks=[packed], **options)).code == 200
    bomb = gzip.compress(b" " * 10_000_000)
    assert len(bomb) < 20_000
    assert (await desk.signed("code", bomb, **{"Content-Encoding": "gzip"})).code == 413
    for broken in (b"no gzip", gzip.compress(BODY)[:-5], gzip.compress(BODY) + b"tail"):
        assert (await desk.signed("code", broken, **{"Content-Encoding": "gzip"})).code == 400
    assert (await desk.signed("code", BODY, **{"Content-Encoding": "br"})).code == 415


@pytest.mark.parametrize(
    "body",
    [
        b"", b"no json", b'{"ticket":', b'{"a":"\x00"}', b'{"a":"\xff"}', b"[" * 9_000 + b"]" * 9_000, b"[" * 9_999,
        b'{"a":' * 3_000, b"NaN", b'{"ticket":"1","at":1e99999}',
        b'{"ticket":"1","a":' + b"9" * 10_000 + b"}",
    ],
)  # fmt: skip
async def test_what_is_no_json_is_400_and_still_kept_if_it_was_authentic(desk: Desk, body: bytes) -> None:
    """Broken, deep, not UTF-8: an answer, and a dead letter with the bytes as they came."""
    assert (await desk.signed("code", body)).code == 400
    (letter,) = desk.kafka.letters
    assert letter.value == body
    assert dict(letter.headers)["supportpulse-reason"] == b"not_json"


@pytest.mark.parametrize(
    ("body", "ticket"),
    [
        (b'{"ticket":"1","a":' + b"9" * 400 + b"}", "1"),
        (b'{"ticket":"1","ticket":"2"}', "2"),
        (b'{"ticket":"a\\u0000b"}', "a\x00b"),
        (b'{"ticket":"cut \\ud83d"}', "cut ?"),
    ],
)
async def test_odd_json_is_taken_for_what_it_is(desk: Desk, body: bytes, ticket: str) -> None:
    """Giant numbers nobody asks for, a key twice, NUL, half a surrogate pair."""
    assert (await desk.signed("code", body)).code == 200
    assert desk.kafka.events[0]["subject"] == ticket


async def test_a_zip_bomb_is_not_unpacked(desk: Desk) -> None:
    """Not even for a moment: what a body may take is all that is ever unpacked."""
    bomb = gzip.compress(b" " * 12_000_000)
    tracemalloc.start()
    answer = await desk.signed("code", bomb, **{"Content-Encoding": "gzip"})
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (answer.code, peak < 2_000_000) == (413, True), peak


async def test_an_unknown_event_is_202_and_a_dead_letter_with_body_and_reason(desk: Desk) -> None:
    """Whoever looks after it finds what came, of which source, and the vendor's own name of the event."""
    body = b'{"surprise":"marker-text"}'
    answer = await desk.signed("code", body, **{"X-GitHub-Event": "star", "Authorization": "Bearer marker"})
    assert (answer.code, json.loads(answer.body)) == (202, {"events": 0, "dead_letter": "unknown_event"})
    (letter,) = desk.kafka.letters
    told = dict(letter.headers)
    assert (letter.key, letter.value) == (b"code", body)
    assert told["supportpulse-reason"] == b"unknown_event"
    assert told["supportpulse-source"] == b"code"
    assert told["supportpulse-x-github-event"] == b"star"
    assert b"marker" not in b"".join(told.values())
    assert desk.sample("sla_gateway_dead_letters_total", source="code", reason="unknown_event") == 1


async def test_an_adapter_that_fails_costs_no_delivery(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    """A mistake of ours is a dead letter, told by its type alone."""
    answer = await desk.signed("code", b'{"crash":"marker-text"}')
    assert (answer.code, dict(desk.kafka.letters[0].headers)["supportpulse-reason"]) == (202, b"adapter_failed")
    assert "KeyError" in caplog.text
    assert "marker" not in caplog.text


async def test_what_kafka_does_not_acknowledge_in_time_is_503_with_retry_after(desk: Desk) -> None:
    """Refused at once, or not answered within the source's time."""
    desk.kafka.down = True
    answer = await desk.signed("code", BODY)
    assert (answer.code, answer.headers["retry-after"]) == (503, "10")
    desk.kafka.gate = asyncio.Event()
    began = time.monotonic()
    assert (await desk.signed("code", BODY)).code == 503
    assert 0.25 < time.monotonic() - began < 2
    assert (await desk.signed("code", b'{"surprise":1}')).code == 503
    assert desk.sample("sla_gateway_rejected_total", source="code", reason="unavailable") == 3
    assert desk.sample("sla_gateway_publish_failures_total") == 3
    assert desk.roster.stations["code"].flight.watermark(time.time()) is None


async def test_a_body_that_does_not_come_is_408_and_holds_nothing(desk: Desk) -> None:
    """Whoever opens a request and waits takes its place for a bounded time."""
    answer = await post(desk.app, "/webhooks/code", [b"{"], stall=True)
    assert answer.code == 408
    assert (desk.room.deliveries, desk.room.bytes) == (0, 0)
    assert desk.roster.stations["code"].flight.watermark(1.0) == 1.0


async def test_a_client_that_goes_away_is_nobodys_error(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    """A body cut off is counted and not logged."""
    app = desk.app
    waiting = [{"type": "http.request", "body": b"{", "more_body": True}, {"type": "http.disconnect"}]
    sent = []

    async def receive() -> dict[str, object]:
        return waiting.pop(0)

    async def send(message: dict[str, object]) -> None:
        sent.append(message)

    path = "/webhooks/code"
    scope = {
        "type": "http", "http_version": "1.1", "method": "POST", "path": path, "raw_path": path.encode(),
        "query_string": b"", "root_path": "", "headers": [], "scheme": "http",
    }  # fmt: skip
    await app(scope, receive, send)
    assert desk.sample("sla_gateway_rejected_total", source="code", reason="gone") == 1
    assert not caplog.records


async def test_more_than_a_source_may_send_is_429_with_the_seconds_to_wait(desk: Desk) -> None:
    """Of authentic deliveries alone: nobody else can use them up."""
    for _ in range(5):
        assert (await desk.signed("slow", BODY, secret="another-secret")).code == 401
    assert [(await desk.signed("slow", BODY)).code for _ in range(2)] == [200, 200]
    answer = await desk.signed("slow", b'{"ticket":"next"}')
    assert answer.code == 429
    assert 900 < int(answer.headers["retry-after"]) <= 1001


async def test_a_full_house_is_503(tmp_path: Path) -> None:
    """Deliveries at once and bytes at once are bounded."""
    desk = Desk(tmp_path, room=Room(deliveries=2, size=1000))
    desk.kafka.gate = asyncio.Event()
    waiting = [asyncio.create_task(desk.signed("code", BODY)) for _ in range(2)]
    await asyncio.sleep(0.05)
    answer = await desk.signed("code", BODY)
    assert (answer.code, answer.headers["retry-after"]) == (503, "10")
    desk.kafka.gate.set()
    assert [(await one).code for one in waiting] == [200, 200]
    assert (await desk.signed("code", b"x" * 1001)).code == 503
    assert desk.sample("sla_gateway_rejected_total", source="code", reason="overloaded") == 2
    assert (desk.room.deliveries, desk.room.bytes) == (0, 0)


async def test_slacks_greeting_is_answered_with_its_challenge(tmp_path: Path) -> None:
    """Only an authentic one."""
    desk = Desk(tmp_path, '[sources.im]\nvendor = "slack"\nsecrets = ["env:ONE"]')
    body = b'{"type":"url_verification","challenge":"3eZbrw1aBm2rZgRNFdxV2595E9CY3gmdALWMmHkvFXO7tYXAYM8P"}'
    answer = await desk.signed("im", body)
    assert (answer.code, answer.body) == (200, b"3eZbrw1aBm2rZgRNFdxV2595E9CY3gmdALWMmHkvFXO7tYXAYM8P")
    assert (await desk.signed("im", body, secret="another-secret")).code == 401


async def test_text_and_secrets_are_nowhere_but_in_the_body_of_a_dead_letter(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Not in logs, metrics, answers, events or headers; and not even there when the source redacts it."""
    caplog.set_level(logging.DEBUG)
    bodies = [
        b'{"ticket":"1","text":"marker-text"}', b'{"surprise":"marker-text","deep":[{"surprise":"marker-text"}]}',
        b'["marker-text"]', b'{"crash":"marker-text"}', b'{"broken":"marker-text', b'{"ticket":{"marker-text":1}}',
    ]  # fmt: skip
    leaks = {}
    for rule in ("", 'redact = ["surprise", "/crash", "/*", "/ticket"]', 'redact = ["all"]'):
        desk = Desk(tmp_path, f'[sources.code]\nvendor = "github"\nsecrets = ["env:ONE"]\n{rule}')
        said = [await desk.signed("code", body) for body in bodies]
        said += [await desk.signed("code", body, secret="marker-other") for body in bodies]
        desk.kafka.down = True
        said += [await desk.signed("code", body) for body in bodies]
        public = b"".join(
            [
                *(answer.body + repr(answer.headers).encode() for answer in said),
                *(one.value for one in desk.kafka.messages if one.topic == "events"),
                *(one.key + repr(one.headers).encode() for one in desk.kafka.messages),
                desk.measures.text(),
                caplog.text.encode(),
            ]
        )
        assert b"marker" not in public
        assert len(desk.kafka.letters) == 5
        leaks[rule] = sum(b"marker" in letter.value for letter in desk.kafka.letters)
        assert SECRET.encode() not in b"".join(one.value for one in desk.kafka.messages)
    assert list(leaks.values()) == [5, 0, 0]


def test_redaction_blanks_keys_anywhere_and_pointers_where_they_point() -> None:
    """The rest of the body stays as it was; what is no JSON is blanked whole."""
    body = b'{"a":{"text":"x","b":[{"c":1},{"c":2}]},"text":[1],"~/":3,"keep":"x"}'
    found = parse(redacted(body, ("text", "/a/b/*/c", "/~0~1", "/none/0")))
    blank = "[redacted]"
    assert found == {
        "a": {"text": blank, "b": [{"c": blank}, {"c": blank}]}, "text": blank, "~/": blank, "keep": "x"
    }  # fmt: skip
    assert redacted(body, ()) == body
    assert redacted(b"no json", ("text",)) == b""
    with pytest.raises(NotJson):
        parse(b"[" * 100_000)


async def test_the_page_of_the_interface_and_probes_are_there(desk: Desk) -> None:
    """For people and for supervisors."""
    told = json.loads((await get(desk.app, "/openapi.json")).body)
    assert set(told["paths"]["/webhooks/{source}"]["post"]["responses"]) >= {"200", "202", "401", "413", "429", "503"}
    assert (await get(desk.app, "/docs")).code == 200
    assert (await get(desk.app, "/healthz")).code == 200


async def test_every_family_is_there_before_anything_happens(desk: Desk) -> None:
    """So that alerts can tell nothing from no gateway; no source's repr holds its secrets."""
    told = (await get(desk.app, "/metrics")).body.decode()
    assert [one.value for one in GatewayMetric if f"# TYPE {one.value} " not in told] == []
    assert 'sla_gateway_rejected_total{reason="stale",source="desk"} 0.0' in told
    assert "marker" not in repr(desk.roster.stations["code"].source)
