"""`supportpulse webhook`: sends samples as the vendor would."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from supportpulse.edges.gateway.sample import Sample
    from supportpulse.edges.gateway.sources import Source


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
def command(source: str, payload: Path | None, sources: Path, url: str, headers: tuple[str, ...]) -> int:
    """Send the JSON file PAYLOAD as a webhook of SOURCE, and print what the gateway answers.

    Without PAYLOAD the built-in samples of its vendor: a customer opens a ticket, an agent answers and solves it.

    Exit codes: 0 taken, 1 turned away.

    \b
    Examples:
      supportpulse webhook desk
      supportpulse webhook code issue.json --header X-GitHub-Event:issues --url https://hooks.example.com
    """
    from supportpulse.edges.gateway.sample import read_sample, send, story
    from supportpulse.edges.gateway.sources import load
    from supportpulse.errors import ConfigError

    known = load(sources).sources
    if source not in known:
        raise ConfigError(f"SOURCE: found {source!r}; valid: one of {', '.join(known)}, as {sources} has them")
    pairs = [header.partition(":") for header in headers]
    if bad := [name for name, colon, _ in pairs if not colon or not name.strip()]:
        raise ConfigError(f"--header: found {bad[0]!r}; valid: NAME:VALUE")
    now = datetime.now(UTC)
    if payload is None:
        samples = story(known[source], now)
        _check(known[source], samples, sources, now)
    else:
        samples = [read_sample(payload, {name.strip().lower(): value.strip() for name, _, value in pairs})]
    taken = True
    for sample in samples:
        if sample.says:
            click.echo(f"{sample.says}:")
        reply = send(known[source], sample, url)
        click.echo(f"{'  ' if sample.says else ''}{reply.code} in {reply.seconds * 1000:.0f} ms: {reply.body}")
        taken &= reply.code < 300
    return 0 if taken else 1


def _check(source: Source, samples: list[Sample], sources: Path, now: datetime) -> None:
    """A mapping or statuses of the source's own may have no word for what the built-in samples say."""
    from supportpulse.edges.adapters.adapter import Unknown
    from supportpulse.edges.gateway.sample import meant
    from supportpulse.errors import ConfigError

    for sample in samples:
        try:
            meant(source, sample, now)
        except Unknown as unknown:
            raise ConfigError(
                f"PAYLOAD: found none, and the built-in samples for {source.vendor} are not for this source of "
                f"{sources} ({unknown}); valid: a JSON file as your helpdesk sends it"
            ) from None
