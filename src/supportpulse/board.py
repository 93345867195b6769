"""The live table: what a worker's /metrics say about each scenario and clock, worst first.

All its numbers come from the text of one scrape, so the table proves what is exported.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from supportpulse import names
from supportpulse.durations import parse_duration
from supportpulse.names import Metric

if TYPE_CHECKING:
    from rich.console import RenderableType

WINDOW, RECENT = "1d", "1h"
_WINDOWED = (Metric.WINDOW_CLOCKS, Metric.WINDOW_BASELINE_CLOCKS)
_READ = (
    *_WINDOWED,
    Metric.CLOCKS_AT_RISK,
    Metric.CLOCKS_WAITING,
    Metric.EVENTS_PROCESSED,
    Metric.CONSUMER_LAG,
)
_LABELS = tuple(f'{names.WINDOW}="{window}"' for window in (WINDOW, RECENT))
MOST_CLOCKS = 10
NUMBER_WIDTH = 5


@dataclass
class Row:
    """Counts of one group of clocks: over a day and an hour, over the usual day, and right now."""

    group: tuple[str, ...]
    met: float = 0
    breached: float = 0
    recent_met: float = 0
    recent_breached: float = 0
    usual_met: float = 0
    usual_breached: float = 0
    at_risk: float = 0
    waiting: float = 0

    @property
    def share(self) -> float | None:
        """Breached / (met + breached) over the day."""
        return _share(self.met, self.breached)

    @property
    def recent(self) -> float | None:
        """The same over the last hour."""
        return _share(self.recent_met, self.recent_breached)

    @property
    def usual(self) -> float | None:
        """The same at these hours of the four weeks before."""
        return _share(self.usual_met, self.usual_breached)

    @property
    def excess(self) -> float:
        """Breaches of the day beyond those the usual share would have brought: what makes a row the worst."""
        return self.breached - (self.usual or 0.0) * (self.met + self.breached)

    @property
    def empty(self) -> bool:
        """Nothing happened today, and nothing is going on."""
        return not (self.met or self.breached or self.at_risk or self.waiting)


def _share(met: float, breached: float) -> float | None:
    return breached / (met + breached) if met + breached else None


Number = tuple[str, dict[str, str], float]
"""(sample name, labels, value)"""


class Scrape:
    """The numbers of one answer of /metrics, as far as the table needs them."""

    def __init__(self, text: str) -> None:
        """Parse; raises ValueError for what is no exposition format."""
        from prometheus_client.parser import text_string_to_metric_families

        wanted = "\n".join(_wanted(text.splitlines()))
        self.numbers: list[Number] = [
            (sample.name, sample.labels, sample.value)
            for family in text_string_to_metric_families(wanted + "\n")
            for sample in family.samples
        ]

    @property
    def events(self) -> int:
        """Ticket events the worker has processed."""
        return int(self._sum(Metric.EVENTS_PROCESSED, lambda labels: labels.get(names.TYPE) == "event"))

    @property
    def lag(self) -> int:
        """Records not processed yet."""
        return int(self._sum(Metric.CONSUMER_LAG, lambda _: True))

    @property
    def waiting_over(self) -> str:
        """The shortest of the waiting thresholds, such as 30m; empty without any."""
        over = {labels[names.OVER] for name, labels, _ in self.numbers if name == Metric.CLOCKS_WAITING}
        return min(over, key=parse_duration, default="")

    def rows(self, *by: str) -> list[Row]:
        """Groups of clocks by the values of these labels, worst first; a label that is not there is `all`."""
        rows: dict[tuple[str, ...], Row] = {}
        shortest = self.waiting_over
        for name, labels, value in self.numbers:
            column = _column(name, labels, shortest)
            if column and value:
                group = tuple(labels.get(label, "all") for label in by)
                row = rows.setdefault(group, Row(group))
                setattr(row, column, getattr(row, column) + value)
        return sorted((row for row in rows.values() if not row.empty), key=lambda row: (-row.excess, row.group))

    def _sum(self, metric: Metric, counts: Callable[[dict[str, str]], bool]) -> float:
        return sum(value for name, labels, value in self.numbers if name == metric and counts(labels))


def _wanted(lines: Iterable[str]) -> Iterator[str]:
    """Most of /metrics is other windows and zeros: leave them out before parsing, which is the expensive part."""
    for line in lines:
        if line.startswith(_WINDOWED):
            if not line.endswith((" 0", " 0.0")) and any(label in line for label in _LABELS):
                yield line
        elif line.startswith(_READ):
            yield line


def _column(name: str, labels: dict[str, str], shortest: str) -> str:
    """The column of a row that a sample counts in; empty for none."""
    outcome, window = labels.get(names.OUTCOME), labels.get(names.WINDOW)
    if name == Metric.CLOCKS_AT_RISK:
        return "at_risk"
    if name == Metric.CLOCKS_WAITING:
        return "waiting" if labels[names.OVER] == shortest else ""
    if outcome not in ("met", "breached"):
        return ""
    if name == Metric.WINDOW_CLOCKS:
        return outcome if window == WINDOW else f"recent_{outcome}" if window == RECENT else ""
    return f"usual_{outcome}" if name == Metric.WINDOW_BASELINE_CLOCKS and window == WINDOW else ""


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
            Text(_percent(row.share), _style(row, row.share, row.breached)),
            _percent(row.usual),
            Text(_percent(row.recent), _style(row, row.recent, row.recent_breached)),
            f"{row.at_risk:.0f}",
            f"{row.waiting:.0f}",
        )
    return table


def _style(row: Row, share: float | None, breached: float) -> str:
    """Red for more than twice the usual, yellow for half as much again; two breaches at least, one is noise."""
    if share is None or breached < 2:
        return ""
    usual = row.usual or 0.0
    return "bold red" if share > 2 * usual else "yellow" if share > 1.5 * usual else ""


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{share:.1%}"
