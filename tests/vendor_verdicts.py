"""Payloads of helpdesks with their own verdicts, from the documented schemas: in time, too late, and disputed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from supportpulse.events import TicketEvent, VendorVerdict

DAY = "2026-03-02T"
"""A Monday."""


def iso(at: str) -> str:
    """A time of that day."""
    return f"{DAY}{at}Z"


def epoch(at: str) -> int:
    """The same in seconds."""
    return int(datetime.fromisoformat(iso(at)).timestamp())


def said(events: Sequence[TicketEvent]) -> list[str]:
    """Verdicts in words, by time: "first_response breached 10:00:00 due 10:00:00"."""
    found = sorted((one for one in events if isinstance(one, VendorVerdict)), key=lambda one: (one.time, one.id))
    return [
        f"{one.data.clock} {one.data.verdict} {one.time:%H:%M:%S}"
        + (f" due {one.data.deadline:%H:%M:%S}" if one.data.deadline else "")
        for one in found
    ]


def freshdesk(event: str, at: str, changes: Any = None, **fields: Any) -> dict[str, Any]:
    """An app event of an urgent ticket: 15 minutes to the first response, two hours to the resolution."""
    ticket = {
        "id": 320, "status": 2, "priority": 4, "source": 1, "group_id": 351, "responder_id": None, "requester_id": 129,
        "tags": [], "created_at": iso("09:00:00"), "updated_at": iso(at), "due_by": iso("11:00:00"),
        "fr_due_by": iso("09:15:00"), "nr_due_by": None, "fr_escalated": False, "nr_escalated": False,
        "is_escalated": False, **fields,
    }  # fmt: skip
    by = {"id": 129, "type": "requester"} if event == "onTicketCreate" else {"id": 7, "type": "agent"}
    return {"event": event, "data": {"ticket": ticket | ({"changes": changes} if changes else {}), "actor": by}}


def reply(at: str) -> dict[str, Any]:
    """An agent's reply in Freshdesk."""
    text = {"id": 501, "ticket_id": 320, "user_id": 7, "incoming": False, "private": False, "source": 0, "body": "x"}
    return {"event": "onConversationCreate", "data": {"conversation": {**text, "created_at": iso(at)}}}


ANSWERED = {"first_responded_at": iso("09:10:00"), "resolved_at": None, "closed_at": None}
FRESH = freshdesk("onTicketCreate", "09:00:00")
FRESHDESK = [
    FRESH,
    reply("09:10:00"),
    freshdesk("onTicketUpdate", "09:20:00", {"responder_id": [None, 7]}, stats=ANSWERED, responder_id=7),
    freshdesk("onTicketUpdate", "10:30:00", {"status": [2, 4]}, stats=ANSWERED, status=4),
    freshdesk("onTicketUpdate", "10:31:00", {"tags": [[], ["a"]]}, stats=ANSWERED, status=4),
]
LATE: dict[str, Any] = {"fr_escalated": True, "is_escalated": True}


def zammad(at: str, state: str = "open", article: Any = None, **fields: Any) -> dict[str, Any]:
    """A snapshot of a ticket of high priority: an hour to the first response, eight to the solution."""
    ticket = {
        "id": 81, "created_at": iso("09:00:00.100"), "updated_at": iso(at), "state": state, "priority": "3 high",
        "group": "Desk", "owner_id": 5, "create_article_sender": "Customer", "first_response_at": None,
        "first_response_escalation_at": None, "first_response_in_min": None, "first_response_diff_in_min": None,
        "update_escalation_at": None, "update_in_min": None, "update_diff_in_min": None, "close_at": None,
        "close_escalation_at": None, "close_in_min": None, "close_diff_in_min": None, **fields,
    }  # fmt: skip
    return {"ticket": ticket, "article": article or {}}


def article(identity: int, at: str, sender: str = "Agent") -> dict[str, Any]:
    """An article of that ticket."""
    return {"id": identity, "ticket_id": 81, "created_at": iso(at), "sender": sender, "internal": False, "body": "x"}


