"""The demo, whole: one command from nothing to live numbers, and nothing left of it."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import IO

import pytest

from supportpulse.edges.broker import Broker
from supportpulse.edges.topics import connect

pytestmark = pytest.mark.kafka

DEMO = [sys.executable, "-m", "supportpulse", "demo", "--weeks", "1", "--events", "3000", "--rate", "30"]


def processes_naming(text: str) -> list[int]:
    """Pids of all processes with this text in their command line."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if text.encode() in (entry / "cmdline").read_bytes():
                found.append(int(entry.name))
        except OSError:  # it ended meanwhile
            continue
    return found


def read_until(stream: IO[str], start: str) -> str:
    """The rest of the first line that starts so."""
    for line in stream:
        if line.startswith(start):
            return line.removeprefix(start).strip()
    raise AssertionError(f"the output ended without {start!r}")


def test_a_live_event_comes_through_and_nothing_is_left(kafka: str) -> None:
    """Exit code 0, numbers of history and live from /metrics, and the given broker as it was before."""
    with closing(connect(kafka)) as admin:
        before = set(admin.list_topics())
    done = subprocess.run(
        [*DEMO, "--bootstrap", kafka, "--seconds", "1", "--json"],
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["live_events"] >= 1
    assert told["processed_events"] == told["history_events"] + told["live_events"]
    assert 1500 < told["history_events"] <= 3000
    assert sum(row["met"] for row in told["scenarios"].values()) > 0
    with closing(connect(kafka)) as admin:
        left = {name for name in set(admin.list_topics()) - before if "demo-" in name}
        deadline = time.monotonic() + 20
        while left and time.monotonic() < deadline:  # Kafka removes topics after it has said so
            time.sleep(0.1)
            left &= set(admin.list_topics())
    assert not left


@pytest.mark.skipif(sys.platform != "linux", reason="looks for processes in /proc")
@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGKILL, -signal.SIGKILL)]
)
def test_however_it_ends_its_worker_ends_too(kafka: str, number: int, code: int) -> None:
    """Ctrl-C and SIGTERM end it without a traceback; even SIGKILL leaves no process and no folder."""
    demo = subprocess.Popen([*DEMO, "--bootstrap", kafka], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert demo.stdout is not None
    try:
        address = read_until(demo.stdout, "metrics: ")
        folder = next(
            Path(part.decode()).parent
            for pid in processes_naming(f"--metrics-port\0{address.split(':')[2].split('/')[0]}")
            for part in (Path("/proc") / str(pid) / "cmdline").read_bytes().split(b"\0")
            if part.endswith(b"/data")
        )
        assert processes_naming(str(folder))
        demo.send_signal(number)
        _, errors = demo.communicate(timeout=60)
    finally:
        demo.kill()
    assert demo.returncode == code
    assert "Traceback" not in errors
    deadline = time.monotonic() + 30
    while (processes_naming(str(folder)) or folder.exists()) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not processes_naming(str(folder))
    assert not folder.exists()


@pytest.mark.slow
def test_a_broker_that_dies_ends_the_demo(own_broker: Broker) -> None:
    """Exit code 1, the broker named, within a stated time and not after the long one for the first live event."""
    demo = subprocess.Popen(
        [*DEMO, "--bootstrap", own_broker.bootstrap], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert demo.stdout is not None
    try:
        read_until(demo.stdout, "metrics: ")
        own_broker.kill()
        _, errors = demo.communicate(timeout=90)
    finally:
        demo.kill()
    assert demo.returncode == 1
    assert own_broker.bootstrap in errors
    assert "Traceback" not in errors


def test_a_worker_that_dies_ends_the_demo_with_its_last_words(kafka: str, tmp_path: Path) -> None:
    """Exit code 1, and the reason that stands in the worker's log."""
    wrong = tmp_path / "wrong.toml"
    wrong.write_text("name = 1", encoding="utf-8")
    done = subprocess.run(
        [*DEMO, "--bootstrap", kafka], capture_output=True, text=True, timeout=120, check=False,
        env={"SUPPORTPULSE_POLICY": str(wrong), "PATH": ""},
    )  # fmt: skip
    assert done.returncode == 1
    assert "the worker ended with exit code 2" in done.stderr
    assert str(wrong) in done.stderr
