"""Why did this breach? All that can be told of one ticket's clocks, from its events.

The timeline in the order of events, the account of each cycle's running time, what the helpdesk itself says of it and,
where it is known how the records arrived, what was said when and what was taken back.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from supportpulse.account import Account, account
from supportpulse.account_line import line
from supportpulse.agreement import Agreement, agreements
from supportpulse.clock import Plan
from supportpulse.course import courses
from supportpulse.events import TicketEvent
from supportpulse.facts import Reading
from supportpulse.hearing import Admitted, Arrival, Hearing, Saying
from supportpulse.narrate import describe
from supportpulse.outcome import KIND_NAMES, cycle_name
from supportpulse.policy import Edition, Policy
from supportpulse.reader import read_event
from supportpulse.record import iso
from supportpulse.ticket import Plans
from supportpulse.timeline import Step, Telling
from supportpulse.verdicts import NetView, Verdict


@dataclass(frozen=True)
class CycleTold:
    """One cycle: what stands of it, None while undecided, and the account of its running time in numbers and words."""

    account: Account
    verdict: Verdict | None
    line: str


@dataclass
class Explanation:
    """The timeline of a ticket as of an instant (ms, -1: nothing is decided yet), and the edition that rules it then.

    `heard` is None where nothing is known of arrivals.
    """

    key: str
    plan: Plan
    edition: Edition
    as_of: int
    rule: str
    steps: list[Step]
    net: NetView
    cycles: list[CycleTold]
    agreements: list[Agreement]
    arrivals: dict[str, Admitted]
    sayings: list[Saying]
    heard: Hearing | None

    def as_json(self) -> dict[str, Any]:
        """One object; times as RFC 3339."""
        return {
            "ticket": self.key,
            "as_of": _iso(self.as_of),
            "policy": self._edition(self.edition) | {"rule": self.rule},
            "steps": [self._step(step) for step in self.steps],
            "cycles": [self._cycle(told) for told in self.cycles],
            "verdicts": [
                {"clock": clock, "cycle": cycle} | _verdict(verdict)
                for (_, clock, cycle), verdict in sorted(self.net.items())
            ],
            "vendor": [one.as_json() for one in self.agreements],
            "said": [_saying(saying) for saying in self.sayings],
            "refused": [
                _place(refused.arrival) | {"reason": refused.reason, "detail": refused.detail}
                for refused in (self.heard.refused if self.heard else ())
            ],
        }

    def _step(self, step: Step) -> dict[str, Any]:
        found = self.arrivals.get(step.event.id) if step.event else None
        return {
            "time": iso(step.time),
            "id": step.event.id if step.event else None,
            "event": describe(step.event) if step.event else None,
            **(_place(found.arrival) if found else {}),
            **({"late": found.late} if found else {}),
            "note": step.note or None,
            "changes": [
                {"time": iso(change.time), "clock": change.clock, "cycle": change.cycle, "what": change.what,
                 "deadline": None if change.deadline is None else iso(change.deadline), "words": change.words}
                for change in step.changes
            ],
        }  # fmt: skip

    def _edition(self, edition: Edition) -> dict[str, Any]:
        return {"name": self.plan.version.name, "file": edition.file, "digest": edition.digest,
                "valid_from": iso(edition.valid_from_ms)}  # fmt: skip

    def _cycle(self, told: CycleTold) -> dict[str, Any]:
        verdict = {"verdict": None, "time": None} if told.verdict is None else _verdict(told.verdict)
        return {
            "clock": told.account.clock,
            "cycle": told.account.cycle,
            "started": iso(told.account.begin),
            "ended": None if told.account.end is None else iso(told.account.end),
            **verdict,
            **told.account.as_json(),
            "words": told.line,
            "policies": [
                self._edition(term.edition)
                | {"since": iso(term.since), "rule": term.rule, "target_ms": term.aim.target if term.aim else None}
                for term in told.account.terms
            ],
        }


def explain(
    events: Iterable[TicketEvent], policy: Policy, as_of: int, clock: str | None = None, heard: Hearing | None = None
) -> Explanation:
    """The timeline of one ticket's events (at least one), up to `as_of` (ms), of one clock or of all."""
    read: dict[int, tuple[Reading, TicketEvent]] = {}
    for event in events:
        reading = read_event(event)
        if isinstance(reading, Reading):  # a marker says nothing: `as_of` stands for it
            read.setdefault(reading.id64, (reading, event))
    ordered = sorted(read.values(), key=lambda pair: (pair[0].time, pair[0].sequence, pair[0].id64))
    key = ordered[0][0].key
    told = Telling(policy, key, clock)
    for number, (reading, event) in enumerate(ordered):
        if number:
            told.wait(min(reading.time - 1, as_of))
        told.admit(reading, event)
    told.wait(as_of)
    fold = told.ticket.fold
    net = {place: verdict for place, verdict in told.net.items() if clock in (None, place[1])}
    readings = [reading for reading, _ in ordered]
    judged = agreements({one.id64: event for one, event in ordered}, readings, Plans(policy), told.compared, as_of)
    return Explanation(
        key,
        fold.plan,
        fold.plan.version.editions[fold.edition],
        as_of,
        fold.plan.rule_name(fold.binding),
        told.steps,
        net,
        _cycles(readings, policy, max(as_of, readings[-1].time), net, clock),
        [one for one in judged if clock in (None, one.clock)],
        {one.event.id: one for one in heard.admitted} if heard else {},
        [one for one in heard.sayings if clock in (None, one.clock)] if heard else [],
        heard,
    )


def _cycles(readings: list[Reading], policy: Policy, until: int, net: NetView, clock: str | None) -> list[CycleTold]:
    plan, traced = courses(readings, Plans(policy), until)
    found = []
    for course in traced:
        name = plan.clocks[course.clock].name
        if clock in (None, name):
            verdict = net.get((readings[0].key, name, cycle_name(course.cycle)))
            told = account(plan, course, until, verdict)
            found.append(CycleTold(told, verdict, line(told, verdict and verdict[0], until)))
    return found


def _iso(ms: int) -> str | None:
    return iso(ms) if ms >= 0 else None


def _verdict(verdict: Verdict) -> dict[str, Any]:
    kind, time, deadline = verdict
    return {"verdict": kind, "time": iso(time), "deadline": None if deadline is None else iso(deadline)}


def _place(arrival: Arrival) -> dict[str, Any]:
    arrived = None if arrival.arrived is None else iso(arrival.arrived)
    return {"partition": arrival.partition, "offset": arrival.offset, "arrived": arrived}


def _saying(saying: Saying) -> dict[str, Any]:
    said, event, marker = saying.said, saying.event, saying.marker
    return {
        "what": "retracted" if said.because else KIND_NAMES[said.kind],
        "retracts": KIND_NAMES[said.kind] if said.because else None,
        "because": said.because or None,
        "clock": saying.clock,
        "cycle": cycle_name(said.cycle),
        "time": iso(said.time),
        "deadline": _iso(said.deadline),
        **_place(saying.cause),
        "id": event.id if event else None,
        "happened": iso(saying.happened),
        "marker": _place(marker.arrival) | {"at": iso(marker.at)} if marker else None,
        "policy": saying.plan.edition(said.binding).digest,
    }
