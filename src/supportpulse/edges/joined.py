"""The second file of a log: what it tells of each ticket, beside the rows of the log.

Such a file was written at the end and holds each ticket as it was then. So where the mapping says which rows of the log
changed it (`changed_by`), a ticket's rows before the last of these are not told what it holds.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from supportpulse.edges.cell import BadRow, Row
from supportpulse.edges.lines import open_lines
from supportpulse.edges.mapping import JOINED, LogMapping
from supportpulse.edges.rows import Rows
from supportpulse.envelope import to_ms
from supportpulse.errors import DataMissing, MappingError

Order = tuple[int, int, int]
"""Time (ms), sequence and number of a row: events are in this order."""


class Joined:
    """The second file by ticket; without one, the rows of the log are as they were."""

    def __init__(self, mapping: LogMapping, columns: list[str], tickets: dict[str, Row]) -> None:
        self.columns = columns
        self.unknown: set[str] = set()
        """Tickets of the log that the file does not know, as far as it was read."""
        self._mapping, self._tickets = mapping, tickets

    @classmethod
    def read(cls, path: str | Path | None, mapping: LogMapping, mapping_file: str) -> Joined:
        """Read it, if the mapping has one. Raises `MappingError` and `DataMissing`."""
        join = mapping.join
        if (path is None) != (join is None):
            valid = "the second file that [join] is about" if path is None else "no second file: there is no [join]"
            raise MappingError(mapping_file, "join", None if path is None else str(path), valid)
        if path is None or join is None:
            return cls(mapping, [], {})
        tickets: dict[str, Row] = {}
        with open_lines(path) as file:
            rows = Rows(file.unpacked, mapping, mapping_file)
            if rows.header is not None and join.key not in rows.header:
                valid = f"a column of the second file: {', '.join(rows.header)}"
                raise MappingError(mapping_file, "join.key", join.key, valid)
            for line, row in rows:
                if isinstance(row, BadRow):
                    raise DataMissing(f"{path}: line {line}: {row}")
                ticket = mapping.text(row, join.key)
                if ticket is None or ticket in tickets:
                    raise DataMissing(f"{path}: line {line}: {join.key}: found {ticket!r}; valid: one row a ticket")
                tickets[ticket] = {JOINED + name: cell for name, cell in row.items()}
        return cls(mapping, [JOINED + name for name in rows.header or ()], tickets)

    def rows(self, rows: Iterable[tuple[int, Row | BadRow]]) -> Iterator[tuple[int, Row | BadRow]]:
        """The rows of the log, each with what the file tells of its ticket at that time."""
        mapping, join = self._mapping, self._mapping.join
        if join is None:
            yield from rows
            return
        settled: dict[str, Order] = {}
        if (changes := join.changed_by) is not None:
            rows = list(rows)
            for number, (_, row) in enumerate(rows, start=1):
                if not isinstance(row, BadRow) and row.get(changes.column) in changes.values:
                    ticket, order = row.get(mapping.ticket) or "", self._order(row, number)
                    settled[ticket] = max(order, settled.get(ticket, order))
        for number, (line, row) in enumerate(rows, start=1):
            yield line, row if isinstance(row, BadRow) else self._told(row, number, settled)

    def _told(self, row: Row, number: int, settled: dict[str, Order]) -> Row:
        ticket = row.get(self._mapping.ticket) or ""
        if ticket not in self._tickets:
            self.unknown.add(ticket)
            return row
        if ticket in settled and self._order(row, number) < settled[ticket]:
            return row
        return {**row, **self._tickets[ticket]}

    def _order(self, row: Row, number: int) -> Order:
        try:
            sequence = self._mapping.sequence_of(row)
            return to_ms(self._mapping.time_of(row)), -1 if sequence is None else int(sequence), number
        except (BadRow, ValueError):
            return -1, -1, number  # no event comes of it
