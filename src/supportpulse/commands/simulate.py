"""`supportpulse simulate`: a believable support desk, its history and then its life."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from supportpulse.commands.parameters import DURATION, INTERRUPTED_EXIT, MOMENT, kafka_option, wait_option

if TYPE_CHECKING:
    from supportpulse.edges.feed import Sink

WEEK_MS = 7 * 86_400_000


@click.command("simulate", short_help="Simulate a support desk: a history, then live.")
@click.option("-o", "--output", default="-", show_default="standard output", help="File for the JSON lines.")
@click.option("--to-kafka", is_flag=True, help="Send to Kafka instead of writing JSON lines.")
@kafka_option
@click.option("--seed", type=int, default=1, show_default=True, help="The same seed and span give the same bytes.")
@click.option("--weeks", type=click.FloatRange(0.1, 60), default=5, show_default=True, help="Length of the history.")
@click.option("--events", type=click.IntRange(1), default=150_000, show_default=True, help="At most, in the history.")
@click.option("--end", type=MOMENT, default="now", show_default=True, help="End of the history: now, or an ISO time.")
@click.option("--outage/--no-outage", default=True, show_default=True, help="Let the history end inside an outage.")
@click.option("--live", is_flag=True, help="Go on after the history, in real time, until Ctrl-C.")
@click.option("--for", "live_ms", type=DURATION, help="With --live: end by itself after this time, such as 60s.")
@click.option("--rate", type=click.FloatRange(0), default=1, show_default=True, help="With --live: times the arrivals.")
@click.option("--duplicates", type=click.FloatRange(0, 1), default=0, show_default=True, help="Share sent twice.")
@click.option("--disorder", type=click.FloatRange(0, 1), default=0, show_default=True, help="Share up to 2 min late.")
@click.option(
    "--then",
    type=click.Choice(["ended", "released", "nothing"]),
    default="ended",
    show_default=True,
    help="After the last event: hold open deadlines for ever, let wall-clock time decide them, or do not say.",
)
@wait_option
@click.option("--json", "as_json", is_flag=True, help="Print the summary as one JSON object.")
def command(
    output: str,
    to_kafka: bool,
    bootstrap: str | None,
    seed: int,
    weeks: float,
    events: int,
    end: datetime,
    outage: bool,
    live: bool,
    live_ms: int | None,
    rate: float,
    duplicates: float,
    disorder: float,
    then: Literal["ended", "released", "nothing"],
    wait_seconds: float,
    as_json: bool,
) -> None:
    """Simulate the support desk of a real-time audio/video vendor: canonical events, with its source's heartbeats.

    First a history at full speed, which ends inside an outage; then, with --live, what happens from there on as it
    happens: open tickets go on, new ones come. Ctrl-C ends it; the desk has then not said that it ended.

    \b
    Examples:
      supportpulse simulate -o desk.jsonl
      supportpulse simulate --to-kafka --bootstrap 127.0.0.1:9092 --live --rate 3
      supportpulse simulate --seed 7 --weeks 1 --events 5000 --end 2026-01-31T12:00:00Z | head
    """
    from supportpulse.edges.feed import Feed
    from supportpulse.edges.simulator import LiveDesk, Plan
    from supportpulse.envelope import to_ms

    end_ms, now = to_ms(end), time.time_ns() // 1_000_000
    if live and end_ms > now:
        raise click.UsageError(f"--end: found {end.isoformat()}; valid with --live: now, or a time in the past")
    if live_ms is not None and not live:
        raise click.UsageError("--for: valid only together with --live")
    start_ms = end_ms - round(weeks * WEEK_MS)
    desk = LiveDesk(Plan(seed, start_ms, end_ms, events, outage, rate, duplicates, disorder))
    interrupted = False
    with ExitStack() as stack:
        sink = stack.enter_context(_kafka(bootstrap, wait_seconds) if to_kafka else _lines(output))
        feed = Feed(desk, sink)
        try:
            with _bar(start_ms, end_ms) as bar:
                feed.history(bar)
            sink.flush()
            if live:
                feed.live(None if live_ms is None else time.monotonic() + live_ms / 1000)
            if then != "nothing":
                feed.beat(max(feed.at, end_ms), then)
        except KeyboardInterrupt:
            interrupted = True
    summary = {**feed.summary(), "outage": feed.outage(), "interrupted": interrupted}
    events_on_stdout = output == "-" and not to_kafka
    click.echo(json.dumps(summary) if as_json else _sentence(summary), err=events_on_stdout or not as_json)
    if interrupted:
        sys.exit(INTERRUPTED_EXIT)


@contextmanager
def _kafka(bootstrap: str | None, wait_seconds: float) -> Iterator[Sink]:
    from supportpulse.edges.feed import Sink
    from supportpulse.edges.producer import Producer
    from supportpulse.settings import Settings

    settings = Settings.from_env({"bootstrap": bootstrap})
    with Producer(
        settings.bootstrap, topic=settings.events_topic, security=settings.kafka_security(), wait_seconds=wait_seconds
    ) as producer:
        yield Sink(producer.send_encoded, producer.heartbeat, producer.flush)


@contextmanager
def _lines(output: str) -> Iterator[Sink]:
    from supportpulse.edges.feed import Sink
    from supportpulse.envelope import encode
    from supportpulse.errors import ConfigError

    with ExitStack() as stack:
        try:
            out = sys.stdout.buffer if output == "-" else stack.enter_context(Path(output).open("wb"))
        except OSError as error:
            raise ConfigError(
                f"--output: found {output} ({error.strerror}); valid: a file that can be written"
            ) from None
        yield Sink(lambda _, value: out.write(value + b"\n"), lambda beat: out.write(encode(beat) + b"\n"), out.flush)
        out.flush()


@contextmanager
def _bar(start_ms: int, end_ms: int) -> Iterator[Callable[[int], object]]:
    """A progress bar on standard error; nothing when that is no terminal."""
    from rich.console import Console
    from rich.progress import Progress

    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("history", total=end_ms - start_ms)
        yield lambda at: progress.update(task, completed=at - start_ms)


def _sentence(summary: dict[str, object]) -> str:
    where = summary["outage"]
    end = f", ending in an outage of {where['scenario']} in {where['region']}" if isinstance(where, dict) else ""
    live = f"; {summary['live_events']} live events" if summary["live_events"] else ""
    stopped = "; interrupted, so the desk has not said that it ended" if summary["interrupted"] else ""
    return f"{summary['events']} events of history{end}{live}; {summary['heartbeats']} heartbeats{stopped}"
