"""Every topic, metric, label, reason and built-in clock name, written once (law 10)."""

from __future__ import annotations

from enum import StrEnum

EVENTS_TOPIC = "support.events.v1"
OUTCOMES_TOPIC = "sla.outcomes.v1"
DEADLETTER_TOPIC = "support.deadletter.v1"
DEFAULT_APP_ID = "supportpulse"
DEFAULT_PARTITIONS = 4
DEADLETTER_RETENTION_DAYS = 14.0


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


DURATION_EDGES_SECONDS = (60, 300, 900, 1800, 3600, 7200, 14400, 28800, 86400, 259200, 604800)
"""Upper edges of the duration buckets of a pane, `+Inf` implied."""

CONSUMED_EDGES = (0.25, 0.5, 0.75, 0.9, 1.0, 1.1, 1.25, 1.5, 2.0, 4.0)
WINDOWS_SECONDS = {"1h": 3600, "2h": 7200, "6h": 21600, "1d": 86400, "3d": 259200, "28d": 2419200}
BASELINE_WINDOWS = ("1h", "6h", "1d")
DURATION_WINDOWS = ("1h", "1d", "28d")


class Metric(StrEnum):
    """Every family of /metrics; counters by the name of their samples."""

    WINDOW_CLOCKS = "sla_window_clocks"
    WINDOW_BASELINE_CLOCKS = "sla_window_baseline_clocks"
    WINDOW_DURATION = "sla_window_duration_seconds"
    CLOCKS_OPEN = "sla_clocks_open"
    CLOCKS_AT_RISK = "sla_clocks_at_risk"
    CLOCKS_OVERDUE = "sla_clocks_overdue"
    CLOCKS_WAITING = "sla_clocks_waiting"
    OBJECTIVE = "sla_objective_ratio"
    TARGET = "sla_target_seconds"
    SOURCE_WATERMARK = "sla_source_watermark_timestamp_seconds"
    SOURCE_STALE = "sla_source_stale"
    WORKER_PARTITIONS = "sla_worker_partitions"
    TOPIC_PARTITIONS = "sla_topic_partitions"
    WORKER_RECOVERING = "sla_worker_recovering"
    CONSUMER_LAG = "sla_consumer_lag_records"
    DEADLINE_SWEEP = "sla_deadline_sweep_timestamp_seconds"
    PROBE = "sla_probe_timestamp_seconds"
    COLLECTOR_DURATION = "sla_collector_duration_seconds"
    BUILD_INFO = "sla_build_info"
    CLOCKS_STARTED = "sla_clocks_started_total"
    CLOCKS_CLOSED = "sla_clocks_closed_total"
    VENDOR_PARITY = "sla_vendor_parity_total"
    TICKETS_SOLVED = "sla_tickets_solved_total"
    OUTCOMES_BACKFILLED = "sla_outcomes_backfilled_total"
    OUTCOMES_RETRACTED = "sla_outcomes_retracted_total"
    CONSUMED = "sla_clock_consumed_ratio"
    EVENTS_PROCESSED = "sla_events_processed_total"
    EVENTS_REJECTED = "sla_events_rejected_total"
    EVENTS_DUPLICATE = "sla_events_duplicate_total"
    EVENTS_OUT_OF_ORDER = "sla_events_out_of_order_total"
    STREAM_HOLES = "sla_stream_holes_total"
    SEAL_MISMATCH = "sla_seal_mismatch_total"
    WORKER_REBALANCES = "sla_worker_rebalances_total"
    EVENT_DELAY = "sla_event_delay_seconds"
    DEADLINE_DELAY = "sla_deadline_delay_seconds"
    PROBE_DELAY = "sla_probe_delay_seconds"


class GatewayMetric(StrEnum):
    """Every family of the gateway's /metrics; counters by the name of their samples."""

    RECEIVED = "sla_gateway_received_total"
    REJECTED = "sla_gateway_rejected_total"
    EVENTS = "sla_gateway_events_total"
    DEAD_LETTERS = "sla_gateway_dead_letters_total"
    ANSWER = "sla_gateway_answer_seconds"
    PUBLISH_FAILURES = "sla_gateway_publish_failures_total"
    RELOAD_FAILURES = "sla_gateway_reload_failures_total"
    CONFIGURATION_REFUSED = "sla_gateway_configuration_refused"
    IN_FLIGHT = "sla_gateway_in_flight_deliveries"
    HELD = "sla_gateway_source_held"
    ACKNOWLEDGED = "sla_gateway_acknowledged_timestamp_seconds"
    CONNECTED = "sla_gateway_connected"


class Refusal(StrEnum):
    """Why the gateway turned a request away."""

    UNKNOWN_SOURCE = "unknown_source"
    SIGNATURE = "signature"
    STALE = "stale"
    TOO_LARGE = "too_large"
    ENCODING = "encoding"
    NOT_JSON = "not_json"
    RATE = "rate"
    OVERLOADED = "overloaded"
    UNAVAILABLE = "unavailable"
    SLOW = "slow"
    GONE = "gone"
    FAILED = "failed"


WINDOW, CLOCK, OUTCOME, OVER, LE, RESULT = "window", "clock", "outcome", "over", "le", "result"
RULE, SCENARIO = "rule", "scenario"
SOURCE, MODE, PARTITION, REASON, TYPE = "source", "mode", "partition", "reason", "type"
TICKET_ID = "ticket_id"
"""Label names; a policy's own come between `clock` and the last. `ticket_id` is one of exemplars only."""

TICKET_STATES = ("open", "at_risk", "overdue", "waiting")
"""What /tickets can be asked for."""

RECORD_TYPES = ("event", "marker", "heartbeat", "probe")
"""Values of `type`: what a source record was."""

RETRACTIONS = ("late_event", "voided", "restored", "reopened", "rule_changed")
"""Values of `reason` on a retraction."""

ANSWER_EDGES_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 8.0)
DELAY_EDGES_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0, 60.0, 300.0, 900.0, 3600.0)
LIVE_SECONDS = 900
"""A decision later than this after its time is no live one: it counts as backfilled."""
MOST_SOURCES = 100
"""Sources with series of their own; names come with events, so the rest count together as `other`."""
