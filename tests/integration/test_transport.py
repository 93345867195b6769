"""The batch transport on a real broker: exact counts through everything that made the prototype lose or repeat some."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic, RecordsToDelete
from aiokafka.errors import KafkaError, MessageSizeTooLargeError
from faust.types import TP

import counting
from counting import counting_app, running, until
from streams.batching import Reason
from streams.changelog import Changelog, ForeignRecord
from streams.producer import Producer

pytestmark = pytest.mark.kafka


class Cluster:
    """What a test needs of the broker."""

    def __init__(self, bootstrap: str, admin: Any, producer: Any) -> None:
        self.bootstrap, self.admin, self.producer = bootstrap, admin, producer

    async def topic(self, partitions: int = 1, **configs: str) -> str:
        """A topic of one's own."""
        name = f"batching-{uuid.uuid4().hex[:8]}"
        await self.admin.create_topics([NewTopic(name, partitions, 1, topic_configs=configs)])
        return name

    async def write(self, topic: str, count: int, *, partition: int = 0, keys: int = 7, batch: int = 50) -> None:
        """`count` records in broker batches of `batch`."""
        sent = [self.producer.create_batch() for _ in range(-(-count // batch))]
        for n in range(count):
            sent[n // batch].append(key=b"k%d" % (n % keys), value=b"v", timestamp=None)
        for one in sent:
            await (await self.producer.send_batch(one, topic, partition=partition))

    async def committed(self, group: str, topic: str, partition: int = 0) -> int | None:
        """What the group has committed."""
        offsets = await self.admin.list_consumer_group_offsets(group)
        found = offsets.get(TopicPartition(topic, partition))
        return None if found is None or found.offset < 0 else found.offset


@pytest.fixture
async def cluster(kafka: str) -> AsyncIterator[Cluster]:
    """Admin client and producer on the broker."""
    admin, producer = AIOKafkaAdminClient(bootstrap_servers=kafka), AIOKafkaProducer(bootstrap_servers=kafka)
    await admin.start()
    await producer.start()
    yield Cluster(kafka, admin, producer)
    await producer.stop()
    await admin.close()


def app_id() -> str:
    """An application of one's own."""
    return f"batching-app-{uuid.uuid4().hex[:8]}"


async def until_committed(cluster: Cluster, group: str, topic: str, offset: int, partition: int = 0) -> None:
    """Wait until the group has committed exactly this offset."""
    for _ in range(300):
        found = await cluster.committed(group, topic, partition)
        if found == offset:
            return
        await asyncio.sleep(0.05)
    raise AssertionError(f"{topic}-{partition}: committed {found}, wanted {offset}")


def in_order(seen: list[tuple[int, int]], partition: int = 0) -> bool:
    """Whether the offsets of a partition were processed in ascending order, each once."""
    offsets = [offset for p, offset in seen if p == partition]
    return offsets == sorted(set(offsets))


async def test_a_restart_restores_the_state_and_goes_on_at_the_committed_offset(cluster: Cluster) -> None:
    """A stop commits what was processed; the next start counts on from there, nothing lost, nothing twice."""
    topic, group = await cluster.topic(2), app_id()
    await cluster.write(topic, 500)
    await cluster.write(topic, 300, partition=1)
    app, first = counting_app(cluster.bootstrap, group, topic)
    async with running(app):
        await until(lambda: first.total() == 800, "all counted")
    assert first.events[-1] == ("committed", Reason.STOP)
    assert await cluster.committed(group, topic) == 500
    await cluster.write(topic, 100)
    app, second = counting_app(cluster.bootstrap, group, topic)
    async with running(app):
        await until(lambda: second.total() == 900, "state restored and the new records counted")
        assert sorted(second.events[:2]) == [("opened", 0, 500, False), ("opened", 1, 300, False)]
        assert len(second.seen) == 100
        assert second.bound.expected.holes == 0


def delay_the_end_of_recovery(counter: Any) -> None:
    """Let batches be queued behind a busy agent between the seek and the end of a recovery, which clears the queue."""
    consumer = counter.app.consumer
    callback, perform_seek = consumer.callback, consumer.perform_seek
    sought = asyncio.Event()
    queued: list[Any] = []

    async def after_the_seek(message: Any) -> None:
        if message.topic == counter.bound.source:
            await sought.wait()
            await callback(message)
            queued.append(message)
        else:
            await callback(message)

    async def slow_seek() -> None:
        await perform_seek()
        sought.set()
        for _ in range(100):  # with the guard nothing comes
            if len(queued) >= 4:
                break
            await asyncio.sleep(0.01)

    consumer.callback, consumer.perform_seek = after_the_seek, slow_seek


@pytest.mark.parametrize(
    ("guarded", "healing"), [(True, True), (False, True), (False, False)], ids=["guarded", "healed", "neither"]
)
async def test_a_batch_that_vanishes_when_recovery_ends_is_prevented_and_healed(
    cluster: Cluster, guarded: bool, healing: bool
) -> None:
    """Faust clears the stream queues after it let the source go: hold it back, or heal.

    With neither the batch is lost for good, which shows that both tests are about a real loss.
    """
    topic, group = await cluster.topic(), app_id()
    await cluster.write(topic, 200)
    app, before = counting_app(cluster.bootstrap, group, topic, partitions=1)
    async with running(app):
        await until(lambda: before.total() == 200, "state to recover")
    await cluster.write(topic, 800)
    app, counter = counting_app(cluster.bootstrap, group, topic, partitions=1, batch_limit=100)
    counter.bound.hold_source_while_rebalancing = guarded
    if not healing:

        async def let_it_go(tp: TP) -> None:
            pass

        app.consumer.heal = let_it_go
    counter.busy = asyncio.Event()
    delay_the_end_of_recovery(counter)
    async with running(app):
        await until(lambda: counter.events and not app.rebalancing, "recovery completed")
        counter.busy.set()
        if healing:
            await until(lambda: counter.total() == 1000, "all counted")
            assert in_order(counter.seen)
        else:
            await until(lambda: counter.batches[-1:] and counter.batches[-1].next_offset == 1000, "the last batch")
            await asyncio.sleep(0)
            assert counter.total() < 1000
        assert (counter.bound.expected.holes > 0) is not guarded
    assert await cluster.committed(group, topic) == counter.bound.expected.offset(TP(topic, 0))


async def test_a_lost_batch_is_read_again_before_anything_above_it_is_committed(cluster: Cluster) -> None:
    """What is committed is the expected offset: a commit never passes a hole, and the hole is filled."""
    topic, group = await cluster.topic(), app_id()
    app, counter = counting_app(cluster.bootstrap, group, topic, partitions=1, batch_limit=50)
    callback, heal, lost = app.consumer.callback, app.consumer.heal, []
    may_heal = asyncio.Event()

    async def lossy(message: Any) -> None:
        if message.topic == topic and message.value.from_offset == 100 and not lost:
            lost.append(message.value)
        else:
            await callback(message)

    async def late_heal(tp: TP) -> None:
        await may_heal.wait()
        await heal(tp)

    app.consumer.callback, app.consumer.heal = lossy, late_heal
    async with running(app):
        await cluster.write(topic, 400)
        await until(lambda: counter.bound.expected.holes, "the hole was seen")
        await until_committed(cluster, group, topic, 100)
        may_heal.set()
        await until(lambda: counter.total() == 400, "the hole was filled")
        await until_committed(cluster, group, topic, 400)
    assert in_order(counter.seen)
    assert counter.bound.expected.holes == 1
    assert counter.events.count(("hole", 0)) == 1


async def test_a_lost_batch_with_nothing_behind_it_is_read_again(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No later batch shows the hole; an idle partition that was read further than it was processed does."""
    monkeypatch.setattr("streams.batching.healing.IDLE_CHECK_SECONDS", 0.3)
    topic = await cluster.topic()
    app, counter = counting_app(cluster.bootstrap, app_id(), topic, partitions=1)
    callback, lost = app.consumer.callback, []

    async def lossy(message: Any) -> None:
        if message.topic == topic and not lost:
            lost.append(message.value)
        else:
            await callback(message)

    app.consumer.callback = lossy
    async with running(app):
        await cluster.write(topic, 20, batch=20)
        await until(lambda: counter.total() == 20, "the lost batch was counted")
    assert len(lost) == 1


async def test_two_workers_share_and_take_over_with_exact_counts(cluster: Cluster) -> None:
    """A rebalance in mid-stream loses and repeats nothing, keeps what is retained, and commits go on afterwards.

    Batches wait in the queue of a busy agent when the partitions are revoked: they are not delivered, and read again.
    """
    topic, group = await cluster.topic(2), app_id()
    app, first = counting_app(cluster.bootstrap, group, topic, batch_limit=100)
    other_app, second = counting_app(cluster.bootstrap, group, topic, batch_limit=100)
    async with running(app):
        await cluster.write(topic, 300)
        await cluster.write(topic, 300, partition=1)
        await until(lambda: first.total() == 600, "the first worker counted")
        first.busy = asyncio.Event()
        await cluster.write(topic, 1000)
        await cluster.write(topic, 1000, partition=1)
        async with running(other_app):
            await until(lambda: second.events and not app.rebalancing, "the second worker has a partition")
            first.busy.set()
            mine, theirs = ({tp.partition for tp in one.bound.expected.partitions} for one in (first, second))
            assert mine | theirs == {0, 1}
            assert not mine & theirs
            for partition, one in [(p, first) for p in mine] + [(p, second) for p in theirs]:
                await until(lambda p=partition, one=one: one.total(p) == 1300, f"partition {partition} counted")
                await until_committed(cluster, group, topic, 1300, partition)
            kept = [event for event in first.events if event[0] == "opened"][-1]
            assert (kept[1] in mine, kept[3]) == (True, True)
            assert ("closed", *theirs) in first.events
        await until(lambda: first.total() == 2600, "the first worker has both again", 40)
        await cluster.write(topic, 10)
        await until(lambda: first.total() == 2610, "and goes on")
        await until_committed(cluster, group, topic, 1310)


async def test_state_whose_changelog_moved_on_without_us_is_read_again(cluster: Cluster) -> None:
    """After a session expired unnoticed a partition may come back although somebody else has written to it."""
    topic, group = await cluster.topic(2), app_id()
    app, counter = counting_app(cluster.bootstrap, group, topic)
    other_app, _ = counting_app(cluster.bootstrap, group, topic)
    async with running(app):
        await cluster.write(topic, 50)
        await cluster.write(topic, 50, partition=1)
        await until(lambda: counter.total() == 100 and not any(counter.dirty.values()), "counted and flushed")
        await until_committed(cluster, group, topic, 50)
        for partition in (0, 1):
            await cluster.producer.send_and_wait(
                counter.counts.changelog_topic_name, key=b"k0", value=counting.VALUE.pack(999, 49), partition=partition
            )
        async with running(other_app):
            await until(lambda: len([e for e in counter.events if e[0] == "opened"]) > 2, "assigned again")
            reopened = counter.events[-1] if counter.events[-1][0] == "opened" else counter.events[-2]
            partition = reopened[1]
            assert reopened[3] is False
            assert counting.VALUE.unpack(counter.counts.data.partition(partition)[b"k0"])[0] == 999


async def test_compressed_input_is_counted(cluster: Cluster) -> None:
    """A producer may compress."""
    topic = await cluster.topic()
    producer = AIOKafkaProducer(bootstrap_servers=cluster.bootstrap, compression_type="gzip", linger_ms=20)
    await producer.start()
    sent = [
        await producer.send(topic, key=b"k%d" % (n % 5), value=b"v" * 200, headers=[("h", b"x")]) for n in range(400)
    ]
    await asyncio.gather(*sent)
    await producer.stop()
    app, counter = counting_app(cluster.bootstrap, app_id(), topic, partitions=1)
    async with running(app):
        await until(lambda: counter.total() == 400, "all counted")
    record = counter.batches[0].records[0]
    assert (record.value, list(record.headers)) == (b"v" * 200, [("h", b"x")])
    assert record.timestamp > 1_700_000_000_000


async def test_aborted_transactions_are_skipped_and_their_markers_committed_past(cluster: Cluster) -> None:
    """Only committed records count; a partition that ends in a marker is nevertheless fully committed."""
    topic, group = await cluster.topic(), app_id()
    producer = AIOKafkaProducer(bootstrap_servers=cluster.bootstrap, transactional_id=f"tx-{uuid.uuid4().hex}")
    await producer.start()
    for commits in (True, False, True, False):
        await producer.begin_transaction()
        for n in range(10):
            await producer.send_and_wait(topic, key=b"k%d" % n, value=b"committed" if commits else b"aborted")
        await (producer.commit_transaction() if commits else producer.abort_transaction())
    await producer.stop()
    app, counter = counting_app(cluster.bootstrap, group, topic, partitions=1)
    async with running(app):
        await until(lambda: counter.total() == 20, "the committed records are counted")
        end = await cluster_end(cluster, topic)
        assert end == 44  # four markers
        await until_committed(cluster, group, topic, end)
    assert {record.value for batch in counter.batches for record in batch.records} == {b"committed"}
    assert counter.bound.expected.holes == 0


async def cluster_end(cluster: Cluster, topic: str) -> int:
    """The next offset of partition 0."""
    consumer = AIOKafkaConsumer(bootstrap_servers=cluster.bootstrap)
    await consumer.start()
    try:
        return int((await consumer.end_offsets([TopicPartition(topic, 0)]))[TopicPartition(topic, 0)])
    finally:
        await consumer.stop()


async def test_offsets_deleted_from_the_log_are_jumped_and_counted(cluster: Cluster) -> None:
    """A committed offset that retention has overtaken neither stops the worker nor goes unnoticed."""
    topic, group = await cluster.topic(), app_id()
    await cluster.write(topic, 100)
    app, counter = counting_app(cluster.bootstrap, group, topic, partitions=1)
    async with running(app):
        await until(lambda: counter.total() == 100, "counted")
    await cluster.write(topic, 100)
    await cluster.admin.delete_records({TopicPartition(topic, 0): RecordsToDelete(before_offset=150)})
    app, counter = counting_app(cluster.bootstrap, group, topic, partitions=1)
    async with running(app):
        await until(lambda: counter.total() == 150, "what is left is counted")
    assert counter.bound.expected.lost == 50
    assert counter.events.count(("hole", 0)) == 1


async def test_a_record_the_broker_refuses_fails_its_write_and_not_those_after_it(cluster: Cluster) -> None:
    """A lone record too large is refused here if we know the limit, and else does not poison the producer."""
    topic = await cluster.topic(**{"max.message.bytes": "20000"})
    producer = Producer(cluster.bootstrap, request_timeout_seconds=5)
    await producer.start()
    try:
        writer = Changelog(producer)
        write = await writer.send(topic, 0, [(b"small", b"x"), (b"huge", b"x" * 1_000_000), (b"last", b"x")])
        assert write.refused == [b"huge"]
        assert (await write.acknowledged()).next_offset == 2
        with pytest.raises(MessageSizeTooLargeError):
            await (await writer.send(topic, 0, [(b"large", b"x" * 30_000)])).acknowledged()
        acknowledged = await (await writer.send(topic, 0, [(b"next", b"x")])).acknowledged()
        assert acknowledged == (3, ())
    finally:
        await producer.stop()


async def test_a_foreign_record_in_a_changelog_is_reported(cluster: Cluster) -> None:
    """A zombie that still writes shows in the offsets the broker acknowledges."""
    topic = await cluster.topic()
    producer = Producer(cluster.bootstrap)
    await producer.start()
    try:
        writer = Changelog(producer)
        writer.expect(topic, 0, 0)
        assert await (await writer.send(topic, 0, [(b"a", b"1")])).acknowledged() == (1, ())
        await cluster.producer.send_and_wait(topic, key=b"a", value=b"zombie", partition=0)
        acknowledged = await (await writer.send(topic, 0, [(b"a", b"2")])).acknowledged()
        assert acknowledged == (3, (ForeignRecord(topic, 0, 1, 2),))
    finally:
        await producer.stop()


async def test_a_group_that_is_never_joined_is_said_once(cluster: Cluster, caplog: pytest.LogCaptureFixture) -> None:
    """A session timeout the broker refuses would otherwise be a worker that silently does nothing."""
    topic = await cluster.topic()
    settings = {"broker_session_timeout": 86_400.0, "broker_request_timeout": 90_000.0}
    app, counter = counting_app(
        cluster.bootstrap, app_id(), topic, partitions=1, settings=settings, assignment_deadline_seconds=2.0
    )
    starting = asyncio.ensure_future(app.start())  # does not end without an assignment
    await until(lambda: "No partition assigned within 2 s" in caplog.text, "the complaint")
    starting.cancel()
    await asyncio.wait({starting})
    await asyncio.wait_for(app.stop(), 10)
    assert counter.events == []


async def test_a_failed_checkpoint_commits_nothing_and_the_next_one_does(cluster: Cluster) -> None:
    """A broker error in a checkpoint is survived: the offset stays, and moves with the next success."""
    topic, group = await cluster.topic(), app_id()
    app, counter = counting_app(cluster.bootstrap, group, topic, partitions=1)
    send, failing = counter.changelog.send, True

    async def refuse(*args: Any) -> Any:
        if failing:
            raise KafkaError("no")
        return await send(*args)

    counter.changelog.send = refuse
    async with running(app):
        await cluster.write(topic, 50)
        await until(lambda: counter.total() == 50 and app.consumer.checkpointing.failures > 1, "checkpoints fail")
        assert await cluster.committed(group, topic) in (None, 0)
        failing = False
        await until_committed(cluster, group, topic, 50)
