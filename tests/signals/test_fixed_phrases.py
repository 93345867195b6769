"""The replies that are named as worthless are known in every language, bare and in a letter."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from supportpulse.phrasebook import BOOKS
from supportpulse.signals import signals_of

PHRASES: dict[str, dict[str, str]] = tomllib.loads(Path(__file__).with_name("fixed_phrases.toml").read_text("utf-8"))
CANNED = [(language, kind) for language, kinds in PHRASES.items() for kind in kinds if kind != "restart"]
SUBSTANCE = "onError 110 at 12:04:31, see joinChannelEx(token, options)"


@pytest.mark.parametrize(("language", "kind"), CANNED)
def test_a_canned_reply_is_canned(language: str, kind: str) -> None:
    """Nine tenths and more of the reply are canned, in its own language, with no sign of substance."""
    found = signals_of(PHRASES[language][kind])
    assert found.canned_share >= 0.9
    assert found.language == language
    assert not any((found.cause, found.prevention, found.self_check, found.names_item, found.mere_restart))
    assert found.question == (kind == "more")


@pytest.mark.parametrize("language", PHRASES)
def test_a_mere_restart_is_seen(language: str) -> None:
    """To say restart, alone or after thanks, is a mere restart and no solution."""
    for text in (PHRASES[language]["restart"], f"{PHRASES[language]['thanks']} {PHRASES[language]['restart']}"):
        found = signals_of(text)
        assert found.mere_restart, text
        assert not any((found.cause, found.prevention, found.self_check)), text


@pytest.mark.parametrize("language", PHRASES)
def test_a_restart_with_a_reason_is_no_mere_restart(language: str) -> None:
    """A concrete finding beside the restart, or beside the canned words, makes the reply one of substance."""
    both = f"{PHRASES[language]['thanks']} {PHRASES[language]['restart']} {SUBSTANCE}"
    found = signals_of(both)
    assert not found.mere_restart
    assert found.canned_share < 0.8


@pytest.mark.parametrize("language", PHRASES)
def test_greeting_and_signature_do_not_count(language: str) -> None:
    """A greeting before and a closing behind change no signal of the reply."""
    book = BOOKS[language]
    bare = PHRASES[language]["thanks"]
    dressed = f"{book.greetings[0].strip()},\n\n{bare}\n\n{book.closings[0].strip()},\nAnna Example\n+1 555 0100"
    assert signals_of(dressed).model_copy(update={"length": 0}) == signals_of(bare).model_copy(update={"length": 0})


@pytest.mark.parametrize(
    "text",
    [
        "We are working on error code 110.",
        "More details on uid 8837462510 please.",
        "我们正在处理错误码110。",
        "Estamos trabajando en el código de error 110.",
    ],
)
def test_a_polite_clause_with_a_finding_is_not_canned(text: str) -> None:
    """Of a clause that names an item only the canned words themselves count."""
    assert signals_of(text).canned_share < 0.8
