"""`supportpulse rules`: the alert and recording rules as files."""

from __future__ import annotations

from pathlib import Path

import click

KINDS = ("prometheus", "grafana")


@click.command("rules", short_help="Write recording and alert rules for Prometheus and Grafana.")
@click.argument("kind", type=click.Choice(KINDS))
@click.option("-o", "--output", type=click.Path(path_type=Path, dir_okay=False), help="File. Default: standard output.")
@click.option(
    "--policy",
    type=click.Path(path_type=Path),
    help="Policy whose labels and waiting thresholds the rules are for; objectives and targets they read from metrics. "
    "Default: the model policy.",
)
@click.option("--runbook-url", default=None, help="Where the runbook is served; an anchor per alert is added.")
@click.option("--grafana-url", default=None, help="Where Grafana answers; alerts link to its boards.")
@click.option(
    "--time-scale",
    type=click.FloatRange(min=0, min_open=True, max=1),
    default=1.0,
    show_default=True,
    help="0.01 goes with a worker whose hour lasts 36 s. For trials only.",
)
def command(
    kind: str,
    output: Path | None,
    policy: Path | None,
    runbook_url: str | None,
    grafana_url: str | None,
    time_scale: float,
) -> None:
    """Write the rules: what Prometheus records and alerts on, or the same alerts as Grafana provisions them.

    \b
    Examples:
      supportpulse rules prometheus -o rules.yml
      supportpulse rules prometheus --runbook-url https://wiki.example.com/sla-runbook
      supportpulse rules grafana --grafana-url https://grafana.example.com --policy policies/desk.toml
    """
    from supportpulse.alerting.declared import shape_of
    from supportpulse.alerting.grafana_file import grafana_file
    from supportpulse.alerting.rule_file import GRAFANA, RUNBOOK, Place, prometheus_file
    from supportpulse.policy import load_policy
    from supportpulse.settings import SHIPPED_POLICY

    shape = shape_of(load_policy(policy or SHIPPED_POLICY))
    place = Place(runbook_url or RUNBOOK, (grafana_url or GRAFANA).rstrip("/"))
    if kind == "grafana" and time_scale != 1:
        raise click.BadParameter("Grafana evaluates every 10 s at most: only for prometheus", param_hint="--time-scale")
    try:
        text = grafana_file(shape, place) if kind == "grafana" else prometheus_file(shape, place, time_scale)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--time-scale") from None
    if output is None:
        click.echo(text, nl=False)
    else:
        output.write_text(text, encoding="utf-8")
