"""One cell of a log's row, and what its text says."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Annotated, Final, Literal
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

Row = Mapping[str, str | None]
"""One row: column -> text, None for null."""


class BadRow(Exception):
    """A row that gives no event; the message says what was found and what is valid."""


class Silent:
    """What a cell says that says nothing; null is something else, it clears a field."""


SILENT: Final = Silent()


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise ValueError("an IANA zone such as Europe/Berlin") from None
    return name


def _local(time: datetime) -> datetime:
    if time.tzinfo is not None:
        raise ValueError("a time as the log writes it, without a zone")
    return time


Zone = Annotated[str, AfterValidator(_zone)]
Local = Annotated[datetime, AfterValidator(_local)]


class Table(BaseModel):
    """Base of every table of a mapping file."""

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)


class Instant(Table):
    """A column of times. `before`: up to a time as the log writes it, times that name no zone are of another zone."""

    column: str
    format: str
    zone: Zone | None = None
    before: dict[Local, Zone] = Field(default_factory=dict)

    def read(self, text: str) -> datetime:
        """The instant in UTC, or `BadRow`."""
        return _time(text, self.column, self.format, self.zone, tuple(sorted(self.before.items())))


class Extract(Table):
    """The part of a column that a pattern finds: its first group, or all of it."""

    column: str
    pattern: re.Pattern[str]

    def read(self, text: str) -> str:
        """The part, or `BadRow`."""
        found = self.pattern.search(text)
        if found is None:
            raise BadRow(f"{self.column}: found {text!r}; valid: a text with {self.pattern.pattern}")
        return found[1 if self.pattern.groups else 0] or ""


class Cell(Table):
    """A column that fills one field of the event's data."""

    column: str
    values: dict[str, str] | None = None
    unchanged: frozenset[str] = frozenset()
    other: Literal["error", "keep", "unchanged"] = "error"
    missing: Literal["unchanged", "cleared"] = "unchanged"
    format: str | None = None
    zone: Zone | None = None

    def read(self, text: str | None) -> str | datetime | Silent | None:
        """What the cell says, null where it clears the field; or `BadRow`."""
        if text is None:
            return None if self.missing == "cleared" else SILENT
        if self.format is not None:
            return _time(text, self.column, self.format, self.zone, ())
        if text in self.unchanged:
            return SILENT
        if self.values is None:
            return text
        if text in self.values:
            return self.values[text]
        if self.other == "error":
            valid = ", ".join([*self.values, *sorted(self.unchanged)])
            raise BadRow(f"{self.column}: found {text!r}; valid: {valid}")
        return text if self.other == "keep" else SILENT


@lru_cache(maxsize=100_000)
def _time(text: str, column: str, form: str, zone: str | None, before: tuple[tuple[datetime, str], ...]) -> datetime:
    try:
        if form == "iso":
            found = datetime.fromisoformat(text)
        elif form in ("epoch_s", "epoch_ms"):
            return datetime.fromtimestamp(float(text) / (1 if form == "epoch_s" else 1000), UTC)
        else:
            found = datetime.strptime(text, form)
        if found.tzinfo is None:
            zone = next((earlier for end, earlier in before if found < end), zone)
            if zone is None:
                raise BadRow(f"{column}: found {text!r}; valid: a time that names its zone")
            found = found.replace(tzinfo=ZoneInfo(zone))
        return found.astimezone(UTC)
    except (ValueError, OverflowError, OSError):
        raise BadRow(f"{column}: found {text!r}; valid: a time as {form}") from None
