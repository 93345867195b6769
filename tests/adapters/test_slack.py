"""Slack: a thread is a ticket."""

from __future__ import annotations

from typing import Any

import pytest

from adapted import MARKER, adapter_of, delivered, hostile, net, planted, stable, told
from supportpulse.edges.adapters.adapter import Unknown
from supportpulse.envelope import encode

ANN, MAX, EVE = "U0ANN", "U0MAX", "U0EVE"
FORM = "B0FORM"
AGENTS = frozenset((MAX,))
BORN = 1_770_019_200


def ts(second: int = 0) -> str:
    """A time stamp, some seconds after the first message."""
    return f"{BORN + second}.000100"


def hook(event: dict[str, Any], **rest: Any) -> dict[str, Any]:
    """A request of the Events API."""
    return {
        "token": "x", "team_id": "T0OURS", "api_app_id": "A0", "type": "event_callback", "event_id": "Ev01",
        "event_time": BORN, "event": event, **rest,
    }  # fmt: skip


def said(second: int, user: str | None, text: str = "hello", **fields: Any) -> dict[str, Any]:
    """A message: the first of the thread at second 0, else a reply."""
    event: dict[str, Any] = {
        "type": "message", "channel": "C0HELP", "channel_type": "channel", "ts": ts(second), "event_ts": ts(second),
        "text": text, "team": "T0OURS",
    }  # fmt: skip
    if user is not None:
        event["user"] = user
    if second:
        event |= {"thread_ts": ts(), "parent_user_id": ANN}
    return hook(event | fields)


def reacted(second: int, user: str, emoji: str = "white_check_mark", kind: str = "added", on: int = 0) -> Any:
    """A reaction to a message of Ann's."""
    item = {"type": "message", "channel": "C0HELP", "ts": ts(on)}
    return hook({
        "type": f"reaction_{kind}", "user": user, "reaction": emoji, "item": item, "item_user": ANN,
        "event_ts": ts(second),
    })  # fmt: skip


WHY = "It was the firewall, because port 443 was closed. See <https://docs.acme.com/ports|the ports> &amp; open it."
LIFE = [
    said(0, ANN, "there is no sound", files=[{"id": "F1", "name": "log.txt"}], subtype="file_share"),
    said(5, None, "thanks, we will look", subtype="bot_message", bot_id="B0HELLO", username="helper"),
    said(600, MAX, WHY, docs=None),
    said(3000, ANN, "thanks, it works now"),
    reacted(3600, MAX),
]


def names(found: Any) -> list[str]:
    """The classes of events, in their order, or the reason that there are none."""
    return [found.reason] if isinstance(found, Unknown) else [type(event).__name__ for event in found]


def data(event: Any) -> dict[str, Any]:
    """What an event says."""
    return dict(event.data.model_dump(exclude_unset=True))


def verdicts(view: Any) -> dict[str, tuple[str, float]]:
    """Clock -> verdict and seconds after the first message, of its last cycle."""
    found = sorted((time, clock, verdict) for (_, clock, _), (verdict, time, _) in view.items())
    return {clock: (verdict, time / 1000 - BORN) for time, clock, verdict in found}


def test_a_thread_is_a_ticket_with_a_link() -> None:
    """The first message opens it, replies and reactions to the first message are of it."""
    events = told("slack", LIFE, agents=AGENTS)
    assert names(events) == [
        "TicketCreated", "MessagePosted", "TicketObserved", "MessagePosted", "TicketObserved", "MessagePosted",
        "TicketObserved", "MessagePosted", "StatusChanged",
    ]  # fmt: skip
    assert {event.ticket_id for event in events} == {f"C0HELP/p{BORN}000100"}
    assert data(events[0])["channel"] == "im_group"
    assert events[0].time.microsecond == 100
    assert data(events[3])["actor"]["id"]
    assert events[0].id == f"slack/thread/C0HELP/{ts()}/created"
    assert events[1].id == f"slack/message/C0HELP/{ts()}/MessagePosted"


def test_a_life_is_judged_the_same_in_any_order() -> None:
    """An agent's reply after ten minutes is the first, not the bot's after five seconds."""
    found = verdicts(stable(told("slack", LIFE, agents=AGENTS)))
    assert found["substantive_response"] == ("met", pytest.approx(600))


