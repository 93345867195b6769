"""A checked mapping: how one row of an audit log becomes one canonical event. Its TOML is told in `mapping_file`."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Discriminator, Field, StringConstraints, Tag, ValidationError

from supportpulse import events
from supportpulse.edges.cell import BadRow, Cell, Extract, Instant, Row, Silent, Table
from supportpulse.edges.expression import holds, nodes
from supportpulse.edges.kinds import TYPES, Choice, Kinds, Skipped, What, fields_of, form, needs_data
from supportpulse.errors import MappingError
from supportpulse.events import TicketEvent
from supportpulse.names import event_type

JOINED = "joined."
"""Before the columns of the second file."""
_PLACEHOLDER = re.compile(r"\{([^{}]+)\}")


def _codec(name: str) -> str:
    try:
        return codecs.lookup(name).name
    except LookupError:
        raise ValueError("an encoding such as utf-8 or cp1252") from None


def _listed(found: object) -> object:
    return [found] if isinstance(found, dict) else found


Cells = Annotated[tuple[Cell, ...], Field(min_length=1), BeforeValidator(_listed)]
Order = Annotated[Annotated[str, Tag("(text)")] | Annotated[Extract, Tag("(table)")], Discriminator(form)]


class Changes(Table):
    """Rows of the log that changed what the second file tells: those with one of these values in a column."""

    column: str
    values: frozenset[str]


class Join(Table):
    """A second file, one row a ticket, in the format of the log; `key` is its column of the ticket's id."""

    key: str
    changed_by: Changes | None = None


