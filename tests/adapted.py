"""What the tests of every helpdesk's adapter say: a payload delivered, a ticket's verdicts stable, a hostile shape.

Captured payloads are read from `$SUPPORTPULSE_WEBHOOKS`, by default `../shared/webhooks`; tests of them are skipped
where there are none.
"""

from __future__ import annotations

import copy
import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from supportpulse.edges.adapters import message
from supportpulse.edges.adapters.adapter import Adapter, Delivery, Options, Unknown
from supportpulse.envelope import decode, encode, to_ms
from supportpulse.evaluate import evaluate
from supportpulse.events import TicketEvent
from supportpulse.policy import Policy, load_policy
from supportpulse.reader import read_event
from supportpulse.settings import SHIPPED_POLICY
from supportpulse.verdicts import NetView

WEBHOOKS = Path(os.environ.get("SUPPORTPULSE_WEBHOOKS", Path(__file__).parents[2] / "shared" / "webhooks"))
RECEIVED = datetime(2026, 3, 1, 12, tzinfo=UTC)
A_MONTH = 30 * 86_400_000
MARKER = "Xq7PlantedTextQ9x"
TEXTS = frozenset((
    "body", "comment_body", "content", "cooked", "description", "description_text", "displayName", "display_name",
    "email", "emailAddress", "excerpt", "html_body", "login", "plain_body", "raw", "real_name", "subject", "summary",
    "text", "title", "username",
))  # fmt: skip
"""Keys under which vendors write message texts, names and addresses."""
PERSON = frozenset(("displayName", "email", "emailAddress", "is_staff", "login", "username"))
"""Keys that show that an object is a person, whose `name` is one too."""
TOLD_IN_TEXT = frozenset(("assignee", "comment", "description", "reporter", "summary"))
"""Fields of a changelog whose values are names or texts."""
JUNK: tuple[Any, ...] = (
    None, True, False, 0, -1, 1.5, float("nan"), float("inf"), 10**400, -(10**30), 2**63, "", " ", "0", "-1", "\x00",
    "\ud800", "²", "9" * 5000, "1e999", "2026-13-45", "0001-01-01T00:00:00+14:00", "2026-01-01T00:00:00", "x" * 70_000,
    [], {}, [[]], [None], {"": None}, {"id": {"id": []}}, ["a", 1, {}],
)  # fmt: skip
MUTATIONS = 100


@cache
def model() -> Policy:
    """The policy of the model vendor."""
    return load_policy(SHIPPED_POLICY)


def adapter_of(vendor: str) -> Adapter:
    """The adapter of a vendor that needs no file of its own."""
    adapt: Adapter = import_module(f"supportpulse.edges.adapters.{vendor}").adapt
    return adapt


def captured(vendor: str) -> dict[str, Any]:
    """What a vendor really sent: file name -> payload."""
    folder = WEBHOOKS / vendor
    if not folder.is_dir():
        pytest.skip(f"no captured payloads in {folder}: set SUPPORTPULSE_WEBHOOKS to a folder of them")
    return {path.name: json.loads(path.read_text("utf-8")) for path in sorted(folder.glob("*.json"))}


def delivery_of(
    payload: Any, headers: Mapping[str, str] | None = None, received: datetime = RECEIVED, **options: Any
) -> Delivery:
    """A delivery of the source `desk`; keywords are `Options`."""
    return Delivery("desk", payload, received, headers or {}, Options(**options))


def delivered(
    vendor: str,
    payload: Any,
    headers: Mapping[str, str] | None = None,
    received: datetime = RECEIVED,
    **options: Any,
) -> list[TicketEvent] | Unknown:
    """What an adapter makes of a payload, the same each time it is asked, with the payload left as it was."""
    adapt, before = adapter_of(vendor), copy.deepcopy(payload)
    delivery = delivery_of(payload, headers, received, **options)
    try:
        events = adapt(delivery)
    except Unknown as unknown:
        return unknown
    assert payload == before
    assert adapt(delivery) == events
    assert len({event.id for event in events}) == len(events)
    return events


def told(vendor: str, payloads: Iterable[Any], **options: Any) -> list[TicketEvent]:
    """All events of payloads that must be understood."""
    events: list[TicketEvent] = []
    for payload in payloads:
        found = delivered(vendor, payload, **options)
        assert not isinstance(found, Unknown), found
        events += found
    return events


