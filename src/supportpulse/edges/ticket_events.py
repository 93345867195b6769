"""Short words for the events of one ticket: what a team with a helpdesk of its own writes."""

from __future__ import annotations

import threading
import time as clock
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Generic, TypedDict, TypeVar, Unpack

from pydantic import ValidationError

from supportpulse.edges.event_id import derived_id
from supportpulse.envelope import EPOCH
from supportpulse.errors import Rejected
from supportpulse.events import (
    Actor,
    ActorKind,
    Assigned,
    AttributesChanged,
    CauseIdentified,
    DeadlineReached,
    Escalated,
    MessagePosted,
    PriorityChanged,
    ProblemConfirmed,
    SatisfactionRated,
    Signals,
    SolutionProvided,
    Status,
    StatusChanged,
    TicketCreated,
    TicketEvent,
    TicketObserved,
    WorkaroundProvided,
)
from supportpulse.names import Reason

By = Actor | ActorKind
R = TypeVar("R")


class Said(TypedDict, total=False):
    """What every word takes. `by`: who did it, a kind or an `Actor` with an opaque id.

    `time`: when it happened (default: now). `id`: what the helpdesk calls it (default: see `derived_id`).
    `sequence`: orders events of one instant.
    """

    by: By
    time: datetime
    id: str
    sequence: int


class SaidOfAttributes(Said, total=False):
    """Also the ticket's attributes: absent = unchanged, None = cleared."""

    scenario: str | None
    sub_scenario: str | None
    region: str | None
    channel: str | None
    priority: str | None
    tier: str | None
    vendor: str | None
    product_version: str | None
    locale: str | None


class SaidOfCreation(SaidOfAttributes, total=False):
    """Also the status in which the ticket was opened."""

    status: Status


class SaidOfObservation(SaidOfAttributes, total=False):
    """Also all else that a snapshot shows."""

    created_at: datetime
    status: Status
    team: str | None
    site: str | None
    agent: str | None


class SaidOfAssignment(Said, total=False):
    """Also who has the ticket now: absent = unchanged, None = nobody."""

    team: str | None
    site: str | None
    agent: str | None


class TicketEvents(Generic[R]):
    """The events of one ticket, each given to `emit`, whose answer is returned: to be awaited of an `AsyncEmitter`.

    A retry does no harm if it says the same `id`, or the same `time` and the rest: the event counts once. Said without
    both, each call is an event of its own, later than the one before. Raises `Rejected` for what is no event, naming
    the field, what was found and what is valid; and what `emit` raises.
    """

    def __init__(self, emit: Callable[[TicketEvent], R], source: str, ticket_id: str) -> None:
        self._emit, self.source, self.ticket_id = emit, source, ticket_id

    def created(self, **said: Unpack[SaidOfCreation]) -> R:
        """The ticket was opened; `by` an agent: for a customer who called."""
        return self.happened(TicketCreated, **said)

    def observed(self, **said: Unpack[SaidOfObservation]) -> R:
        """A snapshot, for a desk that knows how its tickets are and not what changed."""
        return self.happened(TicketObserved, **said)

    def replied(
        self, *, text: str | None = None, html: bool = False, signals: Signals | None = None, **said: Unpack[Said]
    ) -> R:
        """A public message of the desk, `by` an agent unless it says another; see `posted` for the text."""
        if "by" not in said:
            said["by"] = "agent"
        return self.posted(text=text, html=html, signals=signals, **said)

    def posted(
        self,
        *,
        public: bool = True,
        text: str | None = None,
        html: bool = False,
        signals: Signals | None = None,
        macro: str | None = None,
        **said: Unpack[Said],
    ) -> R:
        """A message of anybody. Its `text` is read for signals here and leaves this process only as them.

        Instead give `signals` that were read elsewhere (`signals_of` knows the hosts of your documents).
        """
        data: dict[str, Any] = {"public": public}
        if text is not None:
            from supportpulse.signals import signals_of

            signals = signals_of(text, html=html)
        if signals is not None:
            data["signals"] = signals
        if macro is not None:
            data["macro"] = macro
        return self.happened(MessagePosted, **data, **said)

    def status(self, status: Status, **said: Unpack[Said]) -> R:
        """The ticket entered this status."""
        return self.happened(StatusChanged, status=status, **said)

    def priority(self, priority: str | None, **said: Unpack[Said]) -> R:
        """The ticket has another priority."""
        return self.happened(PriorityChanged, priority=priority, **said)

    def changed(self, **said: Unpack[SaidOfAttributes]) -> R:
        """Other attributes of the ticket changed."""
        return self.happened(AttributesChanged, **said)

    def assigned(self, **said: Unpack[SaidOfAssignment]) -> R:
        """The ticket went to a team, site or agent."""
        return self.happened(Assigned, **said)

    def escalated(self, kind: str, **said: Unpack[Said]) -> R:
        """The ticket was escalated, `functional` or `hierarchic`."""
        return self.happened(Escalated, kind=kind, **said)

    def confirmed(self, **said: Unpack[Said]) -> R:
        """Support confirmed the problem."""
        return self.happened(ProblemConfirmed, **said)

    def cause_identified(self, category: str | None = None, **said: Unpack[Said]) -> R:
        """Support found the cause."""
        return self.happened(CauseIdentified, category=category, **said)

    def workaround_provided(self, **said: Unpack[Said]) -> R:
        """The customer can work on."""
        return self.happened(WorkaroundProvided, **said)

    def solution_provided(self, **said: Unpack[Said]) -> R:
        """The customer has a solution to try."""
        return self.happened(SolutionProvided, **said)

    def rated(self, score: float, **said: Unpack[Said]) -> R:
        """The customer rated the ticket, from 0 to 1 (best)."""
        return self.happened(SatisfactionRated, score=score, **said)

    def happened(
        self,
        kind: type[TicketEvent],
        /,
        *,
        by: By | None = None,
        time: datetime | None = None,
        id: str | None = None,
        sequence: int | None = None,
        **data: Any,
    ) -> R:
        """Any event of `supportpulse.events`, with the fields of its `data`."""
        return self._emit(compose(kind, self.source, self.ticket_id, by, time, id, sequence, data))


