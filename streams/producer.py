"""The worker's own producer: idempotent, acknowledged by all replicas."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError
from faust.transport.drivers.aiokafka import credentials_to_aiokafka_auth, server_list

logger = logging.getLogger(__name__)

STOP_SECONDS = 5.0
"""An idempotent producer retries for ever: a stop does not wait for a broker that is gone."""

NO_LIMIT_BYTES = 2**31 - 1
"""aiokafka refuses larger records by itself. A dead letter is as large as its original, so its topic alone decides."""


class Producer:
    """An AIOKafkaProducer that can be replaced after a failure.

    Sequence numbers of a batch that failed are lost to aiokafka, so what follows it would be refused: whoever sees a
    delivery fail calls `renew`.
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
        self._kafka: AIOKafkaProducer | None = None
        self._renewing = asyncio.Lock()

    @classmethod
    def of(cls, app: Any, **options: Any) -> Producer:
        """A producer for the brokers and credentials of a Faust app."""
        conf = app.conf
        return cls(
            server_list(conf.broker, 9092),
            security=credentials_to_aiokafka_auth(conf.broker_credentials, conf.ssl_context),
            **options,
        )

    @property
    def kafka(self) -> AIOKafkaProducer:
        """The running producer; RuntimeError before `start`."""
        if self._kafka is None:
            raise RuntimeError("the producer is not started")
        return self._kafka

    async def start(self) -> None:
        """Connect; raises KafkaError if no broker answers."""
        kafka = AIOKafkaProducer(**self._settings)
        try:
            await kafka.start()
        except BaseException:
            await kafka.stop()
            raise
        self._kafka = kafka

    async def stop(self) -> None:
        """Send what is buffered, for a few seconds at most."""
        kafka, self._kafka = self._kafka, None
        if kafka is not None:
            try:
                await asyncio.wait_for(kafka.stop(), STOP_SECONDS)
            except (TimeoutError, KafkaError) as error:
                logger.warning("producer stopped with records unsent: %r", error)

    async def renew(self, failed: AIOKafkaProducer) -> None:
        """Replace a producer a delivery of which failed; does nothing if that was done already."""
        async with self._renewing:
            if self._kafka is failed:
                await self.stop()
                await self.start()