def net(events: Sequence[TicketEvent]) -> NetView:
    """The verdicts of the model policy, a month after the last event, if no event is rejected."""
    if not events:
        return {}
    until = max(to_ms(event.time) for event in events) + A_MONTH
    found = evaluate([read_event(event) for event in events], model(), until)
    assert found.rejected == []
    return found.net


def stable(events: Sequence[TicketEvent]) -> NetView:
    """The net view of events, once no repetition and no order of them changes it."""
    expected = net(events)
    assert expected, "no verdict at all: nothing could change"

    @settings(max_examples=30, deadline=None, database=None)
    @given(st.lists(st.sampled_from(list(events)), max_size=len(events)), st.randoms(use_true_random=False))
    def holds(again: list[TicketEvent], random: Any) -> None:
        log = [*events, *again]
        random.shuffle(log)
        assert net(log) == expected

    holds()
    return expected


def planted(payload: Any) -> Any:
    """A payload whose texts, names and addresses hold a marker that no event may show."""
    if isinstance(payload, list):
        return [planted(item) for item in payload]
    if not isinstance(payload, dict):
        return payload
    person = not PERSON.isdisjoint(payload)
    changelog = str(payload.get("field")).lower() in TOLD_IN_TEXT
    found = {}
    for key, value in payload.items():
        text = key in TEXTS or (person and key == "name") or (changelog and key in ("toString", "fromString"))
        plain = isinstance(value, str) and not value.startswith("zen:")
        found[key] = f"{MARKER} {value} {MARKER}@example.com" if text and plain else planted(value)
    return found


def hostile(
    adapt: Adapter,
    payloads: Iterable[Any],
    headers: Mapping[str, str] | None = None,
    examples: int = MUTATIONS,
    thorough: bool = True,
    **options: Any,
) -> None:
    """Broken payloads: nothing but `Unknown` is raised, every event is valid, no planted text comes out.

    Broken at random in some places, and if `thorough` in each place alone (leave that out for payloads of hundreds).
    """
    sound = [planted(payload) for payload in payloads]
    assert sound, "nothing to break"

    def survives(payload: Any) -> None:
        events: list[TicketEvent] = []
        unknown: Unknown | None = None
        try:
            events = adapt(delivery_of(payload, headers, **options))
        except Unknown as raised:
            unknown = raised
        assert unknown is None or (unknown.reason.isidentifier() and MARKER not in str(unknown))
        for event in events:
            value = encode(event)
            assert MARKER.encode() not in value
            assert decode(value) == event
            read_event(event)

    @settings(max_examples=examples, deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow])
    @given(st.data())
    def survive(data: st.DataObject) -> None:
        survives(broken(data, copy.deepcopy(data.draw(st.sampled_from(sound)))))

    with patch.object(message, "signals_of", cache(message.signals_of)):  # what is broken is seldom the text
        for payload in (*sound, *JUNK):
            survives(payload)
        for payload in swept(sound) if thorough else ():
            survives(payload)
        survive()


def swept(payloads: Iterable[Any]) -> Iterator[Any]:
    """Each payload with each of its places in turn as each piece of junk, and gone."""
    for payload in payloads:
        places = list(_places(payload))
        for holder, key in places:
            kept = holder[key]
            for junk in JUNK:
                holder[key] = junk
                yield payload
            holder[key] = kept
            if isinstance(holder, dict):
                del holder[key]
                yield payload
                holder[key] = kept


def broken(data: st.DataObject, payload: Any) -> Any:
    """The payload with some values replaced, left out, repeated or put into a list."""
    for _ in range(data.draw(st.integers(0, 3))):
        places = list(_places(payload))
        if not places:
            break
        holder, key = data.draw(st.sampled_from(places))
        how = data.draw(st.sampled_from(("junk", "junk", "junk", "gone", "listed")))
        if how == "gone":
            del holder[key]
        else:
            holder[key] = [holder[key]] if how == "listed" else copy.deepcopy(data.draw(st.sampled_from(JUNK)))
    return data.draw(st.sampled_from(JUNK)) if data.draw(st.integers(0, 50)) == 0 else payload


def _places(payload: Any) -> Iterator[tuple[Any, Any]]:
    keys = payload if isinstance(payload, dict) else range(len(payload)) if isinstance(payload, list) else ()
    for key in keys:
        yield payload, key
        yield from _places(payload[key])
