"""What a mapping says of logs that are no plain table of snapshots: conditions, patterns, zones that changed."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from supportpulse.edges.cell import BadRow
from supportpulse.edges.kinds import Skipped
from supportpulse.edges.mapping import LogMapping
from supportpulse.edges.mapping_file import read_mapping
from supportpulse.errors import MappingError
from supportpulse.events import TicketCreated, TicketObserved

HISTORY = """
source = "desk"
ticket = "key"
id = "{key}:{at}"
sequence = { column = "rev", pattern = 'R(\\d+)$' }

[[event]]
when = "at == opened"
type = "TicketCreated"
fields = []

[[event]]
when = '''"what.changed" == 'view' '''
skip = "nobody did anything"

[[event]]
type = "TicketObserved"

[time]
column = "at"
format = "iso"
zone = "Europe/Amsterdam"
before = { 2013-08-17 = "UTC" }

[[data.status]]
column = "state"
values = { Done = "closed" }
other = "unchanged"

[[data.status]]
column = "resolution"
values = { Fixed = "solved" }

[[data.status]]
column = "state"
values = { Open = "new" }
"""
ROW = {
    "key": "T1", "rev": "AB-R12", "at": "2013-09-01T10:00:00", "opened": "2013-08-01T10:00:00", "state": "Open",
    "resolution": "", "what.changed": "state",
}  # fmt: skip


@pytest.fixture
def write(tmp_path: Path) -> Any:
    """A function that writes a mapping and reads it."""

    def written(text: str) -> LogMapping:
        file = tmp_path / "desk.toml"
        file.write_text(text, encoding="utf-8")
        return read_mapping(file)[0]

    return written


def status(mapping: LogMapping, **cells: str) -> str | None:
    """The status that a row tells."""
    event = mapping.event_of(ROW | cells, 1)
    assert isinstance(event, TicketObserved)
    return event.data.status


def test_the_first_condition_that_holds_says_what_a_row_is(write: Any) -> None:
    """A row is the event of the first entry whose `when` holds, with no field but those it names, or is skipped."""
    mapping = write(HISTORY)
    created = mapping.event_of(ROW | {"at": ROW["opened"]}, 1)
    assert isinstance(created, TicketCreated)
    assert created.data.model_fields_set == set()
    assert mapping.event_of(ROW | {"what.changed": "view"}, 1) == Skipped("nobody did anything")
    assert isinstance(mapping.event_of(ROW, 1), TicketObserved)
    with pytest.raises(BadRow, match="event: found no entry whose `when` holds"):
        write(HISTORY.replace('[[event]]\ntype = "TicketObserved"\n', "")).event_of(ROW, 1)


def test_the_first_cell_that_says_something_fills_a_field(write: Any) -> None:
    """A closed state goes before a resolution, and a resolution before any other state; an unknown word is bad."""
    mapping = write(HISTORY)
    assert status(mapping) == "new"
    assert status(mapping, resolution="Fixed") == "solved"
    assert status(mapping, resolution="Fixed", state="Done") == "closed"
    with pytest.raises(BadRow, match="resolution: found 'Odd'; valid: Fixed"):
        mapping.event_of(ROW | {"resolution": "Odd"}, 1)


def test_a_pattern_takes_the_sequence_out_of_a_column(write: Any) -> None:
    """The pattern's group counts; a cell without it makes the row bad, a missing cell says no sequence."""
    mapping = write(HISTORY)
    assert mapping.event_of(ROW, 1).sequence == 12
    assert mapping.event_of(ROW | {"rev": ""}, 1).sequence is None
    with pytest.raises(BadRow, match=r"rev: found 'AB-12'; valid: a text with R\(\\d\+\)\$"):
        mapping.event_of(ROW | {"rev": "AB-12"}, 1)


