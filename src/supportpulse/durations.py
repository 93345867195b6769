"""Durations as people write them in a policy: "90s", "15m", "62h30m", "7d"."""

from __future__ import annotations

import re

UNITS_MS = {"w": 604_800_000, "d": 86_400_000, "h": 3_600_000, "m": 60_000, "s": 1000}
VALID = 'a duration such as "90s", "15m", "62h30m", "7d" or "1w"'
_DURATION = re.compile("".join(rf"(?:(\d{{1,9}}){unit})?" for unit in UNITS_MS))


def parse_duration(text: str) -> int:
    """Milliseconds of a duration: weeks, days (of 24 h), hours, minutes, seconds, in this order. Raises ValueError."""
    found = _DURATION.fullmatch(text)
    if not text or found is None:
        raise ValueError(VALID)
    return sum(int(count) * unit for count, unit in zip(found.groups(), UNITS_MS.values(), strict=True) if count)


def write_duration(ms: int, units: int = 4) -> str:
    """The duration as `parse_duration` reads it, in days, hours, minutes and whole seconds; "0s" for none.

    Rounded down to a second, or to the first `units` of these units that count.
    """
    text = ""
    for unit in ("d", "h", "m", "s"):
        count, ms = divmod(ms, UNITS_MS[unit])
        if count and units > 0:
            text += f"{count}{unit}"
        if text:
            units -= 1
    return text or "0s"
