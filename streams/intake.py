"""The agent: a batch is checked for holes, folded without a pause, and what it decided is sent."""

from __future__ import annotations

import gc
from typing import Any

from streams.batching import Action
from streams.worker import Worker


def intake(worker: Worker) -> Any:
    """Declare the agent that folds the events topic into a worker's partitions."""

    @worker.app.agent(worker.events, name="intake")  # type: ignore[untyped-decorator]
    async def fold(stream: Any) -> None:
        tune_gc()
        async for batch in stream:
            verdict = worker.bound.expected.admit(batch)
            if verdict.action is Action.TAKE:
                owned = worker.owned.get(batch.partition)
                if owned is None:
                    continue  # revoked since it was fetched; whoever owns it now reads it again
                owned.state.take(verdict.records, worker.now())
                if batch.unreadable:
                    owned.reject(batch.unreadable, worker.bound.expected.offset(batch.tp))
                worker.bound.expected.advance(batch)
                await owned.send()
            elif verdict.action is Action.HOLE:
                await worker.app.consumer.heal(batch.tp)

    return fold


def tune_gc() -> None:
    """Few, late collections: tickets live long and hold no cycles."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(200_000, 50, 100)
