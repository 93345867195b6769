"""Zendesk: event webhooks and trigger templates."""

from __future__ import annotations

import json
import re
from importlib.resources import files
from typing import Any

import pytest

from adapted import adapter_of, captured, delivered, hostile, net, stable, told
from supportpulse.edges.adapters.adapter import Unknown

DETAIL = {
    "id": "77", "requester_id": "100", "submitter_id": "100", "actor_id": "100", "assignee_id": None, "group_id": "",
    "status": "NEW", "custom_status": "1", "priority": "URGENT", "tags": ["vip"], "via": {"channel": "web"},
    "created_at": "2026-02-02T08:00:00Z", "updated_at": "2026-02-02T08:00:00Z", "is_public": True,
    "subject": "broken", "description": "it is broken",
}  # fmt: skip


def zen(kind: str, event: dict[str, Any] | None = None, at: str = "08:00:00", by: str = "100", **detail: Any) -> Any:
    """An event webhook of ticket 77, at a time of 2 February 2026, by somebody."""
    time = f"2026-02-02T{at}"
    return {
        "type": f"zen:event-type:ticket.{kind}",
        "id": f"ev-{kind}-{at}",
        "time": f"{time}.123456789Z",
        "subject": "zen:ticket:77",
        "event": event or {},
        "detail": {**DETAIL, "updated_at": f"{time}Z", "actor_id": by, **detail},
    }


def comment(name: str, author: str, at: str, *, staff: bool = True, public: bool = True, body: str = "hello") -> Any:
    """A comment webhook."""
    who = {"id": author, "is_staff": staff, "name": "Somebody"}
    return zen("comment_added", {"comment": {"id": name, "body": body, "is_public": public, "author": who}}, at, author)


LIFE = [
    zen("created"),
    comment("1", "100", "08:00:00", staff=False, body="it is broken"),
    zen("group_assignment_changed", {"previous": None, "current": 5}, "08:01:00", "-1"),
    zen("agent_assignment_changed", {"previous": "", "current": 200}, "08:02:00", "200"),
    zen("status_changed", {"previous": "NEW", "current": "OPEN"}, "08:02:00", "200"),
    comment("2", "200", "08:05:00", public=False),
    comment("3", "200", "08:10:00", body="It was the firewall, because port 443 was closed. See https://docs.example"),
    zen("status_changed", {"previous": "OPEN", "current": "PENDING"}, "08:10:00", "200"),
    comment("4", "100", "09:00:00", staff=False, body="thanks, it works now"),
    zen("status_changed", {"previous": "PENDING", "current": "SOLVED"}, "09:00:00", "200"),
]


def kinds(found: Any) -> list[str]:
    """The classes of events, in their order."""
    assert not isinstance(found, Unknown), found
    return [type(event).__name__ for event in found]


def test_every_captured_payload_gives_events() -> None:
    """What Zendesk really sent is understood: upper-case statuses, ids as texts, nanoseconds."""
    found = {name: kinds(delivered("zendesk", payload)) for name, payload in captured("zendesk").items()}
    assert found == {
        "ticket.created.json": ["TicketCreated", "Assigned", "Assigned"],
        "ticket.comment_added.json": ["MessagePosted"],
        "ticket.status_changed.json": ["StatusChanged"],
    }
    stable(told("zendesk", captured("zendesk").values()))


def test_a_life_is_judged_the_same_in_any_order() -> None:
    """Bursts come in no sure order, and twice; a first reply ten minutes after the creation is met as such."""
    view = stable(told("zendesk", LIFE))
    verdicts = {clock: verdict for (_, clock, _), (verdict, _, _) in view.items()}
    assert verdicts["substantive_response"] == "met"
    assert verdicts["first_response"] == "breached", "an internal note and the requester's own words are no reply"
    assert verdicts["solution"] == "met"


def test_one_update_is_one_instant_in_causal_order() -> None:
    """The reply comes before the status it was sent with, whichever webhook came first and whatever its nanoseconds."""
    reply, pending = (told("zendesk", [payload])[0] for payload in LIFE[6:8])
    assert reply.time == pending.time
    assert reply.sequence is not None
    assert pending.sequence is not None
    assert reply.sequence < pending.sequence


def test_the_same_change_has_the_same_id_whatever_the_delivery() -> None:
    """A delivery's own id, its nanoseconds and the type of its ids are in no event."""
    other = zen("agent_assignment_changed", {"previous": "0", "current": "200"}, "08:02:00", "200")
    other |= {"id": "another", "time": "2026-02-02T08:02:01.5Z", "subject": "zen:ticket:77"}
    assert told("zendesk", [other]) == told("zendesk", [LIFE[3]])


@pytest.mark.parametrize("nobody", [None, "", 0, "0", "-1"])
def test_nobody_has_many_ids(nobody: Any) -> None:
    """A ticket taken from everybody is nobody's, however Zendesk writes that."""
    both = ("agent_assignment_changed", "group_assignment_changed")
    agent, team = told("zendesk", [zen(kind, {"previous": "200", "current": nobody}) for kind in both])
    assert agent.data.model_dump(exclude_unset=True)["agent"] is None
    assert team.data.model_dump(exclude_unset=True)["team"] is None


