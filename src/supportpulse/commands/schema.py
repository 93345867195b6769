"""`supportpulse schema`: the interface as files that other languages read."""

from __future__ import annotations

from pathlib import Path

import click

KINDS = ("events", "outcomes", "asyncapi")


@click.command("schema", short_help="Print the schemas of events and outcomes, or the AsyncAPI document.")
@click.argument("kind", type=click.Choice(KINDS))
@click.option("-o", "--output", type=click.Path(path_type=Path, dir_okay=False), help="File. Default: standard output.")
def command(kind: str, output: Path | None) -> None:
    """Print the JSON Schema of events or of outcomes, or the AsyncAPI 3 document of all topics (YAML).

    \b
    Examples:
      supportpulse schema events -o events.json
      supportpulse schema asyncapi -o asyncapi.yaml
    """
    if kind == "asyncapi":
        from supportpulse.edges.asyncapi import as_yaml, asyncapi

        text = as_yaml(asyncapi())
    else:
        from supportpulse.outcome_schema import outcomes_schema
        from supportpulse.schema import as_text, events_schema

        text = as_text(events_schema() if kind == "events" else outcomes_schema())
    if output is None:
        click.echo(text, nl=False)
        return
    output.write_text(text, "utf-8")
    click.echo(f"{output}: written", err=True)
