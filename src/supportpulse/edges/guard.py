"""Runs one command and ends it when the process that asked for it is gone, however that one ended.

Run as a script, apart from the package: `guard.py FOLDER COMMAND...`. It prints the command's pid and reads standard
input. A byte `k` stops the command and keeps FOLDER; end of input (the asker closed it or died) stops the command and
removes FOLDER. It ends with the command, whose exit code it returns.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import select
import shutil
import signal
import subprocess
import sys

STOP_SECONDS = 15.0


def _die_with_parent() -> None:
    # Linux only: should the guard itself be killed, the kernel ends the command. Elsewhere the guard alone must do.
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)


def _stop(child: subprocess.Popen[bytes]) -> None:
    child.terminate()
    try:
        child.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()


def main(folder: str, command: list[str]) -> int:
    """Guard `command`; returns its exit code."""
    # Ctrl-C and a terminal's hang-up go to the asker, who decides: the command outlives the asker's own shutdown.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    ended, ending = os.pipe()
    signal.signal(signal.SIGCHLD, lambda *_: os.write(ending, b"e"))
    signal.signal(signal.SIGTERM, lambda *_: os.write(ending, b"t"))
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL, preexec_fn=_die_with_parent)
    print(child.pid, flush=True)
    while child.poll() is None:  # SIGCHLD also comes when the command is only stopped (SIGSTOP) or goes on
        ready, _, _ = select.select([0, ended], [], [])
        if 0 in ready or os.read(ended, 1) == b"t":
            keep = 0 in ready and os.read(0, 1) == b"k"
            _stop(child)
            if not keep:
                shutil.rmtree(folder, ignore_errors=True)
    return child.wait()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
