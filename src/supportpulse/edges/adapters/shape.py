"""Reading JSON whose shape nobody promised: each function says what it found and never fails otherwise."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

from supportpulse.edges.adapters.adapter import Unknown

LONGEST_VALUE, LONGEST_ID = 100, 200
_RUBY = re.compile(r" (?:UTC|GMT|([+-]\d\d:?\d\d))$")
"""The zone of a time as Ruby writes it: `2026-03-03 13:05:57 UTC`, `... +0800`."""
EARLIEST, LATEST = 946_684_800.0, 3_786_912_000.0
"""Of times in seconds: 2000 to 2090."""


def at(payload: Any, path: str) -> Any:
    """What lies at a dotted path, list positions as numbers; None where there is nothing."""
    found = payload
    for part in path.split("."):
        if isinstance(found, dict):
            found = found.get(part)
        elif isinstance(found, list) and part.isdecimal() and int(part) < len(found):
            found = found[int(part)]
        else:
            return None
    return found


def word(payload: Any, path: str, longest: int = LONGEST_VALUE) -> str | None:
    """A text or a whole number as text, cut to `longest` characters; None for anything else or nothing."""
    found = at(payload, path)
    if isinstance(found, bool) or not isinstance(found, (str, int)):
        return None
    text = str(found) if isinstance(found, str) or abs(found) < 10**30 else ""
    return text.strip()[:longest] or None


def needed(payload: Any, path: str) -> str:
    """The same, cut to what an id may hold, or `Unknown`."""
    found = word(payload, path, LONGEST_ID)
    if found is None:
        raise Unknown("shape", f"{path}: found {type(at(payload, path)).__name__}; valid: a text or a number")
    return found


def record(payload: Any, path: str = "") -> dict[str, Any]:
    """An object, or `Unknown`."""
    found = at(payload, path) if path else payload
    if not isinstance(found, dict):
        raise Unknown("shape", f"{path or 'body'}: found {type(found).__name__}; valid: an object")
    return found


def moment(payload: Any, path: str) -> datetime | None:
    """ISO 8601 with a zone, or epoch seconds or milliseconds; in UTC, between 2000 and 2090. None for anything else."""
    found = at(payload, path)
    if isinstance(found, bool):
        return None
    if isinstance(found, str):
        return _iso(found.strip()[:64])
    if isinstance(found, int | float) and found < 10**15:
        seconds = found / 1000 if found > 100_000_000_000 else float(found)
        return datetime.fromtimestamp(seconds, UTC) if EARLIEST <= seconds <= LATEST else None
    return None


def _iso(text: str) -> datetime | None:
    text = _RUBY.sub(lambda zone: "+00:00" if zone[1] is None else zone[1], text)
    if text.isascii() and text.replace(".", "", 1).isdigit() and len(text) < 20:
        return moment({"n": float(text)}, "n")
    head, dot, tail = text.partition(".")
    if dot:  # nanoseconds are more than Python reads
        digits = len(tail) - len(tail.lstrip("0123456789"))
        text = f"{head}.{tail[: min(digits, 6)]}{tail[digits:]}"
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    if found.tzinfo is None:
        return None
    try:
        found = found.astimezone(UTC)
    except (OverflowError, ValueError):
        return None
    return found if EARLIEST <= found.timestamp() <= LATEST else None


def whole_second(time: datetime) -> datetime:
    """The second a time lies in: what vendors tell in their webhooks and in their API alike."""
    return time.replace(microsecond=0)


def second_of(time: datetime) -> int:
    """The same as a number, for ids."""
    return int(time.timestamp())
