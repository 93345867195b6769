"""A worker as a process of its own, which ends with whoever started it, however that one ends."""

from __future__ import annotations

import contextlib
import json
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path
from types import TracebackType
from typing import Self

from supportpulse.edges import guard
from supportpulse.errors import WorkerFailed
from supportpulse.settings import Settings

READY_SECONDS = 90.0
ANSWER_SECONDS = 10.0
SHOWN_LOG_LINES = 12
_open = urllib.request.build_opener(
    urllib.request.ProxyHandler({})
).open  # a proxy for the internet is none for loopback


class WorkerProcess:
    """`supportpulse worker` under these settings, its log and data in a temporary folder, removed unless `keep`."""

    def __init__(self, settings: Settings, *, keep: bool = False, command: list[str] | None = None) -> None:
        self._settings, self._keep = settings, keep
        self._command = command or [sys.executable, "-m", "supportpulse", "worker"]
        self.folder = Path(tempfile.mkdtemp(prefix="supportpulse-worker-"))
        self.log = self.folder / "worker.log"
        self.pid = 0
        self._guard: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        """Where it answers."""
        return f"http://{self._settings.metrics_host}:{self._settings.metrics_port}"

    def __enter__(self) -> Self:
        settings = self._settings
        options = {
            "--bootstrap": settings.bootstrap,
            "--policy": settings.policy,
            "--metrics-port": settings.metrics_port,
            "--app-id": settings.app_id,
            "--topic-prefix": settings.topic_prefix,
            "--data-dir": self.folder / "data",
        }
        arguments = [str(part) for pair in options.items() for part in pair]
        try:
            with self.log.open("ab") as log:
                self._guard = subprocess.Popen(
                    [sys.executable, "-I", "-S", guard.__file__, str(self.folder), *self._command, *arguments],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=log,
                    start_new_session=True,  # Ctrl-C in a terminal reaches the asker alone, who ends it in good order
                )
            assert self._guard.stdout is not None
            self.pid = int(self._guard.stdout.readline() or 0)
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        process, self._guard = self._guard, None
        if process is not None:
            assert process.stdin is not None
            assert process.stdout is not None
            with contextlib.suppress(BrokenPipeError):  # the guard ends with the worker, so it may be gone already
                if self._keep:
                    process.stdin.write(b"k")
                process.stdin.close()
            process.wait(guard.STOP_SECONDS + 10)
            process.stdout.close()
        if not self._keep:
            shutil.rmtree(self.folder, ignore_errors=True)

    def check(self) -> None:
        """Raise `WorkerFailed` with the end of its log if it has ended."""
        if self._guard is None or self._guard.poll() is not None:
            code = "" if self._guard is None else f" with exit code {self._guard.returncode}"
            raise WorkerFailed(f"the worker ended{code}; the last lines of its log:\n{self.last_lines()}")

    def wait_until_ready(self, seconds: float = READY_SECONDS) -> None:
        """Wait until /healthz says that it is well; raises `WorkerFailed` if it ends or does not within the time."""
        deadline = time.monotonic() + seconds
        reason = "no answer"
        while time.monotonic() < deadline:
            self.check()
            try:
                self._get("/healthz")
                return
            except urllib.error.HTTPError as error:
                with contextlib.suppress(ValueError, LookupError):
                    reason = "; ".join(json.loads(error.read())["reasons"])
            except OSError:
                pass
            time.sleep(0.1)
        raise WorkerFailed(
            f"the worker was not ready at {self.address}/healthz within {seconds:g} s ({reason}); the last lines of "
            f"its log:\n{self.last_lines()}"
        )

    def metrics(self) -> str:
        """The text of /metrics; raises OSError when it does not answer."""
        return self._get("/metrics")

    def last_lines(self) -> str:
        """The end of its log."""
        text = self.log.read_text(encoding="utf-8", errors="replace") if self.log.exists() else ""
        return "\n".join(text.splitlines()[-SHOWN_LOG_LINES:]) or "it wrote nothing"

    def _get(self, path: str) -> str:
        with _open(self.address + path, timeout=ANSWER_SECONDS) as answer:
            return str(answer.read().decode())
