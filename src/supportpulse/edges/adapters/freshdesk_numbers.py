"""What Freshdesk's and Freshservice's numbers and words stand for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from supportpulse.edges.adapters.attributes import Preset
from supportpulse.edges.adapters.shape import word
from supportpulse.events import ActorKind, Status

STATUSES: Mapping[str, Status] = {
    "2": "open", "open": "open",
    "3": "pending_customer", "pending": "pending_customer",
    "4": "solved", "resolved": "solved",
    "5": "closed", "closed": "closed",
    "6": "pending_customer", "waiting on customer": "pending_customer",
    "7": "pending_third_party", "waiting on third party": "pending_third_party",
}  # fmt: skip
"""6 and 7 are custom statuses that every new account has."""
PRIORITIES: Preset = {"1": "low", "2": "normal", "medium": "normal", "3": "high", "4": "urgent"}
FRESHDESK: Preset = {
    "1": "email", "2": "portal", "3": "phone", "4": "community", "forum": "community", "5": "twitter",
    "6": "facebook", "7": "chat", "8": "mobile", "9": "feedback_widget", "feedback widget": "feedback_widget",
    "10": "outbound_email", "outbound email": "outbound_email", "11": "ecommerce", "12": "bot", "13": "whatsapp",
}  # fmt: skip
FRESHSERVICE: Preset = {
    "1": "email", "2": "portal", "3": "phone", "4": "chat", "5": "feedback_widget", "6": "yammer", "7": "cloudwatch",
    "8": "pagerduty", "9": "walkup", "10": "slack",
}  # fmt: skip
PEOPLE: Mapping[str, ActorKind] = {
    "agent": "agent", "requester": "customer", "contact": "customer", "customer": "customer", "user": "customer",
    "system": "automation", "automation": "automation", "bot": "bot",
}  # fmt: skip
RATINGS: Mapping[str, float] = {
    "103": 1.0, "102": 5 / 6, "101": 4 / 6, "100": 3 / 6, "-101": 2 / 6, "-102": 1 / 6, "-103": 0.0,
}  # fmt: skip
"""A survey of seven marks; shorter surveys use some of these."""


def channels(payload: Any) -> Preset:
    """The two products count their sources differently; the domain tells which one it is."""
    return FRESHSERVICE if "freshservice" in (word(payload, "domain") or "") else FRESHDESK


def person(raw: str | None) -> ActorKind | None:
    """The kind of a performer; None for one that is not named."""
    return PEOPLE.get((raw or "").strip().lower())
