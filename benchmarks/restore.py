"""A worker restored from its changelog.

    python restore.py fill BOOTSTRAP NAME FOLDER TICKETS KEPT
    python restore.py measure BOOTSTRAP NAME FOLDER TICKETS

`fill` writes a changelog of the values that `in_memory.py values` kept. `measure` starts a worker on it: from the first
record applied to the last partition opened, with gauges counted and deadlines armed anew from the headers.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from pathlib import Path

from desk_log import Record, fill, settings_for
from in_memory import VERSIONS, changelog, read_values

from streams.app import build, serve
from supportpulse.names import tickets_changelog


async def write(bootstrap: str, name: str, folder: Path, tickets: int, kept: Path) -> None:
    """Fill the tickets changelog of an installation."""
    settings = settings_for(bootstrap, name, folder)
    records = (Record.of(key, value) for key, value in changelog(read_values(kept), tickets))
    await fill(settings, records, tickets_changelog(settings.app_id))


async def measure(bootstrap: str, name: str, folder: Path, tickets: int) -> dict[str, float]:
    """Records a second."""
    worker = build(settings_for(bootstrap, name, folder))
    serving = asyncio.create_task(serve(worker))
    try:
        while not len(worker.tickets.data):
            began, cpu = time.monotonic(), time.process_time()
            await asyncio.sleep(0.0005)
        while len(worker.owned) < worker.settings.partitions:
            await asyncio.sleep(0.001)
        seconds, cpu = time.monotonic() - began, time.process_time() - cpu
        restored = sum(owned.state.tickets for owned in worker.owned.values())
        assert restored == tickets, f"{restored} of {tickets} tickets restored"
        records = tickets * VERSIONS
        return {"records": records, "seconds": seconds, "cpu_seconds": cpu, "restore_records_per_s": records / seconds}
    finally:
        worker.stopping.set()
        await serving


if __name__ == "__main__":
    what, bootstrap, name, folder, tickets, *kept = sys.argv[1:]
    if what == "fill":
        asyncio.run(write(bootstrap, name, Path(folder), int(tickets), Path(kept[0])))
        print("{}")
    else:
        print(json.dumps(asyncio.run(measure(bootstrap, name, Path(folder), int(tickets)))))
