"""Reads a broker batch that aiokafka cannot: one in which the name of a header is not UTF-8.

No producer of the usual libraries writes one and no broker refuses it, so it can stop every consumer of a topic.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from aiokafka.consumer import fetcher
from aiokafka.record.default_records import _DefaultRecordBatchPy
from aiokafka.record.memory_records import _MemoryRecordsPy

from streams.batching.batch import Record


class Recovered(NamedTuple):
    """A record as it came, but for the names of its headers."""

    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: list[tuple[str, bytes | None]]


class _Escaping(bytearray):
    """Bytes whose slices decode whatever they hold; what is not UTF-8 becomes lone surrogates."""

    def __getitem__(self, place: Any) -> Any:
        found = super().__getitem__(place)
        return _Escaping(found) if isinstance(place, slice) else found

    def decode(self, encoding: str = "utf-8", errors: str = "surrogateescape") -> str:
        return super().decode(encoding, errors)


def keep_raw_batches() -> None:
    """Have aiokafka's fetcher keep the bytes of broker batches where `drain` finds them; its compiled reader hides
    them. Records are still read by compiled code.
    """
    fetcher.MemoryRecords = _MemoryRecordsPy


def read_leniently(raw: Any) -> tuple[list[Record], list[Record]]:
    """The records of one broker batch: those with sound header names, and the others."""
    batch: Any = _DefaultRecordBatchPy(bytearray(raw))
    batch._maybe_uncompress()
    batch._buffer = _Escaping(batch._buffer)
    sound: list[Record] = []
    unreadable: list[Record] = []
    for record in batch:
        names = [name.encode("utf-8", "surrogateescape") for name, _ in record.headers]
        escaped = [name.decode("utf-8", "backslashreplace") for name in names]
        headers = list(zip(escaped, (content for _, content in record.headers), strict=True))
        recovered = Recovered(record.offset, record.timestamp, record.key, record.value, headers)
        kept = sound if escaped == [name for name, _ in record.headers] else unreadable
        kept.append(recovered)
    return sound, unreadable
