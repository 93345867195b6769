"""The chain with an hour of an hour: it takes two of them, so no run of all tests picks it up (`make chain-full`)."""

from __future__ import annotations

from pathlib import Path
from time import time

import pytest

from chain import chain, lively
from chain_alerts import Alert
from fresh import Fresh
from supportpulse.edges.prometheus import needed
from worker_process import worker_process

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(9000)]


async def test_an_outage_in_real_time(
    kafka: str, fresh: Fresh, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The same alerts as with a short hour, under the scrapes and evaluations of the shipped configuration."""
    began = time()

    def say(text: str) -> None:
        with capsys.disabled():
            print(f"{(time() - began) / 60:6.1f} min  {text}", flush=True)

    needed("prometheus")
    async with chain(kafka, fresh, tmp_path, scale="1", scrape=5, rules=15, say=say) as (made, worker):
        await made.history()
        async with lively(made):
            await made.steady()
            since = await made.outage()
            await made.figures(since)
            await made.recovery()
            await made.expected_outage(since)
            gone, down = Alert("SlaWorkerAbsent", "firing"), Alert("SlaWorkerDown", "firing")
            pending = {gone._replace(state="pending"), down._replace(state="pending")}
            await made.absence(worker, down, {gone, down} | pending)
            async with worker_process(made.settings, "again"):
                await made.comeback()
