"""Apache Kafka from Maven's repository, run by the local Java: a real broker where there is no Docker engine."""

from __future__ import annotations

import base64
import contextlib
import fcntl
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

from supportpulse.edges import guard
from supportpulse.edges.topics import connect
from supportpulse.errors import BrokerUnavailable

KAFKA_VERSION = "4.4.0"
LOG4J_VERSION = "2.25.5"
"""Version of log4j-core that Kafka brings; without its slf4j binding a broker that fails to start says nothing."""
OLDEST_JAVA = 17
START_SECONDS = 90.0

POM = f"""<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>supportpulse</groupId><artifactId>kafka-broker</artifactId><version>1</version><packaging>pom</packaging>
  <dependencies>
    <dependency>
      <groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>{KAFKA_VERSION}</version>
    </dependency>
    <dependency>
      <groupId>org.apache.logging.log4j</groupId><artifactId>log4j-slf4j-impl</artifactId>
      <version>{LOG4J_VERSION}</version>
    </dependency>
  </dependencies>
</project>
"""
LOG4J = """status=error
appender.console.type=Console
appender.console.name=console
appender.console.layout.type=PatternLayout
appender.console.layout.pattern=%d %p %m (%c{1})%n%throwable
rootLogger.level=warn
rootLogger.appenderRef.console.ref=console
"""
PROPERTIES = """process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=PLAINTEXT://127.0.0.1:{port}
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
log.dirs={data}
auto.create.topics.enable=false
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
share.coordinator.state.topic.num.partitions=1
group.initial.rebalance.delay.ms=0
num.network.threads=1
num.io.threads=2
num.recovery.threads.per.data.dir=2
background.threads=2
log.cleaner.threads=1
log.cleaner.dedupe.buffer.size=8388608
"""


def find_java() -> str:
    """Path of a Java that can run the broker; raises `BrokerUnavailable` saying what is missing."""
    home = os.environ.get("JAVA_HOME")
    java = shutil.which("java", path=str(Path(home) / "bin")) if home else None
    java = java or shutil.which("java")
    if java is None:
        raise BrokerUnavailable(f"there is no java on the PATH: install Java {OLDEST_JAVA} or newer")
    told = subprocess.run([java, "-version"], capture_output=True, text=True, check=False).stderr
    if not (match := re.search(r'version "(\d+)', told)):
        raise BrokerUnavailable(f"{java} -version does not say its version: install Java {OLDEST_JAVA} or newer")
    if int(match[1]) < OLDEST_JAVA:
        raise BrokerUnavailable(f"{java} is Java {match[1]}; Kafka {KAFKA_VERSION} needs Java {OLDEST_JAVA} or newer")
    return java


def fetch_kafka(cache_dir: Path, say: Callable[[str], None]) -> Path:
    """The folder of Kafka's jars, downloaded once into `cache_dir`; a second call needs neither Maven nor a network."""
    home = cache_dir / f"kafka-{KAFKA_VERSION}"
    libs = home / "libs"
    if libs.is_dir():
        return libs
    try:
        home.mkdir(parents=True, exist_ok=True)
        with _locked(home / "lock"):
            if not libs.is_dir():  # another process may have been first
                _download(home, libs, say)
    except OSError as error:
        raise BrokerUnavailable(
            f"cannot write to the cache folder {cache_dir} ({error.strerror}): make it writable, or name another by "
            f"SUPPORTPULSE_CACHE"
        ) from error
    return libs


def _download(home: Path, libs: Path, say: Callable[[str], None]) -> None:
    if (mvn := shutil.which("mvn")) is None:
        raise BrokerUnavailable("there is no mvn on the PATH: install Apache Maven (needed for the first start only)")
    say(f"downloading Apache Kafka {KAFKA_VERSION} by Maven, about 45 MB, once, into {home}")
    pom, part = home / "pom.xml", home / "libs.part"
    pom.write_text(POM)
    shutil.rmtree(part, ignore_errors=True)
    command = [mvn, "-B", "-q", "-f", str(pom), "dependency:copy-dependencies", "-DincludeScope=runtime"]
    done = subprocess.run(
        [*command, f"-DoutputDirectory={part}"], capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL
    )
    if done.returncode != 0 or not list(part.glob("kafka_2.13-*.jar")):
        wrong = next((line for line in (done.stdout + done.stderr).splitlines() if "ERROR" in line), "no message")
        raise BrokerUnavailable(f"Maven could not download Apache Kafka {KAFKA_VERSION}: {wrong}")
    part.rename(libs)


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def _free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [int(one.getsockname()[1]) for one in sockets]


