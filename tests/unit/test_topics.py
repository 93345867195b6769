"""How the topics are meant to be, and what is said of one that is otherwise."""

from __future__ import annotations

import time

import pytest

from supportpulse import names
from supportpulse.edges.topics import check_topic, connect, plan_topics
from supportpulse.errors import BrokerUnavailable, TopicMismatch

PLANS = {plan.name: plan for plan in plan_topics(partitions=4)}
EVENTS = PLANS[names.EVENTS_TOPIC]
LETTERS = PLANS[names.DEADLETTER_TOPIC]
TICKETS = PLANS[names.tickets_changelog(names.DEFAULT_APP_ID)]


def test_the_log_keeps_everything_by_arrival_and_state_is_compacted() -> None:
    """Replayed history must not be deleted for its age, and a changelog keeps the last value of each key only."""
    assert EVENTS.configs["message.timestamp.type"] == "LogAppendTime"
    assert EVENTS.configs["retention.ms"] == "-1"
    assert PLANS[names.OUTCOMES_TOPIC].configs["retention.ms"] == "-1"
    assert TICKETS.configs["cleanup.policy"] == "compact"
    assert {plan.partitions for plan in PLANS.values()} == {4}


def test_a_dead_letter_may_be_larger_than_the_event_it_is_made_of() -> None:
    """The original bytes and the reason have to fit."""
    deadletter = PLANS[names.DEADLETTER_TOPIC]
    assert int(deadletter.configs["max.message.bytes"]) > int(EVENTS.configs["max.message.bytes"])


def test_dead_letters_are_forgotten_by_arrival_and_not_much_later_than_is_said() -> None:
    """A segment is closed every day, or with a shorter retention as often; what comes late is not forgotten at once."""
    assert LETTERS.configs["retention.ms"] == str(14 * 86_400_000)
    assert LETTERS.configs["segment.ms"] == str(86_400_000)
    assert LETTERS.configs["message.timestamp.type"] == "LogAppendTime"
    (short,) = (
        plan for plan in plan_topics(partitions=4, deadletter_retention_days=0.5) if plan.name == names.DEADLETTER_TOPIC
    )
    assert short.configs["retention.ms"] == short.configs["segment.ms"] == str(12 * 3_600_000)


def test_dead_letters_may_be_forgotten_sooner() -> None:
    """The setting is the most; whoever runs Kafka may allow less."""
    check_topic(LETTERS, 4, LETTERS.configs | {"retention.ms": "3600000"})


def test_a_topic_as_planned_is_accepted() -> None:
    """No complaint about what was created by ourselves."""
    for plan in PLANS.values():
        check_topic(plan, 4, plan.configs)


@pytest.mark.parametrize(
    ("plan", "partitions", "changed", "says"),
    [
        (EVENTS, 6, {}, r"support\.events\.v1: partitions: found 6; valid: 4; .*SUPPORTPULSE_PARTITIONS=6"),
        (EVENTS, 4, {"message.timestamp.type": "CreateTime"}, r"found CreateTime; valid: LogAppendTime; .*--alter"),
        (EVENTS, 4, {"cleanup.policy": "compact"}, r"cleanup\.policy: found compact; valid: delete"),
        (EVENTS, 4, {"retention.ms": "604800000"}, r"retention\.ms: found 604800000; valid: -1"),
        (
            LETTERS,
            4,
            {"retention.ms": "-1"},
            r"retention\.ms: found -1; valid: at most 1209600000, .*retention\.ms=1209600000",
        ),
        (LETTERS, 4, {"retention.ms": "1209600001"}, r"found 1209600001; .*SUPPORTPULSE_DEADLETTER_RETENTION_DAYS"),
        (TICKETS, 4, {"cleanup.policy": "compact,delete"}, r"cleanup\.policy: found compact,delete; valid: compact"),
    ],
)
def test_a_topic_that_is_otherwise_is_named_with_what_to_do(
    plan: object, partitions: int, changed: dict[str, str], says: str
) -> None:
    """Topic, found, valid, and the way out."""
    assert isinstance(plan, type(EVENTS))
    with pytest.raises(TopicMismatch, match=says):
        check_topic(plan, partitions, plan.configs | changed)


def test_a_user_who_may_not_read_a_topics_settings_is_told_so() -> None:
    """Kafka gives none of them then, and every one would look wrong."""
    with pytest.raises(TopicMismatch, match=r"support\.events\.v1: found none of its settings; .*DescribeConfigs"):
        check_topic(EVENTS, 4, {})


def test_a_retention_longer_than_any_ticket_is_the_users_choice() -> None:
    """Whoever has to forget may, as long as state can be rebuilt."""
    check_topic(EVENTS, 4, EVENTS.configs | {"retention.ms": str(365 * 86_400_000)})


def test_a_broker_that_is_not_there_is_told_once_and_given_up_after_the_stated_time(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """One line, retries with backoff, then an error that says what to do."""
    began = time.monotonic()
    with pytest.raises(BrokerUnavailable, match=r"answered at 127\.0\.0\.1:1 within 3 s .*SUPPORTPULSE_BOOTSTRAP"):
        connect("127.0.0.1:1", timeout_seconds=3)
    assert time.monotonic() - began < 10
    assert caplog.messages == ["no Kafka broker answers at 127.0.0.1:1; trying for 3 s"]
