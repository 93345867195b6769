"""Jira Service Management: Cloud and Server."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from adapted import adapter_of, captured, delivered, hostile, stable, told
from supportpulse.edges.adapters.adapter import Unknown

T0 = 1_770_019_200_000
"""2026-02-02 08:00 UTC in ms."""
CUSTOMER = {"accountId": "c1", "accountType": "customer", "displayName": "Cy", "emailAddress": "cy@example.com"}
AGENT = {"accountId": "a1", "accountType": "atlassian", "displayName": "Ada"}
APP = {"accountId": "b1", "accountType": "app", "displayName": "Automation for Jira"}
NEW = {"id": "1", "name": "Waiting for support", "statusCategory": {"key": "indeterminate"}}
TAKEN = {"id": "4", "name": "In Progress", "statusCategory": {"key": "indeterminate"}}
ASKED = {"id": "2", "name": "Waiting for customer", "statusCategory": {"key": "indeterminate"}}
DONE = {"id": "3", "name": "Finito", "statusCategory": {"key": "done"}}


def iso(minute: float) -> str:
    """A minute after T0 as Jira writes it."""
    return f"2026-02-02T{8 + int(minute) // 60:02d}:{int(minute) % 60:02d}:{int(minute * 60) % 60:02d}.321+0000"


def hook(kind: str, minute: float, by: Any = AGENT, status: Any = NEW, **rest: Any) -> Any:
    """A webhook of issue 900 sent a minute after T0."""
    fields = {
        "created": iso(0), "updated": iso(minute), "reporter": CUSTOMER, "creator": CUSTOMER, "status": status,
        "priority": {"id": "1", "name": "Highest"}, "labels": ["vip"], "summary": "broken", "assignee": None,
        "customfield_77": {"value": "Live show"},
    }  # fmt: skip
    issue = {"id": "900", "key": "SUP-1", "fields": fields}
    return {"timestamp": T0 + int(minute * 60_000) + 400, "webhookEvent": kind, "user": by, "issue": issue, **rest}


def updated(minute: float, change: int, *items: dict[str, Any], **rest: Any) -> Any:
    """An update with a changelog."""
    return hook("jira:issue_updated", minute, changelog={"id": str(change), "items": list(items)}, **rest)


def moved(status: dict[str, Any]) -> dict[str, Any]:
    """The changelog item of a transition."""
    return {"field": "status", "fieldId": "status", "from": "0", "to": status["id"], "toString": status["name"]}


def comment(number: int, minute: float, by: Any, body: Any = "hello", **rest: Any) -> Any:
    """A comment webhook of Cloud."""
    said = {"id": str(number), "author": by, "body": body, "created": iso(minute), "updated": iso(minute)} | rest
    return hook("comment_created", minute, comment=said, user=None)


WHY = "The audio stops because port 443 is blocked; see the log id 4711."
LIFE = [
    hook("jira:issue_created", 0, by=CUSTOMER),
    updated(2, 51, {"field": "assignee", "fieldId": "assignee", "to": "a1", "toString": "Ada"}),
    updated(2, 50, moved(TAKEN), status=TAKEN),
    comment(11, 5, AGENT, jsdPublic=False),
    comment(12, 10, AGENT, WHY, jsdPublic=True),
    updated(10, 52, moved(ASKED), status=ASKED),
    comment(13, 60, CUSTOMER, "thanks, it works", jsdPublic=True),
    updated(90, 54, {"field": "resolution", "fieldId": "resolution", "to": "5", "toString": "Done"}, status=DONE),
    updated(90, 54, {"field": "resolution", "fieldId": "resolution", "to": "5"}, moved(DONE), status=DONE),
]


def names(found: Any) -> list[str]:
    """The classes of events, in their order, or the reason that there are none."""
    return [found.reason] if isinstance(found, Unknown) else [type(event).__name__ for event in found]


def data(event: Any) -> dict[str, Any]:
    """What an event says."""
    said: dict[str, Any] = event.data.model_dump()
    return said


def test_every_captured_payload_gives_events_or_a_named_reason() -> None:
    """What Cloud, Server and old Servers really sent; only comments without a hint of a role are none, for a reason."""
    found = {name: names(delivered("jira", payload)) for name, payload in captured("jira").items()}
    assert found == {
        "webhook-cloud-comment-created.json": ["role"],
        "webhook-issue-created.json": ["TicketCreated"],
        "webhook-issue-deleted.json": ["TicketDeleted"],
        "webhook-issue-updated-assigned.json": ["Assigned"],
        "webhook-issue-updated-raised-priority.json": ["PriorityChanged"],
        "webhook-issue-updated-reopened.json": ["StatusChanged"],
        "webhook-issue-updated-resolved-one-changelog.json": [],
        "webhook-issue-updated-resolved.json": ["StatusChanged"],
        "webhook-server-comment-created.json": ["role"],
        "webhook-server-issue-updated-closed.json": ["StatusChanged"],
        "webhook-server-issue-updated-commented-1.json": ["MessagePosted"],
        "webhook-server-old-issue-updated-no-event-type-commented.json": ["MessagePosted"],
    }
    stable(told("jira", captured("jira").values(), agents=frozenset({"levbrouk", "5c5f880629be9642ba529340"})))


def test_a_server_tells_a_comment_three_times_and_it_is_one() -> None:
    """With an issue or without, with an event type or without: the same event, its issue read from an address."""
    payloads = [payload for name, payload in captured("jira").items() if "server" in name and "comment" in name]
    events = told("jira", payloads, agents=frozenset({"levbrouk"}), unmarked_public=True)
    assert len(events) == 3
    assert events[0] == events[1] == events[2]
    assert events[0].ticket_id == "10013"
    assert data(events[0])["public"] is True


def test_a_life_is_judged_the_same_in_any_order() -> None:
    """A resolve split over two deliveries counts once; the first public reply after ten minutes is met."""
    events = told("jira", LIFE)
    assert [data(event)["status"] for event in events if "status" in event.id] == ["open", "pending_customer", "solved"]
    verdicts = {clock: verdict for (_, clock, _), (verdict, _, _) in stable(events).items()}
    assert verdicts["substantive_response"] == "met"
    assert verdicts["solution"] == "met"


def test_a_reply_comes_before_the_transition_of_its_second() -> None:
    """Comments and changelogs are not counted alike, but a reply and its transition share a second and are ordered."""
    reply, asked = told("jira", LIFE[4:6])
    assert reply.time == asked.time
    assert reply.sequence is not None
    assert asked.sequence is not None
    assert reply.sequence < asked.sequence


def test_two_transitions_of_one_second_keep_their_order() -> None:
    """An automation's transition right behind a person's sorts by the changelog's id."""
    first, second = told("jira", [updated(9, 9, moved(DONE), status=DONE), updated(9, 10, moved(ASKED), status=ASKED)])
    assert first.time == second.time
    assert (first.sequence or 0) < (second.sequence or 0)


