"""One partition this worker owns: its state, its markers, and its records on their way out."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any

from aiokafka.errors import KafkaError, MessageSizeTooLargeError, RecordListTooLargeError

from streams.changelog import Changelog, Write
from streams.deadlines import Deadlines
from streams.producer import Producer
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
        self._sent: list[tuple[Write, list[tuple[bytes, bytes]]]] = []
        self._letters: list[tuple[Any, Any, Letter]] = []
        self._too_large: set[int] = set()
        """Offsets of records whose dead letter the topic refused whole."""
        self._sending = asyncio.Lock()
        self.expected: Callable[[], int] = lambda: -1

    async def send(self) -> bool:
        """Send what the last records decided; False if the producer does not take it: the next call tries again."""
        async with self._sending:
            if self.state.outbox:
                items, self.state.outbox = self.state.outbox, []
                try:
                    write = await self._changelog.send(self._outcomes_topic, self.number, items)
                except BaseException as error:
                    self.state.outbox = items + self.state.outbox
                    if not isinstance(error, KafkaError):
                        raise
                    logger.warning("outcomes of partition %d wait: %r", self.number, error)
                    return False
                self._sent.append((write, items))
            while self.state.letters:
                letter, kafka = self.state.letters[0], self._producer.kafka
                try:
                    future = await kafka.send(self._deadletter_topic, **self._record(letter))
                except KafkaError as error:
                    logger.warning("dead letters of partition %d wait: %r", self.number, error)
                    return False
                self.state.letters.pop(0)
                self._letters.append((kafka, future, letter))
        return True

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
        """Send what waits, then wait for outcomes and dead letters; KafkaError queues all that failed again."""
        handed_over = await self.send()
        sent, self._sent = self._sent, []
        letters, self._letters = self._letters, []
        again: list[tuple[bytes, bytes]] = []
        failed: BaseException | None = None
        for write, items in sent:
            try:
                await write.acknowledged()
            except BaseException as error:
                failed = failed or error
                again += items
        unposted: list[Letter] = []
        spoilt: list[Any] = []
        for kafka, future, letter in letters:
            try:
                await future
            except BaseException as error:
                failed = failed or error
                unposted.append(letter)
                if isinstance(error, MessageSizeTooLargeError | RecordListTooLargeError):
                    self._cut(letter)
                if isinstance(error, KafkaError):
                    spoilt.append(kafka)
            else:
                self._too_large.discard(letter.incoming.offset)
        self.state.outbox = again + self.state.outbox
        self.state.letters = unposted + self.state.letters
        for kafka in spoilt:  # only now: a cancellation must find everything queued again
            await self._producer.renew(kafka)
        if failed is not None:
            raise failed
        if not handed_over:  # what waits by now may come of later records, which are not this checkpoint's
            raise KafkaError(f"outcomes or dead letters of partition {self.number} could not be sent")

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
