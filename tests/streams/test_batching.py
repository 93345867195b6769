"""Batches, expected offsets, the store, checkpoints and changelog writes, without a broker."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import faust
import pytest
from aiokafka import TopicPartition
from aiokafka.consumer import fetcher
from aiokafka.consumer.fetcher import READ_COMMITTED, FetchResult, PartitionRecords
from aiokafka.errors import CorruptRecordException, KafkaError, KafkaTimeoutError
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from aiokafka.record.memory_records import MemoryRecords
from faust.types import TP

from escaped import Escaped, escaping_builder
from streams.batching import Action, Batch, BatchSchema, ExpectedOffsets, Owner, Reason, batch_table, bind, register
from streams.batching.checkpointing import Checkpointing
from streams.batching.fetch import drain
from streams.batching.healing import HealingConsumer
from streams.batching.lenient import keep_raw_batches
from streams.changelog import Changelog, ForeignRecord
from supportpulse.errors import ConfigError

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


# Expected offsets.


def test_a_contiguous_batch_is_taken_whole_and_moves_the_expected_offset() -> None:
    """The batch that starts at the expected offset is taken, and what follows it is expected next."""
    expected = ExpectedOffsets()
    expected.assigned(SOURCE, 10)
    first = batch(10, 14)
    verdict = expected.admit(first)
    assert (verdict.action, offsets(verdict.records)) == (Action.TAKE, [10, 11, 12, 13])
    expected.advance(first)
    assert expected.offset(SOURCE) == 14


def test_a_repeated_batch_is_skipped_and_one_across_the_expected_offset_taken_from_there() -> None:
    """Repetitions below the expected offset are never processed twice."""
    expected = ExpectedOffsets()
    expected.assigned(SOURCE, 10)
    assert expected.admit(batch(4, 10)).action is Action.SKIP
    assert offsets(expected.admit(batch(8, 12)).records) == [10, 11]
    assert expected.skipped == 1


def test_a_batch_without_records_still_moves_the_expected_offset() -> None:
    """Control records and aborted transactions advance a partition although nothing is processed."""
    expected = ExpectedOffsets()
    expected.assigned(SOURCE, 10)
    markers = batch(10, 13, records=[])
    assert expected.admit(markers) == (Action.TAKE, [])
    expected.advance(markers)
    assert expected.offset(SOURCE) == 13


def test_a_hole_is_said_once_until_it_is_filled_or_the_retry_time_has_passed() -> None:
    """One seek back a hole, a second one only if the first had no effect, and a new hole is said again."""
    now = 100.0
    expected = ExpectedOffsets(retry_seconds=5, clock=lambda: now)
    expected.assigned(SOURCE, 10)
    assert expected.admit(batch(12, 14)).action is Action.HOLE
    assert expected.admit(batch(14, 16)).action is Action.SKIP
    now = 105.0
    assert expected.admit(batch(16, 18)).action is Action.HOLE
    expected.advance(batch(10, 12))
    assert expected.admit(batch(13, 14)).action is Action.HOLE
    assert expected.holes == 3
    assert expected.offset(SOURCE) == 12


def test_a_batch_whose_processing_failed_is_met_again() -> None:
    """Nothing moves before `advance`: what follows a batch that raised is a hole, not progress."""
    expected = ExpectedOffsets()
    expected.assigned(SOURCE, 0)
    expected.admit(batch(0, 5))
    assert expected.admit(batch(5, 9)).action is Action.HOLE


def test_offsets_the_log_no_longer_has_are_counted_and_jumped() -> None:
    """A hole that retention made is given up loudly."""
    expected = ExpectedOffsets()
    expected.assigned(SOURCE, 10)
    expected.jump(SOURCE, 25)
    assert (expected.lost, expected.offset(SOURCE)) == (15, 25)


async def test_what_was_fetched_a_moment_ago_is_no_hole() -> None:
    """A record of an idle partition that arrives at a look is on its way; one that is still so at the next is lost."""
    expected, healed = ExpectedOffsets(), []
    expected.assigned(SOURCE, 5)
    fetched: dict[TP, int] = {SOURCE: 5}
    looks: list[int] = []

    async def timer(*args: Any, **options: Any) -> Any:
        for fetched_to in (5, 6, 6):
            fetched[SOURCE] = fetched_to
            yield None
            looks.append(len(healed))

    async def heal(tp: TP) -> None:
        healed.append(tp)

    consumer: Any = SimpleNamespace(
        bound=SimpleNamespace(expected=expected), app=SimpleNamespace(rebalancing=False), itertimer=timer, heal=heal,
        _fetched_to=fetched,
    )  # fmt: skip
    await HealingConsumer.__dict__["_heal_when_idle"].fun(consumer)
    assert looks == [0, 0, 1]


def test_batches_of_a_revoked_partition_are_skipped() -> None:
    """A batch that was under way when its partition went is neither processed nor committed."""
    expected = ExpectedOffsets()
    expected.assigned(SOURCE, 0)
    expected.revoked(SOURCE)
    assert expected.admit(batch(0, 5)).action is Action.SKIP
    expected.advance(batch(0, 5))
    assert expected.partitions == frozenset()


# Fetching.


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


# The store.


@pytest.fixture
def app() -> Any:
    """A Faust app that is never started."""
    register()
    return make_app()


def make_app(**settings: Any) -> Any:
    """An app with valid settings but for those given."""
    valid = {
        "broker": "fast://127.0.0.1:1",
        "store": "fastmem://",
        "consumer_auto_offset_reset": "earliest",
        "stream_wait_empty": False,
        "table_standby_replicas": 0,
        "broker_session_timeout": 6.0,
    }
    return faust.App("unit", **{**valid, **settings})


def restore(table: Any, *batches: Batch) -> None:
    """What Faust's recovery does with batches."""
    table.apply_changelog_batch([SimpleNamespace(value=found) for found in batches])


