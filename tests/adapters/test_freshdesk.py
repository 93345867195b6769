"""Freshdesk and Freshservice: app events and automation rules, captured and written from their documented schema."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any

import pytest

from adapted import MARKER, adapter_of, captured, delivered, delivery_of, hostile, stable, told
from supportpulse.edges.adapters.adapter import Unknown
from supportpulse.edges.adapters.freshdesk_rule import triggered
from supportpulse.events import (
    MarkedAsSpam,
    MessagePosted,
    SatisfactionRated,
    SolutionProvided,
    StatusChanged,
    TicketDeleted,
    TicketEvent,
    TicketObserved,
    TicketRestored,
    VendorVerdict,
)

DAY = "2026-03-02T"
TEMPLATES = json.loads(files("supportpulse.edges.adapters").joinpath("templates/freshdesk.json").read_text("utf-8"))


def event(name: str, at: str, by: str = "agent", changes: Any = None, **fields: Any) -> dict[str, Any]:
    """An app event of ticket 320, as it was at a time."""
    ticket = {
        "id": 320, "subject": MARKER, "description": f"<div>{MARKER}</div>", "description_text": MARKER, "status": 2,
        "priority": 2, "source": 1, "group_id": 351, "responder_id": None, "requester_id": 129, "tags": [],
        "spam": False, "deleted": False, "created_at": f"{DAY}09:00:00Z", "updated_at": f"{DAY}{at}Z",
        "due_by": f"{DAY}12:00:00Z", "fr_escalated": False, **fields,
    }  # fmt: skip
    if changes is not None:
        ticket["changes"] = changes
    actor = {"id": 7 if by == "agent" else 129, "type": by, "name": MARKER, "email": f"{MARKER}@example.com"}
    requester = {"id": 129, "name": MARKER, "email": f"{MARKER}@example.com", "phone": MARKER}
    return {
        "event": name, "domain": "x.freshdesk.com", "account_id": 13,
        "data": {"ticket": ticket, "actor": actor, "requester": requester},
    }  # fmt: skip


def conversation(identity: int, at: str, incoming: bool, **fields: Any) -> dict[str, Any]:
    """An app event of a conversation of ticket 320."""
    said = {
        "id": identity, "ticket_id": 320, "user_id": 129 if incoming else 7, "incoming": incoming, "private": False,
        "source": 0, "body": f"<p>{MARKER}</p>", "body_text": MARKER, "from_email": f"{MARKER}@example.com",
        "created_at": f"{DAY}{at}Z", "updated_at": f"{DAY}{at}Z", "to_emails": [MARKER], **fields,
    }  # fmt: skip
    return {"event": "onConversationCreate", "data": {"conversation": said}}


CREATED = event("onTicketCreate", "09:00:00", "requester")
NOTE = conversation(500, "09:03:00", False, private=True, source=2)
REPLY = conversation(501, "09:08:00", False)
HISTORY = [
    CREATED,
    NOTE,
    REPLY,
    event("onTicketUpdate", "09:08:00", changes={"status": [2, 6], "responder_id": [None, 7]}),
    conversation(502, "10:00:00", True),
    event("onTicketUpdate", "10:30:00", changes={"status": [6, 4]}, status=4, responder_id=7),
]


def only(events: list[TicketEvent], kind: type[TicketEvent]) -> Any:
    """The one event of a kind."""
    (found,) = [event for event in events if isinstance(event, kind)]
    return found


def of(payload: Any, **options: Any) -> list[TicketEvent]:
    """The events of a payload that must be understood."""
    return told("freshdesk", [payload], **options)


def seen_in(payload: Any, **options: Any) -> Any:
    """What a payload shows of the ticket."""
    return only(of(payload, **options), TicketObserved).data


# -- captured ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "kinds"),
    [
        ("app-event.onConversationCreate.1.json", [MessagePosted]),
        ("app-event.onTicketCreate.1.json", [TicketObserved, MessagePosted, VendorVerdict, VendorVerdict]),
        ("app-event.onTicketUpdate.1.json", [TicketObserved]),
        ("automation.public_note.json", [MessagePosted, TicketObserved]),
        ("automation.status_changed.json", [TicketObserved]),
        ("automation.ticket_created.json", [TicketObserved, MessagePosted]),
    ],
)
def test_captured_payloads_are_events(name: str, kinds: list[type[TicketEvent]]) -> None:
    """What Freshdesk really sent is understood, and nothing can be made of its people and texts."""
    events = of(captured("freshdesk")[name])
    assert sorted(type(event).__name__ for event in events) == sorted(kind.__name__ for kind in kinds)


def test_captured_changes_win_over_the_ticket() -> None:
    """The captured update shows the ticket before the change."""
    seen = seen_in(captured("freshdesk")["app-event.onTicketUpdate.1.json"])
    assert (seen.priority, seen.channel, seen.status) == ("normal", "phone", "open")


def test_a_captured_status_has_a_number_and_a_name() -> None:
    """They agree by the preset; the number of what triggered the rule wins."""
    payload = captured("freshdesk")["automation.status_changed.json"]
    assert seen_in(payload).status == "pending_customer"
    assert seen_in(payload, statuses={"6": "pending_third_party"}).status == "pending_third_party"


# -- app events -------------------------------------------------------------------------------------------------------


def test_a_new_ticket_is_a_snapshot_and_its_customers_message() -> None:
    """Attributes by their words, the description at the ticket's creation."""
    seen, message = seen_in(CREATED), only(of(CREATED), MessagePosted)
    assert (seen.status, seen.priority, seen.channel, seen.team, seen.agent) == ("open", "normal", "email", "351", None)
    assert (message.data.actor.kind, message.data.public) == ("customer", True)
    assert message.id == "freshdesk/ticket/320/description/MessagePosted"


