r"""A mapping file: how one row of an audit log becomes one canonical event, declared in TOML.

    source = "servicenow-uci"               # the source of all events
    format = "csv"                          # csv | jsonl, either may be gzipped
    encoding = "utf-8"                      # or cp1252, ...
    separator = ","                         # of a CSV file
    missing = ["?", ""]                     # cells that say nothing
    ticket = "number"                       # column of the ticket id
    id = "{number}:{sys_mod_count}:{row}"   # names what happened; {row} counts the data rows from 1
    sequence = "sys_mod_count"              # optional: orders events of one instant; or the first group of a pattern:
                                            # {column = "revision", pattern = '-(\d+)$'}
    leaks = ["resolved_at"]                 # columns filled in afterwards: mapping one is refused
    ignored = ["impact"]                    # optional: if given, every column must be mapped, a leak or ignored
    event = "TicketObserved"                # of every row; or as below

    [time]                                  # when it happened
    column = "sys_updated_at"
    format = "%d/%m/%Y %H:%M"               # strptime, or iso | epoch_s | epoch_ms
    zone = "Europe/Oslo"                    # of times that name no zone; of an hour that comes twice, the first
    before = {2013-08-17 = "UTC"}           # optional: earlier ones, as the log writes them, are of another zone

    [constants]                             # fields of the event's data that are always the same
    "actor.kind" = "automation"

    [data.status]                           # a field of the event's data, dots go deeper ("actor.id")
    column = "incident_state"
    values = {New = "new", Closed = "closed"}
    unchanged = ["-100"]                    # values that say nothing
    other = "error"                         # a value not listed: error (the row is bad) | keep | unchanged
    missing = "unchanged"                   # a missing cell: unchanged (says nothing) | cleared (null)

    [[data.team]]                           # several: the first that says something counts
    column = "override"
    [[data.team]]
    column = "assignment_group"

    [data.created_at]                       # with a format, a field is a time
    column = "opened_at"
    format = "%d/%m/%Y %H:%M"
    zone = "UTC"

Which event a row is may also stand in a column, or follow from conditions:

    [event]
    column = "kind"
    values = {note = "MessagePosted"}
    skip = ["view"]                         # no events; or by reason: {"of no interest" = ["view", "print"]}

    [[event]]                               # the first whose condition holds
    when = "changed_at == created_at"       # JMESPath of the row's columns: those with dots in quotes, '"a.b"'
    type = "TicketCreated"
    fields = ["channel"]                    # optional: of data and constants, only these
    [[event]]
    when = "kind == 'view'"
    skip = "of no interest"
    [[event]]
    type = "TicketObserved"

A second file in the same format, one row a ticket, is given as `import --join FILE`. Its columns are then read as
"joined.priority". Such a file often holds tickets as they were at the end; so no row of a ticket before its last one of
`changed_by` is told what the file holds:

    [join]
    key = "number"                          # its column of the ticket's id
    changed_by = {column = "kind", values = ["priority changed"]}   # optional

A field that the type of a row's event does not have is left out of it.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from supportpulse.edges.cell import Cell, Instant
from supportpulse.edges.kinds import TYPES, fields_of
from supportpulse.edges.mapping import LogMapping
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
        raise MappingError(file, _key(table, first["loc"]), first["input"], valid) from None
    _check(mapping, file)
    return mapping, file


def _key(table: Any, loc: tuple[int | str, ...]) -> str:
    """The key as the file has it, without the forms it was tried in and the place in a list that is none."""
    parts = []
    for part in loc:
        if isinstance(part, int) and isinstance(table, list):
            table = table[part]
        elif isinstance(part, str) and not part.startswith("("):
            table = table.get(part) if isinstance(table, dict) else None
        else:
            continue
        parts.append(str(part))
    return ".".join(parts)


def _check(mapping: LogMapping, file: str) -> None:
    """What single fields cannot know: leaks, field names, time formats."""
    for key, column in mapping.columns():
        if column in mapping.leaks:
            raise MappingError(file, key, column, "a column that is not a leak: this one is only known later")
    used = mapping.types()
    fields = frozenset[str]().union(*(fields_of(TYPES[name]) for name in used))
    for table, names in (("data", mapping.data), ("constants", mapping.constants)):
        for name in names:
            if name not in fields:
                raise MappingError(file, table, name, f"a field of {', '.join(used)}: {', '.join(sorted(fields))}")
    filled = {*mapping.data, *mapping.constants}
    for place, choice in enumerate(mapping.choices()):
        for name in sorted((choice.fields or frozenset()) - filled):
            raise MappingError(file, f"event.{place}.fields", name, f"one of data and constants: {', '.join(filled)}")
    times: list[tuple[str, Instant | Cell]] = [("time", mapping.time), *mapping.cells()]
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
