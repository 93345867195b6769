"""The partition alone, without Kafka, in three figures.

    python in_memory.py fold LOG
    python in_memory.py values LOG KEPT
    python in_memory.py memory KEPT TICKETS

`fold`: microseconds an event for reading, folding, outcomes, panes, windows and bytes. `values` keeps what open tickets
of eight events look like; `memory`: bytes that each of so many of them takes after a restart.
"""

from __future__ import annotations

import gc
import json
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
from desk_log import Record, load
from prometheus_client import CollectorRegistry

from streams.intake import tune_gc
from supportpulse import codec
from supportpulse.metrics import Metrics
from supportpulse.partition import Partition, Place
from supportpulse.policy import load_policy
from supportpulse.series import Series
from supportpulse.settings import SHIPPED_POLICY
from supportpulse.tally import Shapes
from supportpulse.ticket import Plans
from supportpulse.watermark import Sources

BATCH = 5000
DAY_MS = 86_400_000
EVENTS_A_TICKET, VERSIONS = 8, 3


class Incoming(msgspec.Struct, gc=False):
    """A record as it is consumed."""

    key: bytes
    value: bytes
    offset: int
    timestamp: int


def new_partition(store: dict[bytes, bytes], panes: dict[bytes, bytes]) -> Partition:
    """A partition over two dicts, under the model policy."""
    plans = Plans(load_policy(SHIPPED_POLICY))
    metrics = Metrics(CollectorRegistry(), Series(plans))
    place = Place("events", 0, lambda key: 0)
    partition = Partition(place, plans, Shapes(plans), store, panes, Sources(30_000), metrics, DAY_MS)
    partition.restore(0)
    return partition


def forget_output(partition: Partition) -> None:
    """What a checkpoint would have written."""
    partition.outbox.clear()
    partition.letters.clear()
    partition.dirty.clear()
    partition.panes.dirty.clear()


def fold(log: list[Record], now: int) -> dict[str, float]:
    """CPU time an event, each batch settled as if a checkpoint came after it."""
    records = [Incoming(record.key, record.value, offset, now) for offset, record in enumerate(log)]
    events = sum(record.is_event for record in log)
    partition = new_partition({}, {})
    partition.windows.move(now, partition.panes)
    tune_gc()
    began = time.process_time()
    for start in range(0, len(records), BATCH):
        partition.take(records[start : start + BATCH], now)
        partition.settle()
        partition.windows.move(now, partition.panes)
        forget_output(partition)
    spent = time.process_time() - began
    return {"fold_us_per_event": spent / events * 1e6, "tickets": partition.tickets,
            "value_bytes": sum(map(len, partition.store.values())) / partition.tickets}  # fmt: skip


def stories(log: list[Record], partition: Partition) -> list[list[tuple[bytes, bytes]]]:
    """The first eight events of the log's tickets that are then still open, as (key, value)."""
    told: dict[bytes, list[tuple[bytes, bytes]]] = {}
    for record in log:
        if record.is_event:
            story = told.setdefault(record.key, [])
            if len(story) < EVENTS_A_TICKET and record[1:3] not in story:
                story.append((record.key, record.value))
    full = {key: story for key, story in told.items() if len(story) == EVENTS_A_TICKET}
    now = time.time_ns() // 1_000_000
    steps = [step for story in full.values() for step in story]
    partition.take([Incoming(key, value, offset, now) for offset, (key, value) in enumerate(steps)], now)
    partition.settle()
    return [story for key, story in full.items() if codec.header_of(partition.store[key]).running_count]


def values(log: list[Record], kept: Path) -> dict[str, float]:
    """Keep the last three values of open tickets of eight events, as `[[value, value, value], ...]`."""
    store: dict[bytes, bytes] = {}
    partition = new_partition(store, {})
    found = stories(log, new_partition({}, {}))
    now = time.time_ns() // 1_000_000
    told: list[list[bytes]] = []
    offset = 0
    for story in found:
        versions = []
        for key, value in story:
            partition.take([Incoming(key, value, offset, now)], now)
            partition.settle()
            versions.append(store[key])
            offset += 1
        told.append(versions[-VERSIONS:])
    kept.write_bytes(msgspec.msgpack.encode(told))
    return {"stories": len(told), "value_bytes": sum(len(versions[-1]) for versions in told) / len(told)}


def read_values(kept: Path) -> list[list[bytes]]:
    """What `values` kept."""
    return msgspec.msgpack.decode(kept.read_bytes(), type=list[list[bytes]])


def changelog(told: list[list[bytes]], tickets: int) -> Iterator[tuple[bytes, bytes]]:
    """A tickets changelog: `tickets` of them, three values each; the kept ones repeat under other ticket ids."""
    for version in range(VERSIONS):
        for number in range(tickets):
            value = told[number % len(told)][version]
            yield b"rtc-desk|RTC-%d" % (1_000_000 + number), value[:1] + value[1:]


def memory(kept: Path, tickets: int) -> dict[str, float]:
    """What open tickets add to a process that restores them from their changelog, superseded values included."""
    new_partition({}, {})
    records = changelog(read_values(kept), tickets)
    gc.collect()
    before = _resident()
    store: dict[bytes, bytes] = {}
    for key, value in records:
        store[key] = value
    partition = new_partition(store, {})
    spent = _resident() - before
    assert partition.tickets == tickets
    open_clocks = sum(sum(tally.counts.values()) for tally in partition.tallies.values())
    assert open_clocks >= tickets, "not all of them are open"
    return {"bytes_per_open_ticket": spent / tickets, "value_bytes": sum(map(len, store.values())) / tickets}


def _resident() -> int:
    """Resident bytes of this process."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


if __name__ == "__main__":
    what, path, *rest = sys.argv[1:]
    if what == "fold":
        answer = fold(load(Path(path)), time.time_ns() // 1_000_000)
    elif what == "values":
        answer = values(load(Path(path)), Path(rest[0]))
    else:
        answer = memory(Path(path), int(rest[0]))
    print(json.dumps(answer))
