"""A believable support desk as a stream of canonical events: a history that ends inside an outage, then its life.

One seed and one span give the same bytes every time. A ticket's whole story is told when it is opened and waits in a
heap, so what began in the history goes on live.
"""

from __future__ import annotations

import heapq
import random
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate
from typing import Any, NamedTuple

import msgspec

from supportpulse.edges.case import ticket_id
from supportpulse.edges.desk import CELLS, HOUR, MINUTE, REGION, SCENARIO, Desk, rhythm, stamp
from supportpulse.edges.story import Story
from supportpulse.envelope import decode
from supportpulse.errors import ConfigError
from supportpulse.events import TICKET_EVENTS, Event
from supportpulse.names import event_type

SOURCE = "rtc-desk"
MAX_LATENESS = 2 * MINUTE
"""No delivery comes later than this after its event."""
_PILOT = 600
_SURGE = 0.6
"""Share of a full outage's extra tickets that its ramps leave over."""
_MARGIN = 0.94
_BIN = 5 * MINUTE
_TYPES = {cls.__name__: event_type(cls.__name__) for cls in TICKET_EVENTS}


class Delivery(NamedTuple):
    """One event on its way: due at `at`, happened at `time` (both ms); `number` breaks ties."""

    at: int
    number: int
    time: int
    ticket: str
    update: int
    sequence: int | None
    name: str
    data: dict[str, Any]


@dataclass(frozen=True)
class Plan:
    """What to simulate: the history is [start, end], in ms; `rate` multiplies the arrivals after it.

    `duplicates` and `disorder` are the shares of events delivered twice and late (by up to `MAX_LATENESS`).
    """

    seed: int
    start: int
    end: int
    events_budget: int = 150_000
    outage_at_end: bool = True
    rate: float = 1.0
    duplicates: float = 0.0
    disorder: float = 0.0

    def __post_init__(self) -> None:
        """Raises `ConfigError` for what cannot be simulated."""
        if self.end - self.start < 6 * HOUR:
            raise ConfigError(f"history: found {(self.end - self.start) / HOUR:.1f} hours; valid: 6 hours or more")
        if self.events_budget < 1:
            raise ConfigError(f"events: found {self.events_budget}; valid: 1 or more")
        if self.rate < 0 or not 0 <= self.duplicates <= 1 or not 0 <= self.disorder <= 1:
            raise ConfigError("rate is valid from 0 up, duplicates and disorder from 0 to 1")


