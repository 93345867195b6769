"""The whole worker over a filled events topic: `python ours.py BOOTSTRAP NAME ENDS FOLDER`, one JSON line out.

Measured from the moment the partitions are open (before the first fetch) until the last event is processed and its
checkpoint committed. Markers, windows, snapshots and dead letters included, as in production.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from pathlib import Path

from desk_log import settings_for

from streams.app import build, serve
from streams.batching import Reason
from streams.worker import Worker


async def _first_to_last(worker: Worker, ends: dict[int, int]) -> dict[str, float]:
    while len(worker.owned) < len(ends):
        await asyncio.sleep(0.001)
    began, cpu = time.monotonic(), time.process_time()
    expected = worker.bound.expected
    while not all(expected.offset(tp) >= ends[tp.partition] for tp in expected.partitions):
        await asyncio.sleep(0.01)
    assert await worker.app.consumer.checkpointing.run(expected.partitions, Reason.INTERVAL), "not committed"
    return {"seconds": time.monotonic() - began, "cpu_seconds": time.process_time() - cpu}


async def main(bootstrap: str, name: str, ends: dict[int, int], folder: Path) -> dict[str, float]:
    """Run a worker until each partition has been processed up to its end offset."""
    worker = build(settings_for(bootstrap, name, folder))
    serving = asyncio.create_task(serve(worker))
    try:
        return await _first_to_last(worker, ends)
    finally:
        worker.stopping.set()
        await serving


if __name__ == "__main__":
    bootstrap, name, ends, folder = sys.argv[1:]
    parsed = {int(number): offset for number, offset in json.loads(ends).items()}
    print(json.dumps(asyncio.run(main(bootstrap, name, parsed, Path(folder)))))
