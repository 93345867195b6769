"""Which verdicts are told: only what a payload of a vendor really says."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from adapted import captured, delivered, told
from supportpulse.edges.adapters.adapter import Unknown
from supportpulse.edges.adapters.verdict import Judge
from supportpulse.events import VendorWord
from vendor_verdicts import (
    HIT,
    REPLIED,
    RESOLUTION,
    SHUT,
    WAITS,
    chatwoot_reply,
    cycle,
    freshdesk,
    iso,
    jira,
    metric,
    missed,
    said,
    sla,
    zammad,
)  # fmt: skip

RECEIVED = datetime(2026, 3, 9, tzinfo=UTC)


@pytest.mark.parametrize(
    ("changes", "fields", "expected"),
    [
        ({"tags": [[], ["a"]]}, {}, []),
        ({"priority": [3, 4], "fr_due_by": [iso("10:00:00"), iso("09:45:00")]}, {"fr_due_by": iso("09:45:00")}, []),
        ({"fr_due_by": [iso("10:00:00"), iso("09:45:00")]}, {"fr_due_by": iso("09:45:00"), "stats": {}},
         ["first_response running 09:30:00 due 09:45:00"]),
        ({"nr_due_by": [None, iso("10:00:00")]}, {"nr_due_by": iso("10:00:00")},
         ["next_response running 09:30:00 due 10:00:00"]),
        ({"due_by": [iso("11:00:00"), iso("12:00:00")]}, {"status": 4}, []),
        ({"status": [2, 4]}, {"status": 4}, ["agent_work met 09:30:00"]),
        ({"status": [4, 5]}, {"status": 5}, []),
        ({"status": [2, 4]}, {"status": 4, "is_escalated": True}, []),
        ({"status": [2, 4]}, {"status": 4, "is_escalated": True, "due_by": iso("09:20:00")},
         ["agent_work breached 09:20:00 due 09:20:00"]),
        (None, {"status": 5, "is_escalated": True, "due_by": iso("09:20:00")}, []),
        ({"status": [2, 4]}, {"status": 4, "is_escalated": None}, []),
        (None, {"status": 4, "is_escalated": True, "due_by": iso("09:20:00"),
                "stats": {"resolved_at": iso("09:05:00")}}, []),
        ({"fr_due_by": [iso("09:10:00"), iso("09:40:00")]}, {"fr_escalated": True, "fr_due_by": iso("09:40:00")}, []),
    ],
)  # fmt: skip
def test_freshdesk_says_only_what_an_update_shows(changes: Any, fields: dict[str, Any], expected: list[str]) -> None:
    """New due times of clocks that surely run, solutions with their instant, marks whose due time has passed."""
    assert (
        said(told("freshdesk", [freshdesk("onTicketUpdate", "09:30:00", changes or {"type": 1}, **fields)])) == expected
    )


def test_a_freshdesk_ticket_that_is_closed_at_once_runs_nowhere() -> None:
    """Its due times are nobody's to keep."""
    assert said(told("freshdesk", [freshdesk("onTicketCreate", "09:00:00", status=5)])) == []


def test_freshdesk_without_a_time_says_what_needs_none() -> None:
    """A breach has its own; a running clock has not."""
    untimed = freshdesk("onTicketCreate", "09:00:00", updated_at=None, fr_escalated=True)
    found = delivered("freshdesk", untimed, received=RECEIVED)
    assert not isinstance(found, Unknown)
    assert said(found) == ["first_response breached 09:15:00 due 09:15:00"]


@pytest.mark.parametrize(
    ("due", "expected"),
    [
        ("2026-03-02 17:00:00 UTC", ["agent_work running 09:00:00 due 17:00:00"]),
        ("March 2 2026 at 5:00 PM", []),
        ("2026-03-02 08:00:00 UTC", []),
    ],
)
def test_a_freshdesk_rule_has_the_due_time_of_a_new_ticket(due: str, expected: list[str]) -> None:
    """Where the placeholder has a time zone."""
    body = {"performed_by": "customer", "triggered_event": "{ticket_action:created}", "ticket_id": "11",
            "ticket_status": "Open", "ticket_modified_on": "2026-03-02 09:00:00 UTC",
            "ticket_due_by_time": due}  # fmt: skip
    assert said(told("freshdesk", [{"freshdesk_webhook": body}])) == expected
    later = {**body, "triggered_event": "{priority:{from:1,to:2}}"}
    assert said(told("freshdesk", [{"freshdesk_webhook": later}])) == []


