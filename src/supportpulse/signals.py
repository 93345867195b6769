"""A message's text -> what policy may know of it. The only place that sees text: nothing of it is in the result.

What counts as what:
- `question`: asks something of the reader, as a question or as a request ("please send ...").
- `names_item`: names something specific of the case: a log, a call, channel or user id, a version, a device model, a
  time of the problem, an error code, a dump, a recording.
- `canned_share`: share of the characters, greeting and signature left out, in clauses that only say what could be said
  on any ticket; 1.0 if there is nothing but a greeting.
- `mere_restart`: says to restart, reinstall, clear a cache, reconnect or try again, and nothing else of substance.
- `confirms_resolution`: says that it works or is solved, with no "still", "not" or "once it is" about it.
Phrases are in `phrases/<language>.toml`; the language found and English count.
"""

from __future__ import annotations

import re
from itertools import islice
from typing import NamedTuple

from supportpulse.events import Signals
from supportpulse.letter import letter
from supportpulse.likeness import distance, likeness
from supportpulse.links import Links, has_links, links_in, unlinked
from supportpulse.phrasebook import BOOKS, LISTS, Book, Phrase, found, has, key, shape, tokens
from supportpulse.tongue import language_of

__all__ = ["Links", "distance", "links_of", "signals_of"]

READ = 20_000
SENTENCES = 300
_SENTENCE = re.compile(r"[^.!?。؟;؛\n]*(?:[.!?](?![\s.!?\"')*]|$)[^.!?。؟;؛\n]*)*[.!?。؟;؛\n]*")
# This and _VALUE begin with the characters that a match can begin with: Python's re skips the others fast.
_CLAUSE = re.compile(r"[,،、:\s](?:(?<=\s)[-–—]+\s|(?<=[,،、:])(?<![,،、:]{2})[,،、:]*(?=\s|[^\x00-\x7f]))")
_FENCE = re.compile(r"^\s{0,3}(?:```|~~~)")
_TRACE = re.compile(
    r"^\s*(?:at [\w$.<>]+\(|File \"[^\"]+\", line \d|Traceback \(most recent|Caused by: |#\d{1,3}\s+(?:pc\s+|0x)|"
    r"Exception in thread|[\w.$]{1,200}(?:Exception|Error): |Thread \d+ Crashed|backtrace:|goroutine \d+ \[)"
)
_CODE = re.compile(
    r"^\s*(?:[\w.$>\-\[\]]{1,100}\s?=\s?\S[^\n]*;|[\w.$>:\-]{1,100}\([^()\n]*\)\s*[;{]|"
    r"(?:from [\w.]{1,80} )?import [\w.{*\"'][^\n]{0,80}[\w.}\"'*]\s*;?$|#include [<\"]|"
    r"(?:const|let|var|val) [\w{\[]{1,60}[^=\n]{0,60}= ?\S|(?:def|func|fun|public|private|static|void) [\w ]{1,80}\(|"
    r"return [^\n]{1,80};|[{}]\s*$|\$ \w|<\w[^<>]{0,300}>\s*$)"
)
_STATEMENT = re.compile(r"^\s*[^\n]{0,200}[)\]}{\w\"'][;{]\s*$")
_INLINE = re.compile(
    r"`[^`\n]{2,200}`|\b\w{2,60}\([\w\s,.\"':]{0,80}\)|\b[a-z]{2,40}(?:[A-Z][a-z0-9]{1,40})+\b|[^\W_]_[^\W_]"
)
_VALUE = re.compile(
    r"""[\dA-Za-fv](?<!\w.)(?:  # 1.2.3, 12:34, 0xff, 2026-01-31, 1234567, ABC-12, deadbeef-cafe-, 8c1f0a77b2d9
    (?<=v)(?<!\.v)\d{1,3}\.\d{1,4}\.\d{1,5}
    |(?<=\d)(?:(?<!\.\d)\d{0,2}\.\d{1,4}\.\d{1,5}|\d?:\d{2}\b|\d{6,19}\b|(?<=0)x[0-9a-fA-F]{2,16}\b|(?<=2)0\d\d-\d\d-\d\d\b)
    |(?<=[A-Z])\w{2,30}-\d{2,8}\b
    |(?<=[0-9a-f])[0-9a-f]{7}-[0-9a-f]{4}-
    |(?<=[0-9a-fA-F])[0-9a-fA-F]{11,63}\b)""",
    re.VERBOSE,
)


