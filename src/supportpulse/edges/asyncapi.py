"""The AsyncAPI 3 document: which topics there are, who writes what to them, and under which key."""

from __future__ import annotations

from typing import Any

import yaml
from pydantic.json_schema import models_json_schema

from supportpulse import names
from supportpulse.edges.topics import TopicPlan, plan_topics
from supportpulse.events import EVENTS, DeadlineReached, Event, Probe
from supportpulse.example_messages import example_event, example_outcomes
from supportpulse.outcome_schema import outcome_schema

VERSION = "1.0.0"
"""Of the interface, not of the program: its number moves when a topic or a type does."""
KAFKA = "0.5.0"
"""Version of AsyncAPI's Kafka bindings."""
OURS = (DeadlineReached, Probe)
"""Written by workers alone."""
EVENT, BATCH, BYTES = "application/cloudevents+json", "application/cloudevents-batch+json", "application/octet-stream"
_TICKET_KEY = "source|ticket id, in UTF-8: it chooses the partition, by murmur2"


def asyncapi() -> dict[str, Any]:
    """The document, generated from the models; complete in itself."""
    events, outcomes, letters = plan_topics(partitions=names.DEFAULT_PARTITIONS)[:3]
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "supportpulse",
            "version": VERSION,
            "description": "Lifecycle events of support tickets in, decisions on their SLA clocks out. "
            "SUPPORTPULSE_TOPIC_PREFIX goes before each topic's name.",
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": EVENT,
        "servers": {
            "kafka": {
                "host": "{bootstrap}",
                "protocol": "kafka",
                "variables": {"bootstrap": {"default": "127.0.0.1:9092", "description": "SUPPORTPULSE_BOOTSTRAP"}},
            }
        },
        "channels": {
            "events": _channel(events, "What happened to tickets: the log that is the truth.", _named(EVENTS)),
            "outcomes": _channel(outcomes, "What was decided of their clocks.", ["Outcomes"]),
            "deadLetters": _channel(
                letters, "What could not be admitted, as it came, and why.", ["RejectedRecord", "UnknownDelivery"]
            ),
        },
        "operations": {
            "receiveEvents": _operation(
                "receive", "events", _named(kind for kind in EVENTS if kind not in OURS),
                "A helpdesk, or whoever speaks for it, sends what happened, and heartbeats to every partition.",
            ),
            "sendMarkers": _operation("send", "events", _named(OURS), "Workers mark deadlines and measure the pipe."),
            "sendOutcomes": _operation("send", "outcomes", ["Outcomes"], "Workers say what they decided."),
            "sendRejectedRecords": _operation(
                "send", "deadLetters", ["RejectedRecord"], "Workers keep records of the events topic they cannot admit."
            ),
            "sendUnknownDeliveries": _operation(
                "send", "deadLetters", ["UnknownDelivery"], "The gateway keeps authentic webhooks nobody understands."
            ),
        },
        "components": {"messages": _messages(), "schemas": _schemas()},
    }  # fmt: skip


def as_yaml(document: dict[str, Any]) -> str:
    """The document as it is written to a file."""
    return yaml.dump(document, Dumper=_Plain, sort_keys=False, allow_unicode=True, width=120)


class _Plain(yaml.SafeDumper):
    def ignore_aliases(self, data: Any) -> bool:
        return True


def _named(kinds: Any) -> list[str]:
    return [kind.__name__ for kind in kinds]


def _channel(plan: TopicPlan, description: str, messages: list[str]) -> dict[str, Any]:
    configs = plan.configs
    topic: dict[str, Any] = {"cleanup.policy": [configs["cleanup.policy"]]}
    topic |= {key: int(configs[key]) for key in ("retention.ms", "max.message.bytes") if key in configs}
    note = " The partition count is chosen once: a ticket must not move to another partition."
    return {
        "address": plan.name,
        "description": description + note,
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in messages},
        "bindings": {
            "kafka": {
                "topic": plan.name,
                "partitions": plan.partitions,
                "topicConfiguration": topic,
                "bindingVersion": KAFKA,
            }
        },
    }


def _operation(action: str, channel: str, messages: list[str], summary: str) -> dict[str, Any]:
    return {
        "action": action,
        "channel": {"$ref": f"#/channels/{channel}"},
        "summary": summary,
        "messages": [{"$ref": f"#/channels/{channel}/messages/{name}"} for name in messages],
    }


def _messages() -> dict[str, Any]:
    return {
        **{kind.__name__: _event_message(kind) for kind in EVENTS},
        "Outcomes": {
            "summary": "All outcomes that one record of the events topic caused.",
            "contentType": BATCH,
            "payload": {"type": "array", "minItems": 1, "items": {"$ref": "#/components/schemas/Outcome"}},
            "bindings": _key(_TICKET_KEY),
            "examples": [{"name": "breachedThenRetracted", "payload": example_outcomes()}],
        },
        "RejectedRecord": _letter(
            "A record of the events topic that could not be admitted: its own key, value and headers, and these.",
            {
                "reason": {"enum": [reason.value for reason in names.Reason]},
                "detail": {"type": "string", "description": "For people."},
                "topic": {"type": "string"},
                "partition": {"type": "string", "pattern": "^[0-9]+$"},
                "offset": {"type": "string", "pattern": "^[0-9]+$"},
                "cut-from": {"type": "string", "pattern": "^[0-9]+$", "description": "Bytes of the whole value."},
            },
            optional=("cut-from",),
            key="as it came",
        ),
        "UnknownDelivery": _letter(
            "The raw body of an authentic webhook, redacted as its source is configured.",
            {
                "reason": {"type": "string"},
                "detail": {"type": "string", "description": "For people."},
                "source": {"type": "string"},
                "vendor": {"type": "string"},
                "received": {"type": "string", "format": "date-time"},
            },
            optional=(),
            key="source",
        ),
    }


def _event_message(kind: type[Event]) -> dict[str, Any]:
    key = _TICKET_KEY if kind.about_ticket else "source; sent to partitions by number, not by key"
    return {
        "name": kind.model_fields["type"].default,
        "summary": kind.__doc__,
        "contentType": EVENT,
        "payload": {"$ref": f"#/components/schemas/{kind.__name__}"},
        "bindings": _key(key),
        "examples": [{"payload": example_event(kind)}],
    }


def _letter(summary: str, headers: dict[str, Any], optional: tuple[str, ...], key: str) -> dict[str, Any]:
    return {
        "summary": summary,
        "contentType": BYTES,
        "headers": {
            "type": "object",
            "required": [f"supportpulse-{name}" for name in headers if name not in optional],
            "properties": {f"supportpulse-{name}": schema for name, schema in headers.items()},
        },
        "payload": {"description": "Any bytes."},
        "bindings": _key(key),
    }


def _key(description: str) -> dict[str, Any]:
    return {"kafka": {"key": {"type": "string", "description": description}, "bindingVersion": KAFKA}}


def _schemas() -> dict[str, Any]:
    _, found = models_json_schema(
        [(kind, "validation") for kind in EVENTS], by_alias=True, ref_template="#/components/schemas/{model}"
    )
    schemas: dict[str, Any] = found["$defs"]
    for kind in EVENTS:
        schemas[kind.__name__]["required"].append("type")
    return {**schemas, "Outcome": outcome_schema()}
