"""The outcome record: valid CloudEvents, one id per outcome, the net view read back from it."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from strategies import MINUTE, START, History, histories, policy_of
from supportpulse import record
from supportpulse.errors import Rejected
from supportpulse.outcome import AT_RISK, BREACHED, FINAL, LATE, MET, STARTED, Emission
from supportpulse.reader import read_event
from supportpulse.ticket import Plans, Ticket
from supportpulse.verdicts import NetView, tell

PLANS = Plans(
    policy_of(
        'name = "p"\nlabels = ["rule", "scenario"]\nenums.scenario = ["live"]\n[[rules]]\nname = "all"\n'
        'targets = { first_response = "1h", complete_resolution = "4h" }\n'
    )
)
PLAN = PLANS.plans[0]


def written(*emissions: Emission, key: str = "desk|1", cause: str = "support.events.v1-0-7") -> list[dict[str, Any]]:
    """The outcomes of one record."""
    value = record.encode(key, PLAN, emissions, cause)
    found: list[dict[str, Any]] = [] if value is None else json.loads(value)
    return found


def said(kind: int, **fields: Any) -> Emission:
    """An emission about one cycle."""
    base = Emission(kind, 0, 255, START, START + MINUTE, PLAN.labels, 0, 0)
    return base._replace(**fields)


def test_an_outcome_is_a_cloud_event() -> None:
    """Its context is that of CloudEvents 1.0, its data name clock, cycle, labels, cause and policy."""
    (outcome,) = written(said(MET, elapsed=5000, inferred=1))
    assert {name: outcome[name] for name in ("specversion", "source", "type", "subject", "time")} == {
        "specversion": "1.0",
        "source": "supportpulse",
        "type": "supportpulse.ClockMet.v1",
        "subject": "desk|1",
        "time": "2025-03-28T00:00:00.000Z",
    }
    assert outcome["data"] == {
        "clock": "first_response",
        "cycle": "00000000000000ff",
        "deadline": "2025-03-28T00:01:00.000Z",
        "elapsed_ms": 5000,
        "inferred_by": ["first_substantive_reply"],
        "labels": {"rule": "all", "scenario": "live"},
        "cause": "support.events.v1-0-7",
        "policy": PLAN.version.digest,
    }


def test_a_retraction_says_what_and_why() -> None:
    """It names the kind it takes back; a cycle of no length is flagged; no deadline, no field."""
    taken, instant = written(said(BREACHED, because="late_event"), said(MET, elapsed=-1, deadline=-1))
    assert taken["type"] == "supportpulse.OutcomeRetracted.v1"
    assert (taken["data"]["retracts"], taken["data"]["because"]) == ("breached", "late_event")
    assert (instant["data"]["instant"], instant["data"]["elapsed_ms"]) == (True, 0)
    assert "deadline" not in instant["data"]


def test_what_is_only_counted_is_not_published() -> None:
    """Starts and late ends go to the panes; a record without outcomes is none."""
    assert written(said(STARTED), said(LATE)) == []
    assert record.encode("desk|1", PLAN, [said(STARTED)], "c") is None


def test_a_key_may_hold_any_text() -> None:
    """Quotes, backslashes, control characters and all scripts come back as they were."""
    for ticket in ('"', "\\", "\n\x00", "工单-é\u2028", "a|b"):
        assert written(said(MET), key=f"desk|{ticket}")[0]["subject"] == f"desk|{ticket}"


def test_an_id_is_that_of_its_outcome() -> None:
    """Every part of the identity changes the id, time and labels do not; the same again is the same id."""
    same = [said(MET), said(MET, time=START + 1, binding=PLAN.labels + 1)]
    assert len({written(one)[0]["id"] for one in same}) == 1
    other = [said(BREACHED), said(FINAL), said(AT_RISK), said(MET, clock=1), said(MET, cycle=1)]
    other.append(said(MET, because="reopened"))
    ids = {written(one)[0]["id"] for one in (same[0], *other)}
    ids |= {written(said(MET), key="desk|2")[0]["id"], written(said(MET), cause="support.events.v1-1-7")[0]["id"]}
    assert len(ids) == len(other) + 3


@settings(max_examples=120, deadline=None)
@given(histories(), st.booleans())
def test_records_read_back_to_the_net_view(history: History, repeated: bool) -> None:
    """Outcome records, each perhaps written twice, come to what the emissions come to, and no id repeats in one."""
    plans = Plans(history.policy)
    ticket = Ticket(plans, history.events[0].source)
    direct, read_back, seen = NetView(), NetView(), set[str]()
    for offset, event in enumerate((*history.events, None)):
        try:
            said_now = ticket.decide(history.as_of) if event is None else ticket.admit(read_event(event))  # type: ignore[arg-type]
        except Rejected:
            continue
        tell(direct, "desk|1", ticket.fold.plan, said_now or [])
        value = record.encode("desk|1", ticket.fold.plan, said_now or [], f"t-0-{offset}")
        if value is None:
            continue
        names = [outcome["id"] for outcome in json.loads(value)]
        assert len(set(names)) == len(names)
        assert len(record.apply(read_back, seen, value)) == len(names)
        if repeated:
            assert record.apply(read_back, seen, value) == []
    assert read_back == direct
