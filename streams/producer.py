"""The worker's own producer: idempotent, acknowledged by all replicas."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from time import monotonic
from typing import Any

from aiokafka.errors import KafkaConnectionError, KafkaError
from faust.transport.drivers.aiokafka import credentials_to_aiokafka_auth, server_list

from streams.delivery import Delivery

STOP_SECONDS = 5.0
"""An idempotent producer retries for ever: a stop does not wait for a broker that is gone."""
START_SECONDS = 10.0
RETRY_SECONDS = 1.0
"""How soon after a start that failed the next one is tried."""

NO_LIMIT_BYTES = 2**31 - 1
"""aiokafka refuses larger records by itself. A dead letter is as large as its original, so its topic alone decides."""


class Producer:
    """Whoever sends asks for `ready`; whoever sees a delivery fail calls `discard`.

    Sequence numbers of a batch that failed are lost to aiokafka, so what follows it would be refused: another producer
    takes over. It starts after the old one has ended, so no older value can land behind a newer one.
    """

    def __init__(
        self,
        bootstrap_servers: str | list[str],
        *,
        security: Mapping[str, Any] | None = None,
        max_batch_bytes: int = 512 * 1024,
        max_record_bytes: int = 1_000_000,
        request_timeout_seconds: float = 10.0,
        linger_ms: int = 0,
        compression: str | None = None,
    ) -> None:
        self.max_record_bytes = max_record_bytes
        """Largest record to accept; keep it below `max.message.bytes` of every topic written (Kafka: 1,048,588)."""
        self._settings = {
            "bootstrap_servers": bootstrap_servers,
            "enable_idempotence": True,
            "acks": "all",
            "max_batch_size": max_batch_bytes,
            "max_request_size": NO_LIMIT_BYTES,
            "request_timeout_ms": int(request_timeout_seconds * 1000),
            "linger_ms": linger_ms,
            "compression_type": compression,
            **(security or {}),
        }
        self._kafka: Delivery | None = None
        self._ending: asyncio.Future[None] | None = None
        self._starting = asyncio.Lock()
        self._stopped = True
        self._failed_at, self._failure = -RETRY_SECONDS, KafkaConnectionError("the producer is not started")

    @classmethod
    def of(cls, app: Any, **options: Any) -> Producer:
        """A producer for the brokers and credentials of a Faust app."""
        conf = app.conf
        return cls(
            server_list(conf.broker, 9092),
            security=credentials_to_aiokafka_auth(conf.broker_credentials, conf.ssl_context),
            **options,
        )

    async def start(self) -> None:
        """Connect; raises KafkaError if no broker answers."""
        self._stopped = False
        await self.ready()

    async def ready(self) -> Delivery:
        """The running producer, after the one before has ended; KafkaError if none can be started now."""
        if self._kafka is not None and not self._kafka.alive:
            self.discard(self._kafka)
        if self._kafka is None:
            async with self._starting:
                if self._kafka is None:
                    await self._start()
        assert self._kafka is not None
        return self._kafka

    async def _start(self) -> None:
        if self._stopped:
            raise KafkaConnectionError("the producer is stopped")
        if self._ending is not None:
            await asyncio.shield(self._ending)
        if monotonic() - self._failed_at < RETRY_SECONDS:
            raise self._failure
        kafka = Delivery(**self._settings)
        try:
            await asyncio.wait_for(kafka.start(), START_SECONDS)
        except BaseException as error:
            await kafka.end(0)
            if isinstance(error, TimeoutError):
                error = KafkaConnectionError(f"no answer within {START_SECONDS:g} s")
            if isinstance(error, KafkaError):
                self._failed_at, self._failure = monotonic(), error
            raise error from None
        self._kafka = kafka

    def discard(self, failed: Delivery) -> None:
        """A delivery of this producer failed: nothing more is sent by it. Does nothing if that was said already."""
        if self._kafka is failed:
            self._kafka = None
            failed.shut()
            self._ending = asyncio.ensure_future(failed.end(STOP_SECONDS))

    async def stop(self) -> None:
        """Send what is buffered, for a few seconds at most."""
        self._stopped = True
        async with self._starting:
            if self._kafka is not None:
                self.discard(self._kafka)
        if self._ending is not None:
            await self._ending
