"""The marker of a ticket's deadline, as its record is written."""

from __future__ import annotations

from supportpulse.names import event_type
from supportpulse.record import iso, quoted

_TYPE = event_type("DeadlineReached")


def marker(key: bytes, at: int) -> bytes:
    """A `DeadlineReached` for the ticket of a record key: everything up to `at` (ms) has been delivered."""
    source, _, ticket_id = key.decode().partition("|")
    return (
        f'{{"specversion":"1.0","id":"deadline/{at}","source":{quoted(source)},"type":"{_TYPE}",'
        f'"subject":{quoted(ticket_id)},"time":"{iso(at)}","data":{{"at":"{iso(at)}"}}}}'
    ).encode()
