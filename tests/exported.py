"""What workers and gateways export over some minutes, as promtool's input series: integers, one series per worker.

Traffic is counted as panes count it: by event time, and each partition's share by the worker that owns it. So a
rebalance, a restart or a replay looks to the rules as it looks to Prometheus.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from supportpulse.names import BASELINE_WINDOWS, WINDOWS_SECONDS, GatewayMetric, Metric, Refusal
from supportpulse.panes import SLOTS

PARTITIONS = 4
WEEK = 7 * 24 * 60
FOR_GOOD = 10**9
WINDOWS = {window: seconds // 60 for window, seconds in WINDOWS_SECONDS.items()}
Count = Callable[[int], int]
"""A value by minute."""
Over = Callable[[int], "int | None"]
"""The same; None: there is no such series then."""


def none(minute: int) -> int:
    """Zero all the time."""
    return 0


def constant(value: int) -> Count:
    """The same all the time."""
    return lambda minute: value


def since(minute: int, then: int = 1, before: int = 0) -> Count:
    """One value before a minute, another from it on."""
    return lambda now: then if now >= minute else before


@dataclass(frozen=True)
class Flow:
    """Clocks an hour, and how many in a hundred of them breach, or come close to it (all that breach do)."""

    per_hour: int
    breached: int = 0
    at_risk: int = 0


@dataclass(frozen=True)
class Traffic:
    """One row's clocks: `before` until `start`, then each flow for so many minutes, the last for good.

    `days`: the age of it all at minute 0. `usual`: what the same hours of earlier weeks brought, if not `before`.
    `tickets`: single clocks that close besides, by minute, with True for a breach.
    """

    before: Flow
    then: Sequence[tuple[Flow, int]] = ()
    start: int = 0
    days: int = 35
    usual: Flow | None = None
    tickets: Mapping[int, bool] = field(default_factory=dict)

    def window(self, outcome: str, minute: int, length: int) -> int:
        """Clocks of an outcome in so many minutes that end now."""
        return self._until(outcome, minute) - self._until(outcome, minute - length)

    def baseline(self, outcome: str, minute: int, length: int) -> int:
        """The whole hours up to and including the one of now, in each of the four weeks before."""
        end = (minute // 60 + 1) * 60
        if self.usual is not None:
            usual = Traffic(self.usual)
            return sum(usual.window(outcome, end - week * WEEK, length) for week in range(1, 5))
        return sum(self.window(outcome, end - week * WEEK, length) for week in range(1, 5))

    def _until(self, outcome: str, minute: int) -> int:
        """Clocks of an outcome from the first day until a minute."""
        found, at = 0, -self.days * 24 * 60
        flows = [(self.before, self.start - at), *self.then] if self.then else [(self.before, FOR_GOOD)]
        flows[-1] = flows[-1][0], FOR_GOOD
        hundredths = 0
        for flow, minutes in flows:
            close = max(flow.at_risk, flow.breached)
            share = {"breached": flow.breached, "met": 100 - flow.breached, "at_risk": close, "started": 100}
            hundredths += flow.per_hour * share.get(outcome, 0) * max(0, min(minutes, minute - at))
            at += minutes
        found = -(-hundredths // 6000) if outcome == "met" else hundredths // 6000
        for closed, breached in self.tickets.items():
            found += closed <= minute and outcome in ("started", *(("at_risk", "breached") if breached else ("met",)))
        return found


@dataclass(frozen=True)
class Worker:
    """A worker and what it tells of itself, by minute. Everything is well unless said otherwise.

    `alive`: whether it answers; `listed`: whether Prometheus looks for it at all. `restarted`: the last time it began
    to count. Times of sweep and probe are in seconds.
    """

    instance: str
    owns: Callable[[int], Sequence[int]]
    alive: Callable[[int], bool] = lambda minute: True
    listed: Callable[[int], bool] = lambda minute: True
    recovering: Over = none
    sweep: Over = lambda minute: minute * 60
    probe: Over = lambda minute: minute * 60
    lag: Callable[[int, int], int] = lambda partition, minute: 0
    rebalances: Over = none
    rejected: Over = none
    holes: Over = none
    mismatches: Over = none
    stale: Over = none
    processed: Over = lambda minute: minute * 20


def first(**told: object) -> Worker:
    """A worker with the partitions 0 and 1."""
    return _worker("10.0.0.1:9464", (0, 1), told)


def second(**told: object) -> Worker:
    """A worker with the partitions 2 and 3."""
    return _worker("10.0.0.2:9464", (2, 3), told)


def third(**told: object) -> Worker:
    """A standby: it owns nothing, and no probe of its own has ever come back."""
    return _worker("10.0.0.3:9464", (), {"sweep": constant(0), "probe": constant(0)} | told)


def _worker(instance: str, partitions: Sequence[int], told: Mapping[str, object]) -> Worker:
    return Worker(**({"instance": instance, "owns": lambda minute: partitions} | dict(told)))  # type: ignore[arg-type]


@dataclass(frozen=True)
class Gateway:
    """A gateway with one source, and what it tells of itself, by minute. Everything is well unless said otherwise.

    There are 20 deliveries an hour, and each becomes an event. `forged`, `unavailable` and `letters` are others;
    `acknowledged` is in seconds.
    """

    instance: str = "10.0.0.9:9466"
    source: str = "desk"
    alive: Callable[[int], bool] = lambda minute: True
    listed: Callable[[int], bool] = lambda minute: True
    connected: Over = lambda minute: 1
    acknowledged: Over = lambda minute: minute * 60
    held: Over = none
    refused: Over = none
    received: Over = lambda minute: minute // 3
    events: Over = lambda minute: minute // 3
    forged: Over = none
    unavailable: Over = none
    letters: Over = none


class Exported:
    """All series of some workers and gateways, from minute 0 on, every `step` minutes."""

    def __init__(self, minutes: int, step: int, workers: Sequence[Worker], gateways: Sequence[Gateway] = ()) -> None:
        self._minutes, self.workers = range(0, minutes + 1, step), workers
        self.series: dict[str, str] = {}
        for worker in workers:
            self._health(worker)
        for gateway in gateways:
            self._gateway(gateway)

    def row(self, traffic: Traffic, clock: str, rule: str, scenario: str, objective: float, target: int) -> None:
        """All windows and baselines of one row of labels, its objective and its target (seconds)."""
        labels = {"clock": clock, "rule": rule, "scenario": scenario}
        for outcome in SLOTS:
            for window, length in WINDOWS.items():
                self.shared(
                    Metric.WINDOW_CLOCKS, _windows(traffic.window, outcome, length),
                    window=window, **labels, outcome=outcome,
                )  # fmt: skip
                if window in BASELINE_WINDOWS:
                    self.shared(
                        Metric.WINDOW_BASELINE_CLOCKS, _windows(traffic.baseline, outcome, length),
                        window=window, **labels, outcome=outcome,
                    )  # fmt: skip
        for worker in self.workers:
            self.one(worker, Metric.OBJECTIVE, constant(1), scale=f"{objective:g}", clock=clock, rule=rule)
            self.one(worker, Metric.TARGET, constant(target), clock=clock, rule=rule)

    def shared(self, name: str, count: Count, **labels: str) -> None:
        """A count over all partitions, told by whoever owns them."""
        counts = {minute: count(minute) for minute in self._minutes}
        for worker in self.workers:
            self.one(worker, name, _part(worker, counts.__getitem__), **labels)

    def one(self, worker: Worker | Gateway, name: str, value: Over, scale: str = "", **labels: str) -> None:
        """A series of one of them, there while it answers. `scale`: written instead of every value that is there."""
        values = [value(minute) if worker.alive(minute) else None for minute in self._minutes]
        labels |= {"instance": worker.instance, "job": _job(worker)}
        shown = ", ".join(f'{label}="{text}"' for label, text in labels.items())
        self.series[f"{name}{{{shown}}}"] = _notation(values, scale)

    def _up(self, target: Worker | Gateway) -> None:
        up = [int(target.alive(minute)) if target.listed(minute) else None for minute in self._minutes]
        self.series[f'up{{instance="{target.instance}", job="{_job(target)}"}}'] = _notation(up)

    def _gateway(self, gateway: Gateway) -> None:
        self._up(gateway)
        told: dict[GatewayMetric, Over] = {
            GatewayMetric.CONNECTED: gateway.connected,
            GatewayMetric.ACKNOWLEDGED: gateway.acknowledged,
            GatewayMetric.CONFIGURATION_REFUSED: gateway.refused,
            GatewayMetric.PUBLISH_FAILURES: gateway.unavailable,
        }
        of_source: dict[GatewayMetric, Over] = {
            GatewayMetric.HELD: gateway.held,
            GatewayMetric.RECEIVED: gateway.received,
            GatewayMetric.EVENTS: gateway.events,
        }
        for name, value in told.items():
            self.one(gateway, name, value)
        for name, value in of_source.items():
            self.one(gateway, name, value, source=gateway.source)
        rejected = {Refusal.SIGNATURE: gateway.forged, Refusal.UNAVAILABLE: gateway.unavailable, Refusal.STALE: none}
        for reason, value in rejected.items():
            self.one(gateway, GatewayMetric.REJECTED, value, source=gateway.source, reason=reason)
        self.one(gateway, GatewayMetric.DEAD_LETTERS, gateway.letters, source=gateway.source, reason="event")

    def _health(self, worker: Worker) -> None:
        self._up(worker)
        told: dict[Metric, Over] = {
            Metric.WORKER_PARTITIONS: lambda minute: len(worker.owns(minute)),
            Metric.TOPIC_PARTITIONS: constant(PARTITIONS),
            Metric.WORKER_RECOVERING: worker.recovering,
            Metric.DEADLINE_SWEEP: worker.sweep,
            Metric.PROBE: worker.probe,
            Metric.WORKER_REBALANCES: worker.rebalances,
            Metric.STREAM_HOLES: worker.holes,
            Metric.SEAL_MISMATCH: worker.mismatches,
            Metric.EVENTS_DUPLICATE: constant(0),
        }
        for name, value in told.items():
            self.one(worker, name, value)
        self.one(worker, Metric.EVENTS_PROCESSED, worker.processed, type="event")
        self.one(worker, Metric.EVENTS_REJECTED, worker.rejected, reason="schema")
        self.one(worker, Metric.EVENTS_REJECTED, constant(0), reason="too_late")
        self.one(worker, Metric.SOURCE_STALE, worker.stale, source="desk", mode="live")
        for partition in range(PARTITIONS):
            if any(partition in worker.owns(minute) for minute in self._minutes):
                self.one(worker, Metric.CONSUMER_LAG, _lag(worker, partition), partition=str(partition))


def _job(target: Worker | Gateway) -> str:
    return "supportpulse" if isinstance(target, Worker) else "supportpulse-gateway"


def _windows(count: Callable[[str, int, int], int], outcome: str, length: int) -> Count:
    return lambda minute: count(outcome, minute, length)


def _part(worker: Worker, count: Count) -> Over:
    return lambda minute: sum((count(minute) + partition) // PARTITIONS for partition in worker.owns(minute))


def _lag(worker: Worker, partition: int) -> Over:
    return lambda minute: worker.lag(partition, minute) if partition in worker.owns(minute) else None


def _notation(values: Sequence[int | None], scale: str = "") -> str:
    """promtool's notation, with repetitions folded; a series that ends is marked stale, as a scrape does."""
    found: list[str] = []
    place, there = 0, False
    while place < len(values):
        value, run = values[place], 1
        if value is None and there:
            found.append("stale")
        else:
            while place + run < len(values) and values[place + run] == value:
                run += 1
            found.append(f"_x{run}" if value is None else f"{scale or value}+0x{run - 1}")
        there = value is not None
        place += run
    return " ".join(found)
