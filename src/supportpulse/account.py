"""The account of a cycle: which time counted, on which calendar, and how that makes its deadline."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from supportpulse.calendars import Calendar
from supportpulse.clock import Aim, Plan
from supportpulse.course import Course, Stretch
from supportpulse.outcome import cycle_name
from supportpulse.policy import Edition
from supportpulse.record import iso
from supportpulse.verdicts import Verdict


@dataclass(frozen=True)
class Span:
    """[begin, end) in ms, all of it business time of `calendar`; a pause if there is none."""

    begin: int
    end: int
    calendar: Calendar | None

    @property
    def counted(self) -> int:
        """Milliseconds that count towards the target."""
        return self.end - self.begin if self.calendar else 0


@dataclass(frozen=True)
class Term:
    """From `since` (ms) on a rule of an edition of the policy held, with this target, if it has one for the clock."""

    since: int
    edition: Edition
    rule: str
    aim: Aim | None


@dataclass(frozen=True)
class Account:
    """One cycle's running time. `spans` lead to its end, or to `as_of` while it has none; `due_spans` to its deadline.

    `end` and `deadline` in ms, None if there is none; what `due_spans` count is the target, or what had been counted
    when a change of rules left less than that. A deadline after the end is where the rest would have led.
    """

    clock: str
    cycle: str
    terms: tuple[Term, ...]
    begin: int
    end: int | None
    paused: bool
    spans: tuple[Span, ...]
    deadline: int | None
    due_spans: tuple[Span, ...]

    @property
    def aim(self) -> Aim:
        """The target that held at last."""
        return next(term.aim for term in reversed(self.terms) if term.aim is not None)

    @property
    def elapsed(self) -> int:
        """Running ms."""
        return sum(span.counted for span in self.spans)

    def as_json(self) -> dict[str, Any]:
        """One object; times as RFC 3339, lengths in ms."""
        return {
            "elapsed_ms": self.elapsed,
            "target_ms": self.aim.target,
            "calendar": _calendar(self.aim.calendar),
            "paused": self.paused,
            "spans": [_span(span) for span in self.spans],
            "deadline": None if self.deadline is None else iso(self.deadline),
            "deadline_spans": [_span(span) for span in self.due_spans],
        }


def account(plan: Plan, course: Course, as_of: int, verdict: Verdict | None = None) -> Account:
    """The account of a course at `as_of` (ms); without a verdict the deadline is the course's own, if it has one."""
    due = course.due if course.due >= 0 else None
    if verdict is not None:
        kind, time, due = verdict
        if kind == "cancelled":
            course.cancel(plan.clocks[course.clock], time)
    end = course.end if course.end >= 0 else None
    until = max(as_of, course.start) if end is None else end
    terms = tuple(
        Term(since, plan.edition(binding), plan.rule_name(binding), plan.aim(binding, course.clock))
        for since, binding in course.rules
    )
    spans = tuple(_spans(plan, course, _clipped(course.stretches, until), until))
    due_spans: tuple[Span, ...] = ()
    if due is not None:
        stretches = list(_clipped(course.stretches, due))
        last = course.stretches[-1] if course.stretches else None
        if last is None or 0 <= last.end < due:  # not running when it ended: the rest as if it had gone on from there
            stretches.append(Stretch(until if last is None else max(last.end, until), due, course.binding))
        due_spans = tuple(_spans(plan, course, stretches, due))
    name = plan.clocks[course.clock].name
    return Account(name, cycle_name(course.cycle), terms, course.start, end, course.paused, spans, due, due_spans)


def _clipped(stretches: Iterable[Stretch], until: int) -> Iterator[Stretch]:
    for stretch in stretches:
        end = until if stretch.end < 0 else min(stretch.end, until)
        if stretch.begin < end:
            yield Stretch(stretch.begin, end, stretch.binding)


def _spans(plan: Plan, course: Course, stretches: Iterable[Stretch], until: int) -> Iterator[Span]:
    at = course.start
    for stretch in stretches:
        if at < stretch.begin:
            yield Span(at, stretch.begin, None)
        at = stretch.end
        aim = plan.aim(stretch.binding, course.clock)
        if aim is not None:
            for begin, end in aim.calendar.intervals(stretch.begin, stretch.end):
                yield Span(begin, end, aim.calendar)
    if at < until:
        yield Span(at, until, None)


def _calendar(calendar: Calendar) -> dict[str, str]:
    return {"name": calendar.name, "timezone": calendar.zone.key}


def _span(span: Span) -> dict[str, Any]:
    calendar = span.calendar.name if span.calendar else None
    return {"from": iso(span.begin), "to": iso(span.end), "counted_ms": span.counted, "calendar": calendar}
