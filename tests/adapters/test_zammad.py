"""Zammad: the default payload, written from its documented schema."""

from __future__ import annotations

from typing import Any

import pytest

from adapted import MARKER, adapter_of, delivered, hostile, stable, told
from supportpulse.edges.adapters.adapter import Unknown
from supportpulse.events import MessagePosted, TicketEvent, TicketMerged, TicketObserved

DAY = "2026-03-02T"


def user(identity: int, role: str) -> dict[str, Any]:
    """A user as it lies in a payload."""
    mail = f"{MARKER}{identity}@example.com"
    names = {"firstname": MARKER, "lastname": MARKER, "login": mail, "email": mail, "phone": MARKER, "note": MARKER}
    return {"id": identity, "active": True, "roles": [role], "role_ids": [2 if role == "Agent" else 3], **names}


def article(identity: int, at: str, sender: str, **fields: Any) -> dict[str, Any]:
    """An article of ticket 81."""
    author = user(3, "Agent") if sender == "Agent" else user(8, "Customer")
    return {
        "id": identity, "ticket_id": 81, "created_at": f"{DAY}{at}Z", "updated_at": f"{DAY}{at}Z", "internal": False,
        "sender": sender, "sender_id": 2, "type": "email", "type_id": 1, "content_type": "text/html", "from": MARKER,
        "to": MARKER, "subject": MARKER, "body": f"<div>{MARKER}, which build is that?</div>", "preferences": {},
        "created_by": author, "created_by_id": author["id"], "origin_by_id": None, "attachments": [], **fields,
    }  # fmt: skip


def ticket(at: str, state: str, **fields: Any) -> dict[str, Any]:
    """Ticket 81 as it was at a time."""
    return {
        "id": 81, "number": "10081", "title": MARKER, "created_at": f"{DAY}09:00:00.100Z", "updated_at": f"{DAY}{at}Z",
        "state": state, "state_id": 2, "priority": {"id": 2, "name": "2 normal"}, "priority_id": 2,
        "group": {"id": 3, "name": "Service Desk"}, "group_id": 3, "owner": user(5, "Agent"), "owner_id": 5,
        "customer": user(8, "Customer"), "customer_id": 8, "create_article_sender": "Customer",
        "create_article_type": "email", "first_response_escalation_at": None, "close_escalation_at": None, **fields,
    }  # fmt: skip


OPENED = {
    "ticket": ticket("09:00:00.400", "new", owner_id=1, owner={"id": 1, "login": "-"}),
    "article": article(104, "09:00:00.350", "Customer"),
}
NOTE = {"ticket": ticket("09:04:00.000", "open"), "article": article(105, "09:03:59.900", "Agent", internal=True)}
REPLY = {
    "ticket": ticket("09:08:00.400", "pending reminder", priority="3 high"),
    "article": article(106, "09:08:00.000", "Agent"),
}
BACK = {"ticket": ticket("10:00:00.400", "open"), "article": article(107, "10:00:00.000", "Customer", type="web")}
CLOSED = {"ticket": ticket("10:30:00.400", "closed"), "article": article(108, "10:30:00.000", "Agent")}
HISTORY = [OPENED, NOTE, REPLY, BACK, CLOSED]


def only(events: list[TicketEvent], kind: type[TicketEvent]) -> Any:
    """The one event of a kind."""
    (found,) = [event for event in events if isinstance(event, kind)]
    return found


def of(payload: Any, **options: Any) -> list[TicketEvent]:
    """The events of a payload that must be understood."""
    return told("zammad", [payload], **options)


def test_a_snapshot_says_what_the_ticket_is() -> None:
    """State, priority, group, owner and creation, with an owner of nobody cleared; people are opaque."""
    seen = only(of(OPENED), TicketObserved).data
    assert (seen.status, seen.priority, seen.team, seen.agent) == ("new", "normal", "service desk", None)
    assert seen.created_at.isoformat() == "2026-03-02T09:00:00.100000+00:00"
    later = only(of(REPLY), TicketObserved).data
    assert (later.status, later.priority, len(later.agent)) == ("pending_customer", "high", 16)


@pytest.mark.parametrize(
    "written", [{"priority": "3 high"}, {"priority": {"name": "3 high"}}, {"priority": {}, "priority_id": 3}]
)
def test_a_priority_is_an_object_a_name_or_an_id(written: dict[str, Any]) -> None:
    """However Zammad writes it, it is one priority."""
    assert only(of({"ticket": ticket("09:01:00.0", "open", **written)}), TicketObserved).data.priority == "high"


@pytest.mark.parametrize(
    ("fields", "kind", "public"),
    [
        ({"sender": "Customer"}, "customer", True),
        ({"sender": "Agent"}, "agent", True),
        ({"sender": "Agent", "internal": True}, "agent", False),
        ({"sender": "Agent", "type": "phone"}, "agent", True),
        ({"sender": "System"}, "automation", True),
        ({"sender": None, "sender_id": 1}, "agent", True),
        ({"sender": "Agent", "created_by_id": 77}, "bot", True),
        ({"sender": "Customer", "preferences": {"is-auto-response": True}}, "automation", True),
        ({"sender": "Agent", "internal": None}, "agent", False),
    ],
)
def test_who_wrote_and_who_may_read_it(fields: dict[str, Any], kind: str, public: bool) -> None:
    """Customer, agent, a trigger, a configured bot, an out-of-office mail; internal only for agents."""
    data = only(
        of({"article": {**article(9, "09:00:00.0", "Agent"), **fields}}, bots=frozenset({"77"})), MessagePosted
    ).data
    assert (data.actor.kind, data.public) == (kind, public)


