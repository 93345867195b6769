"""Batches and records as the agent sees them."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from faust.types import TP

from streams.batching import Batch

SOURCE = TP("events", 0)


def record(offset: int, key: bytes | None = b"k", value: bytes | None = b"v") -> Any:
    """A record as the agent sees it."""
    return SimpleNamespace(offset=offset, timestamp=0, key=key, value=value, headers=())


def batch(start: int, stop: int, *, topic: str = "events", partition: int = 0, records: Any = None) -> Batch:
    """A batch of [start, stop), by default with a record at every offset."""
    return Batch(topic, partition, start, stop, [record(n) for n in range(start, stop)] if records is None else records)


def offsets(records: Any) -> list[int]:
    """Their offsets."""
    return [found.offset for found in records]
