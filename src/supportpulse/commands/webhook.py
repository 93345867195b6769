"""`supportpulse webhook`: sends samples as the vendor would."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic, sleep, time_ns
from typing import TYPE_CHECKING, Any

import click

from supportpulse.commands.parameters import kafka_option, wait_option

if TYPE_CHECKING:
    from supportpulse.edges.gateway.sample import Sample
    from supportpulse.edges.gateway.sources import Source
    from supportpulse.events import TicketEvent
    from supportpulse.settings import Settings

LOOK_SECONDS = 0.5


@click.command("webhook", short_help="Send sample webhooks to a gateway, signed as the vendor signs.")
@click.argument("source")
@click.argument("payload", required=False, type=click.Path(path_type=Path))
@click.option(
    "--sources", type=click.Path(path_type=Path), default=Path("sources.toml"), show_default=True,
    help="The gateway's file of sources: vendor and secret are read from it.",
)  # fmt: skip
@click.option("--url", default="http://127.0.0.1:9466", show_default=True, help="Address of the gateway.")
@click.option(
    "--header", "headers", multiple=True, metavar="NAME:VALUE", help="One more header, such as a GitHub event."
)
@click.option(
    "--timeline/--no-timeline", default=None,
    help="Read the events back from Kafka and tell the ticket's timeline. Default: for the built-in samples.",
)  # fmt: skip
@click.option(
    "--policy", type=click.Path(path_type=Path),
    help="Of the timeline. Default: SUPPORTPULSE_POLICY, else the shipped one that follows the vendor's rules.",
)  # fmt: skip
@kafka_option
@click.option("--topic-prefix", help="Put before the name of the events topic. Default: SUPPORTPULSE_TOPIC_PREFIX.")
@wait_option
def command(
    source: str,
    payload: Path | None,
    sources: Path,
    url: str,
    headers: tuple[str, ...],
    timeline: bool | None,
    wait_seconds: float,
    **given: Any,
) -> int:
    """Send the JSON file PAYLOAD as a webhook of SOURCE, and print what the gateway answers.

    Without PAYLOAD the built-in samples of its vendor: a customer opened a ticket 20 minutes ago, an agent answered and
    solved it; then the timeline that `supportpulse explain` tells of it, so from the signature to the clocks all is
    tried. Each run makes another ticket, which counts like any other: try it before the desk is live, or with another
    --topic-prefix on both sides.

    Exit codes: 0 taken, 1 turned away or not found in Kafka.

    \b
    Examples:
      supportpulse webhook desk
      supportpulse webhook code issue.json --header X-GitHub-Event:issues --url https://hooks.example.com --timeline
    """
    from supportpulse.edges.gateway.sample import policy_of, read_sample, send, story
    from supportpulse.edges.gateway.sources import load
    from supportpulse.errors import ConfigError
    from supportpulse.settings import Settings

    known = load(sources).sources
    if source not in known:
        raise ConfigError(f"SOURCE: found {source!r}; valid: one of {', '.join(known)}, as {sources} has them")
    pairs = [header.partition(":") for header in headers]
    if bad := [name for name, colon, _ in pairs if not colon or not name.strip()]:
        raise ConfigError(f"--header: found {bad[0]!r}; valid: NAME:VALUE")
    now = datetime.now(UTC)
    if payload is None:
        samples = story(known[source], now)
    else:
        samples = [read_sample(payload, {name.strip().lower(): value.strip() for name, _, value in pairs})]
    told = payload is None if timeline is None else timeline
    events = _meant(known[source], samples, sources, now)
    settings = Settings.from_env(given)
    if "policy" not in settings.model_fields_set:
        settings = settings.model_copy(update={"policy": policy_of(known[source].vendor)})
    taken = True
    for sample in samples:
        if sample.says:
            click.echo(f"{sample.says}:")
        reply = send(known[source], sample, url)
        click.echo(f"{'  ' if sample.says else ''}{reply.code} in {reply.seconds * 1000:.0f} ms: {reply.body}")
        taken &= reply.code < 300
    if told and taken:
        for ticket in dict.fromkeys(event.ticket_id for event in events):
            click.echo()
            _tell(settings, source, ticket, {event.id for event in events if event.ticket_id == ticket}, wait_seconds)
    return 0 if taken else 1


def _meant(source: Source, samples: Iterable[Sample], sources: Path, now: datetime) -> list[TicketEvent]:
    """What the gateway is going to make of them, and why not, which it tells nobody.

    Raises `ConfigError` for built-in ones that a mapping or statuses of the source's own have no word for.
    """
    from supportpulse.edges.adapters.adapter import Unknown
    from supportpulse.edges.gateway.sample import meant
    from supportpulse.errors import ConfigError

    events: list[TicketEvent] = []
    for sample in samples:
        try:
            events += meant(source, sample, now)
        except (ValueError, RecursionError):
            continue  # no JSON, as the gateway will say
        except Unknown as unknown:
            if sample.says:
                raise ConfigError(
                    f"PAYLOAD: found none, and the built-in samples for {source.vendor} do not suit source "
                    f"{source.name} of {sources} ({unknown}); valid: a JSON file as your helpdesk sends it"
                ) from None
            click.echo(f"no event for source {source.name}, but a dead letter: {unknown}", err=True)
    return events


def _tell(settings: Settings, source: str, ticket: str, ids: set[str], wait_seconds: float) -> None:
    """Wait until the events of a ticket can be read, and print its timeline. Raises `DataMissing`."""
    from supportpulse.commands.asked_ticket import in_topic
    from supportpulse.commands.explanation import print_explanation
    from supportpulse.errors import DataMissing
    from supportpulse.explain import explain
    from supportpulse.policy import load_policy

    rules = load_policy(settings.policy)
    deadline = monotonic() + wait_seconds
    while True:
        missing = ids
        try:
            asked = in_topic(settings, ticket, source, wait_seconds, rules)
            missing = ids - {event.id for event in asked.events}
        except DataMissing:
            pass
        if not missing:
            break
        if monotonic() > deadline:
            raise DataMissing(
                f"the gateway took them, but {len(missing)} of {len(ids)} events of ticket {ticket!r} are not in "
                f"{settings.events_topic} on Kafka at {settings.bootstrap} after {wait_seconds:g} s; give the "
                "--bootstrap and --topic-prefix that the gateway was started with"
            )
        sleep(LOOK_SECONDS)
    print_explanation(explain(asked.events, rules, asked.as_of, None, asked.heard), time_ns() // 1_000_000)