def test_a_late_event_keeps_its_own_time() -> None:
    """`updated_at` of a later update is not the time of an event."""
    payload = zen("priority_changed", {"current": "LOW"}, "08:30:00", updated_at="2026-02-02T09:00:00Z")
    assert told("zendesk", [payload])[0].time.isoformat() == "2026-02-02T08:30:00+00:00"


@pytest.mark.parametrize(
    ("author", "staff", "options", "kind"),
    [
        ("200", True, {}, "agent"),
        ("300", False, {}, "customer"),
        ("100", True, {}, "customer"),
        ("100", True, {"agents": frozenset({"100"})}, "agent"),
        ("200", True, {"bots": frozenset({"200"})}, "bot"),
        ("-1", True, {}, "automation"),
    ],
)
def test_people_bots_and_zendesk_itself_are_told_apart(
    author: str, staff: bool, options: dict[str, Any], kind: str
) -> None:
    """The requester is the customer even if staff, unless the configuration lists them; -1 is Zendesk itself."""
    event = told("zendesk", [comment("1", author, "08:01:00", staff=staff)], **options)[0]
    assert event.data.actor is not None
    assert event.data.actor.kind == kind


@pytest.mark.parametrize(
    ("own", "shown", "public"), [(True, False, True), (False, True, False), (None, True, False), ("yes", True, False)]
)
def test_a_comment_is_public_only_if_it_says_so(own: Any, shown: bool, public: bool) -> None:
    """What the comment says wins, and what is no yes is a no."""
    payload = comment("1", "200", "08:01:00")
    payload["event"]["comment"]["is_public"] = own
    payload["detail"]["is_public"] = shown
    assert told("zendesk", [payload])[0].data.model_dump()["public"] is public


def test_partial_detail_is_enough() -> None:
    """The id of a ticket may be in the subject alone, and a comment without it takes the event's."""
    payload = comment("1", "200", "08:01:00")
    payload["detail"] = {}
    assert [(event.ticket_id, event.id) for event in told("zendesk", [payload])] == [
        ("77", "zendesk/comment/1/MessagePosted")
    ]
    del payload["event"]["comment"]["id"]
    assert told("zendesk", [payload])[0].id == "zendesk/event/ev-comment_added-08:01:00/MessagePosted"


def test_custom_statuses_are_what_the_configuration_says() -> None:
    """A mapped custom status wins over its category, in both webhooks of its change; one not mapped says nothing."""
    both = [
        zen("status_changed", {"current": "PENDING"}, "08:20:00", custom_status="9"),
        zen("custom_status_changed", {"previous": 1, "current": 9}, "08:20:00", custom_status="9"),
    ]
    mapped = told("zendesk", both, statuses={"9": "pending_third_party"})
    assert mapped[0] == mapped[1]
    assert mapped[0].data.model_dump()["status"] == "pending_third_party"
    assert [event.data.model_dump()["status"] for event in told("zendesk", both)] == ["pending_customer"]


def test_a_status_nobody_mapped_is_a_named_reason() -> None:
    """The reason tells the status and what is valid."""
    found = delivered("zendesk", zen("status_changed", {"current": "Parked"}))
    assert isinstance(found, Unknown)
    assert found.reason == "status"
    assert "'parked'" in found.detail


def test_merged_spam_deleted_and_restored() -> None:
    """Each end of a ticket is its own event, and both ways to delete are one."""
    ends = {"merged": {"target_ticket_id": 78}, "marked_as_spam": {}, "soft_deleted": {}, "undeleted": {}}
    found = [event for kind, data in ends.items() for event in told("zendesk", [zen(kind, data, "10:00:00", "200")])]
    assert kinds(found) == ["TicketMerged", "MarkedAsSpam", "TicketDeleted", "TicketRestored"]
    assert found[0].data.model_dump()["other_ticket_id"] == "78"
    assert told("zendesk", [zen("permanently_deleted", {}, "10:00:00", "200")]) == [found[2]]
    spam = told("zendesk", [*LIFE[:2], zen("marked_as_spam", {}, "08:00:20")])
    assert {verdict for verdict, _, _ in stable(spam).values()} == {"cancelled"}


def test_tags_and_custom_fields_give_attributes_and_solutions() -> None:
    """A label takes the attribute its prefix names, an added solution tag provides the solution, a field its value."""
    options: dict[str, Any] = {
        "attributes": {"scenario": "labels:scene-", "region": "custom_fields.31", "tier": "labels:"},
        "values": {"scenario": {"live": "live_show"}, "tier": {"vip": "strategic"}},
        "solution_tags": frozenset({"answered"}),
    }
    created = told("zendesk", [zen("created", tags=["vip", "scene-live"])], **options)[0].data.model_dump()
    assert (created["scenario"], created["tier"], created["priority"]) == ("live_show", "strategic", "urgent")
    tags = {"tags_added": ["answered"], "tags_removed": ["scene-live"]}
    found = told("zendesk", [zen("tags_changed", tags, "08:09:00", "200", tags=["vip", "answered"])], **options)
    assert kinds(found) == ["AttributesChanged", "SolutionProvided"]
    assert found[0].data.model_dump(exclude_unset=True)["scenario"] is None
    field = {"current": {"value": "EMEA"}, "previous": None, "custom_field": {"id": "31", "title": "r", "type": "text"}}
    region = told("zendesk", [zen("custom_field_changed", field)], **options)[0]
    assert region.data.model_dump()["region"] == "emea"


