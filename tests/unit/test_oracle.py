"""The oracle itself, by scenarios worked out by hand. Minutes count from Friday 2025-03-28 00:00 UTC."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
import xxhash

from oracle import Verdicts, admit, bucket, judge, net_view, windows
from strategies import HOUR, MINUTE, START, happened, policy_of
from supportpulse.events import TicketEvent
from supportpulse.policy import Policy

LATER = 100_000
"""An `as_of` in minutes after every deadline of these tests."""


def at(minute: float) -> int:
    """Milliseconds of a minute."""
    return START + round(minute * MINUTE)


def cycle(identity: str) -> str:
    """The name of the cycle an event starts."""
    return f"{xxhash.xxh64_intdigest(identity.encode()):016x}"


def policy(clock: str, target: str = '"1h"', extra: str = "", top: str = "") -> Policy:
    """A policy of one clock `c` and one rule for all tickets; rules in `extra` come first."""
    return policy_of(
        f'name = "p"\nreopen_window = "2h"\nlabels = ["rule"]\n{top}\n[clocks.c]\n{clock}\n{extra}\n'
        f'[[rules]]\nname = "rest"\ntargets = {{ c = {target} }}\n'
    )


def run(judged_by: Policy, *events: TicketEvent, as_of: float = LATER) -> Verdicts:
    """The verdicts about one ticket."""
    return judge(events, judged_by, at(as_of))


def say(name: str, minute: float, identity: str | None = None, **data: Any) -> TicketEvent:
    """An event at a minute, its id made of both unless given."""
    return happened(name, at(minute), identity or f"{name}@{minute}", **data)


def verdict(verdicts: Verdicts, identity: str = "new") -> tuple[str, float, float | None] | None:
    """The verdict on the cycle of clock `c` an event started, in minutes."""
    found = verdicts.net.get(("c", cycle(identity)))
    if found is None:
        return None
    word, time, deadline = found
    return word, (time - START) / MINUTE, None if deadline is None else (deadline - START) / MINUTE


def slots(verdicts: Verdicts) -> Counter[str]:
    """How often each slot was counted, whenever."""
    total: Counter[str] = Counter()
    for (_, _, slot, _), count in verdicts.deltas.items():
        total[slot] += count
    return total


ANSWER = 'start = ["created"]\nstop = ["public_reply"]\n'
SOLVE = 'start = ["created"]\nstop = ["completely_resolved"]\npause = ["status:pending_customer"]\n'
NEW = say("TicketCreated", 0, "new", by="customer")
PRIORITY = '[[rules]]\nname = "urgent"\nmatch.priority = "urgent"\ntargets = { c = "20m" }\n'
URGENT = say("PriorityChanged", 30, "up", priority="urgent")


def reply(minute: float, identity: str | None = None, **data: Any) -> TicketEvent:
    """A public reply by a human."""
    return say("MessagePosted", minute, identity, by="agent", **data)


def status(minute: float, value: str, identity: str | None = None, **data: Any) -> TicketEvent:
    """A change of status."""
    return say("StatusChanged", minute, identity, status=value, **data)


# -- entries and admission


def test_a_repeated_delivery_is_dropped_and_a_conflicting_one_rejected() -> None:
    """The same id with the same facts is a repeat; with other facts the first in arrival order wins."""
    first, other = reply(10, "m"), reply(11, "m")
    repeat = reply(10, "m", signals={"length": 7})
    assert admit([first, repeat, other, say("DeadlineReached", 0, at="2025-03-28T00:00:00Z")]) == (
        [first],
        [(other, "id_conflict")],
    )


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


# -- cycles


def test_fulfilment_exactly_at_the_deadline_is_met() -> None:
    """The deadline itself is still in time, a millisecond later is not."""
    assert verdict(run(policy(ANSWER), NEW, reply(60))) == ("met", 60, 60)
    assert verdict(run(policy(ANSWER), NEW, happened("MessagePosted", at(60) + 1, "m", by="agent"))) == (
        "breached",
        60,
        60,
    )


def test_a_breach_is_decided_only_up_to_as_of() -> None:
    """A late reply says nothing by itself before `as_of` has passed the deadline."""
    assert run(policy(ANSWER), NEW, reply(70), as_of=59).net == {}
    assert verdict(run(policy(ANSWER), NEW, reply(70), as_of=60)) == ("breached", 60, 60)


def test_a_level_pause_holds_while_the_status_does() -> None:
    """Time pending on the customer does not count: 20 minutes before, 30 after."""
    told = [NEW, status(20, "pending_customer"), status(50, "open"), status(80, "solved")]
    assert verdict(run(policy(SOLVE), *told)) == ("met", 80, 90)


def test_a_pause_exactly_at_the_deadline_leaves_nothing_for_later() -> None:
    """It is no breach while paused; the deadline is the instant of resume."""
    told = [NEW, status(60, "pending_customer")]
    assert run(policy(SOLVE), *told).net == {}
    assert verdict(run(policy(SOLVE), *told, status(90, "open"))) == ("breached", 90, 90)


def test_an_edge_pause_holds_until_its_resume_condition() -> None:
    """An escalation stops the time until the customer writes."""
    edged = policy(SOLVE.replace('["status:pending_customer"]', '["escalated"]\nresume = ["customer_message"]'))
    told = [NEW, say("Escalated", 10, kind="functional"), reply(20), say("MessagePosted", 30, by="customer")]
    assert verdict(run(edged, *told)) == ("breached", 80, 80)


def test_a_restart_cancels_and_starts_a_cycle_named_by_the_entry() -> None:
    """The old cycle is cancelled at that instant, the new one has its whole target."""
    found = run(policy(ANSWER + 'restart = ["escalated"]'), NEW, say("Escalated", 30, "again", kind="functional"))
    assert (verdict(found), verdict(found, "again")) == (("cancelled", 30, 60), ("breached", 90, 90))


def test_within_one_entry_a_clock_stops_before_it_starts() -> None:
    """Each reply ends one silence and begins the next."""
    silence = policy('start = ["public_reply"]\nstop = ["public_reply"]\ncycles = "many"')
    found = run(silence, NEW, reply(0, "a"), reply(50, "b"), reply(120, "d"), as_of=130)
    assert [verdict(found, name) for name in "abd"] == [("met", 50, 60), ("breached", 110, 110), None]


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        ("first_only", ("met", 50, 60)),
        ("new_cycle", ("met", 50, 60)),
        ("resume", ("breached", 80, 80)),
        ("last", ("breached", 60, 60)),
    ],
)
def test_a_reopen_follows_the_mode_of_the_clock(mode: str, expected: object) -> None:
    """Solved at 50 of 60, reopened at 70: nothing, a new cycle, ten minutes left, or overdue since 60."""
    found = run(policy(SOLVE + f'reopen = "{mode}"'), NEW, status(50, "solved"), status(70, "open", "back"))
    assert verdict(found) == expected
    assert verdict(found, "back") == (("breached", 130, 130) if mode == "new_cycle" else None)


def test_a_reopen_after_the_window_or_after_the_customers_word_undoes_nothing() -> None:
    """The window (2 h here) closes a stop for good, and so does the customer's confirmation, at once."""
    resuming = policy(SOLVE + 'reopen = "resume"')
    solved = run(resuming, NEW, status(50, "solved"), status(170.1, "open"))
    assert (verdict(solved), solved.final) == (("met", 50, 60), {("c", cycle("new")): at(170)})
    confirmed = run(resuming, NEW, status(50, "solved", by="customer"), status(60, "open"), as_of=50)
    assert (verdict(confirmed), confirmed.final) == (("met", 50, 60), {("c", cycle("new")): at(50)})


