"""A trial: desks in, firings out, by way of a real Prometheus over back-filled blocks."""

from __future__ import annotations

from collections.abc import Sequence

from alert_desks import PANE, WEEK, Desk, moment, open_metrics
from alert_replay import Firing, firings
from alert_rules import Rule

from supportpulse.edges.prometheus import Prometheus, promtool

BLOCK = "1500h"
"""All in one block: promtool reads the whole file anew for each."""

Fired = dict[str, dict[str, list[Firing]]]
"""By rule, then by clock; seconds since the first measured pane was read."""


def trial(desks: Sequence[Desk], rules: Sequence[Rule]) -> Fired:
    """What fires on these desks, evaluated every five minutes."""
    prometheus = Prometheus("global: {}")
    history = prometheus.folder / "desks.om"
    with history.open("w", encoding="ascii") as file:
        file.writelines(open_metrics(desks))
    promtool(
        "tsdb", "create-blocks-from", "openmetrics", f"--max-block-duration={BLOCK}", "--quiet",
        str(history), str(prometheus.data),
    )  # fmt: skip
    history.unlink()
    panes = max(desk.panes for desk in desks)
    found: Fired = {}
    with prometheus:
        for rule in rules:
            true: dict[str, list[int]] = {desk.clock: [] for desk in desks}
            for first in range(0, panes, WEEK):
                last = min(first + WEEK, panes) - 1
                for series in prometheus.query_range(rule.expr, moment(first), moment(last), PANE):
                    times = (float(time) - moment(0) for time, _ in series["values"])
                    true[series["metric"]["clock"]] += [round(time / PANE) for time in times]
            found[rule.name] = {clock: firings(at, PANE, rule.hold, rule.keep) for clock, at in true.items()}
    return found
