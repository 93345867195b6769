"""Sending canonical events from lines."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Literal, NamedTuple, Protocol

from supportpulse import names
from supportpulse.edges.lines import open_lines
from supportpulse.edges.producer import RecordTooLarge
from supportpulse.edges.pulse import LivePulse, LogPulse
from supportpulse.envelope import decode, from_ms, key_of
from supportpulse.errors import Rejected
from supportpulse.events import DeadlineReached, Heartbeat, Probe
from supportpulse.facts import Beat, Reading
from supportpulse.reader import read

SourceMode = Literal["live", "none"]


class Sink(Protocol):
    """What `emit_lines` needs of a producer."""

    def send_encoded(self, key: bytes, value: bytes, partition: int | None = None) -> object:
        """Send one record."""

    def heartbeat(self, event: Heartbeat) -> object:
        """Send to every partition."""


@dataclass
class Emitted:
    """What was sent. `heartbeats` counts those of the input, each once however many partitions there are."""

    events: int = 0
    heartbeats: int = 0
    bad_lines: int = 0
    sources: set[str] = field(default_factory=set)
    tickets: set[str] = field(default_factory=set)

    def summary(self) -> dict[str, object]:
        """The numbers a script wants."""
        return {
            "events": self.events,
            "tickets": len(self.tickets),
            "heartbeats": self.heartbeats,
            "bad_lines": self.bad_lines,
            "sources": sorted(self.sources),
        }


class Survey(NamedTuple):
    """Of a file: the sources with heartbeats of their own in it, and the time of each other's earliest event."""

    speaking: frozenset[str]
    earliest: dict[str, datetime]


def survey(path: str | Path) -> Survey:
    """Read a file of JSON lines once, to know what to say before its first event."""
    speaking: set[str] = set()
    earliest: dict[str, int] = {}
    with open_lines(path) as file:
        for line in file.unpacked:
            try:
                found = read(line)
            except Rejected:
                continue
            if isinstance(found, Beat):
                speaking.add(found.source)
            elif isinstance(found, Reading):
                source = found.key.partition("|")[0]
                earliest[source] = min(earliest.get(source, found.time), found.time)
    return Survey(
        frozenset(speaking), {source: from_ms(at) for source, at in earliest.items() if source not in speaking}
    )


def emit_lines(
    lines: Iterable[bytes],
    sink: Sink,
    pulse: LivePulse | LogPulse | None,
    *,
    speaking: frozenset[str] = frozenset(),
    bad: Callable[[int, str], None],
    emitted: Emitted | None = None,
) -> Emitted:
    """Send canonical events, one JSON object a line, as they are.

    A heartbeat in the input goes to every partition in its place. A source without any gets those of `pulse` from
    its first event on (None: never); `speaking` are those known to have some. A line that is no event, or too large
    for Kafka, is told to `bad` with its number (from 1) and the reason, and the rest goes on. Pass `emitted` to know
    the counts after an interruption.
    """
    emitted = Emitted() if emitted is None else emitted
    spoken = set(speaking)
    for number, line in enumerate(lines, start=1):
        line = line.strip()
        if not line:
            continue
        try:
            event = decode(line)
            if isinstance(event, Heartbeat):
                spoken.add(event.source)
                if pulse is not None:
                    pulse.drop(event.source)
                sink.heartbeat(event)
                emitted.heartbeats += 1
                continue
            if isinstance(event, DeadlineReached | Probe):
                raise Rejected(names.Reason.UNKNOWN_TYPE, f"type: found {event.type!r}; valid: what a helpdesk says")
            _send(line, key_of(event).encode(), sink, None if event.source in spoken else pulse, event.source)
        except (Rejected, RecordTooLarge) as error:
            emitted.bad_lines += 1
            bad(number, str(error))
            continue
        emitted.events += 1
        emitted.sources.add(event.source)
        emitted.tickets.add(key_of(event))
    return emitted


def _send(line: bytes, key: bytes, sink: Sink, pulse: LivePulse | LogPulse | None, source: str) -> None:
    if pulse is None:
        sink.send_encoded(key, line)
        return
    if pulse.failure is not None:
        raise pulse.failure
    pulse.begin(source)
    with pulse.lock:
        sink.send_encoded(key, line)
