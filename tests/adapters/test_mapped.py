"""Webhooks that a mapping file describes."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

import supportpulse.edges.adapters.mapped as mapped
from adapted import MARKER, delivery_of, hostile, net, planted, stable
from supportpulse.edges.adapters.adapter import Adapter, Unknown
from supportpulse.edges.adapters.mapped import from_file
from supportpulse.envelope import encode, to_ms
from supportpulse.errors import MappingError
from supportpulse.events import TicketEvent

FRAPPE = Path(mapped.__file__).parent / "templates" / "frappe.toml"
DESK = """
ticket = "case.id"
time = "at"
sequence = "entry.number"
ignore = "kind == 'ping'"

[events.opened]
when = "kind == 'opened'"
event = "TicketCreated"
id = ["case.id"]
data = { status = "'new'", scenario = "case.labels[?starts_with(@, 's-')] | [0]", priority = "case.severity" }

[events.opened.actor]
id = "by.mail"
kind = "by.role"
kinds = { Staff = "agent", user = "customer" }

[events.said]
when = "kind == 'said' && !(entry.draft)"
event = "MessagePosted"
id = ["case.id", "entry.number"]
text = "entry.text"
public = "entry.visible_to == 'all'"
actor = { id = "by.mail", kind = "by.role", kinds = { staff = "agent", user = "customer" }, site = "by.office" }

[events.moved]
when = "contains(not_null(changed, `[]`), 'state')"
event = "StatusChanged"
id = ["entry.number"]
data.status = { path = "case.state", values = { done = "solved", waiting = "pending_customer" } }

[events.given]
when = "contains(not_null(changed, `[]`), 'owner')"
event = "Assigned"
id = ["entry.number"]
data = { agent = { path = "case.owner", missing = "cleared" }, team = "case.queue" }

