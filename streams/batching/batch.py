"""What a fetch brought of one partition, with the offsets it covers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from faust.types import TP


class Record(Protocol):
    """One Kafka record, undecoded; `timestamp` is in milliseconds."""

    @property
    def offset(self) -> int: ...
    @property
    def timestamp(self) -> int: ...
    @property
    def key(self) -> bytes | None: ...
    @property
    def value(self) -> bytes | None: ...
    @property
    def headers(self) -> Sequence[tuple[str, bytes | None]]: ...


@dataclass(frozen=True, slots=True)
class Batch:
    """Records of one partition in offset order; the batch accounts for every offset in [from_offset, next_offset).

    Offsets without a record were control records, records of aborted transactions, or compacted away. A batch may
    have no record at all: it still moves the expected offset, or a partition that ends in a transaction marker would
    never be fully committed.
    """

    topic: str
    partition: int
    from_offset: int
    next_offset: int
    records: Sequence[Record]
    unreadable: Sequence[Record] = ()
    """Records of a header whose name is not UTF-8: `\\xff` stands in it for what is none."""

    @property
    def tp(self) -> TP:
        """Topic and partition."""
        return TP(self.topic, self.partition)

    def records_from(self, offset: int) -> Sequence[Record]:
        """The records at or above `offset`."""
        if offset <= self.from_offset:
            return self.records
        return [record for record in self.records if record.offset >= offset]
