"""The record of `sla.outcomes.v1`: all outcomes of one source record, as a CloudEvents JSON batch.

An outcome's id is a hash of ticket, clock, cycle, kind, causing topic-partition-offset and policy digest: after a crash
it is said again under the same id, so a reader that drops repeated ids sees each one once.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from xxhash import xxh3_128_hexdigest

from supportpulse.clock import INFERENCES, Plan
from supportpulse.outcome import KIND_NAMES, PUBLISHED, Emission, cycle_name
from supportpulse.verdicts import NetView

SOURCE = "supportpulse"
TYPES = {
    "at_risk": "supportpulse.ClockAtRisk.v1",
    "breached": "supportpulse.ClockBreached.v1",
    "met": "supportpulse.ClockMet.v1",
    "cancelled": "supportpulse.ClockCancelled.v1",
    "final": "supportpulse.ClockFinal.v1",
    "retracted": "supportpulse.OutcomeRetracted.v1",
}


def encode(key: str, plan: Plan, emissions: Iterable[Emission], cause: str) -> bytes | None:
    """The batch of outcomes that one source record caused, None if there are none.

    `key` is the ticket's record key, `cause` the source record as `topic-partition-offset`.
    """
    said = [_outcome(key, plan, emission, cause) for emission in emissions if emission.kind in PUBLISHED]
    return b"[" + b",".join(said) + b"]" if said else None


def _outcome(key: str, plan: Plan, emission: Emission, cause: str) -> bytes:
    kind, clock, cycle, time, deadline, binding, elapsed, inferred, because = emission
    told = KIND_NAMES[kind]
    name = plan.clocks[clock].name
    hexed = cycle_name(cycle)
    digest = plan.edition(binding).digest
    retracts = f',"retracts":"{told}","because":"{because}"' if because else ""
    said = "retracted:" + told if because else told
    ends = f',"deadline":"{iso(deadline)}"' if deadline >= 0 else ""
    if elapsed > 0:
        ends += f',"elapsed_ms":{elapsed}'
    elif elapsed < 0:
        ends += ',"elapsed_ms":0,"instant":true'
    id = xxh3_128_hexdigest(f"{key}/{name}/{hexed}/{said}/{cause}/{digest}".encode())
    guessed = ',"inferred_by":' + _inferred(inferred) if inferred else ""
    return (
        f'{{"specversion":"1.0","id":"{id}",'
        f'"source":"supportpulse","type":"{TYPES["retracted" if because else told]}","subject":{quoted(key)},'
        f'"time":"{iso(time)}","data":{{"clock":"{name}","cycle":"{hexed}"{ends}{retracts}{guessed}'
        f'{_labels(plan, binding)},"cause":"{cause}","policy":"{digest}"}}}}'
    ).encode()


@lru_cache(maxsize=65_536)
def quoted(text: str) -> str:
    """A JSON string."""
    return json.dumps(text)


@lru_cache(maxsize=64)
def _inferred(inferred: int) -> str:
    return json.dumps([INFERENCES[code] for code in (inferred & 7, inferred >> 3) if code])


def _labels(plan: Plan, binding: int) -> str:
    text = plan.label_texts.get(binding)
    if text is None:
        version = plan.version
        rule, label = divmod(binding, plan.labels)
        values = dict(zip(version.labels, version.label_sets[label], strict=True))
        values["rule"] = version.rules[rule - 1].name if rule else "none"
        text = plan.label_texts[binding] = ',"labels":' + json.dumps(values, separators=(",", ":"))
    return text


@lru_cache(maxsize=4096)
def _day(day: int) -> str:
    return datetime.fromtimestamp(day * 86_400, UTC).strftime("%Y-%m-%dT")


_MINUTES = tuple(f"{minute // 60:02d}:{minute % 60:02d}:" for minute in range(1440))
_SECONDS = tuple(f"{second:02d}." for second in range(60))
_MILLIS = tuple(f"{ms:03d}Z" for ms in range(1000))


def iso(ms: int) -> str:
    """RFC 3339 text in UTC with milliseconds."""
    minute, rest = divmod(ms, 60_000)
    day, minute = divmod(minute, 1440)
    second, ms = divmod(rest, 1000)
    return _day(day) + _MINUTES[minute] + _SECONDS[second] + _MILLIS[ms]


def apply(view: NetView, seen: set[str], value: bytes) -> list[dict[str, Any]]:
    """Apply one outcome record to a net view, each id once; returns the outcomes that were new."""
    new = []
    for outcome in json.loads(value):
        if outcome["id"] in seen:
            continue
        seen.add(outcome["id"])
        new.append(outcome)
        data = outcome["data"]
        kind = data.get("retracts") or _KINDS[outcome["type"]]
        if kind not in ("met", "breached", "cancelled"):
            continue
        place = outcome["subject"], data["clock"], data["cycle"]
        verdict = kind, _ms(outcome["time"]), _ms(data["deadline"]) if "deadline" in data else None
        if "retracts" not in data:
            view[place] = verdict
        elif view.get(place) == verdict:
            del view[place]
    return new


_KINDS = {name: kind for kind, name in TYPES.items()}


def _ms(text: str) -> int:
    return round(datetime.fromisoformat(text).timestamp() * 1000)
