"""The phrases of each language, read once from `phrases/<language>.toml`, and the shape of a text they are found in.

A phrase is words in order. `...` stands for any words, up to `GAP` characters; `*` at the edge of a word leaves that
edge open (`reinici*`, `*تطبيق`). Case, accents, Arabic vowel signs and spelling variants of a letter do not count, nor
does punctuation. Nothing here is a regular expression, so no phrase can be slow.
"""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.resources import files

GAP = 40
LISTS = ("canned", "restart", "ask", "items", "cause", "prevention", "self_check", "confirms", "denies", "substance")
Phrase = tuple[str, ...]
_WIDE = "\u3005-\u3007\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff"
_IS_WIDE = re.compile(f"[{_WIDE}]")
_WIDE_OR_WORD = re.compile(rf"([{_WIDE}]+)|([^\W_{_WIDE}]+)")
_WORD = re.compile(r"[^\W_]+")
_WIDE_SPACED = re.compile(f" ?[{_WIDE}][ {_WIDE}]*")
_SEPARATED = bytes(code if chr(code).isalnum() and code < 128 else 32 for code in range(256))


def _folded() -> dict[str, str]:
    table = dict.fromkeys(map(chr, [*range(0x300, 0x370), *range(0x64B, 0x660), 0x670, 0x640]), "")
    for code in (*range(0xC0, 0x250), *range(0x1E00, 0x1F00)):
        base = unicodedata.normalize("NFD", chr(code))[0]
        if base != chr(code):
            table[chr(code)] = base
    table.update(zip("أإآٱىةؤئ’", "اااايهوي'", strict=True))
    table.update(dict.fromkeys("¡¿«»‘“”„…–—↗", " "))  # what is left of most texts is ASCII then, which is read fastest
    return table


_FOLD = _folded()
_FOLDED = re.compile(f"[{''.join(_FOLD)}]")


def folded(text: str) -> str:
    """Lower case, without accents and Arabic vowel signs."""
    text = text.casefold()
    return text if text.isascii() else _FOLDED.sub(lambda found: _FOLD[found[0]], text)


def tokens(text: str) -> list[str]:
    """Words, and each ideograph or kana alone."""
    text = folded(text)
    if text.isascii():
        return text.encode().translate(_SEPARATED, b"'").decode().split()
    text = text.replace("'", "")
    if not _IS_WIDE.search(text):
        return _WORD.findall(text)
    return [token for wide, word in _WIDE_OR_WORD.findall(text) for token in wide or (word,)]


def shape(words: list[str]) -> str:
    """What phrases are looked for in: words with one space round each, ideographs and kana without any."""
    spaced = f" {' '.join(words)} "
    if spaced.isascii() or not _IS_WIDE.search(spaced):
        return spaced
    return _WIDE_SPACED.sub(lambda found: found[0].replace(" ", ""), spaced)


def key(text: str) -> str:
    """The shape of a text."""
    return shape(tokens(text))


@dataclass(frozen=True, slots=True)
class Index:
    """Phrases by a word that the text must have, so that few of them need be looked for."""

    by_word: dict[str, list[tuple[str, Phrase]]]
    others: list[tuple[str, Phrase]]

    def occurring(self, words: Iterable[str], shape: str) -> list[tuple[str, Phrase]]:
        """(list, phrase) of those whose first part occurs; `words` are all different ones of the text."""
        by_word = self.by_word
        known = [entry for word in words if word in by_word for entry in by_word[word]]
        return [entry for entry in (*known, *self.others) if entry[1][0] in shape]


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
    index: Index


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
    for phrase in phrases:
        start = shape.find(phrase[0])
        if start >= 0 and (len(phrase) == 1 or _gapped(phrase, shape, start) is not None):
            return True
    return False


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


def _index(phrases: dict[str, tuple[Phrase, ...]]) -> Index:
    entries = [(name, phrase) for name, listed in phrases.items() for phrase in listed]
    uses = Counter(word for _, phrase in entries for word in _whole_words(phrase[0]))
    index = Index({}, [])
    for entry in entries:
        words = _whole_words(entry[1][0])
        same = index.by_word.setdefault(min(words, key=lambda word: uses[word]), []) if words else index.others
        same.append(entry)
    return index


def _whole_words(part: str) -> list[str]:
    """Words that a text with this part has for sure: not those at an open edge, which may go on."""
    return [*_IS_WIDE.findall(part), *(word for word in part.split(" ")[1:-1] if not _IS_WIDE.search(word))]


def _book(text: str) -> Book:
    table = tomllib.loads(text)
    phrases = {name: tuple(_phrase(p) for p in table.get(name, ())) for name in LISTS}
    return Book(
        stop_words=frozenset(folded(table.get("stop_words", "")).split()),
        marks=frozenset(table.get("marks", "")),
        greetings=tuple(_part(p) for p in table["greetings"]),
        closings=tuple(_part(p) for p in table["closings"]),
        wrote=tuple(_phrase(p) for p in table["wrote"]),
        headers=frozenset(key(p).strip() for p in table["headers"]),
        phrases=phrases,
        index=_index(phrases),
    )


BOOKS: dict[str, Book] = {
    entry.name.removesuffix(".toml"): _book(entry.read_text("utf-8"))
    for entry in sorted((files("supportpulse") / "phrases").iterdir(), key=lambda entry: entry.name)
    if entry.name.endswith(".toml")
}
