"""A log with a second file: what it tells of tickets reaches their rows, and none before it was so."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from supportpulse.commands.import_log import command
from supportpulse.edges.importer import Imported, read_log
from supportpulse.edges.mapping_file import read_mapping
from supportpulse.envelope import decode
from supportpulse.errors import DataMissing, MappingError

MAPPING = """
source = "desk"
separator = ";"
encoding = "cp1252"
ticket = "ticket"
id = "{id}"
sequence = "id"
ignored = []

[time]
column = "at"
format = "iso"
zone = "UTC"

[event]
column = "kind"
values = { open = "TicketCreated", note = "AttributesChanged", urgency = "AttributesChanged" }
skip = { "nobody did anything" = ["view", "print"] }

[data.priority]
column = "joined.priority"

[data.scenario]
column = "joined.category"

[join]
key = "number"
changed_by = { column = "kind", values = ["urgency"] }
"""
LOG = """ticket;id;at;kind
A;4;2026-01-01T04:00:00;note
A;1;2026-01-01T01:00:00;open
A;3;2026-01-01T03:00:00;urgency
A;2;2026-01-01T03:00:00;urgency
B;5;2026-01-01T05:00:00;open
B;6;2026-01-01T06:00:00;view
B;7;2026-01-01T06:00:00;print
C;8;2026-01-01T07:00:00;open
B;5;2026-01-01T05:00:00;open
C;8;2026-01-01T08:00:00;open
"""
CASES = "number;priority;category\nA;p1;café\nB;p2;bar\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a mapping, a log and its second file."""
    (tmp_path / "desk.toml").write_text(MAPPING, encoding="utf-8")
    (tmp_path / "log.csv").write_text(LOG, encoding="cp1252")
    (tmp_path / "cases.csv.gz").write_bytes(gzip.compress(CASES.encode("cp1252")))
    return tmp_path


def imported(folder: Path, join: str | None = "cases.csv.gz") -> Imported:
    """The log as it is read."""
    mapping, file = read_mapping(folder / "desk.toml")
    return read_log(folder / "log.csv", mapping, mapping_file=file, join=join and folder / join)


def data_of(log: Imported) -> dict[str, Any]:
    """Id -> what the event says."""
    events = (decode(entry.value) for entry in log.entries)
    return {event.id: event.data.model_dump(exclude_unset=True) for event in events}


def test_the_second_file_is_told_from_its_last_change_on(folder: Path) -> None:
    """Nothing of the file is told before a ticket's last change, by time and sequence; without one, from the start."""
    told = {"priority": "p1", "scenario": "café"}
    assert data_of(imported(folder)) == {
        "1": {}, "2": {}, "3": told, "4": told, "5": {"priority": "p2", "scenario": "bar"}, "8": {},
    }  # fmt: skip


def test_without_changes_to_mind_every_row_is_told(folder: Path) -> None:
    """`changed_by` is optional: then the file holds what never changes."""
    text = "\n".join(line for line in MAPPING.splitlines() if not line.startswith("changed_by"))
    (folder / "desk.toml").write_text(text, encoding="utf-8")
    assert data_of(imported(folder))["1"] == {"priority": "p1", "scenario": "café"}


def test_rows_that_give_no_event_of_their_own_are_counted(folder: Path) -> None:
    """Skipped rows by reason, rows that repeat an event, an id for two happenings as a bad row, unknown tickets."""
    log = imported(folder)
    assert log.skipped == {"nobody did anything": 2}
    assert log.repeated == 1
    assert [(bad.line, bad.reason) for bad in log.bad] == [
        (11, "id: found '8' a second time, for something else; valid: one id for one happening")
    ]
    assert log.unjoined == {"C"}


def test_the_command_tells_the_counts(folder: Path) -> None:
    """As one JSON object, or as lines on standard error."""
    arguments = [str(folder / "log.csv"), "--mapping", str(folder / "desk.toml"), "-o", str(folder / "out")]
    arguments += ["--join", str(folder / "cases.csv.gz")]
    told = CliRunner().invoke(command, [*arguments, "--json"])
    assert told.exit_code == 3
    summary = json.loads(told.stdout)
    assert (summary["skipped"], summary["repeated"], summary["unjoined"]) == ({"nobody did anything": 2}, 1, 1)
    read = CliRunner().invoke(command, arguments).stderr
    assert "2 rows skipped: nobody did anything" in read
    assert read.strip().endswith(
        "1 bad rows; 1 rows that repeat an event; 1 tickets that the second file does not know"
    )


def test_a_second_file_too_many_or_too_few_is_refused(folder: Path) -> None:
    """The mapping says whether there is one."""
    with pytest.raises(
        MappingError, match=r"desk.toml: join: found None; valid: the second file that \[join\] is about"
    ):
        imported(folder, join=None)
    (folder / "desk.toml").write_text(MAPPING.partition("[data.priority]")[0], encoding="utf-8")
    with pytest.raises(MappingError, match=r"desk.toml: join: found '.*cases.csv.gz'; valid: no second file"):
        imported(folder)


@pytest.mark.parametrize(
    ("old", "new", "error", "said"),
    [
        ('key = "number"', 'key = "nr"', MappingError, "join.key: found 'nr'; valid: .*: number, priority, category"),
        ("joined.category", "joined.team", MappingError, "data.scenario.column: found 'joined.team'; valid: a column"),
        (
            'source = "desk"',
            'source = "desk"\nleaks = ["joined.priority"]',
            MappingError,
            "data.priority.column: found",
        ),
        ('column = "joined.category"', 'column = "joined.priority"', MappingError, "ignored: found 'joined.category'"),
        ('key = "number"', 'key = "category"', DataMissing, "cases.csv.gz: line 4: category: found 'bar'; valid: one"),
    ],
)
def test_a_wrong_second_file_or_key_is_one_sentence(
    folder: Path, old: str, new: str, error: type[Exception], said: str
) -> None:
    """Its columns are checked as the log's are, and it has one row a ticket."""
    (folder / "desk.toml").write_text(MAPPING.replace(old, new), encoding="utf-8")
    (folder / "cases.csv.gz").write_bytes(
        gzip.compress((CASES + ("C;p1;bar\n" if "4" in said else "")).encode("cp1252"))
    )
    with pytest.raises(error, match=said):
        imported(folder)
