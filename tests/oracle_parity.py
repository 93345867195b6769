"""Whether a vendor's verdicts are ours, found naively: the ticket is judged up to each of them."""

from __future__ import annotations

from collections.abc import Iterable

from oracle_cycles import Track
from oracle_events import entry_order, entry_time, hexed, id64, is_entry
from oracle_timeline import Step, timeline
from supportpulse.envelope import to_ms
from supportpulse.events import TicketEvent, VendorVerdict
from supportpulse.policy import Policy

MINUTE = 60_000


def parity(events: Iterable[TicketEvent], policy: Policy, as_of: int) -> dict[tuple[str, str], str]:
    """(clock, id of the verdict) -> result, of one ticket's admitted events in any order, up to `as_of` (ms)."""
    entries = sorted((event for event in events if is_entry(event)), key=entry_order)
    if not entries:
        return {}
    version, steps = timeline(entries, policy, as_of)
    if steps[-1].void:
        return {}
    clocks = {clock.name: clock for clock in version.clocks}
    return {
        (claim.data.clock, hexed(id64(claim))): _result(
            claim, Track(clocks[claim.data.clock], version.reopen_window_ms), steps
        )
        for claim in entries
        if isinstance(claim, VendorVerdict) and entry_time(claim) <= as_of and claim.data.clock in clocks
    }


def _result(claim: VendorVerdict, track: Track, steps: list[Step]) -> str:
    vendor, time = claim.data.verdict, entry_time(claim)
    until = next(number for number, step in enumerate(steps) if step.name == hexed(id64(claim)))
    ours = _ours(track, steps[: until + 1], time)
    if ours is None:
        return "no_cycle"
    word, due = ours
    told = None if claim.data.deadline is None else to_ms(claim.data.deadline)
    if told is not None and due is not None and abs(told - due) > MINUTE:
        return "deadline_differs"
    if vendor == word:
        return "agree"
    if {vendor, word} == {"running", "met"}:
        return "stands_differently"
    if ("running" in (vendor, word) or vendor == "met") and due is not None and abs(due - time) <= MINUTE:
        return "agree"
    return "only_vendor_breached" if vendor == "breached" else "only_we_breached"


def _ours(track: Track, steps: list[Step], time: int) -> tuple[str, int | None] | None:
    """Word and deadline of the clock's last cycle at `time`, None if there is none with a target."""
    for step in steps:
        track.take(step)
    if not track.cycles or track.cycles[-1].target is None:
        return None
    cycle = track.cycles[-1]
    reached = cycle.deadline()
    due = None if reached is None else reached[0]
    if cycle.active:
        return ("breached" if due is not None and due <= time else "running"), due
    if due is not None:
        return "breached", due
    if cycle.cancelled is not None:
        return None
    assert cycle.end is not None
    return "met", cycle.deadline_if_resumed(cycle.end)
