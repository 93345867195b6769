"""Chatwoot: webhooks, written from their documented schema."""

from __future__ import annotations

from typing import Any

import pytest

from adapted import MARKER, adapter_of, delivered, delivery_of, hostile, stable, told
from supportpulse.edges.adapters.adapter import Unknown
from supportpulse.events import MessagePosted, SatisfactionRated, SolutionProvided, TicketEvent, TicketObserved

BEGAN = 1_772_442_000
"""2026-03-02 09:00 UTC."""


def person(identity: int, kind: str) -> dict[str, Any]:
    """A contact, a user or a bot."""
    return {"id": identity, "name": MARKER, "email": f"{MARKER}@example.com", "phone_number": MARKER, "type": kind}


AGENT, CUSTOMER = person(1, "user"), person(14, "contact")


def conversation(seconds: float, status: str, **fields: Any) -> dict[str, Any]:
    """Conversation 10, changed some seconds after it began: times are numbers."""
    listed = {
        "id": 654, "content": MARKER, "account_id": 2, "conversation_id": 10, "message_type": 0, "sender_id": 14,
        "created_at": BEGAN + 1, "updated_at": "2026-03-02T09:00:01.400Z", "private": False, "sender_type": "Contact",
        "content_type": "text", "content_attributes": {}, "processed_message_content": MARKER,
    }  # fmt: skip
    return {
        "id": 10, "inbox_id": 3, "channel": "Channel::WebWidget", "status": status, "priority": None, "labels": [],
        "messages": [listed], "meta": {"sender": CUSTOMER, "assignee": None, "assignee_type": None, "team": None},
        "additional_attributes": {"referer": MARKER}, "custom_attributes": {}, "snoozed_until": None,
        "first_reply_created_at": None, "waiting_since": BEGAN, "last_activity_at": BEGAN + 1, "timestamp": BEGAN + 1,
        "created_at": BEGAN, "updated_at": BEGAN + seconds, **fields,
    }  # fmt: skip


def changed(event: str, seconds: float, status: str, **fields: Any) -> dict[str, Any]:
    """An event of conversation 10."""
    return {**conversation(seconds, status, **fields), "event": event}


def message(
    identity: int, minute: int, kind: str, sender: Any, event: str = "message_created", **fields: Any
) -> dict[str, Any]:
    """An event of a message in conversation 10: its time is a text."""
    return {
        "event": event, "id": identity, "content": f"{MARKER}: which build?", "message_type": kind, "private": False,
        "created_at": f"2026-03-02T09:{minute:02}:30.262Z", "content_type": "text", "content_attributes": {},
        "sender": sender, "account": {"id": 2, "name": MARKER}, "inbox": {"id": 3, "name": MARKER},
        "conversation": conversation(60 * minute + 30.3, "open"), **fields,
    }  # fmt: skip


SURVEY = message(
    670, 50, "template", None, "message_updated", content_type="input_csat",
    content_attributes={"submitted_values": {"csat_survey_response": {"rating": 4, "feedback_message": MARKER}}},
)  # fmt: skip
CREATED = changed("conversation_created", 1, "open")
HISTORY = [
    CREATED,
    message(654, 0, "incoming", CUSTOMER),
    message(655, 1, "template", None),
    changed(
        "conversation_updated",
        90,
        "open",
        priority="urgent",
        meta={"assignee": AGENT, "team": {"id": 4, "name": "rtc"}},
    ),
    message(656, 2, "outgoing", AGENT, private=True),
    message(657, 3, "outgoing", AGENT),
    changed("conversation_status_changed", 400, "snoozed", changed_attributes=None),
    message(658, 30, "incoming", CUSTOMER),
    message(659, 40, "outgoing", AGENT),
    changed("conversation_status_changed", 2900, "resolved", changed_attributes=None),
    SURVEY,
]


def only(events: list[TicketEvent], kind: type[TicketEvent]) -> Any:
    """The one event of a kind."""
    (found,) = [event for event in events if isinstance(event, kind)]
    return found


def of(payload: Any, **options: Any) -> list[TicketEvent]:
    """The events of a payload that must be understood."""
    return told("chatwoot", [payload], **options)


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [("open", "open"), ("pending", "new"), ("snoozed", "pending_customer"), ("resolved", "solved"), (1, "solved")],
)
def test_a_status_change_is_a_snapshot(theirs: Any, ours: str) -> None:
    """`changed_attributes` may be null: the conversation has the status after the change, at its `updated_at`."""
    (seen,) = of(changed("conversation_status_changed", 400.25, theirs, changed_attributes=None))
    assert seen.data.status == ours
    assert seen.time.timestamp() == BEGAN + 400.25
    told_by_both = of(changed("conversation_updated", 400.25, theirs, changed_attributes=None))
    assert told_by_both == [seen]


