"""Whatever comes in: an answer, in bounded time, with nothing of the text in it, and the same for the same words."""

from __future__ import annotations

import html as markup
import re
import time
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labelled_messages import LANGUAGES, messages
from supportpulse.phrasebook import BOOKS, folded, key, tokens
from supportpulse.signals import distance, links_of, signals_of

MEGABYTE = 1_000_000
HOSTILE = (
    "<div>", "<b>", "<p>", "<!--", "<", "&", '<a href="http://x.example/', "<table><tr><td>", "<pre>",
    "<blockquote>", "\0",
    "a\u0301", "\u0315\u0300", "\u0f73", "\u200b", "\u202e", "\ufdfa", "> ", ">\n", "On a wrote:\n", "From: a\n",
    "a_", "a(", "aB",
    "a.b.", "? ", ". ", ", ", "a=b;\n", "};\n", "```\n", "`", "http://", "www.", "1:", "1.2.3 ", "0x",
    "日志\n", "请 ", "ですか", ":",
    "please provide ", "thanks for your ", "هل ", "\ud800", "-- \n", "\n", " ", "hi,", "- ",
)  # fmt: skip
MAIL = st.lists(
    st.sampled_from([*HOSTILE, "Hello ", "log ", "请重启。", "شكرا", "caused by x\n"]) | st.text(max_size=30)
).map("".join)
TEXTS = [text for language in LANGUAGES for text, _, _ in messages(language, "tuning")]
HISTORY = (
    "On Tue, 3 Mar 2026 at 10:12, Ana <ana@customer.example> wrote:\n> Please restart the app\n> https://example.com",
    "在 2026年3月3日，李雷 写道：\n> 请重启一下应用",
    "-----Original Message-----\nPlease restart the app",
    "发件人: 李雷\n发送时间: 2026年3月3日\n主题: 掉线\n\n请重启",
    "El mar, 3 mar 2026, Ana escribió:\n> reinicie",
    "Em ter., 3 de mar. de 2026, Ana escreveu:\n> reinicie",
    "Pada Sel, 3 Mar 2026, Ana menulis:\n> mulai ulang",
    "في الثلاثاء، ٣ مارس، كتب أحمد:\n> أعد تشغيل",
    "差出人: 田中\n日時: 2026/3/3\n件名: 切断\n\n再起動してください",
)


@given(MAIL, st.booleans())
def test_no_text_raises(text: str, html: bool) -> None:
    """Any characters, as text or as HTML, give signals that the contract accepts."""
    found = signals_of(text, html=html)
    assert 0 <= found.canned_share <= 1
    assert type(found).model_validate(found.model_dump()) == found


