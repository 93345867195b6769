"""`supportpulse gateway`: takes helpdesks' webhooks."""

from __future__ import annotations

import signal
import sys
from pathlib import Path
from types import FrameType

import click

from supportpulse.commands.parameters import kafka_option

TERMINATED_EXIT = 143


@click.command("gateway", short_help="Take helpdesks' webhooks and send them to Kafka as events.")
@click.option(
    "--sources",
    type=click.Path(path_type=Path),
    default=Path("sources.toml"),
    show_default=True,
    help="File of the sources, their vendors and where their secrets are kept.",
)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on; 0.0.0.0 for all.")
@click.option("--port", type=click.IntRange(0, 65_535), default=9466, show_default=True, help="Port; 0 for any free.")
@kafka_option
@click.option("--topic-prefix", help="Put before the names of the public topics.")
@click.option(
    "--instance",
    help="Lasting name of this gateway in its heartbeats: the same after a restart, another for each that runs beside "
    "it. Default: made of the host's name and the port.",
)
@click.option(
    "--log-level",
    type=click.Choice(["DEBUG", "INFO", "WARNING", "ERROR"], case_sensitive=False),
    default="INFO",
    show_default=True,
)
def command(
    sources: Path,
    host: str,
    port: int,
    bootstrap: str | None,
    topic_prefix: str | None,
    instance: str | None,
    log_level: str,
) -> None:
    """Take webhooks at /webhooks/SOURCE, prove who sent them, and answer once Kafka has acknowledged their events.

    What it answers: 200 taken, 202 kept as a dead letter, 401 not authentic, 413 too large, 429 too many, 503 Kafka did
    not acknowledge in time: the vendor tries again, or `supportpulse reconcile` brings what was missed. Nothing is kept
    on disk. Changes of the sources file and of files with secrets are followed (SIGHUP: at once). TLS is for a proxy in
    front of it. Also there: /docs, /metrics, /healthz, /readyz.

    \b
    Examples:
      supportpulse gateway --sources sources.toml
      supportpulse gateway --host 0.0.0.0 --instance gateway-1 --bootstrap kafka-1:9092
    """
    from supportpulse.edges.gateway.server import GatewayServer
    from supportpulse.logs import setup_logging
    from supportpulse.settings import Settings

    settings = Settings.from_env({"bootstrap": bootstrap, "topic_prefix": topic_prefix})
    setup_logging(log_level)
    server = GatewayServer(settings, sources, host=host, port=port, instance=instance)
    signal.signal(signal.SIGTERM, _terminate)
    for line in server.lines():
        click.echo(line)
    server.run()


def _terminate(number: int, frame: FrameType | None) -> None:
    """After the last answers, with the exit code of SIGTERM."""
    sys.exit(TERMINATED_EXIT)
