"""What was said, one thing after another, comes to what stands."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from strategies import AROUND, History, histories
from supportpulse.envelope import encode, key_of, to_ms
from supportpulse.explain import explain
from supportpulse.hearing import Arrival, hear
from supportpulse.marker import marker
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
