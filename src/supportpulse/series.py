"""The label sets of our series: every (clock, label values) a policy can reach, over all its versions.

Cells count by policy version; series have names, so versions that use the same names share them.
"""

from __future__ import annotations

from threading import Lock

from supportpulse.names import CLOCK, SCENARIO
from supportpulse.panes import Cell, parts
from supportpulse.rules import reachable
from supportpulse.ticket import Plans


class Series:
    """Rows of label values in a fixed order; a row not foreseen is added when it is first seen.

    `rows[i]` are the values of `labels`; `groups[group_of[i]]` are those of `group_labels`, the clock and the scenario
    if it is a label of the policy: what histograms tell apart. The event loop and scrapes may use it at once.
    """

    def __init__(self, plans: Plans) -> None:
        self.versions = plans.policy.versions
        self.labels = (CLOCK, *self.versions[0].labels)
        self.group_labels = tuple(name for name in self.labels if name in (CLOCK, SCENARIO))
        self._grouped = tuple(self.labels.index(name) for name in self.group_labels)
        self.rows: list[tuple[str, ...]] = []
        self.groups: list[tuple[str, ...]] = []
        self.group_of: list[int] = []
        self._row: dict[tuple[str, ...], int] = {}
        self._group: dict[tuple[str, ...], int] = {}
        self._by_place: dict[int, int] = {}
        self._adding = Lock()
        reached = {row for one in self.versions for row in reachable(one.rules, one.labels, one.enums)}
        for row in sorted(reached):
            self._add(row)

    def row(self, place: Cell) -> int:
        """The row of a cell, whatever its slot."""
        found = self._by_place.get(place >> 5)
        if found is None:
            version, label, clock, _ = parts(place)
            policy = self.versions[version]
            row = (policy.clocks[clock].name, *policy.label_sets[label])
            with self._adding:
                known = self._row.get(row)
                found = self._by_place[place >> 5] = self._add(row) if known is None else known
        return found

    def group(self, place: Cell) -> int:
        """The group of a cell."""
        return self.group_of[self.row(place)]

    def _add(self, row: tuple[str, ...]) -> int:
        group = tuple(row[position] for position in self._grouped)
        at = self._group.get(group)
        if at is None:
            at = self._group[group] = len(self.groups)
            self.groups.append(group)
        found = self._row[row] = len(self.rows)
        self.group_of.append(at)
        self.rows.append(row)
        return found
