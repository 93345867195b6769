"""`supportpulse demo`: the main job, live."""

from __future__ import annotations

import json
import signal
import sys
import time
from types import FrameType
from typing import TYPE_CHECKING, Self

import click

if TYPE_CHECKING:
    from rich.console import RenderableType

    from supportpulse.edges.demo import Status
    from supportpulse.scrape import Scrape

PLAIN_EVERY_SECONDS = 10.0
PLAIN_WIDTH = 140
TERMINATED_EXIT = 143


@click.command("demo", short_help="See it all work: broker, worker, a simulated desk, a live table.")
@click.option("--seconds", type=click.FloatRange(0), help="End by itself so long after the first live event.")
@click.option("--seed", type=int, default=1, show_default=True, help="Of the simulated desk.")
@click.option("--weeks", type=click.FloatRange(0.1, 60), default=5, show_default=True, help="Length of the history.")
@click.option("--events", type=click.IntRange(1), default=150_000, show_default=True, help="At most, in the history.")
@click.option("--rate", type=click.FloatRange(0), default=1, show_default=True, help="Live: times the usual arrivals.")
@click.option("--port", type=click.IntRange(1, 65_535), help="Port of /metrics. Default: 9464, or any if it is taken.")
@click.option("--bootstrap", help="A running Kafka, host:port. Default: start one by Docker, else by Java and Maven.")
@click.option("--keep", is_flag=True, help="Leave the worker's log and data, and the topics on a given Kafka.")
@click.option("--json", "as_json", is_flag=True, help="Print only the end state, as one JSON object.")
def command(
    seconds: float | None,
    seed: int,
    weeks: float,
    events: int,
    rate: float,
    port: int | None,
    bootstrap: str | None,
    keep: bool,
    as_json: bool,
) -> None:
    """Run the main job: tickets of a simulated support desk through Kafka into a worker, whose /metrics fill a table.

    First five weeks of history at full speed, which end inside an outage, so that windows and baselines are full at
    once; then live. The table reads nothing but /metrics. Ctrl-C ends everything that was started. With --seconds the
    exit code is 0 if a live event came through within 15 minutes of the start of the history, else 1 with the reason.

    \b
    Examples:
      supportpulse demo
      supportpulse demo --seconds 60 --json
      supportpulse demo --bootstrap 127.0.0.1:9092 --port 9500 --weeks 1 --events 20000
    """
    from supportpulse.edges.demo import Wish, run

    signal.signal(signal.SIGTERM, _terminate)
    wish = Wish(bootstrap, seconds, seed, weeks, events, rate, port, keep)
    with _Screen(quiet=as_json) as screen:
        status = run(wish, screen)
    if as_json:
        scrape = screen.last
        told = {
            "address": status.address,
            "history_events": status.history,
            "processed_events": status.read,
            "live_events": status.live,
            "lag_records": status.lag,
            "scenarios": {
                row.group[0]: {
                    "met": row.met,
                    "breached": row.breached,
                    "breach_share": row.share,
                    "usual_breach_share": row.usual,
                    "at_risk": row.at_risk,
                    "waiting": row.waiting,
                }
                for row in (scrape.rows("scenario") if scrape else [])
            },
        }
        click.echo(json.dumps(told))


def _terminate(number: int, frame: FrameType | None) -> None:
    """Like Ctrl-C, with the exit code of SIGTERM."""
    sys.exit(TERMINATED_EXIT)


class _Screen:
    """A table that is drawn again on a terminal, and printed every ten seconds elsewhere."""

    def __init__(self, *, quiet: bool) -> None:
        from rich.console import Console
        from rich.live import Live

        self._quiet = quiet
        self._console = Console(stderr=quiet, highlight=False)
        if not self._console.is_terminal:
            self._console.width = PLAIN_WIDTH
        terminal = self._console.is_terminal and not quiet
        self._live = Live(console=self._console, auto_refresh=False) if terminal else None
        self._due = 0.0
        self.last: Scrape | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        if self._live is not None and self._live.is_started:
            self._live.stop()

    def say(self, sentence: str) -> None:
        """Print a sentence, above the table if there is one."""
        self._console.print(sentence, markup=False, soft_wrap=True)

    def show(self, status: Status, scrape: Scrape) -> None:
        """Draw, or print if ten seconds have passed."""
        from supportpulse.board import board

        self.last = scrape
        if self._quiet:
            return
        if self._live is None:
            if time.monotonic() >= self._due:
                self._due = time.monotonic() + PLAIN_EVERY_SECONDS
                self._console.print(board(scrape, [headline(status)]) if status.live else headline(status))
                sys.stdout.flush()
            return
        if not self._live.is_started:
            self._live.start()
        table: RenderableType = board(scrape, [f"{status.address}   {headline(status)}   Ctrl-C ends it"])
        self._live.update(table, refresh=True)


def headline(status: Status) -> str:
    """Where a demo is, in one line."""
    if status.history is None:
        return (
            f"history: {status.share_written:.0%} written ({status.written:,} events), {status.read:,} processed, "
            f"{status.lag:,} records behind"
        )
    if not status.live:
        share = status.read / max(status.history, 1)
        return f"history: {status.history:,} events written, {share:.0%} processed, {status.lag:,} records behind"
    return f"live: {status.live:,} events since the history of {status.history:,}, {status.lag:,} records behind"
