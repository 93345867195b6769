"""Which broker is taken, and what is said when there is none."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from supportpulse.edges import broker as ladder
from supportpulse.edges import maven_kafka
from supportpulse.edges.broker import Running, broker, climb
from supportpulse.edges.maven_kafka import KAFKA_VERSION, fetch_kafka, find_java
from supportpulse.errors import BrokerUnavailable


@dataclass
class Fake:
    """A broker that runs nowhere."""

    bootstrap: str = "127.0.0.1:1"
    closed: bool = False

    def close(self) -> None:
        """Remember it."""
        self.closed = True


def missing(reason: str) -> ladder.Rung:
    """A rung that does not hold."""

    def rung() -> Running:
        raise BrokerUnavailable(reason)

    return rung


def script(folder: Path, name: str, body: str) -> Path:
    """A command on a PATH of its own."""
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)
    return path


def test_a_docker_engine_is_taken_before_maven() -> None:
    """The second rung is not even tried."""
    taken = climb({"docker": Fake, "maven": missing("must not be asked")})
    assert taken.how == "docker"
    assert "must not be asked" not in taken.why


def test_the_reason_why_a_rung_was_passed_over_is_told() -> None:
    """Whoever wonders why Docker was not used reads it in one sentence."""
    taken = climb({"docker": missing("no Docker engine answers"), "maven": Fake})
    assert taken.how == "maven"
    assert f"Kafka {KAFKA_VERSION} from Maven" in taken.why
    assert "because no Docker engine answers" in taken.why


def test_without_any_rung_every_reason_and_the_way_out_are_told() -> None:
    """The message says what was tried and what to install."""
    with pytest.raises(BrokerUnavailable) as caught:
        climb({"docker": missing("no engine"), "maven": missing("no java")})
    message = str(caught.value)
    assert "no engine; no java" in message
    assert "--bootstrap" in message
    assert "Java 17" in message


def test_a_named_broker_that_is_not_there_is_not_replaced_by_another(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who names a broker wants that one."""
    monkeypatch.setattr(ladder, "GIVEN_SECONDS", 0.5)
    monkeypatch.setattr(ladder, "start_container", missing("must not be asked"))
    monkeypatch.setattr(ladder, "start_maven", missing("must not be asked"))
    nobody = pytest.raises(BrokerUnavailable, match=r"no Kafka broker answered at 127\.0\.0\.1:1 within 0\.5 s")
    with nobody, broker("127.0.0.1:1"):
        pytest.fail("there is no such broker")


def test_a_started_broker_is_closed_when_the_block_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is left behind by an error."""
    fake = Fake()
    monkeypatch.setattr(ladder, "start_container", lambda: fake)
    with pytest.raises(ZeroDivisionError), broker():
        raise ZeroDivisionError
    assert fake.closed


def test_a_broker_that_is_not_ours_is_not_stopped() -> None:
    """Stopping and killing is for brokers started by Maven."""
    taken = climb({"given": Fake})
    with pytest.raises(BrokerUnavailable, match="not ours to stop"):
        taken.stop()


@pytest.mark.parametrize(
    ("says", "message"),
    [('openjdk version "11.0.2"', "Java 11; .* needs Java 17"), ("hello", "does not say its version")],
)
def test_an_old_java_is_named_with_what_is_needed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, says: str, message: str
) -> None:
    """The version found and the oldest valid one are told."""
    script(tmp_path / "bin", "java", f"echo '{says}' >&2")
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    with pytest.raises(BrokerUnavailable, match=message):
        find_java()


def test_a_missing_java_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No Java on the PATH is one sentence."""
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(BrokerUnavailable, match="no java on the PATH: install Java 17 or newer"):
        find_java()


def test_a_missing_maven_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the jars and without Maven nothing can be fetched."""
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(BrokerUnavailable, match="no mvn on the PATH: install Apache Maven"):
        fetch_kafka(tmp_path / "cache", print)


def test_jars_that_are_cached_need_neither_maven_nor_a_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A second run works offline."""
    libs = tmp_path / f"kafka-{KAFKA_VERSION}" / "libs"
    libs.mkdir(parents=True)
    monkeypatch.setenv("PATH", "")
    said: list[str] = []
    assert fetch_kafka(tmp_path, said.append) == libs
    assert said == []


def test_a_first_download_is_announced_and_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A silent minute would look like a hang; the second call downloads nothing."""
    body = (
        f'for word in "$@"; do case "$word" in -DoutputDirectory=*) out="${{word#*=}}";; esac; done\n'
        f'/bin/mkdir -p "$out"; : > "$out/kafka_2.13-{KAFKA_VERSION}.jar"'
    )
    script(tmp_path / "bin", "mvn", body)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    said: list[str] = []
    libs = fetch_kafka(tmp_path / "cache", said.append)
    assert [path.name for path in libs.iterdir()] == [f"kafka_2.13-{KAFKA_VERSION}.jar"]
    assert len(said) == 1
    assert "downloading Apache Kafka" in said[0]
    assert fetch_kafka(tmp_path / "cache", said.append) == libs
    assert len(said) == 1


def test_a_failed_download_leaves_no_half_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Maven's own error is told, and the next run tries again."""
    script(tmp_path / "bin", "mvn", "echo '[ERROR] Could not resolve artifact'; exit 1")
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    with pytest.raises(BrokerUnavailable, match="Could not resolve artifact"):
        fetch_kafka(tmp_path / "cache", lambda _: None)
    assert not (tmp_path / "cache" / f"kafka-{KAFKA_VERSION}" / "libs").exists()


def test_a_cache_that_cannot_be_written_names_the_variable_that_moves_it(tmp_path: Path) -> None:
    """An unwritable directory is a sentence that says what to do."""
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(BrokerUnavailable, match="SUPPORTPULSE_CACHE"):
        fetch_kafka(tmp_path / "file", print)


def test_two_ports_are_never_the_same() -> None:
    """The broker's and the controller's port are found together, not one after the other."""
    for _ in range(20):
        assert len(set(maven_kafka._free_ports(2))) == 2
