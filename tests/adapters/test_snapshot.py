"""Snapshots: named by what they show, placed behind the messages of their instant."""

from __future__ import annotations

from datetime import UTC, datetime

from adapted import RECEIVED, delivery_of
from supportpulse.edges.adapters.adapter import Options, Update
from supportpulse.edges.adapters.message import posted
from supportpulse.edges.adapters.snapshot import BORN, LAST, known, number, observed, status_of, when

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
UPDATE = Update("desk", "7", NOON, "vendor/ticket/7/1", LAST)


def test_an_id_says_what_was_seen() -> None:
    """The same snapshot has the same id, another one of the same instant another, by whatever tells them apart."""
    solved = observed(UPDATE, {"status": "solved", "team": None})
    assert observed(UPDATE, {"team": None, "status": "solved"}).id == solved.id
    others = [
        observed(UPDATE, {"status": "solved"}),
        observed(UPDATE, {"status": "open", "team": None}),
        observed(UPDATE, {"status": "solved", "team": None, "actor": UPDATE.actor("agent")}),
        observed(UPDATE, {"status": "solved", "team": None}, "beside"),
    ]
    assert len({solved.id, *(other.id for other in others)}) == 5


def test_a_snapshot_sorts_behind_messages() -> None:
    """A reply that solves its ticket is first a reply; the snapshot of the opening comes before the later ones."""
    message = posted(Update("desk", "7", NOON, "m", number("999999999999999")), "x", Options(), by=None, public=True)
    born = observed(Update("desk", "7", NOON, "t", BORN), {"status": "new"})
    later = observed(UPDATE, {"status": "open"})
    assert (message.sequence or 0) < (born.sequence or 0) < (later.sequence or 0)


def test_a_missing_time_is_that_of_receipt() -> None:
    """The first path with a time wins; without one the UTC day of receipt is the name."""
    told = delivery_of({"a": "no time", "b": "2026-01-05T12:00:00Z"})
    assert when(told, "a", "b") == (NOON, "1767614400000")
    assert when(told, "a", "c") == (RECEIVED, "2026-03-01")


def test_configured_people_and_statuses_win() -> None:
    """Bots before agents, by any way of naming them; a configured status before the vendor's."""
    options = Options(bots=frozenset({"9"}), agents=frozenset({"9", "a@example.com"}), statuses={"on hold": "open"})
    assert [known(options, 9), known(options, None, "a@example.com"), known(options, 8, [])] == ["bot", "agent", None]
    preset = {"on hold": "solved", "4": "solved"}
    assert status_of(options, preset, "4", " On Hold ") == "open"  # type: ignore[arg-type]
    assert status_of(options, preset, None, "4") == "solved"  # type: ignore[arg-type]
    assert status_of(options, preset, "unheard of") is None  # type: ignore[arg-type]


def test_a_message_without_an_id_is_named_by_what_is_kept() -> None:
    """Two texts are two events, one text told twice is one, and no text is in the id."""
    first, again, other = (
        posted(UPDATE, text, Options(), by=None, public=True, nameless=True).id
        for text in ("We found the cause.", "We found the cause.", "Which log is that?")
    )
    assert first == again != other
    assert "cause" not in first