class MavenKafka:
    """One broker process on loopback, with its data in a temporary folder that goes when it is closed."""

    def __init__(self, java: str, libs: Path) -> None:
        self._java, self._libs = java, libs
        self._guard: subprocess.Popen[bytes] | None = None
        self._pid = 0
        self._folder = Path(tempfile.mkdtemp(prefix="supportpulse-kafka-"))
        port, controller = _free_ports(2)
        self.bootstrap = f"127.0.0.1:{port}"
        self._properties = self._folder / "server.properties"
        self._properties.write_text(
            PROPERTIES.format(port=port, controller=controller, data=self._folder / "data"), encoding="utf-8"
        )
        (self._folder / "log4j2.properties").write_text(LOG4J, encoding="utf-8")

    def format(self) -> None:
        """Prepare the data folder; once, before the first start."""
        cluster = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=").replace("-", "_")
        arguments = ["kafka.tools.StorageTool", "format", "-t", cluster, "-c", str(self._properties)]
        done = subprocess.run(self._command("128m", arguments), capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise BrokerUnavailable(f"Kafka could not prepare {self._folder}: {(done.stdout + done.stderr).strip()}")

    def start(self) -> None:
        """Start the broker and wait until it answers."""
        if self._guard is not None:
            return
        guarded = [sys.executable, "-I", "-S", guard.__file__, str(self._folder)]
        with (self._folder / "broker.log").open("ab") as output:
            self._guard = subprocess.Popen(
                [*guarded, *self._command("512m", ["kafka.Kafka", str(self._properties)])],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=output,
                start_new_session=True,
            )
        assert self._guard.stdout is not None
        self._pid = int(self._guard.stdout.readline() or 0)
        self._wait_until_it_answers()

    def stop(self) -> None:
        """Stop the broker in good order; its data stay."""
        self._end(b"k")

    def kill(self) -> None:
        """End the broker by SIGKILL, as a crash would; its data stay."""
        if self._guard is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._pid, signal.SIGKILL)
            self._end(b"k")

    def close(self) -> None:
        """Stop the broker and remove everything it wrote."""
        self._end(b"")
        shutil.rmtree(self._folder, ignore_errors=True)

    def _end(self, how: bytes) -> None:
        process, self._guard = self._guard, None
        if process is None:
            return
        assert process.stdin is not None
        assert process.stdout is not None
        with contextlib.suppress(BrokenPipeError):  # the guard ends with the broker, so it may be gone already
            process.stdin.write(how)
            process.stdin.flush()
        with contextlib.suppress(BrokenPipeError):
            process.stdin.close()
        process.wait(guard.STOP_SECONDS + 10)
        process.stdout.close()

    def _command(self, heap: str, arguments: list[str]) -> list[str]:
        log4j = f"-Dlog4j2.configurationFile=file:{self._folder / 'log4j2.properties'}"
        return [self._java, f"-Xmx{heap}", "-XX:+UseSerialGC", log4j, "-cp", f"{self._libs}/*", *arguments]

    def _wait_until_it_answers(self) -> None:
        host, port = self.bootstrap.split(":")
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if self._guard is None or self._guard.poll() is not None:
                raise BrokerUnavailable(f"the Kafka broker ended while starting: {self.last_lines()}")
            with contextlib.suppress(OSError), socket.create_connection((host, int(port)), timeout=1):
                break
            time.sleep(0.1)
        with contextlib.closing(
            connect(self.bootstrap, timeout_seconds=max(1.0, deadline - time.monotonic()))
        ) as admin:
            while not admin.describe_cluster()["brokers"]:
                if time.monotonic() > deadline:
                    raise BrokerUnavailable(f"the Kafka broker did not get ready: {self.last_lines()}")
                time.sleep(0.1)

    def last_lines(self) -> str:
        """The end of its log."""
        text = (self._folder / "broker.log").read_text(encoding="utf-8", errors="replace")
        return " | ".join(text.splitlines()[-5:]) or "it wrote nothing"
