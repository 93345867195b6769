"""What was said, one thing after another, comes to what stands."""

from __future__ import annotations

import json

from hypothesis import given, settings
from hypothesis import strategies as st

from strategies import AROUND, HOUR, START, History, happened, histories, pooled
from supportpulse.envelope import encode, key_of, to_ms
from supportpulse.explain import explain
from supportpulse.hearing import Arrival, hear
from supportpulse.marker import marker
from supportpulse.names import Reason
from supportpulse.outcome import BREACHED, FINAL
from supportpulse.verdicts import NetView, tell


@settings(max_examples=200, deadline=None)
@given(histories(), st.data())
def test_sayings_in_order_of_arrival_come_to_the_timeline_in_order_of_time(
    history: History, data: st.DataObject
) -> None:
    """With markers anywhere between the arrivals: all said and taken back is the net view at the last marker."""
    key = key_of(history.events[0])
    arrivals: list[Arrival] = []
    for event in history.events:
        arrivals.append(Arrival(key.encode(), encode(event), len(arrivals), 0))
        if data.draw(st.booleans()):
            at = to_ms(event.time) + data.draw(st.sampled_from(AROUND))
            arrivals.append(Arrival(key.encode(), marker(key.encode(), max(at, 0)), len(arrivals), 0))
    heard = hear(key, arrivals, history.policy)
    assert len(heard.admitted) + len(heard.refused) + len(heard.repeated) == len(history.events)
    net: NetView = {}
    for saying in heard.sayings:
        tell(net, key, saying.plan, [saying.said])
        by_time = saying.said.kind in (BREACHED, FINAL) and not saying.said.because
        assert not by_time or saying.marker is not None or saying.said.kind == FINAL
        if saying.marker is not None:
            assert saying.marker.at >= saying.said.time
            assert saying.marker.arrival.offset <= saying.cause.offset
    if heard.admitted:
        told = explain([one.event for one in heard.admitted], history.policy, heard.as_of, heard=heard)
        assert told.net == net
        assert [saying["clock"] for saying in told.as_json()["said"]] == [one.clock for one in heard.sayings]


@st.composite
def mangled(draw: st.DrawFn) -> bytes:
    """Any bytes, or an event with some of its bytes replaced."""
    if draw(st.booleans()):
        return draw(st.binary(max_size=60))
    value = bytearray(encode(happened("TicketCreated", START, "c", status="open")))
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(value) - 1))
        value[at : at + draw(st.integers(0, 4))] = draw(st.binary(max_size=3))
    return bytes(value)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.one_of(st.none(), mangled()), min_size=1, max_size=5))
def test_whatever_lies_under_the_key_is_an_event_or_is_refused_with_a_reason(values: list[bytes | None]) -> None:
    """Nothing raises, nothing is passed over, and what is refused can be printed."""
    policy = pooled("plain")
    heard = hear("desk|1", [Arrival(b"desk|1", value, at, 0, START) for at, value in enumerate(values)], policy, HOUR)
    assert len(heard.admitted) + len(heard.refused) + len(heard.repeated) == len(values)
    assert all(one.reason in set(Reason) and one.detail for one in heard.refused)
    if heard.admitted:
        json.dumps(explain([one.event for one in heard.admitted], policy, START, heard=heard).as_json())
