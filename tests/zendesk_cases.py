"""Zendesk's SLA rules by worked example: a sentence, a ticket's events, the verdicts of a clock."""

from __future__ import annotations

from week import VENDOR, WAIT, Case, ask, new, owned, raised, reply, say, status

ZENDESK: dict[str, Case] = {
    "the first reply does not wait for Pending": (
        "first_response",
        [new("Fri 10:00", "urgent"), status("Fri 10:05", WAIT), reply("Fri 10:20")],
        ["breached Fri 10:15"],
    ),
    "neither a bot nor an internal note is a first reply": (
        "first_response",
        [new("Fri 10:00", "urgent"), reply("Fri 10:01", "bot"), reply("Fri 10:02", public=False), reply("Fri 10:10")],
        ["met Fri 10:10"],
    ),
    "a ticket an agent opened owes no first reply": (
        "first_response", [new("Fri 10:00", "urgent", by="agent"), reply("Fri 15:00")], [],
    ),
    "no priority, no SLA": ("first_response", [new("Fri 10:00"), reply("Fri 10:01")], []),
    "a late priority: the first reply counts from creation": (
        "first_response", [new("Fri 10:00"), raised("Fri 12:00", "high")], ["breached Fri 11:00"],
    ),
    "the next reply counts from the oldest unanswered comment": (
        "next_response",
        [new("Fri 10:00", "urgent"), reply("Fri 10:05"), ask("Fri 10:10"), ask("Fri 10:30"), status("Fri 10:31", WAIT)],
        ["breached Fri 10:40"],
    ),
    "each unanswered comment is an instance of its own": (
        "next_response",
        [new("Fri 10:00", "urgent"), reply("Fri 10:05"), ask("Fri 10:10"), reply("Fri 10:20"), ask("Fri 11:00"),
         reply("Fri 11:25")],
        ["met Fri 10:20", "met Fri 11:25"],
    ),
    "before the first reply there is no next one": (
        "next_response",
        [new("Fri 10:00", "urgent"), ask("Fri 10:02"), reply("Fri 10:10"), ask("Fri 10:12"), reply("Fri 10:20")],
        ["met Fri 10:20"],
    ),
    "a comment after a reopen is a new instance": (
        "next_response",
        [new("Fri 10:00", "urgent"), reply("Fri 10:05"), status("Fri 11:00", "solved"), status("Sat 10:00", "open"),
         ask("Sat 10:00")],
        ["breached Sat 10:30"],
    ),
    "the periodic update runs on in Pending": (
        "periodic_update",
        [new("Fri 09:00", "normal"), reply("Fri 10:00"), status("Fri 11:00", WAIT), status("Mon 16:00", "open")],
        ["breached Tue 10:00"],
    ),
    "the pausable update stands still in Pending": (
        "pausable_update",
        [new("Fri 09:00", "high"), reply("Fri 10:00"), status("Fri 11:00", WAIT), status("Mon 11:00", "open")],
        ["breached Mon 14:00"],
    ),
    "the requester waits in On-hold, not in Pending": (
        "requester_wait",
        [new("Fri 10:00", "urgent"), status("Fri 11:00", WAIT), status("Fri 12:00", VENDOR),
         status("Fri 13:00", "open")],
        ["breached Fri 15:00"],
    ),
    "the agent works neither in Pending nor in On-hold": (
        "agent_work",
        [new("Fri 10:00", "urgent"), status("Fri 11:00", WAIT), status("Fri 12:00", VENDOR),
         status("Fri 13:00", "open")],
        ["breached Fri 16:00"],
    ),
    "the total counts everything": (
        "total_resolution",
        [new("Fri 09:00", "normal"), status("Fri 11:00", WAIT), status("Mon 09:00", VENDOR),
         status("Thu 13:00", "open")],
        ["breached Thu 17:00"],
    ),
    "Solved fulfils, a reopen resumes without the time in between": (
        "agent_work",
        [new("Fri 10:00", "urgent"), status("Fri 12:00", "solved"), status("Fri 20:00", "open")],
        ["breached Fri 22:00"],
    ),
    "requester wait too resumes": (
        "requester_wait",
        [new("Fri 10:00", "urgent"), status("Fri 12:00", "solved"), status("Fri 20:00", "open"),
         status("Fri 21:00", "solved")],
        ["met Fri 21:00"],
    ),
    "the total too resumes": (
        "total_resolution",
        [new("Fri 09:00", "normal"), status("Fri 10:00", "solved"), status("Wed 16:00", "open"),
         status("Thu 16:30", "solved")],
        ["met Thu 16:30"],
    ),
    "a group owns until another gets it, and anew after a reopen": (
        "ownership",
        [new("Fri 10:00", "urgent"), owned("Fri 10:00", "a"), owned("Fri 11:00", "b"), status("Fri 12:00", "solved"),
         status("Fri 14:00", "open")],
        ["met Fri 11:00", "met Fri 12:00", "breached Fri 16:00"],
    ),
    "a raised priority brings its target, from creation": (
        "first_response", [new("Fri 10:00", "low"), raised("Fri 10:30", "urgent")], ["breached Fri 10:15"],
    ),
    "what was met stays met": (
        "first_response",
        [new("Fri 10:00", "low"), reply("Fri 10:20"), raised("Fri 10:30", "urgent")],
        ["met Fri 10:20"],
    ),
    "every metric takes the new target for its whole life: next reply": (
        "next_response",
        [new("Fri 09:00", "low"), reply("Fri 09:30"), ask("Fri 10:00"), raised("Fri 11:00", "urgent")],
        ["breached Fri 10:30"],
    ),
    "periodic update": (
        "periodic_update",
        [new("Fri 10:00"), reply("Fri 10:00"), raised("Mon 10:00", "normal")],
        ["breached Tue 10:00"],
    ),
    "pausable update": (
        "pausable_update",
        [new("Fri 10:00", "high"), reply("Fri 10:00"), raised("Fri 11:30", "urgent")],
        ["breached Fri 11:00"],
    ),
    "requester wait": (
        "requester_wait", [new("Fri 16:00", "high"), raised("Mon 10:00", "urgent")], ["breached Fri 20:00"],
    ),
    "agent work": ("agent_work", [new("Fri 16:00", "high"), raised("Mon 10:00", "urgent")], ["breached Fri 20:00"]),
    "ownership": (
        "ownership",
        [new("Fri 16:00", "high"), owned("Fri 16:00", "a"), raised("Mon 10:00", "urgent")],
        ["breached Fri 18:00"],
    ),
    "a merge closes without a verdict": (
        "agent_work", [new("Fri 10:00", "urgent"), say("TicketMerged", "Fri 11:00")], ["cancelled Fri 11:00"],
    ),
    "spam takes a breach back": (
        "first_response", [new("Fri 10:00", "urgent"), say("MarkedAsSpam", "Fri 11:00")], ["cancelled Fri 11:00"],
    ),
}  # fmt: skip
