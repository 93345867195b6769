"""A real Prometheus on loopback, for as long as a block lasts: what rules and boards are tried on."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from supportpulse.errors import SupportpulseError

READY_SECONDS = 60.0
ANSWER_SECONDS = 120.0
BACKFILL_SECONDS = 1800.0
STOP_SECONDS = 20.0
SHOWN_LOG_LINES = 12
PACKAGE = "Debian: apt-get install prometheus"
_open = urllib.request.build_opener(urllib.request.ProxyHandler({})).open


def program(name: str) -> str | None:
    """Path of `promtool` or `prometheus`: `$PROMTOOL` or `$PROMETHEUS`, else on PATH; None if there is none."""
    return os.environ.get(name.upper()) or shutil.which(name)


def needed(name: str) -> str:
    """The same; raises `SupportpulseError` that says where to get it."""
    found = program(name)
    if found is None:
        raise SupportpulseError(f"{name} is not there: install it ({PACKAGE}) or name it in {name.upper()}")
    return found


class PrometheusFailed(SupportpulseError):
    """Prometheus or promtool ended, refused or did not answer; the text holds what it said."""


class Prometheus:
    """A server under a configuration of ours, its data in a temporary folder that is removed at the end.

    `config` is the text of prometheus.yml; its relative rule files lie in `folder`, which may be filled before the
    block is entered. `retention` must reach back to the oldest back-filled sample.
    """

    def __init__(self, config: str, *, retention: str = "400d", lookback: str = "5m", cors: bool = False) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="supportpulse-prometheus-"))
        self.data = self.folder / "data"
        self.log = self.folder / "prometheus.log"
        self._options = [
            f"--storage.tsdb.retention.time={retention}",
            f"--query.lookback-delta={lookback}",
            "--query.max-samples=500000000",
            *(["--web.cors.origin=.*"] if cors else []),
        ]
        (self.folder / "prometheus.yml").write_text(config, encoding="utf-8")
        self.port = 0
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.port}"

    def backfill(self, openmetrics: Path) -> None:
        """Write a file of samples with time stamps as blocks; before the block is entered."""
        promtool("tsdb", "create-blocks-from", "openmetrics", str(openmetrics), str(self.data))

    def __enter__(self) -> Self:
        try:
            with socket.socket() as probe:
                probe.bind(("127.0.0.1", 0))
                self.port = probe.getsockname()[1]
            with self.log.open("ab") as log:
                self._process = subprocess.Popen(
                    [
                        needed("prometheus"),
                        f"--config.file={self.folder / 'prometheus.yml'}",
                        f"--storage.tsdb.path={self.data}",
                        f"--web.listen-address=127.0.0.1:{self.port}",
                        *self._options,
                    ],
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    cwd=self.folder,
                    start_new_session=True,
                )
            self._wait_until_ready()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def query(self, expression: str, at: float | None = None) -> list[dict[str, Any]]:
        """The vector at an instant (seconds; None = now): `{"metric": labels, "value": [seconds, text]}` each."""
        asked = {"query": expression} | ({} if at is None else {"time": f"{at:.3f}"})
        found: list[dict[str, Any]] = self.ask("query", asked)["result"]
        return found

    def query_range(self, expression: str, start: float, end: float, step: float) -> list[dict[str, Any]]:
        """The matrix between two instants (seconds): `{"metric": labels, "values": [[seconds, text], ...]}` each."""
        asked = {"query": expression, "start": f"{start:.3f}", "end": f"{end:.3f}", "step": f"{step:g}"}
        found: list[dict[str, Any]] = self.ask("query_range", asked)["result"]
        return found

    def ask(self, path: str, parameters: Mapping[str, str] | Sequence[tuple[str, str]] = ()) -> Any:
        """`data` of an answer of /api/v1; raises `PrometheusFailed` with what it said instead."""
        body = urllib.parse.urlencode(parameters).encode() if parameters else None
        try:
            with _open(f"{self.address}/api/v1/{path}", data=body, timeout=ANSWER_SECONDS) as answer:
                return json.loads(answer.read())["data"]
        except urllib.error.HTTPError as error:
            raise PrometheusFailed(f"Prometheus refused {path}: {error.read().decode()[:2000]}") from None
        except OSError as error:
            raise PrometheusFailed(
                f"Prometheus did not answer {path} ({error}); its log: {self.last_lines()}"
            ) from None

    def last_lines(self) -> str:
        """The end of its log."""
        text = self.log.read_text(encoding="utf-8", errors="replace") if self.log.exists() else ""
        return "\n".join(text.splitlines()[-SHOWN_LOG_LINES:]) or "it wrote nothing"

    def _wait_until_ready(self) -> None:
        assert self._process is not None
        deadline = time.monotonic() + READY_SECONDS
        while True:
            if self._process.poll() is not None:
                raise PrometheusFailed(f"Prometheus ended at once:\n{self.last_lines()}")
            try:
                with _open(f"{self.address}/-/ready", timeout=5):
                    return
            except OSError:
                if time.monotonic() > deadline:
                    raise PrometheusFailed(
                        f"Prometheus was not ready within {READY_SECONDS:g} s:\n{self.last_lines()}"
                    ) from None
            time.sleep(0.1)


def promtool(*arguments: str) -> str:
    """What promtool prints; raises `PrometheusFailed` with what it said when it fails."""
    done = subprocess.run(
        [needed("promtool"), *arguments],
        capture_output=True, text=True, timeout=BACKFILL_SECONDS, check=False,
    )  # fmt: skip
    if done.returncode:
        raise PrometheusFailed(f"promtool {' '.join(arguments[:3])} failed:\n{(done.stderr + done.stdout)[-3000:]}")
    return done.stdout