@pytest.mark.parametrize(
    ("author", "options", "kind"),
    [
        (AGENT, {}, "agent"),
        (CUSTOMER, {}, "customer"),
        (APP, {}, "bot"),
        ({"accountId": "x"}, {}, "agent"),
        ({"accountId": "x"}, {"agents": frozenset({"a1"})}, "customer"),
        ({"name": "ann", "key": "u1"}, {"agents": frozenset({"ann"})}, "agent"),
        ({"name": "ann", "emailAddress": "bot@example.com"}, {"bots": frozenset({"bot@example.com"})}, "bot"),
        ({"accountId": "c1"}, {}, "customer"),
    ],
)
def test_who_somebody_is(author: Any, options: dict[str, Any], kind: str) -> None:
    """Accounts of apps are bots, portal accounts and the reporter customers, the listed agents the whole team."""
    event = told("jira", [comment(1, 5, author, jsdPublic=True)], **options)[0]
    assert data(event)["actor"]["kind"] == kind
    assert data(event)["actor"]["id"] not in str(author)


@pytest.mark.parametrize(
    ("marks", "options", "public"),
    [
        ({"jsdPublic": True}, {}, True),
        ({"jsdPublic": False}, {"unmarked_public": True}, False),
        ({}, {}, False),
        ({}, {"unmarked_public": True}, True),
        ({"jsdPublic": True, "visibility": {"type": "role", "value": "Team"}}, {}, False),
        ({"jsdPublic": "no"}, {"unmarked_public": True}, False),
    ],
)
def test_who_may_see_a_comment(marks: dict[str, Any], options: dict[str, Any], public: bool) -> None:
    """A restricted comment is internal, a marked one what it says, an unmarked one internal unless configured."""
    assert data(told("jira", [comment(1, 5, AGENT, **marks)], **options)[0])["public"] is public


def test_statuses_are_read_by_configuration_name_and_category() -> None:
    """The desk's own name has Jira's category; nothing is known of a status that left again before the delivery."""
    assert data(told("jira", [updated(5, 1, moved(DONE), status=DONE)])[0])["status"] == "solved"
    mapped = told("jira", [updated(5, 1, moved(DONE), status=ASKED)], statuses={"finito": "closed"})
    assert data(mapped[0])["status"] == "closed"
    assert data(told("jira", LIFE[:1])[0])["status"] == "new"
    found = delivered("jira", updated(5, 1, moved(DONE), status=ASKED))
    assert isinstance(found, Unknown)
    assert found.reason == "status"
    assert "'finito'" in found.detail