def test_a_ticket_that_an_agent_opened_says_so() -> None:
    """It owes no first response, and the description is not the customer's."""
    events = of(event("onTicketCreate", "09:00:00", "agent"))
    assert only(events, TicketObserved).data.actor.kind == "agent"
    assert not [said for said in events if isinstance(said, MessagePosted)]
    assert "first_response" not in {clock for _, clock, _ in stable(events)}


@pytest.mark.parametrize("place", ["ticket", "data", "deeper"])
def test_changes_lie_in_the_ticket_or_beside_it(place: str) -> None:
    """Freshservice writes them beside the ticket."""
    payload = event("onTicketUpdate", "09:30:00", changes={"status": [2, 4]})
    changes = payload["data"]["ticket"].pop("changes")
    holder = payload["data"]["ticket"] if place == "ticket" else payload["data"]
    holder["changes"] = {"model_changes": changes} if place == "deeper" else changes
    events = of(payload)
    assert only(events, TicketObserved).data.status == "solved"
    assert only(events, StatusChanged).data.actor.kind == "agent"


def test_freshservice_counts_its_sources_otherwise() -> None:
    """The domain tells which product it is; without one it is Freshdesk."""
    chat = event("onTicketUpdate", "09:30:00", source=4)
    assert seen_in(chat).channel == "community"
    assert seen_in({**chat, "domain": "https://x.freshservice.com"}).channel == "chat"
    assert seen_in({key: value for key, value in chat.items() if key != "domain"}).channel == "community"


@pytest.mark.parametrize(
    ("fields", "who", "public"),
    [
        ({"incoming": True, "user_id": 129}, "customer", True),
        ({}, "agent", True),
        ({"private": True, "source": 2}, "agent", False),
        ({"source": 2}, "agent", True),
        ({"source": 8}, "agent", False),
        ({"private": None}, "agent", False),
        ({"user_id": 66}, "bot", True),
        ({"incoming": True, "user_id": 7}, "agent", True),
    ],
)
def test_who_wrote_and_who_may_read_it(fields: dict[str, Any], who: str, public: bool) -> None:
    """Replies and public notes are public; private notes, forwards and what does not say so are internal."""
    options = {"bots": frozenset({"66"}), "agents": frozenset({"7"})}
    data = only(of(conversation(9, "09:00:00", **{"incoming": False, **fields}), **options), MessagePosted).data
    assert (data.actor.kind, data.public) == (who, public)


def test_a_surveys_comment_and_an_edit_are_no_messages() -> None:
    """Nor are other app events of interest."""
    assert of(conversation(9, "09:00:00", True, source=6)) == []
    assert of({**REPLY, "event": "onConversationUpdate"}) == []
    assert of({"event": "onContactCreate", "data": {"contact": {}}}) == []


def test_spam_deletion_and_their_undoing() -> None:
    """Told by the change, by the ticket's own mark, or by the event's name."""

    def told_by(name: str = "onTicketUpdate", changes: Any = None, **fields: Any) -> TicketEvent:
        return of(event(name, "09:30:00", changes=changes, **fields))[-1]

    assert isinstance(told_by(changes={"spam": [False, True]}), MarkedAsSpam)
    assert isinstance(told_by(spam=True), MarkedAsSpam)
    assert isinstance(told_by(changes={"deleted": [False, True]}), TicketDeleted)
    assert isinstance(told_by("onTicketDelete"), TicketDeleted)
    assert isinstance(told_by(changes={"deleted": [True, False]}), TicketRestored)


