"""Fills holes: reads again what got lost on the way from the fetch to the agent."""

from __future__ import annotations

from typing import Any

from aiokafka.errors import IllegalStateError, KafkaError
from faust.transport.drivers import aiokafka as driver
from faust.types import TP
from mode import Service

from streams.batching.binding import Binding

IDLE_CHECK_SECONDS = 5.0
"""How often to look for a batch that got lost with none behind it to show the hole."""


class HealingConsumer(driver.Consumer):
    """A consumer that can go back to the expected offset of a source partition."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._fetched_to: dict[TP, int] = {}

    @property
    def bound(self) -> Binding:
        """The app's binding; ConfigError if there is none."""
        return Binding.of(self.app)

    async def heal(self, tp: TP) -> None:
        """Read a partition again from the expected offset on; from the log's start if it no longer goes back as far."""
        expected = self.bound.expected
        self.bound.owner.hole(tp)
        try:
            earliest = (await self.earliest_offsets(tp))[tp]
            wanted = expected.offset(tp)
            if earliest > wanted:
                self._log_lost(tp, wanted, earliest)
                expected.jump(tp, earliest)
            else:
                self.log.warning(
                    "%s-%s: a batch got lost, reading again from offset %s", tp.topic, tp.partition, wanted
                )
            await self.seek_wait({tp: max(wanted, earliest)})
        except (IllegalStateError, KeyError):
            self.log.info("%s-%s was revoked before its hole was filled", tp.topic, tp.partition)
        except (KafkaError, TimeoutError) as error:
            self.log.warning("%s-%s: cannot read a hole again yet: %r", tp.topic, tp.partition, error)

    async def rewind(self, tp: TP, offset: int) -> None:
        """Process a partition again from `offset` on; the next checkpoint commits the lower offset."""
        self.bound.expected.assigned(tp, offset)
        self._committed_offset[tp] = None
        await self.seek_wait({tp: offset})

    def _log_lost(self, tp: TP, wanted: int, earliest: int) -> None:
        self.log.error(
            "%s-%s: offsets %s to %s are gone from the log and were never processed; set retention.ms=-1 on the topic",
            tp.topic, tp.partition, wanted, earliest - 1,
        )  # fmt: skip

    @Service.task
    async def _heal_when_idle(self) -> None:
        before: dict[TP, int] = {}
        async for _ in self.itertimer(IDLE_CHECK_SECONDS, name="batching.heal"):
            expected = self.bound.expected
            owned = frozenset() if self.app.rebalancing else expected.partitions
            behind = {tp: expected.offset(tp) for tp in owned}
            # Only what was behind at the last look too: what has just been fetched is on its way.
            now = {tp: offset for tp, offset in behind.items() if self._fetched_to.get(tp, offset) > offset}
            for tp, offset in now.items():
                if before.get(tp) == offset and expected.suspect(tp):
                    await self.heal(tp)
            before = now
