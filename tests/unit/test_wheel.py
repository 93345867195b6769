"""The deadline wheel against a plain dict."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from supportpulse.clock import NEVER
from supportpulse.wheel import MINUTE, Wheel

KEYS = [b"a", b"b", b"c", b"d"]
TIMES = st.one_of(st.integers(0, 5 * MINUTE), st.sampled_from([0, MINUTE - 1, MINUTE, MINUTE + 1, 2 * MINUTE, NEVER]))


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.one_of(
            st.tuples(st.just("move"), st.sampled_from(KEYS), TIMES),
            st.tuples(st.just("pass"), st.integers(0, 6 * MINUTE), st.integers(1, 3)),
            st.tuples(st.just("compact"), st.just(b""), st.just(0)),
        ),
        max_size=40,
    )
)
def test_what_passes_is_what_is_due_earliest_first_and_once(steps: list[tuple[str, object, int]]) -> None:
    """Deadlines move and are passed in any order, with any limit: never too early, never lost, never twice."""
    due: dict[bytes, int] = {}
    armed: set[bytes] = set()
    wheel = Wheel(lambda key: due.get(key, NEVER))
    for step, what, number in steps:
        if step == "move":
            assert isinstance(what, bytes)
            due[what] = number
            armed.add(what)
            wheel.arm(what, number)
        elif step == "compact":
            wheel.compact(0)
        else:
            assert isinstance(what, int)
            wanted = sorted((due[key], key) for key in armed if due[key] < what and due[key] < NEVER)
            passed = wheel.pass_to(what, number)
            assert passed == [key for _, key in wanted[:number]]
            armed -= set(passed)
    rest = {key for key in armed if due[key] < NEVER}
    assert set(wheel.pass_to(NEVER, 100)) == rest


def test_an_entry_whose_deadline_moved_is_dropped_when_it_comes_up() -> None:
    """The ticket's header is the truth, the wheel only remembers when to look."""
    due = {b"a": 10}
    wheel = Wheel(due.__getitem__)
    wheel.arm(b"a", 10)
    due[b"a"] = 3 * MINUTE
    assert wheel.pass_to(MINUTE, 10) == []
    assert len(wheel) == 0


def test_stale_entries_do_not_pile_up() -> None:
    """A deadline moved again and again leaves at most two entries a ticket and a thousand."""
    due = {b"a": 0}
    wheel = Wheel(due.__getitem__)
    for minute in range(1, 5000):
        due[b"a"] = minute * MINUTE
        wheel.arm(b"a", due[b"a"])
        wheel.compact(1)
    assert len(wheel) <= 1003
    assert wheel.pass_to(4999 * MINUTE + 1, 10) == [b"a"]


def test_a_deadline_in_a_minute_already_passed_is_found() -> None:
    """The watermark may stand within a minute when a ticket with an earlier deadline comes."""
    due = {b"a": 30_000, b"b": 10_000}
    wheel = Wheel(due.__getitem__)
    wheel.arm(b"a", 30_000)
    assert wheel.pass_to(20_000, 10) == []
    wheel.arm(b"b", 10_000)
    assert wheel.pass_to(20_000, 10) == [b"b"]
    assert wheel.pass_to(30_000, 10) == []
    assert wheel.pass_to(30_001, 10) == [b"a"]
