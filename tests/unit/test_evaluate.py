"""Batch decisions: up to when, and per source."""

from __future__ import annotations

from typing import Any

from strategies import MINUTE, START, happened, policy_of
from supportpulse.envelope import from_ms
from supportpulse.evaluate import evaluate
from supportpulse.events import Heartbeat
from supportpulse.reader import Read, read_event

POLICY = policy_of('name = "p"\nlabels = ["rule"]\n[[rules]]\nname = "all"\ntargets = { first_response = "1h" }\n')


def say(name: str, minute: int, **data: Any) -> Read:
    """An event at a minute."""
    return read_event(happened(name, START + minute * MINUTE, f"{name}{minute}", **data))


def beat(minute: int, source: str = "desk", instance: str = "a", mode: str = "log") -> Read:
    """A heartbeat whose watermark is a minute."""
    at = from_ms(START + minute * MINUTE)
    body = {"instance": instance, "watermark": at, "mode": mode}
    return read_event(Heartbeat.model_validate({"id": "h", "source": source, "time": at, "data": body}))


def breached(log: list[Read], as_of: Any = None) -> set[str]:
    """Keys of the tickets found in breach."""
    return {key for (key, _, _), (verdict, _, _) in evaluate(log, POLICY, as_of).net.items() if verdict == "breached"}


def test_without_heartbeats_the_last_event_is_the_end() -> None:
    """What was due by the last event of the source is decided, what came due later is not: never now."""
    assert breached([say("TicketCreated", 0), say("RepeatOf", 59, ticket="2")]) == set()
    assert breached([say("TicketCreated", 0), say("RepeatOf", 60, ticket="2")]) == {"desk|1"}


def test_a_watermark_wins_over_the_last_event() -> None:
    """Everything before a watermark has been delivered, the watermark itself has not."""
    assert breached([say("TicketCreated", 0), beat(60)]) == set()
    assert breached([say("TicketCreated", 0), beat(61)]) == {"desk|1"}
    assert breached([say("TicketCreated", 0), say("RepeatOf", 90), beat(30)]) == set()


def test_the_end_of_an_import_does_not_hold_a_source_that_went_live() -> None:
    """The last watermark of any instance counts, as it does in the stream."""
    log = [say("TicketCreated", 0), beat(30, instance="import", mode="ended"), beat(61, instance="host", mode="live")]
    assert breached(log) == {"desk|1"}


def test_each_source_has_its_own_end() -> None:
    """A source that is ahead does not decide for another; an instant holds for all, a mapping for each."""
    log = [say("TicketCreated", 0), say("TicketCreated", 0, source="forum"), say("RepeatOf", 70, source="forum")]
    assert breached(log) == {"forum|1"}
    assert breached(log, START + 60 * MINUTE) == {"desk|1", "forum|1"}
    assert breached(log, {"desk": START + 60 * MINUTE, "forum": START}) == {"desk|1"}
    assert evaluate(log, POLICY).as_of == {"desk": START, "forum": START + 70 * MINUTE}


def test_the_first_arrival_of_an_id_wins() -> None:
    """An event that reuses an id is rejected, though it happened earlier; a repeat is counted."""
    first = happened("MessagePosted", START + 70 * MINUTE, "m", by="agent")
    earlier = happened("MessagePosted", START + 10 * MINUTE, "m", by="agent")
    log = [say("TicketCreated", 0), *map(read_event, (first, earlier, first))]
    found = evaluate(log, POLICY)
    assert [reason for reason, _ in found.rejected] == ["id_conflict"]
    assert (found.events, found.duplicates) == (4, 1)
    assert breached(log) == {"desk|1"}