def test_what_changed_wins_over_the_conversation() -> None:
    """A conversation that moved on while the webhook waited does not hide the change."""
    after = [{"status": {"previous_value": "open", "current_value": "resolved"}}]
    (seen,) = of(changed("conversation_status_changed", 400, "open", changed_attributes=after))
    assert seen.data.status == "solved"


def test_an_unknown_status_is_a_dead_letter() -> None:
    """A status that nobody knows is named, and may be mapped."""
    found = delivered("chatwoot", changed("conversation_updated", 9, "parked"))
    assert isinstance(found, Unknown)
    assert found.reason == "status"
    (seen,) = of(changed("conversation_updated", 9, "parked"), statuses={"parked": "pending_third_party"})
    assert seen.data.status == "pending_third_party"


def test_priority_team_and_assignee() -> None:
    """Present and null is nobody and none; left out is unchanged; people are opaque."""
    (seen,) = of(HISTORY[3])
    assert (seen.data.priority, seen.data.team, len(seen.data.agent)) == ("urgent", "rtc", 16)
    (cleared,) = of(changed("conversation_updated", 95, "open"))
    assert {"priority", "team", "agent"} <= cleared.data.model_fields_set
    assert (cleared.data.priority, cleared.data.team, cleared.data.agent) == (None, None, None)
    silent = changed("conversation_updated", 95, "open")
    del silent["priority"], silent["meta"]
    assert not {"priority", "team", "agent"} & only(of(silent), TicketObserved).data.model_fields_set


@pytest.mark.parametrize(
    ("kind", "sender", "fields", "who", "public"),
    [
        ("incoming", CUSTOMER, {}, "customer", True),
        ("outgoing", AGENT, {}, "agent", True),
        ("outgoing", AGENT, {"private": True}, "agent", False),
        ("outgoing", AGENT, {"private": None}, "agent", False),
        ("outgoing", {"id": 1, "name": MARKER}, {}, "agent", True),
        ("outgoing", person(2, "agent_bot"), {}, "bot", True),
        ("outgoing", person(2, "captain_assistant"), {}, "bot", True),
        ("outgoing", person(99, "user"), {}, "bot", True),
        ("outgoing", None, {}, "automation", True),
        ("outgoing", AGENT, {"content_attributes": {"automation_rule_id": 5}}, "automation", True),
        ("outgoing", AGENT, {"additional_attributes": {"campaign_id": 5}}, "automation", True),
        ("template", None, {"content_type": "input_csat"}, "automation", True),
    ],
)
def test_who_wrote_and_who_may_read_it(kind: str, sender: Any, fields: Any, who: str, public: bool) -> None:
    """People, bots of Chatwoot and of the configuration, rules, campaigns and greetings; private for agents only."""
    data = only(of(message(9, 1, kind, sender, **fields), bots=frozenset({"99"})), MessagePosted).data
    assert (data.actor.kind, data.public) == (who, public)


def test_activities_and_deleted_messages_say_nothing() -> None:
    """What Chatwoot writes into the thread itself is no message, nor is one that was deleted."""
    quiet = message(9, 1, "activity", None), message(9, 1, "incoming", CUSTOMER, content_attributes={"deleted": True})
    for payload in quiet:
        assert [type(event) for event in of(payload)] == [TicketObserved]


def test_numbers_in_lists_mean_what_words_mean() -> None:
    """An automation rule sends the conversation with its last message, numbered: the same event as the webhook's."""
    ruled = changed("automation_event.conversation_created", 1, "open")
    ruled["messages"][0].update(id=654, created_at=BEGAN + 30, content=message(654, 0, "incoming", CUSTOMER)["content"])
    assert only(of(ruled), MessagePosted) == only(of(message(654, 0, "incoming", CUSTOMER)), MessagePosted)


def test_messages_of_one_second_keep_their_order() -> None:
    """Times are whole seconds, as in the API; the id orders within."""
    first, second = (only(of(message(identity, 1, "incoming", CUSTOMER)), MessagePosted) for identity in (9, 10))
    assert first.time == second.time
    assert first.time.microsecond == 0
    assert first.sequence < second.sequence


