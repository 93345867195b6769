"""What a policy says once it is read: clocks, rules, targets, and the versions of them in time."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import chain, product
from typing import Literal

from supportpulse.calendars import Calendar

CONDITIONS = (
    "created", "customer_message", "public_reply", "substantive_reply", "bot_reply", "internal_note",
    "problem_confirmed", "cause_identified", "workaround_provided", "solution_provided", "customer_confirmed",
    "completely_resolved", "resolved", "closed", "reopened",
    "status:new", "status:open", "status:pending_customer", "status:pending_third_party",
    "status:solved", "status:closed",
    "assigned", "left_team", "handed_over", "shift_ended", "touched_by_next_site", "escalated", "priority_changed",
    "split", "rated", "knowledge_linked", "known_issue_linked",
)  # fmt: skip
"""The closed vocabulary of clock conditions; a position is a bit of the fold's masks."""

ATTRIBUTES = ("scenario", "sub_scenario", "priority", "region", "channel", "tier", "source", "vendor")
"""What a rule may match on, and what may be a metric label beside the rule."""

OTHER, NONE = "other", "none"
"""Label values of an attribute outside its enum, and of a missing one."""

Cycles = Literal["one", "many"]
Reopen = Literal["first_only", "new_cycle", "resume", "last"]
RuleChange = Literal["retarget_keep_elapsed", "retroactive", "new_clock", "frozen"]
AppliesTo = Literal["new_tickets", "next_event", "open_tickets"]


@dataclass(frozen=True, slots=True)
class ClockSpec:
    """A declared clock: which conditions start, stop, pause, resume, restart and cancel it, and its modes.

    `status:X` in `pause` is a level (paused while the status is X); any other pause condition holds until a resume
    condition. With `after` nothing starts it before an earlier entry has met one of those conditions. A merge cancels
    every running clock, deletion and spam void it: implicit, not conditions.
    """

    name: str
    start: tuple[str, ...]
    stop: tuple[str, ...]
    pause: tuple[str, ...] = ()
    resume: tuple[str, ...] = ()
    restart: tuple[str, ...] = ()
    cancel: tuple[str, ...] = ()
    unless: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    cycles: Cycles = "one"
    reopen: Reopen = "first_only"
    on_rule_change: RuleChange = "retarget_keep_elapsed"


@dataclass(frozen=True, slots=True)
class Target:
    """How long a clock may run, in business ms of a calendar; `objective` is the share that must meet it."""

    target_ms: int
    calendar: Calendar
    objective: float
    at_risk_share: float


@dataclass(frozen=True, slots=True)
class Rule:
    """Targets by clock for the tickets whose attributes match; an attribute not named matches anything."""

    name: str
    match: dict[str, frozenset[str]]
    targets: dict[str, Target]

    def matches(self, attributes: Mapping[str, str | None]) -> bool:
        """Whether every attribute named by the rule has one of its values; a missing attribute has none."""
        return all(attributes.get(name) in values for name, values in self.match.items())

    def decides_as(self, other: Rule) -> bool:
        """Whether tickets under the other rule would notice no difference: same name, targets, calendars and shares."""
        return self.name == other.name and self._deciding() == other._deciding()

    def _deciding(self) -> dict[str, tuple[int, Calendar, float]]:
        return {clock: (goal.target_ms, goal.calendar, goal.at_risk_share) for clock, goal in self.targets.items()}


def reachable(
    rules: Iterable[Rule], labels: Iterable[str], enums: Mapping[str, tuple[str, ...]]
) -> set[tuple[str, ...]]:
    """Distinct (clock, label values) that tickets can have: a rule that fixes its scenario reaches only that one."""
    names = tuple(labels)
    found: set[tuple[str, ...]] = set()
    for rule in rules:
        slots: list[Iterable[str]] = [
            (rule.name,) if label == "rule" else rule.match.get(label, (*enums[label], OTHER, NONE)) for label in names
        ]
        found.update(product(rule.targets, *slots))
    return found


@dataclass(frozen=True, slots=True)
class Edition:
    """One file of a version: its first, or an edit of its rules, which also reaches tickets created before.

    `applies_to` says how it does: with a ticket's next event (`next_event`), or at `valid_from_ms` (`open_tickets`).
    `digest` changes with anything that decides. A calendar that was not edited is the same object as before.
    """

    file: str
    valid_from_ms: int
    digest: str
    applies_to: AppliesTo
    rules: tuple[Rule, ...]


