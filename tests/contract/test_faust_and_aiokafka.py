"""The private parts of Faust and aiokafka that the batch transport stands on, so that an upgrade says what moved."""

from __future__ import annotations

import inspect
import tomllib
from importlib.metadata import version
from pathlib import Path
from typing import Any

import aiokafka.consumer.consumer
import aiokafka.consumer.fetcher as fetcher
import aiokafka.consumer.subscription_state as subscription_state
import aiokafka.producer.message_accumulator as accumulator
import faust.app.base
import faust.tables.base
import faust.tables.manager
import faust.tables.recovery as recovery
import faust.topics
import faust.transport.consumer as faust_consumer
import faust.transport.drivers.aiokafka as driver
import pytest
from aiokafka.record.default_records import DefaultRecordBatch, DefaultRecordBatchBuilder

SIGNATURES = [
    (fetcher.FetchResult.__init__, "(self, tp, *, assignment, partition_records, backoff)"),
    (fetcher.FetchResult.check_assignment, "(self, tp)"),
    (fetcher.FetchResult._update_position, "(self)"),
    (fetcher.FetchResult.has_more, "(self)"),
    (fetcher.PartitionRecords._consume_aborted_up_to, "(self, batch_offset)"),
    (fetcher.PartitionRecords._contains_abort_marker, "(self, next_batch)"),
    (fetcher.Fetcher._create_fetch_waiter, "(self)"),
    (fetcher.Fetcher._notify, "(self, future)"),
    (fetcher.Fetcher.fetched_records, "(self, partitions, timeout=0, max_records=None)"),
    (subscription_state.SubscriptionState.wait_for_assignment, "(self)"),
    (aiokafka.AIOKafkaConsumer.seek_to_committed, "(self, *partitions)"),
    (aiokafka.AIOKafkaConsumer.committed, "(self, partition)"),
    (aiokafka.AIOKafkaConsumer.commit, "(self, offsets=None)"),
    (aiokafka.AIOKafkaConsumer.paused, "(self)"),
    (aiokafka.AIOKafkaProducer.send_batch, "(self, batch, topic, *, partition)"),
    (accumulator.BatchBuilder.append, "(self, *, timestamp, key, value, headers: collections.abc.Sequence = [])"),
    (accumulator.BatchBuilder.record_count, "(self)"),
]
"""Calls the transport and the changelog writer make, with the signature they were written for."""

FAUST_PARAMETERS = [
    (driver.AIOKafkaConsumerThread._fetch_records, ["self", "consumer", "active_partitions", "timeout", "max_records"]),
    (driver.AIOKafkaConsumerThread._create_worker_consumer, ["self", "transport"]),
    (driver.AIOKafkaConsumerThread._seek_wait, ["self", "consumer", "partitions"]),
    (driver.Consumer._new_consumer_thread, ["self"]),
    (driver.Consumer._to_message, ["self", "tp", "record"]),
    (driver.credentials_to_aiokafka_auth, ["credentials", "ssl_context"]),
    (driver.server_list, ["urls", "default_port"]),
    (faust_consumer.Consumer._wait_next_records, ["self", "timeout"]),
    (faust_consumer.Consumer._drain_messages, ["self", "fetcher"]),
    (faust_consumer.Consumer._should_commit, ["self", "tp", "offset"]),
    (faust_consumer.Consumer.perform_seek, ["self"]),
    (faust_consumer.Consumer.force_commit, ["self", "topics", "start_new_transaction"]),
    (faust_consumer.Consumer.commit_and_end_transactions, ["self"]),
    (faust_consumer.Consumer.on_buffer_full, ["self", "tp"]),
    (faust_consumer.Consumer.on_partitions_revoked, ["self", "revoked"]),
    (faust_consumer.Consumer.on_partitions_assigned, ["self", "assigned", "generation_id"]),
    (faust_consumer.Consumer.verify_event_path, ["self", "now", "tp"]),
    (faust.tables.base.Collection.apply_changelog_batch, ["self", "batch"]),
    (recovery.Recovery.on_recovery_completed, ["self", "generation_id"]),
]
"""What the transport overrides or calls in Faust (names only: a change of type hints is none of behaviour)."""

