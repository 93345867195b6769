"""Hypothesis strategies: dense little ticket histories, and the pool of policies they are judged by.

Times cluster on purpose: increments and targets share one grid, so events meet deadlines, boundaries and each other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import strategies as st

from strategies_policies import POLICIES
from supportpulse.envelope import from_ms, to_ms
from supportpulse.events import BY_TYPE, STATUSES, VENDOR_WORDS, TicketEvent
from supportpulse.names import event_type
from supportpulse.policy import Policy, load_policy

MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
START = 1_743_120_000_000
"""Friday 2025-03-28 00:00 UTC: a weekend and Berlin's lost hour lie within three days."""

STEPS = (0, 0, 1, 5 * MINUTE - 1, 5 * MINUTE, 5 * MINUTE + 1, 10 * MINUTE, 15 * MINUTE, 30 * MINUTE, HOUR, 4 * HOUR,
         12 * HOUR, DAY)  # fmt: skip
AROUND = (60 * DAY, 3 * DAY, DAY, 8 * HOUR, HOUR, 15 * MINUTE, 5 * MINUTE, 1, 0, -1, -5 * MINUTE)
SITES = ("beijing", "valley", "nowhere")


@dataclass(frozen=True)
class History:
    """One ticket's events in arrival order, some repeated or in conflict, a policy and an `as_of` in ms."""

    policy_name: str
    events: tuple[TicketEvent, ...]
    as_of: int

    @property
    def policy(self) -> Policy:
        """The policy of that name in the pool."""
        return pooled(self.policy_name)


def policy_of(*texts: str) -> Policy:
    """The policy in one TOML text, or in several versions of it."""
    with TemporaryDirectory() as folder:
        for number, text in enumerate(texts):
            Path(folder, f"{number}.toml").write_text(text, "utf-8")
        return load_policy(folder)


@cache
def pooled(name: str) -> Policy:
    """A policy of the pool."""
    return policy_of(*POLICIES[name])


def happened(
    name: str,
    ms: int,
    identity: str,
    *,
    by: str | dict[str, str] | None = None,
    ticket: str = "1",
    source: str = "desk",
    sequence: int | None = None,
    **data: Any,
) -> TicketEvent:
    """An event of the class `name` at `ms`; `by` is an actor or its kind; keywords are data (instants in ms)."""
    if by is not None:
        data["actor"] = {"kind": by} if isinstance(by, str) else by
    for instant in ("created_at", "deadline"):
        if instant in data:
            data[instant] = from_ms(data[instant])
    content: dict[str, Any] = {"id": identity, "source": source, "subject": ticket, "time": from_ms(ms), "data": data}
    if sequence is not None:
        content["sequence"] = sequence
    event = BY_TYPE[event_type(name)].model_validate(content)
    assert isinstance(event, TicketEvent)
    return event


