"""`supportpulse gateway` as a process: what it prints, how it follows its files, how it ends."""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from supportpulse.edges.gateway.signatures import SCHEMES

pytestmark = pytest.mark.timeout(60)
OLD, NEW = "secret-before", "secret-after-it"


def wait(condition: Callable[[], bool], what: str, seconds: float = 20.0) -> None:
    """Until a condition holds, with a deadline."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.05)


@pytest.fixture
def started(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], int, Path, list[str]]]:
    """The process, its port, the file of its secret, and its first lines; there is no Kafka."""
    secret, sources = tmp_path / "secret", tmp_path / "sources.toml"
    secret.write_text(OLD, "utf-8")
    sources.write_text('[sources.desk]\nvendor = "zendesk"\nsecrets = ["file:secret"]\nanswer_seconds = 0.5\n', "utf-8")
    command = (
        sys.executable, "-m", "supportpulse", "gateway", "--sources", str(sources), "--port", "0", "--bootstrap",
        "127.0.0.1:9", "--instance", "gateway-1",
    )  # fmt: skip
    with (tmp_path / "log").open("w") as log:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True, env={**os.environ})
    try:
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(4)]
        found = re.search(r"http://127\.0\.0\.1:(\d+)/docs", lines[0])
        assert found is not None, (lines, (tmp_path / "log").read_text())
        yield process, int(found[1]), secret, lines
    finally:
        process.kill()
        process.wait()


def ask(port: int, secret: str) -> tuple[int, str | None]:
    """A delivery signed by a secret: the code and Retry-After."""
    body = json.dumps({"type": "zen:event-type:ticket.created"}).encode()
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("POST", "/webhooks/desk", body, SCHEMES["zendesk"].headers(secret.encode(), body, time.time()))
    answer = connection.getresponse()
    answer.read()
    connection.close()
    return answer.status, answer.headers["Retry-After"]


def test_a_gateway_says_what_to_do_rotates_its_secrets_and_ends_when_told(
    started: tuple[subprocess.Popen[str], int, Path, list[str]], tmp_path: Path
) -> None:
    """The addresses, the workers' setting, 503 while there is no Kafka, a new secret by SIGHUP, SIGTERM."""
    process, port, secret, lines = started
    assert f"POST http://127.0.0.1:{port}/webhooks/desk  (zendesk, signed in x-zendesk-webhook-signature" in lines[1]
    assert "instance gateway-1" in lines[2]
    assert lines[3] == "set for the workers: SUPPORTPULSE_DECISION_GRACE_SECONDS=desk=60\n"
    assert ask(port, OLD) == (503, "10")
    assert ask(port, NEW) == (401, None)
    secret.write_text(NEW, "utf-8")
    process.send_signal(signal.SIGHUP)
    wait(lambda: ask(port, NEW)[0] == 503, "the new secret is not known")
    assert ask(port, OLD)[0] == 401
    process.send_signal(signal.SIGTERM)
    assert process.wait(20) == 143
    said = (tmp_path / "log").read_text("utf-8") + "".join(lines)
    assert "Traceback" not in said
    assert OLD not in said
    assert NEW not in said


def test_what_is_no_http_is_answered_and_harms_nobody(
    started: tuple[subprocess.Popen[str], int, Path, list[str]],
) -> None:
    """Rubbish, a giant head, a body cut short: the next request is served."""
    import socket

    _, port, _, _ = started
    for rubbish in (
        b"\x00\xff\r\n\r\n",
        b"GET /" + b"a" * 200_000,
        b"POST /webhooks/desk HTTP/1.1\r\nX: " + b"y" * 200_000,
    ):
        with socket.create_connection(("127.0.0.1", port), timeout=10) as one:
            try:
                one.sendall(rubbish)
                one.shutdown(socket.SHUT_WR)
                assert one.recv(100)[:12] in (b"HTTP/1.1 400", b"")
            except ConnectionError:
                pass  # closed before all of it was sent
    with socket.create_connection(("127.0.0.1", port), timeout=10) as one:
        one.sendall(b"POST /webhooks/desk HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nabc")
        one.shutdown(socket.SHUT_WR)
        one.recv(100)
    assert ask(port, OLD)[0] == 503
