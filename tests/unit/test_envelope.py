"""Events as bytes: what goes out comes back, and what is wrong is named."""

from __future__ import annotations

import json
from typing import Any

import pytest

from strategies import happened
from supportpulse import envelope
from supportpulse.errors import Rejected
from supportpulse.events import BY_TYPE, Heartbeat
from supportpulse.names import Reason

AT = 1_743_120_000_123


def wire(**changes: Any) -> bytes:
    """A valid status change with some fields changed, None = left out."""
    content = {
        "specversion": "1.0",
        "type": "supportpulse.StatusChanged.v1",
        "id": "a",
        "source": "desk",
        "subject": "7",
        "time": "2025-03-28T00:00:00.123Z",
        "data": {"status": "open"},
        **changes,
    }
    return json.dumps({name: value for name, value in content.items() if value is not None}).encode()


def refused(value: bytes) -> tuple[str, str]:
    """Reason and detail of a value that is no event."""
    with pytest.raises(Rejected) as caught:
        envelope.decode(value)
    return caught.value.reason, caught.value.detail


def test_what_is_encoded_decodes_to_the_same_event() -> None:
    """Only the fields that were set are written, null as null, and they come back as they were."""
    event = happened("TicketObserved", AT, "x", sequence=2, priority=None, team="é", created_at=AT - 5)
    value = envelope.encode(event)
    assert envelope.decode(value) == event
    content = json.loads(value)
    assert content["data"] == {"created_at": "2025-03-28T00:00:00.118000Z", "priority": None, "team": "é"}
    assert content["type"] == "supportpulse.TicketObserved.v1"
    assert content["subject"] == "1"
    assert b"\n" not in value


def test_unknown_fields_are_ignored_and_never_written() -> None:
    """An extension attribute or a field of a later version does no harm."""
    event = envelope.decode(wire(traceparent="00-1", data={"status": "open", "mood": 3}))
    assert event == happened("StatusChanged", AT, "a", ticket="7", status="open")
    assert b"mood" not in envelope.encode(event)


def test_a_key_is_source_and_ticket_and_for_heartbeats_the_source() -> None:
    """All records of a ticket share a partition."""
    beat = Heartbeat.model_validate(
        {"id": "h", "source": "desk", "time": "2025-03-28T00:00:00Z",
         "data": {"instance": "i", "watermark": "2025-03-28T00:00:00Z", "mode": "log"}}
    )  # fmt: skip
    assert envelope.key_of(happened("TicketSplit", AT, "x", ticket="a|b")) == "desk|a|b"
    assert envelope.key_of(beat) == "desk"


@pytest.mark.parametrize("ms", [0, 1, 999, AT, 4_102_444_799_999])
def test_milliseconds_come_back_from_a_time(ms: int) -> None:
    """An instant and its milliseconds are one to one; what is finer is cut."""
    assert envelope.to_ms(envelope.from_ms(ms)) == ms
    assert envelope.to_ms(envelope.from_ms(ms).replace(microsecond=ms % 1000 * 1000 + 999)) == ms


@pytest.mark.parametrize(
    ("value", "reason", "named"),
    [
        (b"", Reason.NOT_JSON, "EOF"),
        (b"[1]", Reason.NOT_JSON, "found a JSON list; valid: an object"),
        (wire()[:-1], Reason.NOT_JSON, "EOF"),
        (wire(type=None), Reason.UNKNOWN_TYPE, "found 'None'"),
        (wire(type=7), Reason.UNKNOWN_TYPE, "found '7'"),
        (wire(type="x" * 1000), Reason.UNKNOWN_TYPE, "x" * 100 + "'"),
        (wire(type="supportpulse.StatusChanged.v9"), Reason.WRONG_VERSION, "'supportpulse.StatusChanged.v1'"),
        (wire(specversion="2.0"), Reason.WRONG_VERSION, "specversion: found '2.0'"),
        (wire(time="2025-03-28T00:00:00"), Reason.TIME_WITHOUT_ZONE, "time: found '2025-03-28T00:00:00'"),
        (wire(time="yesterday"), Reason.SCHEMA, "time: found 'yesterday'"),
        (wire(subject=None), Reason.SCHEMA, "subject: found"),
        (wire(subject=""), Reason.SCHEMA, "subject: found ''"),
        (wire(subject="x" * 10_000_000), Reason.SCHEMA, "at most 200 characters"),
        (wire(source="a|b"), Reason.SCHEMA, "source: found 'a|b'"),
        (wire(sequence=-1), Reason.SCHEMA, "sequence: found '-1'"),
        (wire(data={"status": "lost"}), Reason.SCHEMA, "data.status: found 'lost'"),
        (wire(data={}), Reason.SCHEMA, "data.status: found"),
    ],
)
def test_what_is_wrong_is_named(value: bytes, reason: Reason, named: str) -> None:
    """The detail names the field, what was found and what is valid, in bounded length."""
    found, detail = refused(value)
    assert found == reason
    assert named in detail
    assert len(detail) < 1200


def test_every_type_has_its_name_on_the_wire() -> None:
    """The class name is the type, with prefix and version."""
    assert {f"supportpulse.{model.__name__}.v1" for model in BY_TYPE.values()} == set(BY_TYPE)