def test_one_update_may_be_several_events() -> None:
    """Attributes come before the assignment, that before the message, that before the status, at one instant."""
    payload = updated(
        7, 60,
        moved(DONE),
        {"field": "assignee", "to": None},
        {"field": "priority", "fieldId": "priority", "toString": "Low"},
        {"field": "Scene", "fieldId": "customfield_77", "toString": "Overseas"},
        {"field": "labels", "fieldId": "labels", "fromString": "vip x", "toString": "x"},
        status=DONE,
        comment={"id": "99", "author": AGENT, "body": WHY, "created": iso(7), "jsdPublic": True},
        issue_event_type_name="issue_generic",
    )  # fmt: skip
    options: dict[str, Any] = {
        "attributes": {"scenario": "issue.fields.customfield_77.value", "tier": "labels:"},
        "values": {"tier": {"vip": "strategic"}, "scenario": {"live show": "live_show"}},
    }
    events = told("jira", [payload], **options)
    assert sorted(names(events)) == [
        "Assigned", "AttributesChanged", "AttributesChanged", "MessagePosted", "PriorityChanged", "StatusChanged",
    ]  # fmt: skip
    changes = {event.id: event.data.model_dump(exclude_unset=True) for event in events if "=" in event.id}
    assert changes["jira/changelog/60/scenario=overseas"]["scenario"] == "overseas"
    assert changes["jira/changelog/60/tier=-"]["tier"] is None
    assert changes["jira/changelog/60/priority=low"]["priority"] == "low"
    created = data(told("jira", LIFE[:1], **options)[0])
    assert (created["scenario"], created["tier"], created["priority"]) == ("live_show", "strategic", "urgent")
    stable([*told("jira", LIFE[:1], **options), *events])


def test_edits_and_empty_updates_say_nothing() -> None:
    """An edited or deleted comment is not a second one, and an empty changelog changes nothing."""
    said = {"id": "99", "author": AGENT, "body": "b", "created": iso(7), "updated": iso(9)}
    for payload in (
        updated(9, 1),
        hook("jira:issue_updated", 9, changelog=None),
        hook("jira:issue_updated", 9, comment=said, issue_event_type_name="issue_comment_edited"),
        hook(
            "jira:issue_updated", 9, comment={**said, "updated": iso(7)}, issue_event_type_name="issue_comment_deleted"
        ),
        hook("jira:issue_updated", 9, comment=said),
        hook("comment_updated", 9, comment=said),
        hook("issuelink_created", 9),
    ):
        assert delivered("jira", payload) == []


def test_rich_text_is_read() -> None:
    """A comment in Atlassian's document format has the signals of its text."""
    leaf = {"type": "paragraph", "content": [{"type": "text", "text": WHY}]}
    rich = told("jira", [comment(1, 5, AGENT, {"type": "doc", "content": [leaf]}, jsdPublic=True)])[0]
    plain = told("jira", [comment(1, 5, AGENT, WHY, jsdPublic=True)])[0]
    assert data(rich)["signals"] == data(plain)["signals"]


def test_what_is_missing_is_a_named_reason() -> None:
    """No kind, another kind, no issue anywhere, no time, a changelog without id."""
    no_time = copy.deepcopy(LIFE[1])
    del no_time["timestamp"], no_time["issue"]["fields"]["updated"]
    for payload, reason in (
        ({}, "shape"),
        ({"webhookEvent": "jira:vanished"}, "event"),
        ({**LIFE[1], "issue": None}, "ticket"),
        (no_time, "time"),
        (updated(5, 1, moved(DONE)) | {"changelog": {"items": [moved(DONE)]}}, "shape"),
        (hook("comment_created", 5, comment="what"), "shape"),
    ):
        assert names(delivered("jira", payload)) == [reason]


def test_no_shape_is_fatal_and_no_text_comes_out() -> None:
    """Whatever is in a body, it is events or a reason, and nobody's words, names or addresses."""
    server = hook("comment_created", 5, comment={
        "self": "https://desk.example/rest/api/2/issue/900/comment/5", "id": "5", "created": iso(5), "body": "text",
        "author": {"name": "ann", "key": "u1", "displayName": "Ann", "emailAddress": "ann@example.com"},
    })  # fmt: skip
    del server["issue"]
    hostile(
        adapter_of("jira"),
        [*LIFE, server, hook("jira:issue_deleted", 99)],
        agents=frozenset({"u1"}),
        attributes={"scenario": "issue.fields.customfield_77.value", "tier": "labels:v"},
    )


def test_captured_payloads_broken_at_random_are_not_fatal() -> None:
    """The same for what Jira really sent, hundreds of fields deep."""
    hostile(adapter_of("jira"), captured("jira").values(), thorough=False, unmarked_public=True)
