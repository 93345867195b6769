"""What was said of a ticket, and when: its records in the order in which they arrived, with its markers.

The net view (`explain`) tells what is true now; this tells what was published on the way there, by the same admission
as the worker's, and which record caused it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from supportpulse.clock import Plan
from supportpulse.envelope import decode
from supportpulse.errors import Rejected
from supportpulse.events import TicketEvent
from supportpulse.facts import Marker, Reading
from supportpulse.names import Reason
from supportpulse.outcome import AT_RISK, BREACHED, FINAL, PUBLISHED, Emission
from supportpulse.policy import Policy
from supportpulse.reader import read
from supportpulse.ticket import Plans, Ticket

BY_TIME = frozenset({AT_RISK, BREACHED, FINAL})
"""What no event says by itself."""


@dataclass(frozen=True)
class Arrival:
    """A record as it lies in the topic, or a line of a log: `partition` and `arrived` (broker time, ms) None there.

    `offset` is then the number of the line, in `file`.
    """

    key: bytes | None
    value: bytes | None
    offset: int
    partition: int | None = None
    arrived: int | None = None
    file: str = ""

    @property
    def place(self) -> str:
        """Where it lies: `3-1042`, or `line 12`."""
        return f"line {self.offset}" if self.partition is None else f"{self.partition}-{self.offset}"


@dataclass(frozen=True)
class Admitted:
    """An event that counts; `late`: it sorts before one seen or an instant decided earlier."""

    arrival: Arrival
    reading: Reading
    event: TicketEvent
    late: bool


@dataclass(frozen=True)
class Refused:
    """A record that does not count, and why: what the dead letter topic says of it."""

    arrival: Arrival
    reason: str
    detail: str


@dataclass(frozen=True)
class Mark:
    """A marker that raised what is decided: everything up to `at` (ms) is."""

    arrival: Arrival
    at: int


@dataclass(frozen=True)
class Saying:
    """One outcome as it was published: what was said or, with `because`, taken back, and the record that caused it.

    `marker` decided it, where time alone did.
    """

    said: Emission
    plan: Plan
    cause: Arrival
    event: TicketEvent | None
    happened: int
    """When the event happened, or up to when a marker says that all has been delivered (ms)."""
    marker: Mark | None

    @property
    def clock(self) -> str:
        """The clock's name."""
        return self.plan.clocks[self.said.clock].name


@dataclass
class Hearing:
    """A ticket's records in the order of their arrival. `as_of`: what markers decided up to (ms), -1 if nothing."""

    key: str
    admitted: list[Admitted] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)
    repeated: list[Arrival] = field(default_factory=list)
    marks: list[Mark] = field(default_factory=list)
    sayings: list[Saying] = field(default_factory=list)
    as_of: int = -1


def hear(
    key: str,
    arrivals: Iterable[Arrival],
    policy: Policy,
    max_future_ms: int | None = None,
    owner: Callable[[bytes], int] | None = None,
) -> Hearing:
    """Admit the records under one key in offset order; `owner` gives a key's right partition, None: do not look."""
    heard = Hearing(key)
    ticket = Ticket(Plans(policy), key.partition("|")[0])
    for arrival in arrivals:
        try:
            _take(heard, ticket, arrival, max_future_ms, owner)
        except Rejected as error:
            heard.refused.append(Refused(arrival, error.reason, error.detail))
    return heard


def _take(
    heard: Hearing, ticket: Ticket, arrival: Arrival, max_future: int | None, owner: Callable[[bytes], int] | None
) -> None:
    if arrival.value is None:
        raise Rejected(Reason.NULL_VALUE, "found a record without a value; valid: a CloudEvents JSON object")
    reading = read(arrival.value)
    if not isinstance(reading, Reading | Marker) or reading.key != heard.key:
        found = reading.key if isinstance(reading, Reading | Marker) else type(reading).__name__
        raise Rejected(Reason.KEY_MISMATCH, f"key: found {heard.key[:200]!r} for {found[:200]!r}; valid: the body's")
    if isinstance(reading, Marker):
        _mark(heard, ticket, arrival, reading)
        return
    if arrival.arrived is not None and max_future is not None and reading.time > arrival.arrived + max_future:
        ahead, valid = (reading.time - arrival.arrived) // 1000, max_future // 1000
        raise Rejected(Reason.FUTURE_TIME, f"time: found {ahead} s ahead of the broker; valid: {valid} s at most")
    if owner is not None and arrival.key is not None and arrival.partition != (right := owner(arrival.key)):
        found = f"found in partition {arrival.partition}; valid: {right}, by murmur2 of the key"
        raise Rejected(Reason.WRONG_PARTITION, found)
    said = ticket.admit(reading)
    if said is None:
        heard.repeated.append(arrival)
        return
    event = decode(arrival.value)
    assert isinstance(event, TicketEvent)
    heard.admitted.append(Admitted(arrival, reading, event, ticket.late))
    _say(heard, ticket, said, arrival, event, reading.time)


def _mark(heard: Hearing, ticket: Ticket, arrival: Arrival, marker: Marker) -> None:
    if not heard.admitted:
        return  # of a ticket that is not known: the worker does not heed it either
    at = marker.at if arrival.arrived is None else min(marker.at, arrival.arrived)
    if at > heard.as_of:
        heard.as_of = at
        heard.marks.append(Mark(arrival, at))
    _say(heard, ticket, ticket.mark(at), arrival, None, at)


def _say(
    heard: Hearing,
    ticket: Ticket,
    emissions: Iterable[Emission],
    cause: Arrival,
    event: TicketEvent | None,
    happened: int,
) -> None:
    for said in emissions:
        if said.kind not in PUBLISHED:
            continue
        marker = None
        if said.kind in BY_TIME and not said.because:
            marker = next((mark for mark in heard.marks if mark.at >= said.time), None)
        heard.sayings.append(Saying(said, ticket.fold.plan, cause, event, happened, marker))
