"""Outcomes as they come."""

from __future__ import annotations

from time import monotonic, time_ns
from typing import Any, Self

from aiokafka import AIOKafkaConsumer, TopicPartition

from supportpulse import record
from supportpulse.settings import Settings
from supportpulse.verdicts import NetView


class Heard:
    """Outcomes as they come, from the first on: `net` is the view so far, `outcomes` all of them, each once.

    `heard_ms` is when (ms, our clock) each was read, by its id.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._seen: set[str] = set()
        self.net: NetView = {}
        self.outcomes: list[dict[str, Any]] = []
        self.heard_ms: dict[str, int] = {}

    async def __aenter__(self) -> Self:
        settings = self._settings
        self._consumer = AIOKafkaConsumer(
            bootstrap_servers=settings.bootstrap, auto_offset_reset="earliest", fetch_max_wait_ms=20
        )
        await self._consumer.start()
        parts = [TopicPartition(settings.outcomes_topic, number) for number in range(settings.partitions)]
        self._consumer.assign(parts)
        await self._consumer.seek_to_beginning(*parts)
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._consumer.stop()

    async def of(self, ticket: str, kind: str, seconds: float = 30.0) -> dict[str, Any]:
        """The last outcome of a ticket (`source|id`) of a kind such as `ClockBreached`, waited for."""
        deadline = monotonic() + seconds
        while True:
            for outcome in reversed(self.outcomes):
                if outcome["subject"] == ticket and f".{kind}." in outcome["type"]:
                    return outcome
            assert monotonic() < deadline, f"not within {seconds:g} s: {kind} of {ticket}; heard {self.outcomes}"
            for records in (await self._consumer.getmany(timeout_ms=100)).values():
                for one in records:
                    new = record.apply(self.net, self._seen, one.value)
                    self.outcomes += new
                    self.heard_ms |= {outcome["id"]: time_ns() // 1_000_000 for outcome in new}

    def told(self, ticket: str) -> list[str]:
        """Types of all outcomes of a ticket so far, shortened."""
        return [one["type"].split(".")[1] for one in self.outcomes if one["subject"] == ticket]
