"""How far each source has told what happened: the time its deadlines are decided by (law 3).

A source that never sent a heartbeat, or was released, counts as the wall clock minus its grace, and so does a live one
heard of within the freshness bound; a stale one holds at what it said last, minus its grace. A log counts as its own
watermark, several instances as their minimum. An instance that `ended` counts until another, not ended, is heard of
after it: a source that goes live when its history has been imported is not held by the importer's end.

A heartbeat that waited on its way, in the buffer of a producer that did not reach its broker, is as old as it waited:
what it says is of then, not of when it came.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

import msgspec

from supportpulse.facts import Beat

LOG, LIVE, ENDED, RELEASED = "log", "live", "ended", "released"

_encode = msgspec.msgpack.Encoder().encode
HEALING: Final = 10
"""A clock that was set back makes all heartbeats look late: it is believed after as many times what it was set by."""


class Instance(NamedTuple):
    """The last heartbeat of one instance: `watermark` and `heard` (broker time) in ms.

    `took` is the least it usually takes (ms) from its own clock to the broker's, which need not agree; None before a
    live one. `late` is by how much the last took longer.
    """

    mode: str
    watermark: int
    heard: int
    late: int = 0
    took: int | None = None


class _Told(msgspec.Struct, array_like=True):
    """An instance in the source's record; one that is older than the last two has not got them."""

    name: str
    mode: str
    watermark: int
    heard: int
    late: int = 0
    took: int | None = None


_decode = msgspec.msgpack.Decoder(list[_Told]).decode


class Status(NamedTuple):
    """A source as an operator sees it."""

    mode: str
    watermark: int
    stale: bool


class Source:
    """One source's instances in one partition."""

    __slots__ = ("grace", "instances")

    def __init__(self, grace_ms: int = 0) -> None:
        self.grace = grace_ms
        self.instances: dict[str, Instance] = {}

    def hear(self, beat: Beat, heard: int) -> None:
        """Take a heartbeat appended at broker time `heard` (ms)."""
        before = self.instances.get(beat.instance)
        late, took = 0, before.took if before else None
        if beat.mode == LIVE:
            usual, took = took, heard - beat.time
            if before is not None and usual is not None:
                late = max(0, took - usual - max(0, heard - before.heard) // HEALING)
                took -= late
        self.instances[beat.instance] = Instance(beat.mode, beat.watermark, heard, late, took)

    def status(self, now: int, freshness: int) -> Status:
        """The least of all instances at `now` (ms); stale if a live one was not heard of within `freshness` (ms)."""
        least: Status | None = None
        stale = False
        told = max((instance.heard for instance in self.instances.values() if instance.mode != ENDED), default=-1)
        for instance in self.instances.values():
            mode, watermark = instance.mode, instance.watermark
            if mode == ENDED and instance.heard < told:
                continue
            if mode == RELEASED:
                watermark = now - self.grace
            elif mode == LIVE:
                fresh = now - instance.heard + instance.late <= freshness
                watermark = (now if fresh else watermark) - self.grace
                stale |= not fresh
            if least is None or watermark < least.watermark:
                least = Status(mode, watermark, False)
        if least is None:
            return Status(RELEASED, now - self.grace, False)
        return least._replace(stale=stale)

    def encode(self) -> bytes:
        """The value of the source's record in the tickets changelog."""
        return _encode([(name, *instance) for name, instance in sorted(self.instances.items())])

    def load(self, value: bytes) -> None:
        """Restore from such a value."""
        self.instances = {
            told.name: Instance(told.mode, told.watermark, told.heard, told.late, told.took) for told in _decode(value)
        }


NO_GRACE: Final[Mapping[str, float]] = {}


class Sources:
    """The sources of one partition; `dirty` names those whose record has to be written."""

    def __init__(self, freshness_ms: int, grace_seconds: Mapping[str, float] = NO_GRACE) -> None:
        self.freshness = freshness_ms
        self._grace = grace_seconds
        self.sources: dict[str, Source] = {}
        self.dirty: set[str] = set()

    def source(self, name: str) -> Source:
        """The source of a name, new if it was never seen."""
        found = self.sources.get(name)
        if found is None:
            found = self.sources[name] = Source(int(self._grace.get(name, 0) * 1000))
        return found

    def hear(self, beat: Beat, heard: int) -> None:
        """Take a heartbeat appended at broker time `heard` (ms)."""
        self.source(beat.source).hear(beat, heard)
        self.dirty.add(beat.source)

    def status(self, name: str, now: int) -> Status:
        """Mode, watermark and staleness of a source at `now` (ms)."""
        return self.source(name).status(now, self.freshness)
