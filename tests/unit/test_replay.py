"""The command `replay`: what it writes, what it leaves out, what it says of bad input; never half a file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from strategies import HOUR, MINUTE, happened, policy_of
from supportpulse import cli
from supportpulse.backfill import INSTANCE, Backfill
from supportpulse.collector import SnapshotCollector
from supportpulse.envelope import encode
from supportpulse.policy import Policy
from supportpulse.reader import read
from supportpulse.recorded import lower_bound
from supportpulse.replay import Replay
from supportpulse.series import Series

START = 1_767_268_800_000
"""Thursday 2026-01-01 12:00 UTC."""
POLICY = """
name = "desk"
valid_from = 1970-01-01T00:00:00Z
labels = ["rule"]
waiting = ["10m"]
waiting_clocks = ["first_response"]
[[rules]]
name = "all"
targets = { first_response = "30m" }
"""


def log(*replies_after: int, last: int = 3 * HOUR) -> list[bytes]:
    """Tickets opened at START, each answered so many ms later; an event at the end moves the log's clock."""
    events = [happened("TicketCreated", START, f"{n}/c", ticket=str(n)) for n in range(len(replies_after))]
    events += [
        happened("MessagePosted", START + ms, f"{n}/r", by="agent", ticket=str(n), public=True)
        for n, ms in enumerate(replies_after)
    ]
    events.append(happened("MessagePosted", START + last, "end", by="agent", ticket="0", public=True))
    return [encode(event) for event in sorted(events, key=lambda event: event.time)]


@pytest.fixture
def policy() -> Policy:
    """One clock of half an hour."""
    return policy_of(POLICY)


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the policy and a log of a success and a breach."""
    (tmp_path / "desk.toml").write_text(POLICY, "utf-8")
    (tmp_path / "log.jsonl").write_bytes(b"\n".join(log(10 * MINUTE, 2 * HOUR)) + b"\n")
    monkeypatch.setenv("SUPPORTPULSE_POLICY", str(tmp_path / "desk.toml"))
    return tmp_path


def samples(text: str) -> dict[tuple[str, int], float]:
    """(series, ms) -> value."""
    found = {}
    for line in text.splitlines():
        if not line.startswith("#"):
            series, value, at = line.rsplit(" ", 2)
            found[series, round(float(at) * 1000)] = float(value)
    return found


def test_detailed_samples_are_those_of_metrics_without_idle_label_sets(policy: Policy) -> None:
    """At every step what is written equals what a worker's collector makes of the same snapshot."""
    replay = Replay(policy, 5 * MINUTE)
    backfill, now = Backfill(replay.plans, detail=True), [None]
    registry = CollectorRegistry()
    SnapshotCollector(registry, Series(replay.plans), policy, lambda: now[0], "1")  # type: ignore[arg-type, return-value]
    labels, compared = dict(INSTANCE), 0
    for now[0] in replay.run((n, value, read(value)) for n, value in enumerate(log(10 * MINUTE, 2 * HOUR))):  # type: ignore[assignment]
        scraped = {
            (sample.name, frozenset({**sample.labels, **labels}.items())): sample.value
            for family in registry.collect()
            for sample in family.samples
        }
        written = {}
        for (series, _), value in samples(backfill.text(now[0]).decode()).items():  # type: ignore[arg-type]
            name, _, rest = series.partition("{")
            if ":" not in name:
                pairs = (pair.split("=", 1) for pair in rest.rstrip("}").split(","))
                written[name, frozenset((key, text.strip('"')) for key, text in pairs)] = value
        assert written.items() <= scraped.items()
        names = {name for name, _ in written}
        assert {key: value for key, value in scraped.items() if value and key[0] in names}.items() <= written.items()
        compared += len(written)
    assert compared > 500


