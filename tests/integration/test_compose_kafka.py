"""Kafka as docker-compose.yml sets it up: settings written by the image's own program, and a broker started on them."""

from __future__ import annotations

import os
import re
import socket
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
import yaml

from fresh import Fresh
from supportpulse.edges.broker import default_cache_dir
from supportpulse.edges.maven_kafka import fetch_kafka, find_java
from supportpulse.edges.topics import connect
from supportpulse.errors import BrokerUnavailable

COMPOSE = Path(__file__).parents[2] / "docker-compose.yml"
CLUSTER = "5L6g3nShT-eMCtK--X86sw"


def environment(data: Path) -> tuple[dict[str, str], str]:
    """Kafka's variables of the compose file, and the address for clients on the host: free ports, all on loopback."""
    told = yaml.safe_load(COMPOSE.read_text("utf-8"))["services"]["kafka"]["environment"]
    text = "\n".join(f"{name}={value}" for name, value in told.items())
    with ExitStack() as stack:
        for port in dict.fromkeys(re.findall(r":(\d{4,5})", text)):
            free = stack.enter_context(socket.socket())
            free.bind(("127.0.0.1", 0))
            text = re.sub(rf":{port}\b", f":{free.getsockname()[1]}", text)
    text = text.replace("//kafka:", "//127.0.0.1:").replace("@kafka:", "@127.0.0.1:")
    text = text.replace(told["KAFKA_LOG_DIRS"], str(data))
    found = dict(line.split("=", 1) for line in text.splitlines())
    host = re.search(r"HOST://(127\.0\.0\.1:\d+)", found["KAFKA_ADVERTISED_LISTENERS"])
    assert host is not None
    return {**found, "CLUSTER_ID": CLUSTER, "PATH": os.defpath}, host[1]


@contextmanager
def running(command: list[str], log: Path) -> Iterator[None]:
    """A process that is gone afterwards."""
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output)
    try:
        yield
    finally:
        process.terminate()
        try:
            process.wait(30)
        finally:
            process.kill()
            process.wait()


@pytest.mark.kafka
def test_kafka_starts_on_what_the_compose_file_says(tmp_path: Path, fresh: Fresh) -> None:
    """From an empty configuration folder, as the tmpfs is; topics and groups work, nothing is made by itself."""
    try:
        java, libs = find_java(), fetch_kafka(default_cache_dir(), print)
    except BrokerUnavailable as error:
        pytest.skip(f"no Kafka from Maven: {error}")
    defaults, mounted, written, data = (tmp_path / name for name in ("defaults", "mounted", "written", "data"))
    for folder in (defaults, mounted, written):
        folder.mkdir()
    told, host = environment(data)
    run = [java, "-Xmx512m", "-XX:+UseSerialGC", "-cp", f"{libs}/*"]
    folders = ["--default-configs-dir", defaults, "--mounted-configs-dir", mounted, "--final-configs-dir", written]
    setup = [*run, "kafka.docker.KafkaDockerWrapper", "setup", *map(str, folders)]
    done = subprocess.run(setup, env=told, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    properties = dict(
        line.split("=", 1) for line in (written / "server.properties").read_text("utf-8").split("\n") if "=" in line
    )
    assert len(properties) == sum(name.startswith("KAFKA_") for name in told)

    log = tmp_path / "broker.log"
    with running([*run, "kafka.Kafka", str(written / "server.properties")], log):
        connect(host, timeout_seconds=60).close()
        settings = fresh.topics(host)
        with_connection = connect(host, timeout_seconds=30)
        try:
            names = set(with_connection.list_topics())
        finally:
            with_connection.close()
        assert {settings.events_topic, settings.outcomes_topic, settings.deadletter_topic} <= names
        commit_an_offset(host, settings.events_topic)
        with pytest.raises(AssertionError, match="no such topic"):
            commit_an_offset(host, "nobody-made-this")


def commit_an_offset(host: str, topic: str) -> None:
    """A group's offset, kept in a topic that Kafka makes itself with the copies the file says."""
    from kafka import KafkaConsumer, TopicPartition
    from kafka.structs import OffsetAndMetadata

    consumer = KafkaConsumer(bootstrap_servers=host, group_id="compose", enable_auto_commit=False)
    try:
        assert consumer.partitions_for_topic(topic), "no such topic"
        place = TopicPartition(topic, 0)
        consumer.assign([place])
        consumer.commit({place: OffsetAndMetadata(7, "", -1)})
        assert consumer.committed(place) == 7
    finally:
        consumer.close()
