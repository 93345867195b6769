"""A secret, as a place where it is kept: `env:NAME` or `file:PATH`; never the secret itself in a file of ours."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

LONGEST = 4096
SHORTEST = 8
SHORTEST_TOKEN = 16
VALID = "env:NAME of a variable, or file:PATH of a file, that holds the secret"


class BadSecret(ValueError):
    """`found` without anything secret, `valid` for people."""

    def __init__(self, found: str, valid: str) -> None:
        super().__init__(f"found {found}; valid: {valid}")
        self.found, self.valid = found, valid


def path_of(place: str, folder: Path) -> Path | None:
    """The file of a place; relative ones lie beside the file that names them."""
    kind, _, where = place.partition(":")
    return folder / where if kind == "file" and where else None


def read_secret(place: str, folder: Path, environ: Mapping[str, str] | None = None, shortest: int = SHORTEST) -> bytes:
    """The secret at a place, without the line end that editors add. Raises `BadSecret`."""
    kind, _, where = place.partition(":")
    if kind == "env" and where:
        found = (os.environ if environ is None else environ).get(where, "").encode("utf-8", "surrogateescape")
        named = f"variable {where}"
    elif kind == "file" and where:
        named = f"file {folder / where}"
        try:
            with (folder / where).open("rb") as file:
                found = file.read(LONGEST + 2)
        except OSError as error:
            raise BadSecret(f"{named}: {error.strerror or 'not readable'}", VALID) from None
    else:
        raise BadSecret("a hidden value", VALID)
    found = found.rstrip(b"\r\n")
    if not shortest <= len(found) <= LONGEST:
        raise BadSecret(f"{named} with {len(found)} bytes", f"a secret of {shortest} to {LONGEST} bytes")
    return found
