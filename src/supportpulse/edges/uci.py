"""The desk's own verdicts in the UCI incident log, for comparing ours with them. They never enter an event."""

from __future__ import annotations

import csv
import gzip
from pathlib import Path
from typing import NamedTuple

from supportpulse.errors import DataMissing

LOG = Path("uci-incident-event-log") / "incident_event_log.csv.gz"
"""Where the log lies in a folder of data sets."""


class Verdict(NamedTuple):
    """What the desk recorded at the end of an incident."""

    made_sla: bool
    priority: str
    """The final priority as the events name it: p1 (critical) to p4 (low)."""


def verdicts(path: str | Path) -> dict[str, Verdict]:
    """Incident number -> verdict, from the last row of each incident in a plain or gzipped CSV; or `DataMissing`."""
    opened = gzip.open if Path(path).suffix == ".gz" else open
    try:
        with opened(path, "rt", encoding="utf-8", newline="") as lines:
            return {
                row["number"]: Verdict(row["made_sla"] == "true", f"p{row['priority'][0]}")
                for row in csv.DictReader(lines)  # a later row replaces an earlier one
            }
    except OSError as error:
        raise DataMissing(f"{path}: {error.strerror or error}; valid: the UCI incident event log") from None
