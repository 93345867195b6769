"""How many webhooks a second the gateway takes, beside a bare FastAPI route that only reads the same bodies.

The gateway checks a signature, turns the body into events and awaits Kafka's acknowledgement by all replicas; the bare
route awaits nothing but the body. Each is a process of its own, with the same server settings; the load comes from a
third, over connections that are kept open, in rounds that alternate between the two. One JSON line at the end.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

import click
import uvicorn
from fastapi import FastAPI, Request, Response

from supportpulse.edges.broker import broker
from supportpulse.edges.gateway.signatures import SCHEMES
from supportpulse.edges.topics import ensure_topics, remove_topics
from supportpulse.edges.topics import plan_topics as plans_of

BODY_BYTES = 2048
BODIES = 4000
KINDS = ("mixed", "change", "comment", "letter")
START_SECONDS = 60.0
SECRET = "secret-of-a-benchmark"
NAMES = ("Dana", "Kim", "Noor", "Wei", "José", "Aiko", "Lars")
TEXT = (  # of each ticket another one: to remember texts would not help
    "Hi {name}, the stutter comes from the jitter buffer: after a handover it keeps 400 ms. Set audio_profile to 3, "
    "see https://docs.example.com/quality#jitter, and look at stats.jitter afterwards. Call id {call:08x} shows it. "
)
SOURCES = """
[sources.desk]
vendor = "zendesk"
secrets = ["env:BENCH_SECRET"]
docs = ["docs.example.com"]
rate_per_second = 1_000_000
burst = 1_000_000
"""
PREFIX, APP = f"bench{os.getpid()}.", f"bench-{os.getpid()}"


def body(number: int, kind: str) -> bytes:
    """A delivery as Zendesk's event webhooks tell it, filled up to about 2 KB by the ids of custom fields.

    `comment`: an agent's public reply of 300 characters; `letter`: one of 1,200; `change`: a new priority; `mixed`: as
    many changes as comments.
    """
    if kind == "mixed":
        kind = "comment" if number % 2 else "change"
    now = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
    told: dict[str, Any] = {
        "account_id": 22129848,
        "id": f"01J{number:023d}",
        "subject": f"zen:ticket:{number}",
        "time": now,
        "type": "zen:event-type:ticket.priority_changed",
        "zendesk_event_version": "2022-11-06",
        "detail": {
            "actor_id": "8447388090494", "assignee_id": "8447388090494", "brand_id": "8447346621310",
            "created_at": now, "custom_status": "8447320465790", "description": "", "external_id": None,
            "form_id": "8646151517822", "group_id": "8447320466430", "id": str(number), "is_public": True,
            "organization_id": "8447346622462", "priority": "HIGH", "requester_id": "8447388090495", "status": "OPEN",
            "subject": "Audio stutters", "submitter_id": "8447388090495", "tags": ["audio"], "type": "PROBLEM",
            "updated_at": now, "via": {"channel": "web_service"}, "custom_fields": [],
        },
        "event": {"current": "HIGH", "previous": "NORMAL"},
    }  # fmt: skip
    if kind != "change":
        told["type"] = "zen:event-type:ticket.comment_added"
        text = TEXT.format(name=NAMES[number % len(NAMES)], call=number * 2_654_435_761 % 2**32) * 6
        told["event"] = {
            "comment": {
                "author": {"id": "8447388090494", "is_staff": True, "name": "Kim"},
                "body": text[: 300 if kind == "comment" else 1200], "id": str(10**12 + number), "is_public": True,
            },
        }  # fmt: skip
    fields = told["detail"]["custom_fields"]
    while len(json.dumps(told)) < BODY_BYTES:
        fields.append({"id": 8646151517000 + len(fields), "value": f"option_{len(fields)}"})
    return json.dumps(told).encode()


def requests(path: str, first: int, kind: str) -> list[bytes]:
    """Signed requests as they go over the wire, each of another ticket."""
    scheme, now, found = SCHEMES["zendesk"], time.time(), []
    for number in range(first, first + BODIES):
        content = body(number, kind)
        headers = {
            "Host": "gateway", "Content-Type": "application/json", "User-Agent": "Zendesk Webhook",
            "Content-Length": str(len(content)), **scheme.headers(SECRET.encode(), content, now),
        }  # fmt: skip
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        found.append(f"POST {path} HTTP/1.1\r\n{lines}\r\n".encode() + content)
    return found


class Client(asyncio.Protocol):
    """One connection: a request after the other, as long as there is time."""

    def __init__(self, load: Load) -> None:
        self._load, self._got, self.over = load, b"", asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Send the first."""
        self._transport: Any = transport
        self._next()

    def _next(self) -> None:
        if time.perf_counter() >= self._load.until:
            self._transport.close()
            return
        self._began = time.perf_counter()
        self._transport.write(self._load.request())

    def data_received(self, data: bytes) -> None:
        """An answer, or part of one."""
        self._got += data
        head, blank, rest = self._got.partition(b"\r\n\r\n")
        if not blank:
            return
        length = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0] or 0)
        if len(rest) < length:
            return
        self._got = b""
        self._load.answered(head[9:12], time.perf_counter() - self._began)
        self._next()

    def connection_lost(self, error: Exception | None) -> None:
        """The round is over."""
        self.over.set_result(None)


