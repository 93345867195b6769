"""GitHub issues."""

from __future__ import annotations

from typing import Any

import pytest

from adapted import adapter_of, captured, delivered, hostile, stable, told
from supportpulse.edges.adapters.adapter import Unknown

REPOSITORY = {"id": 1, "full_name": "acme/sdk", "name": "sdk"}
ANN = {"login": "ann", "id": 10, "type": "User"}
MAX = {"login": "max", "id": 20, "type": "User"}
BOT = {"login": "triage[bot]", "id": 30, "type": "Bot"}
ISSUES, COMMENTS = {"x-github-event": "issues"}, {"x-github-event": "issue_comment"}


def at(minute: int) -> str:
    """A minute after eight."""
    return f"2026-02-02T{8 + minute // 60:02d}:{minute % 60:02d}:00Z"


def issue(minute: int = 0, **fields: Any) -> dict[str, Any]:
    """Issue 5 as it is after an update."""
    return {
        "id": 500, "number": 5, "user": ANN, "author_association": "NONE", "labels": [{"name": "p: urgent"}],
        "state": "open", "assignee": None, "assignees": [], "created_at": at(0), "updated_at": at(minute),
        "closed_at": None, "title": "no sound", "body": "there is no sound", **fields,
    }  # fmt: skip


def hook(action: str, minute: int = 0, sender: Any = MAX, *, of: Any = None, **rest: Any) -> Any:
    """An `issues` webhook."""
    return {"action": action, "issue": of or issue(minute), "repository": REPOSITORY, "sender": sender, **rest}


def comment(number: int, minute: int, user: Any, association: str = "NONE", body: str = "hello", **fields: Any) -> Any:
    """An `issue_comment` webhook of a new comment."""
    said = {"id": number, "user": user, "author_association": association, "body": body, "created_at": at(minute)}
    return hook("created", minute, user, of=issue(minute, **fields), comment=said)


WHY = "It was the firewall, because port 443 was closed."
LIFE = [
    hook("opened", 0, ANN),
    comment(1, 1, BOT, body="thanks for the report"),
    hook("assigned", 2, of=issue(2, assignee=MAX, assignees=[MAX]), assignee=MAX),
    comment(2, 10, MAX, "MEMBER", WHY),
    comment(3, 50, ANN, body="thanks, it works now"),
    hook("closed", 60, of=issue(60, state="closed", closed_at=at(60), state_reason="completed")),
]


def names(found: Any) -> list[str]:
    """The classes of events, in their order, or the reason that there are none."""
    return [found.reason] if isinstance(found, Unknown) else [type(event).__name__ for event in found]


def data(event: Any) -> dict[str, Any]:
    """What an event says."""
    said: dict[str, Any] = event.data.model_dump()
    return said


def test_every_captured_payload_gives_events_or_nothing() -> None:
    """What GitHub really sent is understood without its headers too; a ping and an edit say nothing."""
    found = {name: names(delivered("github", payload)) for name, payload in captured("github").items()}
    assert found == {
        "issue_comment.created.json": ["MessagePosted"],
        "issue_comment.edited.json": [],
        "issues.assigned.json": ["Assigned"],
        "issues.labeled.json": [],
        "issues.opened.json": ["TicketCreated", "Assigned"],
        "issues.reopened.json": ["StatusChanged"],
        "issues.transferred.json": ["TicketMerged"],
        "ping.json": [],
    }
    stable(told("github", captured("github").values()))


def test_the_header_says_the_same_as_the_body() -> None:
    """With the name of the event in its header, a body gives the same events."""
    assert delivered("github", LIFE[3], COMMENTS) == delivered("github", LIFE[3])
    assert delivered("github", LIFE[0], ISSUES) == delivered("github", LIFE[0])
    assert delivered("github", {"zen": "x"}, {"x-github-event": "ping"}) == []


