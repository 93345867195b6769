"""`supportpulse topics`: the topics as the worker needs them."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import click

from supportpulse.commands.parameters import kafka_option, wait_option


@click.group("topics", short_help="Create the topics, or check them.")
def command() -> None:
    """Create the topics supportpulse needs, or check those that are there.

    Three public topics and two changelogs, all with one partition count, which is fixed once there are tickets. Topics
    that are there are never altered: what is wrong with one is said, with the way to put it right.

    \b
    Examples:
      supportpulse topics ensure --bootstrap 127.0.0.1:9092 --partitions 12 --replication 3
      supportpulse topics verify --json
    """


def _options(function: Callable[..., None]) -> Callable[..., None]:
    for option in reversed(
        (
            kafka_option,
            click.option("--partitions", type=int, help="Partitions of each topic. Default: SUPPORTPULSE_PARTITIONS."),
            click.option("--app-id", help="Name in the changelogs' names. [supportpulse]"),
            click.option("--topic-prefix", help="Put before the names of the three public topics."),
            wait_option,
            click.option("--json", "as_json", is_flag=True, help="Print one JSON object."),
        )
    ):
        function = option(function)
    return function


@command.command()
@click.option("--replication", type=click.IntRange(1), default=1, show_default=True, help="Copies of each partition.")
@_options
def ensure(replication: int, wait_seconds: float, as_json: bool, **given: Any) -> None:
    """Create what is missing, check what is there.

    \b
    Examples:
      supportpulse topics ensure --bootstrap 127.0.0.1:9092 --partitions 12 --replication 3
    """
    _report(_topics(given, wait_seconds, replication=replication), given, as_json)


@command.command()
@_options
def verify(wait_seconds: float, as_json: bool, **given: Any) -> None:
    """Check that all topics are there as they must be; create nothing.

    \b
    Examples:
      supportpulse topics verify --bootstrap 127.0.0.1:9092 --json
    """
    _report(_topics(given, wait_seconds, create=False), given, as_json)


def _topics(given: dict[str, Any], wait_seconds: float, **how: Any) -> list[str]:
    from supportpulse.edges.topics import ensure_topics
    from supportpulse.settings import Settings

    settings = Settings.from_env(given)
    return ensure_topics(
        settings.bootstrap,
        partitions=settings.partitions,
        app_id=settings.app_id,
        topic_prefix=settings.topic_prefix,
        deadletter_retention_days=settings.deadletter_retention_days,
        security=settings.kafka_security(),
        timeout_seconds=wait_seconds,
        **how,
    )


def _report(created: list[str], given: dict[str, Any], as_json: bool) -> None:
    from supportpulse.settings import Settings

    settings = Settings.from_env(given)
    names = [
        settings.events_topic,
        settings.outcomes_topic,
        settings.deadletter_topic,
        settings.tickets_changelog,
        settings.panes_changelog,
    ]
    if as_json:
        click.echo(json.dumps({"topics": names, "created": created, "partitions": settings.partitions}))
    else:
        for name in names:
            click.echo(f"{name}: {settings.partitions} partitions, {'created' if name in created else 'as it must be'}")
