"""Raw fetches become whole broker batches."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka import TopicPartition
from aiokafka.consumer import fetcher
from aiokafka.consumer.fetcher import READ_COMMITTED, FetchResult, PartitionRecords
from aiokafka.errors import CorruptRecordException
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from aiokafka.record.memory_records import MemoryRecords

from batches import offsets
from escaped import Escaped, escaping_builder
from streams.batching.fetch import drain
from streams.batching.lenient import keep_raw_batches


def broker_batch(first: int, count: int, *, codec: int = 0) -> bytes:
    """The bytes of one broker batch of `count` records from offset `first` on."""
    builder = DefaultRecordBatchBuilder(2, codec, 0, -1, -1, 0, 1 << 20)
    for n in range(count):
        builder.append(n, 1000 + n, b"k%d" % n, b"v" * 50, [("h", b"x")])
    buffer = builder.build()
    buffer[0:8] = first.to_bytes(8, "big")
    return bytes(buffer)


def fetch_result(
    data: bytes, position: int, *, active: bool = True, check_crcs: bool = True, records: Any = MemoryRecords
) -> Any:
    """A FetchResult of aiokafka over raw bytes."""
    tp = TopicPartition("events", 0)
    state = SimpleNamespace(paused=False, position=position)
    state.consumed_to = lambda offset: setattr(state, "position", offset)
    assignment = SimpleNamespace(active=active, state_value=lambda tp: state)
    fetched = PartitionRecords(tp, records(data), [], position, None, None, check_crcs, READ_COMMITTED)
    result = FetchResult(tp, assignment=assignment, partition_records=fetched, backoff=0)
    result.state = state
    return result


def test_a_fetch_is_split_at_broker_batches_and_each_is_handed_over_whole() -> None:
    """The limit ends a batch at the first broker batch that reaches it, and one larger than the limit is not cut."""
    result = fetch_result(broker_batch(0, 3) + broker_batch(3, 3) + broker_batch(6, 9) + broker_batch(15, 1), 0)
    found = []
    while result.has_more():
        found.append(drain(result, 4))
    assert [(b.from_offset, b.next_offset, len(b.records)) for b in found] == [(0, 6, 6), (6, 15, 9), (15, 16, 1)]
    assert result.state.position == 16


def test_a_seek_into_the_middle_of_a_broker_batch_yields_the_records_from_there() -> None:
    """The broker sends the whole batch; the records below the position are not ours."""
    found = drain(fetch_result(broker_batch(0, 6), 4), 100)
    assert found is not None
    assert (found.from_offset, offsets(found.records)) == (4, [4, 5])


def test_offsets_lost_to_compaction_are_covered() -> None:
    """A batch starts at the position asked for, even if the first record left lies above it."""
    found = drain(fetch_result(broker_batch(7, 2), 3), 100)
    assert found is not None
    assert (found.from_offset, found.next_offset, offsets(found.records)) == (3, 9, [7, 8])


def test_compressed_batches_carry_key_value_headers_and_time() -> None:
    """Compression is the producer's choice."""
    gzip = 1
    found = drain(fetch_result(broker_batch(0, 3, codec=gzip), 0), 100)
    assert found is not None
    one = found.records[1]
    assert (one.key, one.value, one.offset, one.timestamp, list(one.headers)) == (
        b"k1",
        b"v" * 50,
        1,
        1001,
        [("h", b"x")],
    )


@pytest.mark.parametrize("codec", [0, 1])
def test_a_header_name_that_is_not_utf8_hides_no_other_record(codec: int) -> None:
    """The record comes apart from the others, its name escaped, and nothing else is changed."""
    builder = escaping_builder(codec)
    for n, name in enumerate((b"h", b"\xff", b"h")):
        builder.append(n, 1000 + n, b"k%d" % n, b"v", [(Escaped.of(name), b"x")])
    data = bytes(builder.build())
    keep_raw_batches()
    result = fetch_result(data, 0, records=fetcher.MemoryRecords)
    found = drain(result, 100)
    assert found is not None
    assert (offsets(found.records), offsets(found.unreadable), found.next_offset) == ([0, 2], [1], 3)
    one = found.unreadable[0]
    assert (one.key, one.value, one.timestamp, list(one.headers)) == (b"k1", b"v", 1001, [("\\xff", b"x")])
    middle = fetch_result(data, 2, records=fetcher.MemoryRecords)
    rest = drain(middle, 100)
    assert rest is not None
    assert (offsets(rest.records), offsets(rest.unreadable)) == ([2], [])


def test_a_wrong_checksum_is_raised_after_the_sound_batches_before_it() -> None:
    """Corrupt bytes are never decoded; what is sound goes through first."""
    broken = bytearray(broker_batch(3, 3))
    broken[-1] ^= 0xFF
    result = fetch_result(broker_batch(0, 3) + bytes(broken), 0)
    found = drain(result, 100)
    assert found is not None
    assert (found.next_offset, result.state.position, result.has_more()) == (3, 3, False)
    with pytest.raises(CorruptRecordException, match="events-0 at offset 3"):
        drain(fetch_result(bytes(broken), 3), 100)
    unchecked = drain(fetch_result(bytes(broken), 3, check_crcs=False), 100)
    assert unchecked is not None
    assert len(unchecked.records) == 3


def test_nothing_is_taken_of_a_partition_that_was_revoked_or_sought_elsewhere() -> None:
    """A response that is no longer wanted is dropped."""
    assert drain(fetch_result(broker_batch(0, 3), 0, active=False), 100) is None
    moved = fetch_result(broker_batch(0, 3), 0)
    moved.state.position = 7
    assert drain(moved, 100) is None
