"""Records -> Kafka, acknowledged by all replicas.

With aiokafka's producer, not with kafka-python's as the other edges: here each record is waited for, which costs the
other one a wake-up of a thread and 350 microseconds a record, ten times as much.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
import time
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple, Protocol

from aiokafka.errors import KafkaError, KafkaTimeoutError
from aiokafka.partitioner import murmur2

from streams.delivery import Delivery
from supportpulse.edges.producer import partitions_of
from supportpulse.edges.topics import LARGE_BYTES
from supportpulse.errors import BrokerUnavailable, SupportpulseError
from supportpulse.settings import Settings

RETRY_SECONDS = 1.0
START_SECONDS = 10.0
STOP_SECONDS = 5.0
_hash = lru_cache(maxsize=100_000)(murmur2)

logger = logging.getLogger(__name__)


class Message(NamedTuple):
    """A record for a topic; without a partition, for the one of its key."""

    topic: str
    key: bytes
    value: bytes
    headers: Sequence[tuple[str, bytes]] = ()
    partition: int | None = None


class Publishes(Protocol):
    """What the intake and the beats need."""

    @property
    def partitions(self) -> int:
        """Of the events topic; 0 while Kafka was never reached."""

    async def publish(self, messages: Sequence[Message]) -> None:
        """Returns once all are acknowledged; raises `BrokerUnavailable` otherwise."""


class Publisher:
    """Connects when it is started, and again whenever it must; while it is not connected, `publish` fails at once.

    aiokafka repeats what a broker does not answer for ever and in order, so a wait that is given up may still end well:
    the record then lies in Kafka though nobody was told, and its repetition has the same id.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._topics = (settings.events_topic, settings.deadletter_topic)
        self._counts: dict[str, int] = {}
        self._kafka: Delivery | None = None
        self._task: asyncio.Task[None] | None = None
        self._ending: set[asyncio.Task[None]] = set()
        self.acknowledged = 0.0
        """When Kafka acknowledged something last, in epoch seconds."""
        self.trouble = "not connected yet"
        self.failures = 0

    @property
    def partitions(self) -> int:
        """Of the events topic."""
        return self._counts.get(self._settings.events_topic, 0)

    @property
    def connected(self) -> bool:
        """Whether there is a producer that sends."""
        return self._kafka is not None and self._kafka.alive

    async def start(self) -> None:
        """Begin to connect; returns at once."""
        self._task = asyncio.create_task(self._stay_connected())

    async def stop(self) -> None:
        """Send what was taken, for a few seconds at most."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})
        if self._kafka is not None:
            await self._kafka.end(STOP_SECONDS)
        if self._ending:
            await asyncio.wait(self._ending)

    async def publish(self, messages: Sequence[Message]) -> None:
        """Returns once all are acknowledged; raises `BrokerUnavailable` otherwise."""
        kafka = self._kafka
        if kafka is None or not kafka.alive:
            self._lose(kafka, "its producer ended")
            raise BrokerUnavailable(self.trouble)
        try:
            waiting = [await self._send(kafka, message) for message in messages]
            await (waiting[0] if len(waiting) == 1 else asyncio.gather(*waiting))
        except KafkaError as error:
            self.failures += 1
            if not isinstance(error, KafkaTimeoutError):  # of the wait for room: what was sent goes on
                self._lose(kafka, repr(error))
            raise BrokerUnavailable(f"Kafka at {self._settings.bootstrap}: {error!r}") from None
        self.acknowledged = time.time()

    async def _send(self, kafka: Delivery, message: Message) -> Any:
        partition = message.partition
        if partition is None:
            partition = (_hash(message.key) & 0x7FFFFFFF) % self._counts[message.topic]
        return await kafka.send(
            message.topic, key=message.key, value=message.value, headers=list(message.headers), partition=partition
        )

    def _lose(self, kafka: Delivery | None, why: str) -> None:
        """A batch that failed takes its sequence numbers with it: another producer must go on."""
        if kafka is not None and self._kafka is kafka:
            self._kafka, self.trouble = None, why
            kafka.shut()
            task = asyncio.create_task(kafka.end(0))
            self._ending.add(task)
            task.add_done_callback(self._ending.discard)

    async def _stay_connected(self) -> None:
        while True:
            if self._kafka is None:
                try:
                    await self._connect()
                except (SupportpulseError, KafkaError, OSError, TimeoutError) as error:
                    if str(error) != self.trouble:
                        self.trouble = str(error) or type(error).__name__
                        logger.warning("not connected: %s", self.trouble)
            await asyncio.sleep(RETRY_SECONDS)

    async def _connect(self) -> None:
        settings = self._settings
        if not self._counts:
            security = settings.kafka_security()
            self._counts = {
                topic: len(await asyncio.to_thread(partitions_of, settings.bootstrap, topic, security, START_SECONDS))
                for topic in self._topics
            }
        kafka = Delivery(
            bootstrap_servers=settings.bootstrap.split(","),
            client_id="supportpulse-gateway",
            acks="all",
            enable_idempotence=True,
            max_batch_size=131_072,
            max_request_size=LARGE_BYTES,
            request_timeout_ms=int(START_SECONDS * 1000),
            **_security(settings),
        )
        try:
            await asyncio.wait_for(kafka.start(), START_SECONDS)
        except BaseException:
            await kafka.end(0)
            raise
        self._kafka, self.trouble = kafka, ""
        logger.info("connected to Kafka at %s", settings.bootstrap)


def _security(settings: Settings) -> dict[str, Any]:
    """aiokafka wants a context where kafka-python takes a file."""
    options: dict[str, Any] = settings.kafka_security()
    cafile = options.pop("ssl_cafile", None)
    if "SSL" in settings.security_protocol:
        options["ssl_context"] = ssl.create_default_context(cafile=cafile)
    return options
