"""The broker ladder with a real broker."""

from __future__ import annotations

from pathlib import Path

import pytest
from kafka import KafkaConsumer, KafkaProducer
from kafka.structs import TopicPartition

from supportpulse.edges.broker import Broker, broker
from supportpulse.edges.topics import ensure_topics

pytestmark = pytest.mark.kafka


def send(bootstrap: str, topic: str, value: bytes) -> None:
    """One acknowledged record in partition 0."""
    producer = KafkaProducer(bootstrap_servers=bootstrap)
    producer.send(topic, value, partition=0).get(timeout=30)
    producer.close()


def read(bootstrap: str, topic: str, count: int) -> list[bytes]:
    """The first records of partition 0."""
    consumer = KafkaConsumer(bootstrap_servers=bootstrap, auto_offset_reset="earliest", consumer_timeout_ms=20_000)
    consumer.assign([TopicPartition(topic, 0)])
    values = [next(consumer).value for _ in range(count)]
    consumer.close()
    return values


def test_a_broker_of_ours_survives_stop_and_kill_with_its_data_and_leaves_nothing(own_broker: Broker) -> None:
    """Acknowledged records are there after a restart at the same address, and nothing is left at the end."""
    assert own_broker.bootstrap.startswith("127.0.0.1:")
    topic = ensure_topics(own_broker.bootstrap, partitions=1)[0]
    send(own_broker.bootstrap, topic, b"first")
    own_broker.restart()
    send(own_broker.bootstrap, topic, b"second")
    own_broker.kill()
    own_broker.restart()
    assert read(own_broker.bootstrap, topic, 2) == [b"first", b"second"]
    folder: Path = own_broker._process._folder  # type: ignore[attr-defined]
    assert folder.exists()
    own_broker._process.close()
    assert not folder.exists()


def test_a_named_broker_is_used_as_it_is(kafka: str) -> None:
    """It is checked, told, and not ended afterwards."""
    for _ in range(2):
        with broker(kafka) as found:
            assert (found.how, found.bootstrap) == ("given", kafka)
            assert found.why == f"the broker that was named at {kafka}"