[events.rated]
when = "kind == 'rated'"
event = "SatisfactionRated"
id = ["case.id"]
data.score = { path = "stars", values = { "5" = "1", "1" = "0.2" } }
"""
ANN, MAX = {"mail": "ann@example.org", "role": "user"}, {"mail": "max@acme.example", "role": "staff", "office": "sgp"}


def at(minute: int) -> str:
    """A minute after eight."""
    return f"2026-02-02T{8 + minute // 60:02d}:{minute % 60:02d}:00+00:00"


def hook(kind: str, minute: int, by: Any = ANN, number: int = 0, text: str = "hello", **rest: Any) -> dict[str, Any]:
    """A webhook of the desk that `DESK` describes."""
    case = {"id": "C-1", "severity": "High", "labels": ["x", "s-live"], "state": "new", "owner": None, "queue": "audio"}
    entry = {"number": number, "text": text, "visible_to": "all", "draft": False}
    body = {"kind": kind, "at": at(minute), "by": by, "case": case, "entry": entry}
    for path, value in rest.items():
        *parents, leaf = path.split("__")
        place = body
        for parent in parents:
            place = place[parent]
        place[leaf] = value
    return body


WHY = "It was the firewall, because port 443 was closed."
LIFE = [
    hook("opened", 0),
    hook("said", 0, number=1, text="there is no sound"),
    hook("said", 10, MAX, 2, "looks like a firewall", entry__visible_to="team"),
    hook("said", 20, MAX, 3, WHY, changed=["state"], case__state="Waiting"),
    hook("changed", 90, MAX, 4, changed=["state", "owner"], case__state="done", case__owner="max@acme.example"),
    hook("rated", 95, stars=5),
]


@pytest.fixture
def desk(tmp_path: Path) -> Adapter:
    """The adapter of `DESK`."""
    return adapter(tmp_path, DESK)


def adapter(folder: Path, text: str) -> Adapter:
    """The adapter of a mapping."""
    path = folder / "desk.toml"
    path.write_text(text, "utf-8")
    return from_file(path)


def told(adapt: Adapter, payloads: Sequence[Any], **options: Any) -> list[TicketEvent]:
    """All events of payloads that must be understood, the same each time they are asked for."""
    events: list[TicketEvent] = []
    for payload in payloads:
        before = copy.deepcopy(payload)
        found = adapt(delivery_of(payload, **options))
        assert payload == before
        assert adapt(delivery_of(payload, **options)) == found
        events += found
    return events


def refused(adapt: Adapter, payload: Any, **options: Any) -> str:
    """The reason that there are no events."""
    with pytest.raises(Unknown) as raised:
        adapt(delivery_of(payload, **options))
    assert MARKER not in str(raised.value)
    return raised.value.reason


def names(events: Sequence[TicketEvent]) -> list[str]:
    """The classes of events, in their order."""
    return [type(event).__name__ for event in events]


def data(event: TicketEvent) -> dict[str, Any]:
    """What an event says."""
    return dict(event.data.model_dump(exclude_unset=True))


def test_a_file_says_what_a_webhook_means(desk: Adapter) -> None:
    """Every table that applies makes one event, in causal order, with an id of what happened."""
    events = told(desk, LIFE)
    assert names(events) == [
        "TicketCreated", "MessagePosted", "MessagePosted", "MessagePosted", "StatusChanged", "Assigned",
        "StatusChanged", "SatisfactionRated",
    ]  # fmt: skip
    assert {event.ticket_id for event in events} == {"C-1"}
    assert events[3].id == "mapped/said/C-1/3/MessagePosted"
    assert [data(event).get("public") for event in events[1:4]] == [True, False, True]
    assert [data(events[place])["status"] for place in (0, 4, 6)] == ["new", "pending_customer", "solved"]
    assert data(events[7])["score"] == 1
    assert told(desk, [{"kind": "ping"}]) == []


def test_a_life_is_judged_the_same_in_any_order(desk: Adapter) -> None:
    """The first reply is the public one."""
    events = told(desk, LIFE)
    found = {clock: (verdict, time) for (_, clock, _), (verdict, time, _) in stable(events).items()}
    assert found["substantive_response"] == ("met", to_ms(events[3].time))


def test_what_holds_is_as_in_jmespath(tmp_path: Path) -> None:
    """Something that is there and not empty applies; nothing, false and the empty do not."""
    desk = adapter(tmp_path, DESK.replace("when = \"kind == 'opened'\"", 'when = "flag"'))
    for flag, applies in ((True, True), ("x", True), (0, True), (False, False), ("", False), ([], False), ({}, False)):
        assert (names(told(desk, [hook("rated", 0, stars=1, flag=flag)])) != ["SatisfactionRated"]) is applies


def test_attributes_in_our_words(desk: Adapter) -> None:
    """A value is what the source says, or the file, or itself; the source also knows the desk's statuses."""
    created = told(desk, LIFE[:1], values={"scenario": {"s-live": "live_show"}})[0]
    assert (data(created)["scenario"], data(created)["priority"]) == ("live_show", "high")
    moved = told(desk, [LIFE[4]], statuses={"done": "closed"})[1]
    assert data(moved)["status"] == "closed"


def test_a_person_is_a_digest(desk: Adapter) -> None:
    """Whoever acts or is assigned, and the same one each time; nobody is told as nobody, a team not said is not."""
    events = told(desk, LIFE)
    acted, owner = data(events[2])["actor"], data(events[5])["agent"]
    assert acted == {"kind": "agent", "id": owner, "site": "sgp"}
    assert refused(desk, hook("said", 5, MAX | {"office": "\ud800"})) == "shape"
    assert not any(name in encode(event) for event in events for name in (b"acme.example", b"example.org"))
    nobody = told(desk, [hook("changed", 90, changed=["owner"], case__queue=None)])[0]
    assert data(nobody) == {"agent": None}


@pytest.mark.parametrize(
    ("by", "options", "kind"),
    [
        (MAX, {}, "agent"),
        (ANN, {}, "customer"),
        (ANN, {"agents": {"ann@example.org"}}, "agent"),
        (MAX, {"bots": {"max@acme.example"}}, "bot"),
        (ANN | {"role": "Automation"}, {}, "automation"),
        (None, {}, None),
    ],
)
def test_who_somebody_is(desk: Adapter, by: Any, options: dict[str, set[str]], kind: str | None) -> None:
    """As the source says, else as the file does, else by our own words; nobody where nobody is named."""
    event = told(desk, [hook("said", 5, by, 1)], **{key: frozenset(value) for key, value in options.items()})[0]
    assert data(event).get("actor", {}).get("kind") == kind


