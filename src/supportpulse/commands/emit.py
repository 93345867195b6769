"""`supportpulse emit`: canonical events from JSON lines into Kafka."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import click

from supportpulse.commands.parameters import BAD_INPUT_EXIT, INTERRUPTED_EXIT, kafka_option, wait_option
from supportpulse.commands.progress import progress_bar

if TYPE_CHECKING:
    from supportpulse.edges.emit import SourceMode
    from supportpulse.edges.lines import LineFile
    from supportpulse.edges.pulse import Finish


@click.command("emit", short_help="Send canonical events to Kafka.")
@click.argument("file", type=click.Path(allow_dash=True), default="-")
@kafka_option
@click.option(
    "--source-mode",
    type=click.Choice(["live", "none"]),
    default="live",
    show_default=True,
    help="Heartbeats for sources that have none in the input: live every 5 s (a file: at both its ends), or none.",
)
@click.option(
    "--finish",
    type=click.Choice(["released", "ended"]),
    default="released",
    show_default=True,
    help="What such a source says at the end: wall-clock time decides, or its deadlines are held for ever.",
)
@click.option("--instance", help="Lasting name of this sender in its heartbeats. Default: the host's name.")
@wait_option
@click.option("--json", "as_json", is_flag=True, help="Print the summary as one JSON object.")
def command(
    file: str,
    bootstrap: str | None,
    source_mode: SourceMode,
    finish: Finish,
    instance: str | None,
    wait_seconds: float,
    as_json: bool,
) -> None:
    """Send canonical events to Kafka, one JSON object a line, from FILE (gzipped or not) or standard input (-).

    Heartbeats in the input go to every partition in their place. A source without any gets live ones; in a FILE, which
    is read twice, its deadlines are held until the end, so that a reply further on still counts. A line that is no
    event is named with its number and reason, the rest goes on, and the exit code is 3. Ctrl-C sends what was read, and
    says no end.

    \b
    Examples:
      supportpulse emit events.jsonl --bootstrap 127.0.0.1:9092
      tail -F desk.jsonl | supportpulse emit --instance desk-1
      supportpulse emit events.jsonl.gz --source-mode none --json
    """
    from supportpulse.edges.emit import Emitted, Survey, emit_lines, survey
    from supportpulse.edges.lines import open_lines
    from supportpulse.edges.producer import Producer
    from supportpulse.edges.pulse import LivePulse, LogPulse
    from supportpulse.settings import Settings

    settings = Settings.from_env({"bootstrap": bootstrap})
    streams = file == "-" or Path(file).is_fifo()
    found = Survey(frozenset(), {}) if streams else survey(file)
    emitted, interrupted = Emitted(), False
    with ExitStack() as stack:
        lines = stack.enter_context(open_lines(file))
        producer = stack.enter_context(
            Producer(
                settings.bootstrap,
                topic=settings.events_topic,
                security=settings.kafka_security(),
                wait_seconds=wait_seconds,
            )
        )
        pulse: LivePulse | LogPulse | None = None
        if source_mode == "live" and streams:
            pulse = LivePulse(producer, instance=instance)
        elif source_mode == "live":
            pulse = LogPulse(producer, found.earliest, instance=instance)
        bar = stack.enter_context(progress_bar(f"sending {Path(file).name}"))
        try:
            emit_lines(
                _watched(lines, bar),
                producer,
                pulse,
                speaking=found.speaking,
                bad=lambda number, reason: click.echo(f"{Path(file)}: line {number}: {reason}", err=True),
                emitted=emitted,
            )
            if pulse is not None:
                pulse.stop(finish)
        except KeyboardInterrupt:
            interrupted = True
            if pulse is not None:
                pulse.stop(None)
    summary = emitted.summary()
    click.echo(json.dumps(summary) if as_json else _sentence(summary, interrupted), err=not as_json)
    if interrupted:
        sys.exit(INTERRUPTED_EXIT)
    if emitted.bad_lines:
        sys.exit(BAD_INPUT_EXIT)


def _watched(lines: LineFile, bar: Callable[[int, int], None]) -> Iterator[bytes]:
    for number, line in enumerate(lines.unpacked, start=1):
        yield line
        if number % 1000 == 0:
            bar(*lines.progress())


def _sentence(summary: dict[str, object], interrupted: bool) -> str:
    end = "; interrupted, so the source has not said that it ended" if interrupted else ""
    return (
        f"{summary['events']} events of {summary['tickets']} tickets and {summary['heartbeats']} heartbeats sent; "
        f"{summary['bad_lines']} bad lines{end}"
    )
