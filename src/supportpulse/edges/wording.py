"""What simulated texts would be turned into: the signals of canned, asking, teaching and customers' messages."""

from __future__ import annotations

import random
from typing import Any

Signals = dict[str, Any]


def canned(rng: random.Random) -> Signals:
    """We will handle it soon: a reply without content."""
    return {
        "length": rng.randint(50, 150),
        "canned_share": _share(rng, 0.85, 1.0),
        "similarity": f"canned-{rng.randrange(6)}",
    }


def restart(rng: random.Random) -> Signals:
    """Please restart and try again: nothing else."""
    return {"length": rng.randint(60, 140), "canned_share": _share(rng, 0.3, 0.6), "mere_restart": True}


def question(rng: random.Random, *, vague: bool) -> Signals:
    """A question for a certain log or call, or the vague sort that could be asked of anybody."""
    share = _share(rng, 0.5, 0.95) if vague else _share(rng, 0.0, 0.4)
    return _true({"length": rng.randint(60, 300), "question": True, "names_item": not vague, "canned_share": share})


def progress(rng: random.Random) -> Signals:
    """What is known so far: substance, but no solution."""
    return {"length": rng.randint(150, 700), "canned_share": _share(rng, 0.0, 0.3)}


def teaching(rng: random.Random, *, cause: bool) -> Signals:
    """A reply that teaches: always a document or a self-check, where known the cause and how to avoid it."""
    docs = rng.choice((0, 1, 1, 2))
    return _true({
        "length": rng.randint(300, 1800), "canned_share": _share(rng, 0.0, 0.25), "links": docs, "doc_links": docs,
        "cause": cause, "prevention": cause and rng.random() < 0.6, "self_check": docs == 0 or rng.random() < 0.4,
        "code": rng.random() < 0.3,
    })  # fmt: skip


def report(rng: random.Random, *, asks: bool = False) -> Signals:
    """What a customer tells."""
    return _true({"length": rng.randint(60, 900), "question": asks, "code": rng.random() < 0.2})


def thanks(rng: random.Random) -> Signals:
    """A customer says that it works."""
    return {"length": rng.randint(15, 90), "confirms_resolution": True}


def note(rng: random.Random) -> Signals:
    """An internal note."""
    return {"length": rng.randint(40, 500)}


def _share(rng: random.Random, low: float, high: float) -> float:
    return round(rng.uniform(low, high), 2)


def _true(signals: Signals) -> Signals:
    return {name: value for name, value in signals.items() if value}