@pytest.mark.parametrize(
    ("unit", "html"), [(u, h) for u in HOSTILE for h in (False, True) if not h or u[0] in "<&\0};\ufdfa"]
)
def test_a_megabyte_takes_bounded_time(unit: str, html: bool) -> None:
    """A megabyte of one hostile pattern is answered within seconds: nothing is quadratic in it."""
    start = time.process_time()
    signals_of((unit * (MEGABYTE // len(unit) + 1))[:MEGABYTE], html=html)
    assert time.process_time() - start < 5


@given(st.text("XYZ", min_size=8, max_size=20), st.sampled_from(TEXTS), st.booleans())
def test_the_text_is_nowhere_in_the_signals(marker: str, text: str, html: bool) -> None:
    """A planted word does not come out, neither in a value nor in a representation."""
    found = signals_of(f"{text} {marker} https://{marker}.example/{marker}", html=html)
    assert marker.lower() not in repr(found).lower()
    assert marker.lower() not in found.model_dump_json().lower()


WIDE = "\u3005-\u3007\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff"


@given(MAIL | st.sampled_from(TEXTS) | st.lists(st.sampled_from([*"aB1'_-. é日かß،سُ’"])).map("".join))
def test_words_are_the_same_however_they_are_read(text: str) -> None:
    """ASCII, other letters and ideographs are cut into words in three ways, as one expression would."""
    assert tokens(text) == re.findall(rf"[{WIDE}]|[^\W_{WIDE}]+", folded(text).replace("'", ""))


PARTS = [part for book in BOOKS.values() for phrases in book.phrases.values() for part, *_ in phrases]


@given(st.lists(st.sampled_from(PARTS) | st.sampled_from(TEXTS) | st.sampled_from(["x", " ", ", ", "日"])).map("".join))
def test_the_index_leads_to_every_phrase_that_occurs(text: str) -> None:
    """Looking a text's words up finds the same phrases as a search for each."""
    shape, words = key(text), set(tokens(text))
    for book in BOOKS.values():
        every = [(name, phrase) for name, phrases in book.phrases.items() for phrase in phrases if phrase[0] in shape]
        assert sorted(book.index.occurring(words, shape)) == sorted(every)


@given(st.sampled_from(TEXTS), st.sampled_from(["NFC", "NFD", "NFKC", "NFKD"]))
def test_spelling_in_unicode_does_not_matter(text: str, form: str) -> None:
    """Texts that are equal under NFKC give equal signals."""
    assert signals_of(unicodedata.normalize(form, text)) == signals_of(text)


@given(st.sampled_from(TEXTS), st.sampled_from(["\u200b", "\u200d", "\u202e", "\u2066", "\ufeff", "\u00ad", "\0"]))
def test_what_nobody_sees_does_not_matter(text: str, unseen: str) -> None:
    """Zero-width and bidirectional characters between all letters change nothing."""
    assert signals_of(unseen.join(text)) == signals_of(text)


@given(st.sampled_from(TEXTS))
def test_full_width_letters_are_letters(text: str) -> None:
    """ASCII in its full-width form gives the same signals."""
    wide = "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in text)
    assert signals_of(wide) == signals_of(text)


@pytest.mark.parametrize("history", HISTORY)
@pytest.mark.parametrize("text", TEXTS[::11])
def test_quoted_history_does_not_count(text: str, history: str) -> None:
    """What the mail program quotes below, and quoted lines above, change no signal."""
    assert signals_of(f"{text}\n\n{history}\n") == signals_of(text)
    assert signals_of(f"> Please restart the app\n> 请重启\n\n{text}") == signals_of(text)


@given(st.lists(st.sampled_from(TEXTS), min_size=1, max_size=3))
def test_mark_up_does_not_count(texts: list[str]) -> None:
    """Paragraphs, styles, comments, quotes and inline mark-up give what the plain lines give."""
    inner = "".join(f"<p style='x'>{markup.escape(text)}<!-- restart --></p>" for text in texts)
    page = f"<html><head><style>p {{}}</style></head><body>{inner}<blockquote>Please restart</blockquote></body></html>"
    assert signals_of(page, html=True).model_copy(update={"length": 0}) == signals_of("\n\n".join(texts)).model_copy(
        update={"length": 0}
    )


@given(st.sampled_from([text for text in TEXTS if len(text) > 60]), st.integers(1, 9999))
def test_near_texts_are_near(text: str, number: int) -> None:
    """Another number changes no bit; a name more changes few; unrelated texts differ in many."""
    first, second = signals_of(f"{text} {number}").similarity, signals_of(f"{text} {number + 1} Bob").similarity
    assert first is not None
    assert second is not None
    assert signals_of(f"{text} {number + 1}").similarity == first
    assert distance(first, second) <= 14
    other = signals_of("zzz qqq completely different words about nothing in particular here").similarity
    assert other is not None
    assert distance(first, other) > 16


def test_links_are_counted_by_host() -> None:
    """Different addresses count once, subdomains as their host, look-alikes not."""
    text = (
        "See https://docs.vendor.example/join, https://docs.vendor.example/join, http://en.docs.vendor.example/a?b=c. "
        "Sample: https://git.example/samples (issue: https://bugs.example/7) not https://docs.vendor.example.bad.test/ "
        "nor https://evildocs.vendor.example/ nor https://docs.vendor.example@evil.test/x"
    )
    hosts = {
        "docs": frozenset({"docs.vendor.example"}),
        "code": frozenset({"git.example"}),
        "issues": frozenset({"bugs.example"}),
    }
    links = links_of(text, **hosts)
    assert (links.all, links.docs, links.code, links.issues) == (7, 2, 1, 1)
    found = signals_of(text, **hosts)
    assert (found.links, found.doc_links) == (7, 2)
    page = '<p>read <a href="https://docs.vendor.example/x">this</a> <a href="mailto:a@b.example">me</a></p>'
    assert signals_of(page, html=True, docs=hosts["docs"]).doc_links == 1
