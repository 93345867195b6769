"""The JSON Schema of `sla.outcomes.v1`: what `record.encode` writes."""

from __future__ import annotations

from typing import Any

from supportpulse.clock import INFERENCES
from supportpulse.names import RETRACTIONS
from supportpulse.outcome import KIND_NAMES, PUBLISHED
from supportpulse.record import SOURCE, TYPES

_TIME = {"type": "string", "format": "date-time", "description": "UTC, with milliseconds."}
_KINDS = [KIND_NAMES[kind] for kind in sorted(PUBLISHED)]


def outcomes_schema() -> dict[str, Any]:
    """One record: a CloudEvents JSON batch of all outcomes that one source record caused."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "supportpulse outcomes, version 1",
        "description": "A CloudEvents batch: all outcomes that one record of the events topic caused.",
        "type": "array",
        "minItems": 1,
        "items": {"$ref": "#/$defs/Outcome"},
        "$defs": {"Outcome": outcome_schema()},
    }


def outcome_schema() -> dict[str, Any]:
    """One outcome; `additionalProperties` are open, as readers must ignore what they do not know."""
    return {
        "title": "Outcome",
        "description": "What was decided of one cycle of a clock. An `id` may come again after a crash: count it once.",
        "type": "object",
        "required": ["specversion", "id", "source", "type", "subject", "time", "data"],
        "properties": {
            "specversion": {"const": "1.0"},
            "id": {"type": "string", "pattern": "^[0-9a-f]{32}$"},
            "source": {"const": SOURCE},
            "type": {"enum": list(TYPES.values())},
            "subject": {"type": "string", "description": "The record's key: source|ticket id."},
            "time": {**_TIME, "description": "A breach: its deadline; others: when it happened. UTC, milliseconds."},
            "data": _data(),
        },
    }


def _data() -> dict[str, Any]:
    return {
        "type": "object",
        "required": ["clock", "cycle", "labels", "cause", "policy"],
        "dependentRequired": {"retracts": ["because"], "because": ["retracts"], "instant": ["elapsed_ms"]},
        "properties": {
            "clock": {"type": "string"},
            "cycle": {
                "type": "string",
                "pattern": "^[0-9a-f]{16}$",
                "description": "Hash of the id of the event that started the cycle.",
            },
            "deadline": _TIME,
            "elapsed_ms": {"type": "integer", "minimum": 0, "description": "Running time of the clock."},
            "instant": {"const": True, "description": "Started and stopped at one instant: left out of durations."},
            "retracts": {"enum": _KINDS, "description": "What is taken back."},
            "because": {"enum": list(RETRACTIONS)},
            "inferred_by": {
                "type": "array",
                "items": {"enum": [name for name in INFERENCES if name]},
                "minItems": 1,
                "maxItems": 2,
                "description": "Rules of the policy that inferred the start or the stop.",
            },
            "labels": {"type": "object", "additionalProperties": {"type": "string"}, "required": ["rule"]},
            "cause": {"type": "string", "description": "topic-partition-offset of the record that caused it."},
            "policy": {
                "type": "string",
                "pattern": "^[0-9a-f]{32}$",
                "description": "Digest of the policy version that decided.",
            },
        },
    }
