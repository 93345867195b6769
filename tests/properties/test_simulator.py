"""Whatever the seed and the span: all the simulated desk says is valid, and a ticket's story makes sense."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from supportpulse.edges.desk import DAY
from supportpulse.edges.simulator import LiveDesk, Plan, encode
from supportpulse.envelope import decode, key_of
from supportpulse.envelope import encode as encode_model
from supportpulse.reader import read, read_event

plans = st.builds(
    lambda seed, start, days, events: Plan(seed, start, start + round(days * DAY), events),
    st.integers(0, 2**32),
    st.integers(1_500_000_000_000, 1_900_000_000_000),
    st.floats(0.3, 20),
    st.integers(100, 1_500),
)

unshrunk = settings(max_examples=12, deadline=None, phases=[Phase.explicit, Phase.reuse, Phase.generate])
"""A smaller plan is another history, so shrinking would take minutes and explain nothing."""


def _fields(value: Any, path: str = "") -> set[str]:
    """The paths of all fields of a JSON object."""
    if not isinstance(value, dict):
        return {path}
    return {field for name, inner in value.items() for field in _fields(inner, f"{path}.{name}")}


@unshrunk
@given(plans)
def test_every_event_is_valid_and_has_no_field_of_its_own_invention(plan: Plan) -> None:
    """Models and the fast reader take every event, and the models keep every field."""
    for delivery in LiveDesk(plan).take_until(plan.end):
        key, value = encode(delivery)
        event = decode(value)
        assert key_of(event).encode() == key
        assert _fields(json.loads(encode_model(event))) == _fields(json.loads(value))
        assert read(value) == read_event(event)


@unshrunk
@given(plans)
def test_a_ticket_is_opened_first_and_nothing_happens_after_it_is_closed(plan: Plan) -> None:
    """A ticket's events begin with its opening, rise in time and sequence, and end with its close."""
    last: dict[str, tuple[int, int]] = {}
    closed: set[str] = set()
    for delivery in LiveDesk(plan).take_until(plan.end + DAY):
        place = (delivery.time, -1 if delivery.sequence is None else delivery.sequence)
        if delivery.ticket not in last:
            assert delivery.name in ("TicketCreated", "TicketObserved")
        else:
            assert place > last[delivery.ticket]
        assert delivery.ticket not in closed
        last[delivery.ticket] = place
        if delivery.data.get("status") == "closed":
            closed.add(delivery.ticket)