def test_what_is_of_no_interest_and_what_is_unknown() -> None:
    """Known events that change no clock give nothing; unknown ones give a reason; other objects give nothing."""
    assert delivered("zendesk", zen("subject_changed", {"current": "x"})) == []
    assert delivered("zendesk", {"type": "zen:event-type:user.created"}) == []
    for payload, reason in (
        (zen("teleported"), "event"),
        ({"type": "ping"}, "event"),
        ({}, "shape"),
        ([], "shape"),
        ({**zen("created"), "detail": {}, "subject": 3}, "ticket"),
        ({**zen("merged"), "time": "yesterday", "detail": {"id": 77}}, "time"),
    ):
        found = delivered("zendesk", payload)
        assert isinstance(found, Unknown)
        assert found.reason == reason


def rendered(name: str, **values: str) -> Any:
    """A template of ours as Zendesk renders it: what is not given renders as nothing."""
    template = json.loads(files("supportpulse.edges.adapters").joinpath("templates/zendesk.json").read_text("utf-8"))
    text = json.dumps(template[name])
    return json.loads(
        re.sub(r"\{\{ticket\.([\w.]+)\}\}", lambda found: values.get(found[1].replace(".", "_"), ""), text)
    )


TICKET = {
    "id": "77", "created_at_with_timestamp": "2026-02-02T08:00:00Z", "requester_id": "100", "submitter_id": "100",
    "priority": "Urgent", "via": "Web form", "tags": "vip scene-live",
}  # fmt: skip
TRIGGERED = [
    rendered("ticket", **TICKET, status="New", updated_at_with_timestamp="2026-02-02T08:00:00Z"),
    rendered("ticket", **TICKET, status="Open", updated_at_with_timestamp="2026-02-02T08:02:00Z"),
    rendered(
        "comment", **TICKET, updated_at_with_timestamp="2026-02-02T08:10Z", latest_comment_id="3",
        latest_comment_author_id="200", latest_comment_author_role="Agent", latest_comment_is_public="true",
        latest_comment_value="It was the firewall, because port 443 was closed.",
    ),
    rendered(
        "ticket", **TICKET, status="Pending", updated_at_with_timestamp="2026-02-02T08:10Z",
        assignee_id="200", group_id="5",
    ),
    rendered("ticket", **TICKET, status="Solved", updated_at_with_timestamp="2026-02-02T09:00:00Z"),
]  # fmt: skip


def test_triggers_with_our_templates_make_the_same_life() -> None:
    """Snapshots and comments of triggers, some with times to the minute, give the verdicts events would give."""
    events = told("zendesk", TRIGGERED)
    assert kinds(events) == ["TicketObserved", "TicketObserved", "MessagePosted", "TicketObserved", "TicketObserved"]
    verdicts = {clock: verdict for (_, clock, _), (verdict, _, _) in stable(events).items()}
    assert verdicts["substantive_response"] == "met"
    assert verdicts["solution"] == "met"


def test_a_template_does_not_say_who_has_a_role_it_left_out() -> None:
    """Without a role, the requester is the customer and the listed agents are agents."""
    bare = {**TRIGGERED[2], "author_role": ""}
    assert [told("zendesk", [payload], **options)[0].data.model_dump()["actor"]["kind"] for payload, options in (
        (bare, {}),
        ({**bare, "author_id": "100"}, {}),
        ({**TRIGGERED[2], "author_role": "End-user", "author_id": "300"}, {}),
    )] == ["agent", "customer", "customer"]  # fmt: skip
    assert isinstance(delivered("zendesk", {**bare, "comment_id": ""}), Unknown)
    assert isinstance(delivered("zendesk", {**bare, "supportpulse": "other"}), Unknown)


def test_no_shape_is_fatal_and_no_text_comes_out() -> None:
    """Whatever is in a body, it is events or a reason, and nobody's words or names."""
    more = [zen("tags_changed", {"tags_added": ["a"], "tags_removed": []}), zen("merged", {"target_ticket_id": 1})]
    hostile(
        adapter_of("zendesk"),
        [*LIFE, *TRIGGERED, *more],
        attributes={"scenario": "labels:scene-", "region": "detail.brand_id"},
        solution_tags=frozenset({"a"}),
    )


def test_the_net_view_sees_a_missing_reply() -> None:
    """The check of stability can fail: without the reply the verdicts are others."""
    assert net(told("zendesk", LIFE)) != net(told("zendesk", LIFE[:6]))
