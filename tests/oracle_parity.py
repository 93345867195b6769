"""Whether a vendor's verdicts are ours, found naively: the ticket is judged anew up to each of them."""

from __future__ import annotations

from collections.abc import Iterable

from oracle_cycles import Track
from oracle_events import entry_order, entry_time, hexed, id64, is_entry
from oracle_timeline import timeline
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
    kept = {clock.name for clock in version.clocks}
    return {
        (claim.data.clock, hexed(id64(claim))): _result(claim, entries[: number + 1], policy)
        for number, claim in enumerate(entries)
        if isinstance(claim, VendorVerdict) and entry_time(claim) <= as_of and claim.data.clock in kept
    }


def _result(claim: VendorVerdict, entries: list[TicketEvent], policy: Policy) -> str:
    vendor, time = claim.data.verdict, entry_time(claim)
    ours = _ours(claim.data.clock, entries, policy, time)
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


def _ours(name: str, entries: list[TicketEvent], policy: Policy, time: int) -> tuple[str, int | None] | None:
    """Word and deadline of the clock's last cycle at `time`, None if there is none with a target."""
    version, steps = timeline(entries, policy, time - 1)
    track = Track(next(clock for clock in version.clocks if clock.name == name), version.reopen_window_ms)
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
