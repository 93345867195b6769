"""Fold <-> plain list, for msgpack: times relative to the ticket's origin, None for an instant that is not known.

Beside its history a fold need not repeat what is written there: an id is the place of its entry (below zero), a team or
site the place of its name in the observations, and attributes that are the first observation's are left out.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from supportpulse.clock import NEVER, Cycle, Plan
from supportpulse.facts import STATUS
from supportpulse.fold import NONE_ATTRIBUTES, Fold
from supportpulse.history import History
from supportpulse.outcome import Emission

NO_HISTORY: Final = History()
_WIDTH: Final = 6
"""Bits for a place within an observation: 18 attributes, two places each."""

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder().decode


def fold_bytes(fold: Fold) -> bytes:
    """A fold and what it said and may still take back: the base of a sealed history."""
    return _encode([fold.plan.version.index, fold_list(fold), [emission[:-1] for emission in fold.out]])


def fold_of(value: bytes, plans: tuple[Plan, ...], source: str) -> Fold:
    """The fold of a sealed history's base."""
    policy, listed, said = _decode(value)
    fold = fold_from(listed, plans, source, policy)
    fold.out = [Emission(*emission) for emission in said]
    return fold


def fold_list(fold: Fold, history: History = NO_HISTORY) -> list[Any]:
    """The state of a fold as lists and integers; `history` is what it will be read beside."""
    origin = fold.created if fold.created >= 0 else 0
    flags = fold.agent_opened | fold.merged << 1 | fold.confirmed << 2 | fold.solved << 3
    site = None
    if fold.owner_site is not None or fold.handing_site is not None:
        site = [
            _told(fold.owner_site, history),
            _told(fold.handing_site, history),
            _place(fold.assignment, history),
            _ahead(fold.shift_end, origin),
        ]
    void = None
    if fold.void_at >= 0:
        void = [fold.void_at, [[clock, cycle, due] for (clock, cycle), due in fold.void_deadlines.items()]]
    return [
        origin,
        fold.created >= 0,
        _place(fold.creation, history) if fold.creation >= 0 else None,
        fold.creating,
        flags,
        None if fold.attributes == _first_attributes(history) else fold.attributes,
        fold.status,
        _told(fold.team, history),
        fold.agent,
        site,
        void,
        _past(fold.replied_at, origin),
        _past(fold.ended_at, origin),
        fold.begun,
        fold.stopped,
        [
            _cycle_list(at, cycle, origin, fold.binding, history)
            for at, cycle in enumerate(fold.cycles)
            if cycle is not None
        ],
        [[due, *emission[:-1]] for due, emission in fold.pending],
        *_rare(fold),
    ]


def _rare(fold: Fold) -> list[Any]:
    """What few tickets have, left out of all others."""
    if not fold.seen and not fold.edition and fold.ended is None:
        return []
    ended = None if fold.ended is None else [[at, *told] for at, told in fold.ended.items()]
    return [fold.edition, fold.seen, ended]


def _cycle_list(index: int, cycle: Cycle, origin: int, binding: int, history: History) -> list[Any]:
    return [
        index,
        _place(cycle.id, history),
        cycle.start - origin,
        cycle.consumed,
        _past(cycle.since, origin),
        _ahead(cycle.risk, origin),
        _ahead(cycle.due, origin),
        _past(cycle.stop, origin),
        cycle.flags,
        cycle.inferred,
        *(() if cycle.binding == binding and cycle.spans is None else (cycle.binding, cycle.spans)),
    ]


def fold_from(
    listed: list[Any], plans: tuple[Plan, ...], source: str, policy: int, history: History = NO_HISTORY
) -> Fold:
    """The fold of such a list, under the policy version at a position."""
    (origin, created, creation, creating, flags, attributes, status, team, agent, site, void, replied_at, ended_at,
     begun, stopped, cycles, pending, *rare) = listed  # fmt: skip
    plan = plans[policy]
    fold = Fold(plan, source)
    fold.created = origin if created else -1
    fold.creation = -1 if creation is None else _id(creation, history)
    fold.creating = creating
    fold.agent_opened, fold.merged = bool(flags & 1), bool(flags & 2)
    fold.confirmed, fold.solved = bool(flags & 4), bool(flags & 8)
    fold.attributes = _first_attributes(history) if attributes is None else tuple(attributes)
    fold.take_edition(rare[0] if rare else 0)
    fold.status, fold.team, fold.agent = status, _value(team, history), agent
    if site is not None:
        owner, handing, assignment, end = site
        fold.owner_site, fold.handing_site = _value(owner, history), _value(handing, history)
        fold.assignment = _id(assignment, history)
        fold.shift_end = NEVER if end is None else end + origin
    if void is not None:
        fold.void_at = void[0]
        fold.void_deadlines = {(clock, cycle): due for clock, cycle, due in void[1]}
    fold.replied_at = -1 if replied_at is None else replied_at + origin
    fold.ended_at = -1 if ended_at is None else ended_at + origin
    fold.begun, fold.stopped = begun, stopped
    for item in cycles:
        fold.cycles[item[0]] = _cycle_from(item, origin, fold.binding, history)
    fold.pending = [(item[0], Emission(*item[1:])) for item in pending]
    if rare:
        _, fold.seen, ended = rare
        if ended is not None:
            fold.ended = {at: (breached, due) for at, breached, due in ended}
    fold.recross()
    return fold


def _cycle_from(item: list[Any], origin: int, binding: int, history: History) -> Cycle:
    _, id64, start, consumed, since, risk, due, stop, flags, inferred, *own = item
    binding, spans = own or (binding, None)
    cycle = Cycle(_id(id64, history), start + origin, binding)
    cycle.consumed = consumed
    cycle.since = -1 if since is None else since + origin
    cycle.risk = NEVER if risk is None else risk + origin
    cycle.due = NEVER if due is None else due + origin
    cycle.stop = -1 if stop is None else stop + origin
    cycle.flags, cycle.inferred, cycle.spans = flags, inferred, spans
    return cycle


def _place(id64: int, history: History) -> int:
    at = history.find(id64)
    return id64 if at < 0 else ~at


def _id(place: int, history: History) -> int:
    return place if place >= 0 else history.id_of(~place)


def _told(value: str | None, history: History) -> str | int | None:
    """Where an observation says a value, as one integer; the value itself if none does."""
    if value is not None:
        for at, observation in enumerate(history.observations):
            if value in observation:
                return at << _WIDTH | observation.index(value)
    return value


def _value(told: str | int | None, history: History) -> str | None:
    if not isinstance(told, int):
        return told
    value: str = history.observations[told >> _WIDTH][told & (1 << _WIDTH) - 1]
    return value


def _first_attributes(history: History) -> tuple[str | None, ...]:
    if not history.observations:
        return NONE_ATTRIBUTES
    first: list[Any] = list(NONE_ATTRIBUTES)
    pairs = iter(history.observations[0])
    for index, value in zip(pairs, pairs, strict=True):
        if index >= STATUS:
            break
        first[index] = value
    return tuple(first)


def _past(time: int, origin: int) -> int | None:
    return None if time < 0 else time - origin


def _ahead(time: int, origin: int) -> int | None:
    return None if time >= NEVER else time - origin
