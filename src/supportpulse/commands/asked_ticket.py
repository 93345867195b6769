"""The ticket a person asked for by its name: its records, found in logs or in the events topic."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from supportpulse.commands.log_files import LogFiles
from supportpulse.commands.progress import progress_bar

if TYPE_CHECKING:
    from supportpulse.events import TicketEvent
    from supportpulse.hearing import Hearing
    from supportpulse.policy import Policy
    from supportpulse.settings import Settings


@dataclass(frozen=True)
class Asked:
    """Events that count, what is decided up to by default (ms, -1: nothing), and what was heard when, if known."""

    events: list[TicketEvent]
    as_of: int
    heard: Hearing | None


def in_files(logs: LogFiles, ticket: str, source: str | None, policy: Policy) -> Asked:
    """The ticket in logs; decided up to the last watermark of its source, else the source's last event.

    Raises `DataMissing` if it is not there, or there in several sources.
    """
    from supportpulse.envelope import decode
    from supportpulse.errors import Rejected
    from supportpulse.events import TicketEvent
    from supportpulse.facts import Beat, Marker, Reading
    from supportpulse.hearing import Arrival, hear
    from supportpulse.reader import read

    found: dict[str, list[Arrival]] = {}
    marked: set[str] = set()
    watermarks: dict[str, int] = {}
    last: dict[str, int] = {}
    for file, number, line in logs.lines():
        try:
            reading = read(line)
        except Rejected as error:
            logs.name_bad(file, number, error)
            continue
        if isinstance(reading, Beat):
            watermarks[reading.source] = max(watermarks.get(reading.source, 0), reading.watermark - 1)
        elif isinstance(reading, Reading | Marker):
            where, _, name = reading.key.partition("|")
            if isinstance(reading, Reading):
                last[where] = max(last.get(where, 0), reading.time)
            if name == ticket and source in (None, where):
                found.setdefault(where, []).append(Arrival(reading.key.encode(), line, number, file=file))
                if isinstance(reading, Marker):
                    marked.add(where)
    heard = {where: hear(f"{where}|{ticket}", arrivals, policy) for where, arrivals in found.items()}
    one = _one(heard, ticket, source, ", ".join(logs.files), f"; sources there: {', '.join(last) or 'none'}")
    where = one.key.partition("|")[0]
    until = watermarks.get(where, last[where])
    if where in marked:
        return Asked([admitted.event for admitted in one.admitted], until, one)
    events = [decode(arrival.value) for arrival in found[where] if arrival.value is not None]
    return Asked([event for event in events if isinstance(event, TicketEvent)], until, None)


def in_topic(settings: Settings, ticket: str, source: str | None, wait_seconds: float, policy: Policy) -> Asked:
    """The ticket in the events topic; decided up to what its markers say.

    Raises `DataMissing` as above, `BrokerUnavailable` if no broker answers within `wait_seconds`.
    """
    from supportpulse.edges.ticket_records import partition_of, ticket_records
    from supportpulse.hearing import hear

    topic = settings.events_topic
    with progress_bar(f"reading {topic}") as advance:
        found, partitions = ticket_records(settings, ticket, source, wait_seconds=wait_seconds, advance=advance)
    heard = {}
    for key, arrivals in found.items():
        heard[key.partition("|")[0]] = hear(
            key, arrivals, policy, int(settings.max_future_seconds * 1000), lambda key: partition_of(key, partitions)
        )
    one = _one(heard, ticket, source, f"topic {topic} on Kafka at {settings.bootstrap}", "")
    return Asked([admitted.event for admitted in one.admitted], one.as_of, one)


def _one(heard: Mapping[str, Hearing], ticket: str, source: str | None, where: str, others: str) -> Hearing:
    from supportpulse.errors import DataMissing

    asked = repr(ticket) + (f" of source {source}" if source else "")
    real = {name: one for name, one in heard.items() if one.admitted}
    if not real:
        refused = [_refusal(one) for one in heard.values() if one.refused]
        raise DataMissing(f"{where}: no event of ticket {asked}{others}{''.join(refused)}")
    if len(real) > 1:
        raise DataMissing(f"ticket {ticket!r} is there in several sources; choose by --source: {', '.join(real)}")
    return next(iter(real.values()))


def _refusal(heard: Hearing) -> str:
    first = heard.refused[0]
    return (
        f"; {len(heard.refused)} records under {heard.key[:200]!r} do not count, the first at {first.arrival.place}: "
        f"{first.reason}: {first.detail[:300]}"
    )
