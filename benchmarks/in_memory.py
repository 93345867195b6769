"""The partition alone: `python in_memory.py fold LOG` or `python in_memory.py memory LOG TICKETS CHANGELOG`.

`fold`: microseconds an event for reading, folding, outcomes, panes, windows and bytes. `memory`: bytes an open ticket
of eight events takes; its values are kept in the file CHANGELOG, for `restore.py`.
"""

from __future__ import annotations

import gc
import json
import os
import sys
import time
from pathlib import Path

import msgspec
from desk_log import Record, load
from prometheus_client import CollectorRegistry

from streams.intake import tune_gc
from supportpulse import codec
from supportpulse.metrics import Metrics
from supportpulse.partition import CACHED_TICKETS, Partition, Place
from supportpulse.policy import load_policy
from supportpulse.series import Series
from supportpulse.settings import SHIPPED_POLICY
from supportpulse.tally import Shapes
from supportpulse.ticket import Plans
from supportpulse.watermark import Sources

BATCH = 5000
DAY_MS = 86_400_000
EVENTS_A_TICKET = 8


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
    return Partition(place, plans, Shapes(plans), store, panes, Sources(30_000), metrics, DAY_MS)


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


def memory(log: list[Record], tickets: int, changelog: Path) -> dict[str, float]:
    """Growth of the process by so many open tickets, once the cache of objects is full, divided by them."""
    found = stories(log, new_partition({}, {}))
    del log[:]
    store: dict[bytes, bytes] = {}
    partition = new_partition(store, {})
    _tell(partition, found, range(CACHED_TICKETS + BATCH))
    before = _resident()
    _tell(partition, found, range(CACHED_TICKETS + BATCH, CACHED_TICKETS + BATCH + tickets))
    spent = _resident() - before
    running = sum(1 for value in store.values() if codec.header_of(value).running_count)
    assert running == partition.tickets == CACHED_TICKETS + BATCH + tickets, "not all of them are open"
    changelog.write_bytes(msgspec.msgpack.encode(list(store.items())[-tickets:]))
    return {"bytes_per_open_ticket": spent / tickets, "value_bytes": sum(map(len, store.values())) / len(store)}


def _tell(partition: Partition, stories: list[list[tuple[bytes, bytes]]], numbers: range) -> None:
    """The stories of tickets side by side, one step of all, then the next; tickets differ by their ids."""
    now, offset = time.time_ns() // 1_000_000, partition.tickets * EVENTS_A_TICKET
    batch: list[Incoming] = []
    for step in range(EVENTS_A_TICKET):
        for number in numbers:
            key, value = stories[number % len(stories)][step]
            ticket, other = key.partition(b"|")[2], b"RTC-%d" % (1_000_000 + number)
            batch.append(Incoming(key.replace(ticket, other), value.replace(ticket, other), offset, now))
            offset += 1
            if len(batch) == BATCH or (step == EVENTS_A_TICKET - 1 and number == numbers[-1]):
                partition.take(batch, now)
                partition.settle()
                forget_output(partition)
                batch = []
    gc.collect()


def _resident() -> int:
    """Resident bytes of this process."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


if __name__ == "__main__":
    what, path, *rest = sys.argv[1:]
    if what == "fold":
        answer = fold(load(Path(path)), time.time_ns() // 1_000_000)
    else:
        answer = memory(load(Path(path)), int(rest[0]), Path(rest[1]))
    print(json.dumps(answer))
