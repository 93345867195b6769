"""The overview as a page shows it: numbers and judgements made of what workers export, ready for JSON."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass

from supportpulse import names
from supportpulse.health import Check, Look, checks
from supportpulse.row import RECENT, WINDOW, Row
from supportpulse.scrape import Scrape
from supportpulse.trail import Trail

DEFAULT_URL = "http://127.0.0.1:9464"
"""Where `supportpulse tickets` looks by itself."""
MOST_WORST = 5
_LEVELS = ("far_above", "above")
_DIMENSIONS = (
    ("Timeliness", "Is the answer there in time?", ("first_response", "workaround", "solution")),
    ("Resolution", "Is it over in time, from the solution and from the report?", ("resolution", "complete_resolution")),
    ("Quality", "Does the first answer have substance?", ("substantive_response", "first_response")),
)


@dataclass(frozen=True)
class Line:
    """One group of clocks. Lists are by window, shortest first; share is breached / (met + breached), None without."""

    scenario: str
    clock: str
    level: str
    """The worse of `levels`."""
    levels: dict[str, str]
    """Of the hour and the day against the usual: `far_above`, `above` or nothing."""
    met: list[float]
    breached: list[float]
    share: list[float | None]
    allowed: list[float | None]
    usual: dict[str, float | None]
    budget_left: float | None
    open: float
    at_risk: float
    overdue: float
    waits: list[float]
    """Of each threshold, shortest first."""
    excess: float
    command: str


@dataclass(frozen=True)
class Dimension:
    """One of the three things support is judged by, and the clocks that tell; those a policy has."""

    name: str
    question: str
    clocks: list[Line]


@dataclass(frozen=True)
class Past:
    """Breach share of the last hour, by scenario, as it was at each of these times (seconds since 1970)."""

    at: list[float]
    lines: dict[str, list[float | None]]


@dataclass(frozen=True)
class Overview:
    """All of the page. Times are seconds since 1970."""

    now: float
    as_of: float | None
    """When the numbers were read; None before the first answer."""
    live: bool
    """Some worker answered the last time; else the numbers are old."""
    silent: list[dict[str, str | float | None]]
    """Workers that do not answer: url, since, reason."""
    policy: str
    version: str
    events: int
    windows: list[str]
    thresholds: list[str]
    checks: list[Check]
    dimensions: list[Dimension]
    whole: Line
    scenarios: list[Line]
    clocks: list[Line]
    worst: list[Line]
    past: Past


def overview(looks: Sequence[Look], now: float, trail: Trail, urls: Sequence[str]) -> Overview:
    """Of the workers that answered the last time, together; of all as they last were if none did.

    `urls` are where the commands that list tickets shall ask.
    """
    answering = [look for look in looks if not look.reason]
    used = [look for look in answering or looks if look.scrape is not None]
    scrape = Scrape.merged(look.scrape for look in used if look.scrape is not None)
    as_of = min((look.answered for look in used if look.answered is not None), default=None)
    making = _Making(scrape, urls)
    scenarios = making.lines(names.SCENARIO)
    clocks = making.lines(names.SCENARIO, names.CLOCK)
    by_clock = {line.clock: line for line in making.lines(names.CLOCK)}
    whole = next(iter(making.lines()), making.line(Row(()), ()))
    build = next((labels for labels, _ in scrape.labels(names.Metric.BUILD_INFO)), {})
    if answering and as_of is not None:
        trail.add(as_of, {"": whole.share[0]} | {line.scenario: line.share[0] for line in scenarios})
    return Overview(
        now=now,
        as_of=as_of,
        live=bool(answering),
        silent=[{"url": one.url, "since": one.answered, "reason": one.reason} for one in looks if one.reason],
        policy=build.get("policy", ""),
        version=build.get("version", ""),
        events=scrape.events,
        windows=list(names.WINDOWS_SECONDS),
        thresholds=making.thresholds,
        checks=checks(looks, scrape, as_of),
        dimensions=[
            Dimension(name, question, [by_clock[clock] for clock in wanted if clock in by_clock])
            for name, question, wanted in _DIMENSIONS
        ],
        whole=whole,
        scenarios=scenarios,
        clocks=clocks,
        worst=[line for line in clocks if line.level and line.excess > 0][:MOST_WORST],
        past=Past(trail.times, {name: trail.line(name) for name in ("", *(line.scenario for line in scenarios))}),
    )


class _Making:
    """Lines of one scrape."""

    def __init__(self, scrape: Scrape, urls: Sequence[str]) -> None:
        self._scrape = scrape
        self.thresholds = scrape.thresholds
        self._where = [part for url in urls for part in ("--url", url)] if list(urls) != [DEFAULT_URL] else []

    def lines(self, *by: str) -> list[Line]:
        """Groups by these labels, worst first."""
        return [self.line(row, by) for row in self._scrape.rows(*by, quiet=True)]

    def line(self, row: Row, by: Sequence[str]) -> Line:
        """A row in the page's words."""
        group = dict(zip(by, row.group, strict=True))
        closed = list(row.windows.values())
        levels = {window: row.level(window) for window in (RECENT, WINDOW)}
        return Line(
            scenario=group.get(names.SCENARIO, ""),
            clock=group.get(names.CLOCK, ""),
            level=next((level for level in _LEVELS if level in levels.values()), ""),
            levels=levels,
            met=[one.met for one in closed],
            breached=[one.breached for one in closed],
            share=[_rounded(one.share) for one in closed],
            allowed=[_rounded(one.allowed_share) for one in closed],
            usual={window: _rounded(one.share) for window, one in row.baselines.items()},
            budget_left=_rounded(row.budget_left),
            open=row.open,
            at_risk=row.at_risk,
            overdue=row.overdue,
            waits=[row.waits.get(over, 0) for over in self.thresholds],
            excess=round(row.excess, 1),
            command=self._command(row, group),
        )

    def _command(self, row: Row, group: dict[str, str]) -> str:
        """What lists the tickets behind a line: the worst state that any of its clocks are in."""
        state = "overdue" if row.overdue else "waiting" if row.waiting else "at_risk" if row.at_risk else "open"
        narrowed = [part for label, value in group.items() if value != "all" for part in (f"--{label}", value)]
        return shlex.join(["supportpulse", "tickets", "--state", state, *narrowed, *self._where])


def _rounded(share: float | None) -> float | None:
    return None if share is None else round(share, 4)
