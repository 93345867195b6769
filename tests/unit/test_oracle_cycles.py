"""The oracle by scenarios worked out by hand: how cycles run, pause, end, come back and change their rule."""

from __future__ import annotations

import pytest

from oracle_scenarios import ANSWER, NEW, PRIORITY, SOLVE, URGENT, at, cycle, policy, reply, run, say, status, verdict
from strategies import happened

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
