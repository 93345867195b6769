"""What a partition sends is kept until it is acknowledged."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from aiokafka.errors import KafkaError, MessageSizeTooLargeError

from partitioned import Driven
from streams.changelog import Acknowledged
from streams.owned import CUT_BYTES, Owned


class Broker:
    """Stands for the producer and the changelog writer; every record gets `answer` when it is waited for."""

    def __init__(self) -> None:
        self.kafka = self
        self.posted: list[dict[str, Any]] = []
        self.written: list[list[Any]] = []
        self.renewed = 0
        self.answer: BaseException | None = None
        self.on_wait: Any = lambda: None

    async def send(self, topic: str, *rest: Any, **record: Any) -> Any:
        if record:
            self.posted.append(record)
            return self._later()
        self.written.append(rest[1])
        return self

    async def acknowledged(self) -> Acknowledged:
        await self._later()
        return Acknowledged(None, ())

    def _later(self) -> asyncio.Future[None]:
        self.on_wait()
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if self.answer is None:
            future.set_result(None)
        else:
            future.set_exception(self.answer)
        return future

    async def renew(self, failed: Any) -> None:
        self.renewed += 1


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
    return Owned(0, driven.state, None, broker, broker, "outcomes", "letters")  # type: ignore[arg-type]


async def test_what_was_acknowledged_is_sent_once(owned: Owned, broker: Broker) -> None:
    """A second checkpoint has nothing left."""
    await owned.outcomes_acknowledged()
    await owned.outcomes_acknowledged()
    assert (len(broker.written), len(broker.posted)) == (1, 1)
    assert (owned.state.outbox, owned.state.letters) == ([], [])


@pytest.mark.parametrize("error", [KafkaError(), asyncio.CancelledError()])
async def test_what_failed_is_queued_again_whatever_the_error(
    owned: Owned, broker: Broker, error: BaseException
) -> None:
    """An outcome or dead letter that may be lost is sent again, before the offset moves."""
    broker.answer = error
    with pytest.raises(type(error)):
        await owned.outcomes_acknowledged()
    assert (len(owned.state.outbox), len(owned.state.letters)) == (1, 1)
    assert broker.renewed == isinstance(error, KafkaError)
    broker.answer = None
    await owned.outcomes_acknowledged()
    assert broker.written == [[(b"desk|1", b"[]")]] * 2
    assert len(broker.posted) == 2


async def test_what_later_records_leave_to_send_does_not_hold_up_a_checkpoint(owned: Owned, broker: Broker) -> None:
    """Poison that goes on and on must not keep the offset from being committed."""
    broker.on_wait = lambda: owned.state.outbox.append((b"desk|1", b"[]")) if len(owned.state.outbox) < 1 else None
    await owned.outcomes_acknowledged()
    assert owned.state.outbox


async def test_a_dead_letter_its_topic_refuses_is_cut_and_says_so(owned: Owned, broker: Broker) -> None:
    """Value and key are kept in part, the original's headers are dropped, its length and its place are told."""
    letter = owned.state.letters.pop()
    huge = letter.incoming.__class__(b"k" * 2000, b"v" * (CUT_BYTES + 1), 0, 0)  # type: ignore[call-arg]
    owned.state.letters.append(letter._replace(incoming=huge))
    broker.answer = MessageSizeTooLargeError()
    with pytest.raises(KafkaError):
        await owned.outcomes_acknowledged()
    broker.answer = None
    await owned.outcomes_acknowledged()
    record = broker.posted[-1]
    assert (len(record["key"]), len(record["value"])) == (1000, CUT_BYTES)
    assert dict(record["headers"])["supportpulse-cut-from"] == b"%d" % (CUT_BYTES + 1)