def test_a_new_solution_tag_is_a_solution() -> None:
    """Only when it is added."""
    for before, count in (([], 1), (["fix"], 0)):
        payload = event("onTicketUpdate", "09:30:00", changes={"tags": [before, ["fix"]]}, tags=["fix"])
        events = of(payload, solution_tags=frozenset({"fix"}))
        assert sum(isinstance(told, SolutionProvided) for told in events) == count


def test_missing_times_and_ids() -> None:
    """The event's own time stands in, then that of receipt; an unnamed conversation is named by author and time."""
    payload = event("onTicketUpdate", "09:30:00", updated_at=None)
    assert only(of({**payload, "timestamp": 1_772_442_000_000}), TicketObserved).time.isoformat().startswith(DAY)
    assert only(of(payload), TicketObserved).id.startswith("freshdesk/ticket/320/2026-03-01/")
    first, again, other = (of(conversation(0, at, False, id=None))[0].id for at in ("09:00:00", "09:00:00", "09:01:00"))
    assert first == again != other


def test_a_custom_status_needs_mapping() -> None:
    """Unmapped it is a dead letter that says what to do."""
    found = delivered("freshdesk", event("onTicketUpdate", "09:30:00", status=19))
    assert isinstance(found, Unknown)
    assert (found.reason, "statuses" in found.detail) == ("status", True)
    assert seen_in(event("onTicketUpdate", "09:30:00", status=19), statuses={"19": "open"}).status == "open"


# -- automation rules -------------------------------------------------------------------------------------------------


def rule(which: str, event: str, status: str, at: str = "", **fields: str) -> dict[str, Any]:
    """A body of the template as Freshdesk fills it in."""
    values = {
        "ticket_id": "11", "ticket_status": status, "ticket_priority": "Medium", "ticket_source": "Email",
        "ticket_tags": "a b", "ticket_group_name": "rtc", "ticket_agent_email": f"{MARKER}@example.com",
        "ticket_created_on": "2026-03-02 09:00:00 UTC", "ticket_modified_on": at, "triggered_event": event,
        "ticket_due_by_time": "2026-03-04 17:00:00 UTC",
        "ticket_description": f"<div>{MARKER}</div>", "ticket_latest_public_comment": f"{MARKER} : <p>{MARKER}</p>",
        "ticket_latest_private_comment": f"{MARKER} : <p>{MARKER}</p>", **fields,
    }  # fmt: skip
    body = {key: values.get(key, value) for key, value in TEMPLATES[which]["freshdesk_webhook"].items()}
    assert not [value for value in body.values() if "{{" in value], "a placeholder that this test does not know"
    return {"freshdesk_webhook": body}


RULES = [
    rule("ticket_created", "{ticket_action:created}", "Open", "2026-03-02 09:00:00 UTC"),
    rule("updated_by_agent", "{note_type:private}", "Open", "2026-03-02 17:03:00 +0800"),
    rule("updated_by_agent", "{reply_sent:sent}", "Open", "2026-03-02 09:08:00 UTC"),
    rule("updated_by_agent", "{status:{from:2,to:3}}", "Pending", "2026-03-02 09:08:00 UTC"),
    rule("updated_by_requester", "{reply_sent:sent}", "Open", "2026-03-02 10:00:00 UTC"),
    rule("updated_by_system", "{status:{from:2,to:4}}", "Resolved", "2026-03-02 10:30:00 UTC"),
]


def test_the_templates_tell_a_whole_life() -> None:
    """Every body of the template, filled in, becomes events whose verdicts no order and no repetition changes."""
    said = {clock: verdict for (_, clock, _), (verdict, _, _) in stable(told("freshdesk", RULES)).items()}
    assert said["first_response"] == "met"
    said = {
        clock: verdict for (_, clock, _), (verdict, _, _) in stable(told("freshdesk", RULES[:2] + RULES[4:])).items()
    }
    assert said["first_response"] == "breached"


@pytest.mark.parametrize(
    ("raw", "news"),
    [
        ("{status:{from:4,to:6}}", {"status": "6"}),
        ('{"status" : {"from": 4, "to": 6}}', {"status": "6"}),
        ("{ticket_action:created}", {"ticket_action": "created"}),
        ("{status:{from:2,to:3},priority:{from:1,to:4}}", {"status": "3", "priority": "4"}),
        ("{group_id:{from:,to:5}}", {"group_id": "5"}),
        ("", {}),
        (None, {}),
        ("{{{{:::,,,", {}),
    ],
)
def test_what_triggered_a_rule_is_no_json(raw: Any, news: dict[str, str]) -> None:
    """Field -> the value after it."""
    assert {key: value for key, value in triggered(raw).items() if value} == news


