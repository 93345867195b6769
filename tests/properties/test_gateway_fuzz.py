"""Whatever is sent, the gateway answers within its limits, and what was authentic is an event or a dead letter."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from pathlib import Path
from resource import RUSAGE_SELF, getrusage

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from asgi import post
from gateway_desk import SECRET, SOURCES, Desk, fake_vendors
from gateway_fuzz import body
from gateway_seeds import SEEDS
from supportpulse.edges.gateway.vendors import available

__all__ = ["fake_vendors"]

HONEST = {200, 202, 400, 413, 415}
"""What an authentic delivery may be answered while Kafka is there."""
OPEN = SOURCES.replace("rate_per_second = 0.001\nburst = 2\n", "")
MORE = """
[sources.{name}]
vendor = "{name}"
secrets = ["env:TOKEN"]
rate_per_second = 1_000_000
burst = 1_000_000
max_body_bytes = 20_000
"""
MAY_GROW_KB = 20_000
"""The peak of memory, between the first ten thousand requests and the last: what is left behind would add up."""


def unlimited() -> str:
    """One source of each vendor there is an adapter for, without a rate."""
    return "".join(MORE.format(name=name) for name in available() if name != "mapped")


async def one(desk: Desk, source: str, content: bytes, encoding: str) -> int:
    """Send it signed; the code, after a look at what became of it."""
    desk.kafka.messages.clear()
    headers = {"Content-Encoding": encoding} if encoding else {}
    scheme = desk.roster.stations[source].source.scheme
    secret = desk.roster.stations[source].source.secrets[0]
    if scheme is None:
        token = {"X-Supportpulse-Token": secret.decode(), **headers}
        answer = await post(desk.app, f"/webhooks/{source}", content, token)
    else:
        answer = await desk.signed(source, content, secret=secret.decode(), **headers)
    assert answer.code in HONEST, (answer, content)
    kept = len(desk.kafka.letters)
    if kept:
        reason = dict(desk.kafka.letters[-1].headers)["supportpulse-reason"]
        assert reason != b"adapter_failed", (source, content)
    if answer.code == 202:
        assert kept == 1
    if answer.code == 200:
        assert kept == 0
    if answer.code == 400 and not encoding:
        assert kept == 1
    return answer.code


@pytest.mark.usefixtures("fake_vendors")
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.one_of(st.binary(max_size=300), st.text(max_size=100).map(str.encode)))
async def test_any_bytes_are_answered(tmp_path: Path, content: bytes) -> None:
    """Signed or not, as JSON or packed."""
    desk = Desk(tmp_path, OPEN)
    for encoding in ("", "gzip"):
        await one(desk, "code", content, encoding)
    assert (await post(desk.app, "/webhooks/code", content)).code == 401
    assert (desk.room.deliveries, desk.room.bytes) == (0, 0)


async def run(desk: Desk, rng: random.Random, requests: int) -> Counter[int]:
    """So many deliveries of bodies nobody should send, to every source in turn; what was answered."""
    names, codes = list(desk.roster.stations), Counter[int]()
    for number in range(requests):
        name = names[number % len(names)]
        seeds = [SEEDS[name]] if name in SEEDS and rng.random() < 0.9 else [*SEEDS.values()]
        codes[await one(desk, name, *body(rng, seeds))] += 1
        await asyncio.sleep(0)  # a loop that never turns keeps its cancelled timers
    assert (desk.room.deliveries, desk.room.bytes) == (0, 0)
    return codes


async def test_some_thousand_hostile_deliveries_to_every_vendor_are_events_or_dead_letters(tmp_path: Path) -> None:
    """Changed by bytes and by the vendor's own fields; only authentic ones, so that all of it is reached."""
    codes = await run(Desk(tmp_path, unlimited()), random.Random(3), 2000)
    assert set(codes) == HONEST
    assert codes[200] > 100
    assert codes[202] > 300


@pytest.mark.slow
@pytest.mark.timeout(900)
async def test_a_hundred_thousand_hostile_deliveries_leave_nothing_behind(tmp_path: Path) -> None:
    """No answer but the honest ones, and memory stays as it is after the first thousands."""
    desk, rng = Desk(tmp_path, unlimited()), random.Random(4)
    await run(desk, rng, 10_000)
    before = getrusage(RUSAGE_SELF).ru_maxrss
    await run(desk, rng, 90_000)
    grown = getrusage(RUSAGE_SELF).ru_maxrss - before
    assert grown < MAY_GROW_KB, f"{grown} kB"
    assert SECRET.encode() not in desk.measures.text()
