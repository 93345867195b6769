"""The program: every command explains itself, errors are one line, options reach what they name."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
import types
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click
import pytest

from supportpulse import cli
from supportpulse.envelope import encode
from supportpulse.errors import ConfigError, DataMissing
from supportpulse.events import Actor, Message, MessagePosted, TicketCreated
from supportpulse.settings import SHIPPED_POLICY, Settings

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
POLICY = """
name = "desk"
valid_from = 1970-01-01T00:00:00Z
labels = ["rule"]
[[rules]]
name = "all"
targets = { first_response = "%s" }
"""


def log(replies_after_minutes: list[float]) -> bytes:
    """A ticket a minute, each answered so many minutes later, in order of time."""
    events = []
    for number, minutes in enumerate(replies_after_minutes):
        opened, name = NOON + timedelta(minutes=number), f"t{number}"
        events.append(TicketCreated(id=f"{name}:c", source="desk", ticket_id=name, time=opened))
        reply = Message(actor=Actor(kind="agent"))
        events.append(
            MessagePosted(
                id=f"{name}:r", source="desk", ticket_id=name, time=opened + timedelta(minutes=minutes), data=reply
            )
        )
    events.sort(key=lambda event: event.time)
    return b"".join(encode(event) + b"\n" for event in events)


@pytest.fixture
def policies(tmp_path: Path) -> dict[str, str]:
    """Two policies that differ in one target."""
    found = {}
    for target in ("30m", "10m"):
        path = tmp_path / f"{target}.toml"
        path.write_text(POLICY % target, encoding="utf-8")
        found[target] = str(path)
    return found


@pytest.mark.parametrize("name", list(cli.COMMANDS))
def test_every_command_explains_itself_with_examples(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """`--help` ends well and shows how the command is called."""
    assert cli.main([name, "--help"]) == 0
    told = capsys.readouterr().out
    assert "Examples:" in told
    assert f"supportpulse {name}" in told


def test_subcommands_of_groups_have_examples_too(capsys: pytest.CaptureFixture[str]) -> None:
    """The commands inside `policy` and `topics`."""
    for arguments in (["policy", "check"], ["policy", "show"], ["topics", "ensure"], ["topics", "verify"]):
        assert cli.main([*arguments, "--help"]) == 0
        assert "Examples:" in capsys.readouterr().out


def test_a_command_loads_nothing_it_does_not_need() -> None:
    """Neither Kafka clients nor Faust, rich, pydantic or the fold are imported to show help and version."""
    code = (
        "import sys; from supportpulse.cli import main; main(['--help']); main(['--version']);"
        "print([name for name in ('faust', 'kafka', 'aiokafka', 'rich', 'pydantic') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize(
    ("error", "code"),
    [(ConfigError("key: found 1; valid: 2"), 2), (DataMissing("x.csv: not there"), 1), (KeyboardInterrupt(), 130)],
)
def test_an_error_is_one_line_and_an_exit_code(
    error: BaseException, code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Configuration 2, failure 1, Ctrl-C 130 without a word; never a traceback."""

    @click.command()
    def command() -> None:
        raise error

    module = types.SimpleNamespace(command=command)
    monkeypatch.setitem(sys.modules, "supportpulse.commands.worker", module)
    assert cli.main(["worker"]) == code
    told = capsys.readouterr()
    assert told.err.strip() == (f"supportpulse: {error}" if str(error) else "")
    assert told.out == ""