@pytest.mark.parametrize(
    ("payload", "who", "public"),
    [
        (rule("updated_by_agent", "{reply_sent:sent}", "Open"), "agent", True),
        (rule("updated_by_requester", "{reply_sent:sent}", "Open"), "customer", True),
        (rule("updated_by_system", "{note_type:public}", "Open"), "automation", True),
        (rule("updated_by_agent", "{note_type:private}", "Open"), "agent", False),
        (rule("updated_by_agent", "{note_type:public}", "Open", performed_by=""), "agent", True),
        (rule("updated_by_agent", "{reply_sent:sent}", "Open", performed_by=""), None, True),
    ],
)
def test_a_rule_says_who_performed_it(payload: Any, who: str | None, public: bool) -> None:
    """By the body's `performed_by`; without it a note is an agent's and a reply is nobody's."""
    data = only(of(payload), MessagePosted).data
    assert (data.actor and data.actor.kind, data.public) == (who, public)


def test_a_message_of_a_rule_is_named_by_what_is_kept() -> None:
    """Two replies of one second are two events; the author's name before the text is no part of it."""
    replies = [
        only(
            of(rule("updated_by_agent", "{reply_sent:sent}", "Open", ticket_latest_public_comment=text)), MessagePosted
        )
        for text in ("Rui Li : <p>Try 4.2.1</p>", "<p>Try 4.2.1</p>", "Rui Li : <p>Which log?</p>")
    ]
    assert replies[0] == replies[1]
    assert replies[0].id != replies[2].id


def test_a_rule_without_a_time_counts_at_receipt() -> None:
    """A retry keeps the id, so it cannot count twice; the next day it is another event, other words another too."""
    adapt = adapter_of("freshdesk")
    payload = rule("updated_by_agent", "{status:{from:2,to:3}}", "Pending", "yesterday")
    (first,) = adapt(delivery_of(payload))
    assert first.time.isoformat() == "2026-03-01T12:00:00+00:00"
    (retry,) = adapt(delivery_of(payload, received=first.time.replace(hour=13)))
    (next_day,) = adapt(delivery_of(payload, received=first.time.replace(day=2)))
    (back,) = adapt(delivery_of(rule("updated_by_agent", "{status:{from:3,to:2}}", "Open")))
    assert first.id == retry.id
    assert len({first.id, next_day.id, back.id}) == 3


def test_ratings_and_deletions_by_rule() -> None:
    """A mark is a share of the best; actions on the ticket are events."""
    assert (
        only(of(rule("updated_by_requester", "{customer_feedback:103}", "Closed")), SatisfactionRated).data.score == 1
    )
    assert isinstance(of(rule("updated_by_agent", "{ticket_action:delete}", "Open"))[-1], TicketDeleted)
    assert isinstance(of(rule("updated_by_agent", "{ticket_action:marked_spam}", "Open"))[-1], MarkedAsSpam)


def test_a_body_of_neither_kind_is_a_dead_letter() -> None:
    """It says what is valid."""
    for payload in ({}, {"freshdesk_webhook": "x"}, {"data": {}}, {"ticket_id": "11"}, []):
        found = delivered("freshdesk", payload)
        assert isinstance(found, Unknown)
        assert "valid" in found.detail


def test_no_order_and_no_repetition_changes_the_verdicts() -> None:
    """A ticket's life, shuffled and told twice, has one net view; the note answered nobody."""
    said = {clock: verdict for (_, clock, _), (verdict, _, _) in stable(told("freshdesk", HISTORY)).items()}
    assert said["first_response"] == "met"
    unanswered = told("freshdesk", [CREATED, NOTE, HISTORY[-1]])
    said = {clock: verdict for (_, clock, _), (verdict, _, _) in stable(unanswered).items()}
    assert said["first_response"] == "breached"


def test_hostile_payloads() -> None:
    """Nothing but `Unknown`, and no text, name or address of a person comes out."""
    hostile(adapter_of("freshdesk"), [*HISTORY, *RULES], thorough=False, bots=frozenset({"66"}))
    hostile(adapter_of("freshdesk"), [HISTORY[0], HISTORY[3], REPLY, RULES[0], RULES[2]], examples=1)
