"""The same job as Faust's documentation teaches it: `python stock.py BOOTSTRAP NAME RECORDS FOLDER`, one JSON line out.

An agent that takes one event at a time, two Tables in the memory store, `topic.send` for what it decides, a
prometheus_client counter, and every setting at its default.

Equal to the worker: events and topics, broker, the reader with its validation, policy, fold, codec, the bytes of
tickets and panes, the bytes and ids of outcomes, dead letters, skipping what a ticket already includes.

Not equal, always in favour of this one: no markers and no deadlines, no rolling windows and no gauges of open clocks,
no checks of key, partition and clock, nothing in order or acknowledged before the offset is committed - so a crash
here counts twice and may lose.

A Table of the memory store is one dict for all partitions, so the key of a pane names its partition.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from pathlib import Path
from typing import Any

import faust
from desk_log import settings_for
from prometheus_client import Counter

from supportpulse import codec, panes, record
from supportpulse.errors import Rejected
from supportpulse.facts import Reading
from supportpulse.outcome import KIND_NAMES
from supportpulse.panes import Pane, Panes
from supportpulse.policy import load_policy
from supportpulse.reader import read
from supportpulse.settings import Settings
from supportpulse.ticket import Plans, Ticket

EVENTS = Counter("events", "Events by what became of them.", ["result"])
SAID = Counter("said", "Decisions by clock and kind.", ["clock", "kind"])


class Job:
    """The app, its agent, and the clock that runs from the first record to the commit of the last."""

    def __init__(self, settings: Settings, records: int) -> None:
        self.app = app = faust.App(
            settings.app_id,
            broker=f"kafka://{settings.bootstrap}",
            store="memory://",
            topic_partitions=settings.partitions,
            key_serializer="raw",
            value_serializer="raw",
            web_enabled=False,
            datadir=str(settings.data_dir / settings.app_id),
        )
        events = app.topic(settings.events_topic, key_type=bytes, value_type=bytes)
        self.outcomes = app.topic(settings.outcomes_topic, key_type=bytes, value_type=bytes)
        self.deadletter = app.topic(settings.deadletter_topic, key_type=bytes, value_type=bytes)
        self.tickets = app.Table("tickets", key_type=bytes, value_type=bytes)
        self.panes = app.Table("panes", key_type=bytes, value_type=bytes)
        self.plans = Plans(load_policy(settings.policy))
        self.last = asyncio.Event()

        @app.agent(events)
        async def fold(stream: Any) -> None:
            left = records
            async for event in stream.events():
                if left == records:
                    self.began, self.cpu = time.monotonic(), time.process_time()
                try:
                    await self.fold(event)
                except Rejected as error:
                    EVENTS.labels(error.reason).inc()
                    await self.deadletter.send(key=event.key, value=event.value)
                left -= 1
                if not left:
                    self.last.set()

    async def fold(self, event: Any) -> None:
        """One record."""
        key, message, reading = event.key, event.message, read(event.value)
        if not isinstance(reading, Reading):
            return
        value, source = self.tickets.get(key), reading.key.partition("|")[0]
        ticket = Ticket(self.plans, source) if value is None else codec.decode(value, self.plans, source)
        if message.offset <= ticket.offset:
            return
        said = ticket.admit(reading)
        EVENTS.labels("repeated" if said is None else "folded").inc()
        if said is None:
            return
        ticket.offset = message.offset
        self.tickets[key] = codec.encode(ticket)
        plan = ticket.fold.plan
        told = record.encode(reading.key, plan, said, f"{message.topic}-{message.partition}-{message.offset}")
        if told is not None:
            await self.outcomes.send(key=key, value=told)
        for one in said:
            SAID.labels(plan.clocks[one.clock].name, KIND_NAMES[one.kind]).inc()
        deltas = list(panes.deltas(said, plan.version.index, plan.labels))
        touched = self.panes_of(message.partition, deltas)
        touched.apply(message.offset, deltas, int(message.timestamp * 1000))
        for place in touched.dirty:
            self.panes[_pane_key(message.partition, place)] = panes.encode(touched.panes[place])

    def panes_of(self, partition: int, deltas: list[panes.Delta]) -> Panes:
        """The panes that deltas touch, read from the table."""
        found = Panes()
        for at, _, _ in deltas:
            for grain, width in panes.WIDTH.items():
                place = grain, at // width
                if place not in found.panes:
                    value = self.panes.get(_pane_key(partition, place))
                    found.panes[place] = Pane() if value is None else panes.decode(value)
        return found

    async def run(self) -> dict[str, float]:
        """Run until the last record is processed, what it wrote is sent and its offset committed."""
        app: Any = self.app
        app.finalize()
        await app.start()
        try:
            await self.last.wait()
            await app.producer.flush()
            await app.consumer.commit()
            return {"seconds": time.monotonic() - self.began, "cpu_seconds": time.process_time() - self.cpu}
        finally:
            await app.stop()


def _pane_key(partition: int, place: panes.Key) -> bytes:
    return b"%d|%b" % (partition, panes.key_bytes(place))


async def main(bootstrap: str, name: str, records: int, folder: Path) -> dict[str, float]:
    """Run the job over so many records."""
    return await Job(settings_for(bootstrap, name, folder), records).run()


if __name__ == "__main__":
    bootstrap, name, records, folder = sys.argv[1:]
    print(json.dumps(asyncio.run(main(bootstrap, name, int(records), Path(folder)))))
