"""A partition without Kafka: records driven in by hand, changelogs that are dicts."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from prometheus_client import CollectorRegistry

from supportpulse import envelope, record
from supportpulse.events import Event
from supportpulse.metrics import Metrics
from supportpulse.panes import FIVE_MINUTES
from supportpulse.partition import Partition, Place
from supportpulse.policy import load_policy
from supportpulse.series import Series
from supportpulse.tally import Shapes
from supportpulse.ticket import Plans
from supportpulse.verdicts import NetView
from supportpulse.watermark import Sources

HOUR, DAY = 3_600_000, 86_400_000
START = 1_767_268_800_000
"""Thursday 2026-01-01 12:00 UTC."""


@dataclass(frozen=True)
class Consumed:
    """A record as it comes out of Kafka; `timestamp` is broker time in ms."""

    key: bytes | None
    value: bytes | None
    offset: int
    timestamp: int


class Driven:
    """Partition 0 of one, under a policy with one target for the first response."""

    def __init__(self, folder: Path, target: str = "1h", *, right: int = 0) -> None:
        file = folder / "driven.toml"
        file.write_text(
            'name = "driven"\nreopen_window = "1d"\nlateness = "1d"\nlabels = ["rule"]\n'
            'waiting_clocks = ["first_response"]\n'
            f'[[rules]]\nname = "all"\ntargets = {{ first_response = "{target}" }}\n',
            "utf-8",
        )
        self.start = START
        self.plans = Plans(load_policy(file))
        self.metrics = Metrics(CollectorRegistry(), Series(self.plans))
        self.right = right
        self.store: dict[bytes, bytes] = {}
        self.pane_store: dict[bytes, bytes] = {}
        self.records: list[Consumed] = []
        self.state = self.opened(self.store, self.pane_store)
        self.net: NetView = {}
        self._seen: set[str] = set()

    def opened(
        self, store: dict[bytes, bytes], pane_store: dict[bytes, bytes], five_minutes: int = FIVE_MINUTES
    ) -> Partition:
        """The partition as a worker opens it over restored changelogs."""
        state = Partition(
            Place("events", 0, lambda key: self.right),
            self.plans,
            Shapes(self.plans),
            store,
            pane_store,
            Sources(30_000),
            self.metrics,
            DAY,
            five_minutes,
        )
        state.restore(START)
        return state

    def take(self, event: Event, broker: int | None = None) -> Consumed:
        """Append an event at broker time `broker` (ms; its own time if not given) and fold it."""
        at = envelope.to_ms(event.time) if broker is None else broker
        return self.raw(envelope.key_of(event).encode(), envelope.encode(event), at)

    def raw(self, key: bytes | None, value: bytes | None, broker: int = START) -> Consumed:
        """Append a record as it is and fold it."""
        one = Consumed(key, value, len(self.records), broker)
        self.records.append(one)
        self.state.take([one], broker)
        return one

    def replay(self, state: Partition, records: Iterable[Consumed] | None = None) -> None:
        """Fold records again, in another incarnation."""
        for one in self.records if records is None else records:
            state.take([one], one.timestamp)

    def said(self) -> list[dict[str, Any]]:
        """New outcomes since the last call."""
        new: list[dict[str, Any]] = []
        for _, value in self.state.outbox:
            new += record.apply(self.net, self._seen, value)
        self.state.outbox.clear()
        return new

    def verdicts(self) -> dict[str, str]:
        """Ticket id -> verdict."""
        self.said()
        return {key.partition("|")[2]: verdict for (key, _, _), (verdict, _, _) in self.net.items()}
