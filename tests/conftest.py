"""One real broker for the whole run, and names of one's own on it."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import pytest

from fresh import Fresh
from supportpulse.edges.broker import Broker, broker

# A shell's background job ignores SIGINT, and so would every process a test starts and interrupts.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def kafka(request: pytest.FixtureRequest) -> Iterator[str]:
    """Address of a real broker: `$SUPPORTPULSE_TEST_BOOTSTRAP`, else whatever the ladder finds or starts."""
    with broker(os.environ.get("SUPPORTPULSE_TEST_BOOTSTRAP")) as found:
        capture = request.config.pluginmanager.getplugin("capturemanager")
        with capture.global_and_fixture_disabled():
            print(f"\nbroker: {found.why}")
        yield found.bootstrap


@pytest.fixture
def own_broker() -> Iterator[Broker]:
    """A broker that the test may stop, kill and restart."""
    with broker() as mine:
        if mine.how != "maven":
            pytest.skip(f"only a broker started by Maven can be stopped and started: {mine.why}")
        yield mine


@pytest.fixture
def fresh() -> Fresh:
    """Names of one's own."""
    return Fresh()
