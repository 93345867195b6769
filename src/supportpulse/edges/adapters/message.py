"""A message: its text goes in, its signals come out, and nothing else of it."""

from __future__ import annotations

from typing import Any

from supportpulse.edges.adapters.adapter import Options, Update
from supportpulse.edges.adapters.snapshot import digest
from supportpulse.events import Actor, MessagePosted
from supportpulse.signals import signals_of


def posted(
    update: Update,
    text: Any,
    options: Options,
    *,
    by: Actor | None,
    public: bool,
    html: bool = False,
    nameless: bool = False,
) -> MessagePosted:
    """The event of a message; a text that is none counts as empty, without `by` it counts as nobody's.

    `nameless`: the vendor gives messages no id, so a digest of what is kept of this one names it.
    """
    said = text if isinstance(text, str) else ""
    signals = signals_of(said, html=html, docs=options.docs, code=options.code, issues=options.issues)
    who = {} if by is None else {"actor": by}
    sub = f"MessagePosted/{digest(signals.model_dump(), public, by and by.kind)}" if nameless else ""
    return update.event(MessagePosted, sub, public=public, signals=signals, **who)
