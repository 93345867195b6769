"""Bytes -> JSON, and JSON with what must not be kept taken out."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import msgspec

ALL = "all"
BLANK = "[redacted]"

_decode = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode


class NotJson(ValueError):
    """No JSON that can be worked with."""


def parse(body: bytes) -> Any:
    """The JSON of a body; of a key that stands twice in an object, the last. Raises `NotJson`.

    Half a surrogate pair, as a vendor leaves of an emoji when it cuts a text, becomes a question mark.
    """
    try:
        return _decode(body)
    except (ValueError, RecursionError):
        pass
    try:
        whole = json.dumps(json.loads(body), ensure_ascii=False).encode("utf-8", "replace")
        return _decode(whole)
    except (ValueError, RecursionError) as error:
        raise NotJson("nested too deeply" if isinstance(error, RecursionError) else "no JSON") from None


def redacted(body: bytes, rules: Sequence[str]) -> bytes:
    """A body for the dead letters. `all` blanks it; `/a/0/b` (RFC 6901) one place, `*` standing for all of a list or
    object; any other word every key of that name, wherever it is. What is no JSON is blanked whole.
    """
    if not rules:
        return body
    if ALL in rules:
        return b""
    try:
        payload = parse(body)
        keys = frozenset(rule for rule in rules if not rule.startswith("/"))
        pointers = [rule[1:].split("/") for rule in rules if rule.startswith("/")]
        if keys:
            payload = _without(payload, keys)
        for pointer in pointers:
            payload = _blanked(payload, [part.replace("~1", "/").replace("~0", "~") for part in pointer])
        return _encode(payload)
    except (NotJson, RecursionError, msgspec.MsgspecError):
        return b""


def _without(payload: Any, keys: frozenset[str]) -> Any:
    if isinstance(payload, dict):
        return {key: BLANK if key in keys else _without(value, keys) for key, value in payload.items()}
    return [_without(value, keys) for value in payload] if isinstance(payload, list) else payload


def _blanked(payload: Any, path: Sequence[str]) -> Any:
    if not path:
        return BLANK
    head, rest = path[0], path[1:]
    if isinstance(payload, dict):
        return {key: _blanked(value, rest) if head in (key, "*") else value for key, value in payload.items()}
    if isinstance(payload, list):
        return [_blanked(value, rest) if head in (str(place), "*") else value for place, value in enumerate(payload)]
    return payload
