"""Which language a text is in: by script where that settles it, else by stop words of the languages with phrases.

A library for all languages weighs megabytes and is unsure of one short sentence; here only a few can be meant.
"""

from __future__ import annotations

import re

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
_LATIN = re.compile("[a-z\u00df-\u024f]")
_WORDED = {language: book for language, book in BOOKS.items() if book.stop_words}


def language_of(text: str, words: list[str]) -> str | None:
    """A two-letter code, or None if nothing tells. `words` are the folded tokens of `text`; the first 4,000 count."""
    text = text[:20_000].lower()
    counts = {name: len(pattern.findall(text)) for name, pattern in _SCRIPTS.items()} if not text.isascii() else {}
    han, kana = counts.pop("han", 0), counts.pop("kana", 0)
    if han + kana:
        counts["ja" if kana * 12 > han else "zh"] = (han + kana) * 3  # an ideograph says what several letters do
    other = max(counts, key=lambda name: counts[name], default="")
    if other and counts[other] * 4 > len(_LATIN.findall(text)):
        return other
    return _by_words(text, words[:4000])


def _by_words(text: str, words: list[str]) -> str | None:
    scores = {
        language: sum(map(book.stop_words.__contains__, words)) + 2 * sum(map(text.count, book.marks))
        for language, book in _WORDED.items()
    }
    best = max(scores, key=lambda language: scores[language])
    return best if scores[best] else None
