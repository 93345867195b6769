"""The topics supportpulse needs: created as they must be, and refused when they are otherwise."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from typing import Any

from kafka import KafkaAdminClient
from kafka.admin import ConfigResource, ConfigResourceType
from kafka.errors import KafkaError, TopicAlreadyExistsError, for_code

from supportpulse import names
from supportpulse.errors import BrokerUnavailable, ConfigError, TopicMismatch

EVENT_BYTES = 1_048_588
"""Largest record batch of the events topic: Kafka's default, stated so that the limit of dead letters can exceed it."""
LARGE_BYTES = 4 * EVENT_BYTES
FOREVER = "-1"
SHORTEST_RETENTION_MS = 28 * 86_400_000
"""Lateness bound of a ticket: an events topic that forgets sooner cannot rebuild the state."""
DAY_MS = 86_400_000

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class TopicPlan:
    """One topic as it is created. `must` are the configs that an existing topic has to have as well.

    `retention`: it has to keep what state is rebuilt from. `longest_ms`: it must not keep anything for longer.
    """

    name: str
    partitions: int
    must: Mapping[str, str]
    wish: Mapping[str, str] = field(default_factory=dict)
    retention: bool = False
    longest_ms: int | None = None

    @property
    def configs(self) -> dict[str, str]:
        """All configs given at creation."""
        return {**self.must, **self.wish}


def plan_topics(
    *,
    partitions: int,
    app_id: str = names.DEFAULT_APP_ID,
    topic_prefix: str = "",
    deadletter_retention_days: float = names.DEADLETTER_RETENTION_DAYS,
) -> list[TopicPlan]:
    """The five topics of one installation; all have the same partition count, since they share the ticket's key."""
    letters_ms = int(deadletter_retention_days * DAY_MS)
    # LogAppendTime: retention and compaction then go by arrival, so replayed history is not deleted for its age.
    log_configs = {"message.timestamp.type": "LogAppendTime", "cleanup.policy": "delete"}
    # Small segments: Kafka never compacts the segment being written, so a default one keeps 1 GB of dead values.
    compacted = {"segment.bytes": str(64 * 1024 * 1024), "max.message.bytes": str(LARGE_BYTES)}
    return [
        TopicPlan(
            topic_prefix + names.EVENTS_TOPIC,
            partitions,
            log_configs,
            {"retention.ms": FOREVER, "max.message.bytes": str(EVENT_BYTES)},
            retention=True,
        ),
        TopicPlan(
            topic_prefix + names.OUTCOMES_TOPIC,
            partitions,
            {"cleanup.policy": "delete"},
            {"retention.ms": FOREVER},
            retention=True,
        ),
        TopicPlan(
            topic_prefix + names.DEADLETTER_TOPIC,
            partitions,
            {"cleanup.policy": "delete"},
            {
                "retention.ms": str(letters_ms),
                # Kafka forgets whole segments: one a day, or a letter would stay until a later one of its week may go.
                "segment.ms": str(min(DAY_MS, letters_ms)),
                "message.timestamp.type": "LogAppendTime",
                "max.message.bytes": str(LARGE_BYTES),
            },
            longest_ms=letters_ms,
        ),
        TopicPlan(names.tickets_changelog(app_id), partitions, {"cleanup.policy": "compact"}, compacted),
        TopicPlan(names.panes_changelog(app_id), partitions, {"cleanup.policy": "compact"}, compacted),
    ]


def ensure_topics(
    bootstrap: str,
    *,
    partitions: int,
    replication: int = 1,
    app_id: str = names.DEFAULT_APP_ID,
    topic_prefix: str = "",
    deadletter_retention_days: float = names.DEADLETTER_RETENTION_DAYS,
    security: Mapping[str, str] | None = None,
    timeout_seconds: float = 30.0,
    create: bool = True,
    tell: bool = True,
) -> list[str]:
    """Create what is missing, check what is there; returns the names created. Safe to call again, and by several.

    Raises `TopicMismatch` for a topic that cannot be used as it is (without `create` also for one that is missing),
    `BrokerUnavailable` when no broker answered within `timeout_seconds`, `ConfigError` when the broker refuses to
    create one (it says why).
    """
    plans = plan_topics(
        partitions=partitions,
        app_id=app_id,
        topic_prefix=topic_prefix,
        deadletter_retention_days=deadletter_retention_days,
    )
    admin = connect(bootstrap, security=security, timeout_seconds=timeout_seconds, tell=tell)
    with closing(admin):
        try:
            there = set(admin.list_topics())
            missing = [plan for plan in plans if plan.name not in there]
            if missing and not create:
                raise TopicMismatch(
                    f"{', '.join(plan.name for plan in missing)}: not there on Kafka at {bootstrap}; create it by "
                    "`supportpulse topics ensure`"
                )
            created = _create(admin, missing, replication)
            admin.wait_for_topics([plan.name for plan in plans], timeout_ms=int(timeout_seconds * 1000))
            _verify(admin, plans)
        except KafkaError as error:
            raise BrokerUnavailable(f"Kafka at {bootstrap} stopped answering about topics: {error}") from error
    if created:
        log.info("created %s with %d partitions", ", ".join(created), partitions)
    return created


def remove_topics(
    bootstrap: str, topics: list[str], *, security: Mapping[str, str] | None = None, timeout_seconds: float = 30.0
) -> None:
    """Remove topics with all that is in them. Raises `BrokerUnavailable`."""
    with closing(connect(bootstrap, security=security, timeout_seconds=timeout_seconds)) as admin:
        try:
            admin.delete_topics(topics)
        except KafkaError as error:
            raise BrokerUnavailable(f"Kafka at {bootstrap} did not remove {', '.join(topics)}: {error}") from error


