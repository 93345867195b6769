"""One partition this worker owns: its state, its markers, and its records on their way out."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from functools import partial
from typing import Any

from aiokafka.errors import KafkaError, MessageSizeTooLargeError, RecordListTooLargeError

from streams.batching import Record
from streams.changelog import Changelog, Write
from streams.deadlines import Deadlines
from streams.producer import Producer
from supportpulse.names import Reason
from supportpulse.partition import Letter, Partition

logger = logging.getLogger(__name__)

CUT_BYTES = 500_000
"""What is kept of a value whose dead letter is larger than its topic takes."""
CUT_KEY_BYTES = 1000


class Owned:
    """What is sent is kept until it is acknowledged, and sent again if it was not."""

    def __init__(
        self,
        number: int,
        state: Partition,
        deadlines: Deadlines,
        producer: Producer,
        changelog: Changelog,
        outcomes_topic: str,
        deadletter_topic: str,
    ) -> None:
        self.number, self.state, self.deadlines = number, state, deadlines
        self._producer, self._changelog = producer, changelog
        self._outcomes_topic, self._deadletter_topic = outcomes_topic, deadletter_topic
        self._said: tuple[Write, list[tuple[bytes, bytes]]] | None = None
        """Outcomes under way. One write at a time: who reads them must not meet a retraction before its verdict."""
        self._posted: set[asyncio.Future[Any]] = set()
        """Dead letters under way."""
        self._too_large: set[int] = set()
        """Offsets of records whose dead letter the topic refused whole."""
        self._sending = asyncio.Lock()

    async def send(self) -> bool:
        """Send what the last records decided; False if the producer does not take it: the next call tries again."""
        async with self._sending:
            return await self._say() and await self._post()

    async def _say(self) -> bool:
        """Send what waits, unless outcomes are under way: then it goes behind them."""
        if self._said is not None and self._said[0].done:
            self._heard()
        if self._said is None and self.state.outbox:
            items, self.state.outbox = self.state.outbox, []
            try:
                self._said = await self._changelog.send(self._outcomes_topic, self.number, items), items
            except BaseException as error:
                self.state.outbox = items + self.state.outbox
                if not isinstance(error, KafkaError):
                    raise
                logger.warning("outcomes of partition %d wait: %r", self.number, error)
                return False
        return True

    def _heard(self) -> None:
        """The broker has answered to the outcomes under way: those that failed are the next to be sent."""
        assert self._said is not None
        write, items = self._said
        self._said = None
        if write.failure() is not None:
            self.state.outbox = items + self.state.outbox

    async def _post(self) -> bool:
        """Send dead letters. One that is not under way is in the list, or is being sent under the lock."""
        while self.state.letters:
            letter = self.state.letters.pop(0)
            try:
                kafka = await self._producer.ready()
                future = await kafka.send(self._deadletter_topic, **self._record(letter))
            except BaseException as error:
                self.state.letters.insert(0, letter)
                if not isinstance(error, KafkaError):
                    raise
                logger.warning("dead letters of partition %d wait: %r", self.number, error)
                return False
            self._posted.add(future)
            future.add_done_callback(partial(self._on_posted, kafka, letter))
        return True

    def _on_posted(self, kafka: Any, letter: Letter, done: asyncio.Future[Any]) -> None:
        self._posted.discard(done)
        error = asyncio.CancelledError() if done.cancelled() else done.exception()
        if error is None:
            self._too_large.discard(letter.incoming.offset)
            return
        self.state.letters.insert(0, letter)
        if isinstance(error, MessageSizeTooLargeError | RecordListTooLargeError):
            self._cut(letter)
        self._producer.discard(kafka)

    def reject(self, unreadable: Sequence[Record], expected: int) -> None:
        """Make dead letters of records, from the expected offset on, whose header names are not UTF-8."""
        watcher = self.state.watcher
        for record in unreadable:
            if record.offset >= expected:
                detail = f"headers: found names {[name for name, _ in record.headers]!r}; valid: names in UTF-8"
                self.state.letters.append(Letter(record, Reason.SCHEMA, detail))
                watcher.processed(1)
                watcher.rejected(Reason.SCHEMA)

    def _record(self, letter: Letter) -> dict[str, Any]:
        """The record of a dead letter: the original as it came, and why, and where it lies."""
        incoming = letter.incoming
        key, value = incoming.key, incoming.value
        headers = [*(getattr(incoming, "headers", None) or ())]
        told = {
            "reason": letter.reason.value.encode(),
            "detail": letter.detail[:1000].encode(errors="replace"),
            "topic": self.state.place.topic.encode(),
            "partition": b"%d" % self.state.place.partition,
            "offset": b"%d" % incoming.offset,
        }
        if incoming.offset in self._too_large:
            headers = []
            told["cut-from"] = b"%d" % len(value or b"")
            key, value = key and key[:CUT_KEY_BYTES], value and value[:CUT_BYTES]
        if key is None and value is None:
            value = b""  # aiokafka takes no record that has neither; the reason says that there was none
        headers += [(f"supportpulse-{name}", content) for name, content in told.items()]
        # Not by the key: aiokafka hashes it in Python, and one of 10 MB would hold up everything for seconds.
        return {"key": key, "value": value, "headers": headers, "partition": self.number}

    async def outcomes_acknowledged(self) -> None:
        """Send what waits, then wait for outcomes and dead letters; KafkaError if some of it failed.

        What failed is queued again as soon as the broker has said so, whoever waits for it or does not.
        """
        posted: set[asyncio.Future[Any]] = set()
        for _ in range(2):  # what is under way, and then what waited behind it; more may come of later records
            if not await self.send():
                raise KafkaError(f"outcomes or dead letters of partition {self.number} could not be sent")
            posted |= self._posted  # now: one that fails while outcomes are waited for is queued again by then
            if self._said is not None:
                await self._said[0].acknowledged()
        if posted:
            await asyncio.wait(posted)
        for future in posted:
            if (error := future.exception()) is not None:
                raise error

    def _cut(self, letter: Letter) -> None:
        offset = letter.incoming.offset
        self._too_large.add(offset)
        logger.error(
            "%s, partition %d, offset %d: rejected (%s), and larger than %s takes: its dead letter is cut; raise "
            "max.message.bytes of that topic",
            self.state.place.topic, self.number, offset, letter.reason, self._deadletter_topic,
        )  # fmt: skip

    def rewrite(self, table: str) -> None:
        """Somebody else wrote to a changelog of ours: write our values of all keys again (law 5)."""
        logger.error(
            "a foreign record in the %s changelog of partition %d: writing our values again", table, self.number
        )
        if table == "panes":
            self.state.panes.dirty.update(self.state.panes.panes)
        else:
            self.state.dirty.update(self.state.store)

    def refused(self, keys: list[bytes]) -> None:
        """Keys whose record is too large for the topic; admission keeps tickets below that, so this is a defect."""
        for key in keys:
            logger.error("state of %r does not fit into a changelog record: it is lost at the next restart", key)
