"""One alert, as people declare it; how it is written down is the files' business."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Severity = Literal["critical", "warning", "info", "none"]
"""Somebody is called; somebody looks today; boards only; a sign of life."""

VALUE = "VALUE"
"""In a text: the number the expression found, which Prometheus and Grafana call by different names."""


@dataclass(frozen=True)
class Alert:
    """`expr` is a filter: each series it returns is an alert, whatever its value.

    `board` and `panel` show it; `first_look` is the command to type first. Texts are Go templates in which labels are
    `{{ $labels.x }}` and the value is `VALUE`.
    """

    name: str
    severity: Severity
    expr: str
    summary: str
    description: str
    first_look: str
    board: str
    panel: int
    labels: tuple[str, ...] = ()
    for_ms: int = 0
    keep_firing_ms: int = 0

    @property
    def anchor(self) -> str:
        """Its heading in the runbook."""
        return self.name.lower()


def health_alert(
    board: str,
    name: str,
    severity: Severity,
    panel: int,
    labels: tuple[str, ...],
    for_ms: int,
    expr: str,
    summary: str,
    description: str,
    first_look: str,
) -> Alert:
    """An alert on a part of the pipeline: what it asks comes before its expression, which is mostly short."""
    return Alert(name, severity, expr, summary, description, first_look, board, panel, labels, for_ms)
