"""Speed, restore and memory of the worker, and the same job in stock Faust beside it: `make bench`.

Both run over the same simulated log on the same broker, alternating, each in a process and an installation of its own;
the stock one takes the first part of the log only, it would take the rest of the day otherwise. Times run from the
first event to the commit after the last. Progress and tables go to standard error; the last line of standard output is
one JSON object. A shared machine is noisy: trust the ratio, and see the CPU seconds beside it.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import desk_log

from supportpulse.edges.broker import broker
from supportpulse.edges.topics import plan_topics, remove_topics
from supportpulse.errors import SupportpulseError

HERE = Path(__file__).parent
RUN_SECONDS = 900


@dataclass(frozen=True)
class Size:
    """How much of everything; `events` and `stock_events` are of the same log."""

    events: int = 200_000
    stock_events: int = 12_000
    rounds: int = 3
    tickets: int = 150_000


QUICK = Size(events=6_000, stock_events=500, rounds=1, tickets=10_000)


def say(text: str) -> None:
    """Progress goes to standard error."""
    print(time.strftime("%H:%M:%S"), text, file=sys.stderr, flush=True)


def run(script: str, *arguments: object) -> dict[str, float]:
    """What a script of this folder measures, in a process of its own."""
    done = subprocess.run(
        [sys.executable, str(HERE / script), *map(str, arguments)],
        capture_output=True, text=True, timeout=RUN_SECONDS, check=False,
    )  # fmt: skip
    if done.returncode:
        raise SupportpulseError(f"{script} failed with exit code {done.returncode}:\n{done.stderr[-3000:]}")
    answer: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return answer


@dataclass
class Bench:
    """One invocation: its broker, its folder, its log."""

    bootstrap: str
    folder: Path
    size: Size
    rates: dict[str, list[float]] = field(default_factory=lambda: {"ours": [], "stock": []})
    cpu_rates: dict[str, list[float]] = field(default_factory=lambda: {"ours": [], "stock": []})

    def __post_init__(self) -> None:
        """Make the log."""
        say(f"simulating a desk's log of {self.size.events:,} events")
        self.path = self.folder / "log.msgpack"
        self.log = desk_log.generate(self.size.events, time.time_ns() // 1_000_000)
        desk_log.save(self.log, self.path)

    def contend(self) -> None:
        """Run both, in turn."""
        for number in range(1, self.size.rounds + 1):
            for name, script in (("ours", "ours.py"), ("stock", "stock.py")):
                log = self.log if name == "ours" else desk_log.first(self.log, self.size.stock_events)
                installation = f"bench-{name}-{uuid.uuid4().hex[:8]}"
                settings = desk_log.settings_for(self.bootstrap, installation, self.folder)
                asyncio.run(desk_log.fill(settings, log))
                until = json.dumps(desk_log.ends(log)) if name == "ours" else len(log)
                took = run(script, self.bootstrap, installation, until, self.folder)
                events = sum(record.is_event for record in log)
                rate, cpu_rate = events / took["seconds"], events / took["cpu_seconds"]
                self.rates[name].append(rate)
                self.cpu_rates[name].append(cpu_rate)
                say(
                    f"{name:<6} {number}: {events:>8,} events in {took['seconds']:6.1f} s = {rate:>8,.0f} a second; "
                    f"{took['cpu_seconds']:6.1f} CPU s = {cpu_rate:>8,.0f} a CPU second"
                )
                self._clean(installation)

    def restore(self, kept: Path) -> float:
        """Changelog records a second, the median of the rounds."""
        name = f"bench-restore-{uuid.uuid4().hex[:8]}"
        place = self.bootstrap, name, self.folder, self.size.tickets
        run("restore.py", "fill", *place, kept)
        speeds = []
        for number in range(1, self.size.rounds + 1):
            took = run("restore.py", "measure", *place)
            speeds.append(took["restore_records_per_s"])
            say(
                f"restore {number}: {took['records']:>8,} records in {took['seconds']:6.2f} s = {speeds[-1]:>8,.0f} a "
                f"second; {took['cpu_seconds']:6.2f} CPU s"
            )
        self._clean(name)
        return statistics.median(speeds)

    def _clean(self, name: str) -> None:
        settings = desk_log.settings_for(self.bootstrap, name, self.folder)
        plans = plan_topics(partitions=1, app_id=name, topic_prefix=settings.topic_prefix)
        remove_topics(self.bootstrap, [plan.name for plan in plans])


def report(bench: Bench) -> dict[str, float]:
    """Measure everything."""
    kept = bench.folder / "values.msgpack"
    bench.contend()
    say(f"memory of {bench.size.tickets:,} open tickets")
    run("in_memory.py", "values", bench.path, kept)
    memory = run("in_memory.py", "memory", kept, bench.size.tickets)
    say(", ".join(f"{name} {value:,.0f}" for name, value in memory.items()))
    restored = bench.restore(kept)
    folded = run("in_memory.py", "fold", bench.path)
    say(", ".join(f"{name} {value:,.1f}" for name, value in folded.items()))
    ours, stock = (statistics.median(bench.rates[name]) for name in ("ours", "stock"))
    cpu = statistics.median(bench.cpu_rates["ours"]) / statistics.median(bench.cpu_rates["stock"])
    say(f"ratio {ours / stock:.1f} by the clock, {cpu:.1f} by CPU time")
    return {
        "events_per_s": round(ours),
        "stock_events_per_s": round(stock),
        "ratio": round(ours / stock, 1),
        "restore_records_per_s": round(restored),
        "bytes_per_open_ticket": round(memory["bytes_per_open_ticket"]),
        "fold_us_per_event": round(folded["fold_us_per_event"], 1),
    }


def main() -> int:
    """Run the benchmark; exit code 1 with the reason if it cannot."""
    asked = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    asked.add_argument("--bootstrap", help="address of a broker; else one is found or started")
    asked.add_argument("--quick", action="store_true", help="see in a minute that it runs; the figures mean nothing")
    for name in ("events", "stock-events", "rounds", "tickets"):
        asked.add_argument(f"--{name}", type=int, help=f"default {getattr(Size, name.replace('-', '_'))}")
    given = vars(asked.parse_args())
    bootstrap, quick = given.pop("bootstrap"), given.pop("quick")
    fields: dict[str, Any] = {**vars(QUICK if quick else Size()), **{k: v for k, v in given.items() if v is not None}}
    try:
        with broker(bootstrap) as found, tempfile.TemporaryDirectory(prefix="supportpulse-bench-") as folder:
            say(f"broker: {found.why}")
            answer = report(Bench(found.bootstrap, Path(folder), Size(**fields)))
    except SupportpulseError as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    print(json.dumps(answer))
    return 0


if __name__ == "__main__":
    sys.exit(main())
