"""Records of a ticket are admitted, or refused, as the worker does it."""

from __future__ import annotations

from strategies import DAY, HOUR, MINUTE, START, happened, policy_of
from supportpulse.envelope import encode
from supportpulse.events import TicketEvent
from supportpulse.hearing import Arrival, Hearing, hear
from supportpulse.marker import marker
from supportpulse.outcome import KIND_NAMES

POLICY = """
name = "p"
labels = ["rule"]
[[rules]]
name = "all"
targets = { first_response = "1h" }
"""
KEY = "desk|1"


def created(at: int = START, identity: str = "c", **data: object) -> TicketEvent:
    """The ticket is opened."""
    return happened("TicketCreated", at, identity, **data)


def heard(*records: tuple[bytes | TicketEvent, int]) -> Hearing:
    """Of (value, broker time) in partition 3, which is the right one; events are admitted up to a day ahead."""
    arrivals = [
        Arrival(KEY.encode(), value if isinstance(value, bytes) else encode(value), offset, 3, arrived)
        for offset, (value, arrived) in enumerate(records)
    ]
    return hear(KEY, arrivals, policy_of(POLICY), DAY, lambda key: 3)


def due(at: int) -> bytes:
    """A marker: everything up to `at` (ms) has been delivered."""
    return marker(KEY.encode(), at)


def test_a_marker_decides_nothing_beyond_its_broker_time() -> None:
    """A worker whose clock is ahead: its marker counts up to the time at which the broker took it."""
    found = heard((created(), START), (due(START + 2 * HOUR), START + 59 * MINUTE), (due(START + HOUR), START + HOUR))
    assert [mark.at for mark in found.marks] == [START + 59 * MINUTE, START + HOUR]
    said = [(KIND_NAMES[one.said.kind], one.cause.offset) for one in found.sayings]
    assert said == [("at_risk", 1), ("breached", 2)]
    assert found.as_of == START + HOUR


def test_a_marker_of_a_ticket_not_known_yet_says_nothing() -> None:
    """The worker does not heed it either: what comes then is not late."""
    found = heard((due(START + DAY), START + DAY), (created(), START + DAY))
    assert (found.as_of, found.marks, found.admitted[0].late) == (-1, [], False)


def test_what_does_not_count_is_refused_with_the_reason() -> None:
    """Too far ahead, the same id with other facts, another ticket's; a repeated delivery is neither."""
    found = heard(
        (created(), START),
        (created(), START + 1),
        (created(priority="urgent"), START + 2),
        (created(START + 2 * DAY, "future"), START + DAY - 1),
        (happened("TicketCreated", START, "other", ticket="2"), START + 4),
    )
    assert [(one.arrival.offset, one.reason) for one in found.refused] == [
        (2, "id_conflict"), (3, "future_time"), (4, "key_mismatch"),
    ]  # fmt: skip
    assert [one.offset for one in found.repeated] == [1]
    assert len(found.admitted) == 1


def test_a_record_in_a_wrong_partition_is_refused() -> None:
    """By the owner of its key."""
    arrival = Arrival(KEY.encode(), encode(created()), 0, 1, START)
    found = hear(KEY, [arrival], policy_of(POLICY), DAY, lambda key: 3)
    assert [(one.reason, one.detail) for one in found.refused] == [
        ("wrong_partition", "found in partition 1; valid: 3, by murmur2 of the key")
    ]