def compose(
    kind: type[TicketEvent],
    source: str,
    ticket_id: str,
    by: By | None,
    time: datetime | None,
    id: str | None,
    sequence: int | None,
    data: dict[str, Any],
) -> TicketEvent:
    """A valid event; raises `Rejected`."""
    where = f"{kind.__name__} of ticket {ticket_id}"
    if kind is DeadlineReached:
        raise Rejected(Reason.UNKNOWN_TYPE, f"{where}: valid: what a helpdesk says")
    valid = kind.model_fields["data"].annotation
    fields = getattr(valid, "model_fields", {})
    if unknown := data.keys() - fields.keys():  # the models ignore them, as readers must
        raise Rejected(Reason.SCHEMA, f"{where}: found {', '.join(sorted(unknown))}; valid: {', '.join(fields)}")
    if by is not None:
        data["actor"] = {"kind": by} if isinstance(by, str) else by
    if time is None:
        now_ns = _order.next()
        time, sequence = EPOCH + timedelta(microseconds=now_ns // 1000), now_ns if sequence is None else sequence
    said = {"id": id or "-", "source": source, "subject": ticket_id, "time": time}
    if sequence is not None:
        said["sequence"] = sequence
    if data or kind.model_fields["data"].is_required():
        said["data"] = data
    try:
        event = kind.model_validate(said)
    except ValidationError as error:
        raise Rejected(*_invalid(where, error)) from None
    return event if id else event.model_copy(update={"id": derived_id(event)})


def _invalid(where: str, error: ValidationError) -> tuple[Reason, str]:
    first = error.errors(include_url=False)[0]
    field = ".".join(str(part) for part in first["loc"])
    reason = Reason.TIME_WITHOUT_ZONE if first["type"] == "timezone_aware" else Reason.SCHEMA
    return reason, f"{where}: {field}: found {str(first['input'])[:100]!r}; {first['msg']}"


class _Order:
    """Nanoseconds since the epoch, strictly rising: what is said later in one millisecond sorts later."""

    def __init__(self) -> None:
        self._lock, self._last = threading.Lock(), 0

    def next(self) -> int:
        with self._lock:
            self._last = max(self._last + 1, clock.time_ns())
            return self._last


_order = _Order()
