"""Table state in memory, one dict a partition, restored from batches."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator
from typing import Any, cast

from faust.stores.base import Store
from faust.types import TP
from mode import get_logger

from streams.batching.batch import Batch

logger = get_logger(__name__)


class PartitionedStore(Store[bytes, bytes]):
    """`fastmem://`: raw key -> raw value of each changelog partition this worker owns.

    Unlike Faust's own memory store the partition is part of a key's identity, a rebalance drops the revoked
    partitions only, and those retained are not read again.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._partitions: dict[int, dict[bytes, bytes]] = {}
        self._ends: dict[int, int] = {}

    def partition(self, partition: int) -> dict[bytes, bytes]:
        """The live dict of a partition; written by its owner, restored by recovery."""
        return self._partitions.setdefault(partition, {})

    def end(self, partition: int) -> int:
        """The changelog offset that follows the last record restored or flushed; 0 for an empty changelog."""
        return self._ends.get(partition, 0)

    def flushed(self, partition: int, next_offset: int) -> None:
        """All records of ours below `next_offset` are acknowledged."""
        if next_offset > self._ends.get(partition, 0):
            self._ends[partition] = next_offset

    def drop(self, partition: int) -> None:
        """Forget a partition: the next recovery reads its changelog from the start."""
        self._partitions.pop(partition, None)
        self._ends.pop(partition, None)

    # What Faust's recovery calls.

    def persisted_offset(self, tp: TP) -> int | None:
        """The last changelog offset this store includes: recovery starts behind it."""
        end = self._ends.get(tp.partition)
        return None if end is None else end - 1

    def set_persisted_offset(self, tp: TP, offset: int) -> None:
        """As `flushed`, in Faust's terms."""
        self.flushed(tp.partition, offset + 1)

    def apply_changelog_batch(
        self, batch: Iterable[Any], to_key: Callable[[Any], Any], to_value: Callable[[Any], Any]
    ) -> None:
        """Restore from batches of the changelog. Never raises: Faust would log the error and go on with a hole."""
        for event in batch:
            self._apply(event.value)

    def _apply(self, batch: Batch) -> None:
        if batch.topic != cast(Any, self.table).changelog_topic_name:
            # Faust applies an event of a partition it does not track to the table of the event before it.
            logger.warning("%s ignores a batch of %s-%s", self.table_name, batch.topic, batch.partition)
            return
        end = self._ends.get(batch.partition)
        if end is not None and batch.from_offset > end:
            self._reread(batch.tp, end)
            return
        state = self.partition(batch.partition)
        for record in batch.records:
            if end is not None and record.offset < end:
                continue
            key, value = record.key, record.value
            if key is None:
                continue
            if value is None:
                state.pop(key, None)
            else:
                state[key] = value
        self._ends[batch.partition] = max(batch.next_offset, end or 0)

    def _reread(self, tp: TP, offset: int) -> None:
        """A batch of the changelog got lost on its way here: have recovery read on from the last one applied."""
        logger.error("restoring %s-%s: a batch got lost, reading again from %s", tp.topic, tp.partition, offset)
        cast(Any, self.app.tables).recovery.active_offsets[tp] = offset - 1
        self._seeking = asyncio.ensure_future(self.app.consumer.seek_wait({tp: offset}))

    async def on_rebalance(
        self, assigned: set[TP], revoked: set[TP], newly_assigned: set[TP], generation_id: int = 0
    ) -> None:
        """Drop what was revoked."""
        for tp in revoked:
            if tp.topic == cast(Any, self.table).changelog_topic_name:
                self.drop(tp.partition)

    def reset_state(self) -> None:
        """Forget everything."""
        self._partitions.clear()
        self._ends.clear()

    # The mapping Faust expects of a store: reading only, over all partitions.

    def __getitem__(self, key: bytes) -> bytes:
        for state in self._partitions.values():
            if key in state:
                return state[key]
        raise KeyError(key)

    def __setitem__(self, key: bytes, value: bytes) -> None:
        raise TypeError("write to store.partition(number): a key alone does not say which partition it belongs to")

    def __delitem__(self, key: bytes) -> None:
        raise TypeError("delete in store.partition(number): a key alone does not say which partition it belongs to")

    def __iter__(self) -> Iterator[bytes]:
        for state in self._partitions.values():
            yield from state

    def __len__(self) -> int:
        return sum(map(len, self._partitions.values()))

    def keys(self) -> Any:
        """Keys of all partitions."""
        return list(self)

    def values(self) -> Any:
        """Values of all partitions."""
        return [value for state in self._partitions.values() for value in state.values()]

    def items(self) -> Any:
        """Pairs of all partitions."""
        return [pair for state in self._partitions.values() for pair in state.items()]

    def clear(self) -> None:
        """Forget everything."""
        self.reset_state()

    async def backup_partition(self, *args: Any, **kwargs: Any) -> None:
        """Nothing to back up: the changelog is the durable state."""

    def restore_backup(self, *args: Any, **kwargs: Any) -> None:
        """Nothing to restore."""