@dataclass(frozen=True)
class PolicyVersion:
    """What holds for tickets created from its first edition's `valid_from_ms` on, with all edits of it."""

    name: str
    index: int
    editions: tuple[Edition, ...]
    clocks: tuple[ClockSpec, ...]
    sites: dict[str, Calendar]
    reopen_window_ms: int
    lateness_ms: int
    waiting: tuple[tuple[str, int], ...]
    waiting_clocks: tuple[str, ...]
    confirmed_by: tuple[str, ...]
    solution_by: tuple[str, ...]
    max_canned_share: float
    labels: tuple[str, ...]
    enums: dict[str, tuple[str, ...]]
    ticket_url: dict[str, str]
    rules: tuple[Rule, ...] = field(init=False, repr=False)
    """Those of all editions, one after the other: an edit moves no rule that stored state counts by."""
    label_sets: tuple[tuple[str, ...], ...] = field(init=False, repr=False)
    """Every combination of label values, in the order of `labels`, the last label running fastest.

    What the names of rules add that came with an edit stands behind what was there before.
    """
    _blocks: dict[str, tuple[int, tuple[dict[str, int], ...]]] = field(init=False, repr=False)
    """Rule name -> where its block of label sets begins, and the places of values in it."""

    def __post_init__(self) -> None:
        """Work out the label sets: rule names and, per attribute label, its enum with `other` and `none` behind it."""
        sets: list[tuple[str, ...]] = []
        blocks: dict[str, tuple[int, tuple[dict[str, int], ...]]] = {}
        for edition in self.editions:
            added = tuple(rule.name for rule in edition.rules if rule.name not in blocks)
            slots = [added if label == "rule" else (*self.enums[label], OTHER, NONE) for label in self.labels]
            places = tuple({value: place for place, value in enumerate(values)} for values in slots)
            begin = len(sets) if "rule" in self.labels else 0
            blocks |= dict.fromkeys(added, (begin, places))
            if begin == len(sets):
                sets += product(*slots)
        object.__setattr__(self, "rules", tuple(chain.from_iterable(edition.rules for edition in self.editions)))
        object.__setattr__(self, "label_sets", tuple(sets))
        object.__setattr__(self, "_blocks", blocks)

    @property
    def file(self) -> str:
        """That of the first edition, as are `valid_from_ms` and `digest`."""
        return self.editions[0].file

    @property
    def valid_from_ms(self) -> int:
        """From when on tickets are created under this version."""
        return self.editions[0].valid_from_ms

    @property
    def digest(self) -> str:
        """Of the first edition."""
        return self.editions[0].digest

    def label_index(self, rule: Rule, attributes: Mapping[str, str | None]) -> int:
        """Position in `label_sets` of a ticket under a rule; outside its enum is `other`, missing is `none`."""
        begin, block = self._blocks[rule.name]
        index = 0
        for label, places in zip(self.labels, block, strict=True):
            value = rule.name if label == "rule" else (attributes.get(label) or NONE)
            place = places.get(value)
            index = index * len(places) + (places[OTHER] if place is None else place)
        return begin + index

    def rule_for(self, attributes: Mapping[str, str | None], edition: int = 0) -> Rule | None:
        """The first rule of an edition that matches, None if none does: such a ticket has no clocks."""
        return next((rule for rule in self.editions[edition].rules if rule.matches(attributes)), None)


@dataclass(frozen=True, slots=True)
class Policy:
    """The versions of one policy in the order of `valid_from_ms`."""

    versions: tuple[PolicyVersion, ...]
    digest: str

    @property
    def editions(self) -> tuple[Edition, ...]:
        """Every file of the policy in the order of `valid_from_ms`."""
        return tuple(edition for version in self.versions for edition in version.editions)

    def at(self, created_ms: int) -> PolicyVersion:
        """The version for a ticket created at an instant: the latest valid by then, else the first."""
        found = bisect_right([version.valid_from_ms for version in self.versions], created_ms)
        return self.versions[max(found - 1, 0)]

    def goals(self, at_ms: int) -> dict[tuple[str, str], Target]:
        """(clock, rule) -> target in force at an instant, and of rules that only earlier versions have.

        The tickets of those are still open.
        """
        found: dict[tuple[str, str], Target] = {}
        for version in self.versions[: self.at(at_ms).index + 1]:
            for number, edition in enumerate(version.editions):
                if number == 0 or edition.valid_from_ms <= at_ms:
                    for rule in edition.rules:
                        found |= {(clock, rule.name): goal for clock, goal in rule.targets.items()}
        return found
