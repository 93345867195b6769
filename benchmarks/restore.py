"""A worker restored from its changelog: `python restore.py fill|measure BOOTSTRAP NAME CHANGELOG|RECORDS FOLDER`.

`fill` writes the values kept by `in_memory.py memory`, each ticket `TIMES` times as checkpoints would have, so recovery
meets superseded values. `measure` starts a worker on them: from the first record applied to the last partition opened,
with gauges counted and deadlines armed anew from the headers.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from pathlib import Path

import msgspec
from desk_log import Record, fill, settings_for

from streams.app import build, serve
from supportpulse.names import tickets_changelog

TIMES = 3


async def write(bootstrap: str, name: str, changelog: Path, folder: Path) -> dict[str, float]:
    """Fill the tickets changelog of an installation; how many records it got."""
    settings = settings_for(bootstrap, name, folder)
    items = msgspec.msgpack.decode(changelog.read_bytes(), type=list[tuple[bytes, bytes]])
    records = [Record.of(key, value) for key, value in items] * TIMES
    await fill(settings, records, tickets_changelog(settings.app_id))
    return {"records": len(records)}


async def measure(bootstrap: str, name: str, records: int, folder: Path) -> dict[str, float]:
    """Seconds to restore so many records."""
    worker = build(settings_for(bootstrap, name, folder))
    serving = asyncio.create_task(serve(worker))
    try:
        while not len(worker.tickets.data):
            began, cpu = time.monotonic(), time.process_time()
            await asyncio.sleep(0.0005)
        while len(worker.owned) < worker.settings.partitions:
            await asyncio.sleep(0.001)
        seconds, cpu = time.monotonic() - began, time.process_time() - cpu
        tickets = sum(owned.state.tickets for owned in worker.owned.values())
        assert tickets * TIMES == records, f"{tickets} tickets restored from {records} records"
        return {"seconds": seconds, "cpu_seconds": cpu, "restore_records_per_s": records / seconds}
    finally:
        worker.stopping.set()
        await serving


if __name__ == "__main__":
    what, bootstrap, name, argument, folder = sys.argv[1:]
    if what == "fill":
        answer = asyncio.run(write(bootstrap, name, Path(argument), Path(folder)))
    else:
        answer = asyncio.run(measure(bootstrap, name, int(argument), Path(folder)))
    print(json.dumps(answer))
