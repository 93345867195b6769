"""Ties a Faust app to the batch transport."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from faust.stores import STORES
from faust.transport.drivers import TRANSPORTS

from streams.batching.expected import ExpectedOffsets
from streams.batching.lenient import keep_raw_batches
from streams.batching.owner import Owner
from streams.batching.schema import BatchSchema
from supportpulse.errors import ConfigError

QUEUED_BATCHES = 4
"""Batches a stream holds before fetching stops; also batches per step of a recovery (1 is a special case there)."""

MINIMAL_SESSION_SECONDS = 6.0
"""Kafka's default `group.min.session.timeout.ms`; with less the broker refuses every join and the worker hangs."""


def register() -> None:
    """Make `fast://` brokers and `fastmem://` stores known to Faust; call it before creating the app."""
    keep_raw_batches()
    TRANSPORTS.aliases["fast"] = "streams.batching.transport:Transport"
    STORES.aliases["fastmem"] = "streams.batching.store:PartitionedStore"


def batch_topic(app: Any, name: str, *, partitions: int) -> Any:
    """A topic whose stream yields a Batch an event. Faust's own acks are off: the expected offset is committed."""
    topic = app.topic(name, schema=BatchSchema(), partitions=partitions, acks=False)
    topic.maxsize = QUEUED_BATCHES  # app.topic() takes a maxsize, and forgets it
    return topic


def batch_table(app: Any, name: str, *, partitions: int) -> Any:
    """A table of raw bytes whose changelog is restored batch by batch; its `data` is a PartitionedStore."""
    return app.Table(name, schema=BatchSchema(), partitions=partitions, recovery_buffer_size=QUEUED_BATCHES)


@dataclass
class Binding:
    """What the transport knows of the app; found by it as `app.batching`."""

    source: str
    tables: tuple[Any, ...]
    owner: Owner
    batch_limit: int
    assignment_deadline_seconds: float
    expected: ExpectedOffsets = field(default_factory=ExpectedOffsets)
    hold_source_while_rebalancing: bool = True
    """Off only in the test that shows why it is on, and that the expected offsets heal what it prevents."""

    @classmethod
    def of(cls, app: Any) -> Binding:
        """The binding of an app; ConfigError if it has none."""
        bound: Binding | None = getattr(app, "batching", None)
        if bound is None:
            raise ConfigError(
                f"app {app.conf.id}: found a fast:// broker without a binding; call streams.batching.bind"
            )
        return bound

    def __post_init__(self) -> None:
        self.changelogs = frozenset(table.changelog_topic_name for table in self.tables)
        self.topics = self.changelogs | {self.source}


def bind(
    app: Any,
    *,
    source: str,
    tables: Iterable[Any] = (),
    owner: Owner | None = None,
    batch_limit: int = 4000,
    assignment_deadline_seconds: float = 60.0,
) -> Binding:
    """Bind an app, before it starts, to the topic it reads in batches, its tables and the owner of their state.

    Raises ConfigError naming the setting that would lose records, lose state or hang.
    """
    conf = app.conf
    _require(str(conf.broker[0].scheme) == "fast", "broker", conf.broker[0], "fast://host:port")
    _require(str(conf.store) == "fastmem:", "store", conf.store, "fastmem://")
    _require(
        conf.consumer_auto_offset_reset == "earliest",
        "consumer_auto_offset_reset",
        conf.consumer_auto_offset_reset,
        "earliest, or a new partition's first records are never read",
    )
    _require(
        conf.broker_session_timeout >= MINIMAL_SESSION_SECONDS,
        "broker_session_timeout",
        conf.broker_session_timeout,
        f"at least {MINIMAL_SESSION_SECONDS:g} seconds, the broker's group.min.session.timeout.ms",
    )
    _require(not conf.stream_wait_empty, "stream_wait_empty", True, "False: checkpoints do not wait for empty queues")
    _require(conf.table_standby_replicas == 0, "table_standby_replicas", conf.table_standby_replicas, "0")
    _require(batch_limit > 0, "batch_limit", batch_limit, "a positive number of records")
    app.batching = Binding(source, tuple(tables), owner or Owner(), batch_limit, assignment_deadline_seconds)
    bound: Binding = app.batching
    return bound


def _require(valid: bool, setting: str, found: object, wanted: str) -> None:
    if not valid:
        raise ConfigError(f"{setting}: found {found!s}; valid: {wanted}")
