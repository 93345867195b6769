"""A broker outage is two log lines, and every record is one line."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator

import pytest

from supportpulse.logs import LineFormatter, OutageFilter, setup_logging


class Clock:
    """A monotonic clock moved by hand."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def record(name: str, message: str, *args: object) -> logging.LogRecord:
    """A record as a client library would make it."""
    return logging.LogRecord(name, logging.ERROR, __file__, 1, message, args, None)


@pytest.fixture
def root_handlers() -> Iterator[None]:
    """Puts the root logger back as it was."""
    root = logging.getLogger()
    before, level = list(root.handlers), root.level
    yield
    root.handlers[:] = before
    root.setLevel(level)


def test_a_minute_without_a_broker_is_one_line_and_one_when_it_is_back(caplog: pytest.LogCaptureFixture) -> None:
    """Thousands of retries from four places collapse into the first line and a closing one that counts them."""
    clock = Clock()
    outage = OutageFilter(quiet_seconds=3600, clock=clock)
    lines = [
        record("aiokafka", 'Unable connect to "%s:%s": %s', "127.0.0.1", 9092, "refused"),
        record("aiokafka.consumer.group_coordinator", "Group Coordinator Request failed: %s", "KafkaConnectionError"),
        record("aiokafka.consumer.fetcher", "Failed fetch messages from %s: %s", 1, "NodeNotReadyError"),
        record("kafka.net.manager", "Connection failed to node 1"),
    ]
    passed = 0
    for _ in range(600):
        clock.now += 0.1
        passed += sum(outage.filter(line) for line in lines)
    assert passed == 1
    assert not outage.settle()
    clock.now += 3600
    assert outage.settle()
    assert caplog.messages == ["Kafka answers again after 60 s (2399 lines of retries left out)"]


def test_the_first_line_of_an_outage_says_so() -> None:
    """The reader learns that more of the same is held back."""
    line = record("aiokafka", "Unable connect to %s", "b:9092")
    assert OutageFilter(quiet_seconds=3600).filter(line)
    assert line.getMessage() == "Kafka does not answer; retrying quietly: Unable connect to b:9092"


def test_a_second_outage_is_told_again() -> None:
    """One line per state change, not one per process."""
    clock = Clock()
    outage = OutageFilter(quiet_seconds=3600, clock=clock)
    assert outage.filter(record("aiokafka", "Unable connect to a"))
    clock.now += 3601
    outage.settle()
    assert outage.filter(record("aiokafka", "Unable connect to a"))


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("streams.intake", "Unable connect to the past"),
        ("aiokafka.consumer", "Topic is not authorized for this client"),
        ("kafkaesque", "connection refused"),
    ],
)
def test_other_lines_are_never_held_back(name: str, message: str) -> None:
    """Only the clients' own retry lines are noise."""
    outage = OutageFilter(quiet_seconds=3600)
    outage.filter(record("aiokafka", "Unable connect to a"))
    assert outage.filter(record(name, message))


def test_a_traceback_stays_on_the_line_of_its_record() -> None:
    """One line per record, so that line-based tools keep them together."""
    try:
        raise ValueError("first\nsecond")
    except ValueError as error:
        line = logging.LogRecord("x", logging.ERROR, __file__, 1, "went wrong", (), (ValueError, error, None))
    text = LineFormatter().format(line)
    assert "\n" not in text
    assert "Z ERROR x: went wrong | ValueError: first | second" in text


def test_setup_writes_our_information_and_only_the_libraries_warnings(root_handlers: None) -> None:
    """The level is ours; client libraries are quieter."""
    stream = io.StringIO()
    setup_logging("info", stream)
    logging.getLogger("supportpulse.edges").info("topics are there")
    logging.getLogger("aiokafka").info("chatter")
    logging.getLogger("aiokafka").warning("worth knowing")
    written = stream.getvalue().splitlines()
    assert [line.split(" ", 1)[1] for line in written] == [
        "INFO supportpulse.edges: topics are there",
        "WARNING aiokafka: worth knowing",
    ]
