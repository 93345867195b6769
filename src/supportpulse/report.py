"""What a log comes to under a policy: counts and durations per clock and rule, and how two policies differ."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from math import ceil
from typing import Any

from supportpulse.evaluate import Evaluation
from supportpulse.outcome import KIND_NAMES, LATE, MET, STARTED, VERDICTS, Emission
from supportpulse.verdicts import NetView

OPEN = "open"


@dataclass
class Line:
    """Cycles of one clock under one rule; `durations` are running ms of those that stopped, met or late."""

    clock: str
    rule: str
    counts: Counter[str] = field(default_factory=Counter)
    durations: list[int] = field(default_factory=list)

    @property
    def breach_share(self) -> float | None:
        """Breached / (met + breached), None while nothing was decided."""
        decided = self.counts["met"] + self.counts["breached"]
        return self.counts["breached"] / decided if decided else None

    def percentile(self, share: float) -> int | None:
        """The running ms that this share of stopped cycles did not exceed (nearest rank), None without any."""
        ranked = sorted(self.durations)
        return ranked[max(ceil(len(ranked) * share) - 1, 0)] if ranked else None

    def as_json(self) -> dict[str, Any]:
        """One flat object."""
        return {
            "clock": self.clock,
            "rule": self.rule,
            **{verdict: self.counts[verdict] for verdict in ("met", "breached", "cancelled", OPEN)},
            "breach_share": self.breach_share,
            "p50_ms": self.percentile(0.5),
            "p90_ms": self.percentile(0.9),
        }


def per_clock_and_rule(evaluation: Evaluation) -> list[Line]:
    """The lines of a log, by clock and then rule in the order of the policy."""
    lines: dict[tuple[int, str, int, str], Line] = {}
    for key, said in evaluation.said.items():
        plan = evaluation.tickets[key].fold.plan
        for (clock, _), kinds in _standing(said).items():
            last = next((kinds[kind] for kind in VERDICTS if kind in kinds), kinds.get(STARTED))
            if last is None:
                continue
            number = last.binding // plan.labels
            name, rule = plan.clocks[clock].name, plan.version.rules[number - 1].name if number else "none"
            line = lines.setdefault((clock, name, number, rule), Line(name, rule))
            line.counts[OPEN if last.kind == STARTED else KIND_NAMES[last.kind]] += 1
            stopped = kinds.get(MET) or kinds.get(LATE)
            if stopped is not None and stopped.elapsed >= 0:
                line.durations.append(stopped.elapsed)
    return [lines[place] for place in sorted(lines)]


def _standing(said: Iterable[Emission]) -> dict[tuple[int, int], dict[int, Emission]]:
    """(clock, cycle) -> kind -> what was said and not taken back."""
    standing: dict[tuple[int, int], dict[int, Emission]] = {}
    for emission in said:
        kinds = standing.setdefault((emission.clock, emission.cycle), {})
        if emission.because:
            kinds.pop(emission.kind, None)
        else:
            kinds[emission.kind] = emission
    return standing


@dataclass
class Change:
    """How one clock fares under another policy: verdicts `old` and `new`, and `turned` (from, to) -> cycles."""

    clock: str
    old: Counter[str] = field(default_factory=Counter)
    new: Counter[str] = field(default_factory=Counter)
    turned: Counter[tuple[str, str]] = field(default_factory=Counter)

    def as_json(self) -> dict[str, Any]:
        """One object; `turned` has keys such as `met->breached`, `none` standing for no verdict."""
        return {
            "clock": self.clock,
            "old": {**dict(self.old), "breach_share": share(self.old)},
            "new": {**dict(self.new), "breach_share": share(self.new)},
            "turned": {f"{old}->{new}": count for (old, new), count in sorted(self.turned.items())},
        }


def share(counts: Counter[str]) -> float | None:
    """Breached / (met + breached), None while nothing was decided."""
    decided = counts["met"] + counts["breached"]
    return counts["breached"] / decided if decided else None


def compare(old: NetView, new: NetView) -> list[Change]:
    """Every clock with a verdict in either net view, by name."""
    changes: dict[str, Change] = {}
    for place in {**old, **new}:
        change = changes.setdefault(place[1], Change(place[1]))
        before, after = (view[place][0] if place in view else "none" for view in (old, new))
        for counts, verdict in ((change.old, before), (change.new, after)):
            if verdict != "none":
                counts[verdict] += 1
        if before != after:
            change.turned[before, after] += 1
    return [changes[clock] for clock in sorted(changes)]
