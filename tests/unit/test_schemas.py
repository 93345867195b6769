"""The published schemas say what the models say, and what is really written."""

from __future__ import annotations

import copy
import json
import re
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator, FormatChecker
from jsonschema.exceptions import ValidationError

from strategies import START, History, histories, policy_of
from supportpulse import record
from supportpulse.cli import program
from supportpulse.envelope import decode, encode
from supportpulse.errors import Rejected
from supportpulse.events import BY_TYPE, STATUSES
from supportpulse.example_messages import example_events, example_outcomes
from supportpulse.names import RETRACTIONS
from supportpulse.outcome import PUBLISHED, Emission
from supportpulse.schema import PUBLISHED as FILES
from supportpulse.ticket import Plans


def validator(kind: str) -> Draft202012Validator:
    """The published schema, by an implementation that is not ours."""
    schema = json.loads(FILES[kind].read_text("utf-8"))
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema, format_checker=FormatChecker())


EVENTS, OUTCOMES = validator("events"), validator("outcomes")
PLAN = Plans(
    policy_of('name = "p"\nlabels = ["rule"]\n[[rules]]\nname = "all"\ntargets = { first_response = "1h" }\n')
).plans[0]


@pytest.mark.parametrize("kind", FILES)
def test_the_published_file_is_what_the_command_prints(kind: str) -> None:
    """A change of the models is a change of the published files, seen in review."""
    printed = CliRunner().invoke(program, ["schema", kind])
    assert printed.exit_code == 0, printed.output
    same = FILES[kind].read_text("utf-8") == printed.output
    assert same, f"run supportpulse schema {kind} -o {FILES[kind]}"


@pytest.mark.parametrize("event", example_events(), ids=lambda event: event["type"])
def test_the_example_of_every_type_is_valid(event: dict[str, Any]) -> None:
    """By the published schema as well as by the models; and no longer without its id, or with a time that is none."""
    EVENTS.validate(event)
    assert type(decode(json.dumps(event).encode())) is BY_TYPE[event["type"]]
    for wrong in ({"id": ""}, {"source": "a|b"}, {"type": "supportpulse.Unheard.v1"}, {"specversion": "0.3"}):
        with pytest.raises(ValidationError):
            EVENTS.validate(event | wrong)
        with pytest.raises(Rejected):
            decode(json.dumps(event | wrong).encode())


@settings(deadline=None)
@given(histories())
def test_whatever_is_written_is_valid(history: History) -> None:
    """Any event that the models let pass, as it is encoded, is valid by the published schema."""
    for event in history.events:
        EVENTS.validate(json.loads(encode(event)))


def test_every_type_is_told_apart_by_its_type_field() -> None:
    """The schema maps each event type to its own definition, which requires the type."""
    mapping = EVENTS.schema["discriminator"]["mapping"]
    assert {name: place.rpartition("/")[2] for name, place in mapping.items()} == {
        name: model.__name__ for name, model in BY_TYPE.items()
    }
    for name, place in mapping.items():
        fields = EVENTS.schema["$defs"][place.rpartition("/")[2]]
        assert fields["properties"]["type"]["const"] == name
        assert {"id", "source", "time", "type"} <= set(fields["required"])


def test_the_schema_speaks_of_the_wire() -> None:
    """The ticket is the `subject` of CloudEvents, statuses are a closed list, a source has no separator of keys."""
    defs = EVENTS.schema["$defs"]
    event = defs["StatusChanged"]
    assert "subject" in event["required"]
    assert "ticket_id" not in event["properties"]
    assert tuple(defs["StatusChange"]["properties"]["status"]["enum"]) == STATUSES
    source = re.compile(event["properties"]["source"]["pattern"])
    assert source.search("desk-1")
    assert not source.search("a|b")


@settings(deadline=None)
@given(
    st.sampled_from(sorted(PUBLISHED)),
    st.sampled_from(("", *RETRACTIONS)),
    st.sampled_from((-1, 0, 5)),
    st.sampled_from((-1, START)),
    st.integers(0, 5),
    st.integers(0, 5),
    st.integers(0, 2**64 - 1),
)
def test_whatever_is_decided_is_valid(
    kind: int, because: str, elapsed: int, deadline: int, start: int, stop: int, cycle: int
) -> None:
    """Each outcome that a worker can write, retractions too, is valid by the published schema."""
    emission = Emission(kind, 0, cycle, START, deadline, PLAN.labels, elapsed, start + 8 * stop, because)
    value = record.encode("desk|1", PLAN, [emission], "support.events.v1-0-7")
    assert value is not None
    OUTCOMES.validate(json.loads(value))


def test_the_examples_of_outcomes_are_valid_and_told_from_what_is_not() -> None:
    """A breach and its retraction pass, by the reader too; one without its cause or its policy does not."""
    examples = example_outcomes()
    OUTCOMES.validate(examples)
    view: dict[Any, Any] = {}
    assert len(record.apply(view, set(), json.dumps(examples).encode())) == 2
    assert view == {}
    for field in ("clock", "cause", "policy", "because"):
        broken = copy.deepcopy(examples)
        del broken[1]["data"][field]
        with pytest.raises(ValidationError):
            OUTCOMES.validate(broken)
