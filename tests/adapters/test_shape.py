"""Reading JSON of no promised shape."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from adapted import JUNK
from supportpulse.edges.adapters.adapter import Unknown
from supportpulse.edges.adapters.shape import at, moment, needed, record, whole_second, word

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    "written",
    [
        "2026-01-05T12:00:00Z", "2026-01-05T12:00:00.000000000Z", "2026-01-05T20:00:00.000+0800", "2026-01-05T12:00Z",
        "2026-01-05 12:00:00 UTC", "2026-01-05 20:00:00 +0800",
        1_767_614_400, 1_767_614_400_000, 1_767_614_400.0, "1767614400", "1767614400000",
    ],
)  # fmt: skip
def test_a_time_is_read_however_it_is_written(written: Any) -> None:
    """ISO 8601 with a zone in any precision, epoch seconds or milliseconds, as number or text."""
    assert moment({"t": written}, "t") == NOON


@pytest.mark.parametrize("junk", JUNK, ids=lambda junk: repr(junk)[:20])
def test_junk_is_nothing_and_never_fails(junk: Any) -> None:
    """No time, no object, and a text only of what is a text or a number."""
    assert moment({"t": junk}, "t") is None
    assert at(junk, "a.0.b") is None
    found = word({"t": junk}, "t")
    assert found is None or (isinstance(junk, str | int) and not isinstance(junk, bool) and 0 < len(found) <= 100)
    if found is None:
        with pytest.raises(Unknown):
            needed({"t": junk}, "t")
    if not isinstance(junk, dict):
        with pytest.raises(Unknown):
            record(junk)


def test_a_path_leads_through_lists() -> None:
    """Numbers are positions; beyond the end there is nothing."""
    payload = {"a": [{"b": 1}]}
    assert [at(payload, path) for path in ("a.0.b", "a.1.b", "a.x.b", "a.²")] == [1, None, None, None]


def test_a_second_is_what_a_vendors_api_tells_too() -> None:
    """Parts of a second are cut, not rounded."""
    assert whole_second(NOON.replace(microsecond=999_999)) == NOON
