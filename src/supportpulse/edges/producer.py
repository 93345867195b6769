"""The idempotent producer behind everything that sends events."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from contextlib import closing, suppress
from functools import lru_cache, partial
from types import TracebackType
from typing import Any, Self

from kafka import KafkaProducer
from kafka.errors import KafkaError, KafkaTimeoutError, MessageSizeTooLargeError
from kafka.partitioner.default import murmur2

from supportpulse import names
from supportpulse.edges.buffer import BUFFER_BYTES, Buffer
from supportpulse.edges.topics import connect
from supportpulse.envelope import encode, key_of
from supportpulse.errors import BrokerUnavailable, ConfigError, DeliveryError, SupportpulseError
from supportpulse.events import Event, Heartbeat, Probe

_hash = lru_cache(maxsize=100_000)(murmur2)  # in pure Python it costs more than the rest of a send; keys repeat

RECONNECT_MS = 1000
"""How long a broker that came back may stay unnoticed; the client's own 30 s would make live sources stale."""


class RecordTooLarge(DeliveryError):
    """One record is larger than Kafka takes; what was sent before and comes after is not touched by it."""


class BufferFull(DeliveryError):
    """There was no room for one record in the stated time, so it was not taken; what was sent before is still kept."""


class Producer:
    """Sends events to one topic: each partition gets them in the order of the calls, once, on all replicas.

    `wait_seconds` bounds the wait for a broker at the start, for room in the buffer and for each flush; it also bounds
    the delivery of each record, unless `delivery_seconds` says otherwise. Sending is asynchronous: the failure of one
    record is raised by a later call, and by every call after it, since what was sent behind a lost record must not be
    taken for complete. Raises `BrokerUnavailable`, `ConfigError` (no such topic), `DeliveryError`; `RecordTooLarge`
    and `BufferFull` at once, and only for that record.
    """

    def __init__(
        self,
        bootstrap: str,
        *,
        topic: str = names.EVENTS_TOPIC,
        security: Mapping[str, str] | None = None,
        wait_seconds: float = 30.0,
        delivery_seconds: float | None = None,
        buffer_bytes: int = BUFFER_BYTES,
        linger_ms: int = 5,
    ) -> None:
        self.topic, self._bootstrap, self._wait = topic, bootstrap, wait_seconds
        self.buffer = Buffer(buffer_bytes)
        self._failure: SupportpulseError | None = None
        self._lock = threading.Lock()
        self.partitions = partitions_of(bootstrap, topic, security, wait_seconds)
        wait_ms = max(1, int(wait_seconds * 1000))
        delivery_ms = max(wait_ms, int((delivery_seconds or 0) * 1000)) + linger_ms
        try:
            self._kafka = KafkaProducer(
                bootstrap_servers=bootstrap.split(","),
                client_id="supportpulse",
                acks="all",
                enable_idempotence=True,
                linger_ms=linger_ms,
                batch_size=131_072,
                bootstrap_timeout_ms=wait_ms,
                max_block_ms=wait_ms,
                request_timeout_ms=wait_ms,
                delivery_timeout_ms=delivery_ms,
                reconnect_backoff_max_ms=RECONNECT_MS,
                **(security or {}),
            )
        except (KafkaError, OSError) as error:
            raise BrokerUnavailable(f"Kafka at {bootstrap} stopped answering: {_reason(error)}") from None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close(flush=kind is None)

    def send(self, event: Event, *, wait_seconds: float | None = None) -> None:
        """Send one event: to its ticket's partition; a heartbeat to every partition, a probe to its own."""
        if isinstance(event, Heartbeat):
            self.heartbeat(event)
        else:
            partition = event.data.partition if isinstance(event, Probe) else None
            self.send_encoded(key_of(event).encode(), encode(event), partition, wait_seconds=wait_seconds)

    def heartbeat(self, event: Heartbeat, *, wait_seconds: float | None = None) -> list[Any]:
        """Send to every partition, behind all that was sent before; returns Kafka's futures."""
        key, value = key_of(event).encode(), encode(event)
        return [self.send_encoded(key, value, partition, wait_seconds=wait_seconds) for partition in self.partitions]

    def send_encoded(
        self, key: bytes, value: bytes, partition: int | None = None, *, wait_seconds: float | None = None
    ) -> Any:
        """Send one record as it is; without a partition, to the one of its key (murmur2); returns Kafka's future.

        `wait_seconds` for room in the buffer, instead of the producer's own.
        """
        self._raise_failure()
        if partition is None:
            partition = self.partitions[(_hash(key) & 0x7FFFFFFF) % len(self.partitions)]
        where, size = f"topic {self.topic}, partition {partition}", len(key) + len(value)
        wait = self._wait if wait_seconds is None else wait_seconds
        if not self.buffer.take(size, wait):
            self._raise_failure()
            raise self.full(wait)
        future = None
        try:
            self._raise_failure()  # while this one waited for room
            future = self._kafka.send(self.topic, value=value, key=key, partition=partition)
        except MessageSizeTooLargeError as error:
            raise RecordTooLarge(f"{where}: {_reason(error)}") from None
        except KafkaError as error:
            self._failed(where, error)
            self._raise_failure()
            raise
        finally:
            if future is None:
                self.buffer.give(size)
        future.add_callback(partial(self._delivered, size))
        future.add_errback(partial(self._lost, where, size))
        return future

    def full(self, waited: float) -> BufferFull:
        """What is raised when there was no room for so many seconds."""
        return BufferFull(
            f"topic {self.topic}: no room for a record within {waited:g} s: {self._unacknowledged()}; it was not "
            "taken: send it again later"
        )

    def flush(self) -> None:
        """Wait until everything sent so far is acknowledged."""
        try:
            self._kafka.flush(self._wait)
        except KafkaTimeoutError:
            self._raise_failure()
            raise BrokerUnavailable(
                f"topic {self.topic}: Kafka did not acknowledge everything within {self._wait:g} s: "
                f"{self._unacknowledged()}"
            ) from None
        self._raise_failure()

    def close(self, *, flush: bool = True) -> None:
        """Close the connection; with `flush`, only after everything is acknowledged."""
        try:
            if flush:
                self.flush()
        finally:
            with suppress(KafkaTimeoutError):  # flush has said so, or nobody waits for the rest
                self._kafka.close(timeout=1)

    def _unacknowledged(self) -> str:
        buffer = self.buffer
        return (
            f"{buffer.records} records ({buffer.used_bytes:,} of {buffer.limit_bytes:,} bytes of the buffer) wait for "
            f"Kafka at {self._bootstrap}"
        )

    def _delivered(self, size: int, _: object) -> None:
        self.buffer.give(size)

    def _lost(self, where: str, size: int, error: Exception) -> None:
        self._failed(where, error)
        self.buffer.give(size)

    def _failed(self, where: str, error: Exception) -> None:
        if isinstance(error, KafkaTimeoutError):
            failure: SupportpulseError = BrokerUnavailable(
                f"{where}: Kafka at {self._bootstrap} did not acknowledge within {self._wait:g} s ({_reason(error)})"
            )
        else:
            failure = DeliveryError(f"{where}: {_reason(error)}")
        with self._lock:
            self._failure = self._failure or failure

    def _raise_failure(self) -> None:
        if self._failure is not None:
            raise self._failure


def partitions_of(bootstrap: str, topic: str, security: Mapping[str, str] | None, wait: float) -> tuple[int, ...]:
    """The partitions of a topic that must exist.

    Asked for by name, a broker may create it with its own defaults: kafka-python 3.0.12 does not pass
    `allow_auto_create_topics` on. So the list of all topics is read first.
    """
    with closing(connect(bootstrap, security=security, timeout_seconds=wait)) as admin:
        try:
            if topic not in admin.list_topics():
                raise ConfigError(
                    f"topic {topic}: not there on Kafka at {bootstrap}; create it with `supportpulse topics`, "
                    "or name another by SUPPORTPULSE_TOPIC_PREFIX"
                )
            (described,) = admin.describe_topics([topic])
        except KafkaError as error:
            raise BrokerUnavailable(f"Kafka at {bootstrap} stopped answering: {_reason(error)}") from None
    return tuple(sorted(partition["partition_index"] for partition in described["partitions"]))


def _reason(error: Exception) -> str:
    return str(error) or type(error).__name__
