"""Each event says what it did, and time says what it decided."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from supportpulse import cli
from supportpulse.edges.simulator import encoded
from supportpulse.envelope import decode, encode, to_ms
from supportpulse.evaluate import evaluate
from supportpulse.events import (
    Actor,
    MarkedAsSpam,
    Message,
    MessagePosted,
    PriorityChange,
    PriorityChanged,
    StatusChange,
    StatusChanged,
    TicketCreated,
    TicketEvent,
    VendorVerdict,
)
from supportpulse.explain import Explanation, explain
from supportpulse.marker import marker
from supportpulse.policy import load_policy
from supportpulse.reader import read
from supportpulse.settings import SHIPPED_POLICY

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
POLICY = """
name = "desk"
valid_from = 1970-01-01T00:00:00Z
labels = ["rule"]
[enums]
priority = ["urgent", "normal"]
[[rules]]
name = "urgent"
match = { priority = "urgent" }
targets = { requester_wait = "1h" }
[[rules]]
name = "rest"
targets = { requester_wait = "2h" }
"""


@pytest.fixture
def desk(tmp_path: Path) -> Path:
    """One pausable clock, tighter when urgent."""
    path = tmp_path / "desk.toml"
    path.write_text(POLICY, encoding="utf-8")
    return path


def at(minutes: float, kind: type[TicketEvent], **data: object) -> TicketEvent:
    """An event of one ticket, minutes after noon."""
    return kind.model_validate(
        {"id": f"{kind.__name__}{minutes}", "source": "s", "ticket_id": "t", "time": NOON + timedelta(minutes=minutes),
         "data": data}
    )  # fmt: skip


def status(minutes: float, value: str) -> TicketEvent:
    """A change of status."""
    return at(minutes, StatusChanged, **StatusChange(status=value).model_dump(exclude_unset=True))  # type: ignore[arg-type]


def story(told: Explanation) -> list[tuple[float, str]]:
    """(minutes after noon, what) of every change."""
    return [
        ((change.time - to_ms(NOON)) / 60_000, change.what) for step in told.steps for change in step.changes
    ]  # fmt: skip


def test_pause_resumption_risk_breach_and_stop_are_told_in_order(desk: Path) -> None:
    """Two hours, 30 minutes of pause: at risk at 126, breached at 150, stopped late at 200."""
    events = [
        at(0, TicketCreated, priority="normal", status="open"),
        status(10, "pending_customer"),
        status(40, "open"),
        status(200, "solved"),
    ]
    told = explain(events, load_policy(desk), to_ms(NOON + timedelta(days=1)))
    assert story(told) == [
        (0, "started"), (10, "paused"), (40, "resumed"), (126, "at_risk"), (150, "breached"), (200, "late"),
    ]  # fmt: skip
    resumed = told.steps[2].changes[0]
    assert resumed.deadline == to_ms(NOON + timedelta(minutes=150))
    assert "rule rest" in told.steps[4].changes[0].words
    assert [verdict[0] for verdict in told.net.values()] == ["breached"]


def test_a_changed_rule_is_told_with_its_new_deadline(desk: Path) -> None:
    """Urgent after 30 minutes: one hour in all, 30 minutes of it gone."""
    events = [
        at(0, TicketCreated, priority="normal", status="open"),
        at(30, PriorityChanged, **PriorityChange(priority="urgent").model_dump(exclude_unset=True)),
    ]
    told = explain(events, load_policy(desk), to_ms(NOON + timedelta(minutes=40)))
    (change,) = told.steps[1].changes
    assert change.what == "rule"
    assert change.deadline == to_ms(NOON + timedelta(minutes=60))
    assert change.words.startswith("rule rest -> urgent, target 1h")
    assert told.rule == "urgent"


def test_spam_takes_a_breach_back(desk: Path) -> None:
    """The retraction names what it takes back, and why."""
    events = [at(0, TicketCreated, priority="urgent", status="open"), at(90, MarkedAsSpam)]
    told = explain(events, load_policy(desk), to_ms(NOON + timedelta(minutes=100)))
    retracted = [change.words for change in told.steps[-1].changes if change.what == "retracted"]
    assert "breached is taken back: voided" in retracted
    assert [verdict[0] for verdict in told.net.values()] == ["cancelled"]


def test_what_is_told_is_what_evaluate_decides() -> None:
    """For every ticket of a simulated week the timeline ends in the verdicts of the batch."""
    end = to_ms(NOON)
    lines = [value for _, value in encoded(3, end - 7 * 86_400_000, end, 2000)]
    policy = load_policy(SHIPPED_POLICY)
    batch = evaluate([read(line) for line in lines], policy, end)
    tickets: dict[str, list[TicketEvent]] = {}
    for line in lines:
        event = decode(line)
        assert isinstance(event, TicketEvent)
        tickets.setdefault(event.ticket_id, []).append(event)
    net = {}
    for events in tickets.values():
        net |= explain(events, policy, end).net
    assert net == batch.net
    assert len(net) > 300


def test_the_command_answers_why(desk: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Text for people, JSON for scripts, of one clock if asked; policy version and digest are named."""
    reply = Message(actor=Actor(kind="agent", id="agt-1")).model_dump(exclude_unset=True)
    opened = at(0, TicketCreated, priority="urgent", status="open")
    events = [opened, at(10, MessagePosted, **reply), status(90, "solved")]
    file = tmp_path / "log.jsonl"
    file.write_bytes(b"".join(encode(event) + b"\n" for event in events))
    arguments = ["explain", "t", str(file), "--policy", str(desk), "--clock", "requester_wait"]
    assert cli.main(arguments) == 0
    text = " ".join(capsys.readouterr().out.split())
    digest = load_policy(desk).versions[0].digest
    assert digest in text
    assert "BREACHED: target 1h on 24x7 (rule urgent) was used up, deadline 2026-01-05 13:00:00Z" in text
    assert "MessagePosted: public, by agent agt-1" in text
    assert cli.main([*arguments, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["policy"]["digest"] == digest
    assert [change["what"] for step in told["steps"] for change in step["changes"]] == [
        "started", "at_risk", "breached", "late",
    ]  # fmt: skip


def test_an_unknown_ticket_or_clock_is_a_sentence(
    desk: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It says what is there instead."""
    file = tmp_path / "log.jsonl"
    file.write_bytes(encode(at(0, TicketCreated)) + b"\n")
    assert cli.main(["explain", "nobody", str(file), "--policy", str(desk)]) == 1
    assert "sources there: s" in capsys.readouterr().err
    assert cli.main(["explain", "t", str(file), "--policy", str(desk), "--clock", "x"]) == 2
    assert "requester_wait" in capsys.readouterr().err


def marked(minutes: float) -> bytes:
    """A marker of the ticket: everything up to then has been delivered."""
    return marker(b"s|t", to_ms(NOON + timedelta(minutes=minutes)))


def late_reply() -> list[bytes]:
    """Lines of a log: breached by a marker, an end in time that arrived later, and two verdicts of the helpdesk."""
    lines: list[TicketEvent | bytes] = [
        at(0, TicketCreated, priority="urgent", status="open"),
        marked(70),
        b'{"no":"event"}',
        at(80, MessagePosted, **Message(actor=Actor(kind="customer")).model_dump(exclude_unset=True)),
        status(50, "solved"),
        at(65, VendorVerdict, clock="requester_wait", verdict="breached"),
        at(66, VendorVerdict, clock="first_response", verdict="met").model_copy(update={"id": "\x1b[2J"}),
        marked(90),
    ]
    return [line if isinstance(line, bytes) else encode(line) for line in lines]


def test_a_log_with_markers_tells_what_was_said_and_taken_back(
    desk: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each retraction names the record behind it, each breach its marker, the vendor's word stands beside ours."""
    file = tmp_path / "log.jsonl"
    file.write_bytes(b"\n".join(late_reply()))
    asked = ["explain", "t", str(file), "--policy", str(desk)]
    assert cli.main(asked) == 3, "a line was no event"
    text = capsys.readouterr().out
    assert "\x1b" not in text
    assert max(map(len, text.splitlines())) <= 100
    words = " ".join(text.split())
    assert (
        "breached at 2026-01-05 13:00:00Z was taken back by StatusChanged50, which happened 2026-01-05 12:50:00Z: "
        "late event" in words
    )
    assert "line 2 marker: all up to 2026-01-05 13:10:00Z has been delivered" in words
    assert "[StatusChanged50 at line 5, late]" in words
    assert "[\\x1b[2J at line 7, late]" in words
    assert "the helpdesk says breached; we say met, deadline 2026-01-05 13:00:00Z: ONLY VENDOR BREACHED" in words
    assert "not compared: the policy has no such clock" in words
    assert cli.main([*asked, "--json"]) == 3
    told = json.loads(capsys.readouterr().out)
    said = [
        (one["what"], one["retracts"], one["offset"], one["marker"] and one["marker"]["offset"]) for one in told["said"]
    ]
    assert said == [
        ("at_risk", None, 2, 2), ("breached", None, 2, 2), ("retracted", "breached", 5, None), ("met", None, 5, None),
    ]  # fmt: skip
    assert told["said"][2]["because"] == "late_event"
    assert [(one["result"], one["agree"]) for one in told["vendor"]] == [("only_vendor_breached", False), (None, None)]
    assert told["as_of"] == "2026-01-05T13:20:00.000Z"


def test_one_clock_is_told_in_every_part(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Timeline, accounts, verdicts, what was said and the vendor's: of the clock asked for, and no other."""
    policy = tmp_path / "two.toml"
    policy.write_text(POLICY.replace('requester_wait = "1h"', 'requester_wait = "1h", first_response = "30m"'))
    file = tmp_path / "log.jsonl"
    file.write_bytes(b"\n".join(line for line in late_reply() if b'"no"' not in line))
    asked = ["explain", "t", str(file), "--policy", str(policy)]
    clocks: dict[str | None, set[str]] = {}
    for clock in (None, "first_response", "requester_wait"):
        assert cli.main([*asked, "--json", *(["--clock", clock] if clock else [])]) == 0
        told = json.loads(capsys.readouterr().out)
        parts = [*told["cycles"], *told["verdicts"], *told["said"], *told["vendor"]]
        clocks[clock] = {one["clock"] for step in told["steps"] for one in step["changes"]}
        assert {one["clock"] for one in parts} == clocks[clock]
        assert all(told[part] for part in ("cycles", "verdicts", "said", "vendor"))
    assert clocks == {
        None: {"first_response", "requester_wait"},
        "first_response": {"first_response"},
        "requester_wait": {"requester_wait"},
    }


def test_cycles_of_one_clock_are_numbered(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """In the order in which they started."""
    policy = tmp_path / "next.toml"
    policy.write_text(POLICY.replace("requester_wait", "next_response"))
    customer, agent = (Message(actor=Actor(kind=kind)).model_dump(exclude_unset=True) for kind in ("customer", "agent"))
    events = [
        at(0, TicketCreated, priority="urgent"), at(1, MessagePosted, **agent), at(2, MessagePosted, **customer),
        at(3, MessagePosted, **agent), at(4, MessagePosted, **customer), at(90, MessagePosted, **agent),
    ]  # fmt: skip
    file = tmp_path / "log.jsonl"
    file.write_bytes(b"\n".join(map(encode, events)))
    assert cli.main(["explain", "t", str(file), "--policy", str(policy)]) == 0
    text = " ".join(capsys.readouterr().out.split())
    assert "next_response #1 met 1h on 24x7 (UTC): Mon 05 Jan 12:02-12:03 1m = 1m, stopped 12:03" in text
    assert "what stands: next_response #1 met, next_response #2 breached" in text


def test_every_edition_of_the_policy_that_decided_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """An edit that reaches an open ticket: a row in the timeline, both files at the top, each with its digest."""
    (tmp_path / "policy").mkdir()
    first, edit = tmp_path / "policy" / "a.toml", tmp_path / "policy" / "b.toml"
    first.write_text(POLICY)
    edited = POLICY.replace("1970-01-01T00:00:00Z", '2026-01-05T12:20:00Z\napplies_to = "open_tickets"')
    edit.write_text(edited.replace('"1h"', '"45m"'))
    file = tmp_path / "log.jsonl"
    file.write_bytes(
        b"\n".join(map(encode, [at(0, TicketCreated, priority="urgent", status="open"), status(50, "solved")]))
    )
    asked = ["explain", "t", str(file), "--policy", str(first.parent)]
    assert cli.main([*asked, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    (cycle,) = told["cycles"]
    editions = [(Path(one["file"]).name, one["since"], one["target_ms"]) for one in cycle["policies"]]
    assert editions == [
        ("a.toml", "2026-01-05T12:00:00.000Z", 3_600_000), ("b.toml", "2026-01-05T12:20:00.000Z", 2_700_000),
    ]  # fmt: skip
    assert told["policy"]["digest"] == cycle["policies"][1]["digest"] != cycle["policies"][0]["digest"]
    assert cli.main(asked) == 0
    text = " ".join(capsys.readouterr().out.split())
    assert f"also decided: valid from 1970-01-01 00:00:00Z, digest {cycle['policies'][0]['digest']}" in text
    assert "requester_wait rule urgent edited, target 45m on 24x7; deadline 2026-01-05 12:45:00Z" in text
