"""A producer that is replaced never writes again, and one that cannot be is tried again."""

from __future__ import annotations

import asyncio
import socket
from typing import Any

import pytest
from aiokafka.errors import KafkaConnectionError, KafkaError

from fresh import Fresh
from stream_log import read_topic
from streams import producer as producers
from streams.changelog import Changelog
from streams.delivery import Delivery, Ended
from streams.producer import Producer

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(60)]


def stall(producer: Delivery) -> tuple[asyncio.Event, asyncio.Event]:
    """Hold back what a producer sends from now on; the events say that something is, and let it go."""
    stalled, over, send = asyncio.Event(), asyncio.Event(), producer.client.send

    async def held(node: Any, request: Any, **options: Any) -> Any:
        if type(request).__name__.startswith("Produce"):
            stalled.set()
            await over.wait()
        return await send(node, request, **options)

    producer.client.send = held
    return stalled, over


async def test_a_producer_that_was_replaced_never_writes_an_older_value_behind_a_newer_one(
    kafka: str, fresh: Fresh, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One stalled connection, a replacement, and the stall ends: the state that is restored is the newest."""
    settings = await asyncio.to_thread(fresh.topics, kafka, partitions=1)
    monkeypatch.setattr(producers, "STOP_SECONDS", 0.3)
    producer, topic = Producer(kafka), settings.tickets_changelog
    await producer.start()
    changelog = Changelog(producer)
    changelog.expect(topic, 0, 0)
    await (await changelog.send(topic, 0, [(b"other", b"0")])).acknowledged()
    old = await producer.ready()
    stalled, over = stall(old)
    stale = await changelog.send(topic, 0, [(b"K", b"stale")])
    await stalled.wait()
    producer.discard(old)
    newer = await changelog.send(topic, 0, [(b"K", b"new")])
    assert (await newer.acknowledged()).foreign == ()
    with pytest.raises(Ended):
        await stale.acknowledged()
    over.set()
    tasks = [task for task in asyncio.all_tasks() if "Sender." in task.get_coro().__qualname__]  # type: ignore[union-attr]
    assert len(tasks) == 1, "the sender of the producer that was replaced is alive"
    await (await changelog.send(topic, 0, [(b"other", b"1")])).acknowledged()
    await producer.stop()
    values = [(record.key, record.value) for record in await read_topic(settings, topic)]
    assert values == [(b"other", b"0"), (b"K", b"new"), (b"other", b"1")]


async def test_whoever_sends_while_a_producer_is_replaced_waits_and_the_old_one_delivers_first(
    kafka: str, fresh: Fresh
) -> None:
    """Between the two there is no moment without one: neither an error nor a record out of order."""
    settings = await asyncio.to_thread(fresh.topics, kafka, partitions=1)
    producer, topic = Producer(kafka), settings.tickets_changelog
    await producer.start()
    changelog = Changelog(producer)
    changelog.expect(topic, 0, 0)
    await (await changelog.send(topic, 0, [(b"K", b"0")])).acknowledged()
    old = await producer.ready()
    stalled, over = stall(old)
    first = await changelog.send(topic, 0, [(b"K", b"1")])
    await stalled.wait()
    producer.discard(old)
    asyncio.get_running_loop().call_later(0.3, over.set)
    writes = [first, *await asyncio.gather(*(changelog.send(topic, 0, [(b"K", b"2")]) for _ in range(20)))]
    acknowledged = [await write.acknowledged() for write in writes]
    assert {one.foreign for one in acknowledged} == {()}
    assert sorted(one.next_offset or 0 for one in acknowledged) == [*range(2, 23)]
    assert acknowledged[0].next_offset == 2
    await producer.stop()


async def test_a_producer_that_finds_no_broker_is_a_kafka_error_until_there_is_one(
    kafka: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever needs one tries again, but not all the time."""
    monkeypatch.setattr(producers, "RETRY_SECONDS", 0.2)
    producer = Producer(kafka)
    await producer.start()
    starts: list[str] = []
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        producer._settings["bootstrap_servers"] = f"127.0.0.1:{taken.getsockname()[1]}"
        producer.discard(await producer.ready())
        create = producers.Delivery

        def counted(**settings: Any) -> Any:
            starts.append(settings["bootstrap_servers"])
            return create(**settings)

        monkeypatch.setattr(producers, "Delivery", counted)
        for _ in range(5):
            with pytest.raises(KafkaConnectionError):
                await producer.ready()
        assert len(starts) == 1
    producer._settings["bootstrap_servers"] = kafka
    for _ in range(100):
        try:
            await producer.ready()
            break
        except KafkaError:
            await asyncio.sleep(0.05)
    assert (await producer.ready()).alive
    await producer.stop()
    with pytest.raises(KafkaConnectionError, match="stopped"):
        await producer.ready()


@pytest.mark.parametrize("late", [False, True], ids=["while it is ended", "after its end"])
async def test_whoever_waits_for_a_topic_that_a_replaced_producer_never_wrote_to_is_told(
    kafka: str, fresh: Fresh, monkeypatch: pytest.MonkeyPatch, late: bool
) -> None:
    """Nobody looks the partitions up any more, so a sweep of deadlines would wait for them for ever."""
    settings = await asyncio.to_thread(fresh.topics, kafka, partitions=1)
    monkeypatch.setattr(producers, "STOP_SECONDS", 0.1)
    producer = Producer(kafka)
    await producer.start()
    old = await producer.ready()
    asked = asyncio.Event()

    async def never(*_: Any) -> bool:
        asked.set()
        await asyncio.Event().wait()
        return True

    monkeypatch.setattr(old.client, "_metadata_update", never)
    if late:
        await old.end(0)
    batch = old.create_batch()
    batch.append(key=b"K", value=b"1", timestamp=None)
    batch.close()
    sending = asyncio.create_task(old.send_batch(batch, settings.events_topic, partition=0))
    if not late:
        await asked.wait()
        producer.discard(old)
    with pytest.raises(Ended):
        await asyncio.wait_for(sending, 15)
    changelog = Changelog(producer)
    await (await changelog.send(settings.events_topic, 0, [(b"K", b"2")])).acknowledged()
    await producer.stop()
