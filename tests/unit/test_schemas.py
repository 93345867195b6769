"""The published JSON Schema says what the models say."""

from __future__ import annotations

import json
import re

from supportpulse.events import BY_TYPE, STATUSES
from supportpulse.schema import PUBLISHED, as_text, events_schema


def test_the_published_schema_is_that_of_the_models() -> None:
    """A change of the models is a change of the published file, seen in review."""
    assert PUBLISHED.read_text("utf-8") == as_text(events_schema()), "run python -m supportpulse.schema"


def test_every_type_is_told_apart_by_its_type_field() -> None:
    """The schema maps each event type to its own definition, which requires the type."""
    schema = json.loads(PUBLISHED.read_text("utf-8"))
    mapping = schema["discriminator"]["mapping"]
    assert {name: place.rpartition("/")[2] for name, place in mapping.items()} == {
        name: model.__name__ for name, model in BY_TYPE.items()
    }
    for name, place in mapping.items():
        fields = schema["$defs"][place.rpartition("/")[2]]
        assert fields["properties"]["type"]["const"] == name
        assert {"id", "source", "time", "type"} <= set(fields["required"])


def test_the_schema_speaks_of_the_wire() -> None:
    """The ticket is the `subject` of CloudEvents, statuses are a closed list, a source has no separator of keys."""
    defs = json.loads(PUBLISHED.read_text("utf-8"))["$defs"]
    event = defs["StatusChanged"]
    assert "subject" in event["required"]
    assert "ticket_id" not in event["properties"]
    assert tuple(defs["StatusChange"]["properties"]["status"]["enum"]) == STATUSES
    source = re.compile(event["properties"]["source"]["pattern"])
    assert source.search("desk-1")
    assert not source.search("a|b")
