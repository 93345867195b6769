"""Short words become valid events with lasting ids."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from supportpulse.edges.ticket_events import (
    Said,
    SaidOfAssignment,
    SaidOfAttributes,
    SaidOfCreation,
    SaidOfObservation,
    TicketEvents,
)
from supportpulse.envelope import decode, encode
from supportpulse.errors import Rejected
from supportpulse.events import (
    TICKET_EVENTS,
    Actor,
    Assignment,
    Attributes,
    Creation,
    DeadlineReached,
    HandedOver,
    Observation,
    Signals,
    TicketEvent,
)

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
NAMES = st.text(min_size=1, max_size=20)
NEEDED: dict[str, dict[str, Any]] = {
    "StatusChanged": {"status": "open"},
    "PriorityChanged": {"priority": "p1"},
    "Escalated": {"kind": "hierarchic"},
    "SatisfactionRated": {"score": 1},
    "VendorVerdict": {"clock": "first_response", "verdict": "met"},
}
ATTRIBUTES = st.dictionaries(st.sampled_from(sorted(Attributes.model_fields.keys() - {"actor"})), NAMES)


def words(ticket: str = "4711") -> TicketEvents[TicketEvent]:
    """Words that answer the event they stand for."""
    return TicketEvents(lambda event: event, "desk", ticket)


def data_of(event: TicketEvent) -> dict[str, Any]:
    """What is on the wire."""
    return json.loads(encode(event))["data"]


def test_each_word_says_its_event() -> None:
    """Every word gives the type it is named after, with what was said on the wire and nothing else."""
    ticket, by = words(), {"kind": "agent"}
    said = [
        (ticket.created(priority="urgent", by="customer"), {"priority": "urgent", "actor": {"kind": "customer"}}),
        (ticket.observed(status="open", agent=None), {"status": "open", "agent": None}),
        (ticket.replied(), {"public": True, "actor": by}),
        (ticket.replied(by=Actor(kind="bot", id="b1")), {"public": True, "actor": {"kind": "bot", "id": "b1"}}),
        (ticket.posted(public=False, macro="m", by="agent"), {"public": False, "macro": "m", "actor": by}),
        (ticket.status("solved"), {"status": "solved"}),
        (ticket.priority(None), {"priority": None}),
        (ticket.changed(scenario=None), {"scenario": None}),
        (ticket.assigned(team="emea"), {"team": "emea"}),
        (ticket.escalated("functional"), {"kind": "functional"}),
        (ticket.cause_identified("encoder"), {"category": "encoder"}),
        (ticket.rated(0.8), {"score": 0.8}),
        (ticket.happened(HandedOver, from_site="a", to_site="b"), {"from_site": "a", "to_site": "b"}),
    ]
    assert [data_of(event) for event, _ in said] == [data for _, data in said]
    for event in (ticket.confirmed(), ticket.workaround_provided(), ticket.solution_provided()):
        assert "data" not in json.loads(encode(event))
        assert decode(encode(event)) == event
    assert all((event.source, event.ticket_id) == ("desk", "4711") for event, _ in said)


@pytest.mark.parametrize("kind", [kind for kind in TICKET_EVENTS if kind is not DeadlineReached])
def test_every_event_can_be_said_by_its_class(kind: type[TicketEvent]) -> None:
    """`happened` knows each type; those that need data say which field is missing."""
    needed = NEEDED.get(kind.__name__, {})
    event = words().happened(kind, **needed)
    assert type(decode(encode(event))) is kind
    if needed:
        with pytest.raises(Rejected, match=rf"{kind.__name__} of ticket 4711: data.{next(iter(needed))}"):
            words().happened(kind)


def test_a_text_leaves_only_its_signals() -> None:
    """What a message says is read here; neither the event nor its bytes hold a word of it."""
    event = words().replied(text="The cause was planted-marker: see https://docs.example.com")
    assert b"planted-marker" not in encode(event)
    assert data_of(event)["signals"]["links"] == 1
    assert data_of(words().posted(signals=Signals(code=True)))["signals"] == {"code": True}


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        (lambda ticket: ticket.created(prioritty="urgent"), "found prioritty; valid: actor, scenario"),
        (lambda ticket: ticket.status("done"), "status: found 'done'; Input should be 'new', 'open'"),
        (lambda ticket: ticket.rated(7), "score: found '7'; Input should be less than or equal to 1"),
        (lambda ticket: ticket.replied(by="nobody"), "actor.kind: found 'nobody'"),
        (lambda ticket: ticket.replied(time=datetime(2026, 1, 1)), "^time_without_zone: MessagePosted of ticket 4711"),
        (lambda ticket: ticket.replied(id="x" * 201), "id: found 'xxx"),
        (lambda ticket: ticket.happened(DeadlineReached, at=NOON), "valid: what a helpdesk says"),
    ],
)
def test_what_is_no_event_is_refused_here(wrong: Any, told: str) -> None:
    """The message names event, ticket, field, what was found and what is valid."""
    with pytest.raises(Rejected, match=told):
        wrong(words())


def test_what_is_said_without_a_time_is_said_in_order() -> None:
    """Within one millisecond the later call sorts later, and no two calls are one event."""
    ticket = words()
    events = [ticket.replied() for _ in range(500)]
    order = [(event.time, event.sequence) for event in events]
    assert order == sorted(order)
    assert len({event.id for event in events}) == 500
    assert abs(events[0].time - datetime.now(UTC)) < timedelta(seconds=60)


@settings(deadline=None)
@given(NAMES, ATTRIBUTES, st.randoms(use_true_random=False), st.integers(-12, 12), st.integers(0, 9))
def test_an_id_names_what_was_said(ticket: str, said: dict[str, str], random: Any, zone: int, sequence: int) -> None:
    """Neither the order of the fields nor the time zone matter to it; ticket, time, sequence and each value do."""
    shuffled = dict(random.sample(sorted(said.items()), len(said)))
    there = NOON.astimezone(timezone(timedelta(hours=zone)))
    first = words(ticket).created(time=NOON, sequence=sequence, **said)
    again = words(ticket).created(time=there, sequence=sequence, **shuffled)
    assert first.id == again.id
    assert len(first.id) <= 200
    others = [
        words(ticket + "x").created(time=NOON, sequence=sequence, **said),
        words(ticket).created(time=NOON + timedelta(milliseconds=1), sequence=sequence, **said),
        words(ticket).created(time=NOON, sequence=sequence + 1, **said),
        words(ticket).created(time=NOON, sequence=sequence, **(said | {"tier": said.get("tier", "") + "x"})),
        words(ticket).changed(time=NOON, sequence=sequence, **said),
        TicketEvents(lambda event: event, "other", ticket).created(time=NOON, sequence=sequence, **said),
    ]
    assert len({first.id, *(other.id for other in others)}) == 7


def test_ids_are_the_same_in_every_process() -> None:
    """A known one: changing how ids are made would count every retried event twice."""
    event = words().created(time=NOON, priority="urgent")
    assert event.id == "TicketCreated/abff440c4716777d459e5162c17d46d5"
    assert words().created(time=NOON, priority="urgent", id="audit/1").id == "audit/1"


def test_the_words_know_the_fields_of_the_models() -> None:
    """An attribute added to the models is one that editors and type checkers know."""
    always = set(Said.__annotations__)
    for said, model in ((SaidOfAttributes, Attributes), (SaidOfCreation, Creation), (SaidOfObservation, Observation),
                        (SaidOfAssignment, Assignment)):  # fmt: skip
        assert set(said.__annotations__) - always == set(model.model_fields) - {"actor"}


def test_importing_the_package_loads_no_client() -> None:
    """`import supportpulse` is light; naming an emitter loads what it needs, and another name is an error."""
    code = (
        "import sys, supportpulse\n"
        "assert not {'kafka', 'pydantic', 'faust', 'fastapi'} & set(sys.modules)\n"
        "from supportpulse import AsyncEmitter, Emitter\n"
        "assert 'kafka' in sys.modules and not {'faust', 'fastapi', 'aiokafka'} & set(sys.modules)\n"
        "assert not hasattr(supportpulse, 'Emiter')\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
