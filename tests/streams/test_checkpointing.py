"""Checkpoints: one after the other, bounded, and what their errors do."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from aiokafka.errors import KafkaTimeoutError
from faust.types import TP

from batches import SOURCE
from streams.batching import Owner, Reason
from streams.batching.checkpointing import Checkpointing


class SlowOwner(Owner):
    """An owner whose checkpoints end when told to."""

    def __init__(self) -> None:
        self.release = asyncio.Event()
        self.calls: list[Any] = []
        self.error: BaseException | None = None

    async def checkpoint(self, partitions: frozenset[TP], reason: Reason) -> None:
        self.calls.append(reason)
        try:
            await self.release.wait()
        except asyncio.CancelledError:
            self.calls.append("cancelled")
            raise
        if self.error is not None:
            raise self.error


async def test_a_checkpoint_on_revoke_is_cancelled_when_its_time_is_up() -> None:
    """The group must not wait for a broker that does not answer: the one under way is dropped as well."""
    owner = SlowOwner()
    checkpointing = Checkpointing(owner, 0.05, crash=pytest.fail)
    interval = asyncio.ensure_future(checkpointing.run(frozenset({SOURCE}), Reason.INTERVAL))
    await asyncio.sleep(0)
    assert await checkpointing.run(frozenset({SOURCE}), Reason.REVOKE) is False
    assert await interval is False
    assert owner.calls[:2] == [Reason.INTERVAL, "cancelled"]
    assert checkpointing.failures >= 1


async def test_checkpoints_run_one_after_the_other() -> None:
    """A checkpoint on stop waits for the one under way, then runs itself: its last records are not lost."""
    owner = SlowOwner()
    checkpointing = Checkpointing(owner, 5.0, crash=pytest.fail)
    both = [asyncio.ensure_future(checkpointing.run(frozenset({SOURCE}), r)) for r in (Reason.INTERVAL, Reason.STOP)]
    await asyncio.sleep(0.01)
    assert owner.calls == [Reason.INTERVAL]
    owner.release.set()
    await asyncio.gather(*both)
    assert owner.calls == [Reason.INTERVAL, Reason.STOP]


@pytest.mark.parametrize(("error", "crashes"), [(KafkaTimeoutError(), 0), (ZeroDivisionError(), 1)])
async def test_a_broker_error_is_survived_and_a_defect_ends_the_worker(error: Exception, crashes: int) -> None:
    """Only what another try can mend is tried again."""
    owner, crashed = SlowOwner(), []
    owner.error = error
    owner.release.set()

    async def crash(found: BaseException) -> None:
        crashed.append(found)

    checkpointing = Checkpointing(owner, 5.0, crash=crash)
    assert await checkpointing.run(frozenset({SOURCE}), Reason.INTERVAL) is False
    assert (len(crashed), checkpointing.failures) == (crashes, 1)
