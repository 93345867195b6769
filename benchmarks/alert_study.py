"""What the alerts cost and what they catch, beside rules everybody copies: `make alert-study`.

Simulated desks breach exactly as often as they may, for four weeks: every firing is a false one. Then they step out of
it: twice as many breaches, four times, all. The expressions that Prometheus is given in earnest are evaluated by a
Prometheus over back-filled blocks, every five minutes; `for` and `keep_firing_for` are replayed. No tier is kept quiet
by a graver one: each counts. Tables go to standard output; its last line is one JSON object.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import sys
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed

from alert_cells import Cell, Found, Work, work
from alert_rules import FIXED, OUTAGE_AND_BURN, PAGES, PLAIN, RISING

from supportpulse.edges.prometheus import needed
from supportpulse.errors import SupportpulseError

PER_HOUR = (1, 4, 20, 120)
OBJECTIVES = (0.8, 0.9, 0.95, 0.99)
SEEDS, SEASONAL_SEEDS = 10, 6
STEPS = {"2x": 2, "4x": 3, "all": 4}
"""Tries on each desk."""
ANY = (*OUTAGE_AND_BURN, *RISING)
OUTAGE_WITHIN, STEP_WITHIN = 60, 90
"""Minutes."""


def plan(quick: bool) -> list[Work]:
    """What is tried."""
    if quick:
        return [Work(Cell(per_hour, 0.9), 1, {"4x": 3, "all": 3}) for per_hour in (20, 4)]
    steady = [Work(Cell(per_hour, objective), SEEDS, STEPS) for per_hour in PER_HOUR for objective in OBJECTIVES]
    return steady + [Work(Cell(per_hour, 0.9, seasonal=True), SEASONAL_SEEDS, {}) for per_hour in PER_HOUR]


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Markdown, aligned for those who read it raw."""
    lines = [head, *rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    written = [
        "| " + " | ".join(text.rjust(width) for text, width in zip(line, widths, strict=True)) + " |" for line in lines
    ]
    return "\n".join([written[0], "|" + "|".join("-" * (width + 1) + ":" for width in widths) + "|", *written[1:]])


def false_firings(found: Sequence[Found]) -> str:
    """Per 28 days, by cell."""
    head = ["closes/h", "objective", *OUTAGE_AND_BURN, "together", "plain pages", "plain", *RISING, "> 20 %"]
    return table(head, (
        [
            *_name(one.cell),
            *(f"{one.rate([rule]):.2f}" for rule in OUTAGE_AND_BURN), f"{one.rate(OUTAGE_AND_BURN):.2f}",
            f"{one.rate(PAGES):.2f}", f"{one.rate(PLAIN):.2f}",
            *(f"{one.rate([rule]):.2f}" for rule in RISING), f"{one.rate(FIXED):.1f}",
        ]
        for one in found
    ))  # fmt: skip


def detection(found: Sequence[Found]) -> str:
    """Median minutes, by cell and step."""
    head = ["closes/h", "objective", "step", *OUTAGE_AND_BURN, *RISING, "outage or burn", "any", "plain", "> 20 %"]
    return table(head, (
        [
            *_name(one.cell), f"{one.cell.budget:.0%} -> {one.cell.share(step):.0%}",
            *(_minutes(one.median(step, [rule])) for rule in (*OUTAGE_AND_BURN, *RISING)),
            *(_minutes(one.median(step, rules)) for rules in (OUTAGE_AND_BURN, ANY, PLAIN, FIXED)),
        ]
        for one in found for step in one.minutes
    ))  # fmt: skip


def _name(cell: Cell) -> tuple[str, str]:
    return f"{cell.per_hour}{' seasonal' if cell.seasonal else ''}", f"{cell.objective:.0%}"


def _minutes(value: float) -> str:
    return "fires already" if math.isnan(value) else "-" if math.isinf(value) else f"{value:.0f}"


def figures(found: Sequence[Found]) -> dict[str, float | None]:
    """The study in five numbers; seasonal desks are not among them."""
    steady = {(one.cell.per_hour, one.cell.objective): one for one in found if not one.cell.seasonal}
    outage, step = steady[4, 0.9].median("all", ANY), steady[20, 0.9].median("4x", ANY)
    return {
        "worst_false_per_28d": round(max(one.rate(OUTAGE_AND_BURN) for one in steady.values()), 2),
        "plain_false_per_28d": round(max(one.rate(PLAIN) for one in steady.values()), 2),
        "rising_false_per_28d": round(max(one.rate(RISING) for one in steady.values()), 2),
        "outage_minutes_4ph": round(outage, 1) if math.isfinite(outage) else None,
        "step_10_40_minutes_20ph": round(step, 1) if math.isfinite(step) else None,
    }


def missed(found: Sequence[Found]) -> list[str]:
    """The bars that were not met, in words."""
    words = []
    for one in found:
        if one.cell.seasonal:
            continue
        place = "{} closes/h at {}".format(*_name(one.cell))
        ours, plain, rising = one.rate(OUTAGE_AND_BURN), one.rate(PLAIN), one.rate(RISING)
        if ours > (plain / 10 if plain >= 1 else plain):
            words.append(f"{place}: outage and burn fire falsely {ours:.2f} times, the plain rules {plain:.2f} times")
        if rising > 1:
            words.append(f"{place}: the rising twins fire falsely {rising:.2f} times")
    numbers = figures(found)
    for name, bar in (("outage_minutes_4ph", OUTAGE_WITHIN), ("step_10_40_minutes_20ph", STEP_WITHIN)):
        value = numbers[name]
        if value is None or value > bar:
            words.append(f"{name} is {value}, more than {bar}")
    return words


def main() -> int:
    """Exit code 1 when a bar of the full study is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="two cells, one desk each: does it run")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1, help="cells at once")
    options = parser.parse_args()
    begun = time.monotonic()
    try:
        for name in ("prometheus", "promtool"):
            needed(name)
        tasks, found = plan(options.quick), []
        with ProcessPoolExecutor(options.processes) as pool:
            for done in as_completed([pool.submit(work, task) for task in tasks]):
                found.append(done.result())
                spent = time.monotonic() - begun
                print(f"{len(found)} of {len(tasks)} cells, {spent:.0f} s", file=sys.stderr, flush=True)
    except SupportpulseError as error:
        print(error, file=sys.stderr)
        return 2
    found.sort(key=lambda one: (one.cell.seasonal, one.cell.per_hour, one.cell.objective))
    words = missed(found)
    print("False firings per 28 days, on budget:\n", false_firings(found), sep="\n")
    print("\nMinutes from a step to the first firing, median (- is more than half a day for all, a day for four times,")
    print("two days for twice):\n", detection(found), sep="\n")
    print("\nMissed:" if words else "\nEvery bar is met.", *words, sep="\n  ")
    print(json.dumps(figures(found)))
    return 1 if words and not options.quick else 0


if __name__ == "__main__":
    sys.exit(main())
