"""State <-> bytes: the value of a ticket's changelog record, which is also its form in memory.

`HEADER`, then the start minute of each running clock, then a msgpack body. Recovery, gauges and the deadline wheel read
the header only.
"""

from __future__ import annotations

from struct import Struct
from typing import Final, NamedTuple

import msgspec

from supportpulse.fold_codec import fold_from, fold_list
from supportpulse.history import History
from supportpulse.ticket import Plans, Ticket

VERSION: Final = 2
RETIRED: Final = 1
VOID: Final = 2

HEADER: Final = Struct(">BBBBIqqqIIII8s")
NO_SEAL: Final = bytes(8)

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder().decode


class Header(NamedTuple):
    """What can be known of a ticket without its body.

    `offset` last source offset included, `next_due` ms, `as_of` ms, `binding` rule and label set, then masks of clocks:
    running (with a target, not stopped), those of them at risk and those overdue by `as_of`.
    `generation` and `sealed` are room for seals.
    """

    version: int
    flags: int
    policy: int
    running_count: int
    generation: int
    offset: int
    next_due: int
    as_of: int
    binding: int
    running: int
    at_risk: int
    overdue: int
    sealed: bytes


def header_of(value: bytes) -> Header:
    """Read the header of a value."""
    return Header._make(HEADER.unpack_from(value))


def next_due_of(value: bytes) -> int:
    """The header's `next_due` alone: what recovery and the wheel read of each ticket."""
    return int.from_bytes(value[16:24], "big")


def starts_of(value: bytes, header: Header) -> tuple[int, ...]:
    """Start minutes of the running clocks, in the order of their bits."""
    return Struct(f">{header.running_count}I").unpack_from(value, HEADER.size)


def encode(ticket: Ticket) -> bytes:
    """The value of a ticket."""
    fold = ticket.fold
    plan = fold.plan
    flags = RETIRED if ticket.retired else VOID if fold.void_at >= 0 else 0
    running = at_risk = overdue = 0
    starts: list[int] = []
    if not flags:
        for index, cycle in enumerate(fold.cycles):
            if cycle is None or cycle.stop >= 0 or plan.aim(cycle.binding, index) is None:
                continue
            running |= 1 << index
            starts.append(cycle.start // 60_000)
            if cycle.due <= fold.as_of:  # as far as it is decided: an event may lie beyond that
                overdue |= 1 << index
            elif cycle.risk <= fold.as_of:
                at_risk |= 1 << index
    head = HEADER.pack(VERSION, flags, plan.version.index, len(starts), 0, ticket.offset, ticket.next_due(), fold.as_of,
                       fold.binding, running, at_risk, overdue, NO_SEAL)  # fmt: skip
    if ticket.retired:
        return head
    history = ticket.history
    body = _encode([fold_list(fold, history), history.observations, history.entries, ticket.base, ticket.sealed])
    return head + (Struct(f">{len(starts)}I").pack(*starts) if starts else b"") + body


def decode(value: bytes, plans: Plans, source: str) -> Ticket:
    """The ticket of a value."""
    header = header_of(value)
    ticket = Ticket(plans, source)
    ticket.offset = header.offset
    if header.flags & RETIRED:
        ticket.retired = True
        ticket.fold.as_of = header.as_of
        return ticket
    fold, observations, entries, base, sealed = _decode(memoryview(value)[HEADER.size + 4 * header.running_count :])
    ticket.history = History(entries, [tuple(observation) for observation in observations])
    ticket.fold = fold_from(fold, plans.plans, source, header.policy, ticket.history)
    ticket.fold.as_of = header.as_of
    ticket.base = base
    ticket.sealed = sealed
    return ticket
