"""`supportpulse explain`: why did this breach?"""

from __future__ import annotations

import json
import sys
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from supportpulse.commands.log_files import LogFiles
from supportpulse.commands.parameters import BAD_INPUT_EXIT, MOMENT

if TYPE_CHECKING:
    from supportpulse.events import Event, TicketEvent
    from supportpulse.explain import Explanation


@click.command("explain", short_help="Why did this breach? The timeline of a ticket's clocks.")
@click.argument("file", type=click.Path(allow_dash=True))
@click.argument("ticket")
@click.option("--clock", help="This clock only.")
@click.option("--source", help="The ticket's source, if several have a ticket of this name.")
@click.option("--policy", type=click.Path(path_type=Path), help="Policy file or folder. Default: SUPPORTPULSE_POLICY.")
@click.option("--as-of", type=MOMENT, help="Decide what is due by then. Default: the source's last watermark or event.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(
    file: str,
    ticket: str,
    clock: str | None,
    source: str | None,
    policy: Path | None,
    as_of: datetime | None,
    as_json: bool,
) -> None:
    """Tell what each event of TICKET in FILE did to its clocks, with deadlines, and the policy that decided.

    FILE as for `supportpulse evaluate`. Events are told in the order in which they happened.

    \b
    Examples:
      supportpulse explain events.jsonl.gz 4711
      supportpulse explain events.jsonl.gz 4711 --clock first_response --policy policies/desk.toml
    """
    from supportpulse.envelope import to_ms
    from supportpulse.errors import ConfigError
    from supportpulse.explain import explain
    from supportpulse.policy import load_policy
    from supportpulse.settings import Settings

    rules = load_policy(Settings.from_env({"policy": policy}).policy)
    known = {spec.name for version in rules.versions for spec in version.clocks}
    if clock is not None and clock not in known:
        raise ConfigError(f"--clock: found {clock!r}; valid under this policy: {', '.join(sorted(known))}")
    logs = LogFiles([file])
    events, until = _find(logs, file, ticket, source)
    told = explain(events, rules, until if as_of is None else to_ms(as_of), clock)
    if as_json:
        click.echo(json.dumps(told.as_json()))
    else:
        _print(told, clock)
    if logs.bad:
        sys.exit(BAD_INPUT_EXIT)


def _find(logs: LogFiles, file: str, ticket: str, source: str | None) -> tuple[list[TicketEvent], int]:
    """The events of the ticket, and the last watermark of its source, else the source's last event (ms)."""
    from supportpulse.errors import DataMissing, Rejected
    from supportpulse.facts import Beat, Reading
    from supportpulse.reader import read

    found: dict[str, list[bytes]] = {}
    watermarks: dict[str, int] = {}
    last: dict[str, int] = {}
    for name, number, line in logs.lines():
        try:
            reading = read(line)
        except Rejected as error:
            logs.name_bad(name, number, error)
            continue
        if isinstance(reading, Beat):
            watermarks[reading.source] = max(watermarks.get(reading.source, 0), reading.watermark - 1)
        elif isinstance(reading, Reading):
            where, _, name = reading.key.partition("|")
            last[where] = max(last.get(where, 0), reading.time)
            if name == ticket and source in (None, where):
                found.setdefault(where, []).append(line)
    if not found:
        asked = repr(ticket) + (f" of source {source}" if source else "")
        raise DataMissing(f"{file}: no event of ticket {asked}; sources there: {', '.join(last) or 'none'}")
    if len(found) > 1:
        raise DataMissing(f"ticket {ticket!r} is there in several sources; choose by --source: {', '.join(found)}")
    ((where, lines),) = found.items()
    return [_event(line) for line in lines], watermarks.get(where, last[where])


def _event(line: bytes) -> TicketEvent:
    from supportpulse.envelope import decode
    from supportpulse.events import TicketEvent

    event: Event = decode(line)
    assert isinstance(event, TicketEvent)
    return event


def _print(told: Explanation, clock: str | None) -> None:
    from rich.console import Console

    from supportpulse.commands.tables import PIPE_WIDTH
    from supportpulse.narrate import describe
    from supportpulse.record import iso

    console = Console(highlight=False, markup=False, emoji=False, soft_wrap=True)
    if not console.is_terminal:
        console.width = PIPE_WIDTH
    version = told.plan.version
    console.print(
        f"{told.key}, as of {iso(told.as_of)}\npolicy {version.name} from {iso(version.valid_from_ms)}, "
        f"digest {version.digest} ({version.file}); rule at the end: {told.rule}\n"
    )
    for step in told.steps:
        console.print(f"{iso(step.time)}  {describe(step.event) if step.event else '(time passes)'}", style="bold")
        if step.note:
            console.print(f"    {step.note}", style="yellow")
        for change in step.changes:
            console.print(f"    {change.clock} [{change.cycle[:6]}]  {change.words}", style=_STYLES.get(change.what))
    standing = [f"{name} {verdict[0]}" for (_, name, _), verdict in sorted(told.net.items()) if clock in (None, name)]
    console.print(f"\nwhat stands: {', '.join(standing) or 'nothing decided'}")


_STYLES = {"breached": "red", "at_risk": "yellow", "met": "green"}
