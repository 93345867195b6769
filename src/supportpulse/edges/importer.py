"""An audit log -> canonical events in order of their time, with the heartbeats that let a worker decide deadlines."""

from __future__ import annotations

import csv
import io
import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Literal, NamedTuple

import msgspec

from supportpulse.edges.lines import open_lines
from supportpulse.edges.mapping import BadRow, LogMapping, Row
from supportpulse.edges.pulse import heartbeat
from supportpulse.envelope import encode, from_ms, key_of, to_ms
from supportpulse.errors import MappingError
from supportpulse.events import TicketEvent

Progress = Callable[[int, int], None]
"""Told (bytes read, bytes in all); both are 0 when they are not known."""

csv.field_size_limit(16 * 1024 * 1024)


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
    path: str | Path, mapping: LogMapping, *, mapping_file: str = "mapping", progress: Progress | None = None
) -> Imported:
    """Read a log ("-" is standard input, gzip is recognised) and sort its events by time, sequence and row.

    A row that gives no event is kept in `bad`, and the rest goes on. Raises `DataMissing` without the file,
    `MappingError` when the file is not of the mapping's format or lacks a mapped column.
    """
    imported = Imported(mapping.source)
    with open_lines(path) as file:
        lines = io.TextIOWrapper(file.unpacked, encoding="utf-8-sig", errors="surrogateescape", newline="")
        rows = _csv_rows(lines, mapping, mapping_file) if mapping.format == "csv" else _json_rows(lines)
        for number, (line, row) in enumerate(rows, start=1):
            try:
                if isinstance(row, BadRow):
                    raise row
                event = mapping.event_of(row, number)
                if event is not None:
                    imported.entries.append(_entry(event, number))
            except BadRow as error:
                imported.bad.append(BadLine(line, str(error)))
            if progress is not None and number % 1000 == 0:
                progress(*file.progress())
        if progress is not None:
            progress(*file.progress())
    imported.entries.sort()
    return imported


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


def _csv_rows(lines: io.TextIOBase, mapping: LogMapping, file: str) -> Iterator[tuple[int, Row | BadRow]]:
    reader = csv.reader(lines, strict=True)
    try:
        header = next(reader, [])
    except csv.Error as error:
        raise MappingError(file, "format", f"{mapping.format}, but {error}", "a CSV file with a header") from None
    mapping.check_header(header, file)
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield reader.line_num, BadRow(f"found a broken line ({error}); valid: CSV")
            continue
        if len(cells) == len(header):
            yield reader.line_num, dict(zip(header, cells, strict=True))
        elif cells:
            yield reader.line_num, BadRow(f"found {len(cells)} cells; valid: {len(header)}, as in the header")


def _json_rows(lines: io.TextIOBase) -> Iterator[tuple[int, Row | BadRow]]:
    for line, text in enumerate(lines, start=1):
        if not text.strip():
            continue
        try:
            found = json.loads(text)
        except (ValueError, RecursionError) as error:
            yield line, BadRow(f"found no JSON ({error}); valid: one object a line")
            continue
        if isinstance(found, dict):
            yield line, dict(_flat(found))
        else:
            yield line, BadRow(f"found a JSON {type(found).__name__}; valid: one object a line")


def _flat(found: dict[str, object], prefix: str = "") -> Iterator[tuple[str, str | None]]:
    """Nested objects as dotted columns; numbers and booleans as JSON writes them."""
    for name, value in found.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield prefix + name, value if isinstance(value, str) or value is None else json.dumps(value)
