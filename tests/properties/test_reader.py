"""Reading records: the fast path takes what the contract takes, and nothing a record holds gets past a reason."""

from __future__ import annotations

import json
import random
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import pytest
from annotated_types import Ge, Le
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import AwareDatetime, BaseModel
from pydantic.fields import FieldInfo

from strategies import happened, histories
from supportpulse import contract, envelope
from supportpulse.errors import Rejected
from supportpulse.events import EVENTS, Event
from supportpulse.facts import Beat, Marker, ProbeSeen, Reading
from supportpulse.names import Reason
from supportpulse.reader import Read, read, read_event

TIMES = (
    "2025-03-28T00:00:00Z", "2025-03-28T00:00:00.123456789Z", "2025-03-28T23:59:59.999999+14:00",
    "2025-03-28 00:00:00Z", "2025-03-28T00:00:00-23:59", "2025-03-28t00:00:00z", "1970-01-01T00:00:00Z",
)  # fmt: skip
ODD_TIMES = (
    "1970-01-01T00:00:00+00:01", "9999-12-31T23:59:59Z", "9999-12-31T23:59:59-12:00",
    "0001-01-01T00:00:00Z", "2025-03-28T00:00:00", "2025-03-28",
    "2025-02-30T00:00:00Z",
    "2024-02-29T12:00+0530", "1743120000", 1743120000, 1743120000123, 1743120000.5, -1, 0, 1e300, True, "",
)  # fmt: skip
"""As helpdesks, people and programs write times."""

_text = st.text(st.characters(exclude_categories=("Cs",)), max_size=5)
_wild = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), _text,
    st.sampled_from(("", " ", "a|b", "a\x1fb", "a\u00a0b", "é" * 100, "\U0001f600" * 101, "x" * 201, 2**63, 2**64, [])),
    st.lists(_text, max_size=2), st.dictionaries(_text, _text, max_size=2),
)  # fmt: skip


