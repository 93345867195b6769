"""Sending canonical events: from a program with `Emitter`, from lines with `emit_lines`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Literal, NamedTuple, Protocol, Self

from supportpulse import names
from supportpulse.edges.lines import open_lines
from supportpulse.edges.producer import Producer, RecordTooLarge
from supportpulse.edges.pulse import BEAT_SECONDS, Finish, LivePulse, LogPulse
from supportpulse.envelope import decode, from_ms, key_of
from supportpulse.errors import ConfigError, Rejected
from supportpulse.events import DeadlineReached, Heartbeat, Probe, TicketEvent
from supportpulse.facts import Beat, Reading
from supportpulse.reader import read

SourceMode = Literal["live", "none"]


class Emitter:
    """The events of one live source, with its heartbeats.

        with Emitter("my-desk", "127.0.0.1:9092") as emitter:
            emitter.emit(TicketCreated(id="4711:1", source="my-desk", ticket_id="4711", time=now))

    Emit an event as it happens: a heartbeat every `beat_seconds` says that all until then has been sent. Give each
    process that sends for the source its own, lasting `instance` (default: the host's name). Leaving the `with` block
    waits until all is acknowledged and says `finish`: `released` (the worker's clock decides from now on), `ended`
    (deadlines are held for ever), or None (nothing: another start follows). Leaving it by an exception says nothing.
    Raises what `Producer` raises.
    """

    def __init__(
        self,
        source: str,
        bootstrap: str,
        *,
        topic: str = names.EVENTS_TOPIC,
        instance: str | None = None,
        finish: Finish | None = "released",
        security: Mapping[str, str] | None = None,
        wait_seconds: float = 30.0,
        beat_seconds: float = BEAT_SECONDS,
    ) -> None:
        self.source, self._finish = source, finish
        self._producer = Producer(bootstrap, topic=topic, security=security, wait_seconds=wait_seconds)
        self._pulse = LivePulse(self._producer, instance=instance, every_seconds=beat_seconds)
        self._pulse.begin(source)

    def emit(self, event: TicketEvent) -> None:
        """Send one event of the source; returns before it is acknowledged (see `flush`)."""
        if event.source != self.source:
            raise ConfigError(f"event {event.id}: source: found {event.source!r}; valid: {self.source!r}")
        with self._pulse.lock:
            self._producer.send(event)

    def flush(self) -> None:
        """Wait until everything emitted so far is acknowledged."""
        self._producer.flush()

    def close(self, *, finish: Finish | None) -> None:
        """Stop the heartbeats, saying `finish`, and wait until all is acknowledged."""
        try:
            self._pulse.stop(finish)
        finally:
            self._producer.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close(finish=self._finish if kind is None else None)


class Sink(Protocol):
    """What `emit_lines` needs of a producer."""

    def send_encoded(self, key: bytes, value: bytes, partition: int | None = None) -> None:
        """Send one record."""

    def heartbeat(self, event: Heartbeat) -> None:
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
