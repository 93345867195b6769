"""Everything that is recorded and alerted on, for one shape of policy."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from supportpulse.alerting.alert import Alert
from supportpulse.alerting.gateway import gateway
from supportpulse.alerting.health import health
from supportpulse.alerting.level import Shape
from supportpulse.alerting.recording import Record, recordings
from supportpulse.alerting.thresholds import thresholds
from supportpulse.alerting.tiers import tiers
from supportpulse.alerting.tuning import TUNED, Tuning
from supportpulse.rules import Policy


@dataclass(frozen=True)
class Group:
    """Rules that are evaluated together, in this order. `scaled`: their times shrink with the time scale."""

    name: str
    scaled: bool
    alerts: tuple[Alert, ...]


def shape_of(policy: Policy) -> Shape:
    """What the rules have to know of the newest version of a policy."""
    newest = policy.versions[-1]
    rising = sorted(newest.waiting, key=lambda threshold: threshold[1])
    return Shape(newest.labels, tuple(name for name, _ in rising), newest.waiting_clocks)


def recorded(shape: Shape, tuning: Tuning = TUNED) -> tuple[Record, ...]:
    """All recording rules, in the order they depend on each other."""
    return tuple(recordings(shape, tuning))


def groups(shape: Shape, tuning: Tuning = TUNED) -> tuple[Group, ...]:
    """All alerts; a tier comes after those it is quiet for. The first group reads what is recorded."""
    return (
        Group("sla_windows", True, tuple(tiers(shape, tuning))),
        Group("sla_thresholds", True, tuple(thresholds(shape, tuning))),
        Group("sla_pipeline", False, tuple(health(shape))),
        Group("sla_gateway", False, tuple(gateway())),
    )


def alerts(shape: Shape, tuning: Tuning = TUNED) -> Iterator[Alert]:
    """The alerts of all groups."""
    for group in groups(shape, tuning):
        yield from group.alerts
