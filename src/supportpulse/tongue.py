"""Which language a text is in: by script where that settles it, else by stop words of the languages with phrases.

A library for all languages weighs megabytes and is unsure of one short sentence; here only a few can be meant.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping

from supportpulse.phrasebook import BOOKS

_SCRIPTS = {
    "han": re.compile("[\u3400-\u4dbf\u4e00-\u9fff]"),
    "kana": re.compile("[\u3040-\u30ff]"),
    "ar": re.compile("[\u0620-\u064a\u066e-\u06d3]"),
    "ko": re.compile("[\uac00-\ud7a3]"),
    "ru": re.compile("[\u0400-\u04ff]"),
    "th": re.compile("[\u0e00-\u0e7f]"),
    "hi": re.compile("[\u0900-\u097f]"),
}
_OTHER = re.compile(f"[{''.join(one.pattern[1:-1] for one in _SCRIPTS.values())}]")
_LATIN = re.compile("[a-z\u00df-\u024f]")
_WORDED = {language: book for language, book in BOOKS.items() if book.stop_words}


def _languages_of(told: Mapping[str, Iterable[str]]) -> dict[str, list[str]]:
    languages: dict[str, list[str]] = {}
    for language, signs in told.items():
        for sign in signs:
            languages.setdefault(sign, []).append(language)
    return languages


_BY_WORD = _languages_of({language: book.stop_words for language, book in _WORDED.items()})
_BY_MARK = _languages_of({language: book.marks for language, book in _WORDED.items()})
_MARKS = re.compile(f"[{''.join(_BY_MARK)}]")


def language_of(text: str, words: list[str]) -> str | None:
    """A two-letter code, or None if nothing tells. `words` are the folded tokens of `text`; the first 4,000 count."""
    text = text[:20_000].lower()
    if not _OTHER.search(text):
        return _by_words(text, words[:4000])
    letters = Counter(text)
    different = "".join(letters)
    counts = {name: sum(map(letters.__getitem__, one.findall(different))) for name, one in _SCRIPTS.items()}
    han, kana = counts.pop("han", 0), counts.pop("kana", 0)
    if han + kana:
        counts["ja" if kana * 12 > han else "zh"] = (han + kana) * 3  # an ideograph says what several letters do
    other = max(counts, key=lambda name: counts[name])
    if counts[other] * 4 > sum(map(letters.__getitem__, _LATIN.findall(different))):
        return other
    return _by_words(text, words[:4000])


def _by_words(text: str, words: list[str]) -> str | None:
    scores = dict.fromkeys(_WORDED, 0)
    for languages in filter(None, map(_BY_WORD.get, words)):
        for language in languages:
            scores[language] += 1
    for mark in _MARKS.findall(text):
        for language in _BY_MARK[mark]:
            scores[language] += 2
    best = max(scores, key=lambda language: scores[language])
    return best if scores[best] else None
