"""What a partition sends is kept until it is acknowledged."""

from __future__ import annotations

import asyncio
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka.errors import KafkaConnectionError, KafkaError, MessageSizeTooLargeError

from partitioned import Driven
from streams.batching import Owner, Reason
from streams.batching.checkpointing import Checkpointing
from streams.changelog import Changelog
from streams.owned import CUT_BYTES, Owned
from supportpulse import names
from supportpulse.partition import Letter

Future = asyncio.Future[Any]


class Broker:
    """Stands for the producer. Every record is answered at once by `answer`, or by whoever holds `open`."""

    max_record_bytes = 1_000_000

    def __init__(self) -> None:
        self.posted: list[dict[str, Any]] = []
        self.written: list[list[Any]] = []
        self.discarded = 0
        self.answer: BaseException | None = None
        self.hold = False
        self.open: list[Future] = []
        self.room: Any = None
        self.down: KafkaError | None = None

    async def ready(self) -> Broker:
        if self.down is not None:
            raise self.down
        return self

    def discard(self, failed: Any) -> None:
        self.discarded += 1

    def create_batch(self) -> Any:
        items: list[Any] = []
        return SimpleNamespace(
            items=items, record_count=lambda: len(items), close=lambda: None,
            append=lambda *, key, value, timestamp: not items.append((key, value)),  # type: ignore[func-returns-value]
        )  # fmt: skip

    async def send_batch(self, batch: Any, topic: str, *, partition: int) -> Future:
        self.written.append(batch.items)
        return self._later()

    async def send(self, topic: str, **record: Any) -> Future:
        if self.room is not None:
            await self.room.wait()
        self.posted.append(record)
        return self._later()

    def _later(self) -> Future:
        future: Future = asyncio.get_running_loop().create_future()
        if self.hold:
            self.open.append(future)
        elif self.answer is None:
            future.set_result(SimpleNamespace(offset=0))
        else:
            future.set_exception(self.answer)
        return future

    def acknowledge(self) -> None:
        """Answer well to all that is open."""
        while self.open:
            self.open.pop(0).set_result(SimpleNamespace(offset=0))

    def offsets(self) -> list[int]:
        """Source offsets of the dead letters, as posted."""
        return [int(dict(record["headers"])["supportpulse-offset"]) for record in self.posted]


@pytest.fixture
def broker() -> Broker:
    """One that acknowledges everything, until told otherwise."""
    return Broker()


@pytest.fixture
def owned(tmp_path: Path, broker: Broker) -> Owned:
    """A partition with one outcome record and one dead letter to send."""
    driven = Driven(tmp_path)
    driven.raw(b"desk|1", b"junk")
    driven.state.outbox.append((b"desk|1", b"[]"))
    return Owned(0, driven.state, None, broker, Changelog(broker), "outcomes", "letters")  # type: ignore[arg-type]


def letter(offset: int) -> Letter:
    """A dead letter of a record."""
    incoming: Any = SimpleNamespace(key=b"k", value=b"v", offset=offset, timestamp=0, headers=())
    return Letter(incoming, names.Reason.NOT_JSON, "x")


async def test_what_was_acknowledged_is_sent_once(owned: Owned, broker: Broker) -> None:
    """A second checkpoint has nothing left."""
    await owned.outcomes_acknowledged()
    await owned.outcomes_acknowledged()
    assert (len(broker.written), len(broker.posted)) == (1, 1)
    assert (owned.state.outbox, owned.state.letters) == ([], [])


async def test_what_failed_is_sent_again_and_its_producer_no_more(owned: Owned, broker: Broker) -> None:
    """An outcome or dead letter that may be lost is sent again, before the offset moves."""
    broker.answer = KafkaError()
    for _ in range(3):
        with pytest.raises(KafkaError):
            await owned.outcomes_acknowledged()
    assert broker.discarded
    broker.answer = None
    await owned.outcomes_acknowledged()
    assert broker.written[-1] == [(b"desk|1", b"[]")]
    assert len(broker.posted) >= 2
    assert (owned.state.outbox, owned.state.letters) == ([], [])


async def test_nothing_is_forgotten_while_no_producer_can_be_started(owned: Owned, broker: Broker) -> None:
    """A delivery failed and its successor finds no broker: no checkpoint passes until all of it is sent again."""
    broker.hold = True
    await owned.send()
    for future in broker.open:
        future.set_exception(KafkaConnectionError())
    await asyncio.sleep(0)
    broker.down = KafkaConnectionError()
    for _ in range(3):
        with pytest.raises(KafkaError):
            await owned.outcomes_acknowledged()
    broker.down, broker.hold = None, False
    await owned.outcomes_acknowledged()
    assert (len(broker.written), len(broker.posted)) == (2, 2)


