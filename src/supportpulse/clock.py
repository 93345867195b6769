"""One clock: its declaration compiled to masks, and one cycle of it.

Conditions become bits; the set of conditions an entry meets becomes, once and then from a cache, the list of what each
clock has to do. Times are integer milliseconds.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from typing import Final, NamedTuple

from supportpulse import facts as f
from supportpulse.calendars import Calendar
from supportpulse.events import STATUSES
from supportpulse.policy import CONDITIONS, ClockSpec, Edition, PolicyVersion

NEVER: Final = 1 << 62
"""An instant that is never reached."""
LABELS: Final = 1 << 16
"""Room for the label sets of a rule in a binding: more than a policy may have, so that an edit can add some."""

BIT: Final = {name: 1 << position for position, name in enumerate(CONDITIONS)}
STATUS_BIT: Final = tuple(BIT[f"status:{name}"] for name in STATUSES)
STATUS_KNOWN: Final = 1 << len(CONDITIONS)
"""No condition of the vocabulary: a ticket's first status became known, which levels have to look at."""
_ANY_STATUS: Final = sum(STATUS_BIT) | STATUS_KNOWN

STOP, CANCEL, PAUSE, RESUME, RESTART, START, REOPEN, LEVEL = (1 << position for position in range(8))

FIRST_ONLY, NEW_CYCLE, RESUME_CYCLE, LAST = range(4)
REOPEN_MODES: Final = {"first_only": FIRST_ONLY, "new_cycle": NEW_CYCLE, "resume": RESUME_CYCLE, "last": LAST}
KEEP_ELAPSED, RETROACTIVE, NEW_CLOCK, FROZEN = range(4)
RULE_CHANGE_MODES: Final = {
    "retarget_keep_elapsed": KEEP_ELAPSED,
    "retroactive": RETROACTIVE,
    "new_clock": NEW_CLOCK,
    "frozen": FROZEN,
}
INFERENCES: Final = (
    "",
    "first_substantive_reply",
    "status_open",
    "assignment",
    "solution_tag",
    "solution_signals",
    "reply_with_status",
)
"""Inference rules by their code; 0 = said, not inferred."""
INFERENCE_CODE: Final = {name: code for code, name in enumerate(INFERENCES)}


class Aim(NamedTuple):
    """A target as the fold needs it: `target` and `risk` in running milliseconds of `calendar`."""

    target: int
    risk: int
    calendar: Calendar


class Cycle:
    """One cycle of a clock: from the entry that started it to its stop.

    `consumed` is the running time before the current span, which began at `since` (-1 while paused). `risk` and `due`
    are the instants at which the thresholds are reached, NEVER while unknown. `spans` holds past spans as flat pairs,
    kept only where a later rule may have to measure them again.
    """

    __slots__ = ("binding", "consumed", "due", "flags", "id", "inferred", "risk", "since", "spans", "start", "stop")

    RISK_PASSED: Final = 1
    DUE_PASSED: Final = 2
    CONFIRMED: Final = 4
    HELD: Final = 8
    """Paused by an event, until a resume condition."""
    PAUSED_AT_STOP: Final = 16

    def __init__(self, id: int, start: int, binding: int) -> None:
        self.id = id
        self.start = start
        self.binding = binding
        self.consumed = 0
        self.since = start
        self.risk = NEVER
        self.due = NEVER
        self.stop = -1
        self.flags = 0
        self.inferred = 0
        self.spans: list[int] | None = None


