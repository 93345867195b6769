"""The naive timeline of one ticket: what held after each step, worked out from the whole sorted list of its events."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import xxhash

from oracle_events import (
    DESCRIPTION,
    DONE,
    actor_kind,
    canned_percent,
    confirms,
    created_at,
    entry_order,
    entry_time,
    explains,
    hexed,
    id64,
    kind,
    observed,
)
from supportpulse.events import HandedOver, MessagePosted, TicketEvent, VendorVerdict
from supportpulse.rules import Edition, Policy, PolicyVersion, Rule, Target

EXPLICIT = {
    "CauseIdentified": "cause_identified",
    "WorkaroundProvided": "workaround_provided",
    "HandedOver": "handed_over",
    "Escalated": "escalated",
    "TicketSplit": "split",
    "SatisfactionRated": "rated",
    "KnowledgeLinked": "knowledge_linked",
    "KnownIssueLinked": "known_issue_linked",
}


@dataclass(frozen=True)
class Binding:
    """What decides about a cycle: the rule of the ticket and its label set."""

    rule: Rule | None
    label: int

    def same(self, other: Binding) -> bool:
        """Whether nothing changed between the two: an edit may repeat a rule word for word."""
        if self.rule is None or other.rule is None:
            return self.rule is other.rule and self.label == other.label
        told = [
            (one.rule.name, one.label, {name: _target(goal) for name, goal in one.rule.targets.items()})
            for one in (self, other)
        ]
        return told[0] == told[1]


def _target(goal: Target) -> tuple[object, ...]:
    return goal.target_ms, goal.calendar, goal.at_risk_share


@dataclass(frozen=True)
class Step:
    """One entry, the creation, the end of a shift or an edit of the policy.

    Every field but `time`, `name`, `conditions` holds after it.
    """

    time: int
    name: str
    conditions: frozenset[str]
    status: str | None
    binding: Binding
    agent_created: bool
    merged: bool
    void: bool


@dataclass
class Ticket:
    """What is known of a ticket between two steps."""

    source: str
    version: PolicyVersion
    edition: int = 0
    attributes: dict[str, str | None] = field(default_factory=dict)
    created: bool = False
    agent_created: bool = False
    merged: bool = False
    void: bool = False
    confirmed: bool = False
    solved: bool = False
    last_reply: int | None = None
    owner: str | None = None
    assigning: int = 0
    shift_end: int | None = None
    handing: str | None = None

    @property
    def status(self) -> str | None:
        return self.attributes.get("status")

    def step(self, time: int, name: str, conditions: set[str]) -> Step:
        """The step that leads to what is known now."""
        facts = {**{name: self.attributes.get(name) for name in DESCRIPTION}, "source": self.source}
        rule = self.version.rule_for(facts, self.edition)
        binding = Binding(rule, -1 if rule is None else self.version.label_index(rule, facts))
        flags = self.agent_created, self.merged, self.void
        return Step(time, name, frozenset(conditions), self.status, binding, *flags)


def timeline(events: Iterable[TicketEvent], policy: Policy, as_of: int) -> tuple[PolicyVersion, list[Step]]:
    """The policy version of the ticket and all its steps in order."""
    entries = sorted(events, key=entry_order)
    birth = next((event for event in entries if kind(event) in ("TicketCreated", "TicketObserved")), None)
    born = None if birth is None else _born(birth)
    version = policy.at(entry_time(entries[0]) if born is None else born)
    ticket = Ticket(entries[0].source, version)
    steps: list[Step] = []
    for event in entries:
        time = entry_time(event)
        if birth is not None and born is not None and not ticket.created and time >= born:
            steps += _meanwhile(ticket, born, born - 1)
            _edit(ticket, born)
            steps.append(_create(ticket, birth, born))
        steps += _meanwhile(ticket, time, time - 1)
        if not isinstance(event, VendorVerdict):
            _edit(ticket, time)
        steps.append(ticket.step(time, hexed(id64(event)), _happen(ticket, event, time)))
    steps += _meanwhile(ticket, as_of, as_of)
    return version, steps


def _born(birth: TicketEvent) -> int:
    said = created_at(birth)
    return entry_time(birth) if said is None else min(said, entry_time(birth))


def _create(ticket: Ticket, birth: TicketEvent, born: int) -> Step:
    ticket.created = True
    ticket.attributes.update({name: value for name, value in observed(birth).items() if name in DESCRIPTION})
    ticket.attributes["status"] = ticket.status or "new"
    ticket.agent_created = actor_kind(birth) == "agent"
    return ticket.step(born, hexed(id64(birth)), {"created"})


def _edit(ticket: Ticket, time: int) -> None:
    """Whatever happens to a ticket brings it the latest edition of its version."""
    for number, edition in enumerate(ticket.version.editions):
        if number and edition.valid_from_ms <= time:
            ticket.edition = number


def _meanwhile(ticket: Ticket, until: int, shifts_until: int) -> Iterator[Step]:
    """The steps that no entry makes: edits that reach open tickets, up to `until`, and between them the shift's end."""
    for edition in _reaching(ticket):
        if edition.valid_from_ms <= until:
            yield from _end_shift(ticket, min(edition.valid_from_ms - 1, shifts_until))
            _edit(ticket, edition.valid_from_ms)
            name = xxhash.xxh64_intdigest(b"edited" + edition.valid_from_ms.to_bytes(8, "big"))
            yield ticket.step(edition.valid_from_ms, hexed(name), set())
    yield from _end_shift(ticket, shifts_until)


