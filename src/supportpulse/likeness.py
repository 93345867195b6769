"""How alike two texts are: a 64-bit simhash of words and word pairs, numbers left out (Charikar 2002).

Texts that differ in a name or a number are a few bits apart, unrelated ones about 32.
"""

from __future__ import annotations

from itertools import chain, pairwise

from xxhash import xxh3_64_digest


def likeness(words: list[str]) -> str | None:
    """The simhash as 16 hex digits; None of no words. Of very long texts the first 4,000 words count."""
    kept = [b"0" if word.isdigit() else word.encode() for word in words[:4000]]
    if not kept:
        return None
    flat = b"".join(map(xxh3_64_digest, chain(kept, map(b" ".join, pairwise(kept)))))
    count = len(flat) // 8
    half = count // 2
    columns = [int.from_bytes(flat[place::8], "big") for place in range(8)]  # a byte of every digest
    bits = [int.from_bytes(bytes([128 >> bit]) * count, "big") for bit in range(8)]
    ones = ["1" if (column & bit).bit_count() > half else "0" for column in columns for bit in bits]
    return f"{int(''.join(ones), 2):016x}"


def distance(a: str, b: str) -> int:
    """Hamming distance of two hashes, 0 to 64. ValueError if one is no hexadecimal number."""
    return (int(a, 16) ^ int(b, 16)).bit_count()
