"""An audit log -> canonical events in order of their time, with the heartbeats that let a worker decide deadlines."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Literal, NamedTuple

import msgspec

from supportpulse.edges.cell import BadRow, Row
from supportpulse.edges.joined import Joined
from supportpulse.edges.kinds import Skipped
from supportpulse.edges.lines import open_lines
from supportpulse.edges.mapping import LogMapping
from supportpulse.edges.pulse import heartbeat
from supportpulse.edges.rows import Rows
from supportpulse.envelope import encode, from_ms, key_of, to_ms
from supportpulse.events import TicketEvent

Progress = Callable[[int, int], None]
"""Told (bytes read, bytes in all); both are 0 when they are not known."""


class BadLine(NamedTuple):
    """A row that gave no event. `line` counts the lines of the unpacked file from 1; a quoted cell may span several."""

    line: int
    reason: str


class Entry(NamedTuple):
    """One event, encoded; tuples sort by time, then sequence (a missing one first), then row."""

    time_ms: int
    sequence: int
    row: int
    key: str
    value: bytes


class Record(NamedTuple):
    """What is written: one line of JSON, or one Kafka record. A heartbeat goes to every partition."""

    key: str
    value: bytes
    is_heartbeat: bool


@dataclass
class Imported:
    """A log as it was read: its events in order, and the rows that gave none."""

    source: str
    entries: list[Entry] = field(default_factory=list)
    bad: list[BadLine] = field(default_factory=list)
    skipped: Counter[str] = field(default_factory=Counter)
    """Rows that are no event on purpose, by the mapping's reason."""
    repeated: int = 0
    """Rows that tell an event a second time."""
    unjoined: set[str] = field(default_factory=set)
    """Tickets that the second file does not know."""

    def shift_ms(self, to: datetime) -> int:
        """How far all times must move so that the last event lies at `to`."""
        return to_ms(to) - self.entries[-1].time_ms if self.entries else 0

    def summary(self, *, shift_ms: int, heartbeats: int) -> dict[str, object]:
        """The numbers a script wants; first and last are event times after the shift, null without events."""
        times = [_text(entry.time_ms + shift_ms) for entry in (self.entries[:1] + self.entries[-1:])]
        return {
            "events": len(self.entries),
            "tickets": len({entry.key for entry in self.entries}),
            "heartbeats": heartbeats,
            "bad_rows": len(self.bad),
            "skipped": dict(self.skipped.most_common()),
            "repeated": self.repeated,
            "unjoined": len(self.unjoined),
            "first": times[0] if times else None,
            "last": times[-1] if times else None,
        }

    def records(
        self,
        *,
        every_ms: int,
        instance: str = "import",
        end_ms: int | None = None,
        then: Literal["ended", "released"] = "ended",
        shift_ms: int = 0,
    ) -> Iterator[Record]:
        """The events with heartbeats between them, all times moved by `shift_ms`.

        A heartbeat comes before the first event and then whenever `every_ms` of log time have passed; its watermark is
        the time of the event behind it, since everything before that has been delivered. The last one carries `end_ms`
        (in moved time; default and least: 1 ms behind the last event) and the mode `then`.
        """

        def beat(at_ms: int, mode: Literal["log", "ended", "released"]) -> Record:
            at = from_ms(at_ms)
            event = heartbeat(self.source, instance, watermark=at, mode=mode, time=at)
            return Record(self.source, encode(event), True)

        due = -sys.maxsize
        for entry in self.entries:
            now = entry.time_ms + shift_ms
            if now >= due:
                yield beat(now, "log")
                due = now + every_ms
            yield Record(entry.key, shifted(entry.value, shift_ms) if shift_ms else entry.value, False)
        if self.entries:
            last = self.entries[-1].time_ms + shift_ms + 1
            yield beat(max(last, end_ms or last), then)


def read_log(
    path: str | Path,
    mapping: LogMapping,
    *,
    mapping_file: str = "mapping",
    join: str | Path | None = None,
    progress: Progress | None = None,
) -> Imported:
    """Read a log ("-" is standard input, gzip is recognised) and sort its events by time, sequence and row.

    `join` is the second file of a mapping that has one. A row that gives no event is kept in `bad`, and the rest goes
    on. Raises `DataMissing` without a file, `MappingError` when a file is not of the mapping's format or lacks a mapped
    column, or when one file too many or too few is given.
    """
    imported = Imported(mapping.source)
    table = Joined.read(join, mapping, mapping_file)
    with open_lines(path) as file:
        rows = Rows(file.unpacked, mapping, mapping_file)
        if rows.header is not None:
            mapping.check_header([*rows.header, *table.columns], mapping_file)
        seen: dict[tuple[str, str], bytes] = {}
        for number, (line, row) in enumerate(table.rows(rows), start=1):
            try:
                _take(imported, mapping, row, number, seen)
            except BadRow as error:
                imported.bad.append(BadLine(line, str(error)))
            if progress is not None and number % 1000 == 0:
                progress(*file.progress())
        if progress is not None:
            progress(*file.progress())
    imported.unjoined = table.unknown
    imported.entries.sort()
    return imported


def _take(
    imported: Imported, mapping: LogMapping, row: Row | BadRow, number: int, seen: dict[tuple[str, str], bytes]
) -> None:
    if isinstance(row, BadRow):
        raise row
    event = mapping.event_of(row, number)
    if isinstance(event, Skipped):
        imported.skipped[event.reason] += 1
        return
    entry = _entry(event, number)
    first = seen.setdefault((entry.key, event.id), entry.value)
    if first is entry.value:
        imported.entries.append(entry)
    elif first == entry.value:
        imported.repeated += 1
    else:
        raise BadRow(f"id: found {event.id!r} a second time, for something else; valid: one id for one happening")


def shifted(value: bytes, by_ms: int) -> bytes:
    """An encoded event with its time, and the created_at of an observation, moved by milliseconds."""
    event = msgspec.json.decode(value)
    event["time"] = _moved(event["time"], by_ms)
    if event.get("data", {}).get("created_at"):
        event["data"]["created_at"] = _moved(event["data"]["created_at"], by_ms)
    return msgspec.json.encode(event)


def _moved(time: str, by_ms: int) -> str:
    return _text(to_ms(datetime.fromisoformat(time)) + by_ms)


def _text(ms: int) -> str:
    return from_ms(ms).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _entry(event: TicketEvent, row: int) -> Entry:
    sequence = -1 if event.sequence is None else event.sequence
    try:
        return Entry(to_ms(event.time), sequence, row, key_of(event), encode(event))
    except (ValueError, UnicodeError) as error:
        raise BadRow(f"found text that is not UTF-8 ({error})") from None
