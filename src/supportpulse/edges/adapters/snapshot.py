"""Snapshots of a ticket, of vendors who do not say what changed: the fold finds that out.

A snapshot shows what an update left behind, so it sorts after the messages of its instant: a reply that also solves a
ticket is first a reply.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from hashlib import blake2b
from typing import Any

from supportpulse.edges.adapters.adapter import Delivery, Options, Update
from supportpulse.edges.adapters.shape import moment, word
from supportpulse.envelope import to_ms
from supportpulse.events import ActorKind, Status, TicketObserved

LAST = 2**58
"""The sequence of snapshots; it lies above the ids of messages, which are their sequences."""
BORN = LAST - 1
"""The sequence of a snapshot that was taken as the ticket was opened, and says by whom."""


def when(delivery: Delivery, *paths: str) -> tuple[datetime, str]:
    """The time at the first path that has one, and its name for ids: milliseconds.

    Without any it is the time of receipt, named by its UTC day: the same content twice within a day is one event.
    """
    for path in paths:
        found = moment(delivery.payload, path)
        if found is not None:
            return found, str(to_ms(found))
    return delivery.received, f"{delivery.received:%Y-%m-%d}"


def digest(*content: Any) -> str:
    """Eight characters that tell contents apart; nothing can be read from them but that."""
    text = json.dumps(content, sort_keys=True, default=str)
    return blake2b(text.encode(errors="replace"), digest_size=4).hexdigest()


def observed(update: Update, seen: dict[str, Any], *beside: Any) -> TicketObserved:
    """The observation of what was `seen`: fields of `events.Observation`, absent = unchanged.

    Its id holds a digest of it, and of what is `beside` it, so two snapshots of one instant are two events, and one
    snapshot delivered twice is one.
    """
    actor = seen.get("actor")
    content = seen if actor is None else {**seen, "actor": actor.kind}
    return update.event(TicketObserved, f"TicketObserved/{digest(content, *beside)}", **seen)


def known(options: Options, *raws: Any) -> ActorKind | None:
    """What the configuration says of somebody, by any of the ids, logins or addresses the vendor gives."""
    names = {found for raw in raws if (found := word({"it": raw}, "it")) is not None}
    if names & options.bots:
        return "bot"
    return "agent" if names & options.agents else None


def status_of(options: Options, preset: Mapping[str, Status], *raws: str | None) -> Status | None:
    """Our status of a vendor's, which may be written in several ways; None if no way of writing it is known."""
    names = [raw.strip().lower() for raw in raws if raw is not None]
    return next((found for table in (options.statuses, preset) for name in names if (found := table.get(name))), None)


def number(raw: str | None) -> int | None:
    """A number that may be a sequence, of an id that is one."""
    return int(raw) if raw is not None and raw.isascii() and raw.isdigit() and int(raw) < LAST else None
