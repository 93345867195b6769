"""`supportpulse reconcile`: what webhooks did not bring, from the vendor's API."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from supportpulse.commands.parameters import BAD_INPUT_EXIT, DURATION, MOMENT, kafka_option, wait_option
from supportpulse.commands.progress import progress_bar

if TYPE_CHECKING:
    from supportpulse.edges.adapters.adapter import Unknown
    from supportpulse.events import TicketEvent

SHOWN_UNKNOWN = 20


@click.command("reconcile", short_help="Send what lost webhooks would have told, from the vendor's API.")
@click.argument("source")
@click.option(
    "--sources", type=click.Path(path_type=Path), default=Path("sources.toml"), show_default=True,
    help="The gateway's file of sources; the source has a table [sources.SOURCE.api] there.",
)  # fmt: skip
@click.option("--since", type=MOMENT, help="Read from here. Default: the checkpoint; needed the first time.")
@click.option(
    "--checkpoint", type=click.Path(path_type=Path, dir_okay=False),
    help="File that keeps how far it came. Default: reconcile-SOURCE.json.",
)  # fmt: skip
@click.option(
    "--overlap", "overlap_ms", type=DURATION, default="1h", show_default=True,
    help="Read this much before the checkpoint again: changes that the API showed late, clocks that differ.",
)  # fmt: skip
@click.option("--dry-run", is_flag=True, help="Print the events as JSON lines; send nothing, keep no checkpoint.")
@kafka_option
@click.option("--topic-prefix", help="Put before the names of the public topics.")
@wait_option
@click.option("--json", "as_json", is_flag=True, help="Print the summary as one JSON object.")
def command(
    source: str,
    sources: Path,
    since: datetime | None,
    checkpoint: Path | None,
    overlap_ms: int,
    dry_run: bool,
    bootstrap: str | None,
    topic_prefix: str | None,
    wait_seconds: float,
    as_json: bool,
) -> None:
    """Read what happened in SOURCE from its vendor's API and send it with the ids that its webhooks have.

    For GitHub ([sources.SOURCE.api]: token, repository, perhaps url), Jira (token, url, project; on Cloud user, the
    address that the token belongs to) and Zendesk (token, url, user, and verdicts = true for what it says
    of its own clocks, which needs an administrator's token).

    So what came by webhook, or in an earlier run, changes nothing; run it by a timer, and after an outage. It keeps to
    the API's rate limits, and waits up to an hour for each. The checkpoint moves on only once Kafka has acknowledged
    all; after Ctrl-C or an error the next run reads the same again. It sends no heartbeats: the gateway's go on.

    Exit codes: 0 all sent, 1 the API or Kafka failed, 3 sent, but for objects that nobody can read.

    \b
    Examples:
      supportpulse reconcile code --since 2026-03-01T00:00:00Z
      supportpulse reconcile code
      supportpulse reconcile code --since 2026-03-01T00:00:00Z --dry-run | head
    """
    from supportpulse.edges.gateway.sources import load
    from supportpulse.edges.reconcile.account import account_of
    from supportpulse.edges.reconcile.checkpoint import Checkpoint
    from supportpulse.edges.reconcile.recovered import Found
    from supportpulse.envelope import encode
    from supportpulse.errors import ConfigError

    known = load(sources).sources
    if source not in known:
        raise ConfigError(f"SOURCE: found {source!r}; valid: one of {', '.join(known)}, as {sources} has them")
    account = account_of(known[source], sources)
    file = checkpoint or Path(f"reconcile-{source}.json")
    now = datetime.now(UTC)
    if since is None:
        last = Checkpoint.read(file, account.scope)
        if last is None:
            raise ConfigError(f"--since: found none, and no checkpoint {file}; valid: the time to begin with")
        since = last.until - timedelta(milliseconds=overlap_ms)
    elif since > now:
        raise ConfigError(f"--since: found {since.isoformat()}; valid: a time in the past")
    unreadable: list[Unknown] = []
    pages = account.open(lambda text: click.echo(f"{source}: {text}", err=True))
    with progress_bar(f"reading {source}") as bar:
        found = Found.of(known[source], account.recover(pages, since), now, bad=unreadable.append, progress=bar)
    for unknown in unreadable[:SHOWN_UNKNOWN]:
        click.echo(f"{source}: {unknown}", err=True)
    if dry_run:
        for event in found.events:
            click.echo(encode(event))
    else:
        _to_kafka(found.events, bootstrap, topic_prefix, wait_seconds)
        Checkpoint(account.scope, now).write(file)
    summary = {
        "source": source,
        "since": since.isoformat(),
        "until": now.isoformat(),
        "requests": pages.requests,
        "objects": found.objects,
        "events": len(found.events),
        "tickets": len({event.ticket_id for event in found.events}),
        "unknown": dict(found.unknown),
        "sent": not dry_run,
    }
    text = json.dumps(summary) if as_json else _sentence(summary)
    click.echo(text, err=dry_run or not as_json)
    if found.unknown:
        sys.exit(BAD_INPUT_EXIT)


def _to_kafka(events: list[TicketEvent], bootstrap: str | None, prefix: str | None, wait_seconds: float) -> None:
    from supportpulse.edges.producer import Producer
    from supportpulse.settings import Settings

    settings = Settings.from_env({"bootstrap": bootstrap, "topic_prefix": prefix})
    with (
        Producer(
            settings.bootstrap, topic=settings.events_topic, security=settings.kafka_security(),
            wait_seconds=wait_seconds,
        ) as producer,
        progress_bar("sending events") as bar,
    ):  # fmt: skip
        for done, event in enumerate(events, start=1):
            producer.send(event)
            if done % 1000 == 0:
                bar(done, len(events))


def _sentence(summary: dict[str, object]) -> str:
    unknown = summary["unknown"]
    left = (
        f"; not readable: {', '.join(f'{n} {why}' for why, n in unknown.items())}"
        if isinstance(unknown, dict) and unknown
        else ""
    )
    return (
        f"{summary['events']} events of {summary['tickets']} tickets "
        f"{'sent' if summary['sent'] else 'found, none sent'}, from {summary['since']} to {summary['until']}, "
        f"in {summary['requests']} requests{left}"
    )
