"""`supportpulse policy`: is a policy right, and what does it say?"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from supportpulse.commands.tables import new_table, print_table

if TYPE_CHECKING:
    from supportpulse.policy import Edition, Policy


@click.group("policy", short_help="Check a policy, or show what it says.")
def command() -> None:
    """Check a policy, or show what it says.

    A policy is a TOML file, or a folder of versions of one policy, each with its valid_from: a ticket keeps the version
    that was valid when it was created. A file with applies_to = "next_event" or "open_tickets" edits the rules and
    calendars of the version before it, and reaches that version's open tickets too: with the next event of each, or
    at its valid_from, when running clocks are counted on as on_rule_change of each clock says.

    \b
    Examples:
      supportpulse policy check policies/desk.toml
      supportpulse policy show policies/desk.toml --json
    """


@command.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def check(file: Path, as_json: bool) -> None:
    """Say whether FILE may be used; a mistake is named by file, key, what was found and what is valid.

    \b
    Examples:
      supportpulse policy check policies/desk.toml
    """
    policy = _load(file)
    if as_json:
        heads = [_head(policy, edition) for edition in policy.editions]
        click.echo(json.dumps({"digest": policy.digest, "versions": heads}))
        return
    for edition in policy.editions:
        head = _head(policy, edition)
        click.echo(
            f"{head['file']}: right; {head['name']} from {head['valid_from']}{_reach(edition)}, {head['rules']} rules "
            f"over {head['clocks']} clocks, digest {head['digest']}"
        )


@command.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def show(file: Path, as_json: bool) -> None:
    """Show the rules of FILE in the order they are tried, with every target.

    \b
    Examples:
      supportpulse policy show policies/desk.toml
      supportpulse policy show policies/ --json
    """
    policy = _load(file)
    if as_json:
        told = [{**_head(policy, edition), "targets": _targets(edition)} for edition in policy.editions]
        click.echo(json.dumps(told))
        return
    from supportpulse.durations import write_duration

    for edition in policy.editions:
        head = _head(policy, edition)
        title = f"{head['name']} from {head['valid_from']}{_reach(edition)} ({head['digest'][:12]})"
        table = new_table(("rule", "for", "clock", "target", "calendar"), ("objective",), title=title)
        last = None
        for row in _targets(edition):
            match = "; ".join(f"{name} = {', '.join(values)}" for name, values in row["match"].items())
            first = row["rule"] != last
            table.add_row(
                row["rule"] if first else "",
                (match or "everything else") if first else "",
                row["clock"],
                write_duration(row["target_ms"]),
                row["calendar"],
                f"{row['objective']:.0%}",
            )
            last = row["rule"]
        print_table(table)


def _load(file: Path) -> Policy:
    from supportpulse.errors import ConfigError
    from supportpulse.policy import load_policy

    if not file.exists():
        raise ConfigError(f"{file}: not there; valid: a policy file, or a folder of them")
    return load_policy(file)


def _head(policy: Policy, edition: Edition) -> dict[str, Any]:
    from supportpulse.record import iso

    return {
        "name": policy.versions[0].name,
        "file": edition.file,
        "valid_from": iso(edition.valid_from_ms),
        "applies_to": edition.applies_to,
        "digest": edition.digest,
        "rules": len(edition.rules),
        "clocks": len({clock for rule in edition.rules for clock in rule.targets}),
    }


def _reach(edition: Edition) -> str:
    return {
        "new_tickets": "",
        "next_event": ", open tickets at their next event",
        "open_tickets": ", open tickets too",
    }[edition.applies_to]


def _targets(edition: Edition) -> list[dict[str, Any]]:
    return [
        {
            "rule": rule.name,
            "match": {name: sorted(values) for name, values in rule.match.items()},
            "clock": clock,
            "target_ms": target.target_ms,
            "calendar": target.calendar.name,
            "objective": target.objective,
            "at_risk_share": target.at_risk_share,
        }
        for rule in edition.rules
        for clock, target in rule.targets.items()
    ]
