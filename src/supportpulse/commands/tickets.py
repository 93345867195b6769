"""`supportpulse tickets`: from an alert to the tickets behind it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import click

from supportpulse.names import TICKET_STATES

DEFAULT_URL = "http://127.0.0.1:9464"
TIMEOUT_SECONDS = 30


@click.command("tickets", short_help="List the tickets behind a number or an alert.")
@click.option(
    "--state", type=click.Choice(TICKET_STATES), default="overdue", show_default=True, help="What their clocks are."
)
@click.option("--clock", help="One clock, such as first_response. Default: all.")
@click.option("--scenario", help="The same as --label scenario=...")
@click.option("--label", "labels", multiple=True, metavar="NAME=VALUE", help="A label of the policy; repeatable.")
@click.option("--over", help="With --state waiting: a threshold of the policy, such as 1h. Default: its shortest.")
@click.option("--limit", type=click.IntRange(1, 10_000), default=50, show_default=True, help="Rows, the oldest first.")
@click.option(
    "--url",
    "urls",
    multiple=True,
    default=(DEFAULT_URL,),
    show_default=True,
    help="Address of a worker's /metrics; repeat it for several workers: each knows the tickets of its partitions.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(
    state: str,
    clock: str | None,
    scenario: str | None,
    labels: tuple[str, ...],
    over: str | None,
    limit: int,
    urls: tuple[str, ...],
    as_json: bool,
) -> None:
    """List tickets whose clocks are open, at risk, overdue or keep somebody waiting, the oldest first.

    \b
    Examples:
      supportpulse tickets --state overdue --clock first_response
      supportpulse tickets --state waiting --over 1h --scenario live_show --json
      supportpulse tickets --url http://worker-1:9464 --url http://worker-2:9464
    """
    asked = [("state", state), ("limit", str(limit))]
    asked += [(name, value) for name, value in (("clock", clock), ("scenario", scenario), ("over", over)) if value]
    for label in labels:
        name, equals, value = label.partition("=")
        if not equals:
            raise click.BadParameter(f"found {label!r}; valid: NAME=VALUE, such as rule=urgent", param_hint="--label")
        asked.append((name, value))
    answers = [_ask(url, asked) for url in urls]
    rows = sorted((row for answer in answers for row in answer["tickets"]), key=lambda row: row["since"])[:limit]
    total = sum(answer["total"] for answer in answers)
    if as_json:
        click.echo(json.dumps({"state": state, "total": total, "tickets": rows}, ensure_ascii=False))
    else:
        _print(rows, state, total)


def _ask(url: str, asked: Iterable[tuple[str, str]]) -> dict[str, Any]:
    from urllib.error import HTTPError
    from urllib.parse import urlencode
    from urllib.request import urlopen

    from supportpulse.errors import ConfigError, SupportpulseError

    if not url.startswith(("http://", "https://")):
        raise ConfigError(f"--url: found {url!r}; valid: an address such as {DEFAULT_URL}")
    try:
        with urlopen(f"{url.rstrip('/')}/tickets?{urlencode(list(asked))}", timeout=TIMEOUT_SECONDS) as response:
            found: dict[str, Any] = json.load(response)
            if not {"total", "tickets"} <= found.keys():
                raise ValueError(url)
    except HTTPError as error:
        try:
            text = json.load(error)["error"]
        except (ValueError, KeyError, TypeError):
            raise SupportpulseError(f"{url} answers {error.code}: it is no supportpulse worker") from None
        raise ConfigError(text) if error.code == 400 else SupportpulseError(f"{url}: {text}") from None
    except (ValueError, AttributeError):
        raise SupportpulseError(f"{url} does not answer as a supportpulse worker does") from None
    except OSError as error:
        reason = getattr(error, "reason", error)
        raise SupportpulseError(f"no worker answers at {url} ({reason}): start one, or give its --url") from None
    return found


def _print(rows: list[dict[str, Any]], state: str, total: int) -> None:
    from rich.console import Console
    from rich.table import Table

    from supportpulse.durations import write_duration

    now = datetime.now(UTC)
    shown = f", the oldest {len(rows)}" if total > len(rows) else ""
    table = Table(title=f"{state.replace('_', ' ')}: {total} clocks{shown}")
    for heading in ("ticket", "clock", "open for", "due", "labels", "link"):
        table.add_column(heading, overflow="fold")
    for row in rows:
        age = now - datetime.fromisoformat(row["since"])
        due = "paused" if row["paused"] else "-"
        if row["due"] is not None:
            left = (datetime.fromisoformat(row["due"]) - now).total_seconds() * 1000
            due = f"in {write_duration(int(left), 2)}" if left >= 0 else f"{write_duration(int(-left), 2)} ago"
        labels = " ".join(value for name, value in row["labels"].items() if value != "none")
        open_for = write_duration(int(age.total_seconds() * 1000), 2)
        table.add_row(row["ticket"], row["clock"], open_for, due, labels, row["url"] or "")
    Console().print(table)