def changelog(table: Any, start: int, *pairs: tuple[bytes, bytes | None], partition: int = 0) -> Batch:
    """A batch of the table's changelog."""
    records = [record(start + n, key, value) for n, (key, value) in enumerate(pairs)]
    topic = table.changelog_topic_name
    return batch(start, start + len(records), topic=topic, partition=partition, records=records)


def test_the_store_restores_values_and_tombstones_and_knows_where_it_stands(app: Any) -> None:
    """A partition's dict is what its changelog says, and recovery goes on behind the last offset covered."""
    table = batch_table(app, "t", partitions=2)
    restore(table, changelog(table, 0, (b"a", b"1"), (b"b", b"2"), (b"a", None)), changelog(table, 3, (b"c", b"")))
    assert table.data.partition(0) == {b"b": b"2", b"c": b""}
    assert table.data.end(0) == 4
    assert table.data.persisted_offset(TP(table.changelog_topic_name, 0)) == 3
    assert table.data.persisted_offset(TP(table.changelog_topic_name, 1)) is None


def test_one_key_in_two_partitions_has_two_values(app: Any) -> None:
    """The partition is part of a key's identity."""
    table = batch_table(app, "t", partitions=2)
    restore(table, changelog(table, 0, (b"a", b"1")), changelog(table, 0, (b"a", b"2"), partition=1))
    assert (table.data.partition(0), table.data.partition(1)) == ({b"a": b"1"}, {b"a": b"2"})
    with pytest.raises(TypeError, match="partition"):
        table.data[b"a"] = b"3"


async def test_a_rebalance_drops_the_revoked_partitions_only(app: Any) -> None:
    """Retained partitions keep their values and need no second reading."""
    table = batch_table(app, "t", partitions=2)
    restore(table, changelog(table, 0, (b"a", b"1")), changelog(table, 0, (b"a", b"2"), partition=1))
    gone = {TP(table.changelog_topic_name, 1), TP("another", 0)}
    await table.data.on_rebalance(set(), gone, set())
    assert (table.data.partition(0), table.data.partition(1), table.data.end(1)) == ({b"a": b"1"}, {}, 0)
    assert table.data.end(0) == 1


def test_records_already_included_do_not_overwrite_newer_values(app: Any) -> None:
    """Faust reads the last known changelog record again; the value in memory may be ahead of it."""
    table = batch_table(app, "t", partitions=1)
    restore(table, changelog(table, 0, (b"a", b"1"), (b"b", b"1")))
    table.data.partition(0)[b"b"] = b"2, not flushed yet"
    restore(table, changelog(table, 1, (b"b", b"1"), (b"c", b"1")))
    assert table.data.partition(0) == {b"a": b"1", b"b": b"2, not flushed yet", b"c": b"1"}


