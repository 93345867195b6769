"""A mapping file for webhooks: what in a payload becomes which event, as TOML with JMESPath expressions.

    ticket = "ticket.id"                    # of every event that names no other
    time = "ticket.updated_at"              # ISO 8601, or epoch seconds or milliseconds
    sequence = "history.id"                 # optional: orders events of one instant; else a TicketObserved is last
    zone = "Asia/Shanghai"                  # optional: of times that name no zone
    ignore = "kind == 'ping'"               # optional: understood, and of no interest

    [events.reply]                          # any name; it is part of the ids of its events
    when = "kind == 'reply' && !(reply.draft)"
    event = "MessagePosted"                 # a type of event; see `supportpulse.events`
    id = ["reply.id"]                       # what names the thing that happened, never its delivery
    time = "reply.created_at"               # so may `ticket` and `sequence`
    text = "reply.body"                     # of messages alone: signals are made of it, and it is dropped
    html = true
    public = "reply.visibility == 'public'" # without it, `unmarked_public` of the source decides

    [events.reply.actor]
    id = "reply.author.id"                  # `bots` and `agents` of the source know people by it; events hold a digest
    kind = "reply.author.role"
    kinds = { staff = "agent", user = "customer" }

    [events.status]
    when = "kind == 'status'"
    event = "StatusChanged"
    id = ["change.id"]

    [events.status.data.status]             # fields of the event's data
    path = "change.to"
    values = { resolved = "solved" }        # in lower case; `statuses` and `values` of the source go before
    missing = "unchanged"                   # nothing there: unchanged (says nothing) | cleared (null)

    [events.status.data]
    team = "ticket.queue"                   # short for a path alone

Every table whose `when` holds, in the sense of JMESPath (not null, false or empty), makes one event; `public` must be
true. A whole number in a payload counts as its text, a constant is written `'open'`, and what an expression does not
find, or cannot work on, is nothing.

What an expression may be is in `edges.expression`: the time it takes grows with the payload and no faster.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from supportpulse.edges.cell import Zone
from supportpulse.edges.expression import Expression
from supportpulse.edges.kinds import TYPES, TypeName, fields_of
from supportpulse.errors import MappingError
from supportpulse.events import STATUSES, ActorKind, MessagePosted, TicketEvent


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)


class Place(_Table):
    """Where a field of an event's data lies; `values` has the desk's word in lower case -> ours."""

    path: Expression
    values: Mapping[str, str] = Field(default_factory=dict)
    missing: Literal["unchanged", "cleared"] = "unchanged"

    @model_validator(mode="before")
    @classmethod
    def _short(cls, found: object) -> object:
        return {"path": found} if isinstance(found, str) else found


class Person(_Table):
    """Who did it."""

    id: Expression | None = None
    kind: Expression | None = None
    kinds: Mapping[str, ActorKind] = Field(default_factory=dict)
    site: Expression | None = None


class Kind(_Table):
    """One event that a payload may stand for."""

    when: Expression
    event: TypeName
    id: Annotated[tuple[Expression, ...], Field(min_length=1, max_length=8)]
    ticket: Expression | None = None
    time: Expression | None = None
    sequence: Expression | None = None
    actor: Person = Person()
    data: Mapping[str, Place] = Field(default_factory=dict)
    text: Expression | None = None
    html: bool = False
    public: Expression | None = None

    @property
    def made(self) -> type[TicketEvent]:
        """The class of its events."""
        return TYPES[self.event]


class WebhookMapping(_Table):
    """A checked mapping file."""

    ticket: Expression | None = None
    time: Expression | None = None
    sequence: Expression | None = None
    zone: Zone | None = None
    ignore: Expression | None = None
    events: Annotated[
        Mapping[Annotated[str, Field(pattern=r"^[\w-]{1,40}$")], Kind], Field(min_length=1, max_length=50)
    ]


def read_webhook_mapping(path: Path) -> WebhookMapping:
    """The mapping in a file. Raises `MappingError`, which names file, key, what was found and what is valid."""
    file = str(path)
    try:
        found = WebhookMapping.model_validate(tomllib.loads(path.read_text("utf-8")))
    except OSError as error:
        raise MappingError(file, "file", error.strerror or "not readable", "a file that can be read") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise MappingError(file, "TOML", str(error), "a TOML document") from None
    except ValidationError as error:
        told = error.errors(include_url=False)
        first = next((one for one in told if one["type"] == "extra_forbidden"), told[0])
        place = ".".join(str(part) for part in first["loc"] if not str(part).startswith(("function-", "[key]")))
        what = "nothing" if first["type"] == "missing" else first["input"]
        raise MappingError(file, place, what, str(first["msg"]).removeprefix("Value error, ")) from None
    for name, kind in found.events.items():
        _check(file, f"events.{name}", kind, found)
    return found


def _check(file: str, key: str, kind: Kind, mapping: WebhookMapping) -> None:
    """What single fields cannot know: the fields of an event, and what it needs."""
    fields = {name for name in fields_of(kind.made) if "." not in name and name != "public"}
    for name in kind.data:
        if name not in fields:
            valid = f"a field of {kind.event}: {', '.join(sorted(fields)) or 'it has none'}"
            raise MappingError(file, f"{key}.data", name, valid)
    for said in kind.data["status"].values.values() if "status" in kind.data else ():
        if said not in STATUSES:
            raise MappingError(file, f"{key}.data.status.values", said, f"one of {', '.join(STATUSES)}")
    body: Any = kind.made.model_fields["data"].annotation
    for name, field in body.model_fields.items():
        if field.is_required() and name not in kind.data:
            raise MappingError(file, f"{key}.data", ", ".join(kind.data) or "nothing", f"{name}: {kind.event} needs it")
    for name in ("ticket", "time"):
        if getattr(kind, name) is None and getattr(mapping, name) is None:
            raise MappingError(file, f"{key}.{name}", "nothing", f"an expression here, or `{name}` for all events")
    if kind.made is not MessagePosted and (kind.text is not None or kind.public is not None):
        raise MappingError(
            file, f"{key}.event", kind.event, "MessagePosted, since it has a text or says who may see it"
        )
    if kind.made is MessagePosted and kind.text is None:
        raise MappingError(file, f"{key}.text", "nothing", "the expression of a message's text")
