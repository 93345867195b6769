"""Record headers whose names are no UTF-8: what a producer written in another language may send."""

from __future__ import annotations

from typing import Any, Self

from aiokafka.record.default_records import _DefaultRecordBatchBuilderPy


class Escaped(str):
    """A header name that is encoded to the bytes it was made of, whatever they are."""

    @classmethod
    def of(cls, name: bytes) -> Self:
        """The name of these bytes."""
        return cls(name.decode("utf-8", "surrogateescape"))

    def encode(self, encoding: str = "utf-8", errors: str = "surrogateescape") -> bytes:
        return super().encode(encoding, "surrogateescape")


def escaping_builder(codec: int = 0) -> Any:
    """A builder of broker batches that takes such names; aiokafka's compiled one does not."""
    return _DefaultRecordBatchBuilderPy(2, codec, 0, -1, -1, 0, 1 << 20)
