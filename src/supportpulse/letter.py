"""A message as its author wrote it now: no mark-up, no quoted history, no signature, one spelling of every character.

HTML is read by lxml as a stream (no tree, so nesting costs nothing). Quoted history and signatures are found line by
line with the intro lines, header names and closings of each language's phrase file. Every step is linear in a text
that was cut to `MOST` characters first.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field
from typing import Any, cast

from lxml import etree

from supportpulse.phrasebook import BOOKS, key

MOST = 200_000
_PIECE = re.compile(r".{1,500}(?=\s)|.{1,500}", re.DOTALL)
# Zero-width and bidirectional controls, variation selectors, soft hyphens, tatweel; every control but tab and newline.
_UNSEEN = re.compile(
    "[\0-\x08\x0e-\x1f\x7f-\x9f\xad\u034f\u061c\u0640\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ud800-\udfff"
    "\ufe00-\ufe0f\ufeff\ufff9-\ufffb\ufffd\U000e0000-\U000e007f]"
)
_LINE_ENDS = re.compile(r"[\r\x0b\x0c\x85\u2028\u2029](?:(?<=\r)\n)?")
_BREAKING = frozenset({
    "address", "article", "blockquote", "body", "br", "dd", "div", "dl", "dt", "footer", "form", "h1", "h2", "h3", "h4",
    "h5", "h6", "header", "hr", "li", "ol", "p", "pre", "section", "table", "td", "th", "tr", "ul",
})  # fmt: skip
_VOID = frozenset(
    {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}
)
_HIDDEN = frozenset({"head", "script", "style", "template", "title", "noscript", "svg", "object"})
_QUOTE_MARKS = re.compile(
    r"gmail_quote|gmail_signature|yahoo_quoted|moz-cite-prefix|moz-signature|divRplyFwdMsg|zmail_"
)
_RULE = re.compile(r"^\s{0,3}[-_=*]{2,10}\s{0,3}$")
_FORWARD = re.compile(r"^\s{0,3}[-_]{3,40} {0,3}[^-_\n]{3,60}[-_]{3,40}\s{0,3}$|^\s{0,3}_{20,200}\s{0,3}$")
_HEADER = re.compile(r"^\s{0,3}\*?([^\W\d_][^:：\n]{0,20}?)\*? {0,2}[:：]")
_CLOSINGS = tuple(dict.fromkeys(closing for book in BOOKS.values() for closing in book.closings))
_FENCE = re.compile(r"^\s{0,3}(?:```|~~~)")


@dataclass(frozen=True, slots=True)
class Letter:
    """The cleaned text, and the addresses that its mark-up links to."""

    text: str
    links: tuple[str, ...] = ()


def letter(text: str, *, html: bool = False) -> Letter:
    """Clean a message body; what lies behind the first `MOST` characters is dropped. Never raises."""
    links: tuple[str, ...] = ()
    text = text[:MOST]
    if html:
        text, links = _unmarked(text)
    text = normal(text)
    return Letter(_own_words(text.split("\n")), links)


def normal(text: str) -> str:
    """NFKC without invisible characters, with plain line ends.

    In pieces: ordering a long run of combining marks takes time quadratic in its length.
    """
    text = _LINE_ENDS.sub("\n", text)
    if not text.isascii():
        text = "".join(unicodedata.normalize("NFKC", piece) for piece in _PIECE.findall(text))
        text = text[:MOST]
    return _UNSEEN.sub("", text)


@dataclass(slots=True)
class _Reader:
    """What lxml calls while it reads; depth counts open elements inside a hidden or quoted one."""

    parts: list[str] = field(default_factory=list)
    links: list[str] = field(default_factory=list)
    hidden: int = 0
    pre: int = 0

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        if self.hidden:
            self.hidden += tag not in _VOID
            return
        if tag in _HIDDEN or tag == "blockquote" or _is_quote(attributes):
            self.hidden = 1
            return
        if tag in _BREAKING:
            self.parts.append("\n")
        if tag == "pre":
            self.pre += 1
            self.parts.append("```\n")
        if tag == "a" and len(self.links) < 1000:
            self.links.append(attributes.get("href", ""))

    def end(self, tag: str) -> None:
        if self.hidden:
            self.hidden -= tag not in _VOID
            return
        if tag == "pre" and self.pre:
            self.pre -= 1
            self.parts.append("\n```")
        if tag in _BREAKING and tag != "br":
            self.parts.append("\n")

    def data(self, data: str) -> None:
        if not self.hidden:
            self.parts.append(data if self.pre else re.sub(r"[ \t\r\n]+", " ", data))

    def comment(self, _: str) -> None:
        """Comments are nobody's words."""

    def close(self) -> str:
        return "".join(self.parts)


def _is_quote(attributes: dict[str, str]) -> bool:
    return bool(attributes) and any(
        _QUOTE_MARKS.search(attributes.get(name, "")[:500]) is not None for name in ("class", "id")
    )


def _unmarked(text: str) -> tuple[str, tuple[str, ...]]:
    reader = _Reader()
    parser = etree.HTMLParser(target=cast(Any, reader), recover=True, no_network=True)
    try:
        parser.feed(_UNSEEN.sub("", text))
        parser.close()
    except (etree.LxmlError, ValueError):  # an empty or unreadable document: what was read so far counts
        pass
    return "".join(reader.parts), tuple(reader.links)


def _own_words(lines: list[str]) -> str:
    kept: list[str] = []
    fenced = False
    for place, line in enumerate(lines):
        if _FENCE.match(line):
            fenced = not fenced
        elif not fenced:
            if line.lstrip()[:1] == ">":
                continue
            if _history_starts(lines, place):
                break
            if kept and _RULE.match(line) and line.strip() in {"--", "__"}:
                break
        kept.append(line.rstrip())
    return "\n".join(_unsigned(kept)).strip()


def _history_starts(lines: list[str], place: int) -> bool:
    """The line that introduces a quote, a forwarding rule, or the second of two mail headers in a row."""
    line = lines[place]
    if len(line) > 300 or not line.strip():
        return False
    if _FORWARD.match(line):
        return True
    if line.rstrip()[-1:] in ":：":
        shape = key(line)
        if any(_all_in(parts, shape) for book in BOOKS.values() for parts in book.wrote):
            return True
    return _is_header(line) and place + 1 < len(lines) and _is_header(lines[place + 1])


def _is_header(line: str) -> bool:
    found = _HEADER.match(line[:100])
    return found is not None and any(key(found[1]).strip() in book.headers for book in BOOKS.values())


def _all_in(parts: tuple[str, ...], shape: str) -> bool:
    place = 0
    for part in parts:
        place = shape.find(part, place)
        if place < 0:
            return False
        place += len(part) - part.endswith(" ")
    return True


def _unsigned(lines: list[str]) -> list[str]:
    """Without what follows a line that only closes the letter, if it is near the end and not the whole of it."""
    last = [place for place, line in enumerate(lines) if line.strip()]
    for place in last[-8:]:
        line = lines[place]
        if place == last[0] or len(line) > 60:
            continue
        shape = key(line)
        if len(shape) <= 45 and shape.startswith(_CLOSINGS):
            return lines[:place]
    return lines
