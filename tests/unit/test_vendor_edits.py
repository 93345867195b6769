"""What an edited policy or calendar does to open tickets at Zendesk, Jira and Zammad, by worked example."""

from __future__ import annotations

from functools import cache

import pytest

from strategies import policy_of
from supportpulse.policy import Policy
from supportpulse.settings import SHIPPED_POLICY
from week import Case, ask, new, raised, reply, status, told

Edit = tuple[str, tuple[tuple[str, str], ...]]
"""(since, changes): what the preset's file says from an instant in the week on."""


@cache
def edited(vendor: str, edits: tuple[Edit, ...]) -> Policy:
    """A shipped policy and edits of it, each of the text before; each change must have something to change."""
    mode = {"zendesk": "next_event"}.get(vendor, "open_tickets")
    text = SHIPPED_POLICY.with_name(f"{vendor}.toml").read_text("utf-8")
    texts = [text]
    for since, changes in edits:
        for old, instead in changes:
            assert old in text, old
            text = text.replace(old, instead)
        texts.append(f'valid_from = 2025-03-{since}Z\napplies_to = "{mode}"\n{text}')
    return policy_of(*texts)


SHORTER: Edit = "28T10:30:00", (('first_response = "4h"', 'first_response = "1h"'),)
SCHEDULE: Edit = "28T12:00:00", (('["09:00-17:00"]', '["10:00-18:00"]'),)
ZENDESK: dict[str, tuple[tuple[Edit, ...], Case]] = {
    "an edited policy does not reach a ticket to which nothing happens": (
        (SHORTER,), ("first_response", [new("Fri 09:00", "normal")], ["breached Fri 13:00"]),
    ),
    "it does with the next event, for the ticket's whole life": (
        (SHORTER,),
        ("first_response", [new("Fri 09:00", "normal"), reply("Fri 11:00", public=False)], ["breached Fri 10:00"]),
    ),
    "an event just before it brings nothing, one at its instant does": (
        (SHORTER,),
        ("first_response", [new("Fri 10:00", "normal"), ask("Fri 10:29"), ask("Fri 10:30")], ["breached Fri 11:00"]),
    ),
    "what was met stays met": (
        (SHORTER,), ("first_response", [new("Fri 09:00", "normal"), reply("Fri 10:20"), ask("Fri 11:00")],
                     ["met Fri 10:20"]),
    ),
    "the reply itself is judged by the target before it": (
        (SHORTER,), ("first_response", [new("Fri 09:00", "normal"), reply("Fri 11:00")], ["met Fri 11:00"]),
    ),
    "an edited schedule does not move a target": (
        (SCHEDULE,), ("agent_work", [new("Fri 10:00", "high")], ["breached Mon 10:00"]),
    ),
    "until something happens to the ticket": (
        (SCHEDULE,), ("agent_work", [new("Fri 10:00", "high"), ask("Fri 13:00")], ["breached Fri 18:00"]),
    ),
    "of several edits the last one counts": (
        (SHORTER, ("28T11:00:00", (('first_response = "1h"', 'first_response = "2h"'),))),
        ("first_response", [new("Fri 09:00", "normal"), ask("Fri 11:10")], ["breached Fri 11:00"]),
    ),
}  # fmt: skip

