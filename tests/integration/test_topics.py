"""Topics on a real broker."""

from __future__ import annotations

import time
from contextlib import closing

import pytest
from kafka.admin import ConfigResource, ConfigResourceType

from fresh import Fresh
from supportpulse.edges.topics import connect, ensure_topics
from supportpulse.errors import ConfigError, TopicMismatch

pytestmark = pytest.mark.kafka


def ensure(kafka: str, fresh: Fresh, partitions: int = 3, replication: int = 1) -> list[str]:
    """The call under test, for one installation."""
    return ensure_topics(
        kafka, partitions=partitions, replication=replication, app_id=fresh.app_id, topic_prefix=fresh.topic_prefix
    )


def alter(kafka: str, topic: str, key: str, value: str) -> None:
    """Change one config of a topic, and wait until the broker has heard of it from its controller."""
    with closing(connect(kafka)) as admin:
        admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic, {key: value})])
        deadline = time.monotonic() + 10
        asked = [ConfigResource(ConfigResourceType.TOPIC, topic, [key])]
        while admin.describe_configs(asked, config_filter="all")["topic"][topic][key]["value"] != value:
            assert time.monotonic() < deadline, f"{key} of {topic} did not change"


def test_topics_are_created_once_and_found_right_afterwards(kafka: str, fresh: Fresh) -> None:
    """The first call creates all five, the second none."""
    settings = fresh.settings(kafka)
    assert set(ensure(kafka, fresh)) == {
        settings.events_topic,
        settings.outcomes_topic,
        settings.deadletter_topic,
        settings.tickets_changelog,
        settings.panes_changelog,
    }
    assert ensure(kafka, fresh) == []


def test_a_changed_partition_count_is_refused(kafka: str, fresh: Fresh) -> None:
    """Keys would move between partitions, so the count is fixed at creation."""
    ensure(kafka, fresh, partitions=3)
    with pytest.raises(TopicMismatch, match="partitions: found 3; valid: 4"):
        ensure(kafka, fresh, partitions=4)


@pytest.mark.parametrize(
    ("topic", "key", "value"),
    [
        ("events_topic", "message.timestamp.type", "CreateTime"),
        ("events_topic", "retention.ms", "60000"),
        ("tickets_changelog", "cleanup.policy", "delete"),
        ("deadletter_topic", "max.message.bytes", "1000"),
        ("deadletter_topic", "retention.ms", "-1"),
    ],
)
def test_a_config_changed_behind_our_back_is_refused(
    kafka: str, fresh: Fresh, topic: str, key: str, value: str
) -> None:
    """What the broker really has is read, not what was asked for."""
    ensure(kafka, fresh)
    name = getattr(fresh.settings(kafka), topic)
    alter(kafka, name, key, value)
    with pytest.raises(TopicMismatch, match=f"{name}: {key}: found {value}"):
        ensure(kafka, fresh)


def test_more_replicas_than_brokers_is_told_in_the_brokers_words(kafka: str, fresh: Fresh) -> None:
    """The broker's refusal is passed on with what was asked."""
    with pytest.raises(ConfigError, match=r"replication 99: InvalidReplicationFactor"):
        ensure(kafka, fresh, replication=99)
