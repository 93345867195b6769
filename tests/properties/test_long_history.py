"""Sealing the older half of a long history changes nothing but what is too late."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from strategies import HOUR, START, History, happened, histories
from supportpulse import codec, ticket
from supportpulse.errors import Rejected
from supportpulse.events import TicketEvent
from supportpulse.facts import VOIDING, Reading
from supportpulse.names import Reason
from supportpulse.reader import read_event
from supportpulse.ticket import Plans, Ticket
from supportpulse.verdicts import NetView, tell

_PLANS: dict[str, Plans] = {}


class Ledger:
    """A ticket and what stands of all it said."""

    def __init__(self, history: History) -> None:
        if history.policy_name not in _PLANS:
            _PLANS[history.policy_name] = Plans(history.policy)
        self.ticket = Ticket(_PLANS[history.policy_name], history.events[0].source)
        self.net: NetView = {}

    def take(self, reading: Reading) -> Reason | None:
        """Admit a reading; returns why it was not."""
        try:
            said = self.ticket.admit(reading)
        except Rejected as error:
            return Reason(error.reason)
        tell(self.net, reading.key, self.ticket.fold.plan, said or [])
        return None

    def mark(self, as_of: int) -> None:
        """Decide up to an instant."""
        tell(self.net, f"{self.ticket.source}|1", self.ticket.fold.plan, self.ticket.decide(as_of))

    def reload(self) -> None:
        """Through the bytes of its record."""
        self.ticket = codec.decode(codec.encode(self.ticket), self.ticket.plans, self.ticket.source)


def readings(events: tuple[TicketEvent, ...]) -> list[Reading]:
    """A creation before all, and the entries but those that void: a void and a late creation reach beyond a seal."""
    first = happened("TicketCreated", START - HOUR, "first", by="customer", scenario="live")
    found = [read_event(event) for event in (first, *events)]
    return [reading for reading in found if isinstance(reading, Reading) and not reading.facts & VOIDING]


@pytest.fixture
def sealing(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Set the length above which a history is sealed."""
    return lambda most: monkeypatch.setattr(ticket, "SEAL_ABOVE", most)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(histories(repeats=False), st.data())
def test_a_sealed_history_says_what_a_whole_one_says(sealing: Any, history: History, data: st.DataObject) -> None:
    """Whatever is not too late for the seal is folded as if there were none, late events and markers included."""
    most = data.draw(st.integers(2, 6))
    sealed, whole = Ledger(history), Ledger(history)
    times = [reading.time for reading in readings(history.events)] or [0]
    for reading in readings(history.events):
        sealing(most)
        refused = sealed.take(reading)
        sealing(10_000)
        if refused == Reason.TOO_LATE:
            continue
        assert whole.take(reading) == refused
        if data.draw(st.booleans()):
            as_of = data.draw(st.sampled_from(times)) + data.draw(st.sampled_from((-1, 0, 1)))
            sealed.mark(as_of)
            whole.mark(as_of)
        if data.draw(st.booleans()):
            sealed.reload()
        assert sealed.net == whole.net
        assert len(sealed.ticket.history) <= most
    sealed.mark(history.as_of)
    whole.mark(history.as_of)
    assert sealed.net == whole.net
