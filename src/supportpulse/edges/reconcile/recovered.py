"""What reading a vendor's API gives: bodies of webhooks, and the events they stand for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from supportpulse.edges.adapters.adapter import Delivery, Unknown, in_causal_order
from supportpulse.edges.gateway.sources import Source
from supportpulse.events import TicketEvent


class Recovered(NamedTuple):
    """A webhook's body, built from the API, and its headers."""

    payload: Any
    headers: Mapping[str, str]


@dataclass
class Found:
    """The events of a window, each once, in order of their time; `unknown`: reason -> bodies nobody can read."""

    events: list[TicketEvent] = field(default_factory=list)
    objects: int = 0
    unknown: Counter[str] = field(default_factory=Counter)

    @classmethod
    def of(
        cls,
        source: Source,
        recovered: Iterable[Recovered],
        received: datetime,
        *,
        bad: Callable[[Unknown], None] = lambda _: None,
        progress: Callable[[int, int], None] = lambda done, total: None,
    ) -> Found:
        """What the source's adapter makes of the bodies; `bad` hears of each that gives nothing but a reason."""
        found, events = cls(), dict[str, TicketEvent]()
        for payload, headers in recovered:
            found.objects += 1
            progress(found.objects, 0)
            try:
                told = source.adapter(Delivery(source.name, payload, received, headers, source.options))
            except Unknown as unknown:
                found.unknown[unknown.reason] += 1
                bad(unknown)
            else:
                events.update((event.id, event) for event in told if event.id not in events)
        found.events = in_causal_order(list(events.values()))
        return found