def test_a_merge_cancels_what_runs_and_keeps_an_earlier_breach() -> None:
    """After a merge nothing starts any more."""
    message = 'start = ["customer_message"]\nstop = ["public_reply"]\ncycles = "many"'
    ask = say("MessagePosted", 0, "ask", by="customer")
    told = [say("TicketMerged", 30), say("MessagePosted", 40, "again", by="customer")]
    early, late = run(policy(message), ask, *told), run(policy(message, '"20m"'), ask, *told)
    assert (early.net.keys(), verdict(early, "ask")) == ({("c", cycle("ask"))}, ("cancelled", 30, 60))
    assert verdict(late, "ask") == ("breached", 20, 20)


# -- change of rule


@pytest.mark.parametrize(
    ("mode", "old", "new"),
    [
        ("frozen", ("breached", 60, 60), None),
        ("retarget_keep_elapsed", ("breached", 30, 30), None),
        ("retroactive", ("breached", 20, 20), None),
        ("new_clock", ("cancelled", 30, 60), ("breached", 50, 50)),
    ],
)
def test_a_change_of_rule_follows_the_mode_of_the_clock(mode: str, old: object, new: object) -> None:
    """After 30 of 60 minutes the target becomes 20: unchanged, due at once, due since 20, or a new cycle."""
    found = run(policy(ANSWER + f'on_rule_change = "{mode}"', extra=PRIORITY), NEW, URGENT)
    assert (verdict(found), verdict(found, "up")) == (old, new)


def test_a_threshold_passed_before_the_change_stays_under_its_old_label() -> None:
    """At risk at 48 under the rest, breached at 57 under the new rule, whose target is 5 minutes shorter at 50."""
    rule = PRIORITY.replace("20m", "57m")
    found = run(policy(ANSWER, extra=rule), NEW, say("PriorityChanged", 50, priority="urgent"))
    rest, urgent = 1, 0
    assert found.deltas == {
        ("c", rest, "started", at(0)): 1,
        ("c", rest, "at_risk", at(48)): 1,
        ("c", urgent, "breached", at(57)): 1,
    }


def test_a_breached_cycle_keeps_its_binding_for_good() -> None:
    """Breached at 20 as urgent, eased at 30: its late end counts as urgent too."""
    born = say("TicketCreated", 0, "new", priority="urgent")
    found = run(policy(ANSWER, extra=PRIORITY), born, say("PriorityChanged", 30, priority="low"), reply(40))
    assert verdict(found) == ("breached", 20, 20)
    assert found.deltas["c", 0, "duration:4", at(40)] == 1


def test_a_retroactive_change_moves_the_whole_cycle_to_the_new_label() -> None:
    """Start and breach count under the rule that holds now, a breach that is none any more is gone."""
    easing = policy(ANSWER + 'on_rule_change = "retroactive"', '"2h"', extra=PRIORITY)
    born = say("TicketCreated", 0, "new", priority="urgent")
    found = run(easing, born, say("PriorityChanged", 30, priority="low"), reply(50))
    assert found.deltas == {("c", 1, slot, at(m)): 1 for slot, m in (("started", 0), ("met", 50), ("duration:4", 50))}


def test_a_target_that_goes_away_cancels_and_one_that_appears_counts_from_the_start() -> None:
    """No target, no outcome; a late one is measured from the cycle's start."""
    without = policy(ANSWER, extra=PRIORITY.replace("c =", "first_response ="))
    assert verdict(run(without, NEW, URGENT)) == ("cancelled", 30, 60)
    born = say("TicketCreated", 0, "new", priority="urgent")
    assert not [place for place in run(without, born).net if place[0] == "c"]
    assert verdict(run(without, born, say("PriorityChanged", 30, priority=None))) == ("breached", 60, 60)


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
