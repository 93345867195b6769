"""The SLA rules of helpdesks other than Zendesk by worked example: a sentence, events, the verdicts of a clock."""

from __future__ import annotations

from week import VENDOR, WAIT, Case, ask, new, raised, reply, say, status

JSM: dict[str, Case] = {
    "an internal comment is not for customers": (
        "time_to_first_response",
        [new("Fri 10:00", "urgent"), reply("Fri 10:05", public=False), reply("Fri 10:25")],
        ["met Fri 10:25"],
    ),
    "a set resolution stops the first response too": (
        "time_to_first_response", [new("Fri 10:00", "urgent"), status("Fri 10:10", "solved")], ["met Fri 10:10"],
    ),
    "waiting for customer pauses, from 17:00 to 09:00 at no cost": (
        "time_to_resolution",
        [new("Fri 16:00", "high"), status("Fri 17:00", WAIT), status("Mon 09:00", "open")],
        ["breached Mon 16:00"],
    ),
    "it pauses within the day as long as it lasts": (
        "time_to_resolution",
        [new("Fri 16:00", "high"), status("Mon 09:00", WAIT), status("Mon 11:00", "open")],
        ["breached Tue 10:00"],
    ),
    "waiting for a vendor does not pause": (
        "time_to_resolution",
        [new("Fri 10:00", "urgent"), status("Fri 11:00", VENDOR), status("Fri 17:00", "open")],
        ["breached Fri 14:00"],
    ),
    "a reopen begins a new cycle with all its time": (
        "time_to_resolution",
        [new("Fri 10:00", "urgent"), status("Fri 12:00", "solved"), status("Fri 15:00", "open")],
        ["met Fri 12:00", "breached Fri 19:00"],
    ),
    "reopened into waiting for customer, the new cycle starts paused": (
        "time_to_resolution",
        [new("Fri 10:00", "urgent"), status("Fri 12:00", "solved"), status("Fri 13:00", WAIT),
         status("Sat 13:00", "open")],
        ["met Fri 12:00", "breached Sat 17:00"],
    ),
    "another goal keeps the time used": (
        "time_to_resolution", [new("Fri 16:00"), raised("Mon 10:00", "urgent")], ["breached Mon 12:00"],
    ),
    "so does the first response": (
        "time_to_first_response", [new("Fri 16:45", "high"), raised("Mon 09:05", "urgent")], ["breached Mon 09:15"],
    ),
    "a breach stands under a longer goal": (
        "time_to_resolution", [new("Fri 10:00", "urgent"), raised("Fri 15:00", "high")], ["breached Fri 14:00"],
    ),
    "a goal without a priority is that of all remaining": (
        "time_to_first_response", [new("Fri 15:00")], ["breached Mon 11:00"],
    ),
}  # fmt: skip

FRESHDESK: dict[str, Case] = {
    "the first response stands still while its timer is off": (
        "first_response",
        [new("Fri 10:00", "urgent"), status("Fri 10:05", WAIT), status("Fri 10:35", "open")],
        ["breached Fri 10:45"],
    ),
    "waiting on a third party too": (
        "first_response",
        [new("Fri 10:00", "urgent"), status("Fri 10:05", VENDOR), status("Fri 10:35", "open"), reply("Fri 10:44")],
        ["met Fri 10:44"],
    ),
    "every response has its time, and stands still too": (
        "next_response",
        [new("Fri 10:00", "urgent"), ask("Fri 10:10"), reply("Fri 10:20"), ask("Fri 11:00"), status("Fri 11:10", WAIT),
         status("Fri 12:00", VENDOR), status("Fri 12:10", "open")],
        ["met Fri 10:20", "breached Fri 12:30"],
    ),
    "on hold from 17:00 to 09:00 costs nothing": (
        "agent_work",
        [new("Fri 16:00", "high"), status("Fri 17:00", WAIT), status("Mon 09:00", "open")],
        ["breached Mon 16:00"],
    ),
    "the resolution stands still for the customer and for a third party": (
        "agent_work",
        [new("Fri 10:00", "urgent"), status("Fri 10:30", WAIT), status("Fri 11:30", VENDOR),
         status("Fri 12:30", "open")],
        ["breached Fri 14:00"],
    ),
    "Closed resolves as Resolved does": (
        "agent_work", [new("Fri 10:00", "urgent"), status("Fri 11:00", "closed")], ["met Fri 11:00"],
    ),
    "reopened, the timer goes on where it was": (
        "agent_work",
        [new("Fri 10:00", "urgent"), status("Fri 11:00", "solved"), status("Fri 15:00", "open")],
        ["breached Fri 16:00"],
    ),
    "a raised priority: due anew from the beginning": (
        "agent_work", [new("Fri 10:00", "low"), raised("Fri 13:00", "urgent")], ["breached Fri 12:00"],
    ),
    "a lowered priority takes the violation back": (
        "agent_work",
        [new("Fri 10:00", "urgent"), raised("Fri 13:00", "high"), status("Mon 09:30", "solved")],
        ["met Mon 09:30"],
    ),
    "the first response too": (
        "first_response",
        [new("Fri 10:00", "urgent"), raised("Fri 10:30", "high"), reply("Fri 10:50")],
        ["met Fri 10:50"],
    ),
    "and every response": (
        "next_response",
        [new("Fri 10:00", "urgent"), ask("Fri 10:00"), raised("Fri 10:40", "high"), reply("Fri 11:50")],
        ["met Fri 11:50"],
    ),
    "business hours: Friday 16:30 and an hour is Monday 09:30": (
        "first_response", [new("Fri 16:30", "high")], ["breached Mon 09:30"],
    ),
}  # fmt: skip

