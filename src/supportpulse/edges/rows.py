"""The rows of a log: CSV with a header, or JSON lines; a line that is no row is told and the rest goes on."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from typing import Any, BinaryIO

from supportpulse.edges.cell import BadRow, Row
from supportpulse.edges.mapping import LogMapping
from supportpulse.errors import MappingError

csv.field_size_limit(16 * 1024 * 1024)


class Rows:
    """Iterates over (line, row or what is wrong with it).

    `line` counts the lines of the unpacked file from 1; a quoted cell may span several. `header` holds the columns of a
    CSV file, and is None for JSON lines. Raises `MappingError` for a CSV file without a header that can be read; `file`
    is the mapping's.
    """

    def __init__(self, unpacked: BinaryIO, mapping: LogMapping, file: str) -> None:
        encoding = "utf-8-sig" if mapping.encoding == "utf-8" else mapping.encoding
        self._lines = lines = io.TextIOWrapper(unpacked, encoding=encoding, errors="surrogateescape", newline="")
        self.header: list[str] | None = None
        if mapping.format == "jsonl":
            self._rows = _json_rows(lines)
            return
        reader = csv.reader(lines, strict=True, delimiter=mapping.separator)
        try:
            self.header = next(reader, [])
        except csv.Error as error:
            raise MappingError(file, "format", f"csv, but {error}", "a CSV file with a header") from None
        self._rows = _csv_rows(reader, self.header)

    def __iter__(self) -> Iterator[tuple[int, Row | BadRow]]:
        return self._rows


def _csv_rows(reader: Any, header: list[str]) -> Iterator[tuple[int, Row | BadRow]]:
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
