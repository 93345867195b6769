"""The order of a checkpoint, and that nothing counts as written when a step fails or is cancelled."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from aiokafka.errors import KafkaError

from partitioned import DAY, HOUR, START, Driven
from strategies import happened
from streams.changelog import Acknowledged, ForeignRecord
from streams.checkpoint import Checkpoint
from supportpulse import panes
from supportpulse.facts import Beat
from supportpulse.partition import Partition
from supportpulse.policy_record import POLICY_KEY

Fault = Callable[[str], None]


@dataclass
class Written:
    """Stands for both changelogs and for what one partition sends: keeps what was written, and in which order."""

    state: Partition
    number: int = 0
    order: list[str] = field(default_factory=list)
    records: dict[str, dict[bytes, bytes | None]] = field(default_factory=dict)
    fault: Fault = lambda step: None
    foreign: tuple[ForeignRecord, ...] = ()
    rewritten: list[str] = field(default_factory=list)
    refused_keys: list[bytes] = field(default_factory=list)

    def step(self, name: str) -> None:
        self.order.append(name)
        self.fault(name)

    async def outcomes_acknowledged(self) -> None:
        self.step("outcomes acknowledged")

    async def send(self, topic: str, partition: int, items: list[tuple[bytes, bytes | None]]) -> Any:
        self.step(f"{topic} sent")
        return Sent(self, topic, dict(items))

    async def after(self, name: str) -> None:
        self.step(f"after {name}")

    def rewrite(self, table: str) -> None:
        self.rewritten.append(table)

    def refused(self, keys: list[bytes]) -> None:
        self.refused_keys += keys


@dataclass
class Sent:
    """Records on their way."""

    written: Written
    topic: str
    items: dict[bytes, bytes | None]
    refused: list[bytes] = field(default_factory=list)

    async def acknowledged(self) -> Acknowledged:
        self.written.step(f"{self.topic} acknowledged")
        self.written.records.setdefault(self.topic, {}).update(self.items)
        return Acknowledged(None, self.written.foreign)


class Table:
    """Of a Faust table only its name and the name of its changelog."""

    def __init__(self, name: str) -> None:
        self.name = self.changelog_topic_name = name


@dataclass
class Set:
    """A partition with something to write, and a checkpoint of it."""

    driven: Driven
    written: Written
    checkpoint: Checkpoint

    async def write(self) -> None:
        await self.checkpoint.write([(self.written, 7)])  # type: ignore[list-item]


@pytest.fixture
def scene(tmp_path: Path) -> Set:
    """Two tickets, a breach, a heartbeat, and a pane that has expired."""
    driven = Driven(tmp_path)
    for ticket, at in (("1", START), ("2", START - 3 * DAY)):
        driven.take(happened("TicketCreated", at, ticket, ticket=ticket), at)
    driven.state.sources.hear(Beat("desk", "a", START, "log", START), START)
    driven.state.expire(START)
    written = Written(driven.state)
    checkpoint = Checkpoint(written, Table("tickets"), Table("panes"), written.after)  # type: ignore[arg-type]
    return Set(driven, written, checkpoint)


ORDER = [
    "outcomes acknowledged", "after outcomes",
    "panes sent", "panes acknowledged", "after panes",
    "tickets sent", "tickets acknowledged", "after tickets",
]  # fmt: skip


def everything(driven: Driven) -> dict[str, dict[bytes, bytes | None]]:
    """What the changelogs must come to hold."""
    state = driven.state
    kept: dict[bytes, bytes | None] = {panes.key_bytes(k): panes.encode(pane) for k, pane in state.panes.panes.items()}
    expired = START - 3 * DAY
    kept[panes.key_bytes(("5m", expired // panes.FIVE_MINUTES))] = None
    return {"tickets": dict(driven.store), "panes": kept}


async def test_outcomes_then_panes_then_tickets_and_sources_each_acknowledged_before_the_next(scene: Set) -> None:
    """Law 4: a pane's change comes from a ticket's transition, so a ticket never goes first."""
    await scene.write()
    assert scene.written.order == ORDER
    assert scene.written.records == everything(scene.driven)
    assert set(scene.written.records["tickets"]) == {b"desk|1", b"desk|2", b"desk", POLICY_KEY}


async def test_what_was_written_is_not_written_again(scene: Set) -> None:
    """Only what changed since goes out, and nothing at all if nothing did."""
    await scene.write()
    scene.written.order.clear()
    scene.written.records.clear()
    await scene.write()
    assert [step for step in scene.written.order if "sent" in step] == []
    scene.driven.take(happened("DeadlineReached", START + 2 * HOUR, "m", ticket="1", at="2026-01-01T14:00:00Z"))
    await scene.write()
    assert set(scene.written.records["tickets"]) == {b"desk|1"}


@pytest.mark.parametrize("step", ORDER)
@pytest.mark.parametrize("error", [KafkaError, asyncio.CancelledError, ZeroDivisionError])
async def test_a_checkpoint_that_fails_at_any_step_leaves_all_of_it_to_the_next(
    scene: Set, step: str, error: type[BaseException]
) -> None:
    """Whatever the error, a cancellation too, and what changes meanwhile joins it."""

    def fail(name: str) -> None:
        if name == step:
            scene.driven.take(happened("TicketCreated", START, "3", ticket="3"))
            raise error

    scene.written.fault = fail
    with pytest.raises(error):
        await scene.write()
    scene.written.fault = lambda step: None
    scene.written.records.clear()
    await scene.write()
    assert scene.written.records == everything(scene.driven)
    assert b"desk|3" in scene.written.records["tickets"]


async def test_the_snapshot_is_of_one_instant_whatever_happens_while_it_is_written(scene: Set) -> None:
    """An event between two steps belongs to the next checkpoint: tickets and panes are of one record boundary."""
    before = {}

    def meanwhile(name: str) -> None:
        if name == "after panes":
            before.update(scene.driven.store)
            scene.driven.take(happened("MessagePosted", START + 1, "r", by="agent", ticket="1", public=True))
            scene.driven.state.settle()

    scene.written.fault = meanwhile
    await scene.write()
    assert scene.written.records["tickets"][b"desk|1"] == before[b"desk|1"] != scene.driven.store[b"desk|1"]
    scene.written.fault = lambda step: None
    await scene.write()
    assert scene.written.records == everything(scene.driven)


async def test_a_pane_that_expired_and_came_back_is_written_not_deleted(scene: Set) -> None:
    """A record whose broker time is old makes an expired pane again: its tombstone would lose what it counts."""
    at = START - 3 * DAY
    scene.driven.take(happened("TicketCreated", at, "9", ticket="9"), at)
    await scene.write()
    pane = scene.written.records["panes"][panes.key_bytes(("5m", at // panes.FIVE_MINUTES))]
    assert pane is not None
    assert sum(panes.decode(pane).counts.values()) == 1


async def test_foreign_records_have_the_table_written_again(scene: Set) -> None:
    """Somebody else wrote between ours: each table that it happened to is told apart."""
    scene.written.foreign = (ForeignRecord("tickets", 0, 3, 5),)
    await scene.write()
    assert scene.written.rewritten == ["panes", "tickets"]
