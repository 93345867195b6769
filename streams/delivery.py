"""An idempotent aiokafka producer that can be ended for good."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

logger = logging.getLogger(__name__)

CLOSE_SECONDS = 1.0
"""How long closing connections and cancelled tasks may take."""


class Ended(KafkaError):  # type: ignore[misc]
    """The producer was ended before this was acknowledged. Not retriable, or aiokafka would try again."""


class Delivery(AIOKafkaProducer):  # type: ignore[misc]
    """aiokafka's `stop` waits for ever for a broker that is gone, and cancelling it leaves a sender that goes on
    trying: its records would land behind newer ones of the same keys. After `end` nothing is written any more, and
    whatever was not acknowledged, or waits to be sent, has failed with `Ended`.
    """

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self._producing: set[asyncio.Task[Any]] = set()
        produce = self._sender._send_produce_req

        async def tracked(*args: Any) -> None:
            task = asyncio.current_task()
            assert task is not None
            self._producing.add(task)
            task.add_done_callback(self._producing.discard)
            await produce(*args)

        self._sender._send_produce_req = tracked

    @property
    def alive(self) -> bool:
        """Whether it still sends; a sender that met an error of its sequence numbers does not."""
        task = self._sender.sender_task
        return not self._closed and task is not None and not task.done()

    def shut(self) -> None:
        """Take nothing more."""
        self._message_accumulator._closed = True

    async def end(self, grace_seconds: float) -> None:
        """Deliver what was taken, for so long at most; then stop for good."""
        self.shut()
        self._closed = True
        sender = self._sender.sender_task
        flushing = asyncio.ensure_future(self._message_accumulator.flush())
        try:
            if sender is not None:
                await asyncio.wait({flushing, sender}, timeout=grace_seconds, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._refuse()
            flushing.cancel()
        if self._producing:
            logger.warning("a producer is ended with %d requests unanswered", len(self._producing))
        tasks = {*self._producing, *({sender} if sender is not None else ())}
        for task in tasks:
            task.cancel()
        with contextlib.suppress(TimeoutError, KafkaError, OSError):
            await asyncio.wait_for(self.client.close(), CLOSE_SECONDS)
        if tasks:
            await asyncio.wait(tasks, timeout=CLOSE_SECONDS)
        waiting = self.client._md_update_fut
        if waiting is not None and not waiting.done():  # for a topic's partitions: nobody looks them up any more
            _fail(waiting)
        self._message_accumulator.fail_all(Ended("the producer was ended before the broker answered"))

    def _refuse(self) -> None:
        async def refuse(*args: Any, **options: Any) -> None:
            raise Ended("the producer was ended")

        def unknown() -> asyncio.Future[Any]:  # aiokafka does not always await it
            return _fail(asyncio.get_running_loop().create_future())

        self.client.send = refuse
        self.client.force_metadata_update = unknown


def _fail(waiting: asyncio.Future[Any]) -> asyncio.Future[Any]:
    waiting.set_exception(Ended("the producer was ended before it knew the topic"))
    waiting.exception()  # nobody may be left to ask
    return waiting
