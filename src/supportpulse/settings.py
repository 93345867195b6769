"""Everything a process is told from outside: `SUPPORTPULSE_*` variables, overridden by command-line options."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator, model_validator

from supportpulse import names
from supportpulse.errors import ConfigError
from supportpulse.panes import FIVE_MINUTES

PREFIX = "SUPPORTPULSE_"
SHIPPED_POLICY = Path(__file__).with_name("policies") / "realtime-av.toml"

_ADDRESS = re.compile(r"(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]+):\d{1,5}")

Seconds = Annotated[float, Field(gt=0, le=31_536_000, description="seconds, more than 0")]
SecondsOrZero = Annotated[float, Field(ge=0, le=31_536_000, description="seconds, 0 or more")]
Count = Annotated[int, Field(ge=1, le=10_000_000, description="a whole number, 1 or more")]
TopicPart = Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]*$", max_length=100, description="letters, digits, . _ -")]


def _state_dir() -> Path:
    home = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(home) / "supportpulse"


class Settings(BaseModel):
    """One process's settings. Field `x` is the variable `SUPPORTPULSE_X`; units are in the names."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    bootstrap: str = Field("127.0.0.1:9092", description="host:port, several separated by commas")
    app_id: TopicPart = Field(names.DEFAULT_APP_ID, min_length=1)
    topic_prefix: TopicPart = ""
    """Put before the three public topic names, so that several installations can share one cluster."""
    partitions: Annotated[int, Field(ge=1, le=10_000, description="a whole number from 1 to 10000")] = (
        names.DEFAULT_PARTITIONS
    )
    policy: Path = Field(SHIPPED_POLICY, description="a policy file, or a folder of them")
    metrics_host: str = Field("127.0.0.1", min_length=1, description="an address of this host; 0.0.0.0 for all")
    metrics_port: Annotated[int, Field(ge=0, le=65_535, description="a port from 0 to 65535; 0 = any free")] = 9464
    data_dir: Path = Field(default_factory=_state_dir, description="a folder this user can write to")

    commit_interval_seconds: Seconds = 1.0
    batch_limit: Count = 5000
    freshness_seconds: Seconds = 30.0
    """A live source not heard of for longer holds its deadlines."""
    decision_grace_seconds: Mapping[str, SecondsOrZero] = Field(
        {}, description="source=seconds, several separated by commas, such as zendesk=120,jira=60"
    )
    """How late a source's webhooks may come: its deadlines are decided that much later. 0 for sources not named."""
    max_future_seconds: Seconds = 86_400.0
    """An event further ahead of the broker's time than this is a dead letter."""
    marker_cap: Count = 5000
    """Deadline markers in flight per partition."""
    marker_retry_seconds: Seconds = 5.0
    deadletter_retention_days: Annotated[float, Field(gt=0, le=36_500, description="days, more than 0")] = (
        names.DEADLETTER_RETENTION_DAYS
    )
    """How long a dead letter is kept: the bodies of webhooks that are no event are there and nowhere else."""
    time_scale: Annotated[
        Decimal,
        Field(gt=0, le=1, description="more than 0, at most 1, and 5 minutes times it in whole milliseconds, as 0.01"),
    ] = Decimal(1)
    """How long an hour of a window is, in hours: 0.01 = 36 s. For trials: windows, baselines and what is kept alone."""
    session_timeout_seconds: Annotated[
        float, Field(ge=6, le=1800, description="6 to 1800 seconds (what brokers accept by default)")
    ] = 10.0

    security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = Field(
        "PLAINTEXT", description="PLAINTEXT, SSL, SASL_PLAINTEXT or SASL_SSL"
    )
    sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] | None = Field(
        None, description="PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512"
    )
    sasl_username: str | None = None
    sasl_password: SecretStr | None = None
    ssl_cafile: Path | None = Field(None, description="a file of CA certificates in PEM")

    @classmethod
    def from_env(
        cls, overrides: Mapping[str, object] | None = None, environ: Mapping[str, str] | None = None
    ) -> Settings:
        """The environment's settings; `overrides` (field -> value, None = not given) win. Raises `ConfigError`."""
        environ = os.environ if environ is None else environ
        found: dict[str, object] = {
            field: environ[PREFIX + field.upper()] for field in cls.model_fields if environ.get(PREFIX + field.upper())
        }
        given = {field: value for field, value in (overrides or {}).items() if value is not None}
        if unknown := given.keys() - cls.model_fields.keys():
            raise ConfigError(f"{', '.join(sorted(unknown))}: no such setting; valid: {', '.join(cls.model_fields)}")
        try:
            return cls.model_validate(found | given)
        except ValidationError as error:
            raise ConfigError(_explain(error, given)) from None

    @field_validator("bootstrap")
    @classmethod
    def _addresses(cls, value: str) -> str:
        if not all(_ADDRESS.fullmatch(part) and int(part.rsplit(":", 1)[1]) < 65_536 for part in value.split(",")):
            raise ValueError("not an address")
        return value

    @field_validator("decision_grace_seconds", mode="before")
    @classmethod
    def _grace(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        pairs = [part.partition("=") for part in value.split(",") if part.strip()]
        return {source.strip(): seconds.strip() for source, _, seconds in pairs}

    @field_validator("time_scale")
    @classmethod
    def _whole_milliseconds(cls, value: Decimal) -> Decimal:
        if value * FIVE_MINUTES % 1:
            raise ValueError("not in whole milliseconds")
        return value

    @field_validator("policy")
    @classmethod
    def _policy_exists(cls, value: Path) -> Path:
        if value != SHIPPED_POLICY and not value.exists():
            raise ValueError("not there")
        return value

    @model_validator(mode="after")
    def _sasl_is_complete(self) -> Self:
        if self.security_protocol.startswith("SASL"):
            needed = {name: getattr(self, name) for name in ("sasl_mechanism", "sasl_username", "sasl_password")}
            if missing := [PREFIX + name.upper() for name, value in needed.items() if value is None]:
                raise ValueError(
                    f"{PREFIX}SECURITY_PROTOCOL is {self.security_protocol}: also set {', '.join(missing)}"
                )
        return self

    @property
    def five_minutes_ms(self) -> int:
        """What windows take for five minutes."""
        return int(self.time_scale * FIVE_MINUTES)

    @property
    def events_topic(self) -> str:
        """Topic of canonical events, markers and heartbeats."""
        return self.topic_prefix + names.EVENTS_TOPIC

    @property
    def outcomes_topic(self) -> str:
        """Topic of what users act on."""
        return self.topic_prefix + names.OUTCOMES_TOPIC

    @property
    def deadletter_topic(self) -> str:
        """Topic of records that could not be admitted."""
        return self.topic_prefix + names.DEADLETTER_TOPIC

    @property
    def tickets_changelog(self) -> str:
        """Compacted topic of ticket states."""
        return names.tickets_changelog(self.app_id)

    @property
    def panes_changelog(self) -> str:
        """Compacted topic of panes."""
        return names.panes_changelog(self.app_id)

    def grace_seconds(self, source: str) -> float:
        """How much later than its watermark this source's deadlines are decided."""
        return self.decision_grace_seconds.get(source, 0.0)

    def kafka_security(self) -> dict[str, str]:
        """Keyword arguments of every kafka-python client; aiokafka takes the same but for `ssl_cafile`."""
        options: dict[str, str] = {"security_protocol": self.security_protocol}
        if self.security_protocol.startswith("SASL"):
            options["sasl_mechanism"] = self.sasl_mechanism or ""
            options["sasl_plain_username"] = self.sasl_username or ""
            options["sasl_plain_password"] = self.sasl_password.get_secret_value() if self.sasl_password else ""
        if self.ssl_cafile is not None:
            options["ssl_cafile"] = str(self.ssl_cafile)
        return options


def _explain(error: ValidationError, given: Mapping[str, object]) -> str:
    first = error.errors()[0]
    if not first["loc"]:
        return str(first["ctx"]["error"]) if "ctx" in first else first["msg"]
    field = str(first["loc"][0])
    name = f"setting {field}" if field in given else PREFIX + field.upper()
    info = Settings.model_fields[field]
    valid = info.description or next(
        (m.description for m in info.metadata if getattr(m, "description", None)), first["msg"]
    )
    found = "a hidden value" if field == "sasl_password" else repr(first["input"])
    where = "".join(f" ({part})" for part in first["loc"][1:])
    return f"{name}{where}: found {found}; valid: {valid}"
