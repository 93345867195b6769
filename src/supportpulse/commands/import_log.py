"""`supportpulse import`: an audit log becomes canonical events."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from supportpulse.commands.parameters import BAD_INPUT_EXIT, DURATION, MOMENT, kafka_option, wait_option
from supportpulse.commands.progress import progress_bar
from supportpulse.commands.whole_file import whole_file

if TYPE_CHECKING:
    from collections import Counter

    from supportpulse.edges.importer import BadLine, Record

SHOWN_BAD_ROWS = 50
REMARKS = {
    "repeated": "rows that repeat an event",
    "unjoined": "tickets that the second file does not know",
}


@click.command("import", short_help="Turn an audit log into canonical events.")
@click.argument("file", type=click.Path(allow_dash=True))
@click.option("--mapping", "mapping_name", required=True, help="A shipped mapping or a TOML file.")
@click.option("--join", type=click.Path(), help="The second file of a mapping that has a [join]: one row a ticket.")
@click.option("--source", help="Source name of the events, instead of the mapping's.")
@click.option("-o", "--output", default="-", show_default="standard output", help="File for the JSON lines.")
@click.option("--to-kafka", is_flag=True, help="Send to Kafka instead of writing JSON lines.")
@kafka_option
@click.option("--shift-to", type=MOMENT, help="Move all times so that the last event lies here: now, or an ISO time.")
@click.option(
    "--heartbeat-every", "every_ms", type=DURATION, default="6h", show_default=True, help="In time of the log."
)
@click.option("--end-at", type=MOMENT, help="Watermark of the last heartbeat. Default: 1 ms behind the last event.")
@click.option(
    "--then",
    type=click.Choice(["ended", "released"]),
    default="ended",
    show_default=True,
    help="After the last event: hold open deadlines for ever, or let wall-clock time decide them.",
)
@click.option("--instance", default="import", show_default=True, help="Name of this importer in its heartbeats.")
@wait_option
@click.option("--json", "as_json", is_flag=True, help="Print the summary as one JSON object.")
def command(
    file: str,
    mapping_name: str,
    join: str | None,
    source: str | None,
    output: str,
    to_kafka: bool,
    bootstrap: str | None,
    shift_to: datetime | None,
    every_ms: int,
    end_at: datetime | None,
    then: Literal["ended", "released"],
    instance: str,
    wait_seconds: float,
    as_json: bool,
) -> None:
    """Turn an audit log into canonical events, in order of their time, with heartbeats between them.

    FILE is CSV or JSON lines, gzipped or not; - is standard input. A row that gives no event is named with its line and
    reason, the rest goes on, and the exit code is 3. Rows that the mapping skips on purpose are counted by its reasons.
    Shipped mappings: servicenow-uci, jira-history, hp-service-manager.

    \b
    Examples:
      supportpulse import incidents.csv.gz --mapping servicenow-uci -o events.jsonl
      supportpulse import incidents.csv.gz --mapping servicenow-uci --to-kafka --bootstrap 127.0.0.1:9092
      supportpulse import activities.csv.gz --mapping hp-service-manager --join incidents.csv.gz -o events.jsonl
      supportpulse import audit.jsonl --mapping desk.toml --shift-to now --then released --to-kafka
    """
    from supportpulse.edges.importer import read_log
    from supportpulse.edges.mapping_file import read_mapping
    from supportpulse.envelope import to_ms

    mapping, mapping_file = read_mapping(mapping_name, source=source)
    with progress_bar(f"reading {Path(file).name}") as bar:
        imported = read_log(file, mapping, mapping_file=mapping_file, join=join, progress=bar)
    _name_bad_rows(file, imported.bad)
    if not as_json:
        _name_skipped(imported.skipped)
    shift_ms = 0 if shift_to is None else imported.shift_ms(shift_to)
    records = imported.records(
        every_ms=every_ms,
        instance=instance,
        end_ms=None if end_at is None else to_ms(end_at),
        then=then,
        shift_ms=shift_ms,
    )
    counted = _Counted(records, len(imported.entries))
    if to_kafka:
        _to_kafka(counted, bootstrap, wait_seconds)
    else:
        _to_file(counted, output)
    summary = imported.summary(shift_ms=shift_ms, heartbeats=counted.heartbeats)
    events_on_stdout = not to_kafka and output == "-"
    where = "Kafka" if to_kafka else output
    text = json.dumps(summary) if as_json else _sentence(summary, where)
    click.echo(text, err=events_on_stdout or not as_json)
    if imported.bad:
        sys.exit(BAD_INPUT_EXIT)


class _Counted:
    """Records as they pass, with a bar, counting the heartbeats."""

    def __init__(self, records: Iterator[Record], total: int) -> None:
        self._records, self._total, self.heartbeats = records, total, 0

    def __iter__(self) -> Iterator[Record]:
        with progress_bar("writing events") as bar:
            done = 0
            for record in self._records:
                yield record
                self.heartbeats += record.is_heartbeat
                done += not record.is_heartbeat
                if done % 1000 == 0:
                    bar(done, self._total)


def _to_file(records: _Counted, output: str) -> None:
    with whole_file(output) as out:
        for record in records:
            out.write(record.value + b"\n")


def _to_kafka(records: _Counted, bootstrap: str | None, wait_seconds: float) -> None:
    from supportpulse.edges.producer import Producer
    from supportpulse.settings import Settings

    settings = Settings.from_env({"bootstrap": bootstrap})
    with Producer(
        settings.bootstrap, topic=settings.events_topic, security=settings.kafka_security(), wait_seconds=wait_seconds
    ) as producer:
        for record in records:
            for partition in producer.partitions if record.is_heartbeat else (None,):
                producer.send_encoded(record.key.encode(), record.value, partition)


def _name_bad_rows(file: str, bad: list[BadLine]) -> None:
    for row in bad[:SHOWN_BAD_ROWS]:
        click.echo(f"{file}: line {row.line}: {row.reason}", err=True)
    if len(bad) > SHOWN_BAD_ROWS:
        click.echo(f"{file}: {len(bad) - SHOWN_BAD_ROWS} more bad rows", err=True)


def _sentence(summary: dict[str, object], where: str) -> str:
    rest = "".join(f"; {summary[name]} {what}" for name, what in REMARKS.items() if summary[name])
    return (
        f"{summary['events']} events of {summary['tickets']} tickets and {summary['heartbeats']} heartbeats "
        f"from {summary['first']} to {summary['last']} -> {where}; {summary['bad_rows']} bad rows{rest}"
    )


def _name_skipped(skipped: Counter[str]) -> None:
    for reason, rows in skipped.most_common():
        click.echo(f"{rows:>8} rows skipped: {reason}", err=True)
