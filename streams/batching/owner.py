"""What the transport asks of whoever owns the state of the partitions."""

from __future__ import annotations

from enum import Enum

from faust.types import TP


class Reason(Enum):
    """Why a checkpoint is due."""

    INTERVAL = "interval"
    REVOKE = "revoke"
    STOP = "stop"


class Owner:
    """Base of the owner of partition state; every hook does nothing by default."""

    async def start(self) -> None:
        """Called once before the consumer starts: start producers here."""

    async def stop(self) -> None:
        """Called once after the last checkpoint: stop producers here."""

    def opened(self, tp: TP, offset: int, kept: bool) -> None:
        """A source partition is ours, its state is restored and its first batch will start at `offset`.

        `kept`: it was ours before and its state stayed in memory untouched; else the store was filled from the
        changelog and everything derived from it must be built anew.
        """

    def closed(self, tp: TP) -> None:
        """A source partition went away, or its state in memory cannot be trusted: forget what derives from it."""

    def hole(self, tp: TP) -> None:
        """Offsets of a source partition did not come: they are read again, or gone from the log."""

    async def checkpoint(self, partitions: frozenset[TP], reason: Reason) -> None:
        """Make the state of these source partitions durable, then commit their expected offsets.

        Called at record boundaries as far as the agent awaits nothing inside a batch. It is cancelled when its time
        is up: then, as on any error, whatever was dirty must stay dirty. A KafkaError is logged and the next interval
        tries again; any other exception ends the worker.
        """
