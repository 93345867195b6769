"""The AsyncAPI document is valid AsyncAPI, and says what is really there."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft7Validator

from supportpulse.edges.broker import default_cache_dir
from supportpulse.edges.topics import plan_topics
from supportpulse.events import EVENTS
from supportpulse.schema import PUBLISHED

SPECS = "6.11.1"
"""Version of the npm package in which AsyncAPI publishes its own JSON Schemas."""
DOCUMENT: dict[str, Any] = yaml.safe_load(PUBLISHED["asyncapi"].read_text("utf-8"))


def official(version: str) -> dict[str, Any]:
    """AsyncAPI's JSON Schema of AsyncAPI documents; the test is skipped where npm cannot get it."""
    folder = default_cache_dir() / f"asyncapi-specs-{SPECS}"
    file = folder / "node_modules/@asyncapi/specs/schemas" / f"{version}-without-$id.json"
    if not file.exists():
        if shutil.which("npm") is None:
            pytest.skip("AsyncAPI's own schema comes by npm, which is not there")
        folder.mkdir(parents=True, exist_ok=True)
        got = subprocess.run(
            [
                "npm",
                "install",
                "--prefix",
                folder,
                "--no-audit",
                "--no-fund",
                "--ignore-scripts",
                f"@asyncapi/specs@{SPECS}",
            ],
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        if got.returncode:
            pytest.skip(f"npm could not get AsyncAPI's own schema: {got.stderr.strip().splitlines()[-1:]}")
    found: dict[str, Any] = json.loads(file.read_text("utf-8"))
    return found


def test_the_document_is_valid_by_asyncapis_own_schema() -> None:
    """AsyncAPI 3.0.0 as its makers publish it accepts the document, and not one whose operation has no action."""
    validator = Draft7Validator(official("3.0.0"))
    assert [error.message for error in validator.iter_errors(DOCUMENT)] == []
    broken = json.loads(json.dumps(DOCUMENT))
    del broken["operations"]["receiveEvents"]["action"]
    assert list(validator.iter_errors(broken))


def references(part: Any) -> Iterator[str]:
    """Every `$ref` of a document."""
    if isinstance(part, dict):
        if isinstance(part.get("$ref"), str):
            yield part["$ref"]
        for value in part.values():
            yield from references(value)
    elif isinstance(part, list):
        for value in part:
            yield from references(value)


def found(reference: str) -> Any:
    """What a reference within the document leads to."""
    part: Any = DOCUMENT
    for name in reference.removeprefix("#/").split("/"):
        part = part[name]
    return part


def test_every_reference_leads_somewhere() -> None:
    """The document is complete in itself, and each component is used."""
    led = set(references(DOCUMENT))
    assert all(found(reference) for reference in led)
    components = {
        f"#/components/{kind}/{name}" for kind, named in DOCUMENT["components"].items() for name in named
    }  # fmt: skip
    assert components <= led


@pytest.mark.parametrize("name", DOCUMENT["components"]["messages"])
def test_every_example_is_valid_by_its_own_message(name: str) -> None:
    """Messages of events and outcomes have an example; dead letters are any bytes, and have their headers instead."""
    message = DOCUMENT["components"]["messages"][name]
    validator = Draft7Validator({**message["payload"], "components": DOCUMENT["components"]})
    for example in message.get("examples", []):
        validator.validate(example["payload"])
    assert ("examples" in message) != ("headers" in message)


def test_topics_and_messages_are_those_there_are() -> None:
    """Each channel is a topic as it is created; the events topic carries every type, by its name on the wire."""
    plans = plan_topics(partitions=4)[:3]
    assert [channel["address"] for channel in DOCUMENT["channels"].values()] == [plan.name for plan in plans]
    for channel, plan in zip(DOCUMENT["channels"].values(), plans, strict=True):
        bound = channel["bindings"]["kafka"]["topicConfiguration"]
        assert {
            key: str(value) for key, value in bound.items() if key != "cleanup.policy"
        }.items() <= plan.configs.items()
        assert bound["cleanup.policy"] == [plan.configs["cleanup.policy"]]
    messages = DOCUMENT["components"]["messages"]
    assert set(DOCUMENT["channels"]["events"]["messages"]) == {kind.__name__ for kind in EVENTS}
    assert {kind.model_fields["type"].default for kind in EVENTS} == {
        messages[kind.__name__]["name"] for kind in EVENTS
    }


def test_dead_letters_are_described_as_they_are_written() -> None:
    """Every `supportpulse-` header that the worker or the gateway writes is in the document, and no other."""
    messages = DOCUMENT["components"]["messages"]
    import streams.owned
    from supportpulse.edges.gateway import intake

    for module, name in ((streams.owned, "RejectedRecord"), (intake, "UnknownDelivery")):
        source = Path(module.__file__ or "").read_text("utf-8")
        told = source[source.index("told = {") : source.index("supportpulse-{name}")]
        written = set(re.findall(r'(?:^ +|told\[)"([a-z-]+)"', told, re.M))
        assert {f"supportpulse-{header}" for header in written} == set(messages[name]["headers"]["properties"])
