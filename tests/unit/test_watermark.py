"""How far a source's time has come: modes, instances, staleness, grace."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from supportpulse.facts import Beat
from supportpulse.watermark import Instance, Source, Sources, Status

NOW, FRESH = 1_000_000_000, 30_000


def sources(grace_seconds: float = 0.0) -> Sources:
    """Sources of one partition; `desk` has a grace."""
    return Sources(FRESH, {"desk": grace_seconds})


def beat(mode: str, watermark: int, instance: str = "a", source: str = "desk", sent: int | None = None) -> Beat:
    """A heartbeat, sent at its watermark if nothing else is said."""
    return Beat(source, instance, watermark, mode, watermark if sent is None else sent)


def test_a_source_that_never_sent_a_heartbeat_counts_as_the_wall_clock_minus_its_grace() -> None:
    """A producer need not know of heartbeats."""
    assert sources(2.5).status("desk", NOW) == Status("released", NOW - 2500, False)
    assert sources(2.5).status("other", NOW).watermark == NOW


@pytest.mark.parametrize(
    ("mode", "watermark"),
    [("log", NOW - 90_000), ("ended", NOW - 90_000), ("released", NOW - 2000), ("live", NOW - 2000)],
)
def test_a_fresh_source_counts_as_its_mode_says(mode: str, watermark: int) -> None:
    """Log and end are what they said, live and released are the wall clock minus the grace."""
    one = sources(2)
    one.hear(beat(mode, NOW - 90_000), NOW - FRESH)
    assert one.status("desk", NOW) == Status(mode, watermark, False)


def test_a_live_source_not_heard_of_holds_at_what_it_said_last() -> None:
    """Not one millisecond after the freshness bound does it count as the wall clock; and its grace still holds."""
    one = sources(2)
    one.hear(beat("live", NOW - 5), NOW)
    assert one.status("desk", NOW + FRESH) == Status("live", NOW + FRESH - 2000, False)
    assert one.status("desk", NOW + FRESH + 1) == Status("live", NOW - 2005, True)


def test_going_stale_never_lets_a_deadline_pass_that_the_grace_held_back() -> None:
    """With a grace longer than the freshness bound the last heartbeat lies ahead of what counts."""
    one = sources(120)
    one.hear(beat("live", NOW), NOW)
    assert one.status("desk", NOW + FRESH + 1).watermark < one.status("desk", NOW + FRESH).watermark


def test_several_instances_count_as_their_minimum_and_one_stale_makes_the_source_stale() -> None:
    """What one gateway has not delivered may lie before what another has."""
    one = sources()
    one.hear(beat("live", NOW, "a"), NOW)
    one.hear(beat("live", NOW - 60_000, "b"), NOW - 60_000)
    one.hear(beat("log", NOW - 100, "c"), NOW)
    assert one.status("desk", NOW) == Status("live", NOW - 60_000, True)
    one.hear(beat("released", NOW, "b"), NOW)
    assert one.status("desk", NOW) == Status("log", NOW - 100, False)


@pytest.mark.parametrize("mode", ["live", "released", "log"])
def test_an_end_holds_only_until_another_instance_is_heard_of(mode: str) -> None:
    """A desk's history is imported, then it goes live under another name; an import after that holds it again."""
    one = sources()
    one.hear(beat("ended", NOW - 90_000, "import"), NOW - 80_000)
    one.hear(beat(mode, NOW, "host"), NOW)
    assert one.status("desk", NOW) == Status(mode, NOW, False)
    one.hear(beat("ended", NOW - 90_000, "import"), NOW + 1)
    assert one.status("desk", NOW + 1) == Status("ended", NOW - 90_000, False)
    one.hear(beat("ended", NOW - 5, "host"), NOW + 2)
    assert one.status("desk", NOW + 2).watermark == NOW - 90_000


def test_the_last_heartbeat_of_an_instance_counts_even_if_it_says_less() -> None:
    """A source that starts again from an earlier point of its log says so."""
    one = sources()
    one.hear(beat("log", NOW), NOW)
    one.hear(beat("log", NOW - 1000), NOW)
    assert one.status("desk", NOW).watermark == NOW - 1000
    one.hear(beat("live", NOW), NOW)
    assert one.status("desk", NOW).mode == "live"


