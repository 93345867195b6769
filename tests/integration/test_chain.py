"""Events in, alerts out: a desk's outage through Kafka, a worker and a real Prometheus, with an hour of 36 s."""

from __future__ import annotations

from pathlib import Path
from time import time

import pytest

from chain import chain, lively
from chain_alerts import Alert
from fresh import Fresh
from supportpulse.edges.prometheus import program
from worker_process import worker_process

MISSING = [name for name in ("prometheus", "promtool") if program(name) is None]

pytestmark = [
    pytest.mark.kafka,
    pytest.mark.timeout(400),
    pytest.mark.skipif(bool(MISSING), reason=f"{' and '.join(MISSING)} not found (Debian: apt-get install prometheus)"),
]


async def test_an_outage_raises_exactly_its_alerts_and_so_does_a_worker_that_is_gone(
    kafka: str, fresh: Fresh, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Pending, firing, resolved, in time and none besides; not in the import before, nor when the worker is back."""
    began = time()

    def say(text: str) -> None:
        with capsys.disabled():
            print(f"\n  {time() - began:5.1f} s  {text}", end="")

    async with chain(kafka, fresh, tmp_path, scale="0.01", scrape=1, rules=1, say=say) as (made, worker):
        await made.history()
        async with lively(made):
            await made.steady()
            since = await made.outage()
            await made.figures(since)
            await made.recovery()
            await made.expected_outage(since)
            gone, down = Alert("SlaWorkerAbsent", "firing"), Alert("SlaWorkerDown", "pending")
            await made.absence(worker, gone, {gone, gone._replace(state="pending"), down})
            async with worker_process(made.settings, "again"):
                await made.comeback()
