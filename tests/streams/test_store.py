"""The store that takes whole batches, and the app it needs, without a broker."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import faust
import pytest
from faust.types import TP

from batches import batch, record
from streams.batching import Batch, BatchSchema, batch_table, bind, register
from supportpulse.errors import ConfigError


@pytest.fixture
def app() -> Any:
    """A Faust app that is never started."""
    register()
    return make_app()


def make_app(**settings: Any) -> Any:
    """An app with valid settings but for those given."""
    valid = {
        "broker": "fast://127.0.0.1:1",
        "store": "fastmem://",
        "consumer_auto_offset_reset": "earliest",
        "stream_wait_empty": False,
        "table_standby_replicas": 0,
        "broker_session_timeout": 6.0,
    }
    return faust.App("unit", **{**valid, **settings})


def restore(table: Any, *batches: Batch) -> None:
    """What Faust's recovery does with batches."""
    table.apply_changelog_batch([SimpleNamespace(value=found) for found in batches])


def changelog(table: Any, start: int, *pairs: tuple[bytes, bytes | None], partition: int = 0) -> Batch:
    """A batch of the table's changelog."""
    records = [record(start + n, key, value) for n, (key, value) in enumerate(pairs)]
    topic = table.changelog_topic_name
    return batch(start, start + len(records), topic=topic, partition=partition, records=records)


def test_the_store_restores_values_and_tombstones_and_knows_where_it_stands(app: Any) -> None:
    """A partition's dict is what its changelog says, and recovery goes on behind the last offset covered."""
    table = batch_table(app, "t", partitions=2)
    restore(table, changelog(table, 0, (b"a", b"1"), (b"b", b"2"), (b"a", None)), changelog(table, 3, (b"c", b"")))
    assert table.data.partition(0) == {b"b": b"2", b"c": b""}
    assert table.data.end(0) == 4
    assert table.data.persisted_offset(TP(table.changelog_topic_name, 0)) == 3
    assert table.data.persisted_offset(TP(table.changelog_topic_name, 1)) is None


def test_one_key_in_two_partitions_has_two_values(app: Any) -> None:
    """The partition is part of a key's identity."""
    table = batch_table(app, "t", partitions=2)
    restore(table, changelog(table, 0, (b"a", b"1")), changelog(table, 0, (b"a", b"2"), partition=1))
    assert (table.data.partition(0), table.data.partition(1)) == ({b"a": b"1"}, {b"a": b"2"})
    with pytest.raises(TypeError, match="partition"):
        table.data[b"a"] = b"3"


async def test_a_rebalance_drops_the_revoked_partitions_only(app: Any) -> None:
    """Retained partitions keep their values and need no second reading."""
    table = batch_table(app, "t", partitions=2)
    restore(table, changelog(table, 0, (b"a", b"1")), changelog(table, 0, (b"a", b"2"), partition=1))
    gone = {TP(table.changelog_topic_name, 1), TP("another", 0)}
    await table.data.on_rebalance(set(), gone, set())
    assert (table.data.partition(0), table.data.partition(1), table.data.end(1)) == ({b"a": b"1"}, {}, 0)
    assert table.data.end(0) == 1


def test_records_already_included_do_not_overwrite_newer_values(app: Any) -> None:
    """Faust reads the last known changelog record again; the value in memory may be ahead of it."""
    table = batch_table(app, "t", partitions=1)
    restore(table, changelog(table, 0, (b"a", b"1"), (b"b", b"1")))
    table.data.partition(0)[b"b"] = b"2, not flushed yet"
    restore(table, changelog(table, 1, (b"b", b"1"), (b"c", b"1")))
    assert table.data.partition(0) == {b"a": b"1", b"b": b"2, not flushed yet", b"c": b"1"}


def test_a_batch_of_another_topic_is_not_applied_to_this_table(app: Any) -> None:
    """Faust hands an event of an untracked partition to the table of the event before it."""
    table = batch_table(app, "t", partitions=1)
    restore(table, batch(0, 1, topic="unit-other-changelog"))
    assert len(table.data) == 0


async def test_a_batch_lost_in_recovery_is_read_again(app: Any) -> None:
    """State is never restored with a hole in it: recovery is set back to the last batch applied."""
    sought: list[Any] = []

    async def seek_wait(where: Any) -> None:
        sought.append(where)

    table = batch_table(app, "t", partitions=1)
    bind(app, source="events", tables=[table])
    app.consumer.seek_wait = seek_wait
    tp = TP(table.changelog_topic_name, 0)
    restore(table, changelog(table, 0, (b"a", b"1")))
    app.tables.recovery.active_offsets[tp] = 4
    restore(table, changelog(table, 3, (b"b", b"1")))
    await asyncio.sleep(0)
    assert (table.data.partition(0), sought, app.tables.recovery.active_offsets[tp]) == ({b"a": b"1"}, [{tp: 1}], 0)


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("broker_session_timeout", 2.0),
        ("consumer_auto_offset_reset", "latest"),
        ("stream_wait_empty", True),
        ("table_standby_replicas", 1),
        ("store", "memory://"),
        ("broker", "kafka://127.0.0.1:1"),
    ],
)
def test_a_setting_that_loses_or_hangs_is_refused_by_name(setting: str, value: Any) -> None:
    """An app cannot be bound with settings that lose records, lose state or wait for ever."""
    register()
    with pytest.raises(ConfigError, match=f"^{setting}: found .*; valid: "):
        bind(make_app(**{setting: value}), source="events")


async def test_an_app_that_is_not_bound_says_so() -> None:
    """The first use of the consumer names the call that is missing."""
    register()
    with pytest.raises(ConfigError, match=r"streams\.batching\.bind"):
        _ = make_app().consumer


def test_the_schema_passes_a_batch_untouched(app: Any) -> None:
    """No decoding between fetch and agent."""
    message = SimpleNamespace(key=None, value=batch(0, 1))
    assert BatchSchema().loads_value(app, message) is message.value
