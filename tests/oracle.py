"""A second, naive implementation of every decision, to compare the real one with.

No masks, no codec, no state carried from record to record: all events of a ticket are sorted into a timeline
(`oracle_timeline`), the cycles of each clock are laid over it as spans (`oracle_cycles`), and the verdicts are read off
them here. All times are integer milliseconds since the epoch.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from oracle_cycles import Cycle, Track
from oracle_events import id64, is_entry, meaning
from oracle_timeline import timeline
from supportpulse.envelope import key_of
from supportpulse.events import Event, TicketEvent
from supportpulse.names import DURATION_EDGES_SECONDS, WINDOWS_SECONDS, Reason
from supportpulse.rules import Policy

Verdict = tuple[str, int, int | None]
"""(met | breached | cancelled, when in ms, deadline in ms)."""

PANE_MS, HOUR_MS, DAY_SECONDS = 300_000, 3_600_000, 86_400


@dataclass
class Verdicts:
    """All that is decided about one ticket; `deltas` count by (clock, label index, slot, ms)."""

    net: dict[tuple[str, str], Verdict] = field(default_factory=dict)
    at_risk: dict[tuple[str, str], int] = field(default_factory=dict)
    final: dict[tuple[str, str], int] = field(default_factory=dict)
    deltas: Counter[tuple[str, int, str, int]] = field(default_factory=Counter)


def admit(events: Iterable[Event]) -> tuple[list[TicketEvent], list[tuple[TicketEvent, str]]]:
    """The entries in arrival order without repeats, and those rejected because their id already told something else."""
    known: dict[tuple[str, int], object] = {}
    admitted: list[TicketEvent] = []
    rejected: list[tuple[TicketEvent, str]] = []
    for event in events:
        if not isinstance(event, TicketEvent) or not is_entry(event):
            continue
        identity = key_of(event), id64(event)
        if identity not in known:
            known[identity] = meaning(event)
            admitted.append(event)
        elif known[identity] != meaning(event):
            rejected.append((event, Reason.ID_CONFLICT.value))
    return admitted, rejected


def judge(events: Iterable[TicketEvent], policy: Policy, as_of: int) -> Verdicts:
    """What one ticket's admitted events, in any order, come to at `as_of` (ms)."""
    verdicts = Verdicts()
    entries = [event for event in events if is_entry(event)]
    if not entries:
        return verdicts
    version, steps = timeline(entries, policy, as_of)
    void_at = None
    if steps[-1].void:
        since = max((number for number, step in enumerate(steps) if not step.void), default=-1) + 1
        steps, void_at = steps[: since + 1], steps[since].time
    for clock in version.clocks:
        track = Track(clock, version.reopen_window_ms)
        for step in steps:
            track.take(step)
        undoable = version.reopen_window_ms if clock.reopen in ("resume", "last") else None
        for cycle in track.cycles:
            if cycle.target is not None:
                _tell(verdicts, cycle, as_of, void_at, undoable)
    return verdicts


def _tell(verdicts: Verdicts, cycle: Cycle, as_of: int, void_at: int | None, undoable: int | None) -> None:
    """Add the outcomes of one cycle with a target."""
    place = cycle.clock, cycle.name
    if void_at is not None and cycle.active:
        cycle.cancel(void_at)
    due, risk, end = cycle.deadline(), cycle.risk(), cycle.end

    def count(slot: str, time: int, label: int) -> None:
        verdicts.deltas[cycle.clock, label, slot, time] += 1

    count("started", cycle.start, cycle.bindings[0][1].label)
    if risk is not None and risk[0] <= as_of:
        verdicts.at_risk[place] = risk[0]
        count("at_risk", risk[0], risk[1].label)
    standing = cycle.stopped is not None and due is None
    if void_at is not None and not standing:
        assert end is not None
        verdicts.net[place] = "cancelled", void_at, cycle.deadline_if_resumed(end) if due is None else due[0]
        count("cancelled", void_at, cycle.binding.label)
        return
    if due is not None and due[0] <= as_of:
        verdicts.net[place] = "breached", due[0], due[0]
        count("breached", due[0], due[1].label)
    elif due is None and end is not None:
        verdict = "cancelled" if cycle.stopped is None else "met"
        verdicts.net[place] = verdict, end, cycle.deadline_if_resumed(end)
        count(verdict, end, cycle.binding.label)
    if cycle.stopped is not None:
        if place in verdicts.net and cycle.stopped > cycle.start:
            count(f"duration:{bucket(cycle.elapsed())}", cycle.stopped, cycle.binding.label)
        if cycle.confirmed and undoable is not None:
            verdicts.final[place] = cycle.stopped
        elif undoable is not None and cycle.stopped + undoable <= as_of:
            verdicts.final[place] = cycle.stopped + undoable


def bucket(elapsed: int) -> int:
    """Index of the first duration edge not below `elapsed` ms; the number of edges stands for +Inf."""
    fitting = [number for number, edge in enumerate(DURATION_EDGES_SECONDS) if edge * 1000 >= elapsed]
    return fitting[0] if fitting else len(DURATION_EDGES_SECONDS)


AsOf = int | Mapping[str, int]
"""One instant in ms, or one per ticket key or source."""


def judge_log(events: Iterable[Event], policy: Policy, as_of: AsOf) -> dict[str, Verdicts]:
    """The verdicts of every ticket of a log in arrival order, by ticket key; markers and heartbeats say nothing."""
    tickets: dict[str, list[TicketEvent]] = defaultdict(list)
    for event in admit(events)[0]:
        tickets[key_of(event)].append(event)
    return {key: judge(entries, policy, _as_of(as_of, key, entries[0].source)) for key, entries in tickets.items()}


def _as_of(as_of: AsOf, key: str, source: str) -> int:
    if isinstance(as_of, int):
        return as_of
    return as_of[key] if key in as_of else as_of[source]


def net_view(events: Iterable[Event], policy: Policy, as_of: AsOf) -> dict[tuple[str, str, str], Verdict]:
    """(ticket key, clock, cycle) -> (verdict, time, deadline) of a whole log: what is compared between any two runs."""
    judged = judge_log(events, policy, as_of)
    return {(key, *place): verdict for key, verdicts in judged.items() for place, verdict in verdicts.net.items()}


def windows(deltas: Mapping[tuple[str, int, str, int], int], now: int) -> Counter[tuple[str, str, int, str]]:
    """Counts by (window, clock, label index, slot) at `now` in ms, from the deltas of any number of tickets.

    Windows up to a day add 5-minute panes, longer ones hour panes; the pane of `now` is the last one included.
    """
    counts: Counter[tuple[str, str, int, str]] = Counter()
    for window, seconds in WINDOWS_SECONDS.items():
        width = PANE_MS if seconds <= DAY_SECONDS else HOUR_MS
        last = now // width
        first = last - seconds * 1000 // width + 1
        for (clock, label, slot, time), count in deltas.items():
            if first <= time // width <= last:
                counts[window, clock, label, slot] += count
    return counts
