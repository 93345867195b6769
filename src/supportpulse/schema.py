"""The JSON Schema of all events, for adapters in other languages.

It is published as `schemas/events.v1.json`, beside that of outcomes and the AsyncAPI document. `supportpulse schema`
writes them again after a change of the models; a change that old readers or writers would trip over needs a new version
of the event type instead.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any, Union

from pydantic import Field, TypeAdapter

from supportpulse.events import EVENTS

FOLDER = Path(__file__).with_name("schemas")
PUBLISHED = {
    "events": FOLDER / "events.v1.json",
    "outcomes": FOLDER / "outcomes.v1.json",
    "asyncapi": FOLDER / "asyncapi.yaml",
}
"""What `supportpulse schema` is asked for -> the file in the package."""


def events_schema() -> dict[str, Any]:
    """One schema for any event, told apart by `type`; every field as it is on the wire."""
    any_event: Any = Annotated[Union[EVENTS], Field(discriminator="type")]  # noqa: UP007 - built from values
    schema = TypeAdapter(any_event).json_schema(by_alias=True)
    for model in EVENTS:
        schema["$defs"][model.__name__]["required"].append("type")
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "supportpulse events, version 1",
        **schema,
    }


def as_text(schema: dict[str, Any]) -> str:
    """The schema as it is written to the file."""
    return json.dumps(schema, indent=1) + "\n"
