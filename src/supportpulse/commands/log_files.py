"""Canonical JSON lines from files: each line read, bad ones named and counted, a bar meanwhile."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import click

from supportpulse.commands.progress import progress_bar

if TYPE_CHECKING:
    from supportpulse.reader import Read

SHOWN_BAD_LINES = 50
_EVERY = 2000


class LogFiles:
    """Logs by name, in the order given; "-" is standard input, gzip is recognised."""

    def __init__(self, files: Sequence[str]) -> None:
        self.files = files
        self.bad = 0

    def lines(self) -> Iterator[tuple[str, int, bytes]]:
        """(file, line number, line) of every line that is not blank; raises `DataMissing`."""
        from supportpulse.edges.lines import open_lines

        for file in self.files:
            with open_lines(file) as lines, progress_bar(f"reading {file}") as advance:
                for number, line in enumerate(lines.unpacked, 1):
                    if number % _EVERY == 0:
                        advance(*lines.progress())
                    if line.strip():
                        yield file, number, line

    def readings(self) -> Iterator[Read]:
        """What the fold needs of every line; a line that is no event is named on standard error."""
        from supportpulse.errors import Rejected
        from supportpulse.reader import read

        for file, number, line in self.lines():
            try:
                yield read(line)
            except Rejected as error:
                self.name_bad(file, number, error)

    def name_bad(self, file: str, number: int, error: Exception) -> None:
        """Name a bad line, the first fifty of them."""
        self.bad += 1
        if self.bad <= SHOWN_BAD_LINES:
            click.echo(f"{file}: line {number}: {error}", err=True)
        elif self.bad == SHOWN_BAD_LINES + 1:
            click.echo("further bad lines are only counted", err=True)