class LiveDesk:
    """The desk of a plan, its deliveries taken in order: first the history, then whatever is due."""

    def __init__(self, plan: Plan) -> None:
        """A desk at the start of its history."""
        self.plan = plan
        self.desk = Desk(plan.seed, plan.start, plan.end, plan.outage_at_end)
        self.lateness = MAX_LATENESS if plan.disorder or plan.duplicates else 0
        self._rng = random.Random(f"{plan.seed}/arrivals")
        self._heap: list[Delivery] = []
        self._filled = plan.start
        self._tickets = self._pushed = 0
        self._weights: dict[int, list[float]] = {}
        self._mean, self._scale = self._calibrate()

    def history(self) -> Iterator[Event]:
        """The rest of the history."""
        return (decode(encode(delivery)[1]) for delivery in self.take_until(self.plan.end))

    def due(self, until_ms: int) -> list[Event]:
        """Whatever is due at `until_ms` and was not taken yet (the history too, if it was not)."""
        return [decode(encode(delivery)[1]) for delivery in self.take_until(until_ms)]

    def take_until(self, until_ms: int) -> Iterator[Delivery]:
        """Deliveries due up to and including an instant, each once, in the order of their delivery."""
        heap = self._heap
        while True:
            while self._filled <= until_ms and not (heap and heap[0].at < self._filled):
                self._fill()
            if not heap or heap[0].at > until_ms:
                return
            yield heapq.heappop(heap)

    def _calibrate(self) -> tuple[float, float]:
        """(weight of an average hour, tickets per hour and weight), so that the history stays within its budget."""
        plan, rng = self.plan, random.Random(f"{self.plan.seed}/pilot")
        hours = [self._cumulated(at)[-1] for at in range(plan.start, plan.end, HOUR)]
        mean = sum(hours) / len(hours)
        surges = sum(
            outage.severity * _SURGE * (min(outage.end, plan.end) - outage.start) / HOUR
            for outage in self.desk.outages if outage.start < plan.end
        )  # fmt: skip
        calm = Desk(plan.seed, plan.start, plan.end, outage_at_end=False)
        steps = 0
        for number in range(_PILOT):
            at = rng.randrange(plan.start, plan.end)
            cell = rng.choices(CELLS, cum_weights=self._cumulated(at))[0]
            steps += sum(step[0] <= plan.end for step in Story(calm, rng, number, at, *cell).steps)
        tickets = plan.events_budget * _MARGIN / (steps / _PILOT * (1 + plan.duplicates))
        return mean, tickets / (sum(hours) + surges * mean)

    def _cumulated(self, at: int) -> list[float]:
        """Cumulated weights of the cells in the hour of an instant; the rhythm repeats every week."""
        hour = at // HOUR % 168
        if hour not in self._weights:
            self._weights[hour] = list(accumulate(rhythm(*cell, hour * HOUR) for cell in CELLS))
        return self._weights[hour]

    def _fill(self) -> None:
        """Open the tickets of the next five minutes, or of what is left of them to the end of the history."""
        start, plan = self._filled, self.plan
        end = min(start + _BIN, plan.end) if start < plan.end else start + _BIN
        share = (end - start) / HOUR * self._scale * (plan.rate if start >= plan.end else 1.0)
        weights = self._cumulated(start)
        arrivals = [
            (start + self._rng.randrange(end - start), self._rng.choices(CELLS, cum_weights=weights)[0])
            for _ in range(self._poisson(weights[-1] * share))
        ]
        for outage in self.desk.ongoing(start):
            extra = outage.severity * outage.intensity(start) * self._mean
            cell = SCENARIO[outage.scenario], REGION[outage.region]
            arrivals += [(start + self._rng.randrange(end - start), cell) for _ in range(self._poisson(extra * share))]
        for at, cell in sorted(arrivals, key=lambda arrival: arrival[0]):
            self._open(at, *cell)
        self._filled = end

    def _open(self, at: int, *cell: Any) -> None:
        number, self._tickets = self._tickets, self._tickets + 1
        rng = random.Random(f"{self.plan.seed}/{number}")
        ticket = ticket_id(number)
        for step in Story(self.desk, rng, number, at, *cell).steps:
            late = rng.random() < self.plan.disorder
            self._push(step[0] + (rng.randrange(MAX_LATENESS) if late else 0), ticket, step)
            if rng.random() < self.plan.duplicates:
                self._push(step[0] + rng.randrange(MAX_LATENESS), ticket, step)

    def _push(self, at: int, ticket: str, step: tuple[Any, ...]) -> None:
        self._pushed += 1
        heapq.heappush(self._heap, Delivery(at, self._pushed, step[0], ticket, *step[1:]))

    def _poisson(self, mean: float) -> int:
        """A count with this mean, by the gaps between arrivals."""
        count, left = -1, mean
        while left >= 0:
            left -= self._rng.expovariate(1.0)
            count += 1
        return count


def encode(delivery: Delivery) -> tuple[bytes, bytes]:
    """Key and value of a delivery's record; the id names what happened: ticket, update and place in it."""
    _, _, time, ticket, update, sequence, name, data = delivery
    place, order = ("", "") if sequence is None else (f".{sequence}", f'"sequence":{sequence},')
    head = (
        f'{{"specversion":"1.0","id":"{ticket}/{update}{place}","source":"{SOURCE}","type":"{_TYPES[name]}",'
        f'"subject":"{ticket}","time":"{stamp(time)}",{order}"data":'
    )
    return f"{SOURCE}|{ticket}".encode(), b"%b%b}" % (head.encode(), msgspec.json.encode(data))


def history(
    seed: int, start_ms: int, end_ms: int, events_budget: int = 150_000, outage_at_end: bool = True
) -> Iterator[Event]:
    """The events of a history in the order of time; tickets open at its end are truly open."""
    return LiveDesk(Plan(seed, start_ms, end_ms, events_budget, outage_at_end)).history()


def encoded(
    seed: int, start_ms: int, end_ms: int, events_budget: int = 150_000, outage_at_end: bool = True
) -> Iterator[tuple[bytes, bytes]]:
    """The same history as record keys and values, without building models."""
    live = LiveDesk(Plan(seed, start_ms, end_ms, events_budget, outage_at_end))
    return (encode(delivery) for delivery in live.take_until(end_ms))
