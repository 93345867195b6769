"""Whether the numbers of a board can be trusted: what workers say about themselves, judged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from supportpulse.durations import write_duration
from supportpulse.names import SOURCE, Metric
from supportpulse.scrape import Scrape

OK, WARN, BAD = "ok", "warn", "bad"
LATE_SECONDS = 120
"""Of the deadline sweep and of the probe that a worker sends through the whole pipe every 15 s."""
MANY_BEHIND = 1000
"""Records not processed yet, below which a worker only is in the middle of a batch."""
SHOWN_SOURCES = 3


@dataclass(frozen=True)
class Look:
    """A worker's last answer and when it came, in seconds since 1970; `reason` says why it does not answer now."""

    url: str
    scrape: Scrape | None = None
    answered: float | None = None
    reason: str = ""


@dataclass(frozen=True)
class Check:
    """One thing that must be so; `state` is ok, warn or bad, `note` what it means when it is not ok."""

    name: str
    value: str
    state: str
    note: str = ""


def checks(looks: Sequence[Look], scrape: Scrape, as_of: float | None) -> list[Check]:
    """Of all workers together, as of the time (seconds since 1970) their numbers were read; None: never yet."""
    silent = sum(1 for look in looks if look.reason)
    answer = f"{len(looks) - silent} of {len(looks)} up"
    workers = Check("workers", answer, BAD if silent else OK, "what a silent one knows is missing here" * bool(silent))
    if as_of is None:
        return [workers]
    return [
        workers,
        _age("deadline sweep", scrape.values(Metric.DEADLINE_SWEEP), as_of, "no breach is found before the next"),
        _age("probe through Kafka", scrape.values(Metric.PROBE), as_of, "the pipe is slow or stuck"),
        _lag(scrape),
        _partitions(scrape),
        _sources(scrape),
    ]


def _age(name: str, times: Sequence[float], as_of: float, note: str) -> Check:
    oldest = min(times, default=0.0)
    if not oldest:
        return Check(name, "none yet", WARN, note)
    age = max(as_of - oldest, 0.0)
    late = age > LATE_SECONDS
    return Check(name, f"{write_duration(int(age) * 1000, 2)} ago", BAD if late else OK, note if late else "")


def _lag(scrape: Scrape) -> Check:
    behind = scrape.lag
    many = behind >= MANY_BEHIND
    return Check("behind", f"{behind:,} records", WARN if many else OK, "numbers are not up to now" if many else "")


def _partitions(scrape: Scrape) -> Check:
    owned = sum(scrape.values(Metric.WORKER_PARTITIONS))
    existing = max(scrape.values(Metric.TOPIC_PARTITIONS), default=0)
    value = f"{owned:.0f} of {existing:.0f}"
    if any(scrape.values(Metric.WORKER_RECOVERING)):
        return Check("partitions", value, WARN, "state is being restored: numbers are not whole yet")
    if owned < existing:
        return Check("partitions", value, BAD, "nobody here owns the rest: their tickets are missing")
    if owned > existing:
        return Check("partitions", value, WARN, "some count twice: they are moving, or a worker has two addresses")
    return Check("partitions", value, OK)


def _sources(scrape: Scrape) -> Check:
    sources = {labels[SOURCE] for labels, _ in scrape.labels(Metric.SOURCE_STALE)}
    stale = sorted({labels[SOURCE] for labels, value in scrape.labels(Metric.SOURCE_STALE) if value})
    if not stale:
        return Check("sources", f"{len(sources)} heard of" if sources else "none yet", OK)
    named = ", ".join(stale[:SHOWN_SOURCES]) + ", …" * (len(stale) > SHOWN_SOURCES)
    return Check("sources", f"{len(stale)} of {len(sources)} stale", BAD, f"their deadlines are held: {named}")