ZAMMAD: dict[str, Case] = {
    "lunch does not count": ("first_response", [new("Fri 10:30", "high")], ["breached Fri 12:30"]),
    "Friday 16:30 and an hour is Monday 09:30 in Berlin, an hour less over summer time": (
        "first_response", [new("Fri 15:30", "high")], ["breached Mon 07:30"],
    ),
    "a pending reminder ignores escalation": (
        "first_response",
        [new("Fri 09:00", "high"), status("Fri 09:15", WAIT), status("Fri 10:00", "open")],
        ["breached Fri 10:45"],
    ),
    "another SLA does not reset the first response": (
        "first_response", [new("Fri 09:00"), raised("Fri 10:30", "high")], ["breached Fri 10:00"],
    ),
    "an agent responds to the last message of the customer": (
        "agent_respond",
        [new("Fri 09:00", "high"), ask("Fri 09:00"), ask("Fri 10:00")],
        ["cancelled Fri 10:00", "breached Fri 13:00"],
    ),
    "a breach stands when the customer writes again": (
        "agent_respond",
        [new("Fri 08:00", "high"), ask("Fri 08:00"), ask("Fri 10:30"), reply("Fri 12:00"), ask("Fri 13:00"),
         status("Fri 13:30", "solved")],
        ["breached Fri 10:00", "met Fri 12:00", "cancelled Fri 13:30"],
    ),
    "the response too ignores what is pending": (
        "agent_respond",
        [new("Fri 08:00", "high"), ask("Fri 08:00"), status("Fri 09:00", WAIT), status("Fri 10:00", "open")],
        ["breached Fri 11:00"],
    ),
    "the response too counts by the SLA it has last": (
        "agent_respond", [new("Fri 08:00"), ask("Fri 08:00"), raised("Fri 10:30", "high")], ["breached Fri 10:00"],
    ),
    "between agent updates: from reply to reply": (
        "pausable_update",
        [new("Fri 08:00", "low"), reply("Fri 08:30"), reply("Fri 09:00"), ask("Fri 10:00")],
        ["met Fri 09:00", "breached Mon 08:00"],
    ),
    "between agent updates, pending does not count": (
        "pausable_update",
        [new("Fri 08:00", "low"), reply("Fri 09:00"), status("Fri 10:00", WAIT), status("Mon 07:00", "open")],
        ["breached Mon 14:00"],
    ),
    "the update begins at the reply, whenever its SLA came": (
        "pausable_update",
        [new("Fri 08:00"), reply("Fri 09:00"), raised("Fri 15:00", "low")],
        ["breached Mon 08:00"],
    ),
    "the solution ignores replies": (
        "requester_wait", [new("Fri 08:00", "high"), reply("Fri 09:00"), reply("Mon 07:30")], ["breached Mon 08:00"],
    ),
    "the solution ignores what is pending": (
        "requester_wait",
        [new("Fri 08:00", "high"), status("Fri 09:00", WAIT), status("Fri 14:00", "open")],
        ["breached Mon 13:00"],
    ),
    "a reopened ticket has the rest of its time, not that of a new one": (
        "requester_wait",
        [new("Fri 08:00", "high"), status("Fri 15:00", "solved"), status("Mon 08:00", "open")],
        ["breached Mon 10:00"],
    ),
    "a raised priority escalates an old ticket at once": (
        "requester_wait", [new("Fri 08:00", "low"), raised("Mon 12:00", "high")], ["breached Mon 08:00"],
    ),
    "a merged ticket escalates no more": (
        "first_response", [new("Fri 09:00", "high"), say("TicketMerged", "Fri 09:30")], ["cancelled Fri 09:30"],
    ),
}  # fmt: skip

CHATWOOT: dict[str, Case] = {
    "Friday 16:30 and an hour is Monday 09:30": ("first_response", [new("Fri 16:30")], ["breached Mon 09:30"]),
    "only a human reply counts": (
        "first_response",
        [new("Fri 09:00"), reply("Fri 09:01", "bot"), reply("Fri 09:02", "automation"), reply("Fri 09:40")],
        ["met Fri 09:40"],
    ),
    "waiting since the oldest message, one breach however often the customer asks": (
        "next_response",
        [new("Fri 09:00"), reply("Fri 09:10"), ask("Fri 10:00"), ask("Fri 11:00"), ask("Fri 12:30"),
         reply("Fri 13:00")],
        ["breached Fri 12:00"],
    ),
    "what the customer writes before the first reply has no next response": (
        "next_response",
        [new("Fri 09:00"), ask("Fri 09:05"), reply("Fri 13:00"), ask("Fri 13:05"), reply("Fri 14:00")],
        ["met Fri 14:00"],
    ),
    "snoozed or with a bot, the resolution runs": (
        "total_resolution",
        [new("Fri 09:00"), status("Fri 11:00", "open"), status("Fri 12:00", WAIT), status("Mon 09:00", "open")],
        ["breached Fri 17:00"],
    ),
    "snoozed, the first response runs": (
        "first_response", [new("Fri 09:00"), status("Fri 09:10", WAIT)], ["breached Fri 10:00"],
    ),
    "the first resolved is final": (
        "total_resolution",
        [new("Fri 09:00"), status("Fri 16:00", "solved"), status("Mon 10:00", "open"), status("Tue 16:00", "solved")],
        ["met Fri 16:00"],
    ),
    "a priority changes nothing": (
        "first_response", [new("Fri 09:00", "low"), raised("Fri 09:30", "urgent")], ["breached Fri 10:00"],
    ),
}  # fmt: skip
