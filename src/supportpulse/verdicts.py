"""The net view: what remains of everything that was said about a log, however it was said."""

from __future__ import annotations

from collections.abc import Iterable

from supportpulse.clock import Plan
from supportpulse.outcome import KIND_NAMES, VERDICTS, Emission, cycle_name

Verdict = tuple[str, int, int | None]
"""(met | breached | cancelled, when in ms, deadline in ms)."""
NetView = dict[tuple[str, str, str], Verdict]
"""(ticket key, clock, cycle) -> verdict: what is compared between any two runs (law 2)."""


def tell(view: NetView, key: str, plan: Plan, emissions: Iterable[Emission]) -> None:
    """Apply emissions of one ticket to a net view."""
    for said in emissions:
        if said.kind not in VERDICTS:
            continue
        place = key, plan.clocks[said.clock].name, cycle_name(said.cycle)
        verdict = KIND_NAMES[said.kind], said.time, None if said.deadline < 0 else said.deadline
        if not said.because:
            view[place] = verdict
        elif view.get(place) == verdict:
            del view[place]
