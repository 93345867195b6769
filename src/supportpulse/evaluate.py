"""The same decisions over a whole log, without a stream: what `evaluate` and `what-if` run.

`as_of` is an instant, or one per source: by default the log's last watermark, else its last event, never now.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from supportpulse.errors import Rejected
from supportpulse.facts import Beat, Marker, Reading
from supportpulse.outcome import Emission
from supportpulse.policy import Policy
from supportpulse.reader import Read
from supportpulse.ticket import Plans, Ticket
from supportpulse.verdicts import NetView, tell

AsOf = int | Mapping[str, int]


@dataclass
class Evaluation:
    """What a log comes to. `said` holds what stands of each ticket's emissions, with its plan."""

    tickets: dict[str, Ticket] = field(default_factory=dict)
    net: NetView = field(default_factory=dict)
    said: dict[str, list[Emission]] = field(default_factory=dict)
    rejected: list[tuple[str, str]] = field(default_factory=list)
    events: int = 0
    duplicates: int = 0
    as_of: dict[str, int] = field(default_factory=dict)


def evaluate(readings: Iterable[Read], policy: Policy, as_of: AsOf | None = None) -> Evaluation:
    """Fold every ticket of a log and decide all that is due at `as_of` (ms).

    Admission runs in the log's order, so the first of two events with one id wins. Markers in the log say nothing:
    `as_of` stands for them.
    """
    plans = Plans(policy)
    result = Evaluation()
    grouped: dict[str, list[Reading]] = {}
    watermarks: dict[str, int] = {}
    last: dict[str, int] = {}
    for reading in readings:
        if isinstance(reading, Reading):
            result.events += 1
            grouped.setdefault(reading.key, []).append(reading)
            source = reading.key.partition("|")[0]
            last[source] = max(last.get(source, 0), reading.time)
        elif isinstance(reading, Beat):
            watermarks[reading.source] = max(watermarks.get(reading.source, 0), reading.watermark - 1)
        elif not isinstance(reading, Marker):
            continue
    for key, listed in grouped.items():
        source = key.partition("|")[0]
        until = _until(as_of, source, watermarks, last)
        result.as_of[source] = until
        ticket = result.tickets[key] = Ticket(plans, source)
        emissions: list[Emission] = []
        for reading in _sorted(listed):
            try:
                said = ticket.admit(reading)
            except Rejected as error:
                result.rejected.append((error.reason, error.detail))
                continue
            if said is None:
                result.duplicates += 1
            else:
                emissions += said
        emissions += ticket.decide(until)
        result.said[key] = emissions
        tell(result.net, key, ticket.fold.plan, emissions)
    return result


def _sorted(listed: list[Reading]) -> Iterator[Reading]:
    """Event order, but the first arrival of each id before its repeats: a log without late events is one pass."""
    first: dict[int, Reading] = {}
    repeats = []
    for reading in listed:
        if first.setdefault(reading.id64, reading) is not reading:
            repeats.append(reading)
    yield from sorted(first.values(), key=lambda reading: (reading.time, reading.sequence, reading.id64))
    yield from repeats


def _until(as_of: AsOf | None, source: str, watermarks: Mapping[str, int], last: Mapping[str, int]) -> int:
    if isinstance(as_of, int):
        return as_of
    if as_of is not None and source in as_of:
        return as_of[source]
    return watermarks.get(source, last[source])
