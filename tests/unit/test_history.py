"""The compact history: byte order is event order, ids are found where they stand."""

from __future__ import annotations

import random
from itertools import pairwise

from supportpulse.facts import Reading
from supportpulse.history import ORDER_SIZE, SIZE, History, order_of


def reading(
    time: int, sequence: int = 0, id64: int = 1, facts: int = 0, observation: tuple[object, ...] = ()
) -> Reading:
    """A reading of the one ticket."""
    return Reading("desk|1", time, sequence, id64, facts, observation)


def filled(readings: list[Reading]) -> History:
    """A history of readings in this order of arrival."""
    history = History()
    for one in readings:
        entry = history.pack(one)
        history.insert(history.place(entry), entry)
    return history


def test_any_arrival_order_ends_in_event_order() -> None:
    """By time, then sequence (none first), then id hash, at the extremes of each too."""
    ends = (0, 1, 2**31, 2**63 - 1)
    told = [
        reading(t, s, i) for n, (t, s, i) in enumerate((t, s, t * 7 + s + 1) for t in ends[:3] for s in (*ends, 2**63))
    ]
    told = [one._replace(id64=(one.id64 * 2654435761 + number) % 2**64) for number, one in enumerate(told)]
    told += [reading(5, 5, 2**64 - 1), reading(5, 5, 0)]
    wanted = sorted(told, key=lambda one: (one.time, one.sequence, one.id64))
    for seed in range(20):
        random.Random(seed).shuffle(told)
        assert [(time, id64) for time, id64, _, _ in filled(told)] == [(one.time, one.id64) for one in wanted]
    assert all(order_of(a) < order_of(b) for a, b in pairwise(wanted))
    history = filled(told)
    starts = [history.entries[at : at + ORDER_SIZE] for at in range(0, len(history.entries), SIZE)]
    assert starts == [order_of(one) for one in wanted]


def test_an_id_is_found_only_where_ids_stand() -> None:
    """Bytes that look like an id inside a time, a sequence or across entries are not taken for one."""
    history = filled([reading(7, 9, 11), reading(8, 10, 12)])
    assert [history.find(id64) for id64 in (11, 12)] == [0, 1]
    assert [history.find(id64) for id64 in (7, 8, 9, 10, 0)] == [-1] * 5
    assert filled([reading(1, 0, 0)]).find(0) == 0


def test_equal_observations_are_stored_once() -> None:
    """A no-op update costs an entry, not another copy of what it saw."""
    seen = (0, "live", 4, None)
    history = filled([reading(t, id64=t, observation=seen) for t in range(1, 50)])
    assert history.observations == [seen]
    assert {observation for _, _, _, observation in history} == {seen}
    assert len(history) == 49


def test_the_same_id_is_compared_in_all_its_facts() -> None:
    """Time, sequence, facts and observation make a repeat; one of them different makes a conflict."""
    first = reading(7, 2, 3, 5, (0, "live"))
    history = filled([first])
    assert history.same(0, first)
    for other in (first._replace(time=8), first._replace(sequence=0), first._replace(facts=4)):
        assert not history.same(0, other)
    assert not history.same(0, first._replace(observation=()))
    assert not history.same(0, first._replace(observation=(0, "voice")))


def test_the_rest_of_a_history_keeps_only_its_own_observations() -> None:
    """What only the first entries saw is dropped with them."""
    history = filled([reading(t, id64=t, observation=(0, f"s{t % 3 if t > 5 else t}")) for t in range(1, 10)])
    rest = history.without_first(6)
    assert list(rest) == list(history)[6:]
    assert sorted(rest.observations) == [(0, "s0"), (0, "s1"), (0, "s2")]
    assert list(history.without_first(9)) == []


def test_an_entry_can_be_taken_out() -> None:
    """The others stay in order; an unknown id changes nothing."""
    history = filled([reading(t, id64=t) for t in (1, 2, 3)])
    history.remove(2)
    history.remove(9)
    assert [id64 for _, id64, _, _ in history] == [1, 3]