class Clock:
    """A declared clock, compiled."""

    __slots__ = ("after", "cancel", "index", "levels", "many", "name", "on_change", "pause", "reopen", "restart",
                 "resume", "start", "stop", "undoable", "unless_agent")  # fmt: skip

    def __init__(self, index: int, spec: ClockSpec) -> None:
        self.index = index
        self.name = spec.name
        self.start = _mask(spec.start)
        self.stop = _mask(spec.stop)
        self.cancel = _mask(spec.cancel)
        self.resume = _mask(spec.resume)
        self.restart = _mask(spec.restart)
        self.pause = _mask(condition for condition in spec.pause if not condition.startswith("status:"))
        self.levels = frozenset(
            STATUSES.index(condition.removeprefix("status:"))
            for condition in spec.pause
            if condition.startswith("status:")
        )
        self.many = spec.cycles == "many"
        self.reopen = REOPEN_MODES[spec.reopen]
        self.on_change = RULE_CHANGE_MODES[spec.on_rule_change]
        self.undoable = self.reopen in (RESUME_CYCLE, LAST)
        self.unless_agent = "agent_created" in spec.unless
        self.after = _mask(spec.after)

    def operations(self, conditions: int) -> int:
        """What the clock has to do for an entry with these conditions, as a mask of operations."""
        found = 0
        if conditions & self.stop:
            found |= STOP
        if conditions & self.cancel:
            found |= CANCEL
        if conditions & self.pause:
            found |= PAUSE
        if conditions & self.resume:
            found |= RESUME
        if conditions & self.restart:
            found |= RESTART
        if conditions & self.start:
            found |= START
        if conditions & BIT["reopened"] and self.reopen != FIRST_ONLY:
            found |= REOPEN
        if self.levels and conditions & _ANY_STATUS:
            found |= LEVEL
        return found