@pytest.mark.parametrize(
    ("at", "fields", "expected"),
    [
        ("09:30:00.0", WAITS, []),
        ("10:00:00.100", WAITS, ["first_response breached 10:00:00 due 10:00:00"]),
        ("09:30:00.0", {**REPLIED, "first_response_diff_in_min": 0}, ["first_response met 09:30:01"]),
        ("09:30:00.0", {**REPLIED, "first_response_diff_in_min": None}, []),
        ("12:00:00.0", {**REPLIED, **WAITS}, ["first_response met 09:30:01"]),
        ("12:00:00.0", {"update_escalation_at": iso("11:00:00")}, ["agent_respond breached 11:00:00 due 11:00:00"]),
        ("12:00:00.0", {"update_in_min": 90, "update_diff_in_min": -30}, []),
        ("12:00:00.0", {**SHUT, "close_diff_in_min": -1}, ["requester_wait breached 10:30:01"]),
    ],
)  # fmt: skip
def test_zammad_says_only_what_a_snapshot_shows(at: str, fields: dict[str, Any], expected: list[str]) -> None:
    """Deadlines that passed by then, and minutes that were left of what is done."""
    assert said(told("zammad", [zammad(at, **fields)])) == expected


def test_a_source_may_name_other_clocks() -> None:
    """The second kind of Zammad's update time, an SLA of one's own in Jira; an SLA without a clock says nothing."""
    late = zammad("12:00:00.0", update_escalation_at=iso("11:00:00"))
    found = told("zammad", [late], clocks={"update": "pausable_update"})
    assert said(found) == ["pausable_update breached 11:00:00 due 11:00:00"]
    own = jira("jira:issue_updated", "12:00:00", sla("Time To Close", cycle("09:00:00", "13:00:00", "11:00:00")))
    assert said(told("jira", [own])) == []
    assert said(told("jira", [own], clocks={"time to close": "closing"})) == ["closing met 11:00:00 due 13:00:00"]


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        (metric("breach", "reply_time", "09:15:00", 2), ["next_response breached 09:15:00 due 09:15:00"]),
        (metric("breach", "reply_time", "09:15:00", deleted=True), []),
        (metric("fulfill", "resolution_time", "09:15:00"), ["total_resolution met 09:15:01"]),
        (metric("fulfill", "group_ownership_time", "09:15:00"), ["ownership met 09:15:01"]),
        (metric("breach", "time_of_their_own", "09:15:00"), []),
    ],
)  # fmt: skip
def test_zendesks_metrics_are_our_clocks(event: dict[str, Any], expected: list[str]) -> None:
    """By metric, and of replies by instance; a deleted breach was none."""
    assert said(told("zendesk", [event])) == expected


