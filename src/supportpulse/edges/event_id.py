"""Ids of events whose sender has none of its own."""

from __future__ import annotations

import json

from xxhash import xxh3_128_hexdigest

from supportpulse.envelope import encode, to_ms
from supportpulse.events import TicketEvent


def derived_id(event: TicketEvent) -> str:
    """An id out of what the event says: the type and 32 hex digits of a hash of source, ticket, time and data.

    The same said again, in any process, has the same id and counts once, and so does the same instant written in
    another time zone; the event's own id plays no part. Times count in milliseconds.
    """
    said = json.loads(encode(event))
    said["time"] = to_ms(event.time)
    del said["id"]
    text = json.dumps(said, sort_keys=True, separators=(",", ":"))
    return f"{type(event).__name__}/{xxh3_128_hexdigest(text.encode())}"
