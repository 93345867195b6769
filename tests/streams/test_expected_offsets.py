"""Which batches are taken, skipped or missed, by the offset expected next."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from faust.types import TP

from batches import SOURCE, batch, offsets
from streams.batching import Action, ExpectedOffsets
from streams.batching.healing import HealingConsumer


def test_a_contiguous_batch_is_taken_whole_and_moves_the_expected_offset() -> None:
    """The batch that starts at the expected offset is taken, and what follows it is expected next."""
    expected = ExpectedOffsets()
    expected.assigned(SOURCE, 10)
    first = batch(10, 14)
    verdict = expected.admit(first)
    assert (verdict.action, offsets(verdict.records)) == (Action.TAKE, [10, 11, 12, 13])
    expected.advance(first)
    assert expected.offset(SOURCE) == 14


def test_a_repeated_batch_is_skipped_and_one_across_the_expected_offset_taken_from_there() -> None:
    """Repetitions below the expected offset are never processed twice."""
    expected = ExpectedOffsets()
    expected.assigned(SOURCE, 10)
    assert expected.admit(batch(4, 10)).action is Action.SKIP
    assert offsets(expected.admit(batch(8, 12)).records) == [10, 11]
    assert expected.skipped == 1


def test_a_batch_without_records_still_moves_the_expected_offset() -> None:
    """Control records and aborted transactions advance a partition although nothing is processed."""
    expected = ExpectedOffsets()
    expected.assigned(SOURCE, 10)
    markers = batch(10, 13, records=[])
    assert expected.admit(markers) == (Action.TAKE, [])
    expected.advance(markers)
    assert expected.offset(SOURCE) == 13


def test_a_hole_is_said_once_until_it_is_filled_or_the_retry_time_has_passed() -> None:
    """One seek back a hole, a second one only if the first had no effect, and a new hole is said again."""
    now = 100.0
    expected = ExpectedOffsets(retry_seconds=5, clock=lambda: now)
    expected.assigned(SOURCE, 10)
    assert expected.admit(batch(12, 14)).action is Action.HOLE
    assert expected.admit(batch(14, 16)).action is Action.SKIP
    now = 105.0
    assert expected.admit(batch(16, 18)).action is Action.HOLE
    expected.advance(batch(10, 12))
    assert expected.admit(batch(13, 14)).action is Action.HOLE
    assert expected.holes == 3
    assert expected.offset(SOURCE) == 12


def test_a_batch_whose_processing_failed_is_met_again() -> None:
    """Nothing moves before `advance`: what follows a batch that raised is a hole, not progress."""
    expected = ExpectedOffsets()
    expected.assigned(SOURCE, 0)
    expected.admit(batch(0, 5))
    assert expected.admit(batch(5, 9)).action is Action.HOLE


def test_offsets_the_log_no_longer_has_are_counted_and_jumped() -> None:
    """A hole that retention made is given up loudly."""
    expected = ExpectedOffsets()
    expected.assigned(SOURCE, 10)
    expected.jump(SOURCE, 25)
    assert (expected.lost, expected.offset(SOURCE)) == (15, 25)


async def test_what_was_fetched_a_moment_ago_is_no_hole() -> None:
    """A record of an idle partition that arrives at a look is on its way; one that is still so at the next is lost."""
    expected, healed = ExpectedOffsets(), []
    expected.assigned(SOURCE, 5)
    fetched: dict[TP, int] = {SOURCE: 5}
    looks: list[int] = []

    async def timer(*args: Any, **options: Any) -> Any:
        for fetched_to in (5, 6, 6):
            fetched[SOURCE] = fetched_to
            yield None
            looks.append(len(healed))

    async def heal(tp: TP) -> None:
        healed.append(tp)

    consumer: Any = SimpleNamespace(
        bound=SimpleNamespace(expected=expected), app=SimpleNamespace(rebalancing=False), itertimer=timer, heal=heal,
        _fetched_to=fetched,
    )  # fmt: skip
    await HealingConsumer.__dict__["_heal_when_idle"].fun(consumer)
    assert looks == [0, 0, 1]


def test_batches_of_a_revoked_partition_are_skipped() -> None:
    """A batch that was under way when its partition went is neither processed nor committed."""
    expected = ExpectedOffsets()
    expected.assigned(SOURCE, 0)
    expected.revoked(SOURCE)
    assert expected.admit(batch(0, 5)).action is Action.SKIP
    expected.advance(batch(0, 5))
    assert expected.partitions == frozenset()