def test_a_check_mark_resolves() -> None:
    """An hour after the first message, if the customer did not say so before."""
    silent = [*LIFE[:3], LIFE[4]]
    assert verdicts(net(told("slack", silent, agents=AGENTS)))["complete_resolution"][1] == pytest.approx(3600)


def test_a_reply_makes_up_for_a_lost_first_message() -> None:
    """Every reply says when its thread began, so the clocks start there."""
    whole, rest = net(told("slack", LIFE, agents=AGENTS)), net(told("slack", LIFE[1:], agents=AGENTS))
    assert verdicts(rest)["substantive_response"] == verdicts(whole)["substantive_response"]
    began = [event for event in told("slack", LIFE, agents=AGENTS) if "began" in event.id]
    assert len(began) == 3
    assert len({encode(event) for event in began}) == 1
    first = told("slack", LIFE[:1])
    assert began[0].time == first[0].time
    assert (began[0].sequence or 0) > max(event.sequence or 0 for event in first)


def test_a_retry_is_the_same_event() -> None:
    """The name of a delivery is nothing of an event's."""
    again = LIFE[2] | {"event_id": "Ev02", "event_time": BORN + 900}
    assert told("slack", [again], agents=AGENTS) == told("slack", [LIFE[2]], agents=AGENTS)


@pytest.mark.parametrize(
    ("payload", "options", "kind"),
    [
        (said(5, MAX), {"agents": {MAX}}, "agent"),
        (said(5, EVE), {"agents": {MAX}}, "customer"),
        (said(5, EVE, user_team="T0CUST", team="T0OURS"), {"agents": {"T0OURS"}}, "customer"),
        (said(5, MAX), {"agents": {"T0OURS"}}, "agent"),
        (said(5, MAX), {}, "agent"),
        (said(5, ANN), {}, "customer"),
        (said(5, MAX), {"bots": {MAX}}, "bot"),
        (said(5, MAX, bot_id="B1"), {"agents": {MAX}}, "bot"),
    ],
)
def test_who_somebody_is(payload: Any, options: dict[str, set[str]], kind: str) -> None:
    """Agents by id or workspace, bots by what Slack or the configuration says; else who began it is the customer."""
    sets = {name: frozenset(value) for name, value in options.items()}
    actor = data(told("slack", [payload], **sets)[-1])["actor"]
    assert actor["kind"] == kind
    assert actor["id"] not in (ANN, MAX, EVE)


def test_a_thread_that_an_agent_began_awaits_no_first_response() -> None:
    """Whether its first message arrives or only a reply to it."""
    mine = said(5, ANN, parent_user_id=MAX)
    for payloads in ([said(0, MAX), mine], [mine]):
        events = told("slack", payloads, agents=AGENTS)
        assert "first_response" not in verdicts(net(events))
        assert data(events[0])["actor"]["kind"] == "agent"


def test_a_form_opens_a_ticket_and_our_own_bot_does_not() -> None:
    """A bot's first message speaks for somebody, unless the source names the bot; nor do replies to it then."""
    form = said(0, None, subtype="bot_message", bot_id=FORM)
    assert names(told("slack", [form])) == ["TicketCreated", "MessagePosted"]
    assert delivered("slack", form, bots=frozenset((FORM,))) == []
    assert delivered("slack", said(5, ANN, parent_user_id="U0FORM"), bots=frozenset(("U0FORM",))) == []


def test_an_emoji_is_a_status_as_configured() -> None:
    """In any tone of skin; taken away it opens the ticket again; others and such on files say nothing."""
    options: dict[str, Any] = {"statuses": {"eyes": "open"}, "solution_tags": frozenset(("bulb",))}
    for emoji, kind, expected in (
        ("white_check_mark", "added", ["solved"]),
        ("white_check_mark", "removed", ["open"]),
        ("eyes::skin-tone-3", "added", ["open"]),
        ("thumbsup", "added", []),
    ):
        events = told("slack", [reacted(60, MAX, emoji, kind)], **options)
        assert [data(event)["status"] for event in events] == expected
    assert names(told("slack", [reacted(60, MAX, "bulb")], **options)) == ["SolutionProvided"]
    file = reacted(60, MAX)
    file["event"]["item"] = {"type": "file", "file": "F1"}
    assert delivered("slack", file) == []


def test_who_reacts() -> None:
    """An agent by id, the author of the message as its customer, and nobody known else."""
    kinds = [data(told("slack", [reacted(60, user)], agents=AGENTS)[0])["actor"] for user in (MAX, ANN)] + [
        data(told("slack", [reacted(60, EVE)], agents=AGENTS)[0])["actor"]
    ]
    assert [kind and kind["kind"] for kind in kinds] == ["agent", "customer", None]