def test_times_that_name_no_zone(tmp_path: Path, desk: Adapter) -> None:
    """They are the mapping's zone's, and no times at all without one; numbers are epochs."""
    payload = hook("opened", 0, at="2026-02-02 16:00:00.5")
    assert refused(desk, payload) == "time"
    zoned = adapter(tmp_path, 'zone = "Asia/Shanghai"\n' + DESK)
    assert told(zoned, [payload])[0].time.isoformat() == "2026-02-02T08:00:00.500000+00:00"
    assert told(zoned, [hook("opened", 0, at=1_770_019_200_000)])[0].time.hour == 8
    assert refused(zoned, hook("opened", 0, at="9999-99-99")) == "time"


def test_without_a_word_on_who_may_see_it_the_source_decides(tmp_path: Path) -> None:
    """A message is internal unless the source says that what is unmarked is public."""
    desk = adapter(tmp_path, DESK.replace("public = \"entry.visible_to == 'all'\"\n", ""))
    assert data(told(desk, LIFE[1:2])[0])["public"] is False
    assert data(told(desk, LIFE[1:2], unmarked_public=True)[0])["public"] is True


def test_what_is_missing_or_unknown_is_a_named_reason(desk: Adapter) -> None:
    """Nothing of the file's, no ticket, no id, no time, an unknown state or role; a draft is none of the file's."""
    for payload, reason in (
        ({}, "event"),
        (7, "event"),
        (hook("said", 1, entry__draft=True), "event"),
        (hook("other", 1, changed=7), "event"),
        (hook("opened", 0, case__id=None), "shape"),
        (hook("said", 1, entry__number=["1"]), "shape"),
        (hook("opened", 0, at=None), "time"),
        (hook("changed", 1, changed=["state"], case__state=MARKER), "status"),
        (hook("opened", 0, {"mail": "x", "role": MARKER}), "role"),
        (hook("rated", 1, stars=7), "shape"),
    ):
        assert refused(desk, payload) == reason


def test_no_shape_is_fatal_and_no_text_comes_out(desk: Adapter) -> None:
    """Whatever is in a body, it is events or a reason, and nobody's words or addresses."""
    mine = [planted(hook["by"]) and hook | {"by": hook["by"] | {"mail": f"{MARKER}@acme.example"}} for hook in LIFE]
    for payload in mine:
        if payload["case"]["owner"]:
            payload["case"]["owner"] = MARKER
    hostile(desk, mine, bots=frozenset(("x",)))


@pytest.mark.timeout(30)
def test_a_long_payload_takes_no_longer_than_it_is_long(tmp_path: Path) -> None:
    """The dearest expression that a file may have, over 100,000 labels, is a matter of seconds."""
    dearest = "join('-', reverse(sort_by(case.labels[?contains(@, 'x') || ends_with(@, 'y')], &@))) == 'z'"
    desk = adapter(tmp_path, DESK.replace("when = \"kind == 'opened'\"", f'when = "{dearest}"'))
    assert refused(desk, hook("none", 0, case__labels=[f"label x{n}" for n in range(100_000)])) == "event"


def snapshot(minute: int, status: str = "Open", team: str = "") -> dict[str, Any]:
    """A ticket as the example's webhook of Frappe shows it."""
    return {
        "doctype": "HD Ticket", "name": 12, "creation": at(0)[:19].replace("T", " "), "status": status,
        "modified": at(minute)[:19].replace("T", " "), "priority": "Medium", "team": team,
    }  # fmt: skip


def communication(number: int, minute: int, direction: str, text: str, kind: str = "Communication") -> dict[str, Any]:
    """A mail of the ticket."""
    return {
        "doctype": "Communication", "name": f"m{number}", "ticket": "12", "kind": kind, "direction": direction,
        "creation": at(minute)[:19].replace("T", " "), "sender": "ann@example.org", "content": f"<p>{text}</p>",
    }  # fmt: skip


