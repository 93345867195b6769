"""A file that appears only when it is complete."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO


@contextmanager
def whole_file(output: str) -> Iterator[BinaryIO]:
    """A file to write, under another name until the block ends well; "-" is standard output. Raises `ConfigError`."""
    from supportpulse.errors import ConfigError

    if output == "-":
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    part = Path(f"{output}.part")
    try:
        out = part.open("wb")
    except OSError as error:
        raise ConfigError(f"--output: found {output} ({error.strerror}); valid: a file that can be written") from None
    try:
        with out:
            yield out
        os.replace(part, output)
    finally:
        part.unlink(missing_ok=True)
