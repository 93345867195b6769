"""Event <-> bytes: one CloudEvents JSON object, the same in a file, an HTTP body and a Kafka record."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from pydantic import TypeAdapter, ValidationError
from pydantic_core import from_json

from supportpulse.errors import Rejected
from supportpulse.events import BY_TYPE, Event, TicketEvent
from supportpulse.names import EVENT_TYPE_PREFIX, EVENT_TYPE_VERSION, Reason

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TOLD_FIRST = {"specversion", "type"}
_ADAPTERS: dict[str, Any] = {name: TypeAdapter(cls).validator for name, cls in BY_TYPE.items()}


def to_ms(time: datetime) -> int:
    """Milliseconds since the epoch, rounded down."""
    delta = time - EPOCH
    return delta.days * 86_400_000 + delta.seconds * 1000 + delta.microseconds // 1000


def from_ms(ms: int) -> datetime:
    """The aware UTC instant of milliseconds since the epoch."""
    return datetime.fromtimestamp(ms // 1000, UTC).replace(microsecond=ms % 1000 * 1000)


def key(source: str, ticket_id: str) -> str:
    """The record key of a ticket; a source holds no `|`, so the key is unambiguous."""
    return f"{source}|{ticket_id}"


def key_of(event: Event) -> str:
    """The record key: ticket events by source and ticket, heartbeats and probes by source."""
    return key(event.source, event.ticket_id) if isinstance(event, TicketEvent) else event.source


def encode(event: Event) -> bytes:
    """One JSON object with the fields that were set; times in UTC."""
    body = event.model_dump_json(by_alias=True, exclude_unset=True, exclude=_TOLD_FIRST)
    kind = type(event).model_fields["type"].default
    return f'{{"specversion":"1.0","type":"{kind}",{body[1:]}'.encode()


def decode(value: bytes) -> Event:
    """The event in a record's value, by the pydantic contract.

    Raises `Rejected` with the reason a dead letter carries: `not_json`, `unknown_type`, `wrong_version`,
    `time_without_zone` or `schema` (the detail names the field, what was found and what is valid).
    """
    try:
        raw = from_json(value, allow_inf_nan=False)
    except ValueError as error:
        raise Rejected(Reason.NOT_JSON, str(error)) from None
    if not isinstance(raw, dict):
        raise Rejected(Reason.NOT_JSON, f"found a JSON {type(raw).__name__}; valid: an object")
    kind = raw.get("type")
    adapter = _ADAPTERS.get(kind) if isinstance(kind, str) else None
    if adapter is None:
        raise Rejected(*_unknown(kind))
    try:
        event: Event = adapter.validate_json(value)
    except ValidationError as error:
        raise Rejected(*_invalid(error)) from None
    return event


def _unknown(kind: object) -> tuple[Reason, str]:
    stem = kind.rpartition(".")[0] if isinstance(kind, str) else ""
    if stem.startswith(EVENT_TYPE_PREFIX) and stem + EVENT_TYPE_VERSION in BY_TYPE:
        return Reason.WRONG_VERSION, f"type: found {kind!r}; valid: {stem + EVENT_TYPE_VERSION!r}"
    return Reason.UNKNOWN_TYPE, f"type: found {str(kind)[:100]!r}; valid: one of {', '.join(sorted(BY_TYPE))}"


def _invalid(error: ValidationError) -> tuple[Reason, str]:
    first = error.errors(include_url=False)[0]
    field = ".".join(str(part) for part in first["loc"])
    detail = f"{field}: found {str(first['input'])[:100]!r}; {first['msg']}"
    if first["type"] == "json_invalid":
        return Reason.NOT_JSON, first["msg"]
    if first["type"] == "timezone_aware":
        return Reason.TIME_WITHOUT_ZONE, detail
    if field == "specversion":
        return Reason.WRONG_VERSION, detail
    return Reason.SCHEMA, detail
