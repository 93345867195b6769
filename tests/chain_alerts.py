"""What a Prometheus saw of alerts and of single series, sample by sample, with the times it saw them at."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from time import monotonic, time
from typing import Any, NamedTuple

from supportpulse.edges.prometheus import Prometheus

CONFIG = """
global:
  scrape_interval: {scrape}s
  scrape_timeout: {scrape}s
  evaluation_interval: {rules}s
rule_files: [rules.yml]
scrape_configs:
  - job_name: supportpulse
    static_configs:
      - targets: ["{target}"]
"""


class Alert(NamedTuple):
    """An alert in one of its states, `pending` or `firing`; `about` is its clock and scenario, if it has them."""

    name: str
    state: str
    about: str = ""


Sample = tuple[float, float]
"""(seconds, value)"""


@dataclass
class Sight:
    """One Prometheus, looked at from outside."""

    prometheus: Prometheus

    async def raw(self, selector: str, since: float) -> list[tuple[Mapping[str, str], list[Sample]]]:
        """All samples of some series after `since` (seconds), at the times they were taken."""
        now = time() + 1
        span = int((now - since) * 1000)
        found = await asyncio.to_thread(self.prometheus.query, f"{selector}[{span}ms]", now)
        return [(one["metric"], [(float(at), float(value)) for at, value in one["values"]]) for one in found]

    async def samples(self, selector: str, since: float) -> list[Sample]:
        """The samples of one series."""
        found = await self.raw(selector, since)
        assert len(found) == 1, f"{selector}: found {[labels for labels, _ in found]}"
        return found[0][1]

    async def alerts(self, since: float) -> dict[Alert, list[float]]:
        """Every alert seen since then, and the evaluations that saw it."""
        found: dict[Alert, list[float]] = {}
        for labels, samples in await self.raw("ALERTS", since):
            found.setdefault(_alert(labels), []).extend(at for at, _ in samples)
        return found

    async def value(self, expression: str) -> float | None:
        """What an expression that gives one number gives now; None if it gives nothing."""
        found = await asyncio.to_thread(self.prometheus.query, expression)
        return float(found[0]["value"][1]) if found else None

    async def standing(self) -> set[Alert]:
        """The alerts of the last evaluation."""
        found = await asyncio.to_thread(self.prometheus.query, "ALERTS")
        return {_alert(one["metric"]) for one in found}

    async def until(self, look: Callable[[], Any], what: str, seconds: float) -> Any:
        """Wait until an awaited look finds something; AssertionError that names it after a deadline."""
        deadline = monotonic() + seconds
        while not (found := await look()):
            assert monotonic() < deadline, f"not within {seconds:g} s: {what}; alerts: {sorted(await self.standing())}"
            await asyncio.sleep(0.2)
        return found

    async def stands(self, alert: Alert, seconds: float) -> None:
        """Wait until an alert is in this state."""

        async def there() -> bool:
            return alert in await self.standing()

        await self.until(there, str(alert), seconds)

    async def nothing_but(self, alerts: set[Alert], seconds: float) -> None:
        """Wait until these stand and no others."""

        async def alone() -> bool:
            return await self.standing() == alerts

        await self.until(alone, f"nothing but {sorted(alerts)}", seconds)

    async def evaluations(self, number: int, seconds: float) -> None:
        """Wait for so many more evaluations of the rules."""
        began = time()

        async def counted() -> bool:
            found = await self.raw('ALERTS{alertname="SlaWatchdog"}', began)
            return bool(found) and len(found[0][1]) >= number

        await self.until(counted, f"{number} evaluations", seconds)


def reached(samples: list[Sample], count: int) -> float:
    """When a series first stood at a count or more; AssertionError if it never did."""
    for at, value in samples:
        if value >= count:
            return at
    raise AssertionError(f"{count} was never reached: {samples[-3:]}")


def _alert(labels: Mapping[str, str]) -> Alert:
    about = " ".join(labels[name] for name in ("clock", "scenario") if name in labels)
    return Alert(labels["alertname"], labels["alertstate"], about)
