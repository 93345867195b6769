"""What the fold keeps of an event: a 64-bit mask of facts and a tuple of observed attributes.

Facts are policy-free, so a history can be folded again under another policy; a policy's thresholds come later.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from supportpulse.events import STATUSES, VENDOR_WORDS

INTERVAL_ATTRIBUTES: Final = ("scenario", "sub_scenario", "region", "channel", "priority", "tier", "vendor")
"""Attributes that choose a rule and a label; the first seven of an observation."""

STATUS, TEAM, SITE, AGENT, CREATED_AT, FROM_SITE, TO_SITE, ACTOR_SITE = range(7, 15)
VENDOR_CLOCK, VENDOR_WORD, VENDOR_DEADLINE = range(15, 18)
PRIORITY: Final = INTERVAL_ATTRIBUTES.index("priority")

CREATED: Final = 1 << 0
OBSERVED: Final = 1 << 1
CUSTOMER_MESSAGE: Final = 1 << 2
PUBLIC_REPLY: Final = 1 << 3
BOT_REPLY: Final = 1 << 4
INTERNAL_NOTE: Final = 1 << 5
PROBLEM_CONFIRMED: Final = 1 << 6
CAUSE_IDENTIFIED: Final = 1 << 7
WORKAROUND_PROVIDED: Final = 1 << 8
SOLUTION_PROVIDED: Final = 1 << 9
CUSTOMER_CONFIRMED: Final = 1 << 10
HANDED_OVER: Final = 1 << 11
ESCALATED: Final = 1 << 12
MERGED: Final = 1 << 13
SPLIT: Final = 1 << 14
REPEAT: Final = 1 << 15
DELETED: Final = 1 << 16
SPAM: Final = 1 << 17
RESTORED: Final = 1 << 18
RATED: Final = 1 << 19
KNOWLEDGE_LINKED: Final = 1 << 20
KNOWN_ISSUE_LINKED: Final = 1 << 21
BY_AGENT: Final = 1 << 22
MACRO_SOLUTION: Final = 1 << 23
QUESTION: Final = 1 << 24
NAMES_ITEM: Final = 1 << 25
MERE_RESTART: Final = 1 << 26
EXPLAINS: Final = 1 << 27
"""The reply names a cause, prevention, self-check, code or documents: a solution has it, a holding reply has not."""
ASSIGNMENT: Final = 1 << 28
VENDOR_VERDICT: Final = 1 << 29
CANNED_SHIFT: Final = 32
"""Seven bits from here hold the canned share in whole percent."""

ESTABLISHING: Final = CREATED | OBSERVED
VOIDING: Final = DELETED | SPAM | RESTORED

CONDITIONS: Final = (
    (CUSTOMER_MESSAGE, "customer_message"),
    (PUBLIC_REPLY, "public_reply"),
    (BOT_REPLY, "bot_reply"),
    (INTERNAL_NOTE, "internal_note"),
    (CAUSE_IDENTIFIED, "cause_identified"),
    (WORKAROUND_PROVIDED, "workaround_provided"),
    (HANDED_OVER, "handed_over"),
    (ESCALATED, "escalated"),
    (SPLIT, "split"),
    (RATED, "rated"),
    (KNOWLEDGE_LINKED, "knowledge_linked"),
    (KNOWN_ISSUE_LINKED, "known_issue_linked"),
)
"""Facts that are a condition of clocks each."""

LAST_SEQUENCE: Final = 2**63 + 1
"""Behind every event of the same time: the fold counts sequences from 1 to 2**63."""

VENDOR_CODES: Final = {name: code for code, name in enumerate(VENDOR_WORDS)}
STATUS_CODES: Final = {name: code for code, name in enumerate(STATUSES)}

Observation = tuple[Any, ...]
"""Flat pairs (attribute index, value): a value of None clears the attribute; an absent attribute is unchanged."""


class Reading(NamedTuple):
    """One ticket event as the fold sees it: `key` is the record key, `time` ms, `sequence` 0 if the event has none."""

    key: str
    time: int
    sequence: int
    id64: int
    facts: int
    observation: Observation


class Marker(NamedTuple):
    """A `DeadlineReached`: everything up to `at` (ms) has been delivered."""

    key: str
    at: int


class Beat(NamedTuple):
    """A `Heartbeat`: the watermark (ms) of one instance of a source."""

    source: str
    instance: str
    watermark: int
    mode: str
    time: int


class ProbeSeen(NamedTuple):
    """A `Probe`: sent at `time` (ms) by `worker` to `partition`."""

    worker: str
    partition: int
    time: int
