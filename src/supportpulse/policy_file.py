"""The shape of a policy file: TOML tables as pydantic models, each mistake a PolicyError with its key."""

from __future__ import annotations

import re
import tomllib
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import PydanticCustomError

from supportpulse import durations
from supportpulse.errors import PolicyError
from supportpulse.rules import ATTRIBUTES, CONDITIONS, AppliesTo, Cycles, Reopen, RuleChange


def _milliseconds(value: object) -> int:
    try:
        return durations.parse_duration(value if isinstance(value, str) else "")
    except ValueError:
        raise PydanticCustomError("duration", durations.VALID) from None


def _values(value: object) -> object:
    return (value,) if isinstance(value, str) else value


def _one_of(*words: str) -> BeforeValidator:
    def check(value: object) -> object:
        if value not in words:
            raise PydanticCustomError("word", "one of {words}", {"words": ", ".join(words)})
        return value

    return BeforeValidator(check)


Duration = Annotated[int, BeforeValidator(_milliseconds)]
PositiveDuration = Annotated[Duration, Field(gt=0)]
Share = Annotated[float, Field(strict=True, ge=0, le=1)]
Condition = Annotated[str, _one_of(*CONDITIONS)]
Attribute = Annotated[str, _one_of(*ATTRIBUTES)]
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$")]
ClockName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,63}$")]
Word = Annotated[str, Field(min_length=1, max_length=64)]


class Table(BaseModel):
    """A TOML table that says which keys it knows."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @model_validator(mode="before")
    @classmethod
    def _known_keys_only(cls, value: Any) -> Any:
        if isinstance(value, dict):
            for key in value:
                if key not in cls.model_fields:
                    known = ", ".join(cls.model_fields)
                    raise PydanticCustomError("unknown_key", "{known}", {"key": key, "known": known})
        return value


class HolidaysTable(Table):
    """Days on which nothing starts."""

    countries: tuple[str, ...] = ()
    dates: tuple[date, ...] = ()
    ranges: tuple[tuple[date, date], ...] = ()


class CalendarTable(Table):
    """Business hours; checked in depth by `build_calendar`."""

    timezone: str
    hours: dict[str, tuple[str, ...]]
    holidays: HolidaysTable = HolidaysTable()


class SiteTable(Table):
    """A place that takes over tickets while its shift runs."""

    shift: str
    regions: tuple[str, ...] = ()


class ClockTable(Table):
    """A clock of one's own, or the keys of a built-in that differ."""

    start: tuple[Condition, ...] = Field((), min_length=1)
    stop: tuple[Condition, ...] = Field((), min_length=1)
    pause: tuple[Condition, ...] = ()
    resume: tuple[Condition, ...] = ()
    restart: tuple[Condition, ...] = ()
    cancel: tuple[Condition, ...] = ()
    unless: tuple[Annotated[str, _one_of("agent_created")], ...] = ()
    after: tuple[Condition, ...] = ()
    cycles: Cycles = "one"
    reopen: Reopen = "first_only"
    on_rule_change: RuleChange = "retarget_keep_elapsed"


class TargetTable(Table):
    """A target where it differs from its rule."""

    target: PositiveDuration
    calendar: str | None = None
    objective: Share | None = None
    at_risk_share: Share | None = None


Goal = Annotated[TargetTable, BeforeValidator(lambda value: {"target": value} if isinstance(value, str) else value)]


class RuleTable(Table):
    """Targets for the tickets that match."""

    name: Name
    match: dict[Attribute, Annotated[tuple[Word, ...], BeforeValidator(_values), Field(min_length=1)]] = {}
    calendar: str = "24x7"
    objective: Share | None = None
    at_risk_share: Share | None = None
    targets: dict[str, Goal] = Field(min_length=1)


class SubstantiveTable(Table):
    """What a reply needs to be substantive."""

    max_canned_share: Share = 0.8


class InferenceTable(Table):
    """Which rules stand in for events a helpdesk does not send."""

    confirmed_by: tuple[Literal["first_substantive_reply", "status_open", "assignment"], ...] = ()
    solution_by: tuple[Literal["solution_tag", "solution_signals", "reply_with_status"], ...] = ()


class PolicyFile(Table):
    """One TOML file."""

    name: Name
    valid_from: AwareDatetime = datetime(1970, 1, 1, tzinfo=UTC)
    applies_to: AppliesTo = "new_tickets"
    at_risk_share: Share = 0.8
    objective: Share = 0.9
    reopen_window: Duration = 604_800_000
    lateness: Duration = 28 * 86_400_000
    waiting: tuple[str, ...] = ("30m", "1h", "4h")
    waiting_clocks: tuple[str, ...] = ()
    labels: tuple[Annotated[str, _one_of("rule", *ATTRIBUTES)], ...] = ("rule", "scenario")
    series_budget: Annotated[int, Field(gt=0)] = 25_000
    enums: dict[Attribute, Annotated[tuple[Word, ...], Field(min_length=1)]] = {}
    substantive: SubstantiveTable = SubstantiveTable()
    inference: InferenceTable = InferenceTable()
    calendars: dict[Name, CalendarTable] = {}
    sites: dict[Name, SiteTable] = {}
    clocks: dict[ClockName, ClockTable] = {}
    rules: tuple[RuleTable, ...] = Field(min_length=1)
    ticket_url: dict[str, str] = {}


Model = TypeVar("Model", bound=Table)


def read_toml(path: Path) -> dict[str, Any]:
    """The tables of a TOML file. Raises PolicyError, with the line where the syntax is wrong."""
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except tomllib.TOMLDecodeError as error:
        line = re.search(r"line \d+", str(error))
        raise PolicyError(str(path), line[0] if line else "last line", str(error), "TOML 1.0") from None
    except UnicodeDecodeError:
        raise PolicyError(str(path), "file", "bytes that are not UTF-8", "a TOML file in UTF-8") from None
    except OSError as error:
        raise PolicyError(str(path), "file", error.strerror, "a readable policy file, or a folder of them") from None


def validate(model: type[Model], content: dict[str, Any], file: str, prefix: str = "") -> Model:
    """The content as a table. Raises PolicyError for the first mistake."""
    try:
        return model.model_validate(content)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = [str(part) for part in first["loc"] if part != "[key]"]
        if place[:1] == ["rules"] and len(place) > 1:  # a rule is found by its name, not by counting
            rule = content["rules"][int(place[1])]
            place[1] = str(rule.get("name", place[1])) if isinstance(rule, dict) else place[1]
        found, valid = first["input"], first["msg"]
        if first["type"] == "unknown_key":
            found = first["ctx"]["key"]
            place.append(str(found))
        elif first["type"] == "missing":
            found, valid = None, "this key is required"
        raise PolicyError(file, prefix + ".".join(place), found, valid) from None
