"""The oracle by scenarios worked out by hand: what an event means, when a ticket exists, and what is counted."""

from __future__ import annotations

from typing import Any

import pytest
import xxhash

from oracle import admit, bucket, judge, net_view, windows
from oracle_scenarios import ANSWER, LATER, NEW, SOLVE, at, cycle, policy, reply, run, say, slots, status, verdict
from strategies import HOUR, MINUTE, START, policy_of

# -- entries and admission


def test_a_repeated_delivery_is_dropped_and_a_conflicting_one_rejected() -> None:
    """The same id with the same facts is a repeat; with other facts the first in arrival order wins."""
    first, other = reply(10, "m"), reply(11, "m")
    repeat = reply(10, "m", signals={"length": 7})
    assert admit([first, repeat, other, say("DeadlineReached", 0, at="2025-03-28T00:00:00Z")]) == (
        [first],
        [(other, "id_conflict")],
    )


def test_a_difference_no_policy_can_see_is_no_conflict() -> None:
    """A customer's message has no signals that decide; an answer's signals do."""
    ask = [say("MessagePosted", 0, "m", by="customer", signals={"question": asks}) for asks in (True, False)]
    answer = [reply(0, "m", signals={"question": asks}) for asks in (True, False)]
    assert (admit(ask)[1], admit(answer)[1]) == ([], [(answer[1], "id_conflict")])


def test_the_same_id_on_two_tickets_is_no_conflict() -> None:
    """Ids are compared within one ticket only."""
    one, two = reply(10, "m"), reply(11, "m", ticket="2")
    assert admit([one, two]) == ([one, two], [])


def test_arrival_order_does_not_matter_and_a_missing_sequence_sorts_first() -> None:
    """Of three status changes at one instant the one without a sequence comes first, however they arrive."""
    told = [NEW, status(5, "solved", "s", sequence=1), status(5, "open", "o", sequence=0), status(5, "closed", "c")]
    between = policy('start = ["status:open"]\nstop = ["status:solved"]\ncancel = ["closed"]')
    for events in (told, told[::-1]):
        assert verdict(run(between, *events), "o") == ("met", 5, 65)


# -- creation


def test_a_snapshot_creates_its_ticket_at_its_created_at() -> None:
    """The first snapshot starts the clock at `created_at`, before entries that lie between the two."""
    seen = say("TicketObserved", 50, "new", created_at=at(0), status="open")
    assert verdict(run(policy(ANSWER), seen, reply(10))) == ("met", 10, 60)


def test_a_snapshot_before_its_created_at_counts_at_created_at() -> None:
    """A clock of the helpdesk that runs ahead does not start a cycle in the past."""
    seen = say("TicketObserved", 0, "new", created_at=at(5))
    assert verdict(run(policy(ANSWER), seen)) == ("breached", 65, 65)


def test_a_ticket_an_agent_opened_has_no_clock_that_excludes_it() -> None:
    """`unless = agent_created` keeps the cycle from starting."""
    by_agent = say("TicketCreated", 0, "new", by="agent")
    excluding = policy(ANSWER + 'unless = ["agent_created"]\n')
    assert run(excluding, by_agent).net == {}
    assert verdict(run(excluding, NEW)) == ("breached", 60, 60)


def test_the_version_valid_at_creation_decides_for_good() -> None:
    """A later version of the policy does not touch tickets created before it."""
    text = 'name = "p"\nlabels = ["rule"]\n[[rules]]\nname = "all"\ntargets = { first_response = "1h" }\n'
    both = policy_of(text, "valid_from = 2025-03-28T08:00:00Z\n" + text.replace("1h", "5m"))
    young = say("TicketCreated", 600, "new", by="customer")
    found = [judge([born], both, at(LATER)).net["first_response", cycle("new")][1] for born in (NEW, young)]
    assert found == [at(60), at(605)]


# -- conditions and inference


@pytest.mark.parametrize(
    ("signals", "substantive"),
    [
        ({}, True),
        ({"canned_share": 0.79}, True),
        ({"canned_share": 0.8}, False),
        ({"mere_restart": True}, False),
        ({"question": True}, False),
        ({"question": True, "names_item": True}, True),
    ],
)
def test_a_reply_is_substantive_unless_canned_a_restart_or_a_bare_question(signals: Any, substantive: bool) -> None:
    """Only a substantive reply stops the clock that asks for one."""
    found = run(policy(ANSWER.replace("public_reply", "substantive_reply")), NEW, reply(10, signals=signals))
    assert verdict(found) == (("met", 10, 60) if substantive else ("breached", 60, 60))


def test_bots_and_internal_notes_do_not_answer() -> None:
    """A public reply is public and by a human."""
    found = run(policy(ANSWER), NEW, say("MessagePosted", 5, by="bot"), reply(6, public=False), reply(70))
    assert verdict(found) == ("breached", 60, 60)


def test_the_first_substantive_reply_confirms_once_until_a_reopen() -> None:
    """While the problem is confirmed neither rule nor event confirms it again; a reopen resets it."""
    confirming = policy(
        'start = ["problem_confirmed"]\nstop = ["solution_provided"]\nrestart = ["problem_confirmed"]\ncycles = "many"',
        top='inference.confirmed_by = ["first_substantive_reply"]\ninference.solution_by = ["reply_with_status"]',
    )
    told = [NEW, reply(10, "a"), say("ProblemConfirmed", 11, "b"), reply(20, "c"), status(20, "solved", sequence=0)]
    told += [status(30, "open"), say("ProblemConfirmed", 31, "d"), reply(40, "e")]
    found = run(confirming, *told)
    assert verdict(found, "a") == ("met", 20, 70)
    assert verdict(found, "d") == ("breached", 91, 91)
    assert len(found.net) == 2