WAITS = {"first_response_escalation_at": iso("10:00:00.100"), "close_escalation_at": "2026-03-03T10:00:00.100Z"}
REPLIED = {"first_response_at": iso("09:30:00.000"), "first_response_in_min": 29, "first_response_diff_in_min": 31}
SHUT = {"close_at": iso("10:30:00.200"), "close_in_min": 90, "close_diff_in_min": 390}
ZAMMAD = [
    zammad("09:00:00.400", "new", article(104, "09:00:00.350", "Customer"), **WAITS),
    zammad("09:30:00.400", "open", article(105, "09:30:00.000"), **REPLIED),
    zammad("10:30:00.400", "closed", **REPLIED, **SHUT),
    zammad("10:40:00.000", "closed", **REPLIED, **SHUT),
]


def metric(kind: str, name: str, at: str, instance: int = 1, **fields: Any) -> dict[str, Any]:
    """A metric event as reconcile hands it on."""
    return {"supportpulse": "metric_event", "id": 1, "ticket_id": 77, "metric": name, "instance_id": instance,
            "type": kind, "time": iso(at), **fields}  # fmt: skip


def zendesk(kind: str, at: str, by: str = "200", event: Any = None) -> dict[str, Any]:
    """An event webhook of an urgent ticket: 15 minutes to the first reply, four hours of agent work."""
    detail = {"id": "77", "requester_id": "100", "submitter_id": "100", "actor_id": by, "status": "NEW",
              "priority": "URGENT", "created_at": iso("09:00:00"), "updated_at": iso(at)}  # fmt: skip
    return {"type": f"zen:event-type:ticket.{kind}", "id": f"{kind}-{at}", "time": iso(at), "detail": detail,
            "subject": "zen:ticket:77", "event": event or {}}  # fmt: skip


def zendesk_reply(at: str) -> dict[str, Any]:
    """An agent's public comment in Zendesk."""
    who = {"id": "200", "is_staff": True}
    return zendesk("comment_added", at, event={"comment": {"id": "3", "body": "x", "is_public": True, "author": who}})


ZENDESK = [
    zendesk("created", "09:00:00", "100"),
    zendesk_reply("09:10:00"),
    metric("fulfill", "reply_time", "09:10:00"),
    zendesk("status_changed", "12:00:00", event={"current": "SOLVED"}),
    metric("fulfill", "agent_work_time", "12:00:00"),
]


def cycle(start: str, breach: str, stop: str | None = None, *, breached: bool = False, **fields: Any) -> dict[str, Any]:
    """A cycle of an SLA, its times written as Jira does."""
    times = {"startTime": start, "breachTime": breach, **({"stopTime": stop} if stop else {})}
    written = {
        name: {"iso8601": f"{DAY}{at}+0000", "jira": "x", "friendly": "Today", "epochMillis": epoch(at) * 1000}
        for name, at in times.items()
    }
    return {**written, "breached": breached, "goalDuration": {"millis": 1}, "elapsedTime": {"millis": 1}, **fields}


def sla(name: str, *completed: Any, ongoing: Any = None) -> dict[str, Any]:
    """An SLA field of an issue."""
    running = {"ongoingCycle": ongoing} if ongoing else {}
    return {"id": "1", "name": name, "_links": {"self": "x"}, "completedCycles": list(completed), **running}


def jira(kind: str, at: str, *slas: Any, **rest: Any) -> dict[str, Any]:
    """A webhook of an issue of the highest priority: half an hour to the first response, four to the resolution."""
    fields = {
        "created": iso("09:00:00"), "updated": iso(at), "reporter": {"accountId": "c1", "accountType": "customer"},
        "creator": {"accountId": "c1", "accountType": "customer"}, "priority": {"name": "Highest"}, "labels": [],
        "status": {"id": "1", "name": "Waiting for support"}, "customfield_1": {"value": "no SLA"},
    }  # fmt: skip
    fields |= {f"customfield_{number}": one for number, one in enumerate(slas, 10)}
    issue = {"id": "900", "key": "SUP-1", "fields": fields}
    return {"timestamp": epoch(at) * 1000, "webhookEvent": kind, "user": {"accountId": "a1"}, "issue": issue, **rest}


