"""A desk of your own, or one without an adapter: its webhooks read as a mapping file says (see `mapped_file`).

    [sources.desk]
    vendor = "mapped"
    mapping = "desk.toml"
    secrets = ["env:DESK_SECRET"]           # in the header x-supportpulse-token, or as `verify` says

Understood is what the file says: every table of it whose `when` is true makes one event, `ignore` says what is of no
interest, and anything else is a dead letter. `templates/frappe.toml` is a file for Frappe Helpdesk, to copy and change.

Ids are `mapped/<name of the table>/<id>/...`, of what the file names: it must be what happened (a message, an entry of
a history), so that a webhook, its retry and whatever else reads the same desk give the same id; an id of the delivery
counts everything twice. A desk that tells no ids of changes, only how a ticket is now, becomes `TicketObserved`, its id
made of the ticket's and of the time of its last change.

`bots`, `agents`, `statuses` and `values` of the source go before what the file says; its `attributes` and
`solution_tags` are not used. A person's id, an agent who was assigned, and what was linked become digests. A file can
point at any place but can take no more than 100 characters from it, and the text of a message only as its signals.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final, cast, get_args
from zoneinfo import ZoneInfo

from jmespath.parser import ParsedResult
from pydantic import ValidationError

from supportpulse.edges.adapters.adapter import Adapter, Delivery, Unknown, Update, in_causal_order, opaque
from supportpulse.edges.adapters.attributes import value_of
from supportpulse.edges.adapters.mapped_file import Kind, Person, Place, WebhookMapping, read_webhook_mapping
from supportpulse.edges.adapters.message import posted
from supportpulse.edges.adapters.shape import LONGEST_ID, moment, word
from supportpulse.edges.adapters.snapshot import LAST, known, number, status_of
from supportpulse.edges.expression import ask, holds
from supportpulse.events import STATUSES, Actor, ActorKind, MessagePosted, Status, TicketEvent, TicketObserved

KINDS: Final[dict[str, ActorKind]] = {kind: kind for kind in get_args(ActorKind)}
OWN: Final[dict[str, str]] = {status: status for status in STATUSES}
DIGESTED: Final = frozenset(("agent", "reference"))
AS_WRITTEN: Final = frozenset(("other_ticket_id", "score"))


def from_file(path: Path) -> Adapter:
    """The adapter that a mapping file describes. Raises `MappingError`."""
    mapping = read_webhook_mapping(path)

    def adapt(delivery: Delivery) -> list[TicketEvent]:
        return _events(mapping, delivery)

    return adapt


def _events(mapping: WebhookMapping, delivery: Delivery) -> list[TicketEvent]:
    if mapping.ignore is not None and holds(mapping.ignore, delivery.payload):
        return []
    meant = [(name, kind) for name, kind in mapping.events.items() if holds(kind.when, delivery.payload)]
    if not meant:
        raise Unknown("event", f"found none of the mapping's events; valid: {', '.join(mapping.events)}")
    return in_causal_order([_Told(mapping, delivery, name, kind).event() for name, kind in meant])


def _word(expression: ParsedResult, payload: Any, longest: int = 100) -> str | None:
    return word({"it": ask(expression, payload)}, "it", longest)


@dataclass(frozen=True)
class _Told:
    """One event that a payload stands for."""

    mapping: WebhookMapping
    delivery: Delivery
    name: str
    kind: Kind

    def event(self) -> TicketEvent:
        """The event, or `Unknown`."""
        kind, payload, update = self.kind, self.delivery.payload, self.update()
        by = self.actor(update, kind.actor)
        data: dict[str, Any] = {} if by is None else {"actor": by}
        if kind.made is MessagePosted and kind.text is not None:
            options = self.delivery.options
            public = options.unmarked_public if kind.public is None else ask(kind.public, payload) is True
            said = posted(update, ask(kind.text, payload), options, by=by, public=public, html=kind.html)
            data |= {"public": public, "signals": said.data.signals}
        data |= self.fields()
        return update.event(kind.made, **data)

    def update(self) -> Update:
        """What names the event: its ticket, time and id."""
        kind, mapping, payload = self.kind, self.mapping, self.delivery.payload
        ticket = self.needed("ticket", kind.ticket or mapping.ticket)
        parts = [self.needed("id", part) for part in kind.id]
        time = self.time(kind.time or mapping.time)
        if time is None:
            valid = "ISO 8601" + (" with a zone" if mapping.zone is None else "") + ", or epoch seconds or milliseconds"
            raise Unknown("time", f"events.{self.name}.time: found none; valid: {valid}")
        place = kind.sequence or mapping.sequence
        sequence = None if place is None else number(_word(place, payload))
        if sequence is None and kind.made is TicketObserved:
            sequence = LAST
        return Update(self.delivery.source, ticket, time, "/".join(("mapped", self.name, *parts)), sequence)

    def needed(self, key: str, expression: ParsedResult | None) -> str:
        """A text or a number that an event cannot do without."""
        found = None if expression is None else _word(expression, self.delivery.payload, LONGEST_ID)
        if found is None:
            raise Unknown("shape", f"events.{self.name}.{key}: found nothing; valid: a text or a whole number")
        return found

    def time(self, expression: ParsedResult | None) -> datetime | None:
        """A time, in the mapping's zone if it names none."""
        found = None if expression is None else ask(expression, self.delivery.payload)
        time = moment({"it": found}, "it")
        if time is None and self.mapping.zone is not None and isinstance(found, str):
            try:
                local = datetime.fromisoformat(found.strip()[:64]).replace(tzinfo=ZoneInfo(self.mapping.zone))
                time = moment({"it": local.isoformat()}, "it")
            except (ValueError, OverflowError):
                return None
        return time

    def actor(self, update: Update, person: Person) -> Actor | None:
        """Who did it; None where the payload does not say."""
        payload = self.delivery.payload
        raw = None if person.id is None else _word(person.id, payload)
        kind = known(self.delivery.options, raw)
        said = None if person.kind is None else _word(person.kind, payload)
        if kind is None and said is not None:
            kinds: Mapping[str, ActorKind] = KINDS | {name.lower(): one for name, one in person.kinds.items()}
            kind = kinds.get(said.lower())
            if kind is None:
                valid = f"{', '.join(kinds)}, as `kinds` has them"
                raise Unknown("role", f"events.{self.name}.actor.kind: found another; valid: {valid}")
        if kind is None:
            return None
        site = None if person.site is None else _word(person.site, payload)
        by = update.actor(kind, raw)
        if site is None:
            return by
        try:
            return Actor(kind=by.kind, id=by.id, site=site)
        except ValidationError:
            raise Unknown("shape", f"events.{self.name}.actor.site: found no text of Unicode; valid: a name") from None

    def fields(self) -> dict[str, Any]:
        """The data of the event, but for who did it."""
        data: dict[str, Any] = {}
        for name, place in self.kind.data.items():
            found = self.value(name, place)
            if found is not None or place.missing == "cleared":
                data[name] = found
        return data

    def value(self, name: str, place: Place) -> Any:
        """One field's value in our words."""
        options, payload = self.delivery.options, self.delivery.payload
        if name == "created_at":
            return self.time(place.path)
        found = ask(place.path, payload)
        raw = word({"it": found}, "it")
        if name == "score" and not isinstance(found, bool) and isinstance(found, float):
            return found
        if raw is None:
            return None
        values = {key.lower(): value for key, value in place.values.items()}
        if name == "status":
            status = status_of(options, cast(Mapping[str, Status], OWN | values), raw)
            if status is None:
                raise Unknown("status", f"events.{self.name}.data.status: found another; valid: as `values` has them")
            return status
        if name in AS_WRITTEN:
            return values.get(raw.lower(), raw)
        if name in DIGESTED:
            return opaque(self.delivery.source, raw)
        return value_of(options, name, raw, values)
