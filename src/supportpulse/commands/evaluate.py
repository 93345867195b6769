"""`supportpulse evaluate`: the clocks over a whole log."""

from __future__ import annotations

import json
import sys
from collections import Counter
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from supportpulse.commands.log_files import LogFiles
from supportpulse.commands.parameters import BAD_INPUT_EXIT, MOMENT
from supportpulse.commands.progress import progress_bar
from supportpulse.commands.tables import new_table, percent, print_table

if TYPE_CHECKING:
    from supportpulse.evaluate import Evaluation
    from supportpulse.report import Line


@click.command("evaluate", short_help="Run the SLA clocks over a log.")
@click.argument("files", nargs=-1, required=True, type=click.Path(allow_dash=True))
@click.option("--policy", type=click.Path(path_type=Path), help="Policy file or folder. Default: SUPPORTPULSE_POLICY.")
@click.option("--as-of", type=MOMENT, help="Decide what is due by then. Default: the last watermark, or event.")
@click.option("--verdicts", type=click.Path(dir_okay=False, path_type=Path), help="JSON lines of every verdict.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(
    files: tuple[str, ...], policy: Path | None, as_of: datetime | None, verdicts: Path | None, as_json: bool
) -> None:
    """Run every SLA clock over logs of canonical events, and show met, breached, cancelled and open per clock and rule.

    FILES are JSON lines, gzipped or not; - is standard input. A line that is no event is named with its number and
    reason, the rest goes on, and the exit code is 3. The share is that of breaches, breached / (met + breached); p50
    and p90 are of running time.

    \b
    Examples:
      supportpulse evaluate events.jsonl.gz --policy policies/desk.toml
      supportpulse evaluate *.jsonl --as-of 2026-01-31T12:00:00Z --verdicts verdicts.jsonl --json
      supportpulse simulate --weeks 1 --events 5000 | supportpulse evaluate -
    """
    from supportpulse.envelope import to_ms
    from supportpulse.evaluate import evaluate
    from supportpulse.policy import load_policy
    from supportpulse.report import per_clock_and_rule
    from supportpulse.settings import Settings

    rules = load_policy(Settings.from_env({"policy": policy}).policy)
    logs = LogFiles(files)
    readings = list(logs.readings())
    with progress_bar("running the clocks"):
        evaluation = evaluate(readings, rules, None if as_of is None else to_ms(as_of))
        lines = per_clock_and_rule(evaluation)
    if verdicts is not None:
        write_verdicts(evaluation, verdicts)
    rejected = Counter(str(reason) for reason, _ in evaluation.rejected)
    if as_json:
        told = {
            "events": evaluation.events,
            "tickets": len(evaluation.tickets),
            "duplicates": evaluation.duplicates,
            "bad_lines": logs.bad,
            "rejected": dict(rejected),
            "policy": rules.digest,
            "clocks": [line.as_json() for line in lines],
        }
        click.echo(json.dumps(told))
    else:
        _print(lines)
        refused = "".join(f"; {count} rejected as {reason}" for reason, count in rejected.items())
        click.echo(
            f"{evaluation.events} events of {len(evaluation.tickets)} tickets; {evaluation.duplicates} duplicates; "
            f"{logs.bad} bad lines{refused}"
        )
    if logs.bad or rejected:
        sys.exit(BAD_INPUT_EXIT)


def _print(lines: list[Line]) -> None:
    from supportpulse.durations import write_duration

    table = new_table(("clock", "rule"), ("met", "breached", "cancelled", "open", "share", "p50", "p90"))
    last = None
    for line in lines:
        durations = (line.percentile(0.5), line.percentile(0.9))
        table.add_row(
            line.clock if line.clock != last else "",
            line.rule,
            *(str(line.counts[verdict]) for verdict in ("met", "breached", "cancelled", "open")),
            percent(line.breach_share),
            *("" if ms is None else write_duration(ms, units=2) for ms in durations),
        )
        last = line.clock
    print_table(table)


def write_verdicts(evaluation: Evaluation, path: Path) -> None:
    """One JSON object a verdict, in the order of ticket, clock and cycle."""
    from supportpulse.errors import ConfigError
    from supportpulse.record import iso

    try:
        with path.open("w", encoding="utf-8") as out:
            for (ticket, clock, cycle), (verdict, time, deadline) in sorted(evaluation.net.items()):
                told = {"ticket": ticket, "clock": clock, "cycle": cycle, "verdict": verdict, "time": iso(time)}
                if deadline is not None:
                    told["deadline"] = iso(deadline)
                out.write(json.dumps(told) + "\n")
    except OSError as error:
        raise ConfigError(f"--verdicts: found {path} ({error.strerror}); valid: a file that can be written") from None