@pytest.mark.parametrize("skew", [0, 3_600_000, -3_600_000])
def test_a_heartbeat_that_waited_through_an_outage_promises_no_more_than_it_says(skew: int) -> None:
    """It comes ten minutes late: until the next one its source is stale, whatever the sender's clock shows."""
    one = sources()
    one.hear(beat("live", NOW, sent=NOW + skew), NOW + 10)
    waited = beat("live", NOW + 5000, sent=NOW + 5000 + skew)
    one.hear(waited, NOW + 605_000)
    assert one.status("desk", NOW + 605_000) == Status("live", NOW + 5000, True)
    one.hear(beat("live", NOW + 606_000, sent=NOW + 606_000 + skew), NOW + 606_010)
    assert one.status("desk", NOW + 606_010) == Status("live", NOW + 606_010, False)


def test_heartbeats_that_waited_together_are_late_each_by_as_much_as_it_waited() -> None:
    """A producer that buffers goes on beating while its broker is away: only the last of them are fresh."""
    one = sources()
    one.hear(beat("live", NOW), NOW)
    stale = []
    for sent in range(NOW + 5000, NOW + 605_000, 5000):
        one.hear(beat("live", sent), NOW + 605_000)
        stale.append(one.status("desk", NOW + 605_000).stale)
    assert stale == [True] * stale.count(True) + [False] * stale.count(False)
    assert stale.count(False) * 5000 <= FRESH + 605_000 // 10


def test_a_heartbeat_that_is_a_little_late_is_fresh_for_the_rest_of_its_time() -> None:
    """Twenty seconds of thirty are over when it comes."""
    one = sources()
    one.hear(beat("live", NOW), NOW)
    one.hear(beat("live", NOW + 5000), NOW + 25_000)
    late = 20_000 - 25_000 // 10
    assert not one.status("desk", NOW + 25_000 + FRESH - late).stale
    assert one.status("desk", NOW + 25_000 + FRESH - late + 1).stale


def test_a_clock_that_was_set_back_is_believed_after_a_while() -> None:
    """By a minute: its source is stale for five minutes, then again as before; set forward it is believed at once."""
    one = sources()
    one.hear(beat("live", NOW), NOW)
    stale = []
    for now in range(NOW + 5000, NOW + 1_200_000, 5000):
        one.hear(beat("live", now - 60_000), now)
        stale.append(one.status("desk", now).stale)
    assert stale == [True] * 59 + [False] * (len(stale) - 59)
    one.hear(beat("live", NOW + 1_200_000), NOW + 1_200_000)
    assert not one.status("desk", NOW + 1_200_000).stale


def test_a_record_without_delays_is_read() -> None:
    """As records were written before delays were known."""
    old = Source()
    old.load(msgspec.msgpack.encode([("a", "live", NOW - 5, NOW)]))
    assert old.instances == {"a": Instance("live", NOW - 5, NOW)}
    old.hear(beat("live", NOW + 5000), NOW + 5010)
    assert not old.status(NOW + 5010, FRESH).stale


@given(
    st.dictionaries(
        st.text(max_size=5),
        st.lists(
            st.tuples(st.sampled_from(("log", "live", "ended", "released")), *[st.integers(0, 2**45)] * 3), max_size=3
        ),
    )
)
def test_instances_survive_their_record(told: dict[str, list[tuple[str, int, int, int]]]) -> None:
    """What was heard of a source is state: a restart knows it."""
    before, after = Source(), Source()
    for name, beats in told.items():
        for mode, watermark, sent, heard in beats:
            before.hear(beat(mode, watermark, name, sent=sent), heard)
    after.load(before.encode())
    assert after.instances == before.instances
    assert after.encode() == before.encode()


def test_a_source_that_was_heard_of_has_to_be_written() -> None:
    """Asking does not make it dirty, hearing does."""
    one = sources()
    one.status("other", NOW)
    assert one.dirty == set()
    one.hear(beat("log", NOW), NOW)
    assert one.dirty == {"desk"}
