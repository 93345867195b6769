"""The order of a checkpoint (law 4).

One synchronous snapshot at a record boundary; then outcomes and dead letters acknowledged; then panes; then tickets and
sources; then the source offset. A pane's change comes from a ticket's transition, so a ticket written before its panes
would lose the change for ever after a crash; written after, it is skipped by the pane's offset.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from aiokafka.errors import KafkaError

from streams.changelog import Changelog, Write
from streams.owned import Owned
from supportpulse import panes as pane_codec

Step = Callable[[str], Awaitable[None]]
"""Called after each step with its name; chaos tests crash there."""


async def _go_on(step: str) -> None:
    """Between two steps there is nothing to do."""


@dataclass
class _Snapshot:
    owned: Owned
    offset: int
    tickets: list[tuple[bytes, bytes | None]]
    panes: list[tuple[bytes, bytes | None]]
    dirty: set[bytes] = field(default_factory=set)
    pane_keys: set[pane_codec.Key] = field(default_factory=set)
    gone: set[pane_codec.Key] = field(default_factory=set)
    sources: set[str] = field(default_factory=set)


class Checkpoint:
    """Writes what owned partitions changed; `tickets` and `panes` are the Faust tables whose changelogs it writes."""

    def __init__(self, changelog: Changelog, tickets: Any, panes: Any, after: Step = _go_on) -> None:
        self._changelog, self._tickets, self._panes, self._after = changelog, tickets, panes, after

    async def write(self, owned: Iterable[tuple[Owned, int]]) -> None:
        """Make the state of partitions durable, each up to its expected offset; KafkaError leaves all of it dirty."""
        snapshots = [_snapshot(partition, offset) for partition, offset in owned]
        try:
            for snapshot in snapshots:
                await snapshot.owned.outcomes_acknowledged()
            await self._after("outcomes")
            await self._write(snapshots, self._panes, lambda snapshot: snapshot.panes)
            await self._after("panes")
            await self._write(snapshots, self._tickets, lambda snapshot: snapshot.tickets)
            await self._after("tickets")
        except BaseException:
            for snapshot in snapshots:
                _restore(snapshot)
            raise

    async def _write(
        self, snapshots: list[_Snapshot], table: Any, items_of: Callable[[_Snapshot], list[tuple[bytes, bytes | None]]]
    ) -> None:
        topic = table.changelog_topic_name
        writes: list[tuple[_Snapshot, Write]] = []
        for snapshot in snapshots:
            items = items_of(snapshot)
            if items:
                writes.append((snapshot, await self._changelog.send(topic, snapshot.owned.number, items)))
        failed: KafkaError | None = None
        for snapshot, write in writes:
            try:
                acked = await write.acknowledged()
            except KafkaError as error:
                failed = error
                continue
            if acked.next_offset is not None:
                table.data.flushed(snapshot.owned.number, acked.next_offset)
            if acked.foreign:
                snapshot.owned.rewrite(table.name)
            snapshot.owned.refused(write.refused)
        if failed is not None:
            raise failed


def _snapshot(owned: Owned, offset: int) -> _Snapshot:
    partition = owned.state
    partition.settle()
    store, sources, panes = partition.store, partition.sources, partition.panes
    dirty, partition.dirty = partition.dirty, set()
    pane_keys, panes.dirty = panes.dirty, set()
    gone, partition.gone_panes = partition.gone_panes - panes.panes.keys(), set()
    told, sources.dirty = sources.dirty, set()
    for name in told:
        store[name.encode()] = sources.source(name).encode()
    dirty.update(name.encode() for name in told)
    pane_items: list[tuple[bytes, bytes | None]] = []
    for key in pane_keys:
        value = partition.pane_store[pane_codec.key_bytes(key)] = pane_codec.encode(panes.panes[key])
        pane_items.append((pane_codec.key_bytes(key), value))
    for key in gone:
        partition.pane_store.pop(pane_codec.key_bytes(key), None)
        pane_items.append((pane_codec.key_bytes(key), None))
    ticket_items: list[tuple[bytes, bytes | None]] = [(key, store[key]) for key in dirty]
    return _Snapshot(owned, offset, ticket_items, pane_items, dirty, pane_keys, gone, told)


def _restore(snapshot: _Snapshot) -> None:
    """Nothing of the snapshot counts as written."""
    partition = snapshot.owned.state
    partition.dirty |= snapshot.dirty
    partition.panes.dirty |= {key for key in snapshot.pane_keys if key in partition.panes.panes}
    partition.gone_panes |= snapshot.gone
    partition.sources.dirty |= snapshot.sources
