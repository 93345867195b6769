"""A ticket's attributes out of a vendor's fields and labels, as the configuration of its source says.

A path `labels:PREFIX` means the ticket's labels or tags: the first that starts with PREFIX (case does not count) gives
the rest of itself, and `values` may give that another name. With an empty PREFIX only labels named in `values` count.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from supportpulse.edges.adapters.adapter import Options, Update
from supportpulse.edges.adapters.shape import LONGEST_VALUE, at, word
from supportpulse.events import AttributesChanged, PriorityChanged, TicketEvent

LABELS = "labels:"
Preset = Mapping[str, str]
NONE: Preset = {}


def value_of(options: Options, attribute: str, found: str | None, preset: Preset = NONE) -> str | None:
    """Our name of a vendor's value: what the configuration says, else the preset of the vendor, else itself."""
    if found is None:
        return None
    plain = found.strip().lower()[:LONGEST_VALUE]
    return options.values.get(attribute, NONE).get(plain) or preset.get(plain) or plain or None


def labels_of(payload: Any, path: str, name: str = "") -> list[str]:
    """Labels at a path: a list of texts, of objects with the text at `name`, or texts between spaces."""
    found = at(payload, path)
    if isinstance(found, str):
        return found.split()
    if not isinstance(found, list):
        return []
    texts = (word({"it": item}, f"it.{name}" if name else "it") for item in found)
    return [text for text in texts if text is not None]


def by_labels(options: Options, attribute: str, labels: Iterable[str]) -> str | None:
    """The value that labels give an attribute whose path is `labels:PREFIX`; None if none does."""
    prefix = options.attributes[attribute].removeprefix(LABELS).lower()
    names = options.values.get(attribute, NONE)
    for label in labels:
        plain = label.strip().lower()
        rest = plain.removeprefix(prefix) if plain.startswith(prefix) else ""
        if rest and (prefix or rest in names):
            return names.get(rest, rest)[:LONGEST_VALUE]
    return None


def labelled(options: Options) -> list[str]:
    """Our attributes that labels give."""
    return [attribute for attribute, path in options.attributes.items() if path.startswith(LABELS)]


def attributes_of(payload: Any, options: Options, labels: Iterable[str] = ()) -> dict[str, str]:
    """Every configured attribute that a payload has a value of."""
    labels = list(labels)
    found = {}
    for attribute, path in options.attributes.items():
        by_label = path.startswith(LABELS)
        value = by_labels(options, attribute, labels) if by_label else value_of(options, attribute, word(payload, path))
        if value:
            found[attribute] = value
    return found


def changed(update: Update, attribute: str, value: str | None, **data: Any) -> TicketEvent:
    """The event that an attribute took a value; its id holds both, so the same change told again is the same event."""
    sub = f"{attribute}={value if value is not None else '-'}"[:150]
    if attribute == "priority":
        return update.event(PriorityChanged, sub, priority=value, **data)
    return update.event(AttributesChanged, sub, **{attribute: value}, **data)
