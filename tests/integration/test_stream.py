"""Events through a real Kafka and a worker come to what the oracle says."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest
from prometheus_client.parser import text_string_to_metric_families

import oracle
from fresh import Fresh
from strategies import happened
from stream_check import check
from stream_feed import DAY, HOUR, MINUTE, Feed, created, installed, replied, running, small_history, tell, until, wall
from stream_heard import Heard
from stream_log import StreamLog, drained
from streams.app import expose
from streams.worker import Worker
from supportpulse.edges.simulator import SOURCE
from supportpulse.envelope import to_ms
from supportpulse.partition import CACHED_TICKETS
from supportpulse.policy import load_policy
from supportpulse.snapshot import summed

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(120)]

TWO_SECONDS = """
name = "two-seconds"
reopen_window = "1s"
lateness = "1s"
labels = ["rule"]
[[rules]]
name = "slow"
match.priority = "low"
targets = { first_response = "2d" }
[[rules]]
name = "all"
targets = { first_response = "2s" }
"""


@pytest.fixture
def policy(tmp_path: Path) -> Path:
    """A first response within two seconds, or two days for what can wait."""
    file = tmp_path / "policy.toml"
    file.write_text(TWO_SECONDS, "utf-8")
    return file


def ms(text: str) -> int:
    """Milliseconds of a time in JSON."""
    return to_ms(datetime.fromisoformat(text))


async def test_a_simulated_history_comes_to_the_net_view_windows_and_dead_letters_of_the_oracle(
    kafka: str, fresh: Fresh, tmp_path: Path
) -> None:
    """Repeats, disorder and heartbeats that promise too much: streamed and naive answers are one."""
    settings = await installed(kafka, fresh, tmp_path)
    async with Feed(settings) as feed, running(settings):
        watermark = await tell(feed, small_history(11))
        log = await drained(settings, expect_events=feed.records)
    assert len(log.net) > 1000
    assert any("retracts" in outcome["data"] for outcome in log.outcomes)
    assert len({outcome["id"] for outcome in log.outcomes}) == len(log.outcomes)
    check(log, as_of={SOURCE: watermark - 1})


async def test_a_live_breach_is_decided_at_its_deadline_within_a_second_and_not_before(
    kafka: str, fresh: Fresh, tmp_path: Path, policy: Path
) -> None:
    """The marker comes when wall clock and watermark have passed the deadline; the breach is stamped with it."""
    settings = await installed(kafka, fresh, tmp_path, policy=policy)
    async with Feed(settings) as feed, running(settings) as worker, Heard(settings) as heard:
        await until(lambda: len(worker.owned) == 3, "all partitions owned")
        at = wall()
        await feed.beat("desk", "live", at)
        await feed.events([created("1", at)])
        breach = await heard.of("desk|1", "ClockBreached")
        assert ms(breach["time"]) == at + 2000
        assert at + 2000 <= heard.heard_ms[breach["id"]] < at + 3000
        log = await drained(settings)
    check(log)


async def test_a_stale_or_ended_source_holds_its_deadlines_and_decides_them_when_it_is_heard_of_again(
    kafka: str, fresh: Fresh, tmp_path: Path, policy: Path
) -> None:
    """While it is silent or has ended nothing is due, though time passes for others; then the deadlines count."""
    settings = await installed(kafka, fresh, tmp_path, policy=policy, freshness_seconds=1.0)
    async with Feed(settings) as feed, running(settings) as worker, Heard(settings) as heard:
        at = wall()
        await feed.beat("silent", "live", at)
        await feed.beat("over", "ended", at)
        await feed.events(
            [created("1", at + 1500, "silent"), created("1", at + 1500, "over"), created("1", at + 2000, "other")]
        )
        breach = await heard.of("other|1", "ClockBreached")  # never sends heartbeats: its time is the wall clock
        assert ms(breach["time"]) == at + 4000
        await until(lambda: len(worker.health.take_snapshot().sources) == 3, "sources known")
        stale = {one.source: one.stale for one in worker.health.take_snapshot().sources}
        assert stale == {"silent": True, "over": False, "other": False}
        assert heard.told("silent|1") == heard.told("over|1") == []
        await feed.beat("silent", "live", wall())
        await feed.beat("over", "released", at)
        for source in ("silent", "over"):
            breach = await heard.of(f"{source}|1", "ClockBreached")
            assert ms(breach["time"]) == at + 3500
        log = await drained(settings)
    check(log)


async def test_a_deadline_days_ahead_of_an_injected_clock_is_decided_when_that_clock_passes_it(
    kafka: str, fresh: Fresh, tmp_path: Path, policy: Path
) -> None:
    """A worker whose clock stands five days back decides nothing of a two-day clock until it is put forward."""
    settings = await installed(kafka, fresh, tmp_path, policy=policy)
    clock = [wall() - 5 * DAY]
    at = clock[0]
    async with Feed(settings) as feed, running(settings, now=lambda: clock[0]) as worker, Heard(settings) as heard:
        await feed.events([created("1", at, priority="low"), created("2", at - HOUR)])
        assert ms((await heard.of("desk|2", "ClockBreached"))["time"]) == at - HOUR + 2000
        clock[0] = at + 2 * DAY  # at the deadline itself: at risk long ago, not passed yet
        await heard.of("desk|1", "ClockAtRisk")
        await until(lambda: not any(len(owned.deadlines) for owned in worker.owned.values()), "the marker came back")
        for _ in range(2):
            worker.swept_ms = -1
            await until(lambda: worker.swept_ms >= 0, "a sweep at the deadline")
        assert not any(len(owned.deadlines) for owned in worker.owned.values())
        assert "ClockBreached" not in heard.told("desk|1")
        clock[0] += 2
        assert ms((await heard.of("desk|1", "ClockBreached"))["time"]) == at + 2 * DAY


async def test_a_reply_that_comes_late_takes_its_breach_back(
    kafka: str, fresh: Fresh, tmp_path: Path, policy: Path
) -> None:
    """It happened in time, so the breach is retracted, with the reason, and the clock is met."""
    settings = await installed(kafka, fresh, tmp_path, policy=policy)
    at = wall() - HOUR
    async with Feed(settings) as feed, running(settings), Heard(settings) as heard:
        await feed.events([created("1", at)])
        breach = await heard.of("desk|1", "ClockBreached")
        await feed.events([replied("1", at + 1000)])
        retraction = await heard.of("desk|1", "OutcomeRetracted")
        await heard.of("desk|1", "ClockMet")
        log = await drained(settings, expect_events=3)
    assert (retraction["data"]["retracts"], retraction["data"]["because"]) == ("breached", "late_event")
    assert retraction["data"]["cycle"] == breach["data"]["cycle"]
    assert list(log.net.values()) == [("met", at + 1000, at + 2000)]
    check(log)


async def test_an_event_of_a_retired_ticket_is_a_dead_letter(
    kafka: str, fresh: Fresh, tmp_path: Path, policy: Path
) -> None:
    """Reopen window and lateness after its end a ticket is a stub: what comes then raises no ghost."""
    settings = await installed(kafka, fresh, tmp_path, policy=policy)
    at = wall() - HOUR
    async with Feed(settings) as feed, running(settings) as worker:
        (place, _) = await feed.events(
            [
                created("1", at),
                happened("StatusChanged", at + 1000, "1/solved", by="agent", ticket="1", status="solved"),
            ]
        )
        owned = worker.owned
        await until(
            lambda: place[0] in owned and b"desk|1" in owned[place[0]].state.live
            and owned[place[0]].state.live[b"desk|1"].retired, "the ticket retired",
        )  # fmt: skip
        (late,) = await feed.events([replied("1", at + 500)])
        log = await drained(settings, expect_events=4)
    assert log.places_of_letters() == {(*late, "retired")}
    check(log, poison=frozenset({(*late, "retired")}))


async def test_two_workers_share_the_partitions_and_their_metrics_add_up_to_the_oracle(
    kafka: str, fresh: Fresh, tmp_path: Path
) -> None:
    """Each exports the partitions it owns; the sums of both are the windows of the whole log."""
    settings = await installed(kafka, fresh, tmp_path)
    loop = asyncio.get_running_loop()
    async with Feed(settings) as feed, running(settings) as one, running(settings) as two:
        workers = one, two
        watermark = await tell(feed, small_history(12, events=1500))
        log = await drained(settings, expect_events=feed.records)
        await until(lambda: all(worker.owned for worker in workers), "both own partitions")
        assert one.owned.keys() | two.owned.keys() == {0, 1, 2}
        assert not one.owned.keys() & two.owned.keys()
        exposers = [expose(worker, loop) for worker in workers]
        try:
            found, wanted = await _summed_and_expected(exposers, workers, log, watermark - 1)
        finally:
            for exposer in exposers:
                await asyncio.to_thread(exposer.stop)
    assert found == wanted
    check(log, as_of={SOURCE: watermark - 1})


async def _summed_and_expected(
    exposers: list[Any], workers: tuple[Worker, ...], log: StreamLog, as_of: int
) -> tuple[Counter[Any], Counter[Any]]:
    """(window, clock, rule, scenario, outcome) -> count, by /metrics of all workers and by the oracle."""
    policy = load_policy(log.settings.policy)
    events = [event for _, event in log.told()]
    deltas: Counter[Any] = Counter()
    for said in oracle.judge_log(events, policy, {SOURCE: as_of}).values():
        deltas.update(said.deltas)
    labels = policy.versions[0].label_sets
    while True:  # once more when a 5-minute pane ends meanwhile
        pane = wall() // (5 * MINUTE)
        await until(
            lambda pane=pane: all(one.snapshot.taken_ms // (5 * MINUTE) >= pane for one in workers), "snapshots"
        )
        found: Counter[Any] = Counter()
        for exposer in exposers:
            text = await asyncio.to_thread(lambda port=exposer.port: _get(port))
            for family in text_string_to_metric_families(text):
                for sample in family.samples:
                    if sample.name == "sla_window_clocks":
                        told = sample.labels
                        place = tuple(told[name] for name in ("window", "clock", "rule", "scenario", "outcome"))
                        found[place] += int(sample.value)
        if wall() // (5 * MINUTE) == pane:
            break
    wanted: Counter[Any] = Counter()
    for (window, clock, label, slot), count in oracle.windows(deltas, pane * 5 * MINUTE).items():
        if not slot.startswith("duration"):
            wanted[(window, clock, *labels[label], slot)] += count
    return +found, +wanted


def _get(port: int) -> str:
    with urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
        text: str = answer.read().decode()
    return text


async def test_a_worker_that_starts_again_has_all_gauges_and_windows_it_had(
    kafka: str, fresh: Fresh, tmp_path: Path
) -> None:
    """State is restored from the changelogs, not from the log: counts, windows and sources are as before."""
    settings = await installed(kafka, fresh, tmp_path)
    seen = []
    async with Feed(settings) as feed:
        for start in range(2):
            async with running(settings) as worker:
                if not start:
                    await tell(feed, small_history(13, events=1000))
                log = await drained(settings, expect_events=feed.records)
                await until(lambda worker=worker: len(worker.owned) == 3, "all partitions owned")  # type: ignore[misc]
                seen.append(_all_of(worker, log))
    assert seen[0]["clocks"]
    assert seen[0]["windows"]["28d"]
    assert seen[0] == seen[1]


def _all_of(worker: Worker, log: StreamLog) -> dict[str, Any]:
    snapshot = worker.health.take_snapshot()
    at = max(log.broker_ms.values())
    for owned in worker.owned.values():
        owned.state.windows.move(at, owned.state.panes)
    states = [owned.state for _, owned in sorted(worker.owned.items())]
    return {
        "clocks": summed(snapshot.clocks),
        "windows": {name: summed(tuple(state.windows.windows[name].counts for state in states))
                    for name in states[0].windows.windows},
        "baselines": {name: summed(tuple(state.windows.baselines[name].counts for state in states))
                      for name in states[0].windows.baselines},
        "sources": sorted(one for one in snapshot.sources if one.source == SOURCE),
        "tickets": [state.tickets for state in states],
        "values": [dict(state.store) for state in states],
    }  # fmt: skip


async def test_the_partitions_of_a_worker_share_one_budget_of_ticket_objects(
    kafka: str, fresh: Fresh, tmp_path: Path
) -> None:
    """Twelve partitions must not take twelve times the memory of one."""
    settings = await installed(kafka, fresh, tmp_path)
    async with running(settings) as worker:
        await until(lambda: len(worker.owned) == settings.partitions > 1, "all partitions owned")
        kept = sum(owned.state.cached for owned in worker.owned.values())
    assert CACHED_TICKETS - settings.partitions < kept <= CACHED_TICKETS
