"""An audit log comes out in order of time, with heartbeats that promise no more than was delivered."""

from __future__ import annotations

import gzip
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from supportpulse.commands.import_log import command
from supportpulse.edges.importer import Imported, read_log
from supportpulse.edges.mapping_file import read_mapping
from supportpulse.envelope import decode, to_ms
from supportpulse.errors import DataMissing, MappingError
from supportpulse.events import Heartbeat, TicketEvent, TicketObserved

MAPPING = """
source = "desk"
format = "FORMAT"
ticket = "number"
id = "{number}:{row}"
sequence = "rev"

[time]
column = "at"
format = "iso"

[data.status]
column = "state"

[data.created_at]
column = "opened"
format = "iso"
"""
HEADER = "number,rev,at,state,opened"
ROWS = [
    "B,1,2026-01-01T03:00:00Z,new,2026-01-01T02:59:00Z",
    "B,2,2026-01-01T09:00:00Z,closed,2026-01-01T02:59:00Z",
    "A,2,2026-01-01T01:00:00Z,open,2026-01-01T00:30:00Z",
    "A,1,2026-01-01T01:00:00Z,new,2026-01-01T00:30:00Z",
    "A,3,2026-01-01T20:00:00Z,closed,2026-01-01T00:30:00Z",
]
HOUR = 3_600_000


def mapping_file(folder: Path, form: str = "csv") -> Path:
    """The mapping of this module's log."""
    file = folder / "desk.toml"
    file.write_text(MAPPING.replace("FORMAT", form), encoding="utf-8")
    return file


def log_file(folder: Path, rows: list[str]) -> Path:
    """A CSV log."""
    file = folder / "log.csv"
    file.write_text("\n".join([HEADER, *rows]) + "\n", encoding="utf-8")
    return file


def imported(folder: Path, rows: list[str] = ROWS) -> Imported:
    """The log as it is read."""
    return read_log(log_file(folder, rows), read_mapping(mapping_file(folder))[0])


def events_of(log: Imported, **options: Any) -> list[Any]:
    """What would be written, decoded."""
    return [decode(record.value) for record in log.records(**{"every_ms": 6 * HOUR, **options})]


def run(*arguments: object) -> Result:
    """The command, standard output and standard error apart."""
    return CliRunner().invoke(command, [str(argument) for argument in arguments])


def test_events_come_in_order_of_time_then_sequence(tmp_path: Path) -> None:
    """A log grouped by ticket comes out in the order in which things happened."""
    found = [event.id for event in events_of(imported(tmp_path)) if isinstance(event, TicketEvent)]
    assert found == ["A:4", "A:3", "B:1", "B:2", "A:5"]


def test_a_heartbeat_never_promises_what_comes_after_it(tmp_path: Path) -> None:
    """Every event before a watermark lies before its heartbeat; the first line and the last line are heartbeats."""
    found = events_of(imported(tmp_path), every_ms=HOUR)
    assert isinstance(found[0], Heartbeat)
    assert isinstance(found[-1], Heartbeat)
    watermark = None
    for event in found:
        if isinstance(event, Heartbeat):
            assert watermark is None or event.data.watermark > watermark
            watermark = event.data.watermark
        else:
            assert watermark is not None
            assert event.time >= watermark


def test_heartbeats_come_at_the_asked_distance_and_end_as_asked(tmp_path: Path) -> None:
    """The first carries the first event's time, the next the time of the event behind it, the last says how it ends."""
    beats = [event.data for event in events_of(imported(tmp_path)) if isinstance(event, Heartbeat)]
    assert [(beat.watermark.hour, beat.mode) for beat in beats] == [
        (1, "log"), (9, "log"), (20, "log"), (20, "ended"),
    ]  # fmt: skip
    assert beats[-1].watermark == datetime(2026, 1, 1, 20, 0, 0, 1000, tzinfo=UTC)
    end = datetime(2026, 2, 1, tzinfo=UTC)
    last = events_of(imported(tmp_path), end_ms=to_ms(end), then="released")[-1].data
    assert (last.watermark, last.mode) == (end, "released")


def test_the_same_log_gives_the_same_bytes(tmp_path: Path) -> None:
    """Nothing of the moment of the import enters the events or the heartbeats."""
    first, second = (list(imported(tmp_path).records(every_ms=HOUR)) for _ in range(2))
    assert first == second


def test_a_shift_moves_every_time_by_the_same_amount(tmp_path: Path) -> None:
    """Event times, created_at and watermarks keep their distances, and the last event lies at the asked instant."""
    log = imported(tmp_path)
    to = datetime(2027, 5, 5, 12, 0, 0, 250_000, tzinfo=UTC)
    by = to - datetime(2026, 1, 1, 20, tzinfo=UTC)
    before, after = events_of(log), events_of(log, shift_ms=log.shift_ms(to))
    assert [event.time + by for event in before] == [event.time for event in after]
    for old, new in zip(before, after, strict=True):
        if isinstance(old, TicketObserved):
            assert old.data.created_at is not None
            assert new.data.created_at == old.data.created_at + by
        else:
            assert new.data.watermark == old.data.watermark + by


