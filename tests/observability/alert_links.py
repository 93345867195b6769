"""Where an alert sends the reader: a runbook's heading, a panel, a command."""

from __future__ import annotations

import re
import shlex
from collections.abc import Collection, Iterator, Mapping
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import click

from observability import annotation
from observability.alert_files import Rule, panels
from supportpulse.cli import program

HEADING = re.compile(r"^### (.+)$", re.MULTILINE)
COMMAND = re.compile(r"^    (?! )(\S.*)$", re.MULTILINE)
TOOLS = frozenset({"amtool", "curl", "kafka-console-consumer.sh", "promtool"})
PATHS = {9464: frozenset({"/healthz", "/metrics", "/tickets"}), 9466: frozenset({"/healthz", "/metrics", "/readyz"})}
"""What a worker and a gateway answer, by port."""


def anchors(runbook: str) -> list[str]:
    """As a renderer of Markdown makes them of one-word headings."""
    return [heading.strip().lower() for heading in HEADING.findall(runbook)]


def commands(runbook: str) -> list[str]:
    """Lines to be copied."""
    return COMMAND.findall(runbook)


def broken(rule: Rule, labels: Collection[str], headings: Collection[str], boards: Mapping[str, Any]) -> Iterator[str]:
    """Links and commands of a rule that lead nowhere; `labels` are those its alerts have."""
    notes = rule["annotations"]
    anchor = urlsplit(notes["runbook_url"]).fragment
    if anchor not in headings:
        yield f"the runbook has no heading {anchor!r}"
    link = urlsplit(notes["dashboard_url"])
    board = boards.get(link.path.removeprefix("/d/"))
    if board is None:
        yield f"there is no dashboard {link.path}"
    else:
        yield from _on_board(dict(parse_qsl(link.query)), board, labels)
    given = notes.keys() & {"tickets", "first_look"}
    if len(given) != 1:
        yield "it says no first look, or two"
    for name in given:
        for label in sorted(annotation.labels_in(notes[name]) - set(labels)):
            yield f"{name}: its alerts have no label {label}"
        yield from wrong(annotation.filled(notes[name], "some-value"))


def _on_board(query: Mapping[str, str], board: Mapping[str, Any], labels: Collection[str]) -> Iterator[str]:
    panel = query.get("viewPanel", "")
    if not panel.isdigit() or int(panel) not in panels(dict(board)):
        yield f"dashboard {board['uid']} has no panel {panel!r}"
    known = {variable["name"] for variable in board["templating"]["list"]}
    for key, value in query.items():
        name = key.removeprefix("var-")
        if key != "viewPanel" and (name == key or name not in known):
            yield f"dashboard {board['uid']} has no variable {key}"
        if name != key and (value != f"{{{{ $labels.{name} }}}}" or name not in labels):
            yield f"variable {name} is not given the alert's label"


def wrong(command: str) -> Iterator[str]:
    """Why a command could not be typed: parsed by our own program, or known by name."""
    words = shlex.split(command.partition(" | ")[0])
    if words[0] == "supportpulse":
        try:
            parse(words[1:])
        except click.ClickException as error:
            yield f"{command}: {error.format_message()}"
    elif words[0] not in TOOLS:
        yield f"{command}: {words[0]} is not one of {', '.join(sorted(TOOLS))}"
    for word in words:
        link = urlsplit(word)
        valid = frozenset().union(*PATHS.values()) if "some-value" in link.netloc else PATHS.get(link.port or 0)
        if valid is not None and link.path not in valid:
            yield f"{command}: what listens there answers {', '.join(sorted(valid))} only"


def parse(words: list[str]) -> None:
    """Let the command line's own parser read it, and run nothing; raises `click.ClickException`."""
    context = program.make_context("supportpulse", words)
    while isinstance(context.command, click.Group):
        name, command, rest = context.command.resolve_command(context, [*context._protected_args, *context.args])
        assert command is not None
        context = command.make_context(name, rest, parent=context)