SOURCES = [
    (fetcher.FetchResult.__init__, ["self._topic_partition", "self._partition_records"]),
    (
        fetcher.PartitionRecords.__init__,
        ["self._records = ", "self._check_crcs", "self._isolation_level", "self._aborted_producers = set()"],
    ),
    (fetcher.PartitionRecords.__init__, ["self.next_fetch_offset = fetch_offset"]),
    (
        fetcher.Fetcher.__init__,
        [
            "self._records = collections.OrderedDict()",
            "self._subscriptions",
            "self._closed",
            "self._wait_consume_future",
        ],
    ),
    (aiokafka.AIOKafkaConsumer.__init__, ["self._isolation_level", "self._fetch_max_wait_ms"]),
    (
        aiokafka.AIOKafkaConsumer.start,
        ["isolation_level=self._isolation_level", "fetch_max_wait_ms=self._fetch_max_wait"],
    ),
    (accumulator.MessageAccumulator.add_batch, ["asyncio.shield(batch.future)"]),
    (
        recovery.Recovery.on_recovery_completed,
        [
            "consumer.resume_partitions(",
            "consumer.perform_seek()",
            "self.app.flow_control.resume()",
            "on_rebalance_end()",
        ],
    ),
    (recovery.Recovery._slurp_changelogs.fun, ["active_offsets = self.active_offsets", "offset > seen_offset"]),
    (recovery.Recovery._add, ["table.persisted_offset(tp)"]),
    (faust_consumer.Consumer.on_stop, ["stream_wait_empty", "self.commit_and_end_transactions()"]),
    (faust_consumer.Consumer.commit, ["self.force_commit("]),
    (faust_consumer.Consumer.seek, ["self._seek("]),
    (faust.app.base.App._new_consumer, ["callback=self.topics.on_message"]),
    (faust.topics.Topic._clone_args, ['"acks": self.acks']),
    (faust.tables.manager.TableManager.on_rebalance, ["table.on_rebalance", "self.recovery.on_rebalance"]),
]
"""Attributes and calls inside of functions: set, made or relied upon by exactly these words."""

PROPERTIES = [
    (DefaultRecordBatch, ["base_offset", "next_offset", "producer_id", "is_transactional", "is_control_batch"]),
    (DefaultRecordBatch, ["validate_crc"]),
    (DefaultRecordBatchBuilder, ["append", "build"]),
]


def name(function: Any) -> str:
    """Module and qualified name."""
    return f"{function.__module__}.{function.__qualname__}"


def test_every_private_part_is_where_it_was() -> None:
    """One list of all that moved, so that an upgrade is read before it is run."""
    moved = [
        f"{name(function)}{inspect.signature(function)}, was {signature}"
        for function, signature in SIGNATURES
        if str(inspect.signature(function)) != signature
    ]
    moved += [
        f"{name(function)} takes {list(inspect.signature(function).parameters)}, was {parameters}"
        for function, parameters in FAUST_PARAMETERS
        if list(inspect.signature(function).parameters) != parameters
    ]
    moved += [
        f"{name(function)} no longer says {words!r}"
        for function, all_words in SOURCES
        for words in all_words
        if words not in inspect.getsource(function)
    ]
    moved += [
        f"{kind.__name__}.{attribute} is gone"
        for kind, attributes in PROPERTIES
        for attribute in attributes
        if not hasattr(kind, attribute)
    ]
    assert not moved, "\n".join(moved)


@pytest.mark.parametrize("package", ["faust-streaming", "aiokafka"])
def test_the_versions_tested_are_the_versions_pinned(package: str) -> None:
    """Both are pinned exactly, and what runs here is what is pinned."""
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]
    assert f"{package}=={version(package)}" in project["dependencies"]


def test_recovery_still_lets_the_source_go_before_it_clears_the_queues() -> None:
    """The order that makes a batch vanish, and the reason to hold the source back while the app rebalances."""
    source = inspect.getsource(recovery.Recovery.on_recovery_completed)
    steps = ["consumer.resume_partitions(", "consumer.perform_seek()", "flow_control.resume()", "on_rebalance_end()"]
    assert [source.index(step) for step in steps] == sorted(source.index(step) for step in steps)