def test_the_example_reads_frappe_helpdesk() -> None:
    """Snapshots are diffed, mails are messages, an automated one is no reply, a comment is internal."""
    comment = {**communication(4, 5, "Sent", "a firewall?"), "doctype": "HD Ticket Comment"}
    adapt = from_file(FRAPPE)
    events = told(adapt, [
        snapshot(0),
        communication(1, 0, "Received", "there is no sound"),
        communication(2, 1, "Sent", "thanks, we will look into it", "Automated Message"),
        comment,
        communication(3, 20, "Sent", WHY),
        snapshot(20, "Replied", "Audio"),
        snapshot(90, "Resolved", "Audio"),
    ])  # fmt: skip
    assert names(events) == ["TicketObserved", *["MessagePosted"] * 4, *["TicketObserved"] * 2]
    assert {event.ticket_id for event in events} == {"12"}
    kinds = [data(event)["actor"]["kind"] for event in events[1:5]]
    assert kinds == ["customer", "automation", "agent", "agent"]
    assert [data(event)["public"] for event in events[1:5]] == [True, True, False, True]
    assert [data(events[place])["status"] for place in (0, 5, 6)] == ["open", "pending_customer", "solved"]
    assert (data(events[0])["priority"], data(events[0])["team"], data(events[5])["team"]) == ("normal", None, "audio")
    found = {clock: (verdict, time) for (_, clock, _), (verdict, time, _) in stable(events).items()}
    assert found["substantive_response"] == ("met", to_ms(events[4].time))
    assert (events[5].sequence or 0) > (events[4].sequence or 0)
    assert data(events[4])["signals"]["length"] == len(WHY)
    assert told(adapt, [communication(5, 30, "Sent", "like", "Other")]) == []
    assert net(events)


@pytest.mark.parametrize(
    ("wrong", "right", "key", "valid"),
    [
        ('when = "kind == \'opened\'"', 'when = "kind == "', "events.opened.when", "JMESPath expression"),
        ('when = "kind == \'opened\'"', 'when = "system(kind)"', "events.opened.when", "calls only contains"),
        ('when = "kind == \'opened\'"', 'when = "contains(kind)"', "events.opened.when", "2 arguments"),
        ('when = "kind == \'opened\'"', 'when = "[[a, b], c]"', "events.opened.when", "one [a, b] at most"),
        ('when = "kind == \'opened\'"', f'when = "{"a" * 301}"', "events.opened.when", "300 characters"),
        ('when = "kind == \'opened\'"', f'when = "{"(" * 290}"', "events.opened.when", "JMESPath expression"),
        ('when = "kind == \'opened\'"', 'when = "a && !b.c"', "events.opened.when", "!(a.b)"),
        ('when = "kind == \'opened\'"', "", "events.opened.when", "required"),
        ('event = "TicketCreated"', 'event = "TicketOpened"', "events.opened.event", "one of TicketCreated"),
        ('id = ["entry.number"]', "id = []", "events.moved.id", "at least 1"),
        ("scenario =", "scene =", "events.opened.data", "a field of TicketCreated"),
        ("data.status = {", "data2 = {", "events.moved.data2", "Extra inputs"),
        ('done = "solved"', 'done = "finished"', "events.moved.data.status.values", "pending_customer"),
        ('Staff = "agent"', 'Staff = "boss"', "events.opened.actor.kinds.Staff", "'agent'"),
        ('text = "entry.text"\n', "", "events.said.text", "the expression of a message's text"),
        ('when = "kind == \'opened\'"', 'when = "x"\ntext = "y"', "events.opened.event", "MessagePosted"),
        ('ticket = "case.id"', "", "events.opened.ticket", "for all events"),
        ('time = "at"', 'time = "at"\nzone = "Mars/Base"', "zone", "IANA zone"),
        ('data.score = { path = "stars", values = { "5" = "1", "1" = "0.2" } }', "", "events.rated.data", "needs it"),
        ("[events.opened]", "[events.opened", "TOML", "a TOML document"),
        ("[events.given]", '[events."a b"]', "events.a b", "pattern"),
    ],
)  # fmt: skip
def test_a_mistake_of_a_file_is_named(tmp_path: Path, wrong: str, right: str, key: str, valid: str) -> None:
    """By file, key, what was found and what is valid."""
    assert wrong in DESK
    with pytest.raises(MappingError) as raised:
        adapter(tmp_path, DESK.replace(wrong, right, 1))
    assert raised.value.file.endswith("desk.toml")
    assert raised.value.key == key
    assert valid in raised.value.valid


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    """It is named."""
    with pytest.raises(MappingError, match=r"missing\.toml: file: found 'No such file"):
        from_file(tmp_path / "missing.toml")
