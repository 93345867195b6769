"""Options and kinds of values that several commands share, and the exit code for input with bad lines."""

from __future__ import annotations

from datetime import UTC, datetime

import click

from supportpulse.durations import VALID, parse_duration

BAD_INPUT_EXIT = 3
"""The command did its work, but some lines of its input were not usable; each was named."""
INTERRUPTED_EXIT = 130


class Duration(click.ParamType):
    """A length of time such as 90s, 6h or 1d12h; the value is in milliseconds, more than 0."""

    name = "duration"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """The milliseconds of a text."""
        if isinstance(value, int):
            return value
        try:
            found = parse_duration(str(value))
        except ValueError:
            found = 0
        if found <= 0:
            self.fail(f"found {str(value)!r}; valid: {VALID}, more than 0", param, ctx)
        return found


class Moment(click.ParamType):
    """An ISO 8601 time that names its zone, or `now`; the value is an aware UTC datetime."""

    name = "time"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        """The instant of a text."""
        if isinstance(value, datetime):
            return value
        text = str(value)
        if text == "now":
            return datetime.now(UTC)
        try:
            found = datetime.fromisoformat(text)
        except ValueError:
            found = None
        if found is None or found.tzinfo is None:
            self.fail(f"found {text!r}; valid: now, or a time with its zone such as 2026-01-31T12:00:00Z", param, ctx)
        return found.astimezone(UTC)


DURATION, MOMENT = Duration(), Moment()

kafka_option = click.option("--bootstrap", help="Kafka address, host:port. Default: SUPPORTPULSE_BOOTSTRAP.")
wait_option = click.option(
    "--wait", "wait_seconds", type=float, default=30, show_default=True, help="Seconds to wait for Kafka."
)