def test_a_life_is_judged_the_same_in_any_order() -> None:
    """A member's first reply after ten minutes is the first, not the bot's after one."""
    view = stable(told("github", LIFE))
    verdicts = {clock: (verdict, time) for (_, clock, _), (verdict, time, _) in view.items()}
    assert verdicts["substantive_response"][0] == "met"
    replied = told("github", [LIFE[3]])[0].time.timestamp() * 1000
    assert verdicts["substantive_response"][1] == replied


@pytest.mark.parametrize(
    ("user", "association", "options", "kind"),
    [
        (MAX, "MEMBER", {}, "agent"),
        (MAX, "COLLABORATOR", {}, "agent"),
        (MAX, "CONTRIBUTOR", {}, "customer"),
        (MAX, "NONE", {"agents": frozenset({"max"})}, "agent"),
        (MAX, "NONE", {"agents": frozenset({"20"})}, "agent"),
        (BOT, "MEMBER", {}, "bot"),
        (MAX, "OWNER", {"bots": frozenset({"max"})}, "bot"),
        (ANN, "OWNER", {}, "agent"),
    ],
)
def test_who_somebody_is(user: Any, association: str, options: dict[str, Any], kind: str) -> None:
    """Bots by their type, agents by what they are to the repository, both by configuration too."""
    event = told("github", [comment(1, 5, user, association)], **options)[0]
    assert data(event)["actor"]["kind"] == kind
    assert data(event)["actor"]["id"] != str(user["id"])


def test_a_close_by_the_author_is_a_customers() -> None:
    """Who opened the issue may close it; nobody else than an agent may."""
    closed = issue(60, state="closed", closed_at=at(60))
    mine, theirs = told("github", [hook("closed", 60, ANN, of=closed), hook("closed", 60, MAX, of=closed)])
    assert (data(mine)["actor"]["kind"], data(theirs)["actor"]["kind"]) == ("customer", "agent")


@pytest.mark.parametrize(
    ("reason", "status", "kinds"),
    [
        ("completed", "solved", ["StatusChanged"]),
        (None, "solved", ["StatusChanged"]),
        ("not_planned", "closed", ["StatusChanged"]),
        ("duplicate", "closed", ["RepeatOf", "StatusChanged"]),
        ("invented_later", "closed", ["StatusChanged"]),
    ],
)
def test_why_an_issue_was_closed(reason: str | None, status: str, kinds: list[str]) -> None:
    """Only what was completed is solved; a duplicate repeats another ticket."""
    payload = hook("closed", 61, of=issue(61, state="closed", closed_at=at(60), state_reason=reason))
    events = told("github", [payload])
    assert names(events) == kinds
    assert data(events[-1])["status"] == status
    assert events[-1].time.minute == 0, "closed_at, not the last update"


def test_labels_are_attributes_statuses_and_solutions_at_the_issues_last_update() -> None:
    """A label has no time of its own; one that is taken off clears its attribute and ends its status."""
    options: dict[str, Any] = {
        "attributes": {"priority": "labels:p: ", "scenario": "labels:"},
        "values": {"scenario": {"live": "live_show"}},
        "statuses": {"label:needs info": "pending_customer"},
        "solution_tags": frozenset({"answered"}),
    }
    assert data(told("github", LIFE[:1], **options)[0])["priority"] == "urgent"
    labels = [{"name": "live"}, {"name": "Needs info"}]

    def labelled(action: str, name: str) -> list[Any]:
        payload = hook(action, 9, of=issue(9, labels=labels), label={"name": name})
        return told("github", [payload], **options)

    assert data(labelled("labeled", "live")[0])["scenario"] == "live_show"
    assert labelled("unlabeled", "p: urgent")[0].data.model_dump(exclude_unset=True)["priority"] is None
    assert [data(labelled(action, "Needs info")[0])["status"] for action in ("labeled", "unlabeled")] == [
        "pending_customer",
        "open",
    ]
    assert names(labelled("labeled", "answered")) == ["SolutionProvided"]
    assert labelled("labeled", "unheard of") == []
    assert labelled("labeled", "live")[0].time.minute == 9