def test_a_metric_event_of_another_kind_is_a_named_reason() -> None:
    """Reconcile hands on none, so it is a mistake."""
    for event, reason in (
        (metric("activate", "reply_time", "09:00:00"), "event"),
        (metric("breach", "reply_time", "09:00:00", time="yesterday"), "time"),
        (metric("breach", "reply_time", "09:00:00", ticket_id=None), "shape"),
    ):
        found = delivered("zendesk", event)
        assert isinstance(found, Unknown)
        assert found.reason == reason


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        (sla(RESOLUTION, ongoing=cycle("09:00:00", "13:00:00")), []),
        (sla(RESOLUTION, ongoing=cycle("09:00:00", "13:00:00", breached=True)),
         ["time_to_resolution breached 13:00:00 due 13:00:00"]),
        (sla(RESOLUTION, {**cycle("09:00:00", "13:00:00", "14:00:00", breached=True), "breachTime": None}),
         ["time_to_resolution breached 14:00:00"]),
        (sla(RESOLUTION, cycle("09:00:00", "13:00:00", "11:00:00", breached=True)),
         ["time_to_resolution breached 11:00:00"]),
        (sla(RESOLUTION, cycle("09:00:00", "13:00:00", "11:00:00"), cycle("14:00:00", "18:00:00", "15:00:00")),
         ["time_to_resolution met 11:00:00 due 13:00:00", "time_to_resolution met 15:00:00 due 18:00:00"]),
        ({"name": RESOLUTION, "completedCycles": []}, []),
        ({"name": RESOLUTION}, []),
    ],
)  # fmt: skip
def test_jiras_cycles_are_told_as_of_their_ends(field: dict[str, Any], expected: list[str]) -> None:
    """Each completed cycle once, the ongoing one only if it is breached, for nothing says when its deadline moved."""
    assert said(told("jira", [jira("jira:issue_updated", "16:00:00", field)])) == expected


def test_jira_says_a_new_deadline_at_creation_unless_the_clock_stands_still() -> None:
    """A paused cycle has no deadline that counts."""
    paused = sla(RESOLUTION, ongoing=cycle("09:00:00", "13:00:00", paused=True))
    running = sla(RESOLUTION, ongoing=cycle("09:00:00", "13:00:00", paused=False))
    assert said(told("jira", [jira("jira:issue_created", "09:00:00", paused)])) == []
    expected = ["time_to_resolution running 09:00:00 due 13:00:00"]
    assert said(told("jira", [jira("jira:issue_created", "09:00:00", running)])) == expected


def test_chatwoots_misses_come_with_messages_too() -> None:
    """By word or by number, each as of when it was noticed; a conversation that missed something says no hit."""
    misses = [
        missed(1, "frt", "10:04:00"),
        missed(2, "1", "11:00:00"),
        missed(3, "2", "12:00:00"),
        missed(4, "?", "13:00:00"),
    ]
    found = told("chatwoot", [chatwoot_reply("13:00:00", sla_events=misses)])
    assert said(found) == [
        "first_response breached 10:04:00", "next_response breached 11:00:00", "total_resolution breached 12:00:00",
    ]  # fmt: skip


def test_captured_tickets_of_freshdesk_say_what_they_hold() -> None:
    """What Freshdesk really sent: due times of a new ticket, which was changed before it was created."""
    payloads = captured("freshdesk")
    assert len(said(told("freshdesk", [payloads["app-event.onTicketCreate.1.json"]]))) == 2
    rest = [payload for name, payload in payloads.items() if "TicketCreate" not in name]
    assert said(told("freshdesk", rest)) == []


def test_a_chatwoot_hit_is_of_the_thresholds_there_are() -> None:
    """A policy need not have both."""
    hit = chatwoot_reply("13:00:00", applied_sla={**HIT, "sla_resolution_time_threshold": None})
    assert said(told("chatwoot", [hit])) == ["first_response met 11:05:00"]


def test_an_id_holds_all_that_may_differ() -> None:
    """So no id is ever used again for other facts."""
    time = datetime(2026, 3, 2, 9, tzinfo=UTC)
    judge = Judge("desk", "s", "1", {"a": "one", "b": "two"})
    claims: list[tuple[str, VendorWord, datetime, datetime | None]] = [
        ("a", "running", time, None), ("a", "running", time, RECEIVED), ("a", "running", time, time),
        ("a", "met", time, None), ("a", "met", RECEIVED, None), ("b", "met", time, None),
    ]  # fmt: skip
    events = [event for claim in claims for event in judge.says(*claim)]
    assert len({event.id for event in events}) == len(claims)


def test_a_name_that_no_event_can_hold_is_no_verdict() -> None:
    """It raises nothing."""
    judge = Judge("desk", "s", "1", {"a": "x" * 101})
    assert judge.says("a", "met", RECEIVED) == judge.says(None, "met", RECEIVED) == judge.says("a", "met", None) == []
