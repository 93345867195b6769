"""Single tickets: how long customers wait, and emergencies past their deadline."""

from __future__ import annotations

from exported import Count, constant, since
from situation import Situation, fires, situation
from supportpulse.names import Metric

SUBSTANTIVE = {"clock": "substantive_response", "scenario": "live_show"}
ROW = {**SUBSTANTIVE, "rule": "live"}
WORKAROUND = {"clock": "workaround", "scenario": "live_show"}
FIX = {"clock": "complete_resolution", "scenario": "live_show"}
KINDS = ("SlaWaiting30m", "SlaWaiting1h", "SlaWaiting4h")


def waiting(situation: Situation, *answered: int) -> Situation:
    """One ticket submitted 25 minutes before; answered at a minute, if at all."""
    end = answered[0] if answered else 10**9

    def longer(minute: int) -> Count:
        return lambda now: int(minute <= now < end)

    for over, minute in (("30m", 5), ("1h", 35), ("4h", 215)):
        situation.open(Metric.CLOCKS_WAITING, longer(minute), over=over, **ROW)
    return situation


@situation
def test_one_ticket_that_nobody_answers_is_told_of_at_each_threshold() -> Situation:
    """It waits for 30 minutes, an hour, four: each threshold speaks, and the one before falls silent for it."""
    return (
        waiting(Situation(240, 5))
        .at(0)
        .at(10, fires("SlaWaiting30m", "1", **SUBSTANTIVE))
        .at(60, fires("SlaWaiting1h", "1", **SUBSTANTIVE))
        .at(205, fires("SlaWaiting1h", "1", **SUBSTANTIVE))
        .at(240, fires("SlaWaiting4h", "1", **SUBSTANTIVE))
    )


@situation
def test_a_ticket_that_is_answered_is_told_of_no_more() -> Situation:
    """It is held for ten minutes, in case the next one waits; a threshold that was not reached never speaks."""
    return (
        waiting(Situation(60, 5), 20)
        .at(15, fires("SlaWaiting30m", **SUBSTANTIVE))
        .at(25, fires("SlaWaiting30m", **SUBSTANTIVE))
        .at(40)
        .at(60)
        .spares("SlaWaiting1h", "SlaWaiting4h")
    )


@situation
def test_tickets_answered_in_time_are_not_told_of() -> Situation:
    """All counts of waiting tickets are exported as zeros."""
    return waiting(Situation(60, 5), 0).at(5).at(60).spares(*KINDS)


@situation
def test_a_ticket_with_an_empty_first_reply_still_waits() -> Situation:
    """A canned reply stops first_response alone: what is watched is the substantive one."""
    situation = Situation(30, 5)
    for over in ("30m", "1h", "4h"):
        situation.open(Metric.CLOCKS_WAITING, constant(0), over=over, **ROW | {"clock": "first_response"})
        situation.open(Metric.CLOCKS_WAITING, constant(3), over=over, **ROW)
    return situation.at(30, fires("SlaWaiting4h", "3", **SUBSTANTIVE))


@situation
def test_a_first_reply_alone_is_not_told_of_twice() -> Situation:
    """first_response waits in the same tickets as the substantive reply, which speaks for both."""
    return (
        Situation(30, 5)
        .open(Metric.CLOCKS_WAITING, constant(3), over="30m", **ROW | {"clock": "first_response"})
        .open(Metric.CLOCKS_WAITING, constant(0), over="30m", **ROW)
        .at(30)
        .spares("SlaWaiting30m")
    )


@situation
def test_waiting_in_one_scenario_leaves_the_others_alone() -> Situation:
    """Four hours in one scenario do not hide half an hour in another."""
    return (
        Situation(30, 5)
        .open(Metric.CLOCKS_WAITING, constant(1), over="30m", **ROW)
        .open(Metric.CLOCKS_WAITING, constant(1), over="1h", **ROW)
        .open(Metric.CLOCKS_WAITING, constant(1), over="4h", **ROW)
        .open(Metric.CLOCKS_WAITING, constant(2), over="30m", **ROW | {"scenario": "overseas", "rule": "overseas"})
        .at(
            30,
            fires("SlaWaiting4h", **SUBSTANTIVE),
            fires("SlaWaiting30m", clock="substantive_response", scenario="overseas"),
        )
    )


@situation
def test_an_emergency_without_a_workaround_is_told_of() -> Situation:
    """Two tickets past their 15 minutes, on different workers: one alert."""
    return (
        Situation(30, 5)
        .open(Metric.CLOCKS_OVERDUE, since(10, then=2), rule="live_urgent", **WORKAROUND)
        .at(5)
        .at(20, fires("SlaWorkaroundOverdue", "2", **WORKAROUND))
    )


@situation
def test_an_emergency_that_is_worked_around_is_told_of_no_more() -> Situation:
    """The workaround comes late: it is told of until then, and held for ten minutes."""
    return (
        Situation(45, 5)
        .open(Metric.CLOCKS_OVERDUE, since(10, then=0, before=1), rule="urgent", **WORKAROUND)
        .at(5, fires("SlaWorkaroundOverdue", **WORKAROUND))
        .at(30)
    )


@situation
def test_what_is_overdue_on_other_clocks_is_no_emergency() -> Situation:
    """Four first replies are late; every workaround came in time."""
    return (
        Situation(30, 5)
        .open(Metric.CLOCKS_OVERDUE, constant(0), rule="live_urgent", **WORKAROUND)
        .open(Metric.CLOCKS_OVERDUE, constant(4), rule="live_urgent", clock="first_response", scenario="live_show")
        .at(30)
        .spares("SlaWorkaroundOverdue")
    )


def fix(rule: str, target: int, count: int) -> Situation:
    """Complete fixes of a rule past a target of so many seconds."""
    situation = Situation(30, 5).open(Metric.CLOCKS_OVERDUE, since(10, then=count), rule=rule, **FIX)
    for worker in situation.exported.workers:
        situation.exported.one(worker, Metric.TARGET, constant(target), clock="complete_resolution", rule=rule)
    return situation


@situation
def test_an_emergency_that_is_not_fixed_is_told_of() -> Situation:
    """Past the two hours in which an emergency must be completely fixed."""
    return fix("live_urgent", 7200, 3).at(5).at(20, fires("SlaCompleteFixOverdue", "3", **FIX))


@situation
def test_a_late_fix_that_was_no_emergency_is_not_told_of() -> Situation:
    """A fix with twelve hours' time is overdue: rates tell of it, no alert of its own."""
    return fix("live", 43_200, 3).at(30).spares("SlaCompleteFixOverdue")
