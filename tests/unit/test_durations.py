"""Durations as policies write them."""

from __future__ import annotations

import pytest

from supportpulse.durations import parse_duration, write_duration

MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000


@pytest.mark.parametrize(
    ("text", "ms"),
    [
        ("90s", 90_000),
        ("15m", 15 * MINUTE),
        ("2h", 2 * HOUR),
        ("7d", 7 * DAY),
        ("1w", 7 * DAY),
        ("62h30m", 225_000_000),
    ],
)
def test_durations_are_read_as_people_write_them(text: str, ms: int) -> None:
    """Single units and sums of them, weeks and days in plain hours."""
    assert parse_duration(text) == ms


@pytest.mark.parametrize("text", ["", "15", "m", "15 m", "1.5h", "-5m", "5m2h", "1h\n", "15min"])
def test_anything_else_is_not_a_duration(text: str) -> None:
    """No bare numbers, fractions, signs, spaces, other units or units out of order."""
    with pytest.raises(ValueError, match="a duration such as"):
        parse_duration(text)


@pytest.mark.parametrize("ms", [1000, 90_000, 15 * MINUTE, 225_000_000, 400 * DAY + 1000])
def test_what_is_written_is_read_back(ms: int) -> None:
    """Whole seconds survive writing and reading, and nothing longer than needed is written."""
    assert parse_duration(write_duration(ms)) == ms
    assert write_duration(DAY + 5 * MINUTE + 999) == "1d5m"
    assert write_duration(999) == "0s"
    assert write_duration(DAY + HOUR + 5 * MINUTE, units=2) == "1d1h"
    assert write_duration(DAY + 5 * MINUTE, units=2) == "1d"
