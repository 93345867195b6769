"""Annotations of alerts: Go templates, of which Prometheus and Grafana understand the same part."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

ACTION = re.compile(r"\{\{-?\s*(.*?)\s*-?\}\}")
LABEL = re.compile(r"\$labels\.([A-Za-z_]\w*)")
FUNCTIONS = frozenset({"humanize", "humanize1024", "humanizeDuration", "humanizePercentage", "toUpper", "toLower"})
"""Of those both have, the ones that take a number or text and give text, whatever the version."""


def labels_in(text: str) -> set[str]:
    """Labels it shows."""
    return {label for action in ACTION.findall(text) for label in LABEL.findall(action)}


def filled(text: str, value: str) -> str:
    """With `value` for every action: what a reader gets to see, more or less."""
    return ACTION.sub(value, text)


def mistakes(text: str, labels: Collection[str], values: Collection[str]) -> Iterator[str]:
    """What would fail or stay empty when it is expanded; `values` are the names of the numbers, such as `$value`."""
    if text.count("{{") != len(ACTION.findall(text)) or text.count("{{") != text.count("}}"):
        yield f"braces do not match in {text!r}"
    for action in ACTION.findall(text):
        subject, *functions = (part.strip() for part in action.split("|"))
        label = LABEL.fullmatch(subject)
        if label is None and subject not in values:
            yield f"{subject!r} is neither a label nor one of {', '.join(values) or 'no values'}"
        if label is not None and label[1] not in labels:
            yield f"label {label[1]!r} is not one of {', '.join(sorted(labels)) or 'none'}"
        for function in functions:
            if function not in FUNCTIONS:
                yield f"function {function!r} is not one that Prometheus and Grafana share"
