"""What was started for a process ends with it, however that process ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from supportpulse.edges import guard

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the broker ladder starts brokers on POSIX only")


def start(folder: Path) -> tuple[subprocess.Popen[bytes], int]:
    """A guarded command that would run for ten minutes, and its pid."""
    process = subprocess.Popen(
        [sys.executable, "-I", "-S", guard.__file__, str(folder), "sleep", "600"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        start_new_session=True,
    )
    assert process.stdout is not None
    return process, int(process.stdout.readline())


def alive(pid: int) -> bool:
    """Whether a process runs (a zombie does not)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def eventually(condition: Callable[[], bool], seconds: float = 10.0) -> bool:
    """Whether the condition holds within the time."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def test_closing_the_pipe_ends_the_command_and_removes_its_folder(tmp_path: Path) -> None:
    """End of input is what the death of the asker looks like."""
    folder = tmp_path / "data"
    folder.mkdir()
    process, pid = start(folder)
    process.communicate(timeout=10)
    assert not alive(pid)
    assert not folder.exists()


def test_a_stop_keeps_the_folder_for_a_restart(tmp_path: Path) -> None:
    """The data outlive a stop in good order."""
    process, pid = start(tmp_path)
    process.communicate(b"k", timeout=10)
    assert not alive(pid)
    assert tmp_path.exists()


def test_a_killed_asker_leaves_neither_process_nor_folder(tmp_path: Path) -> None:
    """Not even SIGKILL, which no handler sees, leaves anything behind."""
    folder = tmp_path / "data"
    folder.mkdir()
    asker = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import subprocess, sys, time\n"
            "p = subprocess.Popen(sys.argv[1:], stdin=subprocess.PIPE, start_new_session=True)\n"
            "time.sleep(600)",
            *(sys.executable, "-I", "-S", guard.__file__, str(folder), "sleep", "600"),
        ],
        stdout=subprocess.PIPE,
    )
    assert asker.stdout is not None
    pid = int(asker.stdout.readline())
    assert alive(pid)
    asker.send_signal(signal.SIGKILL)
    asker.wait(10)
    asker.stdout.close()
    assert eventually(lambda: not alive(pid) and not folder.exists())


def test_a_command_that_is_only_stopped_is_still_guarded(tmp_path: Path) -> None:
    """SIGSTOP makes the same signal to the guard as an end; it must not be taken for one."""
    process, pid = start(tmp_path)
    os.kill(pid, signal.SIGSTOP)
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(0.5)
    os.kill(pid, signal.SIGCONT)
    process.communicate(b"k", timeout=10)
    assert not alive(pid)


def test_the_guard_ends_with_the_command_and_passes_on_how(tmp_path: Path) -> None:
    """A broker that fails to start is noticed at once."""
    process, pid = start(tmp_path)
    os.kill(pid, signal.SIGKILL)
    assert process.wait(10) == 256 - signal.SIGKILL
    process.communicate()
    assert tmp_path.exists()
