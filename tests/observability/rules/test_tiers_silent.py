"""Breach rates: what looks like trouble and is none leaves every tier silent."""

from __future__ import annotations

from exported import Flow, Traffic
from situation import Situation, fires, situation

CLOCK = {"clock": "first_response"}
BURNS = tuple(f"Sla{level}Burn{tier}" for level in ("Clock", "Scenario") for tier in ("Fast", "Medium", "Slow"))
RISING = tuple(f"Sla{level}Rising{window}" for level in ("Clock", "Scenario") for window in ("1h", "6h"))
OUTAGES = "SlaClockOutage", "SlaScenarioOutage"
AT_RISK = "SlaClockAtRiskRising", "SlaScenarioAtRiskRising"


def at_all_objectives(minutes: int, traffic: Traffic) -> Situation:
    """The same traffic on four clocks that differ in their objective."""
    situation = Situation(minutes, 10)
    for objective in (0.8, 0.9, 0.95, 0.99):
        situation.clock(traffic, objective, clock=f"clock_{round(100 * objective)}")
    return situation


@situation
def test_two_unlucky_tickets_at_night_wake_nobody() -> Situation:
    """Nothing else closes for hours, both breach: at no objective is that more than bad luck."""
    night = Traffic(Flow(4), [(Flow(0), 0)], start=-480, tickets={5: True, 12: True})
    return (
        at_all_objectives(120, night)
        .at(10).at(30).at(40).at(60).at(90).at(120)
        .spares(*OUTAGES, *BURNS, *RISING)
    )  # fmt: skip


@situation
def test_two_unlucky_tickets_among_some_wake_nobody() -> Situation:
    """Two of three that close at night breach."""
    night = Traffic(Flow(4), [(Flow(0), 0)], start=-480, tickets={5: True, 12: True, 14: False})
    return at_all_objectives(90, night).at(30).at(60).at(90).spares(*OUTAGES, *BURNS, *RISING)


@situation
def test_one_breach_of_one_ticket_wakes_nobody() -> Situation:
    """100 % of one, as a plain ratio would have it."""
    lone = Traffic(Flow(1), [(Flow(0), 0)], start=-480, tickets={5: True})
    return at_all_objectives(60, lone).at(10).at(30).at(60).spares(*OUTAGES, *BURNS, *RISING)


@situation
def test_a_desk_within_its_budget_is_left_alone() -> Situation:
    """Busy, and 6 % breach where one in ten may, all the time."""
    return Situation(240, 15).clock(Traffic(Flow(120, breached=6))).at(240).spares(*OUTAGES, *BURNS, *RISING)


def recovery(per_hour: int, objective: float, hours: int = 1) -> Situation:
    """Some hours and a half in which all breach, until minute 30, and then none."""
    flows = [(Flow(per_hour, breached=100), 60 * hours + 30), (Flow(per_hour), 0)]
    situation = Situation(450, 15).clock(Traffic(Flow(per_hour), flows, start=-60 * hours), objective)
    situation.at(30, fires("SlaClockOutage", **CLOCK))
    for minute in range(90, 451, 15):
        situation.at(minute)
    return situation.spares("SlaClockBurnFast", "SlaClockRising1h", "SlaClockRising6h", "SlaClockBurnMedium")


@situation
def test_an_outage_that_is_over_resolves_and_nothing_follows() -> Situation:
    """Within an hour of the last breach nothing fires, nor do lesser tiers tell it again for as long as they see it."""
    return recovery(20, 0.9)


@situation
def test_an_outage_of_a_small_desk_that_is_over_resolves_too() -> Situation:
    """4 an hour."""
    return recovery(4, 0.9)


@situation
def test_an_outage_of_a_busy_desk_that_is_over_resolves_too() -> Situation:
    """120 an hour, at an objective that leaves less room."""
    return recovery(120, 0.95)


@situation
def test_a_long_outage_that_is_over_resolves_too() -> Situation:
    """Half of what six hours remember was an outage."""
    return recovery(20, 0.95, hours=3)


