"""How alike two texts are: a 64-bit simhash of words and word pairs, numbers left out (Charikar 2002).

Texts that differ in a name or a number are a few bits apart, unrelated ones about 32.
"""

from __future__ import annotations

from itertools import chain, pairwise

from xxhash import xxh3_64_digest

_LANES = [sum(1 << (32 * bit) for bit in range(8) if byte >> bit & 1) for byte in range(256)]


def likeness(words: list[str]) -> str | None:
    """The simhash as 16 hex digits; None of no words. Of very long texts the first 4,000 words count."""
    kept = ["0" if word.isdigit() else word for word in words[:4000]]
    if not kept:
        return None
    digests = [xxh3_64_digest(shingle.encode()) for shingle in chain(kept, map(" ".join, pairwise(kept)))]
    flat, half = b"".join(digests), len(digests) / 2
    value = 0
    for place in range(8):
        counts = sum(map(_LANES.__getitem__, flat[place::8]))
        byte = sum(1 << bit for bit in range(8) if (counts >> (32 * bit) & 0xFFFFFFFF) > half)
        value = value << 8 | byte
    return f"{value:016x}"


def distance(a: str, b: str) -> int:
    """Hamming distance of two hashes, 0 to 64. ValueError if one is no hexadecimal number."""
    return (int(a, 16) ^ int(b, 16)).bit_count()
