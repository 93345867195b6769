"""The live table of a terminal: each scenario and its worst clocks, worst first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from supportpulse import names
from supportpulse.row import RECENT, WINDOW, Row
from supportpulse.scrape import Scrape

if TYPE_CHECKING:
    from rich.console import RenderableType

MOST_CLOCKS = 10
NUMBER_WIDTH = 5
STYLES = {"far_above": "bold red", "above": "yellow", "": ""}


def board(scrape: Scrape, head: Sequence[str]) -> RenderableType:
    """Lines of text, then the scenarios, then the worst of their clocks."""
    from rich.console import Group
    from rich.text import Text

    over = scrape.waiting_over
    clocks = [row for row in scrape.rows(names.SCENARIO, names.CLOCK) if row.excess > 0][:MOST_CLOCKS]
    return Group(
        *(Text(line) for line in head),
        _table(scrape.rows(names.SCENARIO), ("scenario",), over),
        _table(clocks, ("scenario", "worst clocks"), over),
    )


def _table(rows: Sequence[Row], headings: Sequence[str], over: str) -> RenderableType:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    for heading in headings:
        table.add_column(heading, overflow="fold")
    for heading in ("met", "breached", "share", "usual", "last\nhour", "at\nrisk", f"waiting\n>{over}"):
        width = max(len(part) for part in heading.split("\n"))  # a narrow terminal cuts names, never numbers
        table.add_column(heading, justify="right", no_wrap=True, min_width=max(width, NUMBER_WIDTH))
    for row in rows:
        table.add_row(
            *row.group,
            f"{row.met:.0f}",
            f"{row.breached:.0f}",
            Text(_percent(row.share), STYLES[row.level(WINDOW)]),
            _percent(row.usual),
            Text(_percent(row.recent), STYLES[row.level(RECENT)]),
            f"{row.at_risk:.0f}",
            f"{row.waiting:.0f}",
        )
    return table


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{share:.1%}"
