"""One fetched response of aiokafka -> one Batch, without an object per record."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from aiokafka.consumer.fetcher import READ_COMMITTED
from aiokafka.errors import CorruptRecordException

from streams.batching.batch import Batch, Record
from streams.batching.lenient import read_leniently


def drain(result: Any, limit: int) -> Batch | None:
    """Take whole broker batches out of a `FetchResult` until `limit` records are reached, and move its position.

    One broker batch above the limit is handed over whole. Returns None when nothing can be taken: the partition was
    revoked, is paused, or was sought elsewhere since the fetch. Raises CorruptRecordException on a wrong checksum
    (if the consumer checks them), after which the same offsets are fetched again.

    The order of decisions is that of aiokafka's own `PartitionRecords._unpack_records`.
    """
    fetched = result._partition_records
    tp = result._topic_partition
    if fetched is None or not result.check_assignment(tp):
        return None
    from_offset: int = fetched.next_fetch_offset
    read_committed = fetched._isolation_level == READ_COMMITTED
    records: list[Record] = []
    unreadable: list[Record] = []
    pending = fetched._records
    corrupt = False
    while len(records) < limit and pending.has_next():
        raw = getattr(pending, "_next_slice", None)
        broker_batch = pending.next_batch()
        if fetched._check_crcs and not broker_batch.validate_crc():
            corrupt = True
            break
        if not _discarded(fetched, broker_batch, read_committed):
            wanted = fetched.next_fetch_offset
            found: Iterable[Record] = broker_batch
            if raw is not None:
                try:
                    found = list(broker_batch)
                except UnicodeDecodeError:
                    found, poison = read_leniently(raw)
                    unreadable.extend(record for record in poison if record.offset >= wanted)
            if broker_batch.base_offset >= wanted:
                records.extend(found)
            else:
                # A seek into the middle of a broker batch: the broker always sends it whole.
                records.extend(record for record in found if record.offset >= wanted)
        fetched.next_fetch_offset = broker_batch.next_offset
    next_offset: int = fetched.next_fetch_offset
    result._update_position()
    if corrupt or not pending.has_next():
        result._partition_records = None
    if corrupt and next_offset == from_offset:
        raise CorruptRecordException(f"wrong checksum in {tp.topic}-{tp.partition} at offset {from_offset}")
    # Behind a sound part the corrupt batch is simply fetched again, as the first one.
    return Batch(tp.topic, tp.partition, from_offset, next_offset, records, unreadable)


def _discarded(fetched: Any, broker_batch: Any, read_committed: bool) -> bool:
    """Whether a broker batch carries no records for us: control records, or records of an aborted transaction."""
    if read_committed and broker_batch.producer_id is not None:
        fetched._consume_aborted_up_to(broker_batch.base_offset)
        if broker_batch.is_control_batch and fetched._contains_abort_marker(broker_batch):
            fetched._aborted_producers.discard(broker_batch.producer_id)
        if broker_batch.is_transactional and broker_batch.producer_id in fetched._aborted_producers:
            return True
    return bool(broker_batch.is_control_batch)
