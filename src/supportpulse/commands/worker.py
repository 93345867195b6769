"""`supportpulse worker`: the Faust worker."""

from __future__ import annotations

from pathlib import Path

import click

from supportpulse.commands.parameters import kafka_option


@click.command("worker", short_help="Run the SLA clocks of the tickets in Kafka.")
@kafka_option
@click.option("--policy", type=click.Path(path_type=Path), help="Policy file, or folder of versions.")
@click.option("--metrics-port", type=int, help="Port of /metrics, /tickets and /healthz; 0 = any free. [9464]")
@click.option("--app-id", help="Name of the consumer group and of the changelogs. [supportpulse]")
@click.option("--topic-prefix", help="Put before the names of the three public topics.")
@click.option("--data-dir", type=click.Path(path_type=Path), help="Folder for what the worker keeps on disk.")
@click.option(
    "--log-level",
    type=click.Choice(["DEBUG", "INFO", "WARNING", "ERROR"], case_sensitive=False),
    default="INFO",
    show_default=True,
)
def command(
    bootstrap: str | None,
    policy: Path | None,
    metrics_port: int | None,
    app_id: str | None,
    topic_prefix: str | None,
    data_dir: Path | None,
    log_level: str,
) -> None:
    """Run the SLA clocks of every ticket in Kafka, and serve windows and gauges at /metrics.

    Workers with one app id share the partitions. Every option has a variable SUPPORTPULSE_<OPTION>; those without an
    option are listed in the README. While Kafka is away the worker waits. Ctrl-C and SIGTERM end it in good order.

    \b
    Examples:
      supportpulse worker --bootstrap kafka-1:9092,kafka-2:9092 --policy /etc/supportpulse/desk.toml
      SUPPORTPULSE_SECURITY_PROTOCOL=SSL supportpulse worker --metrics-port 9465
    """
    from supportpulse.logs import setup_logging
    from supportpulse.settings import Settings

    settings = Settings.from_env(
        {
            "bootstrap": bootstrap,
            "policy": policy,
            "metrics_port": metrics_port,
            "app_id": app_id,
            "topic_prefix": topic_prefix,
            "data_dir": data_dir,
        }
    )
    setup_logging(log_level)
    from streams.app import run

    run(settings)
