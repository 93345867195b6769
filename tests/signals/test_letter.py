"""Mark-up, history and signatures go; code, traces and what the author wrote stay."""

from __future__ import annotations

import pytest

from supportpulse.letter import letter
from supportpulse.signals import signals_of

CODE = (
    "Try this:\n```kotlin\nengine.leaveChannel()\n```",
    'Traceback (most recent call last):\n  File "a.py", line 3, in <module>',
    "FATAL\n    at io.vendor.rtc.Engine.join(Engine.java:120)\n    at io.vendor.Main.run(Main.java:7)",
    "#00 pc 0000000000012345  /system/lib64/libc.so",
    "Use\nconst client = createClient({ mode: 'rtc' });",
    "engine.setClientRole(BROADCASTER);",
)
PROSE = (
    "Please tell us more; we wait.",
    "I let you know (soon) what we found: nothing.",
    "Return the phone to the shop, then public holidays begin.",
    "您好；请稍等。",
    "from Monday on: we import the data for you",
)


@pytest.mark.parametrize("text", CODE)
def test_code_is_seen(text: str) -> None:
    """Fences, traces and lines of code count as code."""
    assert signals_of(text).code


@pytest.mark.parametrize("text", PROSE)
def test_prose_is_no_code(text: str) -> None:
    """Semicolons, colons, parentheses and keywords of programming languages in prose do not."""
    assert not signals_of(text).code


def test_preformatted_html_is_code() -> None:
    """A `pre` element is a fence."""
    assert signals_of("<p>Do:</p><pre>engine.leave()\nengine.join()</pre>", html=True).code


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("Hello\n\nIt works.\n\n-- \nBob\nCEO", "Hello\n\nIt works."),
        ("It works.\n\nBest regards,\nBob", "It works."),
        ("好了。\n\n此致\n李雷", "好了。"),
        ("直りました。\n\nよろしくお願いいたします。\n田中", "直りました。"),
        ("Funciona.\n\nSaludos,\nAna", "Funciona."),
        ("Deu certo.\n\nAtenciosamente,\nAna", "Deu certo."),
        ("Sudah bisa.\n\nSalam,\nBudi", "Sudah bisa."),
        ("اشتغل.\n\nمع التحية\nأحمد", "اشتغل."),
        ("It works.\n\nSent from my iPhone", "It works."),
        ("Best regards", "Best regards"),
        ("a\n________________________________\nFrom: x", "a"),
        ("Am 3. März schrieb Bob:\n> x", ""),
        ("> quoted\nanswer\n> quoted\nanother", "answer\nanother"),
        ("From: the beginning it was slow", "From: the beginning it was slow"),
    ],
)
def test_signature_and_history_go(text: str, left: str) -> None:
    """The closing line of each language and all behind it go, and quoted history; a letter of nothing else stays."""
    assert letter(text).text == left


def test_reply_quotes_of_mail_programs_go() -> None:
    """What mail programs mark as quote or signature in HTML is not read."""
    page = (
        '<div>Solved!</div><div class="gmail_quote"><div>On Monday</div>Please restart</div>'
        '<div class="moz-signature">Bob</div><script>var a;</script>'
    )
    assert letter(page, html=True).text == "Solved!"


def test_an_empty_message_says_nothing() -> None:
    """No text, or only quotes, is neither canned nor anything else."""
    for text in ("", " \n", "> only a quote", "\0"):
        found = signals_of(text)
        assert (found.length, found.canned_share, found.similarity, found.language) == (0, 0.0, None, None)
    assert signals_of("", html=True).length == 0