@pytest.mark.parametrize(
    ("text", "hour"),
    [("2013-08-16T10:00:00", 10), ("2013-08-17T10:00:00", 8), ("2013-12-01T10:00:00", 9),
     ("2013-08-16T10:00:00+03:00", 7)],
)  # fmt: skip
def test_an_older_part_of_a_log_may_be_of_another_zone(write: Any, text: str, hour: int) -> None:
    """Times before a date are of the earlier zone, later ones of the log's in summer and winter; an offset wins."""
    time = write(HISTORY).event_of(ROW | {"at": text}, 1).time
    assert (time.hour, time.tzinfo) == (hour, UTC)
    assert time.date() == datetime.fromisoformat(text).date()


def test_skipped_values_may_be_named_by_reason(write: Any) -> None:
    """`skip` is a list of values, or reason -> values; the reason is what a skipped row tells."""
    kinds = 'event = { column = "what.changed", values = { state = "TicketObserved" }, skip = SKIP }\n'
    text = kinds + "[time]" + HISTORY.partition("[time]")[2] + "\n"
    text = 'source = "desk"\nticket = "key"\nid = "{key}:{at}"\n' + text
    listed = write(text.replace("SKIP", '["view", "print"]'))
    assert listed.event_of(ROW | {"what.changed": "print"}, 1) == Skipped("print")
    named = write(text.replace("SKIP", '{ "only looked at" = ["view", "print"] }'))
    assert named.event_of(ROW | {"what.changed": "print"}, 1) == Skipped("only looked at")
    with pytest.raises(BadRow, match=r"what.changed: found 'odd'; valid: print, state, view"):
        named.event_of(ROW | {"what.changed": "odd"}, 1)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("at == opened", "at ==", r"event.0.when: found 'at =='; valid: a JMESPath expression"),
        ("fields = []", 'skip = "why"', r"event.0: found .*; valid: either `type`, an event's, or `skip`, a reason"),
        ("fields = []", 'fields = ["team"]', r"event.0.fields: found 'team'; valid: one of data and constants: status"),
        (
            'type = "TicketObserved"',
            'type = "Nonsense"',
            r"event.2.type: found 'Nonsense'; valid: one of TicketCreated",
        ),
        ("R(\\d+)$", "R(", r"sequence.pattern: found 'R\('; valid: .*regular expression"),
        ('2013-08-17 = "UTC"', '2013-08-17 = "Moon"', r"time.before.2013-08-17: found 'Moon'; valid: an IANA zone"),
        ('2013-08-17 = "UTC"', '2013-08-17T00:00:00Z = "UTC"', "TOML: "),
        ('2013-08-17 = "UTC"', '"2013-08-17T00:00:00Z" = "UTC"', r"time.before.*; valid: a time as the log writes it"),
        ('values = { Fixed = "solved" }', "values = 1", r"data.status.1.values: found 1; valid: "),
        ('source = "desk"', 'source = "desk"\nseparator = ";;"', r"separator: found ';;'; valid: "),
        ('source = "desk"', 'source = "desk"\nencoding = "klingon"', r"encoding: found 'klingon'; valid: an encoding"),
        (
            'source = "desk"',
            'source = "desk"\nleaks = ["opened"]',
            r"event.0.when: found 'opened'; valid: a column that",
        ),
        ('source = "desk"', 'source = "desk"\nleaks = ["rev"]', r"sequence.column: found 'rev'; valid: a column that"),
    ],
)
def test_a_wrong_form_names_file_key_found_and_valid(write: Any, old: str, new: str, said: str) -> None:
    """Each mistake is told with the key as the file has it."""
    assert old in HISTORY
    with pytest.raises(MappingError, match=rf"desk.toml: {said}"):
        write(HISTORY.replace(old, new, 1))


def test_columns_of_conditions_must_be_there(write: Any) -> None:
    """A column that only a `when` names is looked for in the header too."""
    with pytest.raises(MappingError, match=r"event.1.when: found 'what.changed'; valid: a column of the log: key, rev"):
        write(HISTORY).check_header(["key", "rev", "at", "opened", "state", "resolution"], "desk.toml")
