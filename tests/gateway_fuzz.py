"""Bodies that nobody should send: valid ones changed byte by byte, odd JSON, packed rubbish."""

from __future__ import annotations

import gzip
import json
import random
import zlib
from typing import Any

WORDS = ("ticket", "events", "ping", "crash", "type", "detail", "id", "event", "issue", "comment", "action", "", "\x00")
LEAVES: tuple[Any, ...] = (
    None, True, 0, -1, 10**18, 10**30, 1.5, 1e308, "", "x", "\x00", "\ud83d", "😀", "<script>", "2026-01-01T00:00:00Z",
    "9" * 400, "a" * 3000,
)  # fmt: skip
RAW = (
    b"", b"{", b"[" * 5000, b'{"a":' * 2000, b"NaN", b"-", b"\x00", b"\xff\xfe", b'"\xc3"', b"1e999999", b"9" * 6000,
    b'{"ticket":"1","ticket":"2"}', b"null", b"[]", b'"\\ud83d"', b"\xef\xbb\xbf{}", b" " * 5000,
)  # fmt: skip


def value(rng: random.Random, depth: int = 0) -> Any:
    """Some JSON."""
    kind = rng.random()
    if kind < 0.45 or depth > 5:
        return rng.choice(LEAVES)
    if kind < 0.8:
        return {rng.choice(WORDS): value(rng, depth + 1) for _ in range(rng.randrange(5))}
    return [value(rng, depth + 1) for _ in range(rng.randrange(4))]


def mutated(rng: random.Random, seed: bytes) -> bytes:
    """A body with bytes changed, cut out, doubled or cut off."""
    found = bytearray(seed)
    for _ in range(rng.randrange(1, 6)):
        at, size = rng.randrange(len(found) + 1), rng.randrange(1, 30)
        kind = rng.randrange(4)
        if kind == 0 and at < len(found):
            found[at] = rng.randrange(256)
        elif kind == 1:
            del found[at : at + size]
        elif kind == 2:
            found[at:at] = found[at : at + size]
        else:
            found[at:at] = rng.choice((b"\x00", b"{", b"]", b'"', b"null", b"1e400", b"\\ud800", b"\xff"))
    return bytes(found)


def changed(rng: random.Random, seed: Any) -> Any:
    """JSON with something put in place of some of its parts."""
    if rng.random() < 0.08:
        return value(rng)
    if isinstance(seed, dict):
        found = {key: changed(rng, one) for key, one in seed.items() if rng.random() > 0.05}
        return {**found, rng.choice(WORDS): value(rng)} if rng.random() < 0.05 else found
    return [changed(rng, one) for one in seed] if isinstance(seed, list) else seed


def body(rng: random.Random, seeds: list[bytes]) -> tuple[bytes, str]:
    """A body and its content-encoding."""
    kind = rng.random()
    if kind < 0.1:
        found = rng.choice(RAW)
    elif kind < 0.4:
        found = mutated(rng, rng.choice(seeds))
    elif kind < 0.8:
        found = json.dumps(changed(rng, json.loads(rng.choice(seeds)))).encode()
    elif kind < 0.9:
        found = json.dumps(value(rng)).encode()
    else:
        found = rng.randbytes(rng.randrange(200))
    packing = rng.random()
    if packing < 0.03:
        return gzip.compress(found, 1), "gzip"
    if packing < 0.05:
        return zlib.compress(found, 1), "deflate"
    if packing < 0.06:
        return gzip.compress(b" " * 300_000, 1), "gzip"
    if packing < 0.08:
        return found, rng.choice(("gzip", "deflate", "br", "identity", "gzip, gzip"))
    return found, ""