class Plan:
    """A policy version compiled for the fold."""

    def __init__(self, version: PolicyVersion) -> None:
        self.version = version
        self.clocks = tuple(Clock(index, spec) for index, spec in enumerate(version.clocks))
        self.named = {clock.name: clock.index for clock in self.clocks}
        self.labels = LABELS
        self.aims: tuple[tuple[Aim | None, ...], ...] = (
            (None,) * len(self.clocks),
            *(
                tuple(
                    Aim(target.target_ms, int(target.target_ms * target.at_risk_share), target.calendar)
                    if target
                    else None
                    for target in (rule.targets.get(clock.name) for clock in self.clocks)
                )
                for rule in version.rules
            ),
        )
        self.reopen_window = version.reopen_window_ms
        self.retire_after = version.reopen_window_ms + version.lateness_ms
        self.max_canned = round(version.max_canned_share * 100)
        self.confirmed_by = tuple(INFERENCE_CODE[name] for name in version.confirmed_by)
        self.solution_by = tuple(INFERENCE_CODE[name] for name in version.solution_by)
        self.sites = version.sites
        self.awaited = 0
        """Conditions that a clock asks for in an earlier entry."""
        for clock in self.clocks:
            self.awaited |= clock.after
        self.shifts = any(clock.start & BIT["shift_ended"] for clock in self.clocks)
        rules = version.rules
        self._rule_index = {
            id(rule): 1 + next(at for at, other in enumerate(rules) if other.decides_as(rule)) for rule in rules
        }
        """What an edit leaves as it was keeps its place, so no clock notices."""
        self._edition_of = (version.editions[0], *(edition for edition in version.editions for _ in edition.rules))
        self.label_texts: dict[int, str] = {}
        """By binding; see `record`."""
        self._begin = [edition.valid_from_ms for edition in version.editions]
        self.ahead = _ahead(version.editions)
        """By edition: when (ms) an event brings the next one, and when one comes without; NEVER if none does."""
        self._operations: dict[int, tuple[tuple[Clock, int], ...]] = {}
        self._conditions: dict[int, int] = {}
        self._inferred: dict[tuple[int, int, bool], tuple[int, int]] = {}
        self._bindings: dict[tuple[str, tuple[str | None, ...], int], int] = {}

    def aim(self, binding: int, clock: int) -> Aim | None:
        """The target of a clock under a binding."""
        return self.aims[binding // self.labels][clock]

    def rule_name(self, binding: int) -> str:
        """Name of the rule of a binding; `none` without one."""
        number = binding // self.labels
        return self.version.rules[number - 1].name if number else "none"

    def edition(self, binding: int) -> Edition:
        """The edition that the rule of a binding came with, whatever edits left it as it was."""
        return self._edition_of[binding // self.labels]

    def edition_at(self, time: int) -> int:
        """The edition that an event at an instant (ms) brings."""
        return max(bisect_right(self._begin, time) - 1, 0)

    def binding(self, source: str, attributes: tuple[str | None, ...], edition: int = 0) -> int:
        """Rule and label set of a ticket as one integer: rule position (0 = none) times `labels` plus label index."""
        key = (source, attributes, edition)
        found = self._bindings.get(key)
        if found is None:
            named = {"source": source, **dict(zip(f.INTERVAL_ATTRIBUTES, attributes, strict=True))}
            rule = self.version.rule_for(named, edition)
            found = 0
            if rule is not None:
                found = self._rule_index[id(rule)] * self.labels + self.version.label_index(rule, named)
            if len(self._bindings) < 100_000:
                self._bindings[key] = found
        return found

    def operations(self, conditions: int) -> tuple[tuple[Clock, int], ...]:
        """What the clocks have to do for a set of conditions."""
        found = self._operations.get(conditions)
        if found is None:
            found = tuple((clock, ops) for clock in self.clocks if (ops := clock.operations(conditions)))
            self._operations[conditions] = found
        return found

    def conditions(self, facts: int) -> int:
        """The conditions that follow from an entry's facts alone."""
        found = self._conditions.get(facts)
        if found is None:
            found = self._conditions[facts] = self._reduce(facts)
        return found

    def inferred(self, conditions: int, facts: int, replied: bool) -> tuple[int, int]:
        """The first rules that infer a confirmed problem and a given solution, 0 for none.

        `replied`: the last public reply came at the entry's own time.
        """
        key = conditions, facts & _SIGNS, replied
        found = self._inferred.get(key)
        if found is None:
            found = self._inferred[key] = (
                next((rule for rule in self.confirmed_by if _applies(rule, *key)), 0),
                next((rule for rule in self.solution_by if _applies(rule, *key)), 0),
            )
        return found

    def _reduce(self, facts: int) -> int:
        found = sum(BIT[name] for fact, name in f.CONDITIONS if facts & fact)
        if facts & f.PUBLIC_REPLY and self._substantive(facts):
            found |= BIT["substantive_reply"]
        if facts & f.CUSTOMER_CONFIRMED:
            found |= BIT["customer_confirmed"] | BIT["completely_resolved"]
        return found

    def _substantive(self, facts: int) -> bool:
        if facts >> f.CANNED_SHIFT & 0x7F >= self.max_canned or facts & f.MERE_RESTART:
            return False
        return not facts & f.QUESTION or bool(facts & f.NAMES_ITEM)


_SIGNS: Final = f.PUBLIC_REPLY | f.MACRO_SOLUTION | f.EXPLAINS | f.QUESTION
"""Facts that inference rules look at."""


def _applies(rule: int, conditions: int, signs: int, replied: bool) -> bool:
    match INFERENCES[rule]:
        case "first_substantive_reply":
            return bool(conditions & BIT["substantive_reply"])
        case "status_open":
            return bool(conditions & BIT["status:open"])
        case "assignment":
            return bool(conditions & BIT["assigned"])
        case "solution_tag":
            return bool(signs & f.PUBLIC_REPLY and signs & f.MACRO_SOLUTION)
        case "solution_signals":
            return bool(conditions & BIT["substantive_reply"] and signs & f.EXPLAINS and not signs & f.QUESTION)
        case _:
            return replied and bool(conditions & (BIT["status:pending_customer"] | BIT["status:solved"]))


def _ahead(editions: tuple[Edition, ...]) -> tuple[tuple[int, int], ...]:
    found = [(NEVER, NEVER)]
    for edition in reversed(editions[1:]):
        begin = edition.valid_from_ms
        found.insert(0, (begin, begin if edition.applies_to == "open_tickets" else found[0][1]))
    return tuple(found)


def _mask(conditions: Iterable[str]) -> int:
    return sum(BIT[name] for name in set(conditions))
