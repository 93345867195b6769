"""`sources.toml`: the helpdesks whose webhooks are taken, and how each is known.

    [sources.desk]
    vendor = "zendesk"
    secrets = ["env:ZENDESK_SECRET", "file:/run/secrets/zendesk-old"]

Several secrets: any of them will do, so a new one can be put in beside the old before the vendor changes over.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from supportpulse.edges.adapters.adapter import Adapter, Options
from supportpulse.edges.gateway import secret as secrets_
from supportpulse.edges.gateway.api import ApiTable
from supportpulse.edges.gateway.signatures import SCHEMES, TOKEN, Scheme
from supportpulse.edges.gateway.vendors import VENDORS, Vendor, adapter, available, wants_mapping
from supportpulse.errors import DeclarationError
from supportpulse.events import STATUSES, Attributes, Status

TOKEN_HEADER = "x-supportpulse-token"
LARGEST_BODY = 3 << 20
"""A dead letter holds a whole body, and its topic takes 4 MB."""

Seconds = Annotated[float, Field(gt=0, le=86_400, description="seconds, more than 0, at most 86400")]
SecondsOrZero = Annotated[float, Field(ge=0, le=86_400, description="seconds, 0 to 86400")]
NAMES = "letters, digits, . _ -, at most 64"
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
Words = tuple[Annotated[str, Field(min_length=1, max_length=200)], ...]
Attribute = Literal[
    "scenario", "sub_scenario", "region", "channel", "priority", "tier", "vendor", "product_version", "locale"
]
Valued = Literal[Attribute, "team"]
Value = Annotated[str, Field(min_length=1, max_length=100)]


class SourceTable(BaseModel):
    """A table `[sources.NAME]`; a key that is not set is as the vendor's preset has it."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    vendor: str
    secrets: Annotated[tuple[str, ...], Field(min_length=1, max_length=10)]
    verify: str | None = None
    token_header: Annotated[str, Field(pattern=r"^[a-z0-9-]{1,64}$", description="a header's name in lower case")] = (
        TOKEN_HEADER
    )
    mapping: str | None = None
    api: ApiTable | None = None
    statuses: dict[str, Status] = {}
    attributes: dict[Attribute, Annotated[str, Field(min_length=1, max_length=200)]] = {}
    values: dict[Valued, dict[str, Value]] = {}
    bots: Words = ()
    agents: Words = ()
    docs: Words = ()
    code: Words = ()
    issues: Words = ()
    solution_tags: Words = ()
    unmarked_public: bool = False
    clocks: dict[str, Value] = {}
    redact: Words = ()
    answer_seconds: Annotated[float, Field(ge=0.1, le=60, description="seconds, 0.1 to 60")] | None = None
    grace_seconds: SecondsOrZero | None = None
    retry_seconds: SecondsOrZero | None = None
    replay_window_seconds: Seconds = 300.0
    max_body_bytes: Annotated[int, Field(ge=1024, le=LARGEST_BODY, description="bytes, 1024 to 3145728")] = 1 << 20
    rate_per_second: Annotated[float, Field(gt=0, le=1_000_000, description="more than 0")] = 200.0
    burst: Annotated[int, Field(ge=1, le=1_000_000, description="a whole number, 1 or more")] = 1000


