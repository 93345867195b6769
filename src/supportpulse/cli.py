"""The `supportpulse` program: finds the command that was asked for, imports it then, and turns errors into one line."""

from __future__ import annotations

import importlib
import logging
from collections.abc import Sequence
from typing import cast

import click

from supportpulse import __version__
from supportpulse.commands.parameters import INTERRUPTED_EXIT
from supportpulse.errors import ConfigError, SupportpulseError

COMMANDS = {
    "demo": "demo",
    "worker": "worker",
    "topics": "topics",
    "gateway": "gateway",
    "webhook": "webhook",
    "reconcile": "reconcile",
    "emit": "emit",
    "import": "import_log",
    "simulate": "simulate",
    "evaluate": "evaluate",
    "what-if": "what_if",
    "replay": "replay",
    "explain": "explain",
    "tickets": "tickets",
    "board": "board",
    "alerts": "alerts",
    "policy": "policy",
    "rules": "rules",
    "schema": "schema",
}
"""Command -> module of `supportpulse.commands` that exports it as `command`; in the order of `--help`."""

FAILED_EXIT, CONFIG_EXIT = 1, 2


class LazyGroup(click.Group):
    """A group whose commands are imported when they are named: `supportpulse worker` never loads the simulator."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All commands."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """One command, its module imported."""
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"supportpulse.commands.{COMMANDS[cmd_name]}")
        return cast(click.Command, module.command)


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="supportpulse")
def program() -> None:
    """SLA clocks, windows and alerts, live, from the lifecycle events of support tickets.

    Settings come from SUPPORTPULSE_* variables; options win over them. Exit codes: 0 done, 1 failed, 2 wrong options,
    settings or policy (nothing was started), 3 done but some input was unusable, 130 interrupted.

    \b
    Examples:
      supportpulse demo --seconds 60
      supportpulse evaluate events.jsonl.gz --policy policies/desk.toml
      supportpulse explain 4711 --clock first_response
    """


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command (by default the process's own arguments); returns the exit code."""
    try:
        code = program.main(arguments, prog_name="supportpulse", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        return INTERRUPTED_EXIT
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else FAILED_EXIT
    except SupportpulseError as error:
        click.echo(f"supportpulse: {error}", err=True)
        return CONFIG_EXIT if isinstance(error, ConfigError) else FAILED_EXIT
    except Exception as error:  # nobody foresaw it: the traceback is for the log, the last line for whoever reads it
        logging.getLogger("supportpulse").exception("ended by an error")
        click.echo(f"supportpulse: ended by {type(error).__name__}: {error}; see the traceback above", err=True)
        return FAILED_EXIT
    return code if isinstance(code, int) else 0