def jira_reply(number: int, at: str, *slas: Any) -> dict[str, Any]:
    """An agent's public comment in Jira."""
    by = {"accountId": "a1", "accountType": "atlassian"}
    said = {"id": str(number), "author": by, "body": "x", "created": iso(at), "updated": iso(at), "jsdPublic": True}
    return jira("comment_created", at, *slas, comment=said)


RESPONSE, RESOLUTION = "Time to first response", "Time to resolution"
DONE = {"changelog": {"id": "51", "items": [{"field": "status", "to": "3", "toString": "Done"}]}}
FIRST = sla(RESPONSE, cycle("09:00:00", "09:30:00", "09:20:00"))
JIRA = [
    jira("jira:issue_created", "09:00:00", sla(RESPONSE, ongoing=cycle("09:00:00", "09:30:00"))),
    jira_reply(11, "09:20:00", FIRST),
    jira("jira:issue_updated", "11:00:00", FIRST, sla(RESOLUTION, cycle("09:00:00", "13:00:00", "11:00:00")), **DONE),
]


def chatwoot(event: str, at: str, status: str = "open", **fields: Any) -> dict[str, Any]:
    """An event of a conversation: an hour to the first response, eight to the resolution."""
    applied = {
        "id": 1, "sla_id": 2, "sla_status": "active", "created_at": epoch("09:00:00"), "updated_at": epoch("09:00:00"),
        "sla_name": "x", "sla_first_response_time_threshold": 3600, "sla_next_response_time_threshold": None,
        "sla_only_during_business_hours": True, "sla_resolution_time_threshold": 28800,
    }  # fmt: skip
    talk = {"id": 10, "status": status, "created_at": epoch("09:00:00"), "updated_at": epoch(at), "sla_events": []}
    return {**talk, "event": event, "applied_sla": applied, **fields}


def chatwoot_reply(at: str, **fields: Any) -> dict[str, Any]:
    """A human's reply in Chatwoot."""
    talk = chatwoot("", at, **fields)
    return {"event": "message_created", "id": 655, "content": "x", "message_type": "outgoing", "private": False,
            "created_at": iso(at), "sender": {"id": 1, "type": "user"}, "conversation": talk}  # fmt: skip


HIT = chatwoot("conversation_created", "09:00:00")["applied_sla"] | {
    "sla_status": "hit", "updated_at": epoch("11:05:00"),
}  # fmt: skip
CHATWOOT = [
    chatwoot("conversation_created", "09:00:00"),
    chatwoot_reply("09:30:00"),
    chatwoot("conversation_status_changed", "11:03:00", "resolved"),
    chatwoot("conversation_updated", "11:06:00", "resolved", applied_sla=HIT),
]


def missed(identity: int, kind: str, at: str) -> dict[str, Any]:
    """A miss that Chatwoot noticed."""
    return {"id": identity, "event_type": kind, "meta": {}, "created_at": epoch(at), "updated_at": epoch(at)}