def _reaching(ticket: Ticket) -> list[Edition]:
    """The editions still to come that do not wait for an event."""
    return [one for one in ticket.version.editions[ticket.edition + 1 :] if one.applies_to == "open_tickets"]


def _end_shift(ticket: Ticket, until: int) -> Iterator[Step]:
    """The step at the end of the owning site's shift, if it lies at or before `until` and has not been yet."""
    end = ticket.shift_end
    if end is None or end > until:
        return
    ticket.shift_end = None
    if ticket.status in DONE or ticket.merged or ticket.void:
        return
    ticket.handing = ticket.owner
    name = xxhash.xxh64_intdigest(ticket.assigning.to_bytes(8, "big") + end.to_bytes(8, "big"))
    yield ticket.step(end, hexed(name), {"shift_ended"})


def _happen(ticket: Ticket, event: TicketEvent, time: int) -> set[str]:
    """Change the ticket by one entry; the conditions of that entry."""
    found: set[str] = set()
    name = kind(event)
    ticket.merged |= name == "TicketMerged"
    ticket.void = (ticket.void or name in ("TicketDeleted", "MarkedAsSpam")) and name != "TicketRestored"
    if name in EXPLICIT:
        found.add(EXPLICIT[name])
    if isinstance(event, MessagePosted):
        found |= _message(ticket.version, event)
    if confirms(event):
        found |= {"customer_confirmed", "completely_resolved"}
    found |= _changes(ticket, event)
    if ticket.version.sites:
        found |= _sites(ticket, event, time)
    if "public_reply" in found:
        ticket.last_reply = time
    if "reopened" in found:
        ticket.confirmed = ticket.solved = False
    if not ticket.confirmed and (name == "ProblemConfirmed" or _confirmed(ticket.version, found)):
        found.add("problem_confirmed")
        ticket.confirmed = True
    if not ticket.solved and (name == "SolutionProvided" or _solved(ticket, event, found, time)):
        found.add("solution_provided")
        ticket.solved = True
    return found


def _message(version: PolicyVersion, event: MessagePosted) -> set[str]:
    found: set[str] = set()
    by, said = actor_kind(event), event.data.signals
    if not event.data.public:
        found.add("internal_note")
    elif by == "customer":
        found.add("customer_message")
    elif by == "agent":
        found.add("public_reply")
    elif by in ("bot", "automation"):
        found.add("bot_reply")
    fresh = canned_percent(event) < round(version.max_canned_share * 100) and not said.mere_restart
    if "public_reply" in found and fresh and (not said.question or said.names_item):
        found.add("substantive_reply")
    return found


def _changes(ticket: Ticket, event: TicketEvent) -> set[str]:
    found: set[str] = set()
    before = dict(ticket.attributes)
    seen = observed(event)
    if seen.get("status") is None:
        seen.pop("status", None)
    ticket.attributes.update(seen)
    old, new = before.get("status") or "new", ticket.status or "new"
    if old != new:
        found.add(f"status:{new}")
        if new in DONE and old not in DONE:
            found |= {"resolved", "completely_resolved"}
        if new == "closed":
            found.add("closed")
        if old in DONE and new not in DONE:
            found.add("reopened")
    changed = {name for name in ticket.attributes if ticket.attributes[name] != before.get(name)}
    if any(name in changed and ticket.attributes[name] is not None for name in ("team", "agent")):
        found.add("assigned")
    if "team" in changed and before.get("team") is not None:
        found.add("left_team")
    if "priority" in changed and ticket.created:
        found.add("priority_changed")
    return found


def _sites(ticket: Ticket, event: TicketEvent, time: int) -> set[str]:
    found: set[str] = set()
    actor, handing, owner = event.data.actor, ticket.handing, ticket.owner
    site = observed(event).get("site")
    touching = {actor.site if actor is not None and actor.kind == "agent" else None}
    if kind(event) == "Assigned":
        touching.add(site)
    if handing is not None and touching - {None, handing}:
        found.add("touched_by_next_site")
    to_site = event.data.to_site if isinstance(event, HandedOver) else site
    if to_site is not None and to_site != owner:
        ticket.owner, ticket.assigning = to_site, id64(event)
        shifts = ticket.version.sites.get(to_site)
        ticket.shift_end = None if shifts is None else shifts.next_end(time)
        ticket.handing = handing if owner is None else owner
    if isinstance(event, HandedOver):
        ticket.handing = event.data.from_site or owner
    return found


def _confirmed(version: PolicyVersion, found: set[str]) -> bool:
    wanted = {"first_substantive_reply": "substantive_reply", "status_open": "status:open", "assignment": "assigned"}
    return any(wanted[rule] in found for rule in version.confirmed_by)


def _solved(ticket: Ticket, event: TicketEvent, found: set[str], time: int) -> bool:
    chosen = ticket.version.solution_by
    tagged = teaches = False
    if isinstance(event, MessagePosted):
        tagged = "public_reply" in found and event.data.macro == "solution"
        teaches = "substantive_reply" in found and explains(event) and not event.data.signals.question
    done = "status:pending_customer" in found or "status:solved" in found
    return (
        ("solution_tag" in chosen and tagged)
        or ("solution_signals" in chosen and teaches)
        or ("reply_with_status" in chosen and done and ticket.last_reply == time)
    )
