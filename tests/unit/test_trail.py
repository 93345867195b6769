"""The recent past in bounded memory."""

from __future__ import annotations

from supportpulse.trail import FIRST_STEP_SECONDS, LONGEST_STEP_SECONDS, MOST_POINTS, Trail


def test_a_day_of_seconds_is_a_few_points_over_the_last_hours() -> None:
    """Never more than the most; at last two minutes apart, and the newest is one of them."""
    trail = Trail()
    for second in range(86_400):
        trail.add(second, {"a": second})
        assert len(trail.points) <= MOST_POINTS
    assert {later - at for at, later in zip(trail.times, trail.times[1:], strict=False)} == {LONGEST_STEP_SECONDS}
    assert 86_400 - trail.times[-1] <= LONGEST_STEP_SECONDS
    assert trail.times[-1] - trail.times[0] == (MOST_POINTS - 1) * LONGEST_STEP_SECONDS
    assert trail.line("a") == trail.times


def test_two_looks_within_a_step_are_one_point_and_gaps_stay_gaps() -> None:
    """A name that had no value then has None there."""
    trail = Trail()
    trail.add(0.0, {"a": 0.5})
    trail.add(FIRST_STEP_SECONDS / 2, {"a": 0.9})
    trail.add(FIRST_STEP_SECONDS, {"b": 0.1, "a": None})
    assert trail.times == [0.0, FIRST_STEP_SECONDS]
    assert (trail.line("a"), trail.line("b"), trail.line("c")) == ([0.5, None], [None, 0.1], [None, None])
