"""A Kafka broker for whoever needs one now: the address given, else a Docker engine, else Maven and the local Java."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol

from supportpulse.edges.container_kafka import IMAGE, ContainerKafka, ping_engine
from supportpulse.edges.maven_kafka import KAFKA_VERSION, MavenKafka, fetch_kafka, find_java
from supportpulse.edges.topics import connect
from supportpulse.errors import BrokerUnavailable

How = Literal["given", "docker", "maven"]
GIVEN_SECONDS = 15.0


class Running(Protocol):
    """A broker that was started here, or merely found."""

    bootstrap: str

    def close(self) -> None:
        """End it, leaving nothing behind."""


Rung = Callable[[], Running]
"""Starts a broker, or raises `BrokerUnavailable` with the reason why it cannot."""


@dataclass
class Broker:
    """A broker that answers at `bootstrap`; `why` says which rung of the ladder it is and why not those before."""

    bootstrap: str
    how: How
    why: str
    _process: Running = field(repr=False)

    def stop(self) -> None:
        """Stop it in good order; its data and its port stay for `restart`. Only for a broker started by Maven."""
        self._maven().stop()

    def kill(self) -> None:
        """End it as a crash would (SIGKILL); its data and its port stay for `restart`."""
        self._maven().kill()

    def restart(self) -> None:
        """Start it again at the same address, over the same data; stops it first if it runs."""
        process = self._maven()
        process.stop()
        process.start()

    def last_lines(self) -> str:
        """The end of its log, of a broker started by Maven; empty for others."""
        return self._process.last_lines() if isinstance(self._process, MavenKafka) else ""

    def _maven(self) -> MavenKafka:
        if not isinstance(self._process, MavenKafka):
            raise BrokerUnavailable(f"the broker at {self.bootstrap} ({self.how}) is not ours to stop and start")
        return self._process


@contextlib.contextmanager
def broker(
    address: str | None = None,
    *,
    cache_dir: Path | None = None,
    security: Mapping[str, str] | None = None,
    say: Callable[[str], None] | None = None,
) -> Iterator[Broker]:
    """A broker for the length of a `with` block; one that was started here is gone afterwards, with its data.

    `address` given: that one and no other, with `security` (see `Settings.kafka_security`). `cache_dir` keeps the jars
    of the Maven rung (default `$SUPPORTPULSE_CACHE`, else `~/.cache/supportpulse`). `say` gets progress sentences.
    Raises `BrokerUnavailable` with the reason of every rung.
    """
    tell = say or _to_stderr
    cache = cache_dir or default_cache_dir()
    rungs: dict[How, Rung] = {"docker": start_container, "maven": lambda: start_maven(cache, tell)}
    if address is not None:
        rungs = {"given": lambda: find_given(address, security)}
    taken = climb(rungs)
    try:
        yield taken
    finally:
        taken._process.close()


def climb(rungs: Mapping[How, Rung]) -> Broker:
    """The first rung that holds."""
    reasons: list[str] = []
    for how, rung in rungs.items():
        try:
            process = rung()
        except BrokerUnavailable as reason:
            reasons.append(str(reason))
            continue
        because = f"; not by another way, because {'; '.join(reasons)}" if reasons else ""
        return Broker(process.bootstrap, how, f"{_DESCRIPTIONS[how]} at {process.bootstrap}{because}", process)
    if len(reasons) == 1:
        raise BrokerUnavailable(reasons[0])
    raise BrokerUnavailable(
        f"there is no Kafka broker to use: {'; '.join(reasons)}. Name a running one by --bootstrap, "
        f"start a Docker engine, or install Java 17 or newer and Maven"
    )


_DESCRIPTIONS: dict[How, str] = {
    "given": "the broker that was named",
    "docker": f"a container of {IMAGE}",
    "maven": f"Apache Kafka {KAFKA_VERSION} from Maven on the local Java",
}


def find_given(address: str, security: Mapping[str, str] | None = None) -> Running:
    """The broker at an address, if it answers."""
    connect(address, security=security, timeout_seconds=GIVEN_SECONDS).close()
    return _Foreign(address)


def start_container() -> Running:
    """A broker in a container, if a Docker engine answers."""
    ping_engine()
    process = ContainerKafka()
    with _closed_on_failure(process):
        process.start()
    return process


def start_maven(cache_dir: Path, say: Callable[[str], None]) -> Running:
    """A broker on the local Java, its jars fetched by Maven at the first time."""
    java = find_java()
    process = MavenKafka(java, fetch_kafka(cache_dir, say))
    with _closed_on_failure(process):
        process.format()
        process.start()
    return process


def default_cache_dir() -> Path:
    """Where downloads are kept between runs."""
    if named := os.environ.get("SUPPORTPULSE_CACHE"):
        return Path(named)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "supportpulse"


@dataclass
class _Foreign:
    bootstrap: str

    def close(self) -> None:
        """Leave it as it is."""


@contextlib.contextmanager
def _closed_on_failure(process: Running) -> Iterator[None]:
    try:
        yield
    except BaseException:
        process.close()
        raise


def _to_stderr(sentence: str) -> None:
    print(sentence, file=sys.stderr, flush=True)
