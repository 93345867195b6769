"""A mapping turns rows into canonical events, and refuses what it must not do."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from supportpulse.commands import import_log
from supportpulse.edges.cell import BadRow
from supportpulse.edges.kinds import Skipped
from supportpulse.edges.mapping import LogMapping
from supportpulse.edges.mapping_file import SHIPPED, read_mapping
from supportpulse.envelope import encode
from supportpulse.errors import ConfigError, MappingError
from supportpulse.events import MessagePosted, TicketObserved

DESK = """
source = "desk"
missing = ["?", ""]
ticket = "number"
id = "{number}:{rev}:{row}"
sequence = "rev"
leaks = ["closed_at"]

[time]
column = "at"
format = "%d/%m/%Y %H:%M"
zone = "Asia/Shanghai"

[constants]
"actor.kind" = "automation"

[data.status]
column = "state"
values = { New = "new", Closed = "closed" }
unchanged = ["-100"]

[data.team]
column = "team"
missing = "cleared"
"""
ROW = {"number": "T1", "rev": "3", "at": "29/2/2016 01:23", "state": "New", "team": "Group 1", "closed_at": "later"}


@pytest.fixture
def write(tmp_path: Path) -> Any:
    """A function that writes a mapping and reads it."""

    def written(text: str) -> LogMapping:
        file = tmp_path / "desk.toml"
        file.write_text(text, encoding="utf-8")
        return read_mapping(file)[0]

    return written


def test_a_row_becomes_one_observation(write: Any) -> None:
    """Id, ticket, time in UTC, sequence, mapped values and constants are where the mapping says."""
    event = write(DESK).event_of(ROW, 7)
    assert isinstance(event, TicketObserved)
    assert (event.id, event.ticket_id, event.source, event.sequence) == ("T1:3:7", "T1", "desk", 3)
    assert b'"time":"2016-02-28T17:23:00Z"' in encode(event)
    assert event.data.model_dump(exclude_unset=True) == {
        "actor": {"kind": "automation"},
        "status": "new",
        "team": "Group 1",
    }


def test_a_missing_cell_is_absent_or_null_as_the_mapping_says(write: Any) -> None:
    """By default a missing cell says nothing; `missing = "cleared"` makes it null; `unchanged` values say nothing."""
    data = write(DESK).event_of(ROW | {"state": "?", "team": ""}, 1).data
    assert data.model_dump(exclude_unset=True, exclude={"actor"}) == {"team": None}
    data = write(DESK).event_of(ROW | {"state": "-100"}, 1).data
    assert "status" not in data.model_fields_set


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"state": "Odd"}, "state: found 'Odd'; valid: New, Closed, -100"),
        ({"number": "?"}, "number: found '\\?'; valid: a value"),
        ({"at": "2016-02-29"}, "at: found '2016-02-29'; valid: a time as %d/%m/%Y %H:%M"),
        ({"rev": "x"}, "sequence: found 'x'"),
        ({"team": "x" * 101}, "data.team: found 'xxx"),
    ],
)
def test_a_bad_row_says_what_was_found_and_what_is_valid(write: Any, change: dict[str, str], said: str) -> None:
    """One bad cell makes the row bad, naming the column or field."""
    with pytest.raises(BadRow, match=said):
        write(DESK).event_of(ROW | change, 1)


@pytest.mark.parametrize(("other", "kept"), [("keep", "Odd"), ("unchanged", None)])
def test_values_outside_the_list_follow_other(write: Any, other: str, kept: str | None) -> None:
    """`other` keeps a value that is not listed, or leaves the field out."""
    text = DESK + f'\n[data.priority]\ncolumn = "state"\nvalues = {{ New = "p1" }}\nother = "{other}"\n'
    mapping = write(
        text.replace('values = { New = "new", Closed = "closed" }', 'values = { New = "new", Odd = "open" }')
    )
    assert mapping.event_of(ROW | {"state": "Odd"}, 1).data.priority == kept


@pytest.mark.parametrize(
    ("old", "new", "key"),
    [
        ('column = "team"', 'column = "closed_at"', "data.team.column"),
        ("{row}", "{closed_at}", "id"),
        ('sequence = "rev"', 'sequence = "closed_at"', "sequence"),
        ('column = "at"', 'column = "closed_at"', "time.column"),
    ],
)
def test_a_leak_can_not_be_mapped(write: Any, old: str, new: str, key: str) -> None:
    """A column that is only filled in afterwards is refused wherever the mapping reads it, and it is a ConfigError."""
    with pytest.raises(MappingError, match="only known later") as caught:
        write(DESK.replace(old, new))
    assert (caught.value.key, caught.value.found) == (key, "closed_at")
    assert isinstance(caught.value, ConfigError)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("[data.team]", "[data.colour]", r"desk.toml: data: found 'colour'; valid: a field of TicketObserved: "),
        ('zone = "Asia/Shanghai"', "", r"desk.toml: time.zone: found None; valid: the IANA zone"),
        ('zone = "Asia/Shanghai"', 'zone = "Moon"', r"desk.toml: time.zone: found 'Moon'; valid: an IANA zone"),
        ("%d/%m/%Y %H:%M", "british", r"desk.toml: time.format: found 'british'; valid: a strptime format, iso"),
        ('source = "desk"', 'source = "a b"', r"desk.toml: source: found 'a b'"),
        ('sequence = "rev"', 'event = "Nonsense"', r"desk.toml: event: found 'Nonsense'; valid: one of TicketCreated"),
        ('sequence = "rev"', "colour = 1", r"desk.toml: colour: found 1"),
        ('source = "desk"', "source =", r"desk.toml: TOML: found .*line 2"),
    ],
)
def test_a_wrong_mapping_names_file_key_found_and_valid(write: Any, old: str, new: str, said: str) -> None:
    """Each mistake of a mapping is told so that its author can mend it."""
    with pytest.raises(MappingError, match=said):
        write(DESK.replace(old, new))


def test_a_column_that_is_not_there_or_not_decided_about_is_refused(write: Any) -> None:
    """The header must hold every mapped column; with `ignored`, every other one must be a leak or ignored."""
    mapping = write(DESK)
    mapping.check_header(ROW, "desk.toml")
    with pytest.raises(MappingError, match=r"data.team.column: found 'team'; valid: a column of the log: number, rev"):
        mapping.check_header(["number", "rev", "at", "state"], "desk.toml")
    careful = write('ignored = ["colour"]\n' + DESK)
    careful.check_header([*ROW, "colour"], "desk.toml")
    with pytest.raises(MappingError, match="ignored: found 'resolved_at'"):
        careful.check_header([*ROW, "resolved_at"], "desk.toml")


def test_a_column_may_say_which_event_a_row_is(write: Any) -> None:
    """Rows of several kinds become events of several types, each with the fields it has; skipped kinds give none."""
    kinds = (
        'event = { column = "kind", values = { note = "MessagePosted", edit = "TicketObserved" }, skip = ["view"] }\n'
    )
    text = kinds + DESK.replace("[constants]", "[constants]\npublic = false")
    mapping = write(text)
    message = mapping.event_of(ROW | {"kind": "note"}, 1)
    assert isinstance(message, MessagePosted)
    assert message.data.model_dump(exclude_unset=True) == {"actor": {"kind": "automation"}, "public": False}
    assert isinstance(mapping.event_of(ROW | {"kind": "edit"}, 1), TicketObserved)
    assert mapping.event_of(ROW | {"kind": "view"}, 1) == Skipped("view")
    with pytest.raises(BadRow, match="kind: found 'odd'; valid: edit, note, view"):
        mapping.event_of(ROW | {"kind": "odd"}, 1)


@pytest.mark.parametrize(
    ("form", "text"),
    [("iso", "2016-02-29T01:23:00+00:00"), ("epoch_s", "1456708980"), ("epoch_ms", "1456708980000"),
     ("%Y-%m-%dT%H:%M:%S%z", "2016-02-29T09:23:00+0800")],
)  # fmt: skip
def test_times_are_read_in_four_ways(write: Any, form: str, text: str) -> None:
    """ISO, seconds, milliseconds and strptime with a zone give the same instant without a zone in the mapping."""
    mapping = write(DESK.replace("%d/%m/%Y %H:%M", form).replace('zone = "Asia/Shanghai"', ""))
    assert mapping.event_of(ROW | {"at": text}, 1).time == datetime(2016, 2, 29, 1, 23, tzinfo=UTC)


def test_an_unknown_name_lists_the_shipped_mappings() -> None:
    """A mapping that is not there is an error that names those that are."""
    with pytest.raises(MappingError, match="servicenow-uci"):
        read_mapping("nothing-like-it")


def test_every_shipped_mapping_is_read_and_told_by_the_command() -> None:
    """None has a mistake, and `import --help` names them all."""
    names = {file.stem for file in SHIPPED.glob("*.toml")}
    assert names >= {"servicenow-uci", "jira-history", "hp-service-manager"}
    for name in names:
        assert read_mapping(name)[0].source == name
        assert name in (import_log.command.help or "")


def test_the_shipped_mapping_guards_against_all_leaks_of_its_log() -> None:
    """No field of the log that is filled in afterwards, nor its verdict, can reach an event."""
    mapping, file = read_mapping("servicenow-uci")
    assert file == "servicenow-uci.toml"
    assert mapping.leaks == {"resolved_at", "resolved_by", "closed_at", "closed_code", "made_sla"}
    assert not mapping.leaks & {column for _, column in mapping.columns()}


def test_a_source_given_replaces_that_of_the_mapping() -> None:
    """The same log can be imported under another name."""
    assert read_mapping("servicenow-uci", source="other")[0].source == "other"
