"""Record value -> what the fold needs of it, by the contract's fast twin; what that refuses the contract decides."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import msgspec
from msgspec import UNSET
from xxhash import xxh64_intdigest

from supportpulse import contract, envelope
from supportpulse import facts as f
from supportpulse.envelope import to_ms
from supportpulse.errors import Rejected
from supportpulse.events import Event
from supportpulse.facts import Beat, Marker, ProbeSeen, Reading
from supportpulse.names import Reason

Read = Reading | Marker | Beat | ProbeSeen
EPOCH = envelope.EPOCH
MOST_SOURCES = 10_000
_SOURCES: set[str] = set()
LATEST = to_ms(datetime(2090, 1, 1, tzinfo=UTC))
"""Calendars are worked out until 2100; this leaves room for the longest target."""


def read(value: bytes) -> Read:
    """Reduce one record's value; raises `Rejected` with the contract's reason."""
    try:
        event = contract.decode(value)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        event = _second_opinion(value)
    if event.source not in _SOURCES:
        _meet(value)
    return _REDUCE[event.__class__](event)


def _meet(value: bytes) -> None:
    """Let the contract look at a source's first event: the only pattern in it is that of the source."""
    source = envelope.decode(value).source
    if len(_SOURCES) < MOST_SOURCES:
        _SOURCES.add(source)


def read_event(event: Event) -> Read:
    """Reduce an event that is already an object."""
    return read(envelope.encode(event))


def _second_opinion(value: bytes) -> Any:
    """The contract is laxer in places (numbers for times): what it accepts is written canonically and read again."""
    canonical = envelope.encode(envelope.decode(value))
    try:
        return contract.decode(canonical)
    except msgspec.DecodeError as error:
        raise Rejected(Reason.SCHEMA, str(error)) from None


def _ms(time: datetime) -> int:
    delta = time - EPOCH
    return delta.days * 86_400_000 + delta.seconds * 1000 + delta.microseconds // 1000


def _within(name: str, time: datetime) -> int:
    """A time in ms; raises `Rejected` if it lies outside the years that are known."""
    ms = _ms(time)
    if not 0 <= ms < LATEST:
        raise _outside(name, time)
    return ms


def _outside(name: str, time: datetime) -> Rejected:
    early = time < EPOCH
    valid = "1970 or later" if early else "before 2090"
    return Rejected(Reason.SCHEMA if early else Reason.FUTURE_TIME, f"{name}: found {time.isoformat()}; valid: {valid}")


def _reading(event: Any, facts: int, pairs: list[int | str | None] | None, created_at: int = -1) -> Reading:
    time = _ms(event.time)
    actor = event.data.actor
    if actor is not UNSET and actor is not None and actor.kind == "agent":
        facts |= f.BY_AGENT
        site = actor.site
        if site is not UNSET and site is not None:
            pairs = [*(pairs or ()), f.ACTOR_SITE, site]
    if not 0 <= time < LATEST:
        raise _outside("time", event.time)
    if created_at > time:
        time = created_at
    sequence = event.sequence
    return Reading(
        event.source + "|" + event.ticket_id,
        time,
        0 if sequence is UNSET or sequence is None else sequence + 1,
        xxh64_intdigest(event.id.encode()),
        facts,
        tuple(pairs) if pairs else (),
    )


def _attributes(data: Any) -> list[int | str | None]:
    pairs: list[int | str | None] = []
    if data.scenario is not UNSET:
        pairs += (0, data.scenario)
    if data.sub_scenario is not UNSET:
        pairs += (1, data.sub_scenario)
    if data.region is not UNSET:
        pairs += (2, data.region)
    if data.channel is not UNSET:
        pairs += (3, data.channel)
    if data.priority is not UNSET:
        pairs += (4, data.priority)
    if data.tier is not UNSET:
        pairs += (5, data.tier)
    if data.vendor is not UNSET:
        pairs += (6, data.vendor)
    return pairs


def _assignment(data: Any, pairs: list[int | str | None]) -> None:
    if data.team is not UNSET:
        pairs += (f.TEAM, data.team)
    if data.site is not UNSET:
        pairs += (f.SITE, data.site)
    if data.agent is not UNSET:
        pairs += (f.AGENT, None if data.agent is None else xxh64_intdigest(data.agent.encode()) & 0xFFFFFFFF)


def _created(event: Any) -> Reading:
    pairs = _attributes(event.data)
    status = event.data.status
    if status is not UNSET and status is not None:
        pairs += (f.STATUS, f.STATUS_CODES[status])
    return _reading(event, f.CREATED, pairs)


def _observed(event: Any) -> Reading:
    data = event.data
    pairs = _attributes(data)
    status = data.status
    if status is not UNSET and status is not None:
        pairs += (f.STATUS, f.STATUS_CODES[status])
    _assignment(data, pairs)
    created_at = data.created_at
    if created_at is UNSET or created_at is None:
        return _reading(event, f.OBSERVED, pairs)
    at = _within("data.created_at", created_at)
    pairs += (f.CREATED_AT, at)
    return _reading(event, f.OBSERVED, pairs, at)


