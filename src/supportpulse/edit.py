"""What an edit of a policy may change: what open tickets can take over as it is.

A file with `applies_to = "next_event"` or `"open_tickets"` edits the version before it: tickets of that version then go
on under its rules. Everything else about them was worked out under that version, so it has to stay.
"""

from __future__ import annotations

from collections.abc import Container

from supportpulse.errors import PolicyError
from supportpulse.policy_file import PolicyFile

FREE = frozenset(
    ("valid_from", "applies_to", "rules", "calendars", "objective", "at_risk_share", "ticket_url", "series_budget")
)
"""Keys of a policy file that an edit may change."""


def check_edit(file: str, content: PolicyFile, of_file: str, of: PolicyFile, clocks: Container[str]) -> None:
    """Raise `PolicyError` if a file cannot be an edit of another, whose targets are of `clocks`."""
    for key in PolicyFile.model_fields:
        found, before = getattr(content, key), getattr(of, key)
        if key not in FREE and found != before:
            told = f"as in {of_file}: an edit changes " + ", ".join(sorted(FREE - {"valid_from", "applies_to"}))
            raise PolicyError(file, key, _short(found), f"{_short(before)}, {told}")
    for name, site in of.sites.items():
        if content.calendars.get(site.shift) != of.calendars.get(site.shift):
            valid = f"that of {of_file}: it is the shift of {name}, which only a version for new_tickets can change"
            raise PolicyError(file, f"calendars.{site.shift}", "another calendar", valid)
    for rule in content.rules:
        for clock in rule.targets:
            if clock not in clocks:
                valid = f"a clock with a target in {of_file}: of others, open tickets have no past"
                raise PolicyError(file, f"rules.{rule.name}.targets.{clock}", clock, valid)


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "..."