def test_a_reaction_to_a_reply_counts_for_nothing() -> None:
    """Slack does not say which thread it is in, so no clock of any ticket moves."""
    lone = told("slack", [reacted(60, MAX, on=5)], agents=AGENTS)
    assert net(lone) == {}
    events = told("slack", LIFE[:4], agents=AGENTS)
    assert net([*events, *lone]) == net(events)


def test_a_question_withdrawn_is_no_ticket() -> None:
    """A first message deleted before any reply cancels what ran; a deleted reply and a tombstone change nothing."""
    gone = {"type": "message", "subtype": "message_deleted", "channel": "C0HELP", "ts": ts(30), "deleted_ts": ts()}
    before = {"type": "message", "user": ANN, "text": "x", "ts": ts()}
    events = told("slack", [said(0, ANN), hook(gone | {"previous_message": before})])
    assert names(events)[-1] == "TicketDeleted"
    assert {verdict for verdict, _ in verdicts(stable(events)).values()} == {"cancelled"}
    assert delivered("slack", hook(gone | {"previous_message": before | {"thread_ts": ts()}})) == []
    assert delivered("slack", hook(gone | {"previous_message": before | {"subtype": "channel_join"}})) == []


@pytest.mark.parametrize("subtype", ["message_changed", "channel_join", "channel_topic", "pinned_item", "bot_add"])
def test_edits_and_notices_are_of_no_interest(subtype: str) -> None:
    """They change no clock."""
    assert delivered("slack", said(0, ANN, subtype=subtype)) == []


def test_what_is_not_of_a_support_channel_is_of_no_interest() -> None:
    """The greeting of an app, direct messages, events that an app may have beside ours."""
    assert delivered("slack", {"type": "url_verification", "challenge": "c"}) == []
    assert delivered("slack", said(0, ANN, channel_type="im")) == []
    for name in ("app_mention", "member_joined_channel", "team_join"):
        assert delivered("slack", hook({"type": name})) == []


def test_attributes_of_a_source() -> None:
    """A channel may stand for an attribute, in replies too; a workspace only with the first message."""
    options: dict[str, Any] = {
        "attributes": {"region": "event.channel", "tier": "event.team"},
        "values": {"region": {"c0help": "latam"}},
    }
    created, _, began, _ = told("slack", [said(0, ANN), said(5, MAX)], **options)
    assert (data(created)["region"], data(created)["tier"]) == ("latam", "t0ours")
    assert (data(began)["region"], "tier" in data(began)) == ("latam", False)


def test_mark_up_is_no_text() -> None:
    """A link counts by its address, an escaped sign is one, and a mention names nobody."""
    signals = told("slack", [LIFE[2]], agents=AGENTS, docs=frozenset(("docs.acme.com",)))[-1].data.signals
    assert (signals.links, signals.doc_links, signals.cause) == (1, 1, True)
    plain, named = (told("slack", [said(0, ANN, text)])[-1].data.signals.length for text in ("hi", "<@U0MAX> hi"))
    assert plain == named


def test_what_is_missing_or_unknown_is_a_named_reason() -> None:
    """Another request, another event, no channel, no time; events that Slack held back."""
    for payload, reason in (
        ({"type": "block_actions"}, "event"),
        ({"type": "app_rate_limited", "minute_rate_limited": BORN}, "lost"),
        (hook({"type": "teleported"}), "event"),
        (said(0, ANN, subtype="hologram"), "event"),
        (said(0, ANN, channel=None), "shape"),
        (said(0, ANN, ts="yesterday"), "time"),
        (said(0, ANN, ts="0000000000.000000"), "time"),
        (hook({"type": "message"}) | {"event": 7}, "shape"),
        ([], "shape"),
    ):
        assert names(delivered("slack", payload)) == [reason]


def test_no_shape_is_fatal_and_no_text_comes_out() -> None:
    """Whatever is in a body, it is events or a reason, and nobody's words or names."""
    assert MARKER in str(planted(LIFE))
    gone = said(0, ANN, subtype="message_deleted", deleted_ts=ts(), previous_message={"text": "x", "user": ANN})
    hostile(adapter_of("slack"), [*LIFE, reacted(60, ANN, kind="removed"), gone], agents=AGENTS)