def test_a_batch_of_another_topic_is_not_applied_to_this_table(app: Any) -> None:
    """Faust hands an event of an untracked partition to the table of the event before it."""
    table = batch_table(app, "t", partitions=1)
    restore(table, batch(0, 1, topic="unit-other-changelog"))
    assert len(table.data) == 0


async def test_a_batch_lost_in_recovery_is_read_again(app: Any) -> None:
    """State is never restored with a hole in it: recovery is set back to the last batch applied."""
    sought: list[Any] = []

    async def seek_wait(where: Any) -> None:
        sought.append(where)

    table = batch_table(app, "t", partitions=1)
    bind(app, source="events", tables=[table])
    app.consumer.seek_wait = seek_wait
    tp = TP(table.changelog_topic_name, 0)
    restore(table, changelog(table, 0, (b"a", b"1")))
    app.tables.recovery.active_offsets[tp] = 4
    restore(table, changelog(table, 3, (b"b", b"1")))
    await asyncio.sleep(0)
    assert (table.data.partition(0), sought, app.tables.recovery.active_offsets[tp]) == ({b"a": b"1"}, [{tp: 1}], 0)


# Checkpoints.


class SlowOwner(Owner):
    """An owner whose checkpoints end when told to."""

    def __init__(self) -> None:
        self.release = asyncio.Event()
        self.calls: list[Any] = []
        self.error: BaseException | None = None

    async def checkpoint(self, partitions: frozenset[TP], reason: Reason) -> None:
        self.calls.append(reason)
        try:
            await self.release.wait()
        except asyncio.CancelledError:
            self.calls.append("cancelled")
            raise
        if self.error is not None:
            raise self.error


async def test_a_checkpoint_on_revoke_is_cancelled_when_its_time_is_up() -> None:
    """The group must not wait for a broker that does not answer: the one under way is dropped as well."""
    owner = SlowOwner()
    checkpointing = Checkpointing(owner, 0.05, crash=pytest.fail)
    interval = asyncio.ensure_future(checkpointing.run(frozenset({SOURCE}), Reason.INTERVAL))
    await asyncio.sleep(0)
    assert await checkpointing.run(frozenset({SOURCE}), Reason.REVOKE) is False
    assert await interval is False
    assert owner.calls[:2] == [Reason.INTERVAL, "cancelled"]
    assert checkpointing.failures >= 1


async def test_checkpoints_run_one_after_the_other() -> None:
    """A checkpoint on stop waits for the one under way, then runs itself: its last records are not lost."""
    owner = SlowOwner()
    checkpointing = Checkpointing(owner, 5.0, crash=pytest.fail)
    both = [asyncio.ensure_future(checkpointing.run(frozenset({SOURCE}), r)) for r in (Reason.INTERVAL, Reason.STOP)]
    await asyncio.sleep(0.01)
    assert owner.calls == [Reason.INTERVAL]
    owner.release.set()
    await asyncio.gather(*both)
    assert owner.calls == [Reason.INTERVAL, Reason.STOP]


@pytest.mark.parametrize(("error", "crashes"), [(KafkaTimeoutError(), 0), (ZeroDivisionError(), 1)])
async def test_a_broker_error_is_survived_and_a_defect_ends_the_worker(error: Exception, crashes: int) -> None:
    """Only what another try can mend is tried again."""
    owner, crashed = SlowOwner(), []
    owner.error = error
    owner.release.set()

    async def crash(found: BaseException) -> None:
        crashed.append(found)

    checkpointing = Checkpointing(owner, 5.0, crash=crash)
    assert await checkpointing.run(frozenset({SOURCE}), Reason.INTERVAL) is False
    assert (len(crashed), checkpointing.failures) == (crashes, 1)


# Changelog writes.


class FakeBatch:
    """Takes three records."""

    def __init__(self) -> None:
        self.records: list[Any] = []

    def append(self, *, key: Any, value: Any, timestamp: Any) -> Any:
        if len(self.records) == 3:
            return None
        self.records.append((key, value))
        return True

    def record_count(self) -> int:
        return len(self.records)

    def close(self) -> None:
        pass


