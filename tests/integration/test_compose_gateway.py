"""The gateway as docker-compose.yml sets it up, on a broker: its command, its example of sources, its health check."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml

from fresh import Fresh
from supportpulse.edges.demo import free_port

ROOT = Path(__file__).parents[2]
SECRET = "a-secret-of-compose"


@pytest.mark.kafka
def test_the_gateway_of_the_compose_file_takes_what_the_smoke_script_sends(
    kafka: str, fresh: Fresh, tmp_path: Path
) -> None:
    """It becomes healthy, takes the signed sample as an event, and is no longer healthy when it has ended."""
    settings = fresh.topics(kafka)
    service = yaml.safe_load((ROOT / "docker-compose.yml").read_text("utf-8"))["services"]["gateway"]
    port = str(free_port("127.0.0.1", 9466, None))
    sources = str(ROOT / "gateway" / "sources.toml")
    instead = {"/etc/supportpulse/sources.toml": sources, "0.0.0.0": "127.0.0.1", "9466": port}
    environ = {
        **os.environ,
        "HELPDESK_WEBHOOK_SECRET": SECRET,
        "SUPPORTPULSE_BOOTSTRAP": kafka,
        "SUPPORTPULSE_TOPIC_PREFIX": settings.topic_prefix,
    }
    program = [sys.executable, "-m", "supportpulse"]
    command = [*program, *(instead.get(word, word) for word in service["command"])]
    check = [sys.executable, "-c", service["healthcheck"]["test"][-1].replace("9466", port)]

    def healthy() -> bool:
        return subprocess.run(check, capture_output=True, check=False).returncode == 0

    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(command, env=environ, stdout=log, stderr=log)
    try:
        deadline = time.monotonic() + 60
        while not healthy():
            assert process.poll() is None, (tmp_path / "log").read_text("utf-8")
            assert time.monotonic() < deadline, (tmp_path / "log").read_text("utf-8")
            time.sleep(0.2)
        script = (ROOT / "grafana" / "smoke.sh").read_text("utf-8")
        payload = re.search(r"<<EOF\n(.+?)\nEOF\n", script, re.DOTALL)
        assert payload is not None
        sample = tmp_path / "sample.json"
        sample.write_text(payload[1].replace("$now", f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"), "utf-8")
        sent = subprocess.run(
            [*program, "webhook", "helpdesk", str(sample), "--sources", sources, "--url", f"http://127.0.0.1:{port}"],
            env=environ, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert sent.returncode == 0, sent.stdout + sent.stderr
        assert sent.stdout.rstrip().endswith('{"events":1}')
    finally:
        process.terminate()
        process.wait(30)
    assert f"heartbeats as instance {service['hostname']}:" in (tmp_path / "log").read_text("utf-8")
    assert SECRET not in (tmp_path / "log").read_text("utf-8")
    assert not healthy()