IN_TIME: dict[str, tuple[list[Any], list[str]]] = {
    "freshdesk": (FRESHDESK, [
        "agent_work running 09:00:00 due 11:00:00", "first_response running 09:00:00 due 09:15:00",
        "first_response met 09:10:01", "agent_work met 10:30:00"]),
    "zammad": (ZAMMAD, [
        "first_response running 09:00:00 due 10:00:00", "requester_wait running 09:00:00 due 10:00:00",
        "first_response met 09:30:01", "requester_wait met 10:30:01"]),
    "zendesk": (ZENDESK, ["first_response met 09:10:01", "agent_work met 12:00:01"]),
    "jira": (JIRA, [
        "time_to_first_response running 09:00:00 due 09:30:00",
        "time_to_first_response met 09:20:00 due 09:30:00", "time_to_resolution met 11:00:00 due 13:00:00"]),
    "chatwoot": (CHATWOOT, ["first_response met 11:05:00", "total_resolution met 11:05:00"]),
}  # fmt: skip
MISSED: dict[str, tuple[list[Any], list[str], list[str]]] = {
    "freshdesk": (
        [FRESH, freshdesk("onTicketUpdate", "11:05:00", {"is_escalated": [False, True]}, **LATE)],
        ["agent_work running 09:00:00 due 11:00:00", "first_response running 09:00:00 due 09:15:00",
         "first_response breached 09:15:00 due 09:15:00", "agent_work breached 11:00:00 due 11:00:00"],
        ["agent_work agree"] * 2 + ["first_response agree"] * 2),
    "zammad": (
        [ZAMMAD[0], zammad("10:20:00.000", **WAITS),
         zammad("10:30:00.400", "open", article(105, "10:30:00.000"), close_escalation_at=WAITS["close_escalation_at"],
                first_response_at=iso("10:30:00.000"), first_response_in_min=90, first_response_diff_in_min=-30)],
        ["first_response running 09:00:00 due 10:00:00", "requester_wait running 09:00:00 due 10:00:00",
         "first_response breached 10:00:00 due 10:00:00", "first_response breached 10:30:01"],
        ["first_response agree"] * 3 + ["requester_wait agree"]),
    "zendesk": (
        [ZENDESK[0], metric("breach", "reply_time", "09:15:00"), metric("breach", "agent_work_time", "13:00:00")],
        ["first_response breached 09:15:00 due 09:15:00", "agent_work breached 13:00:00 due 13:00:00"],
        ["agent_work agree", "first_response agree"]),
    "jira": (
        [JIRA[0], jira_reply(
            11, "09:40:00", sla(RESPONSE, cycle("09:00:00", "09:30:00", "09:40:00", breached=True)),
            sla(RESOLUTION, ongoing=cycle("09:00:00", "13:00:00", breached=True)))],
        ["time_to_first_response running 09:00:00 due 09:30:00",
         "time_to_first_response breached 09:30:00 due 09:30:00", "time_to_resolution breached 13:00:00 due 13:00:00"],
        ["time_to_first_response agree"] * 2 + ["time_to_resolution agree"]),
    "chatwoot": (
        [CHATWOOT[0], chatwoot("conversation_updated", "10:05:00", sla_events=[missed(1, "frt", "10:04:00")])],
        ["first_response breached 10:04:00"], ["first_response agree"]),
}  # fmt: skip
OTHERWISE: dict[str, tuple[list[Any], list[str]]] = {
    "freshdesk: it missed a reply that we saw": (
        [FRESH, reply("09:10:00"), freshdesk("onTicketUpdate", "09:30:00", {"fr_escalated": [False, True]},
                                             fr_escalated=True)],
        ["agent_work agree", "first_response agree", "first_response only_vendor_breached"]),
    "freshdesk: a due time set by hand": (
        [FRESH, freshdesk("onTicketUpdate", "09:30:00", {"due_by": [iso("11:00:00"), iso("16:00:00")]},
                          due_by=iso("16:00:00"))],
        ["agent_work agree", "agent_work deadline_differs", "first_response agree"]),
    "zammad: another calendar": (
        [zammad("09:00:00.400", "new", **{**WAITS, "first_response_escalation_at": iso("12:00:00")})],
        ["first_response deadline_differs", "requester_wait agree"]),
    "zendesk: a reply that we did not see": (
        [ZENDESK[0], metric("fulfill", "reply_time", "09:10:00")], ["first_response stands_differently"]),
    "zendesk: a breach that we did not see": (
        [ZENDESK[0], zendesk_reply("09:10:00"), metric("breach", "reply_time", "09:15:00")],
        ["first_response only_vendor_breached"]),
    "jira: paused where we run": (
        [JIRA[0], jira("jira:issue_updated", "15:00:00",
                       sla(RESOLUTION, cycle("09:00:00", "16:00:00", "15:00:00")), **DONE)],
        ["time_to_first_response agree", "time_to_resolution deadline_differs"]),
    "chatwoot: a hit that was none": (
        [CHATWOOT[0], chatwoot_reply("10:30:00"), *CHATWOOT[2:]],
        ["first_response only_we_breached", "total_resolution agree"]),
}  # fmt: skip
