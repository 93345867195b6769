"""What an adapter is given, what it gives back, and how one update of a vendor becomes several events."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import blake2b
from typing import Any, Protocol, TypeVar

from pydantic import ValidationError

from supportpulse.events import (
    Actor,
    ActorKind,
    Assigned,
    AttributesChanged,
    CauseIdentified,
    Escalated,
    HandedOver,
    KnowledgeLinked,
    KnownIssueLinked,
    MarkedAsSpam,
    MessagePosted,
    PriorityChanged,
    ProblemConfirmed,
    RepeatOf,
    SatisfactionRated,
    SolutionProvided,
    Status,
    StatusChanged,
    TicketCreated,
    TicketDeleted,
    TicketEvent,
    TicketMerged,
    TicketObserved,
    TicketRestored,
    TicketSplit,
    VendorVerdict,
    WorkaroundProvided,
)

CAUSAL: tuple[tuple[type[TicketEvent], ...], ...] = (
    (TicketCreated, TicketObserved),
    (AttributesChanged, PriorityChanged, RepeatOf, TicketSplit),
    (Assigned, HandedOver, Escalated),
    (ProblemConfirmed, CauseIdentified),
    (MessagePosted,),
    (KnowledgeLinked, KnownIssueLinked, WorkaroundProvided, SolutionProvided),
    (StatusChanged, TicketMerged),
    (SatisfactionRated, MarkedAsSpam, TicketDeleted, TicketRestored),
    (VendorVerdict,),
)
"""The order of events that one update of a vendor stands for."""
PLACES = 16
_PLACE = {cls: place for place, classes in enumerate(CAUSAL) for cls in classes}
OPAQUE_BYTES = 8

E = TypeVar("E", bound=TicketEvent)


class Unknown(Exception):
    """Authentic, but nothing that could become an event; `reason` is one word, `detail` holds no message text."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason, self.detail = reason, detail


@dataclass(frozen=True)
class Options:
    """What the configuration of a source says of its desk; presets of the vendor fill what it leaves out.

    `statuses`: the vendor's status, in lower case or as its id, -> ours. `attributes`: our attribute -> dotted path in
    the payload, or `labels:PREFIX` (see `attributes`). `values`: our attribute -> (the vendor's value in lower case ->
    ours); it knows `team` too. `bots` and `agents`: ids, logins or addresses as the vendor writes them. `docs`, `code`,
    `issues`: hosts of links of that kind. `unmarked_public`: a comment that does not say who may see it is public.
    `clocks`: the vendor's name of a clock in lower case -> ours, where it is not as in the vendor's shipped policy.
    """

    statuses: Mapping[str, Status] = field(default_factory=dict)
    attributes: Mapping[str, str] = field(default_factory=dict)
    values: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    bots: frozenset[str] = frozenset()
    agents: frozenset[str] = frozenset()
    docs: frozenset[str] = frozenset()
    code: frozenset[str] = frozenset()
    issues: frozenset[str] = frozenset()
    solution_tags: frozenset[str] = frozenset()
    """Tags or macros that say that a reply holds the solution."""
    unmarked_public: bool = False
    clocks: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Delivery:
    """One authentic webhook body, its shape not to be trusted. `headers` by lower-case name; `received` in UTC."""

    source: str
    payload: Any
    received: datetime
    headers: Mapping[str, str] = field(default_factory=dict)
    options: Options = Options()


class Adapter(Protocol):
    """A vendor's own: pure, raises `Unknown` and nothing else; an empty list = understood, and of no interest."""

    def __call__(self, delivery: Delivery) -> list[TicketEvent]:
        """The events that a delivery stands for."""


def opaque(source: str, raw: object) -> str:
    """A person's id as events carry it: the same person has the same one within a source, and no name can be read."""
    return blake2b(f"{source}|{raw}".encode(errors="replace"), digest_size=OPAQUE_BYTES).hexdigest()


@dataclass(frozen=True)
class Update:
    """One update of a ticket in the vendor's own count: what the events it stands for share.

    `id` names the object or audit entry (`zendesk/event/01GF...`); `sequence` is the vendor's, None if it has none.
    """

    source: str
    ticket_id: str
    time: datetime
    id: str
    sequence: int | None = None

    def event(self, kind: type[E], sub: str = "", **data: Any) -> E:
        """An event of this update; `sub` tells several of one kind apart. Raises `Unknown` for what is no event."""
        name = sub or kind.__name__
        place = (self.sequence or 0) * PLACES + _PLACE[kind]
        try:
            return kind.model_validate(
                {
                    "id": f"{self.id}/{name}",
                    "source": self.source,
                    "subject": self.ticket_id,
                    "time": self.time,
                    "sequence": place,
                    **({"data": data} if data else {}),
                }
            )
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            where = ".".join(str(part) for part in first["loc"])
            raise Unknown("shape", f"{kind.__name__} of {self.id[:100]}: {where}: {first['msg']}") from None

    def actor(self, kind: ActorKind, raw: object = None) -> Actor:
        """Who did it; `raw` is the vendor's id of the person."""
        return Actor(kind=kind) if raw in (None, "") else Actor(kind=kind, id=opaque(self.source, raw))


def in_causal_order(events: list[TicketEvent]) -> list[TicketEvent]:
    """Events of one delivery as they happened."""
    return sorted(events, key=lambda event: (event.time, event.sequence or 0))