def test_an_error_nobody_foresaw_ends_with_one_line_and_its_traceback_goes_to_the_log(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    """A worker that ends by a defect or a library's error says so, and exits with 1."""

    @click.command()
    def command() -> None:
        raise RuntimeError("the producer is not started")

    monkeypatch.setitem(sys.modules, "supportpulse.commands.worker", types.SimpleNamespace(command=command))
    assert cli.main(["worker"]) == 1
    last = capsys.readouterr().err.splitlines()[-1]
    assert last.startswith("supportpulse: ended by RuntimeError: the producer is not started;")
    (logged,) = caplog.records
    assert logged.exc_info is not None


def test_a_wrong_option_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    """click's own message, exit code 2."""
    assert cli.main(["evaluate"]) == 2
    assert "FILES" in capsys.readouterr().err


def test_the_workers_options_reach_its_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Every option of `worker` lands in the setting of its name; what is not given comes from the environment."""
    given: list[Settings] = []
    monkeypatch.setitem(sys.modules, "streams.app", types.SimpleNamespace(run=given.append))
    monkeypatch.setattr("supportpulse.logs.setup_logging", lambda level: None)
    monkeypatch.setenv("SUPPORTPULSE_PARTITIONS", "7")
    options = ["--bootstrap", "k:1", "--policy", str(SHIPPED_POLICY), "--metrics-port", "0", "--app-id", "a"]
    assert cli.main(["worker", *options, "--topic-prefix", "p.", "--data-dir", str(tmp_path)]) == 0
    (settings,) = given
    assert (settings.bootstrap, settings.policy, settings.metrics_port) == ("k:1", SHIPPED_POLICY, 0)
    assert (settings.app_id, settings.topic_prefix, settings.data_dir) == ("a", "p.", tmp_path)
    assert settings.partitions == 7


def test_evaluate_counts_per_clock_and_rule_and_names_bad_lines(
    policies: dict[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Met, breached and open, median and 90th percentile over all that stopped; a bad line costs only itself."""
    file, verdicts = tmp_path / "log.jsonl.gz", tmp_path / "verdicts.jsonl"
    file.write_bytes(gzip.compress(log([5, 15, 25, 45]) + b'{"type": 1}\n'))
    arguments = ["evaluate", str(file), "--policy", policies["30m"], "--verdicts", str(verdicts)]
    assert cli.main([*arguments, "--json"]) == 3
    out, err = capsys.readouterr()
    told = json.loads(out)
    (line,) = told["clocks"]
    assert line == {
        "clock": "first_response", "rule": "all", "met": 3, "breached": 1, "cancelled": 0, "open": 0,
        "breach_share": 0.25, "p50_ms": 15 * 60_000, "p90_ms": 45 * 60_000,
    }  # fmt: skip
    assert (told["events"], told["tickets"], told["bad_lines"]) == (8, 4, 1)
    assert f"{file}: line 9: unknown_type" in err
    written = [json.loads(text) for text in verdicts.read_text().splitlines()]
    assert [(one["ticket"], one["verdict"]) for one in written] == [
        ("desk|t0", "met"), ("desk|t1", "met"), ("desk|t2", "met"), ("desk|t3", "breached"),
    ]  # fmt: skip
    assert written[3]["deadline"] == "2026-01-05T12:33:00.000Z"
    assert cli.main(arguments) == 3
    assert "25.0%" in capsys.readouterr().out


def test_as_of_leaves_a_clock_open(
    policies: dict[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A deadline after `--as-of` is not decided."""
    file = tmp_path / "log.jsonl"
    file.write_bytes(log([45])[: log([45]).index(b"\n") + 1])
    for as_of, verdict in (("2026-01-05T12:29:59Z", "open"), ("2026-01-05T12:30:00Z", "breached")):
        assert cli.main(["evaluate", str(file), "--policy", policies["30m"], "--as-of", as_of, "--json"]) == 0
        assert json.loads(capsys.readouterr().out)["clocks"][0][verdict] == 1


def test_what_if_tells_which_verdicts_turn(
    policies: dict[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A stricter target breaches what was met, and nothing else."""
    file = tmp_path / "log.jsonl"
    file.write_bytes(log([5, 15, 25, 45]))
    arguments = ["what-if", str(file), "--policy", policies["10m"], "--against", policies["30m"]]
    assert cli.main([*arguments, "--json"]) == 0
    (change,) = json.loads(capsys.readouterr().out)["clocks"]
    assert change["turned"] == {"met->breached": 2}
    assert (change["old"]["breach_share"], change["new"]["breach_share"]) == (0.25, 0.75)
    assert cli.main(arguments) == 0
    assert "2 met -> breached" in capsys.readouterr().out


def test_a_file_that_is_not_there_is_one_sentence(
    policies: dict[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """No traceback, and the file's name."""
    missing = tmp_path / "no.jsonl"
    assert cli.main(["evaluate", str(missing), "--policy", policies["30m"]]) == 1
    assert capsys.readouterr().err.startswith(f"supportpulse: {missing}: ")


def test_policy_check_names_file_and_key(
    policies: dict[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A right policy says its digest; a wrong one where it is wrong, with exit code 2."""
    assert cli.main(["policy", "check", policies["30m"], "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["versions"][0]["rules"] == 1
    wrong = tmp_path / "wrong.toml"
    wrong.write_text(POLICY % "half an hour", encoding="utf-8")
    assert cli.main(["policy", "check", str(wrong)]) == 2
    told = capsys.readouterr().err
    assert str(wrong) in told
    assert "first_response" in told


def test_policy_show_lists_every_target(policies: dict[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    """As a table and as JSON."""
    assert cli.main(["policy", "show", policies["10m"]]) == 0
    assert "10m" in capsys.readouterr().out
    assert cli.main(["policy", "show", policies["10m"], "--json"]) == 0
    (version,) = json.loads(capsys.readouterr().out)
    assert version["targets"][0]["target_ms"] == 600_000
