"""Short policies to put together, for the tests of policies."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

HEAD = 'name = "p"\n'
RULE = '[[rules]]\nname = "all"\ntargets = { first_response = "15m" }\n'
ENUMS = '[enums]\nscenario = ["live", "social"]\n'
PLAIN = HEAD + 'labels = ["rule"]\n' + RULE
OFFICE = '[calendars.office]\ntimezone = "UTC"\nhours = { mon-fri = ["09:00-17:00"] }\n'

Write = Callable[..., Path]
"""Writes a policy file and gives its path."""


def writer(folder: Path) -> Write:
    """A `Write` into a folder."""

    def to_file(text: str, name: str = "p.toml") -> Path:
        path = folder / name
        path.write_text(text, "utf-8")
        return path

    return to_file
