"""From one policy file to an edition: its clocks, rules and targets, checked."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from functools import cache
from math import prod
from pathlib import Path
from typing import Any, NoReturn, TypeVar

from xxhash import xxh3_128_hexdigest

from supportpulse import names
from supportpulse.calendars import ALWAYS, Calendar, build_calendar
from supportpulse.durations import VALID as VALID_DURATION
from supportpulse.durations import parse_duration
from supportpulse.errors import PolicyError
from supportpulse.policy_file import CalendarTable, ClockTable, PolicyFile, RuleTable, read_toml, validate
from supportpulse.rules import NONE, OTHER, ClockSpec, Edition, Rule, Target
from supportpulse.rules import reachable as reachable_by

SERIES_PER_LABEL_SET = 5 * (len(names.WINDOWS_SECONDS) + len(names.BASELINE_WINDOWS))
"""Window and baseline series of one clock under one label set: 5 outcomes each; what the series budget counts."""

MOST_LABEL_SETS = 65_536
BUILT_IN = Path(__file__).with_name("policies") / "clocks.toml"

Thing = TypeVar("Thing")


@cache
def _built_in_clocks() -> dict[str, dict[str, Any]]:
    return read_toml(BUILT_IN)


class EditionFile:
    """One file on its way to an Edition: its names resolved, its sense checked."""

    def __init__(self, file: str, content: PolicyFile, made: dict[tuple[str, str], Calendar]) -> None:
        """`made` are the calendars of all files by name and what they say: one that was not edited stays the same."""
        self.file, self.content = file, content
        self._made = made
        self.calendars = {ALWAYS.name: ALWAYS}
        self.used: tuple[ClockSpec, ...] = ()
        self.sites: dict[str, Calendar] = {}
        self.waiting: tuple[tuple[str, int], ...] = ()

    def edition(self) -> Edition:
        """The file's edition; raises `PolicyError`. `used`, `sites` and `waiting` hold only after it."""
        content = self.content
        self.calendars |= {name: self._calendar(name, table) for name, table in content.calendars.items()}
        self._check_enums()
        clocks = self._clocks()
        rules = tuple(self._rule(rule, clocks) for rule in content.rules)
        self._once("rules", [rule.name for rule in rules])
        self.sites = {
            name: self._named(self.calendars, site.shift, f"sites.{name}.shift") for name, site in content.sites.items()
        }
        for place, clock in enumerate(content.waiting_clocks):
            self._named(clocks, clock, f"waiting_clocks.{place}")
        for source, url in content.ticket_url.items():
            if "{ticket_id}" not in url:
                self._refuse(f"ticket_url.{source}", url, "an address with {ticket_id} in it")
        self.waiting = self._waiting()
        targeted = {clock for rule in rules for clock in rule.targets}
        self.used = tuple(clock for name, clock in clocks.items() if name in targeted)
        since = (content.valid_from - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)
        return Edition(self.file, since, self._digest(self.used, rules), content.applies_to, rules)

    def _calendar(self, name: str, table: CalendarTable) -> Calendar:
        if name == ALWAYS.name:
            self._refuse(f"calendars.{name}", name, "another name: 24x7 is built in")
        key = name, json.dumps(table.model_dump(mode="json"), sort_keys=True)
        if key not in self._made:
            days = table.holidays
            self._made[key] = build_calendar(
                name,
                table.timezone,
                table.hours,
                dates=days.dates,
                ranges=days.ranges,
                countries=days.countries,
                source=self.file,
            )
        return self._made[key]

    def _clocks(self) -> dict[str, ClockSpec]:
        """Built-in clocks in the order of their file, then the policy's own; an override replaces the keys it names."""
        built_in = _built_in_clocks()
        merged = {name: validate(ClockTable, keys, str(BUILT_IN), f"{name}.") for name, keys in built_in.items()}
        for name, table in self.content.clocks.items():
            said = {key: getattr(table, key) for key in table.model_fields_set}
            if name not in built_in and (missing := [key for key in ("start", "stop") if key not in said]):
                self._refuse(f"clocks.{name}", f"no {missing[0]}", "at least one start and one stop condition")
            merged[name] = validate(ClockTable, built_in.get(name, {}) | said, self.file, f"clocks.{name}.")
        clocks = {name: ClockSpec(name=name, **table.model_dump()) for name, table in merged.items()}
        for clock in clocks.values():
            held = [condition for condition in clock.pause if not condition.startswith("status:")]
            if held and not clock.resume:
                self._refuse(f"clocks.{clock.name}.resume", [], f"a condition that ends the pause by {held[0]}")
        return clocks

    def _rule(self, rule: RuleTable, clocks: Mapping[str, ClockSpec]) -> Rule:
        key = f"rules.{rule.name}"
        for attribute, values in rule.match.items():
            enum = self.content.enums.get(attribute, values)
            for value in values:
                self._named(dict.fromkeys(enum), value, f"{key}.match.{attribute}")
        default = self._named(self.calendars, rule.calendar, f"{key}.calendar")
        objective = self.content.objective if rule.objective is None else rule.objective
        at_risk = self.content.at_risk_share if rule.at_risk_share is None else rule.at_risk_share
        targets = {}
        for clock, goal in rule.targets.items():
            self._named(clocks, clock, f"{key}.targets.{clock}")
            own = goal.calendar and self._named(self.calendars, goal.calendar, f"{key}.targets.{clock}.calendar")
            targets[clock] = Target(
                goal.target,
                own or default,
                objective if goal.objective is None else goal.objective,
                at_risk if goal.at_risk_share is None else goal.at_risk_share,
            )
        return Rule(rule.name, {name: frozenset(values) for name, values in rule.match.items()}, targets)

    def _waiting(self) -> tuple[tuple[str, int], ...]:
        found = []
        for place, text in enumerate(self.content.waiting):
            try:
                found.append((text, parse_duration(text)))
            except ValueError:
                self._refuse(f"waiting.{place}", text, VALID_DURATION)
        self._once("waiting", [str(ms) for _, ms in found])
        return tuple(sorted(found, key=lambda pair: pair[1]))

    def _check_enums(self) -> None:
        for attribute, values in self.content.enums.items():
            self._once(f"enums.{attribute}", values)
            if reserved := {OTHER, NONE}.intersection(values):
                self._refuse(
                    f"enums.{attribute}", min(reserved), f"values besides {OTHER!r} and {NONE!r}: they are implied"
                )
        self._once("labels", self.content.labels)
        for label in self.content.labels:
            if label != "rule":
                self._named(self.content.enums, label, "labels", "a label with its values listed in [enums]: ")

    def check_series(self, rules: Collection[Rule]) -> None:
        """Count distinct (clock, label values) a ticket can reach: a rule that fixes its scenario has only that one."""
        enums = self.content.enums
        names = len({rule.name for rule in rules})
        sizes = [names if label == "rule" else len(enums[label]) + 2 for label in self.content.labels]
        if prod(sizes) > MOST_LABEL_SETS:
            self._refuse(
                "labels", f"{prod(sizes)} combinations", f"at most {MOST_LABEL_SETS}: fewer labels or shorter enums"
            )
        reached = reachable_by(rules, self.content.labels, enums)
        series, budget = len(reached) * SERIES_PER_LABEL_SET, self.content.series_budget
        if series > budget:
            valid = f"at most {budget} window series a worker: fewer labels, rules or targets, or a larger budget"
            self._refuse("series_budget", f"{series} series", valid)

    def _digest(self, clocks: tuple[ClockSpec, ...], rules: tuple[Rule, ...]) -> str:
        """Of all that decides or is published, however it is written; ticket links and the budget do neither."""
        content = self.content.model_dump(mode="json", exclude={"ticket_url", "series_budget", "clocks", "rules"})
        content["valid_from"] = self.content.valid_from.astimezone(UTC).isoformat()
        content["clocks"] = [asdict(clock) for clock in clocks]
        content["rules"] = [
            {
                "name": rule.name,
                "match": {name: sorted(values) for name, values in rule.match.items()},
                "targets": {
                    clock: [goal.target_ms, goal.calendar.name, goal.objective, goal.at_risk_share]
                    for clock, goal in rule.targets.items()
                },
            }
            for rule in rules
        ]
        return xxh3_128_hexdigest(json.dumps(content, sort_keys=True, separators=(",", ":")).encode())

    def _once(self, key: str, values: Iterable[str]) -> None:
        for value, count in Counter(values).items():
            if count > 1:
                self._refuse(key, value, "each one once")

    def _named(self, known: Mapping[str, Thing], name: str, key: str, what: str = "one of: ") -> Thing:
        if name not in known:
            self._refuse(key, name, what + ", ".join(known))
        return known[name]

    def _refuse(self, key: str, found: object, valid: str) -> NoReturn:
        raise PolicyError(self.file, key, found, valid)
