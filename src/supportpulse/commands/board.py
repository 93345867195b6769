"""`supportpulse board`: the overview as a web page, without Grafana."""

from __future__ import annotations

import signal
import sys
from pathlib import Path
from types import FrameType

import click

from supportpulse.overview import DEFAULT_URL

TERMINATED_EXIT = 143


@click.command("board", short_help="Serve the overview as a web page, live, without Grafana.")
@click.option(
    "--url",
    "urls",
    multiple=True,
    default=(DEFAULT_URL,),
    show_default=True,
    help="Address of a worker's /metrics; repeat it for several workers, whose numbers add up. All addresses behind a "
    "name are asked.",
)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on; 0.0.0.0 for all.")
@click.option(
    "--port", type=click.IntRange(0, 65_535), default=9470, show_default=True, help="Port of the page; 0 for any free."
)
@click.option(
    "--runbook",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Markdown file to serve as /runbook, where alerts link to: grafana/runbook.md, or your own.",
)
def command(urls: tuple[str, ...], host: str, port: int, runbook: Path | None) -> None:
    """Serve one web page: health, every scenario and clock against the usual and its objective, worst first.

    It reads nothing but /metrics, changes by itself, and says so when a worker does not answer. Shares since when the
    board was started are kept in memory. Nobody is asked for a password: listen on other addresses than 127.0.0.1 only
    where everybody may see the numbers. /overview.json has them for scripts. Ctrl-C ends it.

    \b
    Examples:
      supportpulse board
      supportpulse board --port 8080 --url http://worker-1:9464 --url http://worker-2:9464
      supportpulse board --host 0.0.0.0 --port 0 --runbook grafana/runbook.md
    """
    from supportpulse.edges.board_server import BoardServer
    from supportpulse.edges.board_watch import Stage, Watch
    from supportpulse.edges.runbook_page import page

    signal.signal(signal.SIGTERM, _terminate)
    text = page(runbook.read_text("utf-8")) if runbook else None
    stage = Stage(urls)
    with BoardServer(stage, host, port, text) as server, Watch(stage):
        click.echo(f"board: {server.address}")
        click.echo(f"reads {', '.join(stage.urls)}; Ctrl-C ends it")
        server.wait()


def _terminate(number: int, frame: FrameType | None) -> None:
    """Like Ctrl-C, with the exit code of SIGTERM."""
    sys.exit(TERMINATED_EXIT)
