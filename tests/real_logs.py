"""Real logs of the folder `$SUPPORTPULSE_DATASETS` (default `../shared/datasets`) through their shipped mappings."""

from __future__ import annotations

import csv
import gzip
import json
import os
from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from supportpulse.edges.importer import Imported, read_log
from supportpulse.edges.mapping_file import read_mapping
from supportpulse.envelope import to_ms
from supportpulse.evaluate import Evaluation, evaluate
from supportpulse.policy import load_policy
from supportpulse.reader import read
from supportpulse.settings import SHIPPED_POLICY

JSM = SHIPPED_POLICY.with_name("jsm.toml")
ENDED = ("solved", "closed")


def real(file: Path) -> Path:
    """A log, where it is."""
    folder = Path(os.environ.get("SUPPORTPULSE_DATASETS", "../shared/datasets"))
    if not (folder / file).exists():
        pytest.skip(f"{folder / file} is not there; set SUPPORTPULSE_DATASETS to the folder of data sets")
    return folder / file


def rows_of(file: Path) -> list[dict[str, str]]:
    """Its rows, read without a mapping."""
    with gzip.open(real(file), "rt", encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def imported(log: Path, mapping_name: str, join: Path | None = None) -> Imported:
    """A log through a shipped mapping."""
    mapping, file = read_mapping(mapping_name)
    return read_log(real(log), mapping, mapping_file=file, join=join and real(join))


def events_of(log: Imported) -> dict[str, list[dict[str, Any]]]:
    """Ticket -> its events in the order written, as JSON objects; `ms` is their time, `what` their type's name."""
    tickets = defaultdict(list)
    for entry in log.entries:
        event = json.loads(entry.value)
        tickets[event["subject"]].append(
            event | {"ms": entry.time_ms, "what": event["type"].split(".")[1], "data": event.get("data", {})}
        )
    return tickets


def evaluated(log: Imported, policy: Path) -> Evaluation:
    """What `supportpulse evaluate` finds."""
    found = evaluate([read(record.value) for record in log.records(every_ms=6 * 3_600_000)], load_policy(policy))
    assert found.rejected == []
    assert found.duplicates == 0
    assert found.events == len(log.entries)
    return found


def ms(text: str, zone: str | None = None) -> int:
    """A time of a log."""
    found = datetime.fromisoformat(text)
    return to_ms(found if zone is None else found.replace(tzinfo=ZoneInfo(zone)))


def ids(log: Imported) -> list[str]:
    """Ids of its events."""
    return [json.loads(entry.value)["id"] for entry in log.entries]


def entered(events: Iterable[dict[str, Any]], statuses: tuple[str, ...]) -> list[int]:
    """When a ticket entered one of these statuses from another."""
    last, times = "", []
    for event in events:
        status = event["data"].get("status", last)
        if status in statuses and last not in statuses:
            times.append(event["ms"])
        last = status
    return times
