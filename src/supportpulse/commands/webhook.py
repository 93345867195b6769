"""`supportpulse webhook`: sends a sample as the vendor would."""

from __future__ import annotations

from pathlib import Path

import click


@click.command("webhook", short_help="Send a sample webhook to a gateway, signed as the vendor signs.")
@click.argument("source")
@click.argument("payload", type=click.Path(path_type=Path))
@click.option(
    "--sources", type=click.Path(path_type=Path), default=Path("sources.toml"), show_default=True,
    help="The gateway's file of sources: vendor and secret are read from it.",
)  # fmt: skip
@click.option("--url", default="http://127.0.0.1:9466", show_default=True, help="Address of the gateway.")
@click.option(
    "--header", "headers", multiple=True, metavar="NAME:VALUE", help="One more header, such as a GitHub event."
)
def command(source: str, payload: Path, sources: Path, url: str, headers: tuple[str, ...]) -> int:
    """Send the JSON file PAYLOAD as a webhook of SOURCE, and print what the gateway answers.

    Exit codes: 0 taken, 1 turned away.

    \b
    Examples:
      supportpulse webhook desk comment.json
      supportpulse webhook code issue.json --header X-GitHub-Event:issues --url https://hooks.example.com
    """
    from supportpulse.edges.gateway.sample import send
    from supportpulse.edges.gateway.sources import load
    from supportpulse.errors import ConfigError

    known = load(sources).sources
    if source not in known:
        raise ConfigError(f"SOURCE: found {source!r}; valid: one of {', '.join(known)}, as {sources} has them")
    pairs = [header.partition(":") for header in headers]
    if bad := [name for name, colon, _ in pairs if not colon or not name.strip()]:
        raise ConfigError(f"--header: found {bad[0]!r}; valid: NAME:VALUE")
    reply = send(known[source], payload, url, {name.strip().lower(): value.strip() for name, _, value in pairs})
    click.echo(f"{reply.code} in {reply.seconds * 1000:.0f} ms: {reply.body}")
    return 0 if reply.code < 300 else 1