class Load:
    """Requests in turn, and what was answered."""

    def __init__(self, requests: list[bytes], seconds: float) -> None:
        self._requests, self._at, self.until = requests, 0, time.perf_counter() + seconds
        self.seconds: list[float] = []
        self.codes: dict[str, int] = {}

    def request(self) -> bytes:
        """The next."""
        self._at += 1
        return self._requests[self._at % len(self._requests)]

    def answered(self, code: bytes, seconds: float) -> None:
        """One more."""
        self.codes[code.decode()] = self.codes.get(code.decode(), 0) + 1
        self.seconds.append(seconds)


async def load(port: int, path: str, connections: int, seconds: float, first: int, kind: str) -> dict[str, Any]:
    """One round."""
    work = Load(requests(path, first, kind), 0)
    began = time.perf_counter()
    work.until = began + seconds
    loop = asyncio.get_running_loop()
    clients = [await loop.create_connection(lambda: Client(work), "127.0.0.1", port) for _ in range(connections)]
    await asyncio.gather(*(client.over for _, client in clients))
    taken = time.perf_counter() - began
    times = sorted(work.seconds)
    return {
        "per_s": len(times) / taken,
        "p50_ms": times[len(times) // 2] * 1000,
        "p99_ms": times[int(len(times) * 0.99)] * 1000,
        "codes": work.codes,
    }


def bare(port: int) -> None:
    """The route to compare with."""
    app = FastAPI()

    @app.post("/webhooks/{source}")
    async def read(source: str, request: Request) -> Response:
        await request.body()
        return Response(b'{"events":1}', media_type="application/json")

    uvicorn.run(app, port=port, log_config=None, access_log=False, ws="none", server_header=False)


@contextlib.contextmanager
def process(*command: str, port: int, ready: str, **environment: str) -> Iterator[int]:
    """A server of its own, gone afterwards; yields its process id."""
    running = subprocess.Popen(command, env={**os.environ, **environment}, stdout=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + START_SECONDS
        while True:
            with contextlib.suppress(OSError, URLError), urlopen(f"http://127.0.0.1:{port}{ready}", timeout=5):
                break
            if running.poll() is not None or time.monotonic() > deadline:
                raise click.ClickException(f"{' '.join(command)} does not answer")
            time.sleep(0.1)
        yield running.pid
    finally:
        running.send_signal(signal.SIGTERM)
        running.wait(30)


def free_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def cpu_seconds(pid: int) -> float:
    """What a process has used so far; 0 where /proc does not say."""
    with contextlib.suppress(OSError):
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return 0.0


@click.command()
@click.option("--seconds", default=5.0, show_default=True, help="Of each round.")
@click.option("--rounds", default=3, show_default=True, help="Of each of the two.")
@click.option("--connections", default=128, show_default=True)
@click.option("--bootstrap", help="A broker to use; by default one is found or started.")
@click.option("--serve-bare", type=int, hidden=True)
@click.option("--load", "loaded", hidden=True, help="port,path,first ticket")
@click.option("--kind", type=click.Choice(KINDS), default="mixed", show_default=True, help="What is delivered.")
def main(
    seconds: float,
    rounds: int,
    connections: int,
    bootstrap: str | None,
    serve_bare: int | None,
    loaded: str | None,
    kind: str,
) -> None:
    """Measure, and print one JSON line."""
    if serve_bare is not None:
        return bare(serve_bare)
    if loaded is not None:
        port, path, first = loaded.split(",")
        print(json.dumps(asyncio.run(load(int(port), path, connections, seconds, int(first), kind))))
        return None
    with broker(bootstrap) as kafka, tempfile.TemporaryDirectory() as folder:
        ensure_topics(kafka.bootstrap, partitions=4, app_id=APP, topic_prefix=PREFIX)
        try:
            measure(kafka.bootstrap, Path(folder), seconds, rounds, connections, kind)
        finally:
            topics = [plan.name for plan in plans_of(partitions=4, app_id=APP, topic_prefix=PREFIX)]
            remove_topics(kafka.bootstrap, topics)
    return None


def measure(bootstrap: str, folder: Path, seconds: float, rounds: int, connections: int, kind: str) -> None:
    """Both servers, in rounds."""
    sources = folder / "sources.toml"
    sources.write_text(SOURCES, "utf-8")
    ports = {"bare": free_port(), "gateway": free_port()}
    gateway = (
        sys.executable, "-m", "supportpulse", "gateway", "--sources", str(sources), "--port", str(ports["gateway"]),
        "--bootstrap", bootstrap, "--topic-prefix", PREFIX, "--log-level", "WARNING",
    )  # fmt: skip
    plain = (sys.executable, __file__, "--serve-bare", str(ports["bare"]))
    found: dict[str, list[dict[str, Any]]] = {name: [] for name in ports}
    with (
        process(*gateway, port=ports["gateway"], ready="/readyz", BENCH_SECRET=SECRET) as pid,
        process(*plain, port=ports["bare"], ready="/openapi.json") as bare_pid,
    ):
        pids = {"bare": bare_pid, "gateway": pid}
        for number in range(rounds + 1):  # the first warms up
            for name, port in ports.items():
                before = cpu_seconds(pids[name])
                command = (
                    sys.executable, __file__, "--load", f"{port},/webhooks/desk,{number * BODIES}", "--seconds",
                    str(seconds if number else min(seconds, 2.0)), "--connections", str(connections), "--kind", kind,
                )  # fmt: skip
                done = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
                if set(done["codes"]) != {"200"}:
                    raise click.ClickException(f"{name}: answers {done['codes']}; valid: 200 alone")
                done["cpu_us"] = (cpu_seconds(pids[name]) - before) / sum(done["codes"].values()) * 1e6
                if number:
                    found[name].append(done)
                    click.echo(
                        f"{name}: {done['per_s']:.0f}/s, p50 {done['p50_ms']:.1f} ms, p99 {done['p99_ms']:.1f} ms, "
                        f"{done['cpu_us']:.0f} us of CPU each",
                        err=True,
                    )
    ours = statistics.median(one["per_s"] for one in found["gateway"])
    theirs = statistics.median(one["per_s"] for one in found["bare"])
    told = {
        "requests_per_s": round(ours),
        "bare_requests_per_s": round(theirs),
        "share": round(ours / theirs, 3),
        "p99_ms": round(statistics.median(one["p99_ms"] for one in found["gateway"]), 1),
        "bare_p99_ms": round(statistics.median(one["p99_ms"] for one in found["bare"]), 1),
        "cpu_us": round(statistics.median(one["cpu_us"] for one in found["gateway"])),
        "bare_cpu_us": round(statistics.median(one["cpu_us"] for one in found["bare"])),
        "kind": kind,
        "body_bytes": BODY_BYTES,
        "connections": connections,
    }
    print(json.dumps(told))


if __name__ == "__main__":
    main()
