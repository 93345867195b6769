"""Words for hand-made scenarios of one ticket. Minutes count from Friday 2025-03-28 00:00 UTC."""

from __future__ import annotations

from collections import Counter
from typing import Any

import xxhash

from oracle import Verdicts, judge
from strategies import MINUTE, START, happened, policy_of
from supportpulse.events import TicketEvent
from supportpulse.policy import Policy

LATER = 100_000
"""An `as_of` in minutes after every deadline of these tests."""


def at(minute: float) -> int:
    """Milliseconds of a minute."""
    return START + round(minute * MINUTE)


def cycle(identity: str) -> str:
    """The name of the cycle an event starts."""
    return f"{xxhash.xxh64_intdigest(identity.encode()):016x}"


def policy(clock: str, target: str = '"1h"', extra: str = "", top: str = "") -> Policy:
    """A policy of one clock `c` and one rule for all tickets; rules in `extra` come first."""
    return policy_of(
        f'name = "p"\nreopen_window = "2h"\nlabels = ["rule"]\n{top}\n[clocks.c]\n{clock}\n{extra}\n'
        f'[[rules]]\nname = "rest"\ntargets = {{ c = {target} }}\n'
    )


def run(judged_by: Policy, *events: TicketEvent, as_of: float = LATER) -> Verdicts:
    """The verdicts about one ticket."""
    return judge(events, judged_by, at(as_of))


def say(name: str, minute: float, identity: str | None = None, **data: Any) -> TicketEvent:
    """An event at a minute, its id made of both unless given."""
    return happened(name, at(minute), identity or f"{name}@{minute}", **data)


def verdict(verdicts: Verdicts, identity: str = "new") -> tuple[str, float, float | None] | None:
    """The verdict on the cycle of clock `c` an event started, in minutes."""
    found = verdicts.net.get(("c", cycle(identity)))
    if found is None:
        return None
    word, time, deadline = found
    return word, (time - START) / MINUTE, None if deadline is None else (deadline - START) / MINUTE


def slots(verdicts: Verdicts) -> Counter[str]:
    """How often each slot was counted, whenever."""
    total: Counter[str] = Counter()
    for (_, _, slot, _), count in verdicts.deltas.items():
        total[slot] += count
    return total


ANSWER = 'start = ["created"]\nstop = ["public_reply"]\n'
SOLVE = 'start = ["created"]\nstop = ["completely_resolved"]\npause = ["status:pending_customer"]\n'
NEW = say("TicketCreated", 0, "new", by="customer")
PRIORITY = '[[rules]]\nname = "urgent"\nmatch.priority = "urgent"\ntargets = { c = "20m" }\n'
URGENT = say("PriorityChanged", 30, "up", priority="urgent")


def reply(minute: float, identity: str | None = None, **data: Any) -> TicketEvent:
    """A public reply by a human."""
    return say("MessagePosted", minute, identity, by="agent", **data)


def status(minute: float, value: str, identity: str | None = None, **data: Any) -> TicketEvent:
    """A change of status."""
    return say("StatusChanged", minute, identity, status=value, **data)
