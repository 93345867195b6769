"""Workers as processes of their own, to be killed."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from time import monotonic
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition

from stream_feed import Feed, send_all
from supportpulse.edges.simulator import SOURCE, Delivery, LiveDesk
from supportpulse.settings import Settings

CRASHING = Path(__file__).with_name("chaos") / "crashing_worker.py"


def environment(settings: Settings) -> dict[str, str]:
    """The process's environment, with these settings and no others."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("SUPPORTPULSE_")}
    told = settings.model_dump(mode="json", exclude_defaults=True, exclude={"decision_grace_seconds"})
    return kept | {f"SUPPORTPULSE_{name.upper()}": str(value) for name, value in told.items()}


class Process:
    """`supportpulse worker`, or another command, with its log in a file."""

    def __init__(self, settings: Settings, name: str, command: Sequence[str] = ()) -> None:
        self._command = command or (sys.executable, "-m", "supportpulse", "worker")
        self._environment = environment(settings)
        self._log = settings.data_dir / f"{name}.log"

    async def start(self) -> None:
        """Start it; returns at once."""
        with self._log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *self._command, env=self._environment, stdout=log, stderr=log
            )

    async def kill(self) -> None:
        """SIGKILL; it must still have been running."""
        assert self._process.returncode is None, self.log()
        self._process.kill()
        await self._process.wait()

    def signal(self, number: int) -> None:
        """Send it a signal."""
        self._process.send_signal(number)

    async def ended(self, seconds: float = 60.0) -> int:
        """Its exit code, waited for."""
        try:
            return await asyncio.wait_for(self._process.wait(), seconds)
        except TimeoutError:
            raise AssertionError(f"still running after {seconds:g} s: {self.log()}") from None

    async def stop(self) -> None:
        """SIGTERM, and SIGKILL if that does not help."""
        if self._process.returncode is None:
            self._process.terminate()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._process.wait(), 15)
        if self._process.returncode is None:
            self._process.kill()
            await self._process.wait()

    async def says(self, text: str, seconds: float = 60.0) -> None:
        """Wait until its log holds a text."""
        deadline = monotonic() + seconds
        while text not in self._log.read_text("utf-8", errors="replace"):
            assert self._process.returncode is None, f"it ended: {self.log()}"
            assert monotonic() < deadline, f"does not say {text!r}: {self.log()}"
            await asyncio.sleep(0.05)

    def log(self) -> str:
        """The end of its log."""
        return self._log.read_text("utf-8", errors="replace")[-4000:]


@asynccontextmanager
async def worker_process(settings: Settings, name: str, command: Sequence[str] = ()) -> AsyncIterator[Process]:
    """A worker that is gone afterwards, whatever happened."""
    process = Process(settings, name, command)
    await process.start()
    try:
        yield process
    finally:
        await process.stop()


def crashing(step: str, records: int) -> tuple[str, ...]:
    """The command of a worker that kills itself after a step of the checkpoint that covers so many records."""
    return sys.executable, str(CRASHING), step, str(records)


class Progress:
    """How much was said so far: the number of outcome records."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    async def __aenter__(self) -> Progress:
        self._consumer = AIOKafkaConsumer(bootstrap_servers=self._settings.bootstrap)
        await self._consumer.start()
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._consumer.stop()

    async def outcomes(self) -> int:
        """Records in the outcomes topic."""
        settings = self._settings
        parts = [TopicPartition(settings.outcomes_topic, number) for number in range(settings.partitions)]
        ends: dict[Any, int] = await self._consumer.end_offsets(parts)
        return sum(ends.values())

    async def grows(self, by: int, process: Process, seconds: float = 60.0) -> None:
        """Wait until so many more are said."""
        goal, deadline = await self.outcomes() + by, monotonic() + seconds
        while await self.outcomes() < goal:
            assert monotonic() < deadline, f"nothing is said: {process.log()}"
            await asyncio.sleep(0.01)


def parts_of(desk: LiveDesk, count: int) -> list[list[Delivery]]:
    """A history in so many parts of equal length."""
    deliveries = list(desk.take_until(desk.plan.end))
    size = -(-len(deliveries) // count)
    return [deliveries[at : at + size] for at in range(0, len(deliveries), size)]


async def send_part(feed: Feed, part: list[Delivery]) -> None:
    """A part of a history, with a heartbeat in its middle and one behind it."""
    half = len(part) // 2
    for some in (part[:half], part[half:]):
        await send_all(feed, some)
        await feed.beat(SOURCE, "log", some[-1].at)
