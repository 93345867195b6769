"""Tables on standard output: as narrow as they can be on a terminal, never cut in a pipe."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.table import Table

PIPE_WIDTH = 400


def new_table(left: Sequence[str], right: Sequence[str] = (), title: str | None = None) -> Table:
    """An empty table: headings of text columns, then of columns of numbers."""
    from rich import box
    from rich.table import Table

    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for heading in left:
        table.add_column(heading, overflow="fold")
    for heading in right:
        table.add_column(heading, justify="right", no_wrap=True)
    return table


def print_table(table: Table) -> None:
    """Print it; a pipe gets the full width, so nothing is wrapped or cut there."""
    from rich.console import Console

    console = Console()
    if not console.is_terminal:
        console.width = PIPE_WIDTH
    console.print(table)


def percent(share: float | None) -> str:
    """A share as people read it; empty for none."""
    return "" if share is None else f"{share:.1%}"
