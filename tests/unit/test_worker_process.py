"""A worker of one's own: waited for, watched, and never left behind."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from supportpulse.edges.demo import free_port
from supportpulse.edges.worker_process import WorkerProcess
from supportpulse.errors import ConfigError, WorkerFailed
from supportpulse.settings import Settings

FAKE = """
import http.server, sys
asked = []
class Answer(http.server.BaseHTTPRequestHandler):
    def log_message(self, *arguments):
        pass
    def do_GET(self):
        asked.append(self.path)
        body = b'{"reasons": ["recovering"]}' if self.path == "/healthz" else b"sla_x 1"
        self.send_response(503 if len(asked) < 3 or "--never" in sys.argv else 200)
        self.end_headers()
        self.wfile.write(body)
port = int(sys.argv[sys.argv.index("--metrics-port") + 1])
print("started", file=sys.stderr, flush=True)
http.server.HTTPServer(("127.0.0.1", port), Answer).serve_forever()
"""


@pytest.fixture
def settings() -> Settings:
    """A free port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return Settings.from_env({"metrics_port": probe.getsockname()[1]}, {})


@pytest.fixture
def fake(tmp_path: Path) -> list[str]:
    """A command that answers as a worker does: well at the third time it is asked."""
    script = tmp_path / "fake.py"
    script.write_text(FAKE, encoding="utf-8")
    return [sys.executable, str(script)]


def gone(pid: int) -> bool:
    """Whether a process has ended, at most ten seconds from now."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.02)
    return False


def test_it_is_ready_when_healthz_says_so_and_gone_afterwards(settings: Settings, fake: list[str]) -> None:
    """503 means wait; the end of the block ends the process and removes its folder."""
    with WorkerProcess(settings, command=fake) as worker:
        worker.wait_until_ready(20)
        assert worker.metrics() == "sla_x 1"
        worker.check()
    assert gone(worker.pid)
    assert not worker.folder.exists()


def test_a_worker_that_does_not_get_ready_is_named_with_reason_and_log(settings: Settings, fake: list[str]) -> None:
    """What /healthz said and the last lines of the log."""
    with (
        WorkerProcess(settings, command=[*fake, "--never"]) as worker,
        pytest.raises(WorkerFailed, match=r"(?s)recovering.*started"),
    ):
        worker.wait_until_ready(2)


def test_a_worker_that_ends_is_named_with_code_and_log(settings: Settings) -> None:
    """At once, not after the time for getting ready."""
    command = [sys.executable, "-c", "import sys; sys.exit('no such policy')"]
    with (
        WorkerProcess(settings, command=command) as worker,
        pytest.raises(WorkerFailed, match=r"(?s)exit code 1.*no such policy"),
    ):
        worker.wait_until_ready(20)


def test_what_is_kept_stays(settings: Settings, fake: list[str]) -> None:
    """With `keep` the log is there after the end."""
    with WorkerProcess(settings, keep=True, command=fake) as worker:
        worker.wait_until_ready(20)
    assert "started" in worker.last_lines()
    worker.log.unlink()
    worker.folder.rmdir()


def test_it_ends_when_whoever_started_it_is_killed(settings: Settings, fake: list[str]) -> None:
    """SIGKILL leaves no time to clean up, and still nothing is left."""
    code = (
        "import sys, time\n"
        "from supportpulse.edges.worker_process import WorkerProcess\n"
        "from supportpulse.settings import Settings\n"
        f"settings = Settings.from_env({{'metrics_port': {settings.metrics_port}}}, {{}})\n"
        f"with WorkerProcess(settings, command={fake!r}) as worker:\n"
        "    print(worker.pid, worker.folder, flush=True)\n"
        "    time.sleep(60)\n"
    )
    asker = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert asker.stdout is not None
    pid, folder = asker.stdout.readline().split()
    asker.kill()
    asker.wait()
    asker.stdout.close()
    assert gone(int(pid))
    deadline = time.monotonic() + 10
    while Path(folder).exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not Path(folder).exists()


def test_a_taken_port_is_refused_if_asked_for_and_avoided_otherwise() -> None:
    """A sentence for the one, another port for the other."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        taken = other.getsockname()[1]
        with pytest.raises(ConfigError, match=f"--port: found {taken}, which is taken"):
            free_port("127.0.0.1", 9464, taken)
        assert free_port("127.0.0.1", taken, None) != taken
    assert free_port("127.0.0.1", 1, taken) == taken