def test_a_phone_call_noted_by_an_agent_is_the_customers() -> None:
    """`sender` says whose words they are, `origin_by_id` who that is, whoever typed them."""
    called = article(9, "09:00:00.0", "Customer", type="phone", created_by_id=3, origin_by_id=8)
    mailed = article(10, "09:00:00.0", "Customer", created_by_id=8)
    first, second = (only(of({"article": said}), MessagePosted).data.actor for said in (called, mailed))
    assert first == second
    assert first.kind == "customer"


def test_a_ticket_that_an_agent_opened_says_so() -> None:
    """The first article's sender is the opener, so no first response is due."""
    opened = {"ticket": ticket("09:00:00.4", "new", create_article_sender="Agent")}
    assert only(of(opened), TicketObserved).data.actor.kind == "agent"
    assert "first_response" not in {clock for _, clock, _ in stable(of(opened))}
    assert "first_response" in {clock for _, clock, _ in stable(of(OPENED))}


def test_a_reply_and_its_state_are_one_update() -> None:
    """Within a second of its article a snapshot has the article's time, behind it; else its own."""
    message, seen = of(CLOSED)
    assert isinstance(message, MessagePosted)
    assert isinstance(seen, TicketObserved)
    assert message.time == seen.time
    apart = of({**CLOSED, "ticket": ticket("10:31:00.0", "closed")})
    assert apart[0].time < apart[1].time


def test_a_merged_ticket_ends() -> None:
    """The state `merged` is no status but an event; `statuses` may say otherwise."""
    merged = {"ticket": ticket("09:30:00.0", "merged"), "article": {}}
    assert only(of(merged), TicketObserved).data.status is None
    assert isinstance(of(merged)[-1], TicketMerged)
    assert [type(event) for event in of(merged, statuses={"merged": "closed"})] == [TicketObserved]


def test_a_state_of_ones_own_needs_mapping() -> None:
    """Unmapped it is a dead letter that says what to do, but an article beside it still counts."""
    alone = delivered("zammad", {"ticket": ticket("09:30:00.0", "waiting for parts")})
    assert isinstance(alone, Unknown)
    assert alone.reason == "status"
    assert "statuses" in alone.detail
    both = of({"ticket": ticket("09:30:00.4", "waiting for parts"), "article": article(9, "09:30:00.0", "Agent")})
    assert only(both, TicketObserved).data.status is None
    mapped = of(
        {"ticket": ticket("09:30:00.0", "Waiting for Parts")}, statuses={"waiting for parts": "pending_third_party"}
    )
    assert only(mapped, TicketObserved).data.status == "pending_third_party"


def test_the_same_update_told_twice_is_one() -> None:
    """Two triggers of one update make the same events; the same instant in another state is another event."""
    assert of(REPLY) == of(REPLY)
    other = {**REPLY, "ticket": ticket("09:08:00.400", "open")}
    assert only(of(REPLY), MessagePosted) == only(of(other), MessagePosted)
    assert only(of(REPLY), TicketObserved).id != only(of(other), TicketObserved).id


def test_missing_times_and_ids() -> None:
    """A snapshot without a time counts at receipt, named by its day; an article without an id is a dead letter."""
    untimed = {"ticket": {**ticket("09:00:00.0", "open"), "updated_at": None}}
    (seen,) = of(untimed)
    assert seen.time.isoformat() == "2026-03-01T12:00:00+00:00"
    assert seen.id.startswith("zammad/ticket/81/2026-03-01/")
    unnamed = delivered("zammad", {"article": {**article(9, "09:00:00.0", "Agent"), "id": None}})
    assert isinstance(unnamed, Unknown)
    assert isinstance(delivered("zammad", {"ticket": {}, "article": {}}), Unknown)


def test_no_order_and_no_repetition_changes_the_verdicts() -> None:
    """A ticket's life, shuffled and told twice, has one net view; its first response was the public reply."""
    said = {clock: verdict for (_, clock, _), (verdict, _, _) in stable(told("zammad", HISTORY)).items()}
    assert said["first_response"] == "met"
    slower = told("zammad", [OPENED, NOTE, BACK, CLOSED])
    assert {clock: verdict for (_, clock, _), (verdict, _, _) in stable(slower).items()}["first_response"] == "breached"


def test_hostile_payloads() -> None:
    """Nothing but `Unknown`, and no text, name or address of a person comes out."""
    options: dict[str, Any] = {"bots": frozenset({"77"}), "attributes": {"scenario": "ticket.scenario"}}
    hostile(adapter_of("zammad"), HISTORY, thorough=False, **options)
    hostile(adapter_of("zammad"), [REPLY], examples=1, **options)