class FakeProducer:
    """A log that can be written by others between two batches."""

    max_record_bytes = 1000

    def __init__(self) -> None:
        self.log: list[Any] = []
        self.discarded = 0
        self.error: KafkaError | None = None

    async def ready(self) -> FakeProducer:
        return self

    def create_batch(self) -> FakeBatch:
        return FakeBatch()

    async def send_batch(self, sent: FakeBatch, topic: str, *, partition: int) -> Any:
        done = asyncio.get_running_loop().create_future()
        if self.error is not None:
            done.set_exception(self.error)
        else:
            done.set_result(SimpleNamespace(offset=len(self.log)))
            self.log += sent.records
        return done

    def discard(self, failed: Any) -> None:
        self.discarded += 1


async def test_records_are_written_in_order_and_tombstones_too() -> None:
    """Batches follow each other; the write knows the offset behind its last record."""
    producer = FakeProducer()
    write = await Changelog(producer).send("log", 0, [(b"k%d" % n, None if n == 2 else b"v") for n in range(5)])
    assert await write.acknowledged() == (5, ())
    assert [key for key, _ in producer.log] == [b"k0", b"k1", b"k2", b"k3", b"k4"]
    assert producer.log[2] == (b"k2", None)


async def test_a_record_too_large_is_refused_and_the_others_are_written() -> None:
    """Such a record would be accepted into a batch, and the broker would refuse the whole batch for ever."""
    producer = FakeProducer()
    write = await Changelog(producer).send("log", 0, [(b"a", b"1"), (b"big", b"x" * 1000), (b"b", b"2")])
    assert (write.refused, producer.log) == ([b"big"], [(b"a", b"1"), (b"b", b"2")])


async def test_a_record_between_ours_is_reported_as_foreign() -> None:
    """A zombie's record behind our last one shows at our next acknowledgement."""
    producer = FakeProducer()
    writer = Changelog(producer)
    writer.expect("log", 0, 0)
    await (await writer.send("log", 0, [(b"a", b"1")])).acknowledged()
    producer.log.append("foreign")
    acknowledged = await (await writer.send("log", 0, [(b"b", b"2")])).acknowledged()
    assert acknowledged == (3, (ForeignRecord("log", 0, 1, 2),))


async def test_a_failed_delivery_ends_the_producer_and_its_records_are_not_called_foreign() -> None:
    """Written or not, the batch was ours; sequence numbers lost with it would make the broker refuse what follows."""
    producer = FakeProducer()
    writer = Changelog(producer)
    writer.expect("log", 0, 0)
    producer.error = KafkaTimeoutError()
    with pytest.raises(KafkaTimeoutError):
        await (await writer.send("log", 0, [(b"a", b"1")])).acknowledged()
    assert producer.discarded == 1
    producer.error = None
    producer.log.append("ours after all")
    assert await (await writer.send("log", 0, [(b"a", b"1")])).acknowledged() == (2, ())


async def test_an_acknowledgement_nobody_waits_for_still_counts() -> None:
    """A checkpoint that was cancelled must not make its own late records look foreign to the next one."""
    producer = FakeProducer()
    writer = Changelog(producer)
    writer.expect("log", 0, 0)
    await writer.send("log", 0, [(b"a", b"1")])
    await asyncio.sleep(0)
    assert await (await writer.send("log", 0, [(b"b", b"2")])).acknowledged() == (2, ())


# Binding.


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("broker_session_timeout", 2.0),
        ("consumer_auto_offset_reset", "latest"),
        ("stream_wait_empty", True),
        ("table_standby_replicas", 1),
        ("store", "memory://"),
        ("broker", "kafka://127.0.0.1:1"),
    ],
)
def test_a_setting_that_loses_or_hangs_is_refused_by_name(setting: str, value: Any) -> None:
    """An app cannot be bound with settings that lose records, lose state or wait for ever."""
    register()
    with pytest.raises(ConfigError, match=f"^{setting}: found .*; valid: "):
        bind(make_app(**{setting: value}), source="events")


async def test_an_app_that_is_not_bound_says_so() -> None:
    """The first use of the consumer names the call that is missing."""
    register()
    with pytest.raises(ConfigError, match=r"streams\.batching\.bind"):
        _ = make_app().consumer


def test_the_schema_passes_a_batch_untouched(app: Any) -> None:
    """No decoding between fetch and agent."""
    message = SimpleNamespace(key=None, value=batch(0, 1))
    assert BatchSchema().loads_value(app, message) is message.value