def test_an_assignment_leaves_the_last_one_or_nobody() -> None:
    """Of several assignees the one just added has the ticket, and the first of the rest once that one left."""
    added = told("github", [hook("assigned", 3, of=issue(3, assignees=[ANN, MAX]), assignee=MAX)])[0]
    left = told("github", [hook("unassigned", 4, of=issue(4, assignees=[ANN]), assignee=MAX)])[0]
    nobody = told("github", [hook("unassigned", 5, assignee=ANN)])[0]
    assert data(added)["agent"] not in (None, data(left)["agent"])
    assert data(left)["agent"] is not None
    assert nobody.data.model_dump(exclude_unset=True)["agent"] is None


def test_a_transfer_ends_one_ticket_and_starts_another() -> None:
    """The old ticket is merged into the new one, whose clocks start with the transfer, not with the first opening."""
    new = {"number": 8, "id": 800}
    gone = told("github", [hook("transferred", 30, changes={
        "new_issue": new, "new_repository": {"full_name": "acme/docs"},
    })])[0]  # fmt: skip
    come = hook("opened", 30, of=issue(30, **new), changes={"old_issue": issue(), "old_repository": REPOSITORY})
    come["repository"] = {"full_name": "acme/docs"}
    created, split = told("github", [come])
    assert (gone.ticket_id, data(gone)["other_ticket_id"]) == ("acme/sdk#5", "acme/docs#8")
    assert (split.ticket_id, data(split)["other_ticket_id"]) == ("acme/docs#8", "acme/sdk#5")
    assert created.time.minute == 30


def test_pull_requests_and_edits_are_of_no_interest() -> None:
    """A comment on a pull request is no ticket's; an edit, a pin or a milestone changes no clock."""
    assert delivered("github", comment(1, 5, MAX, pull_request={"url": "u"}), COMMENTS) == []
    for action in ("edited", "pinned", "locked", "milestoned"):
        assert delivered("github", hook(action)) == []
    for action in ("edited", "deleted"):
        assert delivered("github", {**comment(1, 5, MAX), "action": action}, COMMENTS) == []


def test_a_deleted_issue_is_no_ticket_any_more() -> None:
    """What ran is cancelled."""
    view = stable(told("github", [*LIFE[:2], hook("deleted", 1)]))
    assert {verdict for verdict, _, _ in view.values()} == {"cancelled"}


def test_what_is_missing_or_unknown_is_a_named_reason() -> None:
    """Another event, another action, no repository, no time."""
    for payload, headers, reason in (
        ({}, {}, "event"),
        ({"ref": "main"}, {"x-github-event": "push"}, "event"),
        (hook("teleported"), {}, "event"),
        ({**LIFE[3], "action": "liked"}, COMMENTS, "event"),
        ({**LIFE[0], "repository": None}, {}, "shape"),
        (hook("reopened", of={**issue(), "updated_at": "now"}), {}, "time"),
        (7, {}, "shape"),
    ):
        assert names(delivered("github", payload, headers)) == [reason]


def test_no_shape_is_fatal_and_no_text_comes_out() -> None:
    """Whatever is in a body, it is events or a reason, and nobody's words or logins."""
    label = {"name": "needs info"}
    more = [hook("labeled", 9, label=label), hook("unlabeled", 9, label=label), hook("deleted", 9), hook("reopened", 9)]
    hostile(
        adapter_of("github"),
        [*LIFE, *more],
        attributes={"priority": "labels:p: "},
        statuses={"label:needs info": "pending_customer"},
        agents=frozenset({"max"}),
    )


def test_captured_payloads_broken_at_random_are_not_fatal() -> None:
    """The same for what GitHub really sent, hundreds of fields deep."""
    hostile(adapter_of("github"), captured("github").values(), thorough=False)