class SourcesFile(BaseModel):
    """The whole file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    sources: Annotated[dict[Name, SourceTable], Field(min_length=1)]


@dataclass(frozen=True)
class Source:
    """A source ready for deliveries; `scheme` is None where a token has to do."""

    name: str
    vendor: str
    secrets: tuple[bytes, ...] = field(repr=False)
    scheme: Scheme | None
    token_header: str
    adapter: Adapter
    options: Options
    redact: tuple[str, ...]
    answer_seconds: float
    grace_seconds: float
    retry_seconds: float
    replay_window_seconds: float
    max_body_bytes: int
    rate_per_second: float
    burst: int
    kept_headers: tuple[str, ...]
    api: ApiTable | None = None


@dataclass(frozen=True)
class Loaded:
    """What a file says, and the files whose change changes it."""

    sources: Mapping[str, Source]
    files: tuple[Path, ...]


def load(path: Path, environ: Mapping[str, str] | None = None) -> Loaded:
    """Read a file and the secrets it names. Raises `DeclarationError`, which never holds a secret."""
    try:
        raw = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise DeclarationError(str(path), "file", error.strerror or "not readable", "a file that can be read") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise DeclarationError(str(path), "file", f"no TOML: {error}", "TOML as the README has it") from None
    try:
        tables = SourcesFile.model_validate(_tuples(raw)).sources
    except ValidationError as error:
        raise _explained(path, error) from None
    files = [path]
    found = {}
    for name, table in tables.items():
        files += [file for place in table.secrets if (file := secrets_.path_of(place, path.parent)) is not None]
        if table.mapping is not None:
            files.append(path.parent / table.mapping)
        found[name] = _source(path, name, table, environ)
    return Loaded(found, tuple(dict.fromkeys(files)))


def _source(path: Path, name: str, table: SourceTable, environ: Mapping[str, str] | None) -> Source:
    def wrong(key: str, found: object, valid: str) -> DeclarationError:
        return DeclarationError(str(path), f"sources.{name}.{key}", found, valid)

    if table.vendor not in (there := available()):
        raise wrong("vendor", table.vendor, f"one of {', '.join(there)}")
    preset: Vendor = VENDORS[table.vendor]
    verify = table.verify or preset.verify
    if verify != TOKEN and verify not in SCHEMES:
        raise wrong("verify", verify, f"one of {', '.join((*SCHEMES, TOKEN))}")
    if wants_mapping(table.vendor) != (table.mapping is not None):
        valid = "no mapping, for this vendor" if table.mapping else f"a mapping file, for vendor {table.vendor}"
        raise wrong("mapping", table.mapping, valid)
    shortest = secrets_.SHORTEST_TOKEN if verify == TOKEN else secrets_.SHORTEST
    try:
        known = tuple(secrets_.read_secret(place, path.parent, environ, shortest) for place in table.secrets)
    except secrets_.BadSecret as error:
        raise wrong("secrets", error.found, error.valid) from None
    return Source(
        name=name,
        vendor=table.vendor,
        secrets=known,
        scheme=SCHEMES.get(verify),
        token_header=table.token_header,
        adapter=adapter(table.vendor, path.parent / table.mapping if table.mapping else None),
        options=Options(
            statuses={name.lower(): status for name, status in table.statuses.items()},
            attributes=dict(table.attributes.items()),
            values={name: {was.lower(): now for was, now in named.items()} for name, named in table.values.items()},
            bots=frozenset(table.bots),
            agents=frozenset(table.agents),
            docs=frozenset(table.docs),
            code=frozenset(table.code),
            issues=frozenset(table.issues),
            solution_tags=frozenset(table.solution_tags),
            unmarked_public=table.unmarked_public,
            clocks={theirs.lower(): ours for theirs, ours in table.clocks.items()},
        ),
        redact=table.redact,
        answer_seconds=_set(table.answer_seconds, preset.answer_seconds),
        grace_seconds=_set(table.grace_seconds, preset.grace_seconds),
        retry_seconds=_set(table.retry_seconds, preset.retry_seconds),
        replay_window_seconds=table.replay_window_seconds,
        max_body_bytes=table.max_body_bytes,
        rate_per_second=table.rate_per_second,
        burst=table.burst,
        kept_headers=preset.kept_headers,
        api=table.api,
    )


def _set(value: float | None, preset: float) -> float:
    return preset if value is None else value


def _tuples(raw: Any) -> Any:
    """Lists of TOML as tuples, which strict models take."""
    if isinstance(raw, dict):
        return {key: _tuples(value) for key, value in raw.items()}
    return tuple(_tuples(value) for value in raw) if isinstance(raw, list) else raw


def _explained(path: Path, error: ValidationError) -> DeclarationError:
    told = error.errors(include_url=False)
    first = next((one for one in told if one["type"] == "extra_forbidden"), told[0])
    place = [str(part) for part in first["loc"] if part != "[key]"]
    key, kind = ".".join(place) or "sources", first["type"]
    field = place[2] if len(place) > 2 and place[0] == "sources" else ""
    model: type[BaseModel] = SourceTable if field else SourcesFile
    secret = field == "secrets"
    if field == "api" and len(place) > 3:
        model, field = ApiTable, place[3]
        secret = field == "token"
    found: object = "a hidden value" if secret else first["input"]
    if isinstance(found, dict):
        found = ", ".join(map(str, found)) or "nothing"
    if kind == "missing":
        found, valid = "nothing", "this key must be set"
    elif kind == "extra_forbidden":
        found = place[-1]
        valid = f"one of {', '.join(model.model_fields)}"
    elif field == "statuses":
        valid = f"one of {', '.join(STATUSES)}"
    elif field == "attributes":
        found, valid = place[3] if len(place) > 3 else found, f"one of {', '.join(_attributes())}, with a dotted path"
    elif field == "values":
        valid = f"a table for one of {', '.join((*_attributes(), 'team'))}: the vendor's value = ours"
    elif field == "clocks":
        valid = "the vendor's name of a clock = ours, 1 to 100 characters"
    elif model is ApiTable:
        valid = secrets_.VALID if secret else _described(model, field) or first["msg"]
    elif secret:
        valid = f"a list of 1 to 10 places: {secrets_.VALID}"
    elif first["loc"][-1] == "[key]":
        valid = NAMES
    else:
        valid = _described(model, field) or first["msg"]
    return DeclarationError(str(path), key, found, valid)


def _described(model: type[BaseModel], field: str) -> str | None:
    """What a field's type says is valid, also where None is valid as well."""
    info = model.model_fields.get(field)
    if info is None or info.description:
        return info and info.description
    metadata = [*info.metadata, *(one for part in get_args(info.annotation) for one in get_args(part)[1:])]
    return next((one.description for one in metadata if getattr(one, "description", None)), None)


def _attributes() -> list[str]:
    return [name for name in Attributes.model_fields if name != "actor"]