def test_a_series_that_ends_says_0_once(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The hour after its last count a window is 0, then it is left out."""
    assert cli.main(["replay", str(files / "log.jsonl"), "--to", "openmetrics"]) == 0
    text = capsys.readouterr().out
    assert text.endswith("# EOF\n")
    name = 'clock:sla_window_breached:sum{clock="first_response",window="1h"}'
    found = [(at - START, value) for (series, at), value in samples(text).items() if series == name]
    assert found[0] == (5 * MINUTE, 0)
    assert dict(found)[30 * MINUTE] == 0
    assert dict(found)[35 * MINUTE] == 1, "due at 12:30, which the step 12:30 does not include"
    assert found[-2:] == [(90 * MINUTE, 1), (95 * MINUTE, 0)]


def test_times_rise_and_lie_between_from_and_until(files: Path) -> None:
    """The step of --until is left to the workers' own samples; windows reach back before --from."""
    arguments = ["--to", "openmetrics", "-o", str(files / "h.om")]
    arguments += ["--from", "2026-01-01T13:00:00Z", "--until", "2026-01-01T14:00:00Z", "--step", "10m", "--detail"]
    assert cli.main(["replay", str(files / "log.jsonl"), *arguments]) == 0
    found = samples((files / "h.om").read_text())
    times = [at for _, at in found]
    assert times == sorted(times)
    assert set(times) == set(range(START + HOUR, START + 2 * HOUR, 10 * MINUTE))
    assert found['clock:sla_window_closed:sum{clock="first_response",window="6h"}', START + HOUR] == 2


def test_bad_and_refused_lines_are_named_and_the_rest_goes_on(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """File, number and reason, whether a line is no event or contradicts an earlier one; the exit code is 3."""
    lines = log(10 * MINUTE, 2 * HOUR)
    clash = encode(happened("MessagePosted", START + HOUR, "0/r", by="customer", ticket="0", public=True))
    (files / "log.jsonl").write_bytes(b"\n".join([lines[0], b"{", *lines[1:-1], clash, lines[-1]]))
    assert cli.main(["replay", str(files / "log.jsonl"), "--to", "openmetrics", "-o", str(files / "h"), "--json"]) == 3
    told = capsys.readouterr()
    assert f"{files / 'log.jsonl'}: line 2: not_json" in told.err
    assert f"{files / 'log.jsonl'}: line 6: id_conflict" in told.err
    assert json.loads(told.out)["bad_lines"] == 2


def test_events_behind_the_clock_of_the_log_are_told(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A log that is not in order of time loses steps: the first such line is named."""
    lines = log(10 * MINUTE, 2 * HOUR)
    (files / "log.jsonl").write_bytes(b"\n".join([*lines[:2], lines[-1], *lines[2:-1]]))
    assert cli.main(["replay", str(files / "log.jsonl"), "--to", "openmetrics", "-o", str(files / "h"), "--json"]) == 0
    told = capsys.readouterr()
    assert "line 4: happened before a step that was over; 2 events like it" in told.err
    assert json.loads(told.out)["late"] == 2


@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError])
def test_no_half_file_stays_behind(files: Path, monkeypatch: pytest.MonkeyPatch, error: type[BaseException]) -> None:
    """Interrupted or failed: neither the file nor its part is there."""

    def stop(*given: object) -> bytes:
        assert (files / "h.om.part").exists()
        raise error

    monkeypatch.setattr(Backfill, "text", stop)
    arguments = ["replay", str(files / "log.jsonl"), "--to", "openmetrics", "-o", str(files / "h.om")]
    assert cli.main(arguments) in (1, 130)
    assert not list(files.glob("h.om*"))


def test_a_log_without_a_step_is_an_error(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing is written for nothing."""
    arguments = ["--to", "openmetrics", "-o", str(files / "h.om"), "--from", "2026-02-01T00:00:00Z"]
    assert cli.main(["replay", str(files / "log.jsonl"), *arguments]) == 1
    assert "found no step" in capsys.readouterr().err
    assert not (files / "h.om").exists()


def test_the_lower_bound_is_that_of_the_table_of_wilson() -> None:
    """1 of 1, 3 of 3 and 15 of 60 at z = 2.326."""
    assert [round(lower_bound(k / n, n, 2.326), 2) for k, n in ((1, 1), (3, 3), (15, 60))] == [0.16, 0.36, 0.14]