class LogMapping(Table):
    """A checked mapping; `read_mapping` makes one. Its file is named in the errors."""

    source: events.Source
    format: Literal["csv", "jsonl"] = "csv"
    encoding: Annotated[str, AfterValidator(_codec)] = "utf-8"
    separator: Annotated[str, StringConstraints(pattern=r'^[^"\r\n]$')] = ","
    missing: frozenset[str] = frozenset({""})
    ticket: str
    id: str
    sequence: Order | None = None
    time: Instant
    event: What = "TicketObserved"
    leaks: frozenset[str] = frozenset()
    ignored: frozenset[str] | None = None
    constants: dict[str, str | int | float | bool] = Field(default_factory=dict)
    data: dict[str, Cells] = Field(default_factory=dict)
    join: Join | None = None

    def columns(self) -> Iterator[tuple[str, str]]:
        """(key of the mapping, column it reads)."""
        yield "ticket", self.ticket
        yield from (("id", column) for column in _PLACEHOLDER.findall(self.id) if column != "row")
        if isinstance(self.sequence, Extract):
            yield "sequence.column", self.sequence.column
        elif self.sequence is not None:
            yield "sequence", self.sequence
        yield "time.column", self.time.column
        if isinstance(self.event, Kinds):
            yield "event.column", self.event.column
        for place, choice in enumerate(self.choices()):
            if choice.when is not None:
                asked = [node["value"] for node in nodes(choice.when.parsed) if node["type"] == "field"]
                yield from ((f"event.{place}.when", column) for column in asked)
        if self.join is not None:
            yield "join.key", JOINED + self.join.key
            if self.join.changed_by is not None:
                yield "join.changed_by.column", self.join.changed_by.column
        for key, cell in self.cells():
            yield f"{key}.column", cell.column

    def cells(self) -> Iterator[tuple[str, Cell]]:
        """(key of the mapping, a cell of its data)."""
        for name, cells in self.data.items():
            for place, cell in enumerate(cells):
                yield f"data.{name}" + (f".{place}" if len(cells) > 1 else ""), cell

    def choices(self) -> tuple[Choice, ...]:
        """The entries of `event`, if it is a list."""
        return self.event if isinstance(self.event, tuple) else ()

    def types(self) -> list[str]:
        """The types of its events."""
        if isinstance(self.event, Kinds):
            return list(self.event.values.values())
        return [self.event] if isinstance(self.event, str) else [one.type for one in self.event if one.type is not None]

    def check_header(self, header: Iterable[str], file: str) -> None:
        """Raise `MappingError` if a mapped column is not there, or one is there that nobody decided about."""
        found = list(header)
        mapped = {column for _, column in self.columns()}
        for key, column in self.columns():
            if column not in found:
                raise MappingError(file, key, column, f"a column of the log: {', '.join(found)}")
        if self.ignored is None:
            return
        for column in found:
            if column not in mapped | self.leaks | self.ignored:
                raise MappingError(file, "ignored", column, "every column of the log is mapped, a leak or ignored")

    def event_of(self, row: Row, number: int) -> TicketEvent | Skipped:
        """The event of data row `number` (from 1), or why it is none on purpose. Raises `BadRow`."""
        kind, fields = self._kind(row)
        if isinstance(kind, Skipped):
            return kind
        event_class = TYPES[kind]
        body: dict[str, Any] = {
            "specversion": "1.0",
            "type": event_type(kind),
            "id": self._fill(self.id, row, number),
            "source": self.source,
            "subject": self.needed(row, self.ticket),
            "time": self.time_of(row),
        }
        if (order := self.sequence_of(row)) is not None:
            body["sequence"] = order
        data = self._data(row, fields_of(event_class) if fields is None else fields & fields_of(event_class))
        if data or needs_data(event_class):
            body["data"] = data
        try:
            return event_class.model_validate(body)
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            place = ".".join(map(str, first["loc"]))
            raise BadRow(f"{place}: found {str(first['input'])[:100]!r}; {first['msg']}") from None

    def time_of(self, row: Row) -> datetime:
        """When it happened, or `BadRow`."""
        return self.time.read(self.needed(row, self.time.column))

    def sequence_of(self, row: Row) -> str | None:
        """What orders it among events of one instant, or `BadRow`."""
        if not isinstance(self.sequence, Extract):
            return None if self.sequence is None else self.text(row, self.sequence)
        found = self.text(row, self.sequence.column)
        return None if found is None else self.sequence.read(found)

    def needed(self, row: Row, column: str) -> str:
        """What a cell says that must say something, or `BadRow`."""
        found = self.text(row, column)
        if found is None:
            raise BadRow(f"{column}: found {row.get(column)!r}; valid: a value, since every event needs it")
        return found

    def text(self, row: Row, column: str) -> str | None:
        """What a cell says, None if nothing."""
        found = row.get(column)
        return None if found is None or found in self.missing else found

    def _kind(self, row: Row) -> tuple[str | Skipped, frozenset[str] | None]:
        """The type of event, or why there is none, and the fields it may have if not all."""
        if isinstance(self.event, str):
            return self.event, None
        if isinstance(self.event, Kinds):
            return self.event.of(self.needed(row, self.event.column)), None
        for choice in self.event:
            if choice.when is None or holds(choice.when, row):
                return choice.type or Skipped(choice.skip or ""), choice.fields
        raise BadRow("event: found no entry whose `when` holds; valid: a last entry without `when`")

    def _data(self, row: Row, fields: frozenset[str]) -> dict[str, Any]:
        data: dict[str, Any] = {}
        for name, constant in self.constants.items():
            if name in fields:
                _put(data, name, constant)
        for name, cells in self.data.items():
            if name not in fields:
                continue
            for cell in cells:
                said = cell.read(self.text(row, cell.column))
                if not isinstance(said, Silent):
                    _put(data, name, said)
                    break
        return data

    def _fill(self, template: str, row: Row, number: int) -> str:
        return _PLACEHOLDER.sub(lambda m: str(number) if m[1] == "row" else self.text(row, m[1]) or "", template)


def _put(data: dict[str, Any], name: str, value: object) -> None:
    *parents, leaf = name.split(".")
    for parent in parents:
        data = data.setdefault(parent, {})
    data[leaf] = value
