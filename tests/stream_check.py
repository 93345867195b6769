"""The oracle's answer to what lies in the log, against what the stream made of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from time import time_ns
from typing import Any

import oracle
from stream_log import Place, StreamLog
from supportpulse.policy import load_policy


def check(
    log: StreamLog,
    *,
    poison: frozenset[Place] = frozenset(),
    now: int | None = None,
    as_of: Mapping[str, int] | None = None,
) -> None:
    """Assert that net view, windows at `now` and dead letters are the oracle's.

    `poison` names what the test wrote to be rejected beside what is no event at all. `as_of` by source is what the
    watermark came to: by then everything due has been decided, not only what the markers say.
    """
    policy = load_policy(log.settings.policy)
    told = log.told(without=poison)
    places = {id(event): place for place, event in told}
    events = [event for _, event in told]
    admitted, conflicts = oracle.admit(events)
    expected = log.poison | poison | {(*places[id(event)], reason) for event, reason in conflicts}
    letters = log.places_of_letters()
    assert letters == expected, f"dead letters: missing {expected - letters}, unexpected {letters - expected}"
    for view_as_of in (log.as_of(), as_of):
        if view_as_of is not None:
            judged = oracle.judge_log(admitted, policy, view_as_of)
            net = {(key, *place): one for key, said in judged.items() for place, one in said.net.items()}
            assert_equal_views(log.net, net)
            deltas: Counter[tuple[str, int, str, int]] = Counter()
            for said in judged.values():
                deltas.update(said.deltas)
            now = time_ns() // 1_000_000 if now is None else now
            found, wanted = log.windows(now), +oracle.windows(deltas, now)
            assert found == wanted, f"windows: {_differing(found, wanted)}"


def assert_equal_views(found: Mapping[Any, Any], wanted: Mapping[Any, Any]) -> None:
    """Two net views are one; else the first differences, said shortly."""
    if found != wanted:
        raise AssertionError(f"net view of {len(found)} cycles, oracle {len(wanted)}: {_differing(found, wanted)}")


def _differing(found: Mapping[Any, Any], wanted: Mapping[Any, Any]) -> str:
    keys = [key for key in {**found, **wanted} if found.get(key) != wanted.get(key)]
    shown = ", ".join(f"{key}: found {found.get(key)}, oracle {wanted.get(key)}" for key in keys[:5])
    return f"{len(keys)} differ: {shown}"
