"""How Faust decodes a batch: not at all."""

from __future__ import annotations

from typing import Any

from faust.serializers.schemas import Schema


class BatchSchema(Schema[Any, Any]):
    """Hands the Batch to the stream untouched; the agent decodes the records."""

    def __init__(self) -> None:
        super().__init__(key_type=bytes, value_type=bytes, key_serializer="raw", value_serializer="raw")

    def loads_key(self, app: Any, message: Any, *, loads: Any = None, serializer: Any = None) -> Any:
        """A batch has no key."""
        return message.key

    def loads_value(self, app: Any, message: Any, *, loads: Any = None, serializer: Any = None) -> Any:
        """The Batch itself."""
        return message.value
