"""`supportpulse replay`: what boards would have shown while a log happened."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from supportpulse.commands.log_files import LogFiles
from supportpulse.commands.parameters import BAD_INPUT_EXIT, DURATION, MOMENT
from supportpulse.commands.whole_file import whole_file

if TYPE_CHECKING:
    from supportpulse.replay import Line, Replay

SECOND = 1000
LOOKBACK_MS = 300_000
"""For how long Prometheus shows a sample, unless it is told otherwise."""


@click.command("replay", short_help="Write a log's past as samples for Prometheus.")
@click.argument("file", type=click.Path(allow_dash=True))
@click.option("--to", type=click.Choice(["openmetrics"]), required=True, help="Text for promtool.")
@click.option("-o", "--output", default="-", show_default="standard output", help="File for the samples.")
@click.option("--policy", type=click.Path(path_type=Path), help="Policy file or folder. Default: SUPPORTPULSE_POLICY.")
@click.option("--step", "step_ms", type=DURATION, default="5m", show_default=True, help="Time between samples.")
@click.option("--from", "start", type=MOMENT, help="No samples before; what happened before still counts in windows.")
@click.option("--until", type=MOMENT, default="now", show_default=True, help="No samples from then on: see below.")
@click.option("--detail", is_flag=True, help="Also durations and counts by rule: several times the text.")
@click.option("--json", "as_json", is_flag=True, help="Print the summary as one JSON object.")
def command(
    file: str,
    to: str,
    output: str,
    policy: Path | None,
    step_ms: int,
    start: datetime | None,
    until: datetime,
    detail: bool,
    as_json: bool,
) -> None:
    """Write what boards would have shown while a log happened, for promtool to make blocks of.

    FILE is JSON lines of canonical events in the order of their time, gzipped or not; - is standard input. Written are
    the recorded series, open, at-risk, overdue and waiting clocks, objectives and targets, at every step as a worker
    would have shown them then: a breach that was taken back later is in the samples from before. What nothing counts in
    is left out. A line that is no event is named with its number and reason, the rest goes on, and the exit code is 3.

    Give --until where the workers' own samples begin: recorded series of both are the same series. Where they
    overlap all the same, series of workers can be told by their label instance, which is "replay" here. A step of more
    than 5m leaves gaps, unless Prometheus runs with a longer --query.lookback-delta.

    \b
    Examples:
      supportpulse replay events.jsonl.gz --to openmetrics -o history.om
      promtool tsdb create-blocks-from --max-block-duration=500h openmetrics history.om /var/lib/prometheus
      supportpulse replay desk.jsonl --to openmetrics --from 2026-01-01T00:00:00Z --until 2026-01-31T12:00:00Z -o jan.om
    """
    from supportpulse.backfill import END, Backfill
    from supportpulse.envelope import to_ms
    from supportpulse.errors import DataMissing
    from supportpulse.policy import load_policy
    from supportpulse.replay import Replay
    from supportpulse.settings import Settings

    if step_ms % SECOND:
        raise click.UsageError("--step: valid: whole seconds")
    settings = Settings.from_env({"policy": policy})
    replay = Replay(load_policy(settings.policy), step_ms, int(settings.max_future_seconds * SECOND))
    backfill = Backfill(replay.plans, detail=detail)
    log = _Log(file, replay)
    first = last = None
    steps = size = 0
    with whole_file(output) as out:
        size += out.write(backfill.head())
        for snapshot in replay.run(log.lines(), 0 if start is None else to_ms(start), to_ms(until)):
            size += out.write(backfill.text(snapshot))
            first, last, steps = first or snapshot.taken_ms, snapshot.taken_ms, steps + 1
        log.name_refused()
        if first is None or last is None:
            raise DataMissing(f"{file}: found no step of time from --from until --until; valid: a log of events then")
        size += out.write(END)
    summary = {
        "events": replay.events,
        "steps": steps,
        "first": _iso(first),
        "last": _iso(last),
        "samples": backfill.samples,
        "bytes": size,
        "bad_lines": log.files.bad,
        "late": replay.late,
    }
    if replay.late:
        click.echo(
            f"{file}: line {replay.first_late}: happened before a step that was over; {replay.late} events like it "
            "count from the next step on only: sort a log by time, unless they came late then, too", err=True,
        )  # fmt: skip
    if step_ms > LOOKBACK_MS:
        click.echo(f"steps of more than 5m: run Prometheus with --query.lookback-delta={step_ms // SECOND}s", err=True)
    text = json.dumps(summary) if as_json else _sentence(summary, output)
    click.echo(text, err=output == "-" or not as_json)
    if log.files.bad:
        sys.exit(BAD_INPUT_EXIT)


class _Log:
    """The lines of a file; those that no event is made of, or that were not admitted, are named."""

    def __init__(self, file: str, replay: Replay) -> None:
        self.files = LogFiles((file,))
        self._file, self._replay = file, replay

    def lines(self) -> Iterator[Line]:
        """Number, text and meaning of each."""
        from supportpulse.errors import Rejected
        from supportpulse.reader import read

        for file, number, line in self.files.lines():
            try:
                yield number, line, read(line)
            except Rejected as error:
                self.files.name_bad(file, number, error)
            if self._replay.letters:
                self.name_refused()

    def name_refused(self) -> None:
        """Name what the fold did not admit since the last call."""
        from supportpulse.errors import Rejected

        for number, reason, detail in self._replay.refused():
            self.files.name_bad(self._file, number, Rejected(reason, detail))


def _iso(ms: int) -> str:
    return datetime.fromtimestamp(ms / SECOND, UTC).isoformat().replace("+00:00", "Z")


def _sentence(summary: dict[str, object], where: str) -> str:
    return (
        f"{summary['samples']} samples at {summary['steps']} steps from {summary['first']} to {summary['last']} "
        f"-> {where}; {summary['events']} events; {summary['bad_lines']} bad lines"
    )
