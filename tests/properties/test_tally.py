"""The tally against a scan of everything."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from strategies import MINUTE, START, histories, policy_of
from strategies_policies import POLICIES
from supportpulse import codec
from supportpulse.errors import Rejected
from supportpulse.facts import Reading
from supportpulse.panes import cell
from supportpulse.reader import read_event
from supportpulse.tally import AT_RISK, OPEN, OVERDUE, Shapes, Tally
from supportpulse.ticket import Plans, Ticket

WATCHED = 'waiting = ["10m", "1h", "6h"]\nwaiting_clocks = ["first_response", "next_response", "complete_resolution"]\n'
PLANS = Plans(policy_of(WATCHED + POLICIES["plain"][0]))
VERSION = PLANS.policy.versions[0]


def scan(values: list[bytes], now: int) -> tuple[Counter[int], Counter[int]]:
    """Counts and waiting clocks, the slow way."""
    counts: Counter[int] = Counter()
    waiting: Counter[int] = Counter()
    for value in values:
        header = codec.header_of(value)
        label = header.binding % PLANS.plans[0].labels
        clocks = [clock for clock in range(32) if header.running & 1 << clock]
        for clock, start in zip(clocks, codec.starts_of(value, header), strict=True):
            counts[cell(0, label, clock, OPEN)] += 1
            counts[cell(0, label, clock, AT_RISK)] += bool(header.at_risk & 1 << clock)
            counts[cell(0, label, clock, OVERDUE)] += bool(header.overdue & 1 << clock)
            if VERSION.clocks[clock].name in VERSION.waiting_clocks:
                for slot, (_, threshold) in enumerate(VERSION.waiting):
                    waiting[cell(0, label, clock, slot)] += (start + 1) * MINUTE + threshold <= now
    return +counts, +waiting


def states_of(history) -> list[bytes]:  # type: ignore[no-untyped-def]
    """The values one ticket has after each of its events, and after a marker."""
    ticket, found = Ticket(PLANS, "desk"), []
    for event in history.events:
        reading = read_event(event)
        assert isinstance(reading, Reading)
        try:
            ticket.admit(reading)
        except Rejected:
            continue
        found.append(codec.encode(ticket))
    ticket.mark(history.as_of)
    return [*found, codec.encode(ticket)]


@given(st.lists(histories(("plain",), most=6), min_size=1, max_size=4), st.data())
def test_the_tally_equals_a_scan(drawn, data) -> None:  # type: ignore[no-untyped-def]
    """After any replacements of any tickets' values, a reload or a removal, and at any later now."""
    states = [states_of(history) for history in drawn]
    now_values: dict[int, bytes] = {}
    tally, now = Tally(Shapes(PLANS)), START
    for _ in range(data.draw(st.integers(1, 12))):
        ticket = data.draw(st.integers(0, len(states) - 1))
        new = data.draw(st.sampled_from([*states[ticket], None]))
        tally.replace(now_values.get(ticket), new)
        if new is None:
            now_values.pop(ticket, None)
        else:
            now_values[ticket] = new
        now += data.draw(st.sampled_from((0, 1, 59_999, 10 * MINUTE, 60 * MINUTE, 600 * MINUTE)))
        counts, waiting = scan(list(now_values.values()), now)
        assert tally.counts == counts
        assert tally.waiting(now) == waiting
    loaded = Tally(Shapes(PLANS))
    loaded.load(now_values.values())
    assert loaded.counts == tally.counts
    assert loaded.waiting(now) == tally.waiting(now)
