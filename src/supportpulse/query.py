"""Which tickets are behind a number: a question to one worker, answered from ticket headers.

A row is one running clock of one ticket. The body of a value is read only for the rows shown.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import compress
from typing import Any, NamedTuple, Self
from urllib.parse import quote

from supportpulse import codec
from supportpulse.clock import NEVER
from supportpulse.envelope import from_ms
from supportpulse.errors import ConfigError
from supportpulse.names import TICKET_STATES
from supportpulse.rules import NONE, OTHER, Policy, PolicyVersion
from supportpulse.ticket import Plans

DEFAULT_LIMIT, MOST_ROWS = 100, 10_000


class Hit(NamedTuple):
    """A clock of a ticket that answers a query; `start` is the minute the clock started in."""

    start: int
    key: bytes
    clock: int


@dataclass(frozen=True)
class Query:
    """Running clocks in a state at `now` (ms), of one clock or of all, under some label values; the oldest `limit`."""

    state: str
    now: int
    clock: str | None = None
    labels: Mapping[str, frozenset[str]] = field(default_factory=dict)
    over: str | None = None
    """Of the state waiting: the name of a threshold; None is the shortest."""
    limit: int = DEFAULT_LIMIT

    @classmethod
    def parse(cls, parameters: Mapping[str, Sequence[str]], policy: Policy, now: int) -> Self:
        """From the parameters of an address. Raises `ConfigError`: which, what was found, what is valid."""
        labels = policy.versions[0].labels
        for name in parameters:
            if name not in ("state", "clock", "over", "limit", *labels):
                _refuse("parameter", name, ("state", "clock", "over", "limit", *labels))
        clocks = dict.fromkeys(clock.name for one in policy.versions for clock in one.clocks)
        overs = dict.fromkeys(name for one in policy.versions for name, _ in one.waiting)
        limit = parameters.get("limit", [str(DEFAULT_LIMIT)])[-1]
        if not limit.isascii() or not limit.isdigit() or not 1 <= int(limit) <= MOST_ROWS:
            raise ConfigError(f"limit: found {limit!r}; valid: a whole number from 1 to {MOST_ROWS}")
        return cls(
            state=_one("state", parameters, TICKET_STATES) or "overdue",
            now=now,
            clock=_one("clock", parameters, clocks),
            labels={name: _values(name, parameters[name], policy) for name in labels if name in parameters},
            over=_one("over", parameters, overs),
            limit=int(limit),
        )


class Finder:
    """A query made ready: per policy version a mask of clocks, the label sets that match, and who waits since when."""

    def __init__(self, query: Query, plans: Plans) -> None:
        self.query, self.plans = query, plans
        versions = plans.policy.versions
        self._clocks = tuple(self._mask(version) for version in versions)
        self._labels = tuple(_matching(version, query.labels) for version in versions)
        self._latest = tuple(self._latest_start(version) for version in versions)

    def hits(self, key: bytes, value: bytes) -> Iterator[Hit]:
        """The clocks of a ticket that answer."""
        header = codec.header_of(value)
        state = self.query.state
        wanted = header.at_risk if state == "at_risk" else header.overdue if state == "overdue" else header.running
        wanted &= self._clocks[header.policy]
        if not wanted or not self._labels[header.policy][header.binding % self.plans.plans[header.policy].labels]:
            return
        latest = self._latest[header.policy]
        running = (clock for clock in range(header.running.bit_length()) if header.running >> clock & 1)
        for clock, start in zip(running, codec.starts_of(value, header), strict=True):
            if wanted >> clock & 1 and start <= latest:
                yield Hit(start, key, clock)

    def row(self, hit: Hit, value: bytes) -> dict[str, Any] | None:
        """What is said of a hit; None if the clock stopped since it was found. Times are ISO 8601, UTC."""
        key = hit.key.decode()
        source, _, ticket_id = key.partition("|")
        fold = codec.decode(value, self.plans, source).fold
        version = fold.plan.version
        cycle = fold.cycles[hit.clock] if hit.clock < len(fold.cycles) else None
        if cycle is None or cycle.stop >= 0:
            return None
        link = version.ticket_url.get(source)
        values = version.label_sets[fold.binding % fold.plan.labels]
        return {
            "ticket": key,
            "source": source,
            "ticket_id": ticket_id,
            "clock": version.clocks[hit.clock].name,
            "since": from_ms(cycle.start).isoformat(),
            "due": None if cycle.due == NEVER else from_ms(cycle.due).isoformat(),
            "paused": cycle.since < 0,
            "labels": dict(zip(version.labels, values, strict=True)),
            "url": link and link.replace("{ticket_id}", quote(ticket_id, safe="")),
        }

    def _mask(self, version: PolicyVersion) -> int:
        query = self.query
        chosen = (
            query.clock in (None, clock.name) and (query.state != "waiting" or clock.name in version.waiting_clocks)
            for clock in version.clocks
        )
        return sum(compress((1 << index for index in range(len(version.clocks))), chosen))

    def _latest_start(self, version: PolicyVersion) -> int:
        if self.query.state != "waiting":
            return NEVER
        thresholds = dict(version.waiting)
        over = self.query.over or next(iter(thresholds), None)
        if over not in thresholds:
            return -1
        return (self.query.now - thresholds[over]) // 60_000 - 1


def _matching(version: PolicyVersion, wanted: Mapping[str, frozenset[str]]) -> list[bool]:
    places = [(version.labels.index(name), values) for name, values in wanted.items()]
    return [all(values[at] in allowed for at, allowed in places) for values in version.label_sets]


def _values(label: str, found: Sequence[str], policy: Policy) -> frozenset[str]:
    valid: dict[str, None] = {}
    for version in policy.versions:
        if label == "rule":
            valid |= dict.fromkeys(rule.name for rule in version.rules)
        else:
            valid |= dict.fromkeys((*version.enums[label], OTHER, NONE))
    for value in found:
        if value not in valid:
            _refuse(label, value, valid)
    return frozenset(found)


def _one(name: str, parameters: Mapping[str, Sequence[str]], valid: Mapping[str, None] | Sequence[str]) -> str | None:
    if name not in parameters:
        return None
    found = parameters[name][-1]
    if found not in valid:
        _refuse(name, found, valid)
    return found


def _refuse(name: str, found: str, valid: Mapping[str, None] | Sequence[str]) -> None:
    raise ConfigError(f"{name}: found {found!r}; valid: {', '.join(valid)}")