def signals_of(
    text: str,
    *,
    html: bool = False,
    docs: frozenset[str] = frozenset(),
    code: frozenset[str] = frozenset(),
    issues: frozenset[str] = frozenset(),
) -> Signals:
    """The signals of a message body; never raises, and costs no more than a bounded part of the text.

    `docs`, `code` and `issues` are host names; a subdomain counts as its host. `length` counts characters of the
    cleaned text. All other signals are of its first 20,000 characters and 300 sentences.
    """
    own = letter(text, html=html)
    body = own.text[:READ]
    links = links_in(body, own.links, docs, code, issues)
    prose, has_code = _parted(body)
    sentences, rest = _sentences(prose)
    words = [word for sentence in sentences for word in sentence.words] + tokens(rest)
    language = language_of(prose, words)
    reading = _Reading(sentences, _books(language))
    return Signals(
        length=len(own.text),
        language=language,
        question=reading.question(),
        names_item=reading.names_item(),
        code=has_code,
        links=links.all,
        doc_links=links.docs,
        canned_share=0.0 if has_code and not words else reading.canned_share(),
        similarity=likeness(reading.words),
        cause=reading.cause(),
        prevention=reading.has("prevention"),
        self_check=reading.has("self_check"),
        mere_restart=not (has_code or links.all) and reading.mere_restart(),
        confirms_resolution=reading.confirms(),
    )


def links_of(
    text: str,
    *,
    html: bool = False,
    docs: frozenset[str] = frozenset(),
    code: frozenset[str] = frozenset(),
    issues: frozenset[str] = frozenset(),
) -> Links:
    """How many links go where: for adapters that say KnowledgeLinked or KnownIssueLinked. Never raises."""
    own = letter(text, html=html)
    return links_in(own.text[:READ], own.links, docs, code, issues)


def _books(language: str | None) -> tuple[Book, ...]:
    if language is None:
        return tuple(BOOKS.values())
    return tuple(BOOKS[name] for name in dict.fromkeys((language, "en")) if name in BOOKS)


def _parted(text: str) -> tuple[str, bool]:
    """The prose without its lines of code and links, and whether there was code."""
    prose, fenced, code = [], False, False
    linked = has_links(text)
    for line in text.split("\n"):
        if _FENCE.match(line):
            fenced, code = not fenced, True
        elif fenced:
            continue
        elif len(line) < 1000 and _is_code(line):
            code = True
        else:
            prose.append(unlinked(line) if linked else line)
    return "\n".join(prose), code


def _is_code(line: str) -> bool:
    if _TRACE.match(line) or _CODE.match(line):
        return True
    return line.rstrip()[-1:] in {";", "{"} and _STATEMENT.match(line) is not None


class _Sentence(NamedTuple):
    text: str
    words: list[str]
    shape: str
    asks: bool


def _sentence(text: str) -> _Sentence:
    words = tokens(text)
    return _Sentence(text, words, shape(words), text.rstrip(" \"')*\n")[-1:] in {"?", "؟"})


def _sentences(prose: str) -> tuple[list[_Sentence], str]:
    """The first sentences that have words, and what is behind them."""
    parts = [found[0] for found in islice(_SENTENCE.finditer(prose), SENTENCES)]
    read = [sentence for part in parts if part.strip() and (sentence := _sentence(part)).words]
    return read, prose[sum(map(len, parts)) :] if len(parts) == SENTENCES else ""