def _often(good: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Mostly what the contract wants."""
    return st.integers(0, 19).flatmap(lambda roll: good if roll else _wild)


def _values(annotation: Any, metadata: tuple[Any, ...] = ()) -> st.SearchStrategy[Any]:
    origin = get_origin(annotation)
    if annotation is AwareDatetime:
        return st.one_of([st.sampled_from(TIMES)] * 5 + [st.sampled_from(ODD_TIMES)])
    if origin is Annotated:
        inner, *metadata_of = get_args(annotation)
        return _values(inner, (*metadata, *metadata_of))
    if origin in (Union, UnionType):
        return st.one_of([_values(arg) for arg in get_args(annotation)])
    if origin is Literal:
        return st.sampled_from(get_args(annotation))
    if annotation is type(None):
        return st.none()
    if annotation is bool:
        return st.booleans()
    if annotation is str:
        most = next(item.max_length for item in metadata if getattr(item, "max_length", None))
        edges = ("a", "é" * most, "\U0001f600" * most, "é a" * (most // 3), "x" * most)
        return st.one_of(st.sampled_from(("a", "b")), _text, st.sampled_from((*edges, *edges, "x" * (most + 1))))
    if annotation in (int, float):
        said = [item for field in metadata for item in (field.metadata if isinstance(field, FieldInfo) else (field,))]
        bounds = [item.ge if isinstance(item, Ge) else item.le for item in said if isinstance(item, Ge | Le)]
        near = [bound + step for bound in bounds for step in (-1, 0, 1)]
        return st.sampled_from(near if annotation is int else [*near, 0.57])
    return _objects(annotation)


def _objects(model: type[BaseModel]) -> st.SearchStrategy[dict[str, Any]]:
    needed: dict[str, st.SearchStrategy[Any]] = {}
    optional: dict[str, st.SearchStrategy[Any]] = {"unheard_of": _wild}
    for name, info in model.model_fields.items():
        if name == "type":
            needed[name] = st.just(info.default)
            continue
        values = _often(_values(info.annotation, tuple(info.metadata)))
        (needed if info.is_required() else optional)[info.alias or name] = values
    return st.fixed_dictionaries(needed, optional=optional)


payloads = st.one_of([_objects(model) for model in EVENTS])


def outcome(value: bytes) -> Read | str:
    """What a value is read as, or the reason it is not."""
    try:
        return read(value)
    except Rejected as error:
        return Reason(error.reason) if error.detail else "no detail"


def by_contract(value: bytes) -> Read | str:
    """The same, but with every field as the pydantic models understand it."""
    try:
        event: Event = envelope.decode(value)
    except Rejected as error:
        return Reason(error.reason)
    try:
        return read_event(event)
    except Rejected as error:
        named = error.detail.partition(":")[0]  # what the models take may still lie outside the years we know
        known = ("time", "data.created_at", "data.at", "data.watermark", "data.deadline")
        return Reason(error.reason) if named in known else f"lost: {error.detail}"


@settings(max_examples=800, deadline=None)
@given(payloads)
def test_the_fast_path_reads_what_the_contract_reads(payload: dict[str, Any]) -> None:
    """Of any object with the fields of an event, the fast path and the models take the same and make the same of it."""
    value = json.dumps(payload).encode()
    found = outcome(value)
    assert found == by_contract(value)
    if isinstance(found, str):
        return
    assert outcome(json.dumps(payload, ensure_ascii=False, indent=1).encode()) == found


@settings(max_examples=60, deadline=None)
@given(histories())
def test_our_own_events_take_the_fast_path(history: Any) -> None:
    """What `encode` writes is never shown to the slower contract."""
    for event in history.events:
        contract.decode(envelope.encode(event))


def _numbers_and_nests(rng: random.Random) -> str:
    return rng.choice(
        (
            "NaN", "-Infinity", "1e999", "-0", "9" * 400, "9" * 5000, "1.7976931348623157e308", "0.1e-400", "[" * 5000,
            "[" * 150 + "]" * 150, '{"a":' * 300 + "1" + "}" * 300, '"\\ud800"', '"\\udc00\\ud800"', '"\\u0000"',
            '"\x01"', '"\\x"', '"' + "x" * 300 + '"', '"' + "é" * 150 + '"', "null", "true", "{}", "[]",
            "18446744073709551616",
            "9223372036854775807", "-1", '"2025-03-28T00:00:00"', '"2025-03-28T00:00:00+99:00"', '"\ufeff"', "1 2", ",",
        )
    )  # fmt: skip


def _mutated(rng: random.Random, value: bytes) -> bytes:
    how = rng.randrange(7)
    at = rng.randrange(len(value) + 1)
    if how == 0:
        return value[:at]
    if how == 1:
        return value[:at] + rng.randbytes(rng.randrange(1, 4)) + value[at:]
    if how == 2:
        return value[:at] + rng.randbytes(1) + value[at + 1 :]
    if how == 3:
        return rng.randbytes(rng.randrange(60))
    content = json.loads(value)
    place = content["data"] if rng.random() < 0.4 and isinstance(content.get("data"), dict) else content
    name = rng.choice(list(place) or ["data"])
    hole = "@@hole@@"
    if how == 4:
        place[name] = hole
    elif how == 5:  # the same key twice
        place[name + hole] = hole
        return json.dumps(content).replace(f"{name}{hole}", name).replace(f'"{hole}"', _numbers_and_nests(rng)).encode()
    else:
        place["unheard_of"] = hole
    return json.dumps(content).replace(f'"{hole}"', _numbers_and_nests(rng)).encode("utf-8", "surrogatepass")


@pytest.mark.parametrize("seed", range(6))
def test_whatever_a_record_holds_is_read_or_gets_a_reason(seed: int) -> None:
    """Thousands of broken, cut, doubled and absurd values: each is read or rejected, never an error of another kind."""
    rng = random.Random(seed)
    valid = [envelope.encode(event) for event in _every_kind()]
    reasons = set()
    for _ in range(600):
        value = rng.choice(valid)
        for _ in range(rng.randrange(1, 3)):
            try:
                value = _mutated(rng, value)
            except (ValueError, RecursionError):  # it is no JSON any more
                break
        found = outcome(value)
        assert isinstance(found, Reading | Marker | Beat | ProbeSeen | Reason)
        reasons.add(found if isinstance(found, Reason) else "read")
    assert {"read", Reason.NOT_JSON, Reason.SCHEMA, Reason.UNKNOWN_TYPE} <= reasons


@settings(max_examples=300, deadline=None)
@given(st.one_of(st.binary(max_size=80), st.recursive(_wild, lambda inner: st.lists(inner, max_size=3)).map(
    lambda content: json.dumps(content).encode())))  # fmt: skip
def test_any_bytes_and_any_json_get_a_reason(value: bytes) -> None:
    """What is no event at all is rejected with a reason."""
    assert isinstance(outcome(value), Reason)


def _every_kind() -> list[Event]:
    def say(name: str, **data: Any) -> Event:
        return happened(name, 1_743_120_000_000, f"{name}-1", by="agent", sequence=3, **data)

    beat = {"instance": "i", "watermark": "2025-03-28T00:00:00Z", "mode": "live"}
    around = {"id": "h", "source": "desk", "time": "2025-03-28T00:00:00Z"}
    return [
        say("TicketCreated", scenario="live", priority="urgent", status="new"),
        say("TicketObserved", created_at=1_743_110_000_000, team="core", agent="a1", status="open"),
        say("MessagePosted", public=True, signals={"canned_share": 0.5, "question": True}),
        say("StatusChanged", status="open"),
        say("HandedOver", from_site="beijing", to_site="valley"),
        say("DeadlineReached", at="2025-03-28T00:00:00Z"),
        *(model.model_validate({**around, "data": data}) for model, data in _ticketless(beat)),
    ]


def _ticketless(beat: dict[str, Any]) -> list[tuple[type[Event], dict[str, Any]]]:
    by_name = {model.__name__: model for model in EVENTS}
    return [(by_name["Heartbeat"], beat), (by_name["Probe"], {"worker": "w", "partition": 1})]


BASE = (
    '{"specversion":"1.0","type":"supportpulse.StatusChanged.v1","id":"a","source":"desk","subject":"1",'
    '"time":"2025-03-28T00:00:00Z","data":{"status":"open"}}'
)


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ('"id":"a"', '"id":"\\ud800"', Reason.NOT_JSON),
        ('"id":"a"', '"id":"' + "x" * 10_000_000 + '"', Reason.SCHEMA),
        ('"id":"a"', '"id":"\x01"', Reason.NOT_JSON),
        ('"data":{', '"data":{"x":NaN,', Reason.NOT_JSON),
        ('"data":{', '"data":{"x":' + "[" * 100_000 + "]" * 100_000 + ",", Reason.NOT_JSON),
        ("{", "\ufeff{", Reason.NOT_JSON),
        (BASE, "", Reason.NOT_JSON),
        (BASE, "null", Reason.NOT_JSON),
        (BASE, "{}", Reason.UNKNOWN_TYPE),
        ("StatusChanged.v1", "StatusChanged.v2", Reason.WRONG_VERSION),
        ("StatusChanged", "StatusChange", Reason.UNKNOWN_TYPE),
        ('"1.0"', '"0.3"', Reason.WRONG_VERSION),
        ("00:00Z", "00:00", Reason.TIME_WITHOUT_ZONE),
        ("2025-", "1969-", Reason.SCHEMA),
        ("2025-", "2925-", Reason.FUTURE_TIME),
        ('"desk"', '"de sk"', Reason.SCHEMA),
        ('"desk"', '"de|sk"', Reason.SCHEMA),
        ('"desk"', '"desk\\n"', Reason.SCHEMA),
        ('"subject"', '"sequence":-1,"subject"', Reason.SCHEMA),
        ('"subject"', '"sequence":9223372036854775808,"subject"', Reason.SCHEMA),
        (
            BASE,
            BASE.replace("StatusChanged", "SatisfactionRated").replace('"status":"open"', '"score":2'),
            Reason.SCHEMA,
        ),
        ('"desk"', '"de\\u001fsk"', Reason.SCHEMA),
        ('"open"', '"opened"', Reason.SCHEMA),
        ('"open"', "null", Reason.SCHEMA),
    ],
)
def test_each_fault_has_its_reason(old: str, new: str, reason: Reason) -> None:
    """A dead letter says what is wrong with it by one word of a closed list."""
    value = BASE.replace(old, new, 1).encode()
    assert outcome(value) == by_contract(value) == reason


def test_bytes_that_are_no_text_get_a_reason() -> None:
    """UTF-16, Latin-1 and cut UTF-8 are not JSON."""
    accented = BASE.replace("desk", "é")
    for value in (BASE.encode("utf-16"), accented.encode("latin-1"), accented.encode()[: accented.index("é") + 1]):
        assert outcome(value) == Reason.NOT_JSON
