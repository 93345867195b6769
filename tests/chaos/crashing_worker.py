"""A worker that ends itself by SIGKILL after a step of a checkpoint: `crashing_worker.py STEP RECORDS`.

It waits for a checkpoint that covers at least RECORDS source records, so that something is at stake.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys

from streams.app import build, serve
from supportpulse.logs import setup_logging
from supportpulse.settings import Settings


async def main(fatal_step: str, records: int) -> None:
    """Run until then."""

    async def after(step: str) -> None:
        if step == fatal_step and sum(worker.metrics._processed.values()) >= records:
            os.kill(os.getpid(), signal.SIGKILL)

    worker = build(Settings.from_env(), after=after)
    await serve(worker)


if __name__ == "__main__":
    setup_logging("INFO")
    asyncio.run(main(sys.argv[1], int(sys.argv[2])))
