"""A mapping file: how one row of an audit log becomes one canonical event, declared in TOML.

    source = "servicenow-uci"               # the source of all events
    format = "csv"                          # csv | jsonl, either may be gzipped
    missing = ["?", ""]                     # cells that say nothing
    ticket = "number"                       # column of the ticket id
    id = "{number}:{sys_mod_count}:{row}"   # names what happened; {row} counts the data rows from 1
    sequence = "sys_mod_count"              # optional: orders events of one instant
    leaks = ["resolved_at"]                 # columns filled in afterwards: mapping one is refused
    ignored = ["impact"]                    # optional: if given, every column must be mapped, a leak or ignored
    event = "TicketObserved"                # or {column = "kind", values = {note = "MessagePosted"}, skip = ["view"]}

    [time]                                  # when it happened
    column = "sys_updated_at"
    format = "%d/%m/%Y %H:%M"               # strptime, or iso | epoch_s | epoch_ms
    zone = "UTC"                            # of times that name no zone

    [constants]                             # fields of the event's data that are always the same
    "actor.kind" = "automation"

    [data.status]                           # a field of the event's data, dots go deeper ("actor.id")
    column = "incident_state"
    values = {New = "new", Closed = "closed"}
    unchanged = ["-100"]                    # values that say nothing
    other = "error"                         # a value not listed: error (the row is bad) | keep | unchanged
    missing = "unchanged"                   # a missing cell: unchanged (says nothing) | cleared (null)

    [data.created_at]                       # with a format, a field is a time
    column = "opened_at"
    format = "%d/%m/%Y %H:%M"
    zone = "UTC"

A field that the type of a row's event does not have is left out of it.
"""

from __future__ import annotations

import tomllib
from pathlib import Path

from pydantic import ValidationError

from supportpulse.edges.mapping import TYPES, Cell, Instant, LogMapping, fields_of
from supportpulse.errors import MappingError

SHIPPED = Path(__file__).parent.parent / "mappings"


def read_mapping(name_or_path: str | Path, *, source: str | None = None) -> tuple[LogMapping, str]:
    """A shipped mapping by its name, or one by its path, and the file it came from. Raises `MappingError`.

    `source` replaces the mapping's own: the same log under another name, beside the first.
    """
    path = Path(name_or_path)
    if not path.suffix and not path.exists():
        path = SHIPPED / f"{path.name}.toml"
    file = path.name
    try:
        text = path.read_text(encoding="utf-8")
    except OSError:
        shipped = ", ".join(sorted(found.stem for found in SHIPPED.glob("*.toml")))
        raise MappingError(str(name_or_path), "mapping", str(path), f"a readable TOML file, or {shipped}") from None
    try:
        table = tomllib.loads(text)
        mapping = LogMapping.model_validate(table if source is None else table | {"source": source})
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise MappingError(file, "TOML", str(error), "a TOML document") from None
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        valid = str(first["msg"]).removeprefix("Value error, ")
        place = ".".join(str(part) for part in first["loc"] if part not in ("Kinds", "function-after[_type(), str]"))
        raise MappingError(file, place, first["input"], valid) from None
    _check(mapping, file)
    return mapping, file


def _check(mapping: LogMapping, file: str) -> None:
    """What single fields cannot know: leaks, field names, time formats."""
    for key, column in mapping.columns():
        if column in mapping.leaks:
            raise MappingError(file, key, column, "a column that is not a leak: this one is only known later")
    used = [mapping.event] if isinstance(mapping.event, str) else list(mapping.event.values.values())
    fields = frozenset[str]().union(*(fields_of(TYPES[name]) for name in used))
    for table, names in (("data", mapping.data), ("constants", mapping.constants)):
        for name in names:
            if name not in fields:
                raise MappingError(file, table, name, f"a field of {', '.join(used)}: {', '.join(sorted(fields))}")
    times: list[tuple[str, Instant | Cell]] = [("time", mapping.time)]
    times += [(f"data.{name}", cell) for name, cell in mapping.data.items()]
    for key, instant in times:
        needs_zone = instant.format is not None and "%" in instant.format and "%z" not in instant.format
        if needs_zone and instant.zone is None:
            raise MappingError(file, f"{key}.zone", None, "the IANA zone of the log's times, since they name none")
        if (
            instant.format is not None
            and "%" not in instant.format
            and instant.format not in ("iso", "epoch_s", "epoch_ms")
        ):
            raise MappingError(file, f"{key}.format", instant.format, "a strptime format, iso, epoch_s or epoch_ms")
