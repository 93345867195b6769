"""Every topic, metric, label, reason and built-in clock name, written once (law 10)."""

from __future__ import annotations

from enum import StrEnum

EVENTS_TOPIC = "support.events.v1"
OUTCOMES_TOPIC = "sla.outcomes.v1"
DEADLETTER_TOPIC = "support.deadletter.v1"
DEFAULT_APP_ID = "supportpulse"
DEFAULT_PARTITIONS = 4


def tickets_changelog(app_id: str) -> str:
    """Name of the compacted topic that holds one record per ticket (Faust's own naming of a Table's changelog)."""
    return f"{app_id}-tickets-changelog"


def panes_changelog(app_id: str) -> str:
    """Name of the compacted topic that holds one record per pane."""
    return f"{app_id}-panes-changelog"


EVENT_TYPE_PREFIX = "supportpulse."
EVENT_TYPE_VERSION = ".v1"


def event_type(name: str) -> str:
    """CloudEvents `type` of an event class: `TicketCreated` -> `supportpulse.TicketCreated.v1`."""
    return f"{EVENT_TYPE_PREFIX}{name}{EVENT_TYPE_VERSION}"


class Reason(StrEnum):
    """Why a record became a dead letter."""

    NULL_VALUE = "null_value"
    NO_KEY = "no_key"
    NOT_JSON = "not_json"
    UNKNOWN_TYPE = "unknown_type"
    WRONG_VERSION = "wrong_version"
    SCHEMA = "schema"
    TIME_WITHOUT_ZONE = "time_without_zone"
    FUTURE_TIME = "future_time"
    KEY_MISMATCH = "key_mismatch"
    WRONG_PARTITION = "wrong_partition"
    ID_CONFLICT = "id_conflict"
    TOO_LATE = "too_late"
    RETIRED = "retired"
    TICKET_TOO_BIG = "ticket_too_big"
    FOLD_FAILED = "fold_failed"


class Kind(StrEnum):
    """What an outcome says about one cycle of one clock."""

    AT_RISK = "at_risk"
    BREACHED = "breached"
    MET = "met"
    CANCELLED = "cancelled"
    RETRACTED = "retracted"
    FINAL = "final"


DURATION_EDGES_SECONDS = (60, 300, 900, 1800, 3600, 7200, 14400, 28800, 86400, 259200, 604800)
"""Upper edges of the duration buckets of a pane, `+Inf` implied."""

CONSUMED_EDGES = (0.25, 0.5, 0.75, 0.9, 1.0, 1.1, 1.25, 1.5, 2.0, 4.0)
WINDOWS_SECONDS = {"1h": 3600, "2h": 7200, "6h": 21600, "1d": 86400, "3d": 259200, "28d": 2419200}
BASELINE_WINDOWS = ("1h", "6h", "1d")
DURATION_WINDOWS = ("1h", "1d", "28d")
