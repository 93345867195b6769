"""A file of lines from a path or standard input, gzipped or not."""

from __future__ import annotations

import gzip
import io
import os
import sys
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

from supportpulse.errors import DataMissing


@dataclass(frozen=True)
class LineFile:
    """An open file; `unpacked` yields its lines, `size` is its bytes as stored (0 = not known)."""

    unpacked: BinaryIO
    raw: BinaryIO
    size: int

    def progress(self) -> tuple[int, int]:
        """Bytes as stored that were read, and in all; (0, 0) when not known."""
        return (self.raw.tell(), self.size) if self.size else (0, 0)


@contextmanager
def open_lines(path: str | Path) -> Iterator[LineFile]:
    """Open a file ("-" is standard input); gzip is recognised by its first bytes.

    Raises `DataMissing` for a file that is not there, cannot be read or is damaged.
    """
    if str(path) == "-":
        stdin = sys.stdin.buffer
        yield LineFile(_unpacked(stdin), stdin, 0)
        return
    try:
        raw = open(path, "rb")  # noqa: SIM115  # the with below closes it; only a failing open is a DataMissing
    except OSError as error:
        raise DataMissing(f"{path}: {error.strerror}; valid: a file that can be read, gzipped or not") from None
    with raw:
        try:
            yield LineFile(_unpacked(raw), raw, os.fstat(raw.fileno()).st_size)
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            raise DataMissing(f"{path}: {error}; valid: a whole gzip file") from None


def _unpacked(raw: BinaryIO) -> BinaryIO:
    magic = raw.peek(2)[:2] if isinstance(raw, io.BufferedReader) else b""
    return cast(BinaryIO, gzip.GzipFile(fileobj=raw)) if magic == b"\x1f\x8b" else raw
