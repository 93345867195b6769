"""The fold against the oracle: order, repeats, batching and markers do not matter."""

from __future__ import annotations

from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

import oracle
from oracle_parity import parity
from strategies import History, histories, pooled
from supportpulse import codec, panes
from supportpulse.errors import Rejected
from supportpulse.events import TicketEvent
from supportpulse.facts import Reading
from supportpulse.names import DURATION_EDGES_SECONDS
from supportpulse.outcome import AT_RISK, FINAL, PARITY, cycle_name
from supportpulse.parity import RESULTS
from supportpulse.reader import read_event
from supportpulse.ticket import Plans, Ticket
from supportpulse.verdicts import NetView, tell

_PLANS: dict[str, Plans] = {}


def plans_of(name: str) -> Plans:
    """Compiled once per policy of the pool."""
    if name not in _PLANS:
        _PLANS[name] = Plans(pooled(name))
    return _PLANS[name]


class Streamed:
    """One ticket folded record by record, as the worker does it, with a ledger of all it said."""

    def __init__(self, name: str) -> None:
        self.plans = plans_of(name)
        self.ticket: Ticket | None = None
        self.net: NetView = {}
        self.deltas: Counter[tuple[str, int, str, int]] = Counter()
        self.at_risk: dict[tuple[str, str], int] = {}
        self.final: dict[tuple[str, str], int] = {}
        self.parity: dict[tuple[str, str], str] = {}
        self.rejected: list[str] = []

    def take(self, event: TicketEvent) -> None:
        reading = read_event(event)
        assert isinstance(reading, Reading)
        if self.ticket is None:
            self.ticket = Ticket(self.plans, event.source)
        try:
            said = self.ticket.admit(reading)
        except Rejected as error:
            self.rejected.append(error.reason)
            return
        self._tell(reading.key, said or [])

    def mark(self, as_of: int) -> None:
        if self.ticket is not None:
            self._tell(f"{self.ticket.source}|1", self.ticket.decide(as_of))

    def sweep(self, watermark: int) -> None:
        """Send the markers that fall due up to a watermark, and no other."""
        while self.ticket is not None and self.ticket.fold.as_of < (due := self.ticket.next_due()) <= watermark:
            self.mark(due)

    def reload(self) -> None:
        if self.ticket is not None:
            value = codec.encode(self.ticket)
            self.ticket = codec.decode(value, self.plans, self.ticket.source)
            assert codec.encode(self.ticket) == value

    def _tell(self, key: str, said: list) -> None:  # type: ignore[type-arg]
        assert self.ticket is not None
        plan = self.ticket.fold.plan
        tell(self.net, key, plan, said)
        for emission in said:
            place = plan.clocks[emission.clock].name, cycle_name(emission.cycle)
            for kind, ledger in ((AT_RISK, self.at_risk), (FINAL, self.final)):
                if emission.kind == kind:
                    if emission.because:
                        assert ledger.pop(place) == emission.time
                    else:
                        ledger[place] = emission.time
            if emission.kind == PARITY:
                result = RESULTS[emission.elapsed]
                if emission.because:
                    assert self.parity.pop(place) == result
                else:
                    self.parity[place] = result
        for time, place, sign in panes.deltas(said, plan.version.index, plan.labels):
            _, label, clock, slot = panes.parts(place)
            name = panes.SLOTS[slot] if slot < panes.FIRST_DURATION else f"duration:{slot - panes.FIRST_DURATION}"
            self.deltas[plan.clocks[clock].name, label, name, time] += sign

    def check(self, history: History, as_of: int) -> None:
        admitted, rejected = oracle.admit(history.events)
        expected = oracle.judge(admitted, self.plans.policy, as_of)
        assert {place[1:]: verdict for place, verdict in self.net.items()} == expected.net
        assert self.at_risk == expected.at_risk
        assert self.final == expected.final
        assert self.parity == parity(admitted, self.plans.policy, as_of)
        assert {k: n for k, n in self.deltas.items() if n} == {k: n for k, n in expected.deltas.items() if n}
        assert self.rejected == [reason for _, reason in rejected]


@settings(max_examples=300, deadline=None)
@given(histories(disorder=False))
def test_one_pass_in_arrival_order_equals_the_oracle(history: History) -> None:
    """Folding a history event by event and marking it once at the end says what the oracle says."""
    streamed = Streamed(history.policy_name)
    for event in history.events:
        streamed.take(event)
    streamed.mark(history.as_of)
    streamed.check(history, history.as_of)


@settings(max_examples=300, deadline=None)
@given(histories(), st.data())
def test_order_repeats_reloads_and_markers_do_not_matter(history: History, data: st.DataObject) -> None:
    """Any arrival order with markers and codec round trips in between ends in the same net view, panes and finals."""
    streamed = Streamed(history.policy_name)
    times = sorted(int(event.time.timestamp() * 1000) for event in history.events)
    for event in history.events:
        streamed.take(event)
        if data.draw(st.booleans()):
            near = data.draw(st.sampled_from(times)) + data.draw(st.sampled_from((-1, 0, 1)))
            streamed.mark(min(history.as_of, near))
        if data.draw(st.booleans()):
            streamed.reload()
    streamed.mark(history.as_of)
    streamed.check(history, history.as_of)


@settings(max_examples=300, deadline=None)
@given(histories(), st.data())
def test_markers_at_the_next_due_times_are_enough(history: History, data: st.DataObject) -> None:
    """A ticket that is asked only when it says it is due has said by the watermark what the oracle says."""
    streamed = Streamed(history.policy_name)
    times = sorted(int(event.time.timestamp() * 1000) for event in history.events)
    for event in history.events:
        streamed.take(event)
        if data.draw(st.booleans()):
            streamed.sweep(min(history.as_of, data.draw(st.sampled_from(times))))
    streamed.sweep(history.as_of)
    streamed.check(history, history.as_of)


@settings(max_examples=300, deadline=None)
@given(histories(judged=True), st.data())
def test_a_vendors_verdicts_are_compared_as_the_oracle_does(history: History, data: st.DataObject) -> None:
    """Whatever order verdicts and events come in: each verdict is compared with what stood here at its time."""
    streamed = Streamed(history.policy_name)
    for event in history.events:
        streamed.take(event)
        if data.draw(st.booleans()):
            streamed.reload()
        if data.draw(st.booleans()):
            streamed.sweep(min(history.as_of, int(event.time.timestamp() * 1000)))
    streamed.sweep(history.as_of)
    streamed.check(history, history.as_of)


def test_there_are_as_many_duration_slots_as_buckets() -> None:
    """A cell's slot has room for every duration bucket."""
    assert panes.FIRST_DURATION + panes.DURATION_SLOTS <= 32
    assert len(DURATION_EDGES_SECONDS) + 1 == panes.DURATION_SLOTS
