"""A checked mapping: how one row of an audit log becomes one canonical event. Its TOML is told in `mapping_file`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from supportpulse import events
from supportpulse.errors import MappingError
from supportpulse.events import TicketEvent
from supportpulse.names import event_type

TYPES: dict[str, type[TicketEvent]] = {
    cls.__name__: cls for cls in events.TICKET_EVENTS if cls is not events.DeadlineReached
}
_PLACEHOLDER = re.compile(r"\{([^{}]+)\}")

Row = Mapping[str, str | None]
"""One row: column -> text, None for null."""


class BadRow(Exception):
    """A row that gives no event; the message says what was found and what is valid."""


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise ValueError("an IANA zone such as Europe/Berlin") from None
    return name


def _type(name: str) -> str:
    if name not in TYPES:
        raise ValueError(f"one of {', '.join(TYPES)}")
    return name


Zone = Annotated[str, AfterValidator(_zone)]
TypeName = Annotated[str, AfterValidator(_type)]


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Instant(_Table):
    """A column of times."""

    column: str
    format: str
    zone: Zone | None = None


class Cell(_Table):
    """A column that fills one field of the event's data."""

    column: str
    values: dict[str, str] | None = None
    unchanged: frozenset[str] = frozenset()
    other: Literal["error", "keep", "unchanged"] = "error"
    missing: Literal["unchanged", "cleared"] = "unchanged"
    format: str | None = None
    zone: Zone | None = None


class Kinds(_Table):
    """A column that says which event a row is."""

    column: str
    values: dict[str, TypeName]
    skip: frozenset[str] = frozenset()


class LogMapping(_Table):
    """A checked mapping; `read_mapping` makes one. Its file is named in the errors."""

    source: events.Source
    format: Literal["csv", "jsonl"] = "csv"
    missing: frozenset[str] = frozenset({""})
    ticket: str
    id: str
    sequence: str | None = None
    time: Instant
    event: TypeName | Kinds = "TicketObserved"
    leaks: frozenset[str] = frozenset()
    ignored: frozenset[str] | None = None
    constants: dict[str, str | int | float | bool] = Field(default_factory=dict)
    data: dict[str, Cell] = Field(default_factory=dict)

    def columns(self) -> Iterator[tuple[str, str]]:
        """(key of the mapping, column it reads)."""
        yield "ticket", self.ticket
        yield from (("id", column) for column in _PLACEHOLDER.findall(self.id) if column != "row")
        if self.sequence is not None:
            yield "sequence", self.sequence
        yield "time.column", self.time.column
        if isinstance(self.event, Kinds):
            yield "event.column", self.event.column
        yield from ((f"data.{name}.column", cell.column) for name, cell in self.data.items())

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

    def event_of(self, row: Row, number: int) -> TicketEvent | None:
        """The event of data row `number` (from 1), None for a kind that is skipped. Raises `BadRow`."""
        kind = self._kind(row)
        if kind is None:
            return None
        event_class = TYPES[kind]
        body: dict[str, Any] = {
            "specversion": "1.0",
            "type": event_type(kind),
            "id": self._fill(self.id, row, number),
            "source": self.source,
            "subject": self._needed(row, self.ticket),
            "time": _time(self._needed(row, self.time.column), self.time.column, self.time.format, self.time.zone),
        }
        if self.sequence is not None and (text := self._text(row, self.sequence)) is not None:
            body["sequence"] = text
        data = self._data(row, fields_of(event_class))
        if data or "data" in _required(event_class):
            body["data"] = data
        try:
            return event_class.model_validate(body)
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            place = ".".join(map(str, first["loc"]))
            raise BadRow(f"{place}: found {str(first['input'])[:100]!r}; {first['msg']}") from None

    def _kind(self, row: Row) -> str | None:
        if isinstance(self.event, str):
            return self.event
        found = self._needed(row, self.event.column)
        if found in self.event.skip:
            return None
        if found not in self.event.values:
            valid = sorted({*self.event.values, *self.event.skip})
            raise BadRow(f"{self.event.column}: found {found!r}; valid: {', '.join(valid)}")
        return self.event.values[found]

    def _data(self, row: Row, fields: frozenset[str]) -> dict[str, Any]:
        data: dict[str, Any] = {}
        for name, constant in self.constants.items():
            if name in fields:
                _put(data, name, constant)
        for name, cell in self.data.items():
            if name not in fields:
                continue
            found = self._text(row, cell.column)
            if found is None:
                if cell.missing == "cleared":
                    _put(data, name, None)
            elif cell.format is not None:
                _put(data, name, _time(found, cell.column, cell.format, cell.zone))
            elif found not in cell.unchanged and (value := _value(cell, found)) is not None:
                _put(data, name, value)
        return data

    def _text(self, row: Row, column: str) -> str | None:
        found = row.get(column)
        return None if found is None or found in self.missing else found

    def _needed(self, row: Row, column: str) -> str:
        found = self._text(row, column)
        if found is None:
            raise BadRow(f"{column}: found {row.get(column)!r}; valid: a value, since every event needs it")
        return found

    def _fill(self, template: str, row: Row, number: int) -> str:
        return _PLACEHOLDER.sub(lambda m: str(number) if m[1] == "row" else self._text(row, m[1]) or "", template)


@lru_cache(maxsize=64)
def fields_of(event_class: type[TicketEvent]) -> frozenset[str]:
    """Dotted names of all fields of the event's data."""
    return frozenset(_leaves(event_class.model_fields["data"].annotation))


def _required(event_class: type[TicketEvent]) -> set[str]:
    return {name for name, field in event_class.model_fields.items() if field.is_required()}


def _leaves(model: object, prefix: str = "") -> Iterator[str]:
    assert isinstance(model, type)
    assert issubclass(model, BaseModel)
    for name in model.model_fields:
        inner = {"actor": events.Actor, "signals": events.Signals}.get(name)
        if inner is None:
            yield prefix + name
        else:
            yield from _leaves(inner, f"{prefix}{name}.")


def _put(data: dict[str, Any], name: str, value: object) -> None:
    *parents, leaf = name.split(".")
    for parent in parents:
        data = data.setdefault(parent, {})
    data[leaf] = value


def _value(cell: Cell, found: str) -> str | None:
    if cell.values is None:
        return found
    if found in cell.values:
        return cell.values[found]
    if cell.other == "error":
        valid = ", ".join([*cell.values, *sorted(cell.unchanged)])
        raise BadRow(f"{cell.column}: found {found!r}; valid: {valid}")
    return found if cell.other == "keep" else None


@lru_cache(maxsize=100_000)
def _time(text: str, column: str, form: str, zone: str | None) -> datetime:
    try:
        if form == "iso":
            found = datetime.fromisoformat(text)
        elif form in ("epoch_s", "epoch_ms"):
            return datetime.fromtimestamp(float(text) / (1 if form == "epoch_s" else 1000), UTC)
        else:
            found = datetime.strptime(text, form)
        if found.tzinfo is None:
            if zone is None:
                raise BadRow(f"{column}: found {text!r}; valid: a time that names its zone")
            found = found.replace(tzinfo=ZoneInfo(zone))
        return found.astimezone(UTC)
    except (ValueError, OverflowError, OSError):
        raise BadRow(f"{column}: found {text!r}; valid: a time as {form}") from None
