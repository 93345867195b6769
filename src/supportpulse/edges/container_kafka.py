"""Apache Kafka in a container, where a Docker engine answers."""

from __future__ import annotations

import contextlib
import socket
import time

from supportpulse.edges.topics import connect
from supportpulse.errors import BrokerUnavailable

IMAGE = "apache/kafka:4.3.1"
START_SECONDS = 120.0


def ping_engine(timeout_seconds: int = 3) -> None:
    """Raise `BrokerUnavailable` unless a Docker engine answers; an installed client alone proves nothing."""
    try:
        import docker
        import testcontainers.core.container  # noqa: F401  # asked here, so that the reason names the missing extra
    except ImportError:
        raise BrokerUnavailable("Docker was not tried: install supportpulse[docker] for that") from None
    try:
        with contextlib.closing(docker.from_env(timeout=timeout_seconds)) as client:
            client.ping()
    except Exception as error:  # docker-py lets errors of requests and urllib3 through beside its own
        raise BrokerUnavailable(f"no Docker engine answers ({type(error).__name__})") from error


class ContainerKafka:
    """One broker in a container, its port published on loopback only; removed when closed."""

    def __init__(self) -> None:
        from testcontainers.core.container import DockerContainer

        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = int(free.getsockname()[1])
        self.bootstrap = f"127.0.0.1:{port}"
        self._container = DockerContainer(IMAGE)
        # with_bind_ports would publish on every address of the host.
        self._container.ports["19092/tcp"] = ("127.0.0.1", port)  # type: ignore[assignment]
        for name, value in environment(self.bootstrap).items():
            self._container.with_env(name, value)

    def start(self) -> None:
        """Start the container and wait until the broker answers."""
        try:
            self._container.start()
        except Exception as error:  # pull, create and start fail each in their own way
            self.close()
            raise BrokerUnavailable(f"Docker could not start {IMAGE}: {error}") from error
        deadline = time.monotonic() + START_SECONDS
        with contextlib.closing(connect(self.bootstrap, timeout_seconds=START_SECONDS)) as admin:
            while not admin.describe_cluster()["brokers"]:
                if time.monotonic() > deadline:
                    raise BrokerUnavailable(f"{IMAGE} did not get ready within {START_SECONDS:g} s")
                time.sleep(0.1)

    def close(self) -> None:
        """Remove the container and its volume."""
        with contextlib.suppress(Exception):
            self._container.stop()


def environment(advertised: str) -> dict[str, str]:
    """The image's whole configuration: setting any `KAFKA_*` variable replaces its default file."""
    return {
        "KAFKA_NODE_ID": "1",
        "KAFKA_PROCESS_ROLES": "broker,controller",
        "KAFKA_LISTENERS": "PLAINTEXT://localhost:9092,CONTROLLER://localhost:9093,HOST://0.0.0.0:19092",
        "KAFKA_ADVERTISED_LISTENERS": f"PLAINTEXT://localhost:9092,HOST://{advertised}",
        "KAFKA_CONTROLLER_LISTENER_NAMES": "CONTROLLER",
        "KAFKA_INTER_BROKER_LISTENER_NAME": "PLAINTEXT",
        "KAFKA_LISTENER_SECURITY_PROTOCOL_MAP": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,HOST:PLAINTEXT",
        "KAFKA_CONTROLLER_QUORUM_VOTERS": "1@localhost:9093",
        "KAFKA_AUTO_CREATE_TOPICS_ENABLE": "false",
        "KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR": "1",
        "KAFKA_OFFSETS_TOPIC_NUM_PARTITIONS": "4",
        "KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR": "1",
        "KAFKA_TRANSACTION_STATE_LOG_MIN_ISR": "1",
        "KAFKA_SHARE_COORDINATOR_STATE_TOPIC_REPLICATION_FACTOR": "1",
        "KAFKA_SHARE_COORDINATOR_STATE_TOPIC_MIN_ISR": "1",
        "KAFKA_GROUP_INITIAL_REBALANCE_DELAY_MS": "0",
    }