class _Reading:
    """The sentences of one message, against the phrases of its language."""

    def __init__(self, sentences: list[_Sentence], books: tuple[Book, ...]) -> None:
        self.books = books
        self.sentences = self._ungreeted(sentences)
        self.empty = not sentences
        self.words = [word for sentence in self.sentences for word in sentence.words]
        self.whole = "\n".join(sentence.shape for sentence in self.sentences)
        self.phrases: dict[str, list[Phrase]] = {name: [] for name in LISTS}
        different = set(self.words)
        for book in books:
            for name, phrase in book.index.occurring(different, self.whole):
                self.phrases[name].append(phrase)

    def _ungreeted(self, sentences: list[_Sentence]) -> list[_Sentence]:
        if not sentences:
            return sentences
        first, *rest = sentences
        clauses = [part for part in _CLAUSE.split(first.text, 50) if part]
        dropped = 0
        while dropped < min(2, len(clauses)) and self._greets(clauses[dropped]):
            dropped += 1
        if not dropped:
            return sentences
        left = ", ".join(clauses[dropped:])
        if (begun := _sentence(left)).words:
            return [begun, *rest]
        return self._ungreeted(rest) if dropped < 2 and rest else rest

    def _greets(self, clause: str) -> bool:
        shape = key(clause)
        return len(shape) <= 45 and any(shape.startswith(book.greetings) for book in self.books)

    def has(self, name: str) -> bool:
        """Whether a phrase of a list occurs in any sentence."""
        return bool(self.phrases[name]) and any(self._in(name, sentence.shape) for sentence in self.sentences)

    def _in(self, name: str, shape: str) -> bool:
        phrases = self.phrases[name]
        return bool(phrases) and has(phrases, shape)

    def cause(self) -> bool:
        """How to check names causes too ("reason 8 means ..."): they are not the one found."""
        return any(
            self._in("cause", sentence.shape) and not self._in("self_check", sentence.shape)
            for sentence in self.sentences
        )

    def question(self) -> bool:
        return any(sentence.asks for sentence in self.sentences) or self.has("ask")

    def names_item(self) -> bool:
        return any(self._specific(sentence) for sentence in self.sentences)

    def _specific(self, sentence: _Sentence) -> bool:
        return self._in("items", sentence.shape) or _VALUE.search(sentence.text) is not None

    def _substantive(self, sentence: _Sentence) -> bool:
        return (
            self._specific(sentence)
            or "↗" in sentence.text
            or _INLINE.search(sentence.text) is not None
            or any(self._in(name, sentence.shape) for name in ("cause", "prevention", "self_check", "substance"))
        )

    def canned_share(self) -> float:
        """Characters in canned clauses over all."""
        if not self.sentences:
            return 0.0 if self.empty else 1.0
        if not self.phrases["canned"]:
            return 0.0
        total = canned = 0
        for sentence in self.sentences:
            parts = _CLAUSE.split(sentence.text, 50)
            for clause in map(_sentence, parts) if len(parts) > 1 else (sentence,):
                size = len(clause.shape.strip())
                total += size
                canned += min(size, self._canned(clause, size))
        return round(canned / total, 3) if total else 0.0

    def _canned(self, clause: _Sentence, size: int) -> int:
        """How many characters of the clause are canned: all if little is left beside the phrases."""
        spans = sorted(found(self.phrases["canned"], clause.shape))
        covered = end = 0
        for start, stop in spans:
            covered += max(0, stop - max(start, end))
            end = max(end, stop)
        if not covered:
            return 0
        room = 14 if clause.shape[:1] != " " else 45
        idle = not self._in("restart", clause.shape) and not self._substantive(clause)
        if idle and size - covered <= max(room, covered):
            return size
        return covered

    def mere_restart(self) -> bool:
        """A sentence says to restart; what else there is adds nothing."""
        if not self.phrases["restart"]:
            return False
        total = other = 0
        restarts = False
        for sentence in self.sentences:
            size = len(sentence.shape.strip())
            total += size
            if self._substantive(sentence):
                return False
            if self._in("restart", sentence.shape):
                restarts = True
            elif not self._in("canned", sentence.shape):
                other += size
        return restarts and other * 3 <= total

    def confirms(self) -> bool:
        if self._in("denies", self.whole):
            return False
        return any(not sentence.asks and self._in("confirms", sentence.shape) for sentence in self.sentences)
