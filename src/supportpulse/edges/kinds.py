"""Which event a row of a log is: one type for all, a column that says it, or a list of conditions."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Annotated, Any, NamedTuple

from pydantic import AfterValidator, BaseModel, Discriminator, Field, Tag, model_validator

from supportpulse import events
from supportpulse.edges.cell import BadRow, Table
from supportpulse.edges.expression import Expression
from supportpulse.events import TicketEvent

TYPES: dict[str, type[TicketEvent]] = {
    cls.__name__: cls for cls in events.TICKET_EVENTS if cls is not events.DeadlineReached
}


class Skipped(NamedTuple):
    """A row that is no event, on purpose."""

    reason: str


def _type(name: str) -> str:
    if name not in TYPES:
        raise ValueError(f"one of {', '.join(TYPES)}")
    return name


TypeName = Annotated[str, AfterValidator(_type)]


class Kinds(Table):
    """A column that says which event a row is. `skip`: values that are none, or reason -> such values."""

    column: str
    values: dict[str, TypeName]
    skip: dict[str, frozenset[str]] = Field(default_factory=dict)

    @model_validator(mode="before")
    @classmethod
    def _own_reasons(cls, found: Any) -> Any:
        skip = found.get("skip")
        return found | {"skip": {value: [value] for value in skip}} if isinstance(skip, list) else found

    def of(self, found: str) -> str | Skipped:
        """The type of event, or why there is none; or `BadRow`."""
        if found in self.values:
            return self.values[found]
        for reason, values in self.skip.items():
            if found in values:
                return Skipped(reason)
        valid = sorted({*self.values, *(value for values in self.skip.values() for value in values)})
        raise BadRow(f"{self.column}: found {found!r}; valid: {', '.join(valid)}")


class Choice(Table):
    """One entry of a list: rows for which `when` holds are events of a type, or skipped for a reason.

    `fields`: of the mapping's data and constants, only these; all that the type has, if not given.
    """

    when: Expression | None = None
    type: TypeName | None = None
    skip: str | None = None
    fields: frozenset[str] | None = None

    @model_validator(mode="after")
    def _one_of_both(self) -> Choice:
        if (self.type is None) == (self.skip is None):
            raise ValueError("either `type`, an event's, or `skip`, a reason")
        return self


def form(found: object) -> str:
    """Which form of a key that has several a value is of."""
    return "(table)" if isinstance(found, dict) else "(list)" if isinstance(found, list) else "(text)"


What = Annotated[
    Annotated[TypeName, Tag("(text)")]
    | Annotated[Kinds, Tag("(table)")]
    | Annotated[tuple[Choice, ...], Field(min_length=1), Tag("(list)")],
    Discriminator(form),
]


@lru_cache(maxsize=64)
def fields_of(event_class: type[TicketEvent]) -> frozenset[str]:
    """Dotted names of all fields of the event's data."""
    return frozenset(_leaves(event_class.model_fields["data"].annotation))


@lru_cache(maxsize=64)
def needs_data(event_class: type[TicketEvent]) -> bool:
    """Whether the event says nothing without its data."""
    return event_class.model_fields["data"].is_required()


def _leaves(model: object, prefix: str = "") -> Iterator[str]:
    assert isinstance(model, type)
    assert issubclass(model, BaseModel)
    for name in model.model_fields:
        inner = {"actor": events.Actor, "signals": events.Signals}.get(name)
        if inner is None:
            yield prefix + name
        else:
            yield from _leaves(inner, f"{prefix}{name}.")
