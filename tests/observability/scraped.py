"""One worker's metrics without a worker: tickets driven by hand, scraped as Prometheus would."""

from __future__ import annotations

from prometheus_client import CollectorRegistry
from prometheus_client.openmetrics.exposition import generate_latest
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from strategies import happened
from supportpulse import codec, panes
from supportpulse.collector import SnapshotCollector
from supportpulse.facts import Reading
from supportpulse.metrics import Metrics
from supportpulse.outcome import Emission
from supportpulse.policy import Policy
from supportpulse.reader import read_event
from supportpulse.series import Series
from supportpulse.snapshot import Snapshot, clock_counts, window_counts
from supportpulse.tally import Shapes, Tally
from supportpulse.ticket import Plans, Ticket

Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


class Scraped:
    """Tickets of one partition, what they said counted, and the registry that exports it."""

    def __init__(self, policy: Policy, now: int) -> None:
        self.plans = Plans(policy)
        self.registry = CollectorRegistry()
        self.series = Series(self.plans)
        self.metrics = Metrics(self.registry, self.series)
        self.snapshot = Snapshot(taken_ms=now, swept_ms=now, probed_ms=now)
        SnapshotCollector(self.registry, self.series, policy, lambda: self.snapshot, "1.2.3")
        self.panes, self.windows, self.tally = panes.Panes(), panes.Windows(), Tally(Shapes(self.plans))
        self.tickets: dict[str, Ticket] = {}
        self.values: dict[bytes, bytes] = {}
        self.offset = 0

    def happens(self, name: str, ms: int, ticket: str, *, broker: int | None = None, **data: object) -> None:
        """An event at `ms`, appended to the log at `broker` (then, if not given)."""
        reading = read_event(happened(name, ms, f"{ticket}-{self.offset}", ticket=ticket, **data))  # type: ignore[arg-type]
        assert isinstance(reading, Reading)
        state = self.tickets.setdefault(ticket, Ticket(self.plans, "desk"))
        self._count(ticket, state.admit(reading) or [], ms if broker is None else broker)

    def marked(self, ms: int, ticket: str, *, broker: int | None = None) -> None:
        """A marker of one ticket."""
        self._count(ticket, self.tickets[ticket].mark(ms), ms if broker is None else broker)

    def take(self, now: int, **more: object) -> None:
        """A new snapshot."""
        self.windows.move(now, self.panes)
        windows, baselines = window_counts([self.windows])
        clocks, waiting = clock_counts([(self.tally, now)])
        self.snapshot = Snapshot(
            now, now, now, windows=windows, baselines=baselines, clocks=clocks, waiting=waiting, **more,  # type: ignore[arg-type]
        )  # fmt: skip

    def text(self) -> str:
        """What /metrics says, as OpenMetrics."""
        return generate_latest(self.registry).decode()

    def samples(self) -> Samples:
        """Name and labels -> value of everything, by the client library's own parser."""
        return {
            (sample.name, frozenset(sample.labels.items())): sample.value
            for family in text_string_to_metric_families(self.text())
            for sample in family.samples
        }

    def _count(self, ticket: str, said: list[Emission], broker: int) -> None:
        state, key = self.tickets[ticket], f"desk|{ticket}".encode()
        plan = state.fold.plan
        self.offset += 1
        changes = panes.deltas(said, plan.version.index, plan.labels)
        self.windows.add(self.panes.apply(self.offset, changes, broker))
        self.metrics.count(plan, said, broker, broker + 250, key.decode())
        new = codec.encode(state)
        self.tally.replace(self.values.get(key), new)
        self.values[key] = new


def at(samples: Samples, name: str, **labels: str) -> float:
    """The value of one series."""
    return samples[name, frozenset(labels.items())]


def summed(samples: Samples, name: str, **labels: str) -> float:
    """The sum of all series of a name that have these labels."""
    wanted = set(labels.items())
    return sum(value for (found, has), value in samples.items() if found == name and wanted <= has)