def test_a_lost_creation_costs_no_ticket() -> None:
    """Every message says when its conversation began, as one and the same event."""
    began = {event.id: event for event in told("chatwoot", HISTORY[1:3]) if isinstance(event, TicketObserved)}
    (only_one,) = began.values()
    assert only_one.data.created_at.timestamp() == BEGAN
    clocks = {(clock, verdict) for (_, clock, _), (verdict, _, _) in stable(told("chatwoot", HISTORY[1:])).items()}
    assert ("first_response", "met") in clocks


def test_a_conversation_that_an_agent_began_says_so() -> None:
    """Its first message is a user's; a greeting ahead of the customer's message is none."""
    begun = changed("conversation_created", 1, "open")
    begun["messages"][0].update(message_type=1, sender_type="User", sender_id=1)
    assert only(of(begun), TicketObserved).data.actor.kind == "agent"
    assert only(of(CREATED), TicketObserved).data.actor is None


def test_a_survey_answer_is_a_rating() -> None:
    """A share of the best mark, once however often the message is touched; other edits are of no interest."""
    (rated,) = of(SURVEY)
    assert isinstance(rated, SatisfactionRated)
    assert (rated.data.score, rated.data.actor.kind) == (0.8, "customer")
    touched = {**SURVEY, "conversation": conversation(9999, "resolved")}
    assert of(touched) == [rated]
    assert of(message(9, 1, "incoming", CUSTOMER, "message_updated")) == []


def test_a_new_solution_label_is_a_solution() -> None:
    """Only when the label is added, not while it stays."""

    def labelled(before: list[str], after: list[str]) -> list[TicketEvent]:
        change = [{"label_list": {"previous_value": before, "current_value": after}}]
        event = changed("conversation_updated", 50, "open", labels=after, changed_attributes=change)
        return of(event, solution_tags=frozenset({"solved-by-patch"}))

    assert isinstance(labelled(["vip"], ["vip", "solved-by-patch"])[-1], SolutionProvided)
    assert len(labelled(["solved-by-patch"], ["vip", "solved-by-patch"])) == 1


def test_releases_without_a_time_of_change() -> None:
    """It counts when it was sent, or at receipt, and never at the last message, which would be too early."""
    old = changed("conversation_status_changed", 400, "resolved")
    del old["updated_at"]
    adapt = adapter_of("chatwoot")
    (sent,) = adapt(delivery_of(old, {"x-chatwoot-timestamp": str(BEGAN + 500)}))
    (received,) = adapt(delivery_of(old))
    assert sent.time.timestamp() == BEGAN + 500
    assert received.time.isoformat() == "2026-03-01T12:00:00+00:00"


def test_the_display_id_names_the_ticket() -> None:
    """Old payloads have it beside the database id."""
    old = {**conversation(1, "open"), "id": 77_001, "display_id": "10", "created_at": None}
    (said,) = of(message(9, 1, "incoming", CUSTOMER, conversation=old))
    assert said.ticket_id == "10"


def test_other_events_are_of_no_interest() -> None:
    """Contacts, the widget and typing are understood; what Chatwoot has no name for is a dead letter."""
    for name in ("contact_updated", "webwidget_triggered", "conversation_typing_on", "inbox_created"):
        assert of({"event": name}) == []
    found = delivered("chatwoot", {"event": "coffee_ready"})
    assert isinstance(found, Unknown)
    assert found.reason == "event"


def test_no_order_and_no_repetition_changes_the_verdicts() -> None:
    """A conversation's life, shuffled and told twice, has one net view; the note and the greeting answered nobody."""
    said = {clock: verdict for (_, clock, _), (verdict, _, _) in stable(told("chatwoot", HISTORY)).items()}
    assert said["first_response"] == "met"
    unanswered = told("chatwoot", [*HISTORY[:5], *HISTORY[9:]])
    said = {clock: verdict for (_, clock, _), (verdict, _, _) in stable(unanswered).items()}
    assert said["first_response"] == "breached"


def test_hostile_payloads() -> None:
    """Nothing but `Unknown`, and no text, name or address of a person comes out."""
    hostile(adapter_of("chatwoot"), HISTORY, thorough=False, bots=frozenset({"99"}))
    hostile(adapter_of("chatwoot"), [HISTORY[3], HISTORY[5], SURVEY], examples=1)
