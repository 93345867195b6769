"""The phrases of each language, read once from `phrases/<language>.toml`, and the shape of a text they are found in.

A phrase is words in order. `...` stands for any words, up to `GAP` characters; `*` at the edge of a word leaves that
edge open (`reinici*`, `*تطبيق`). Case, accents, Arabic vowel signs and spelling variants of a letter do not count, nor
does punctuation. Nothing here is a regular expression, so no phrase can be slow.
"""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.resources import files

GAP = 40
LISTS = ("canned", "restart", "ask", "items", "cause", "prevention", "self_check", "confirms", "denies", "substance")
Phrase = tuple[str, ...]
_WIDE = "\u3005-\u3007\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff"
_TOKEN = re.compile(rf"[{_WIDE}]|[^\W_{_WIDE}]+")
_WIDE_GAP = re.compile(rf"(?<=[{_WIDE}]) | (?=[{_WIDE}])")


def _folded() -> dict[int, str | None]:
    table: dict[int, str | None] = dict.fromkeys([*range(0x300, 0x370), *range(0x64B, 0x660), 0x670, 0x640])
    for code in (*range(0xC0, 0x250), *range(0x1E00, 0x1F00)):
        base = unicodedata.normalize("NFD", chr(code))[0]
        if base != chr(code):
            table[code] = base
    table.update((ord(a), b) for a, b in zip("أإآٱىةؤئ’", "اااايهوي'", strict=True))
    return table


_FOLD = _folded()


def folded(text: str) -> str:
    """Lower case, without accents and Arabic vowel signs."""
    return text.casefold().translate(_FOLD)


def tokens(text: str) -> list[str]:
    """Words, and each ideograph or kana alone."""
    return _TOKEN.findall(folded(text).replace("'", ""))


def key(text: str) -> str:
    """The shape phrases are looked for in: words with one space round each, ideographs and kana without any."""
    return _WIDE_GAP.sub("", " " + " ".join(tokens(text)) + " ")


@dataclass(frozen=True, slots=True)
class Book:
    """One language's phrases, in the shape of `key`."""

    stop_words: frozenset[str]
    marks: frozenset[str]
    greetings: tuple[str, ...]
    closings: tuple[str, ...]
    wrote: tuple[Phrase, ...]
    headers: frozenset[str]
    phrases: dict[str, tuple[Phrase, ...]]


def found(phrases: Iterable[Phrase], shape: str) -> list[tuple[int, int]]:
    """(start, end) in `shape` of the first occurrence of each phrase that occurs."""
    spans = []
    for phrase in phrases:
        start = shape.find(phrase[0])
        if start >= 0:
            if len(phrase) == 1:
                spans.append((start, start + len(phrase[0])))
            elif (span := _gapped(phrase, shape, start)) is not None:
                spans.append(span)
    return spans


def has(phrases: Iterable[Phrase], shape: str) -> bool:
    """Whether any of the phrases occurs."""
    return any(
        (start := shape.find(phrase[0])) >= 0 and (len(phrase) == 1 or _gapped(phrase, shape, start) is not None)
        for phrase in phrases
    )


def _gapped(phrase: Phrase, shape: str, start: int) -> tuple[int, int] | None:
    for _ in range(8):  # tries of the first part: a bound, not a rule
        end = start + len(phrase[0])
        for part in phrase[1:]:
            end -= shape[end - 1] == " "
            place = shape.find(part, end, end + GAP + len(part))
            if place < 0:
                break
            end = place + len(part)
        else:
            return start, end
        start = shape.find(phrase[0], start + 1)
        if start < 0:
            break
    return None


def _phrase(text: str) -> Phrase:
    return tuple(_part(part) for part in text.split("..."))


def _part(text: str) -> str:
    text = text.strip()
    shape = key(text.strip("*"))
    if text.startswith("*"):
        shape = shape.lstrip(" ")
    return shape.rstrip(" ") if text.endswith("*") else shape


def _book(text: str) -> Book:
    table = tomllib.loads(text)
    return Book(
        stop_words=frozenset(folded(table.get("stop_words", "")).split()),
        marks=frozenset(table.get("marks", "")),
        greetings=tuple(_part(p) for p in table["greetings"]),
        closings=tuple(_part(p) for p in table["closings"]),
        wrote=tuple(_phrase(p) for p in table["wrote"]),
        headers=frozenset(key(p).strip() for p in table["headers"]),
        phrases={name: tuple(_phrase(p) for p in table.get(name, ())) for name in LISTS},
    )


BOOKS: dict[str, Book] = {
    entry.name.removesuffix(".toml"): _book(entry.read_text("utf-8"))
    for entry in sorted((files("supportpulse") / "phrases").iterdir(), key=lambda entry: entry.name)
    if entry.name.endswith(".toml")
}
