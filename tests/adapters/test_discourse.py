"""Discourse: a topic is a ticket."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from adapted import MARKER, RECEIVED, adapter_of, delivered, hostile, net, planted, stable
from supportpulse.edges.adapters.adapter import Unknown
from supportpulse.envelope import to_ms
from supportpulse.events import TicketEvent

ANN = {"user_id": 10, "username": "ann", "staff": False, "admin": False, "moderator": False, "primary_group_name": None}
MAX = {"user_id": 20, "username": "max", "staff": True, "admin": False, "moderator": True, "primary_group_name": "team"}
SYSTEM = {"user_id": -1, "username": "system", "staff": True, "admin": True, "moderator": True}
Hook = tuple[str, dict[str, Any]]


def at(minute: int) -> str:
    """A minute after eight."""
    return f"2026-02-02T{8 + minute // 60:02d}:{minute % 60:02d}:00.250Z"


def post(number: int, minute: int, user: dict[str, Any], text: str = "hello", **fields: Any) -> dict[str, Any]:
    """A post of topic 5; its id is 100 times its number."""
    return {
        "id": number * 100, "topic_id": 5, "post_number": number, "post_type": 1, "created_at": at(minute),
        "updated_at": at(minute), "cooked": f"<p>{text}</p>", "raw": text, "topic_title": "no sound",
        "topic_archetype": "regular", "category_id": 7, "category_slug": "voice", "name": "x", **user, **fields,
    }  # fmt: skip


def topic(**fields: Any) -> dict[str, Any]:
    """Topic 5, created 5 ms before its first post."""
    return {
        "id": 5, "title": "no sound", "created_at": "2026-02-02T08:00:00.245Z", "archetype": "regular", "closed": False,
        "category_id": 7, "tags": ["s-live", "android"], "user_id": 10, "highest_post_number": 1, "deleted_at": None,
        "created_by": {"id": 10, "username": "ann", "name": "x"}, **fields,
    }  # fmt: skip


def posted(*args: Any, **fields: Any) -> Hook:
    """A webhook of a new post."""
    return "post_created", {"post": post(*args, **fields)}


WHY = "It was the firewall, because port 443 was closed. See <a href='https://docs.acme.com/ports'>the ports</a>."
LIFE: list[Hook] = [
    ("topic_created", {"topic": topic()}),
    posted(1, 0, ANN, "there is no sound"),
    posted(2, 1, SYSTEM, "welcome, and thanks for your post"),
    posted(3, 2, MAX, "looks like a firewall to me", post_type=4),
    posted(4, 20, MAX, WHY),
    ("accepted_solution", {"solved": post(4, 20, MAX, WHY, accepted_answer=True)}),
]


def told(hooks: list[Hook], **options: Any) -> list[TicketEvent]:
    """All events of webhooks that must be understood."""
    events: list[TicketEvent] = []
    for name, payload in hooks:
        found = delivered("discourse", payload, {"x-discourse-event": name}, **options)
        assert not isinstance(found, Unknown), found
        events += found
    return events


def names(found: Any) -> list[str]:
    """The classes of events, in their order, or the reason that there are none."""
    return [found.reason] if isinstance(found, Unknown) else [type(event).__name__ for event in found]


def data(event: Any) -> dict[str, Any]:
    """What an event says."""
    return dict(event.data.model_dump(exclude_unset=True))


def verdicts(view: Any) -> dict[str, tuple[str, int]]:
    """Clock -> verdict and its time, of its last cycle."""
    return {
        clock: (verdict, time) for (_, clock, _), (verdict, time, _) in sorted(view.items(), key=lambda one: one[1][1])
    }


def test_a_topic_is_a_ticket() -> None:
    """Its first post opens it and is a message; the accepted post is the solution, from when it was written."""
    events = told(LIFE)
    assert names(events) == [
        "AttributesChanged", "TicketObserved", "TicketCreated", *["MessagePosted"] * 4, "SolutionProvided",
        "StatusChanged",
    ]  # fmt: skip
    assert {event.ticket_id for event in events} == {"5"}
    assert [event.id for event in events[2:5]] == [
        "discourse/topic/5/created", "discourse/post/100/MessagePosted", "discourse/post/200/MessagePosted",
    ]  # fmt: skip
    assert data(events[2])["channel"] == "community"
    assert events[7].time == events[6].time
    assert (events[8].time, data(events[8])["status"]) == (RECEIVED, "solved")


def test_a_life_is_judged_the_same_in_any_order() -> None:
    """The first reply is the moderator's after twenty minutes, not the system's, nor what is whispered."""
    events = told(LIFE)
    replied = to_ms(events[6].time)
    assert verdicts(stable(events))["substantive_response"] == ("met", replied)


def test_a_lost_first_post_does_not_lose_the_ticket() -> None:
    """The topic says when it began; of two who say so, the post comes first and says who wrote it."""
    lost = verdicts(net(told([LIFE[0], *LIFE[2:]])))
    assert lost["substantive_response"] == verdicts(net(told(LIFE)))["substantive_response"]
    staff = told([("topic_created", {"topic": topic()}), posted(1, 0, MAX), posted(2, 5, ANN)])
    assert "first_response" not in verdicts(stable(staff))
    began = [told(LIFE[:1], **options)[1] for options in ({}, {"agents": frozenset(("ann",))})]
    assert ["actor" in data(event) for event in began] == [False, True]


@pytest.mark.parametrize(
    ("user", "options", "kind"),
    [
        (ANN, {}, "customer"),
        (MAX, {}, "agent"),
        (ANN | {"admin": True}, {}, "agent"),
        (ANN | {"moderator": True}, {}, "agent"),
        (ANN | {"staff": "yes"}, {}, "customer"),
        (ANN, {"agents": {"ann"}}, "agent"),
        (ANN, {"agents": {"10"}}, "agent"),
        (ANN | {"primary_group_name": "champions"}, {"agents": {"champions"}}, "agent"),
        (MAX, {"bots": {"max"}}, "bot"),
        (SYSTEM, {}, "automation"),
        (ANN | {"user_id": -2}, {}, "automation"),
    ],
)
def test_who_somebody_is(user: dict[str, Any], options: dict[str, set[str]], kind: str) -> None:
    """Staff by role, by name, id or group; what has an id below zero is Discourse itself."""
    actor = data(told([posted(2, 5, user)], **{key: frozenset(value) for key, value in options.items()})[0])["actor"]
    assert actor["kind"] == kind
    assert actor.get("id") not in ("10", "20", "ann", "max")


def test_a_whisper_is_internal() -> None:
    """Everything else that people write is public."""
    assert [data(event)["public"] for event in told(LIFE[1:5])[1:]] == [True, True, False, True]


@pytest.mark.parametrize(
    ("code", "fields", "expected"),
    [
        ("closed.enabled", {}, ["closed"]),
        ("autoclosed.enabled", {}, ["closed"]),
        ("closed.disabled", {}, ["open"]),
        ("closed.disabled", {"topic_accepted_answer": True}, ["solved"]),
        ("visible.disabled", {}, []),
        ("split_topic", {}, []),
    ],
)
def test_a_notice_is_a_status(code: str, fields: dict[str, Any], expected: list[str]) -> None:
    """With the time and the author of the notice; a solved topic that opens for more posts stays solved."""
    events = told([posted(6, 90, MAX, action_code=code, post_type=3, **fields)])
    assert [data(event)["status"] for event in events] == expected
    assert all(event.time.minute == 30 and data(event)["actor"]["kind"] == "agent" for event in events)


def test_statuses_of_a_source() -> None:
    """What a notice means may be said otherwise."""
    silent = ("topic_closed_status_updated", {"topic": topic(closed=True)})
    closed = [posted(6, 90, MAX, action_code="closed.enabled"), silent]
    events = told(closed, statuses={"closed.enabled": "solved"})
    assert [data(event)["status"] for event in events] == ["solved", "solved"]


def test_a_closing_without_notice_counts_when_received() -> None:
    """Beside a notice it changes nothing."""
    silent = ("topic_closed_status_updated", {"topic": topic(closed=True)})
    events = told([*LIFE[:5], silent])
    assert (names(events)[-1], events[-1].time, data(events[-1])) == ("TicketObserved", RECEIVED, {"status": "closed"})
    noticed = told([*LIFE[:5], posted(6, 90, MAX, action_code="closed.enabled", post_type=3)])
    assert net([*noticed, events[-1]]) == net(noticed)
    opened = ("topic_closed_status_updated", {"topic": topic(accepted_answers=[{"post_number": 4}])})
    assert data(told([opened])[0])["status"] == "solved"


def test_a_retry_of_the_same_day_has_the_same_id() -> None:
    """Though Discourse does not say when a solution was accepted."""
    later = RECEIVED + timedelta(hours=1)
    for name, payload in (LIFE[5], ("topic_closed_status_updated", {"topic": topic(closed=True)})):
        again = delivered("discourse", payload, {"x-discourse-event": name}, later)
        assert not isinstance(again, Unknown)
        assert [event.id for event in again] == [event.id for event in told([(name, payload)])]


def test_a_solution_withdrawn_opens_the_topic() -> None:
    """The solution was given all the same."""
    events = told([("unaccepted_solution", {"solved": post(4, 20, MAX)})])
    assert [(names(events), data(event)["status"]) for event in events] == [(["StatusChanged"], "open")]


def test_a_deleted_topic_is_no_ticket() -> None:
    """At the time of its deletion if that is told; recovered, it is one again."""
    gone = told([("topic_destroyed", {"topic": topic(deleted_at=at(30))})])
    assert (names(gone), gone[0].time.minute) == (["TicketDeleted"], 30)
    events = [*told(LIFE[:2]), *gone]
    assert {verdict for verdict, _ in verdicts(stable(events)).values()} == {"cancelled"}
    back = told([("topic_recovered", {"topic": topic(deleted_at=at(30))})])
    assert (names(back), back[0].time) == (["TicketRestored"], RECEIVED)
    assert "cancelled" not in {verdict for verdict, _ in verdicts(net([*events, *back])).values()}


def test_attributes_of_a_source() -> None:
    """By tag with the topic, by category with topic and post; an edited topic shows them again, if there are any."""
    options: dict[str, Any] = {
        "attributes": {"scenario": "labels:s-", "region": "topic.category_id"},
        "values": {"region": {"7": "latam"}},
    }
    tags, _, created, _ = told(LIFE[:2], **options)
    assert (data(tags)["scenario"], data(tags)["region"], data(created)["region"]) == ("live", "latam", "latam")
    newer = ("topic_edited", {"topic": topic(tags=[{"id": 1, "name": "s-voice"}])})
    assert data(told([newer], **options)[0]) == {"scenario": "voice", "region": "latam"}
    assert told([newer]) == []


def test_a_link_is_read_out_of_its_mark_up() -> None:
    """A cooked post is HTML."""
    signals: Any = data(told([LIFE[4]], docs=frozenset(("docs.acme.com",)))[0])["signals"]
    assert (signals["doc_links"], signals["cause"]) == (1, True)
    assert data(told([posted(2, 5, ANN, "hi")])[0])["signals"]["length"] == 2


@pytest.mark.parametrize("name", ["post_edited", "topic_pinned_status_updated", "user_created", "like_created", "ping"])
def test_what_changes_no_clock_is_of_no_interest(name: str) -> None:
    """Nor do private messages, nor notices that are posts."""
    assert delivered("discourse", {"post": post(2, 5, ANN)}, {"x-discourse-event": name}) == []
    assert told([posted(1, 0, SYSTEM, topic_archetype="private_message")]) == []
    assert told([("topic_created", {"topic": topic(archetype="private_message")})]) == []
    assert told([posted(6, 90, MAX, post_type=2)]) == []
    assert delivered("discourse", {"ping": "OK"}) == []


def test_what_is_missing_or_unknown_is_a_named_reason() -> None:
    """Another event, no header, no topic, no time."""
    for name, payload, reason in (
        ("teleported", {}, "event"),
        ("", LIFE[1][1], "event"),
        ("post_created", {"topic": topic()}, "shape"),
        ("post_created", {"post": post(1, 0, ANN, topic_id=None)}, "shape"),
        ("post_created", {"post": post(1, 0, ANN, created_at="now")}, "time"),
        ("topic_created", {"topic": topic(created_at=None)}, "time"),
        ("topic_closed_status_updated", {"topic": topic(closed="t")}, "shape"),
        ("post_created", 7, "shape"),
    ):
        assert names(delivered("discourse", payload, {"x-discourse-event": name})) == [reason]


@pytest.mark.parametrize(
    "hook",
    [*LIFE[:2], LIFE[5], posted(6, 90, MAX, action_code="closed.enabled"), ("topic_destroyed", {"topic": topic()}),
     ("topic_edited", {"topic": topic()}), ("topic_closed_status_updated", {"topic": topic()})],
)  # fmt: skip
def test_no_shape_is_fatal_and_no_text_comes_out(hook: Hook) -> None:
    """Whatever is in a body, it is events or a reason, and nobody's words or names."""
    name, payload = hook
    assert MARKER in str(planted(payload))
    options: Any = {"attributes": {"scenario": "labels:s-", "region": "topic.category_id"}, "agents": frozenset("m")}
    hostile(adapter_of("discourse"), [payload], {"x-discourse-event": name}, examples=60, **options)