def test_a_bad_row_is_named_with_its_line_and_the_rest_goes_on(tmp_path: Path) -> None:
    """Bad cells, too few cells, a bad byte and a broken quote are told by line; the good rows are all there."""
    rows = [ROWS[0], "B,1,noon,new,2026-01-01T02:59:00Z", "B,1", ROWS[1]]
    file = log_file(tmp_path, rows)
    file.write_bytes(
        file.read_bytes() + b"\xff,1,2026-01-01T03:00:00Z,new,\n" + b'C"x"\n"q"q,1\n' + ROWS[4].encode() + b"\n"
    )
    log = read_log(file, read_mapping(mapping_file(tmp_path))[0])
    assert [bad.line for bad in log.bad] == [3, 4, 6, 7, 8]
    assert "found 'noon'" in log.bad[0].reason
    assert log.bad[1].reason == "found 2 cells; valid: 5, as in the header"
    assert [entry.row for entry in log.entries] == [1, 4, 8]


def test_json_lines_and_gzip_are_read_like_csv(tmp_path: Path) -> None:
    """A gzipped JSON-lines log with nested objects and numbers gives the events of the CSV; bad lines are named."""
    mapping = mapping_file(tmp_path, "jsonl").read_text(encoding="utf-8")
    (tmp_path / "desk.toml").write_text(mapping.replace('"state"', '"ticket.state"'), encoding="utf-8")
    lines = []
    for row in ROWS:
        number, rev, at, state, opened = row.split(",")
        lines.append({"number": number, "rev": int(rev), "at": at, "ticket": {"state": state}, "opened": opened})
    file = tmp_path / "log.jsonl.gz"
    file.write_bytes(gzip.compress("\n".join([*map(json.dumps, lines), "{", "[]"]).encode()))
    log = read_log(file, read_mapping(tmp_path / "desk.toml")[0])
    assert [entry.value for entry in log.entries] == [entry.value for entry in imported(tmp_path / ".").entries]
    assert [bad.line for bad in log.bad] == [6, 7]


def test_a_file_that_is_not_there_cut_off_or_of_another_shape_is_an_error(tmp_path: Path) -> None:
    """Each is one sentence, not a traceback."""
    mapping = read_mapping(mapping_file(tmp_path))[0]
    with pytest.raises(DataMissing, match=r"none.csv: No such file"):
        read_log(tmp_path / "none.csv", mapping)
    whole = gzip.compress(log_file(tmp_path, ROWS * 50).read_bytes())
    (tmp_path / "cut.gz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DataMissing, match=r"cut.gz: .*valid: a whole gzip file"):
        read_log(tmp_path / "cut.gz", mapping)
    (tmp_path / "other.csv").write_text("a,b\n1,2\n", encoding="utf-8")
    with pytest.raises(MappingError, match="ticket: found 'number'; valid: a column of the log: a, b"):
        read_log(tmp_path / "other.csv", mapping)


def test_the_command_writes_lines_and_a_summary(tmp_path: Path) -> None:
    """Events go to standard output, the summary to standard error; with -o the summary goes to standard output."""
    log, mapping = log_file(tmp_path, ROWS), mapping_file(tmp_path)
    piped = run(log, "--mapping", mapping, "--json")
    assert piped.exit_code == 0
    lines = piped.stdout.splitlines()
    assert len(lines) == 9
    summary = {
        "events": 5,
        "tickets": 2,
        "heartbeats": 4,
        "bad_rows": 0,
        "skipped": {},
        "repeated": 0,
        "unjoined": 0,
        "first": "2026-01-01T01:00:00.000Z",
        "last": "2026-01-01T20:00:00.000Z",
    }
    assert json.loads(piped.stderr) == summary
    out = tmp_path / "events.jsonl"
    written = run(log, "--mapping", mapping, "--json", "-o", out)
    assert json.loads(written.stdout) == summary
    assert out.read_text(encoding="utf-8").splitlines() == lines
    assert sorted(file.name for file in tmp_path.iterdir()) == ["desk.toml", "events.jsonl", "log.csv"]


def test_bad_rows_make_the_exit_code_three(tmp_path: Path) -> None:
    """The command does the rest of its work, names the line, and a script can see it."""
    log = log_file(tmp_path, [ROWS[0], "B,x,2026-01-01T03:00:00Z,new,"])
    result = run(log, "--mapping", mapping_file(tmp_path), "--json", "-o", tmp_path / "out")
    assert result.exit_code == 3
    assert "log.csv: line 3: sequence: found 'x'" in result.stderr
    assert json.loads(result.stdout)["bad_rows"] == 1


def test_an_interrupted_import_leaves_no_half_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C while writing leaves neither the output nor its unfinished part behind."""

    def interrupted(*_: object, **__: object) -> Any:
        raise KeyboardInterrupt
        yield

    monkeypatch.setattr(Imported, "records", interrupted)
    out = tmp_path / "events.jsonl"
    result = run(log_file(tmp_path, ROWS), "--mapping", mapping_file(tmp_path), "-o", out)
    assert result.exit_code != 0
    assert sorted(file.name for file in tmp_path.iterdir()) == ["desk.toml", "log.csv"]
