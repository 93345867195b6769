"""supportpulse: SLA truth, live, from the lifecycle events of support tickets.

`Emitter` and `AsyncEmitter` send events; they are imported when they are named, so that `import supportpulse` alone
loads neither Kafka's client nor pydantic.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from supportpulse.edges.async_emitter import AsyncEmitter
    from supportpulse.edges.emitter import Emitter

__version__ = "0.1.0"
__all__ = ["AsyncEmitter", "Emitter", "__version__"]

_PLACES = {"Emitter": "supportpulse.edges.emitter", "AsyncEmitter": "supportpulse.edges.async_emitter"}


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_PLACES[name]), name)