async def test_a_cancelled_checkpoint_ends_at_once_and_the_next_waits_for_what_it_had_sent(
    owned: Owned, broker: Broker
) -> None:
    """A checkpoint whose time is up must not let the next one pass while its outcomes are under way (law 4)."""
    broker.hold = True
    committed: list[Reason] = []

    class Checkpointed(Owner):
        async def checkpoint(self, partitions: Any, reason: Reason) -> None:
            await owned.outcomes_acknowledged()
            committed.append(reason)

    async def crash(error: BaseException) -> None:
        raise AssertionError(error)

    checkpointing = Checkpointing(Checkpointed(), 0.05, crash)
    assert not await checkpointing.run(frozenset({None}), Reason.REVOKE)  # type: ignore[arg-type]
    assert checkpointing._running is None
    second = asyncio.ensure_future(checkpointing.run(frozenset({None}), Reason.INTERVAL))  # type: ignore[arg-type]
    await asyncio.sleep(0.05)
    assert committed == []
    broker.hold = False
    broker.acknowledge()
    assert await second
    assert committed == [Reason.INTERVAL]
    assert (len(broker.written), len(broker.posted)) == (1, 1)


async def test_a_dead_letter_that_fails_while_another_waits_for_room_is_not_forgotten(
    owned: Owned, broker: Broker
) -> None:
    """The list changes under the one who sends: each letter is posted until it is acknowledged."""
    owned.state.letters[:] = [letter(1)]
    broker.hold = True
    await owned.send()
    broker.room = asyncio.Event()
    owned.state.letters.append(letter(2))
    sending = asyncio.ensure_future(owned.send())
    await asyncio.sleep(0)
    checkpoint = asyncio.ensure_future(owned.outcomes_acknowledged())
    await asyncio.sleep(0)
    first = broker.open.pop()
    broker.acknowledge()
    first.set_exception(MessageSizeTooLargeError())
    await asyncio.sleep(0)
    broker.hold = False
    broker.room.set()
    await asyncio.gather(sending, checkpoint, return_exceptions=True)
    await owned.outcomes_acknowledged()
    assert sorted(broker.offsets()) == [1, 1, 2]


async def test_a_dead_letter_that_fails_while_outcomes_are_waited_for_fails_the_checkpoint(
    owned: Owned, broker: Broker
) -> None:
    """Its offset must not be committed before it is posted again."""
    broker.hold = True
    checkpoint = asyncio.ensure_future(owned.outcomes_acknowledged())
    await asyncio.sleep(0.01)
    outcomes, posted = broker.open
    posted.set_exception(KafkaError())
    await asyncio.sleep(0.01)
    broker.hold = False
    outcomes.set_result(SimpleNamespace(offset=0))
    with pytest.raises(KafkaError):
        await checkpoint


async def test_outcomes_wait_for_those_before_them(owned: Owned, broker: Broker) -> None:
    """A verdict that fails is sent again before the retraction behind it: a reader applies each id once."""
    broker.hold = True
    await owned.send()
    verdict = broker.open[0]
    owned.state.outbox.append((b"desk|1", b"[retracted]"))
    await owned.send()
    assert len(broker.written) == 1
    verdict.set_exception(KafkaError())
    await asyncio.sleep(0)
    broker.hold = False
    await owned.send()
    assert broker.written[1:] == [[(b"desk|1", b"[]"), (b"desk|1", b"[retracted]")]]


async def test_what_later_records_leave_to_send_does_not_hold_up_a_checkpoint(owned: Owned, broker: Broker) -> None:
    """Poison that goes on and on must not keep the offset from being committed."""
    broker.hold = True
    checkpoint = asyncio.ensure_future(owned.outcomes_acknowledged())
    for offset in range(100):
        await asyncio.sleep(0)
        broker.acknowledge()
        owned.state.outbox.append((b"desk|1", b"[]"))
        owned.state.letters.append(letter(offset))
    assert checkpoint.done()
    await checkpoint


async def test_a_dead_letter_its_topic_refuses_is_cut_and_says_so(owned: Owned, broker: Broker) -> None:
    """Value and key are kept in part, the original's headers are dropped, its length and its place are told."""
    one = owned.state.letters.pop()
    huge = one.incoming.__class__(b"k" * 2000, b"v" * (CUT_BYTES + 1), 0, 0)  # type: ignore[call-arg]
    owned.state.letters.append(one._replace(incoming=huge))
    broker.answer = MessageSizeTooLargeError()
    with pytest.raises(KafkaError):
        await owned.outcomes_acknowledged()
    broker.answer = None
    await owned.outcomes_acknowledged()
    record = broker.posted[-1]
    assert (len(record["key"]), len(record["value"])) == (1000, CUT_BYTES)
    assert dict(record["headers"])["supportpulse-cut-from"] == b"%d" % (CUT_BYTES + 1)
