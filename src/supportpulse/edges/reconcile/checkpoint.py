"""How far a source was reconciled, as a small file."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from supportpulse.edges.adapters.shape import moment
from supportpulse.errors import DeclarationError


@dataclass(frozen=True)
class Checkpoint:
    """All of `scope` (a vendor's address and what was read there) until a time lies in Kafka."""

    scope: str
    until: datetime

    def write(self, file: Path) -> None:
        """All of it or nothing, and the same after a crash. Raises `DeclarationError`."""
        part = file.with_name(f"{file.name}.part")
        try:
            with part.open("w", encoding="utf-8") as out:
                json.dump({"scope": self.scope, "until": self.until.isoformat()}, out)
                out.flush()
                os.fsync(out.fileno())
            os.replace(part, file)
        except OSError as error:
            valid = "a file that can be written"
            raise DeclarationError(str(file), "checkpoint", error.strerror or "not writable", valid) from None

    @classmethod
    def read(cls, file: Path, scope: str) -> Checkpoint | None:
        """None if there is none yet. Raises `DeclarationError` for what is none, or one of something else."""

        def wrong(found: object, valid: str) -> DeclarationError:
            return DeclarationError(str(file), "checkpoint", found, valid)

        try:
            raw = json.loads(file.read_bytes())
        except FileNotFoundError:
            return None
        except OSError as error:
            raise wrong(error.strerror or "not readable", "a file that can be read") from None
        except (ValueError, RecursionError):
            raise wrong("no JSON", "the file as it was written; else say --since, which does not read it") from None
        until = moment(raw, "until")
        if until is None or raw.get("scope") != scope:
            told = raw.get("scope") if isinstance(raw, dict) else type(raw).__name__
            raise wrong(told, f"{scope}; another --checkpoint, or --since, which does not read it")
        return cls(scope, until)
