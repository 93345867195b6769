"""The pydantic contract compiled to msgspec structs: the same fields and constraints, read 2-3 times faster.

The structs are derived, never written by hand, so the two cannot drift; whatever msgspec refuses is shown to pydantic,
which decides (see `reader.read`).
"""

from __future__ import annotations

import types
from datetime import datetime
from functools import cache
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import msgspec
from annotated_types import Ge, Le
from pydantic import AwareDatetime, BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from supportpulse.events import EVENTS, Event


def _meta(metadata: list[Any]) -> dict[str, Any]:
    """Constraints of a pydantic field as keyword arguments of `msgspec.Meta`."""
    found: dict[str, Any] = {}
    for item in metadata:
        if isinstance(item, FieldInfo):
            found |= _meta(item.metadata)
        elif isinstance(item, Ge):
            found["ge"] = item.ge
        elif isinstance(item, Le):
            found["le"] = item.le
        else:
            for name in ("min_length", "max_length"):  # patterns are slow: see `reader.read`
                value = getattr(item, name, None)
                if value is not None:
                    found[name] = value
    return found


def _convert(annotation: Any) -> Any:
    if annotation is AwareDatetime:
        return Annotated[datetime, msgspec.Meta(tz=True)]
    origin = get_origin(annotation)
    if origin is Annotated:
        inner, *metadata = get_args(annotation)
        meta = _meta(metadata)
        return Annotated[_convert(inner), msgspec.Meta(**meta)] if meta else _convert(inner)
    if origin in (Union, types.UnionType):
        return Union[tuple(_convert(arg) for arg in get_args(annotation))]  # noqa: UP007 - built from values
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return _struct(annotation)
    if origin is Literal or isinstance(annotation, type):
        return annotation
    raise TypeError(f"no msgspec twin for {annotation!r}")


def _field(name: str, info: FieldInfo) -> tuple[str, Any, Any]:
    kind = _convert(info.annotation)
    meta = _meta(info.metadata)
    if meta:
        kind = Annotated[kind, msgspec.Meta(**meta)]
    wire = info.alias or name
    if info.default is None:
        return name, Union[kind, msgspec.UnsetType], msgspec.field(default=msgspec.UNSET, name=wire)  # noqa: UP007
    if info.default is PydanticUndefined:
        return name, kind, msgspec.field(name=wire)
    if isinstance(info.default, BaseModel):
        return name, kind, msgspec.field(default_factory=_struct(type(info.default)), name=wire)
    return name, kind, msgspec.field(default=info.default, name=wire)


@cache
def _struct(model: type[BaseModel]) -> type[msgspec.Struct]:
    tag = model.model_fields["type"].default if issubclass(model, Event) else None
    fields = [_field(name, info) for name, info in model.model_fields.items() if name != "type"]
    return msgspec.defstruct(
        model.__name__, fields, tag=tag, tag_field="type" if tag else None, kw_only=True, frozen=True, gc=False
    )


STRUCTS: dict[str, type[msgspec.Struct]] = {model.__name__: _struct(model) for model in EVENTS}
decode = msgspec.json.Decoder(Union[tuple(STRUCTS.values())]).decode  # noqa: UP007 - built from values