TWO_HOURS: Edit = "28T11:00:00", (('time_to_resolution = "4h"', 'time_to_resolution = "2h"'),)
SATURDAYS: Edit = "29T00:00:00", (('mon-fri = ["09:00-17:00"]', 'mon-sat = ["09:00-17:00"]'),)
JSM: dict[str, tuple[tuple[Edit, ...], Case]] = {
    "an edited goal counts at once, with the time used so far": (
        (TWO_HOURS,), ("time_to_resolution", [new("Fri 10:00", "urgent")], ["breached Fri 12:00"]),
    ),
    "if more is used than it allows, it is breached at once": (
        (("28T11:00:00", (('time_to_resolution = "4h"', 'time_to_resolution = "30m"'),)),),
        ("time_to_resolution", [new("Fri 10:00", "urgent")], ["breached Fri 11:00"]),
    ),
    "a pause goes on under the new goal": (
        (TWO_HOURS,),
        ("time_to_resolution",
         [new("Fri 10:00", "urgent"), status("Fri 10:30", "pending_customer"), status("Fri 15:00", "open")],
         ["breached Fri 16:30"]),
    ),
    "a completed cycle stays as it was, the next one has the new goal": (
        (TWO_HOURS,),
        ("time_to_resolution",
         [new("Fri 07:30", "urgent"), status("Fri 10:30", "solved"), status("Fri 12:00", "open")],
         ["met Fri 10:30", "breached Fri 14:00"]),
    ),
    "an edited calendar counts from then on": (
        (SATURDAYS,), ("time_to_resolution", [new("Fri 10:00", "high")], ["breached Sat 10:00"]),
    ),
    "a goal that no edit touched stays": (
        (TWO_HOURS,), ("time_to_first_response", [new("Fri 10:45", "urgent")], ["breached Fri 11:15"]),
    ),
}  # fmt: skip

LONGER: Edit = "28T11:00:00", (('first_response = "1h", agent', 'first_response = "8h", agent'),)
SOLVE_SOONER: Edit = "28T14:00:00", (('requester_wait = "8h"', 'requester_wait = "4h"'),)
HOLIDAY: Edit = "29T08:00:00", (('"13:00-17:00"] }\n', '"13:00-17:00"] }\nholidays.dates = ["2025-03-31"]\n'),)
OFF: Edit = "28T09:30:00", (('targets = { first_response = "1h", agent', "targets = { agent"),)
ZAMMAD: dict[str, tuple[tuple[Edit, ...], Case]] = {
    "an open ticket is recalculated from its beginning, and may escalate at once": (
        (SOLVE_SOONER,), ("requester_wait", [new("Fri 08:00", "high")], ["breached Fri 13:00"]),
    ),
    "more time takes an escalation back": (
        (LONGER,), ("first_response", [new("Fri 09:00", "high"), reply("Fri 13:00")], ["met Fri 13:00"]),
    ),
    "statistics are not recalculated": (
        (SOLVE_SOONER,),
        ("requester_wait", [new("Fri 08:00", "high"), status("Fri 13:30", "solved")], ["met Fri 13:30"]),
    ),
    "what was answered before the edit stays answered": (
        (("28T11:00:00", (('first_response = "1h", agent', 'first_response = "5m", agent'),)),),
        ("first_response", [new("Fri 09:00", "high"), reply("Fri 09:30")], ["met Fri 09:30"]),
    ),
    "an edited calendar recalculates: Monday is a holiday since Saturday": (
        (HOLIDAY,), ("first_response", [new("Fri 15:30", "high")], ["breached Tue 07:30"]),
    ),
    "a target that is taken out escalates no more": (
        (OFF,), ("first_response", [new("Fri 09:00", "high")], ["cancelled Fri 09:30"]),
    ),
    "a target for another priority is no affair of this ticket": (
        (SOLVE_SOONER,), ("requester_wait", [new("Fri 08:00", "low"), raised("Fri 08:30", "normal")],
                          ["breached Tue 09:00"]),
    ),
}  # fmt: skip

CASES = {
    f"{vendor}: {sentence}": (vendor, *case)
    for vendor, cases in (("zendesk", ZENDESK), ("jsm", JSM), ("zammad", ZAMMAD))
    for sentence, case in cases.items()
}


@pytest.mark.parametrize("sentence", CASES)
def test_an_edit_reaches_open_tickets_as_at_the_vendor(sentence: str) -> None:
    """What the sentence says, and the same when the events arrive last first."""
    vendor, edits, (clock, events, expected) = CASES[sentence]
    assert told(edited(vendor, edits), clock, *events) == expected
    assert told(edited(vendor, edits), clock, *reversed(events)) == expected
