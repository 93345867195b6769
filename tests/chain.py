"""The whole chain: a desk, Kafka, a worker, a real Prometheus with the real rules; and what it is to show.

Everything that belongs to windows shrinks with `scale`; scrapes, evaluations and the limits of the pipeline do not.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path
from statistics import median
from time import time

from chain_alerts import CONFIG, Alert, Sight, reached
from chain_desk import Desk, live, tell_history
from fresh import Fresh
from stream_feed import Feed, installed, wall
from supportpulse.alerting.declared import shape_of
from supportpulse.alerting.rule_file import Place, prometheus_file
from supportpulse.alerting.tuning import TUNED
from supportpulse.edges.demo import free_port
from supportpulse.edges.prometheus import Prometheus
from supportpulse.panes import FIVE_MINUTES
from supportpulse.policy import load_policy
from supportpulse.settings import Settings
from worker_process import Process, worker_process

HOUR, DAY = 12, 288
"""In panes."""
CLOCK, LIVE = "first_response", "first_response live"
WATCHDOG = Alert("SlaWatchdog", "firing")
OUTAGE = Alert("SlaClockOutage", "firing", CLOCK)
BREACHED = f'{{window="1h", clock="{CLOCK}"}}'


class Chain:
    """One run. `say` is told what happens and the figures."""

    def __init__(
        self,
        settings: Settings,
        desk: Desk,
        feed: Feed,
        sight: Sight,
        scrape: float,
        rules: float,
        say: Callable[[str], object],
    ) -> None:
        self.settings, self.desk, self.feed, self.sight, self.say = settings, desk, feed, sight, say
        self.scrape, self.rules = scrape, rules
        self.pane = desk.pane / 1000
        """Seconds that stand for 5 minutes."""
        self.deadlines: list[float] = []
        """Of the outage, in seconds."""

    async def history(self) -> None:
        """Import the weeks before while Prometheus looks on: all of it comes to count, and nobody is paged."""
        await self.sight.nothing_but({WATCHDOG}, 60)
        since = time()
        await tell_history(self.feed, self.desk)
        closed = self.desk.closed
        self.say(f"{self.feed.records} records of history sent")
        expression = f'sum(clock:sla_window_closed:sum{{clock="{CLOCK}", window="28d"}})'

        async def counted() -> bool:
            return (await self.sight.value(expression) or 0) > 0.9 * closed * 28 / 29

        await self.sight.until(counted, f"{closed} closed clocks of history in the window of 28 days", 120)
        await self.quiet()
        only({alert for alert in await self.sight.alerts(since) if alert.state == "firing"}, {WATCHDOG})
        self.say("history counted, no alert fired")

    async def quiet(self, evaluations: int = 5) -> None:
        """A steady desk: nothing stands but the alert that always fires."""
        await self.sight.evaluations(evaluations, 60 + evaluations * self.rules)
        only(await self.sight.standing(), {WATCHDOG})

    async def steady(self) -> None:
        """The live desk has come up to now, and nothing stands but the alert that always fires."""

        async def up() -> bool:
            return self.desk.at > wall() - 2 * self.desk.tick - 1000

        await self.sight.until(up, "a desk that is not behind", 60)
        await self.sight.nothing_but({WATCHDOG}, 60 + 3 * self.rules)
        await self.quiet()

    async def outage(self) -> float:
        """Fail, until the outage fires; when it began (seconds)."""
        self.deadlines = [deadline / 1000 for deadline in self.desk.fail()]
        deadlines_in = self.desk.TARGET * self.pane
        begun = self.deadlines[0] - deadlines_in
        self.say(f"the desk fails in {begun - time():.1f} s; the first deadline passes {deadlines_in:g} s later")
        await self.sight.stands(OUTAGE, self.deadlines[-1] - time() + 30 + 3 * self.rules)
        self.say("the outage fires")
        return begun

    async def recovery(self) -> None:
        """All answered: within an hour of the last deadline, and what an alert keeps firing for, all is quiet."""
        last = self.deadlines[-1] + (HOUR + 2) * self.pane
        await self.sight.nothing_but({WATCHDOG}, last - time() + 60 + 3 * self.rules)
        self.say(f"quiet again {time() - self.deadlines[-1]:.1f} s after the last deadline passed")

    async def expected_outage(self, since: float) -> None:
        """Exactly what an outage of the only scenario that has this clock is to raise, since an instant (seconds).

        One trouble, one page: the clock fires, its scenario does no more than wait; the rise, seen first, is outrun.
        """
        seen = await self.sight.alerts(since)
        rising = {Alert(f"Sla{level}Rising1h", "pending", about) for level, about in LEVELS}
        pending = {
            Alert(f"Sla{level}{tier}", "pending", about)
            for level, about in LEVELS
            for tier in ("Outage", "AtRiskRising")
        }
        firing = {OUTAGE, Alert("SlaClockAtRiskRising", "firing", CLOCK)}
        only(seen, {WATCHDOG} | rising | pending | firing)

    async def figures(self, since: float) -> None:
        """How long a deadline takes to be seen, and what comes after; asserts that the pipe adds next to nothing.

        To be asked for once the outage fires; deadlines that passed only just now are left out.
        """
        settled = time() - self.scrape - self.rules - SLACK
        deadlines = [deadline for deadline in self.deadlines if deadline < settled]
        scraped = await self.sight.samples(
            f'sla_window_clocks{{window="1h", clock="{CLOCK}", scenario="live", outcome="breached"}}', since
        )
        recorded = await self.sight.samples(f"clock:sla_window_breached:sum{BREACHED}", since)
        counts = range(1, len(deadlines) + 1)
        visible = [reached(scraped, count) - deadlines[count - 1] for count in counts]
        ruled = [reached(recorded, count) - reached(scraped, count) for count in counts]
        whole = reached(scraped, len(deadlines))
        missing = [at - deadlines[int(value)] for at, value in scraped if at < whole]
        self.say(
            f"deadline passes -> in a sample: median {median(visible):.2f} s, at most {max(visible):.2f} s (scraped "
            f"every {self.scrape:g} s; the oldest that a scrape missed had passed {max(0.0, *missing):.2f} s before)"
        )
        self.say(
            f"sample -> recorded: median {median(ruled):.2f} s, at most {max(ruled):.2f} s (every {self.rules:g} s)"
        )
        both = [one + other for one, other in zip(visible, ruled, strict=True)]
        assert median(both) <= self.scrape + self.rules
        assert max(both) <= self.scrape + self.rules + SLACK

        seen = await self.sight.alerts(since)
        pending, firing = seen[OUTAGE._replace(state="pending")][0], seen[OUTAGE][0]
        before = max((int(value) for at, value in recorded if at < pending), default=0)
        tipping, took = self.deadlines[before], firing - deadlines[0]
        self.say(
            f"deadline {before + 1} tips the balance {tipping - deadlines[0]:.1f} s after the first; -> pending: "
            f"{pending - tipping:.2f} s; -> firing: {firing - pending:.2f} s"
        )
        self.say(
            f"first deadline passes -> firing: {took:.1f} s = {took / self.pane * 5:.0f} minutes of the windows; "
            f"step -> firing: {took + self.desk.TARGET * self.pane:.1f} s"
        )
        assert 0 <= pending - tipping <= self.scrape + self.rules + SLACK
        held = TUNED.outage_for_ms / FIVE_MINUTES * self.pane
        assert held <= firing - pending <= held + 2 * self.rules + SLACK
        at_risk = Alert("SlaClockAtRiskRising", "firing", CLOCK)
        assert seen[at_risk][0] < firing, "the warning comes before"

    async def absence(self, worker: Process, until: Alert, expected: set[Alert]) -> None:
        """Kill the worker: the alerts on the pipe, and no others."""
        since = time()
        await worker.kill()
        await self.sight.stands(until, 200)
        seen = await self.sight.alerts(since)
        self.say(f"killed -> {until.name} firing: {seen[until][0] - since:.1f} s")
        only(seen, {WATCHDOG} | expected)

    async def comeback(self) -> None:
        """A worker again: all counts as before, what was replied meanwhile was in time, nothing stands."""
        await self.sight.nothing_but({WATCHDOG}, 90 + 3 * self.rules)
        self.say("a worker is back, no alert stands")
        since = time()
        await self.quiet(3)
        assert await self.sight.value(f'clock:sla_window_breached:sum{{window="6h", clock="{CLOCK}"}}') == len(
            self.deadlines
        )
        only(await self.sight.alerts(since), {WATCHDOG})


def only(seen: Iterable[Alert], expected: set[Alert]) -> None:
    """Exactly these alerts; AssertionError that says which are too many and which are missing."""
    found = set(seen)
    assert found == expected, f"too many: {sorted(found - expected)}; missing: {sorted(expected - found)}"


LEVELS = (("Clock", CLOCK), ("Scenario", LIVE))
SLACK = 2.0
"""Seconds that a busy host may add to a single scrape or evaluation."""


@asynccontextmanager
async def chain(
    kafka: str,
    fresh: Fresh,
    folder: Path,
    *,
    scale: str,
    scrape: float,
    rules: float,
    say: Callable[[str], object],
) -> AsyncIterator[tuple[Chain, Process]]:
    """Everything running: 29 days of desk not told yet, a worker, Prometheus."""
    pane = int(Decimal(scale) * FIVE_MINUTES)
    now = wall()
    desk = Desk(pane, start=now - 29 * DAY * pane, calm=now - DAY * pane)
    policy = folder / "policy.toml"
    policy.write_text(desk.policy, "utf-8")
    port = free_port("127.0.0.1", 0, None)
    settings = await installed(
        kafka, fresh, folder, policy=policy, time_scale=scale, metrics_port=port, session_timeout_seconds=10
    )
    prometheus = Prometheus(CONFIG.format(scrape=scrape, rules=rules, target=f"127.0.0.1:{port}"))
    text = prometheus_file(shape_of(load_policy(policy)), Place(), float(scale))
    (prometheus.folder / "rules.yml").write_text(text, "utf-8")
    async with Feed(settings) as feed, worker_process(settings, "worker") as worker:
        await worker.says("metrics at")
        with prometheus:
            yield Chain(settings, desk, feed, Sight(prometheus), scrape, rules, say), worker


@asynccontextmanager
async def lively(made: Chain) -> AsyncIterator[None]:
    """The desk lives on meanwhile; an error of its feed is raised."""
    task = asyncio.create_task(live(made.feed, made.desk))
    try:
        yield
        assert not task.done(), task
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
