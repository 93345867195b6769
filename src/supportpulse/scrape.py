"""What workers' /metrics say about each group of clocks: all numbers of the boards, which so prove what is exported."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache

from supportpulse import names
from supportpulse.durations import parse_duration
from supportpulse.names import Metric
from supportpulse.row import Row

_MANY = (
    Metric.WINDOW_CLOCKS,
    Metric.WINDOW_BASELINE_CLOCKS,
    Metric.CLOCKS_OPEN,
    Metric.CLOCKS_AT_RISK,
    Metric.CLOCKS_OVERDUE,
    Metric.CLOCKS_WAITING,
)
_SINGLE = (
    Metric.CLOCKS_WAITING,  # whose zeros name the thresholds
    Metric.OBJECTIVE,
    Metric.SOURCE_WATERMARK,
    Metric.SOURCE_STALE,
    Metric.WORKER_PARTITIONS,
    Metric.TOPIC_PARTITIONS,
    Metric.WORKER_RECOVERING,
    Metric.CONSUMER_LAG,
    Metric.DEADLINE_SWEEP,
    Metric.PROBE,
    Metric.BUILD_INFO,
    Metric.EVENTS_PROCESSED,
    Metric.EVENTS_REJECTED,
)
_VERDICTS = (f'{names.OUTCOME}="met"', f'{names.OUTCOME}="breached"')

MOST_SERIES = 100_000

Number = tuple[str, dict[str, str], float]
"""(sample name, labels, value)"""


class Scrape:
    """The numbers of one answer of /metrics, as far as boards need them; of several workers together: `merged`."""

    def __init__(self, text: str) -> None:
        """Parse; raises ValueError for what is no exposition format."""
        series = (line.rpartition(" ") for line in _wanted(text.splitlines()))
        self.numbers: list[Number] = [(*_series(name), float(value)) for name, _, value in series]

    @classmethod
    def merged(cls, scrapes: Iterable[Scrape]) -> Scrape:
        """Of workers that share the partitions: their counts add up."""
        whole = cls("")
        whole.numbers = [number for scrape in scrapes for number in scrape.numbers]
        return whole

    @property
    def events(self) -> int:
        """Ticket events the workers have processed."""
        return int(sum(self.values(Metric.EVENTS_PROCESSED, lambda labels: labels.get(names.TYPE) == "event")))

    @property
    def lag(self) -> int:
        """Records not processed yet."""
        return int(sum(self.values(Metric.CONSUMER_LAG)))

    @property
    def thresholds(self) -> list[str]:
        """What clocks may be waiting for, such as 30m, 1h, 4h, shortest first."""
        over = {labels[names.OVER] for name, labels, _ in self.numbers if name == Metric.CLOCKS_WAITING}
        return sorted(over, key=parse_duration)

    @property
    def waiting_over(self) -> str:
        """The shortest of the waiting thresholds, such as 30m; empty without any."""
        return next(iter(self.thresholds), "")

    def rows(self, *by: str, quiet: bool = False) -> list[Row]:
        """Groups of clocks by the values of these labels, worst first; a label that is not there is `all`.

        `quiet`: also those without anything today.
        """
        rows: dict[tuple[str, ...], Row] = {}
        allowed = self._allowed()
        for name, labels, value in self.numbers:
            if name in _MANY and value:
                group = tuple(labels.get(label, "all") for label in by)
                _count(rows.setdefault(group, Row(group)), name, labels, value, allowed)
        return sorted(
            (row for row in rows.values() if quiet or not row.empty), key=lambda row: (-row.excess, row.group)
        )

    def values(self, metric: Metric, counts: Callable[[dict[str, str]], bool] = lambda _: True) -> list[float]:
        """Of all samples of a metric whose labels count."""
        return [value for name, labels, value in self.numbers if name == metric and counts(labels)]

    def labels(self, metric: Metric) -> list[tuple[dict[str, str], float]]:
        """(labels, value) of all samples of a metric."""
        return [(labels, value) for name, labels, value in self.numbers if name == metric]

    def _allowed(self) -> dict[tuple[str, str], float]:
        """(clock, rule) -> 1 - objective; under ("clock", "") that of the strictest rule, for counts without one."""
        allowed: dict[tuple[str, str], float] = {}
        for labels, objective in self.labels(Metric.OBJECTIVE):
            clock, rule = labels[names.CLOCK], labels[names.RULE]
            share = round(1 - objective, 9)
            allowed[clock, rule] = min(share, allowed.get((clock, rule), 1.0))  # workers may start a new policy in turn
            allowed[clock, ""] = min(share, allowed.get((clock, ""), 1.0))
        return allowed


@lru_cache(MOST_SERIES)
def _series(text: str) -> tuple[str, dict[str, str]]:
    """Name and labels of a sample, not to be changed; read once, as only values differ between scrapes."""
    from prometheus_client.parser import text_string_to_metric_families

    for family in text_string_to_metric_families(f"{text} 1\n"):
        for sample in family.samples:
            return sample.name, sample.labels
    raise ValueError(f"no sample: {text!r}")


def _wanted(lines: Iterable[str]) -> Iterator[str]:
    """Most of /metrics is zeros and histograms: leave them out before parsing, which is the expensive part."""
    windows = tuple(f"{metric}{{" for metric in (Metric.WINDOW_CLOCKS, Metric.WINDOW_BASELINE_CLOCKS))
    for line in lines:
        if line.startswith(_SINGLE):
            yield line
        elif line.startswith(_MANY) and not line.endswith((" 0", " 0.0")):
            if line.startswith(windows) and not any(verdict in line for verdict in _VERDICTS):
                continue
            yield line


def _count(row: Row, name: str, labels: dict[str, str], value: float, allowed: dict[tuple[str, str], float]) -> None:
    """Add a sample to its place in a row."""
    if name == Metric.CLOCKS_WAITING:
        over = labels[names.OVER]
        row.waits[over] = row.waits.get(over, 0) + value
    elif name == Metric.CLOCKS_OPEN:
        row.open += value
    elif name == Metric.CLOCKS_AT_RISK:
        row.at_risk += value
    elif name == Metric.CLOCKS_OVERDUE:
        row.overdue += value
    else:
        places = row.windows if name == Metric.WINDOW_CLOCKS else row.baselines
        closed = places.get(labels.get(names.WINDOW, ""))
        outcome = labels.get(names.OUTCOME)
        if closed is None or outcome not in ("met", "breached"):
            return
        setattr(closed, outcome, getattr(closed, outcome) + value)
        clock, rule = labels.get(names.CLOCK, ""), labels.get(names.RULE, "")
        closed.allowed += value * allowed.get((clock, rule), allowed.get((clock, ""), 0.0))