# -- business hours


def test_only_business_time_counts() -> None:
    """Friday 11:30 plus an hour is 13:30 after lunch; what is left on Friday evening waits for Monday."""
    hours = '[calendars.office]\ntimezone = "UTC"\nhours.mon-fri = ["09:00-12:00", "13:00-17:00"]'
    office = policy(ANSWER, '{ target = "1h", calendar = "office" }', extra=hours)
    born = say("TicketCreated", 11.5 * 60, "new")
    assert verdict(run(office, born)) == ("breached", 13.5 * 60, 13.5 * 60)
    evening = say("TicketCreated", 16.5 * 60, "new")
    assert verdict(run(office, evening, reply(3 * 1440 + 9.5 * 60))) == ("met", 3 * 1440 + 570, 3 * 1440 + 570)


# -- void


def test_spam_cancels_even_an_old_breach_but_not_what_was_met() -> None:
    """A ticket that was no request counts neither for nor against."""
    spam = say("MarkedAsSpam", 90)
    assert verdict(run(policy(ANSWER), NEW, spam)) == ("cancelled", 90, 60)
    assert verdict(run(policy(ANSWER), NEW, reply(30), spam)) == ("met", 30, 60)
    assert slots(run(policy(ANSWER), NEW, spam)) == {"started": 1, "at_risk": 1, "cancelled": 1}


def test_a_restored_ticket_is_judged_as_if_it_had_never_gone() -> None:
    """A reply while it was away counts."""
    told = [NEW, say("TicketDeleted", 10), reply(30)]
    assert verdict(run(policy(ANSWER), *told)) == ("cancelled", 10, 60)
    assert verdict(run(policy(ANSWER), *told, say("TicketRestored", 50))) == ("met", 30, 60)


# -- sites

SITES = """[calendars.day]
timezone = "UTC"
hours.mon-sun = ["00:00-08:00"]
[sites.east]
shift = "day"
"""
HANDOVER = (
    'start = ["handed_over", "shift_ended"]\nstop = ["touched_by_next_site"]\ncancel = ["resolved"]\ncycles = "many"'
)
SHIFT_END = 8 * 60


def shift_cycle(identity: str) -> str:
    """The name of the cycle the end of an assignment's shift at 08:00 starts."""
    made_of = xxhash.xxh64_intdigest(identity.encode()).to_bytes(8, "big") + at(SHIFT_END).to_bytes(8, "big")
    return f"{xxhash.xxh64_intdigest(made_of):016x}"


def test_the_end_of_the_owning_sites_shift_starts_the_handover() -> None:
    """It is met by the first touch of an agent at another site, not by the site that went home."""
    mine = say("Assigned", 10, "mine", site="east")
    touches = ((SHIFT_END, "east"), (SHIFT_END + 30, "west"))
    told = [say("MessagePosted", minute, by={"kind": "agent", "site": site}) for minute, site in touches]
    found = run(policy(HANDOVER, extra=SITES), NEW, mine, *told)
    met = ("met", at(SHIFT_END + 30), at(SHIFT_END + 60))
    assert found.net == {("c", shift_cycle("mine")): met}


def test_a_solved_ticket_waits_for_no_next_site() -> None:
    """Its owner's shift ends unnoticed; a site nobody declared has no shift."""
    sites = policy(HANDOVER, extra=SITES)
    assert run(sites, NEW, say("Assigned", 10, site="east"), status(400, "solved")).net == {}
    assert run(sites, NEW, say("Assigned", 10, site="west")).net == {}


def test_an_entry_at_the_very_end_of_the_shift_comes_before_it() -> None:
    """A ticket solved at that instant needs nobody to take over."""
    told = [NEW, say("Assigned", 10, site="east"), status(SHIFT_END, "solved")]
    assert run(policy(HANDOVER, extra=SITES), *told).net == {}


# -- aggregates


def test_a_clock_that_stops_at_once_is_met_but_left_out_of_durations() -> None:
    """A success of no length says nothing about how long things take."""
    assert slots(run(policy(ANSWER), NEW, reply(0, sequence=1))) == {"started": 1, "met": 1}


def test_a_late_fulfilment_has_a_duration_of_running_time() -> None:
    """90 minutes less 10 paused are 80: the bucket up to two hours."""
    told = [NEW, status(10, "pending_customer"), status(20, "open"), status(90, "solved")]
    found = slots(run(policy(SOLVE), *told))
    assert found == {"started": 1, "at_risk": 1, "breached": 1, "duration:5": 1}
    assert [bucket(60_000), bucket(60_001), bucket(10**12)] == [0, 1, 11]


def test_windows_hold_whole_panes_and_the_current_one() -> None:
    """An hour is twelve 5-minute panes, that of now among them; three days are hour panes."""
    now = START + HOUR
    deltas = {("c", 0, "met", START + 5 * MINUTE): 1, ("c", 0, "met", START + 5 * MINUTE - 1): 10}
    deltas["c", 0, "met", now + 5 * MINUTE] = 100
    found = windows(deltas, now)
    assert (found["1h", "c", 0, "met"], found["2h", "c", 0, "met"], found["3d", "c", 0, "met"]) == (1, 11, 111)


def test_a_log_is_judged_ticket_by_ticket_at_the_time_of_its_source() -> None:
    """Each source has its own `as_of`, tickets are named by source and id."""
    other = say("TicketCreated", 0, "new", source="forum", ticket="9")
    found = net_view([NEW, other], policy(ANSWER), {"desk": at(59), "forum": at(60)})
    assert found == {("forum|9", "c", cycle("new")): ("breached", at(60), at(60))}