@situation
def test_the_first_day_has_no_baseline_and_needs_none() -> Situation:
    """Six hours old: the objective is the line, and what is close to its deadline is as usual as anything."""
    young = Traffic(Flow(40, breached=4, at_risk=50), days=0, start=-360, then=[(Flow(40, breached=4, at_risk=50), 0)])
    return Situation(60, 5).clock(young).at(0).at(60).spares(*OUTAGES, *BURNS, *RISING, *AT_RISK)


@situation
def test_the_first_clocks_ever_are_no_alarm() -> Situation:
    """A desk begins with the worker: nothing before, no window holds anything."""
    return Situation(60, 5).clock(Traffic(Flow(20, breached=5, at_risk=20), days=0)).at(0).at(60).spares(*RISING)


@situation
def test_trouble_on_the_first_day_is_seen_without_a_baseline() -> Situation:
    """Six good hours old, and then a quarter breaches where one in twenty may."""
    young = Traffic(Flow(0), [(Flow(120), 330), (Flow(120, breached=25), 0)], days=0, start=-360)
    return Situation(45, 5).clock(young, 0.95).at(45, fires("SlaClockRising1h", **CLOCK))


@situation
def test_a_bad_hour_that_every_week_has_is_not_rising() -> Situation:
    """Each Monday 28 % breach where one in ten may: that is usual, and the month's mean is none of it."""
    monday = Traffic(
        Flow(120, breached=4), [(Flow(120, breached=28, at_risk=40), 0)], start=-180, usual=Flow(120, 28, 40)
    )
    return Situation(90, 5).clock(monday).at(30).at(90).spares(*RISING)


@situation
def test_the_same_hour_is_rising_where_other_weeks_are_good() -> Situation:
    """The twin of the last: without that habit it fires."""
    monday = Traffic(Flow(120, breached=4), [(Flow(120, breached=28), 0)], start=-180)
    return Situation(60, 5).clock(monday).at(30, fires("SlaClockRising1h", **CLOCK))


@situation
def test_monday_morning_brings_many_close_calls_as_always() -> Situation:
    """Six in ten come close to their deadline, as on other Mondays; over the month one in eight does."""
    monday = Traffic(Flow(20, at_risk=12), [(Flow(60, at_risk=60), 0)], start=-60, usual=Flow(60, at_risk=60))
    return Situation(60, 5).clock(monday).at(30).at(60).spares(*AT_RISK)


@situation
def test_monday_morning_brings_more_tickets_and_no_alarm() -> Situation:
    """Five times the traffic of the night, the same share close to its deadline: more in number, not in proportion."""
    monday = Traffic(Flow(20, at_risk=20), [(Flow(100, at_risk=20), 0)], start=-60)
    return Situation(60, 5).clock(monday).at(30).at(60).spares(*AT_RISK)


@situation
def test_no_traffic_at_all_is_no_alarm() -> Situation:
    """Every count is exported as zero, for weeks: no division by it, no silence to wonder at."""
    return (
        Situation(60, 5)
        .clock(Traffic(Flow(0)))
        .at(0).at(60)
        .spares(*OUTAGES, *BURNS, *RISING, *AT_RISK, "SlaObjectiveSilent")
    )  # fmt: skip


@situation
def test_a_quiet_night_is_no_silence() -> Situation:
    """A desk that closes two an hour at this time closes none for hours."""
    return (
        Situation(60, 5)
        .clock(Traffic(Flow(2), [(Flow(0), 0)], start=-420))
        .at(30).at(60)
        .spares("SlaObjectiveSilent")
    )  # fmt: skip


@situation
def test_one_close_in_six_hours_is_no_silence() -> Situation:
    """A busy desk gone quiet, but events reach us."""
    return (
        Situation(90, 5)
        .clock(Traffic(Flow(20), [(Flow(0), 0)], start=-370, tickets={-5: False}))
        .at(30).at(90)
        .spares("SlaObjectiveSilent")
    )  # fmt: skip


@situation
def test_rules_of_one_clock_are_weighed_by_their_traffic() -> Situation:
    """A strict rule with few clocks does not make the many of a lax one burn."""
    return (
        Situation(240, 15)
        .clock(Traffic(Flow(100, breached=12)), 0.8)
        .clock(Traffic(Flow(5)), 0.99, rule="live_urgent")
        .at(60).at(240)
        .spares(*BURNS, *RISING)
    )  # fmt: skip