def _some(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Any part of the fields."""
    return st.fixed_dictionaries({}, optional=fields)


_priority = st.sampled_from(("urgent", "normal", "low", None))
_described = {
    "scenario": st.sampled_from(("live", "voice", "unheard-of", None)),
    "priority": _priority,
    "region": st.sampled_from(("apac", "emea", None)),
    "tier": st.sampled_from(("gold", None)),
}
_worked = {
    "team": st.sampled_from(("core", "edge", None)),
    "site": st.sampled_from((*SITES, None)),
    "agent": st.sampled_from(("a1", "a2", None)),
}
_actor = st.one_of(
    st.none(),
    st.sampled_from(("customer", "agent", "bot", "automation")),
    st.builds(lambda site: {"kind": "agent", "site": site}, st.sampled_from(SITES)),
)
_signals = _some(
    question=st.booleans(),
    names_item=st.booleans(),
    code=st.booleans(),
    canned_share=st.sampled_from((0.0, 0.5, 0.79, 0.8, 0.57, 1.0)),
    cause=st.booleans(),
    doc_links=st.integers(0, 2),
    mere_restart=st.booleans(),
    confirms_resolution=st.booleans(),
)
_status = st.sampled_from(STATUSES)


def _message(by: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    macro = st.sampled_from(("solution", "greeting"))
    return st.fixed_dictionaries({"by": by}, optional={"public": st.booleans(), "signals": _signals, "macro": macro})


def _plain(by: st.SearchStrategy[Any] = _actor, **needed: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({"by": by, **needed})


_optional_status = st.one_of(_status, st.none())
_data: dict[str, st.SearchStrategy[dict[str, Any]]] = {
    "TicketCreated": _some(by=st.sampled_from(("customer", "agent")), status=_optional_status, **_described),
    "TicketObserved": _some(by=_actor, status=_optional_status, **_described, **_worked),
    "MessagePosted": st.one_of(
        _message(st.just("customer")), _message(st.just("agent")), _message(_actor), _plain(st.just("agent"))
    ),
    "ProblemConfirmed": _plain(),
    "CauseIdentified": _plain(),
    "WorkaroundProvided": _plain(),
    "SolutionProvided": _plain(),
    "StatusChanged": _plain(status=_status),
    "PriorityChanged": _plain(priority=_priority),
    "AttributesChanged": _some(**_described),
    "Assigned": _some(by=_actor, **_worked),
    "HandedOver": _some(by=_actor, from_site=st.sampled_from(SITES), to_site=st.sampled_from(SITES)),
    "Escalated": _plain(kind=st.sampled_from(("functional", "hierarchic"))),
    "TicketMerged": _plain(),
    "TicketSplit": _plain(),
    "RepeatOf": _plain(),
    "TicketDeleted": _plain(),
    "MarkedAsSpam": _plain(),
    "TicketRestored": _plain(),
    "SatisfactionRated": _plain(score=st.just(0.5)),
    "KnowledgeLinked": _plain(),
    "KnownIssueLinked": _plain(),
    "VendorVerdict": st.fixed_dictionaries(
        {"clock": st.sampled_from(("first_response", "nobodys")), "verdict": st.sampled_from(VENDOR_WORDS)}
    ),
}
_common = ("MessagePosted", "StatusChanged", "PriorityChanged", "AttributesChanged", "Assigned", "TicketObserved")
_apt = {
    "edges": ("StatusChanged", "PriorityChanged", "Escalated", "MessagePosted"),
    "inference": ("MessagePosted", "StatusChanged", "ProblemConfirmed", "SolutionProvided"),
    "status_inference": ("MessagePosted", "StatusChanged"),
    "sites": ("Assigned", "HandedOver", "MessagePosted", "StatusChanged"),
    "matrix": ("StatusChanged", "StatusChanged", "PriorityChanged"),
}
"""What makes a policy of the pool do something."""


def _names(policy: str) -> st.SearchStrategy[str]:
    return st.sampled_from(
        (*_apt.get(policy.rpartition("_")[2] if policy not in _apt else policy, _common) * 6, *_common * 4, *_data)
    )


_sequence = st.sampled_from((None, None, None, 0, 1, 2))
_deadline_offset = st.sampled_from((-HOUR, -MINUTE - 1, -MINUTE, -1, 0, 1, MINUTE, MINUTE + 1, 15 * MINUTE))
_told_after = st.sampled_from((0, 0, 1, MINUTE, MINUTE + 1))
_creation_offset = st.sampled_from((-HOUR, -5 * MINUTE, -1, 0, 1, 15 * MINUTE))


@st.composite
def _event(draw: st.DrawFn, ms: int, identity: str, ticket: str, source: str, name: str) -> TicketEvent:
    data = draw(_data[name])
    if name == "TicketObserved" and draw(st.booleans()):
        data["created_at"] = ms + draw(_creation_offset)
    return happened(name, ms, identity, ticket=ticket, source=source, sequence=draw(_sequence), **data)


@st.composite
def _judgement(draw: st.DrawFn, ms: int, identity: str, ticket: str, source: str, policy: str) -> TicketEvent:
    clock = draw(st.sampled_from([clock.name for clock in pooled(policy).versions[0].clocks]))
    data: dict[str, Any] = {"clock": clock, "verdict": draw(st.sampled_from(VENDOR_WORDS))}
    if draw(st.booleans()):
        data["deadline"] = ms + draw(_deadline_offset)
    return happened("VendorVerdict", ms + draw(_told_after), identity, ticket=ticket, source=source, **data)


@st.composite
def histories(
    draw: st.DrawFn,
    policies: Sequence[str] = tuple(POLICIES),
    *,
    ticket: str = "1",
    source: str = "desk",
    most: int = 14,
    repeats: bool = True,
    disorder: bool = True,
    judged: bool = False,
) -> History:
    """A policy and 1..`most` events of one ticket; `repeats` adds deliveries of one id, in conflict or not.

    `judged`: half of the events are the vendor's verdicts on the clocks of the policy.
    """
    policy = draw(st.sampled_from(policies))
    steps = draw(st.lists(st.sampled_from(STEPS), min_size=1, max_size=most))
    first = draw(st.sampled_from(("TicketCreated", "TicketCreated", "TicketObserved", "TicketObserved", None)))
    now, events = START + draw(st.sampled_from((0, 8 * HOUR, 9 * HOUR - 1, 20 * HOUR))), []
    for number, step in enumerate(steps):
        now += step
        name = first if first and number == 0 else draw(_names(policy))
        if judged and number and draw(st.booleans()):
            events.append(draw(_judgement(now, f"{ticket}-{number}", ticket, source, policy)))
        else:
            events.append(draw(_event(now, f"{ticket}-{number}", ticket, source, name)))
    if repeats and draw(st.booleans()):
        again = draw(st.sampled_from(events))
        events.append(again)
        events.append(draw(_event(now, again.id, ticket, source, draw(_names(policy)))))
    arrived = draw(st.permutations(events)) if disorder and draw(st.booleans()) else events
    anchor = draw(st.sampled_from((events[-1], draw(st.sampled_from(events)))))
    as_of = to_ms(anchor.time) + draw(st.sampled_from(AROUND))
    return History(policy, tuple(arrived), as_of)


@st.composite
def logs(draw: st.DrawFn, policies: Sequence[str] = tuple(POLICIES), most_tickets: int = 4) -> History:
    """Several tickets of two sources, their arrivals interleaved; one policy and one `as_of` for all."""
    drawn = [
        draw(histories(policies, ticket=str(number), source=draw(st.sampled_from(("desk", "forum"))), most=8))
        for number in range(draw(st.integers(1, most_tickets)))
    ]
    turns = draw(st.permutations([number for number, one in enumerate(drawn) for _ in one.events]))
    arriving = [iter(one.events) for one in drawn]
    return History(drawn[0].policy_name, tuple(next(arriving[number]) for number in turns), drawn[0].as_of)
