"""Heartbeats of each source, from this gateway, behind whatever it sent before (law 3)."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime

from supportpulse.edges.gateway.measures import Measures
from supportpulse.edges.gateway.publisher import Message, Publishes
from supportpulse.edges.gateway.roster import Roster
from supportpulse.edges.pulse import BEAT_SECONDS, heartbeat
from supportpulse.envelope import encode, key_of
from supportpulse.errors import BrokerUnavailable

SOON_SECONDS = 0.2


def beats(roster: Roster, partitions: int, topic: str, instance: str, now: float, measures: Measures) -> list[Message]:
    """The heartbeats of this moment (epoch seconds), to every partition; none for a source that is held."""
    found = []
    for name, station in roster.stations.items():
        mark = station.flight.watermark(now)
        measures.held(name, mark is None)
        if mark is not None:
            told = heartbeat(
                name, instance, watermark=datetime.fromtimestamp(mark, UTC), mode="live",
                time=datetime.fromtimestamp(now, UTC),
            )  # fmt: skip
            key, value = key_of(told).encode(), encode(told)
            found += [Message(topic, key, value, (), number) for number in range(partitions)]
    return found


async def beat_on(
    roster: Roster, publisher: Publishes, topic: str, instance: str, measures: Measures, every: float = BEAT_SECONDS
) -> None:
    """Beat every few seconds and follow the configuration, until cancelled.

    A round waits for the one before: while Kafka is away there is one in the buffer, not thousands.
    """
    while True:
        roster.follow()
        pause = every
        try:
            if messages := beats(roster, publisher.partitions, topic, instance, time.time(), measures):
                await publisher.publish(messages)
        except BrokerUnavailable:
            pause = SOON_SECONDS
        await asyncio.sleep(pause if publisher.partitions else SOON_SECONDS)