def _message(event: Any) -> Reading:
    data = event.data
    actor = data.actor
    kind = None if actor is UNSET or actor is None else actor.kind
    signals = data.signals
    facts = f.CUSTOMER_CONFIRMED if kind == "customer" and signals.confirms_resolution else 0
    if not data.public:
        return _reading(event, f.INTERNAL_NOTE | facts, None)
    if kind == "customer":
        return _reading(event, f.CUSTOMER_MESSAGE | facts, None)
    if kind is None:
        return _reading(event, 0, None)
    facts = f.PUBLIC_REPLY if kind == "agent" else f.BOT_REPLY
    facts |= int(signals.canned_share * 100 + 1e-9) << f.CANNED_SHIFT
    if signals.question:
        facts |= f.QUESTION
    if signals.names_item:
        facts |= f.NAMES_ITEM
    if signals.mere_restart:
        facts |= f.MERE_RESTART
    if signals.cause or signals.prevention or signals.self_check or signals.code or signals.doc_links:
        facts |= f.EXPLAINS
    if data.macro == "solution":
        facts |= f.MACRO_SOLUTION
    return _reading(event, facts, None)


def _status(event: Any) -> Reading:
    status = event.data.status
    actor = event.data.actor
    by_customer = actor is not UNSET and actor is not None and actor.kind == "customer"
    facts = f.CUSTOMER_CONFIRMED if by_customer and status in ("solved", "closed") else 0
    return _reading(event, facts, [f.STATUS, f.STATUS_CODES[status]])


def _priority(event: Any) -> Reading:
    return _reading(event, 0, [f.PRIORITY, event.data.priority])


def _assigned(event: Any) -> Reading:
    pairs: list[int | str | None] = []
    _assignment(event.data, pairs)
    return _reading(event, f.ASSIGNMENT, pairs)


def _handed_over(event: Any) -> Reading:
    data = event.data
    pairs: list[int | str | None] = []
    if data.from_site is not UNSET and data.from_site is not None:
        pairs += (f.FROM_SITE, data.from_site)
    if data.to_site is not UNSET and data.to_site is not None:
        pairs += (f.TO_SITE, data.to_site)
    return _reading(event, f.HANDED_OVER, pairs)


def _vendor_verdict(event: Any) -> Reading:
    data = event.data
    pairs: list[int | str | None] = [f.VENDOR_CLOCK, data.clock, f.VENDOR_WORD, f.VENDOR_CODES[data.verdict]]
    if data.deadline is not UNSET and data.deadline is not None:
        pairs += (f.VENDOR_DEADLINE, _within("data.deadline", data.deadline))
    reading = _reading(event, f.VENDOR_VERDICT, None)
    return reading._replace(sequence=f.LAST_SEQUENCE, facts=f.VENDOR_VERDICT, observation=tuple(pairs))


def _marker(event: Any) -> Marker:
    return Marker(event.source + "|" + event.ticket_id, _within("data.at", event.data.at))


def _beat(event: Any) -> Beat:
    data = event.data
    watermark = _within("data.watermark", data.watermark)
    return Beat(event.source, data.instance, watermark, data.mode, _within("time", event.time))


def _probe(event: Any) -> ProbeSeen:
    return ProbeSeen(event.data.worker, event.data.partition, _within("time", event.time))


def _plain(facts: int) -> Callable[[Any], Reading]:
    return lambda event: _reading(event, facts, None)


_BY_NAME: dict[str, Callable[[Any], Read]] = {
    "TicketCreated": _created,
    "TicketObserved": _observed,
    "MessagePosted": _message,
    "ProblemConfirmed": _plain(f.PROBLEM_CONFIRMED),
    "CauseIdentified": _plain(f.CAUSE_IDENTIFIED),
    "WorkaroundProvided": _plain(f.WORKAROUND_PROVIDED),
    "SolutionProvided": _plain(f.SOLUTION_PROVIDED),
    "StatusChanged": _status,
    "PriorityChanged": _priority,
    "AttributesChanged": lambda event: _reading(event, 0, _attributes(event.data)),
    "Assigned": _assigned,
    "HandedOver": _handed_over,
    "Escalated": _plain(f.ESCALATED),
    "TicketMerged": _plain(f.MERGED),
    "TicketSplit": _plain(f.SPLIT),
    "RepeatOf": _plain(f.REPEAT),
    "TicketDeleted": _plain(f.DELETED),
    "MarkedAsSpam": _plain(f.SPAM),
    "TicketRestored": _plain(f.RESTORED),
    "SatisfactionRated": _plain(f.RATED),
    "KnowledgeLinked": _plain(f.KNOWLEDGE_LINKED),
    "KnownIssueLinked": _plain(f.KNOWN_ISSUE_LINKED),
    "VendorVerdict": _vendor_verdict,
    "DeadlineReached": _marker,
    "Heartbeat": _beat,
    "Probe": _probe,
}
_REDUCE: dict[type, Callable[[Any], Read]] = {contract.STRUCTS[name]: reduce for name, reduce in _BY_NAME.items()}