def connect(
    bootstrap: str, *, security: Mapping[str, str] | None = None, timeout_seconds: float = 30.0, tell: bool = True
) -> KafkaAdminClient:
    """An admin client of a broker that answers; retries with backoff, then raises `BrokerUnavailable`.

    `tell`: log one line when the first try fails; a caller that tries for ever tells by itself.
    """
    deadline = time.monotonic() + timeout_seconds
    patience, pause, told = 1.0, 0.25, False
    while True:
        try:
            with quiet_client():
                return KafkaAdminClient(
                    bootstrap_servers=bootstrap.split(","),
                    client_id="supportpulse-admin",
                    bootstrap_timeout_ms=int(1000 * max(0.5, min(patience, deadline - time.monotonic()))),
                    **(security or {}),
                )
        except (KafkaError, OSError) as error:
            if time.monotonic() + pause >= deadline:
                raise BrokerUnavailable(
                    f"no Kafka broker answered at {bootstrap} within {timeout_seconds:g} s ({error}); "
                    "start one, or name another by --bootstrap or SUPPORTPULSE_BOOTSTRAP"
                ) from error
            if tell and not told:
                log.warning("no Kafka broker answers at %s; trying for %g s", bootstrap, timeout_seconds)
                told = True
            time.sleep(pause)
            patience, pause = min(patience * 2, 10.0), min(pause * 2, 2.0)


@contextmanager
def quiet_client() -> Iterator[None]:
    """Keep kafka-python from writing four lines for each try; the caller is told once, by us."""
    client = logging.getLogger("kafka")
    before = client.level
    client.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        client.setLevel(before)


def _create(admin: KafkaAdminClient, plans: list[TopicPlan], replication: int) -> list[str]:
    if not plans:
        return []
    asked = {
        plan.name: {"num_partitions": plan.partitions, "replication_factor": replication, "configs": plan.configs}
        for plan in plans
    }
    created = []
    for answer in admin.create_topics(asked, raise_errors=False)["topics"]:
        error = for_code(answer["error_code"])
        if answer["error_code"] == 0:
            created.append(answer["name"])
        elif error is not TopicAlreadyExistsError:  # another worker was first: the check that follows decides
            raise ConfigError(
                f"topic {answer['name']}: the broker refused to create it with {plans[0].partitions} partitions and "
                f"replication {replication}: {error.__name__}: {answer.get('error_message') or error.description}"
            )
    return created


def _verify(admin: KafkaAdminClient, plans: list[TopicPlan]) -> None:
    partitions = {
        topic["name"]: len(topic["partitions"]) for topic in admin.describe_topics([plan.name for plan in plans])
    }
    described: dict[str, dict[str, dict[str, Any]]] = admin.describe_configs(
        [ConfigResource(ConfigResourceType.TOPIC, plan.name) for plan in plans], config_filter="all"
    )["topic"]
    configs = {name: {key: str(config["value"]) for key, config in found.items()} for name, found in described.items()}
    for plan in plans:
        check_topic(plan, partitions[plan.name], configs[plan.name])
    events, deadletter = configs[plans[0].name], configs[plans[2].name]
    if int(deadletter["max.message.bytes"]) <= int(events["max.message.bytes"]):
        raise TopicMismatch(
            f"topic {plans[2].name}: max.message.bytes: found {deadletter['max.message.bytes']}; valid: more than the "
            f"{events['max.message.bytes']} of {plans[0].name}, or a dead letter may not fit; raise it by "
            f"kafka-configs --alter"
        )


def check_topic(plan: TopicPlan, partitions: int, configs: Mapping[str, str]) -> None:
    """Raise `TopicMismatch` unless a topic with these partitions and configs can serve as planned."""
    if partitions != plan.partitions:
        raise TopicMismatch(
            f"topic {plan.name}: partitions: found {partitions}; valid: {plan.partitions}; the count is fixed once "
            f"there are tickets (their keys would move): set SUPPORTPULSE_PARTITIONS={partitions}, or choose another "
            f"SUPPORTPULSE_TOPIC_PREFIX and SUPPORTPULSE_APP_ID"
        )
    if not configs:
        raise TopicMismatch(
            f"topic {plan.name}: found none of its settings; valid: a user who may read them, by kafka-acls: allow "
            "DescribeConfigs on this topic"
        )
    for key, valid in plan.must.items():
        if (found := configs.get(key)) != valid:
            raise TopicMismatch(
                f"topic {plan.name}: {key}: found {found}; valid: {valid}; set it by "
                f"kafka-configs --alter --entity-type topics --entity-name {plan.name} --add-config {key}={valid}"
            )
    if plan.retention and 0 <= (retention := int(configs.get("retention.ms", FOREVER))) < SHORTEST_RETENTION_MS:
        raise TopicMismatch(
            f"topic {plan.name}: retention.ms: found {retention}; valid: -1, or the longest open ticket and 28 days "
            f"more; the log is the truth that state is rebuilt from: set it by kafka-configs --alter --entity-type "
            f"topics --entity-name {plan.name} --add-config retention.ms=-1"
        )
    kept = int(configs.get("retention.ms", FOREVER))
    if plan.longest_ms is not None and not 0 <= kept <= plan.longest_ms:
        raise TopicMismatch(
            f"topic {plan.name}: retention.ms: found {kept}; valid: at most {plan.longest_ms}, bodies of webhooks are "
            f"in it: set it by kafka-configs --alter --entity-type topics --entity-name {plan.name} --add-config "
            f"retention.ms={plan.longest_ms}, or set SUPPORTPULSE_DEADLETTER_RETENTION_DAYS to the days they may stay"
        )
