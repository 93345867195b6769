"""`supportpulse explain`: why did this breach?"""

from __future__ import annotations

import json
import sys
from datetime import datetime
from pathlib import Path
from time import time_ns
from typing import Any

import click

from supportpulse.commands.log_files import LogFiles
from supportpulse.commands.parameters import BAD_INPUT_EXIT, MOMENT, kafka_option, wait_option


@click.command("explain", short_help="Why did this breach? The timeline of a ticket's clocks.")
@click.argument("ticket")
@click.argument("files", nargs=-1, metavar="[FILE]...", type=click.Path(allow_dash=True))
@click.option("--clock", help="This clock only.")
@click.option("--source", help="The ticket's source: of the topic, only the partition of its key is read.")
@click.option("--policy", type=click.Path(path_type=Path), help="Policy file or folder. Default: SUPPORTPULSE_POLICY.")
@click.option(
    "--as-of",
    type=MOMENT,
    help="Decide what is due by then. Default: what has been decided; of files, the source's last watermark or event.",
)
@kafka_option
@click.option("--topic-prefix", help="Put before the name of the events topic. Default: SUPPORTPULSE_TOPIC_PREFIX.")
@wait_option
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(
    ticket: str,
    files: tuple[str, ...],
    clock: str | None,
    as_of: datetime | None,
    as_json: bool,
    source: str | None,
    wait_seconds: float,
    **given: Any,
) -> None:
    """Tell what each event of TICKET did to its clocks, how each deadline comes about, and the policy that decided.

    Without FILE from the events topic, read up to its end (no consumer group is joined); with FILE, as for
    `supportpulse evaluate`, from logs. Events are told in the order in which they happened; from the topic, or a log
    with markers, also what was said when, and what was taken back because of what.

    \b
    Examples:
      supportpulse explain 4711 --source zendesk
      supportpulse explain 4711 --clock first_response --bootstrap 127.0.0.1:9092
      supportpulse explain 4711 events.jsonl.gz --policy policies/desk.toml
      supportpulse explain 4711 --json | jq '.said[] | select(.what == "retracted")'

    \b
    The JSON object:
      ticket, as_of, policy   key, what has been decided up to, version and rule that hold now
      steps                   events in the order of time, each with its changes: clock, what, deadline
      cycles                  each cycle's verdict, spans that counted (counted_ms), spans to its deadline, policies
      verdicts                what stands: clock, cycle, met | breached | cancelled
      vendor                  the helpdesk's own verdicts beside ours, result: agree | only_vendor_breached | ...
      said                    outcomes in the order published, each with its record (partition, offset, arrived),
                              and the marker that decided it; of a retraction also because
      refused                 records under the ticket's key that do not count, and why
    """
    from supportpulse.commands.asked_ticket import in_files, in_topic
    from supportpulse.commands.explanation import print_explanation
    from supportpulse.envelope import to_ms
    from supportpulse.errors import ConfigError
    from supportpulse.explain import explain
    from supportpulse.policy import load_policy
    from supportpulse.settings import Settings

    settings = Settings.from_env(given)
    rules = load_policy(settings.policy)
    known = {spec.name for version in rules.versions for spec in version.clocks}
    if clock is not None and clock not in known:
        raise ConfigError(f"--clock: found {clock!r}; valid under this policy: {', '.join(sorted(known))}")
    logs = LogFiles(files)
    asked = in_files(logs, ticket, source, rules) if files else in_topic(settings, ticket, source, wait_seconds, rules)
    until = asked.as_of if as_of is None else to_ms(as_of)
    told = explain(asked.events, rules, until, clock, asked.heard)
    if as_json:
        click.echo(json.dumps(told.as_json()))
    else:
        print_explanation(told, None if files else time_ns() // 1_000_000)
    if logs.bad:
        sys.exit(BAD_INPUT_EXIT)
