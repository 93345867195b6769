"""`supportpulse what-if`: the same log under another policy."""

from __future__ import annotations

import json
import sys
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from supportpulse.commands.log_files import LogFiles
from supportpulse.commands.parameters import BAD_INPUT_EXIT, MOMENT
from supportpulse.commands.progress import progress_bar
from supportpulse.commands.tables import new_table, percent, print_table

if TYPE_CHECKING:
    from supportpulse.report import Change


@click.command("what-if", short_help="Compare two policies over one log.")
@click.argument("files", nargs=-1, required=True, type=click.Path(allow_dash=True))
@click.option("--policy", required=True, type=click.Path(path_type=Path), help="The policy to try.")
@click.option("--against", type=click.Path(path_type=Path), help="The policy in force. Default: SUPPORTPULSE_POLICY.")
@click.option("--as-of", type=MOMENT, help="Decide what is due by then. Default: the last watermark, or event.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(files: tuple[str, ...], policy: Path, against: Path | None, as_of: datetime | None, as_json: bool) -> None:
    """Show what another policy would have made of last month's log: per clock, breaches then and now, and what turned.

    A cycle counts as turned when its verdict differs, or when only one of the policies gives it one. FILES as for
    `supportpulse evaluate`.

    \b
    Examples:
      supportpulse what-if january.jsonl.gz --policy stricter.toml --against policies/desk.toml
      supportpulse what-if january.jsonl.gz --policy stricter.toml --json
    """
    from supportpulse.envelope import to_ms
    from supportpulse.evaluate import evaluate
    from supportpulse.policy import load_policy
    from supportpulse.report import compare
    from supportpulse.settings import Settings

    new, old = (load_policy(Settings.from_env({"policy": given}).policy) for given in (policy, against))
    logs = LogFiles(files)
    readings = list(logs.readings())
    until = None if as_of is None else to_ms(as_of)
    with progress_bar("running the clocks twice"):
        changes = compare(evaluate(readings, old, until).net, evaluate(readings, new, until).net)
    if as_json:
        told = {"policy": new.digest, "against": old.digest, "bad_lines": logs.bad}
        click.echo(json.dumps({**told, "clocks": [change.as_json() for change in changes]}))
    else:
        _print(changes, str(against or "the policy in force"), str(policy))
    if logs.bad:
        sys.exit(BAD_INPUT_EXIT)


def _print(changes: list[Change], old: str, new: str) -> None:
    from supportpulse.report import share

    table = new_table(("clock",), ("met", "breached", "cancelled", "breach share"), title=f"{old} -> {new}")
    table.add_column("turned")
    for change in changes:
        turned = ", ".join(f"{count} {before} -> {after}" for (before, after), count in change.turned.most_common())
        table.add_row(
            change.clock,
            *(f"{change.old[verdict]} -> {change.new[verdict]}" for verdict in ("met", "breached", "cancelled")),
            f"{percent(share(change.old))} -> {percent(share(change.new))}",
            turned or "nothing",
        )
    print_table(table)
