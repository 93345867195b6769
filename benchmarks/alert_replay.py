"""When an alert fires, from the evaluations at which its expression returned something."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple


class Firing(NamedTuple):
    """From, to: seconds since evaluation 0."""

    fired: float
    resolved: float


def firings(true: Iterable[int], every: int, hold: float, keep: float) -> list[Firing]:
    """The firings of one alert: `for` is `hold`, `keep_firing_for` is `keep`, an evaluation `every` so many seconds.

    `true` are the numbers of the evaluations that returned it, rising. As in Prometheus, it is pending from the first
    on, and fires when the expression has held for `hold` and still does at the evaluation after. It ends at the first
    evaluation that is `keep` behind the first one that no longer returned it.
    """
    found: list[Firing] = []
    since = last = 0
    fired: float | None = None
    kept = 1 + -(-int(keep) // every)
    for number in true:
        if fired is not None and number > last + kept:
            found.append(Firing(fired, float((last + kept) * every)))
            fired = None
            since = number
        elif fired is None and number != last + 1:
            since = number
        if fired is None and (number - since) * every >= hold:
            fired = since * every + hold
        last = number
    if fired is not None:
        found.append(Firing(fired, float((last + kept) * every)))
    return found
