"""Breach rates: each tier fires in its own trouble, for the clock, and for the one scenario that is in it."""

from __future__ import annotations

from exported import WINDOWS, Flow, Traffic, constant
from situation import Situation, bound, fires, situation
from supportpulse.names import Metric

CLOCK = {"clock": "first_response"}
SCENARIO = {"clock": "first_response", "scenario": "live_show"}
GOOD = Flow(20, breached=2)

OUTAGE = Traffic(GOOD, [(Flow(20, breached=100), 0)], start=-5)
SURGE = Traffic(GOOD, [(Flow(120, breached=25), 0)], start=-30)
FAST = Traffic(Flow(20), [(Flow(20, breached=40), 0)], start=-330)
MEDIUM = Traffic(Flow(20), [(Flow(20, breached=22), 0)], start=-24 * 60, usual=Flow(20, breached=22))
SLOW = Traffic(Flow(20), [(Flow(20, breached=10), 0)], start=-80 * 60, usual=Flow(20, breached=10))
LASTING = Traffic(Flow(4), [(Flow(4, breached=50), 0)], start=-360)
CLOSE = Traffic(Flow(40, at_risk=10), [(Flow(40, at_risk=70), 0)], start=-60)


def beside(traffic: Traffic, minutes: int, objective: float, busy: int = 200) -> Situation:
    """One scenario in trouble beside a large one where all is well."""
    healthy = Traffic(Flow(busy, at_risk=10))
    return (
        Situation(minutes, 5)
        .clock(traffic, objective)
        .clock(healthy, objective, scenario="overseas", rule="overseas")
    )  # fmt: skip


@situation
def test_a_total_outage_pages() -> Situation:
    """All tickets of 20 an hour breach: within the hour the clock pages, and only the clock."""
    return (
        Situation(60, 5)
        .clock(OUTAGE)
        .at(0)
        .at(60, fires("SlaClockOutage", bound(20, 20), **CLOCK))
        .spares("SlaScenarioOutage", "SlaClockBurnFast", "SlaClockRising1h", "SlaClockRising6h")
    )


@situation
def test_an_outage_in_one_scenario_names_the_scenario() -> Situation:
    """All tickets of one scenario breach in a clock that is healthy otherwise: the scenario pages."""
    return (
        beside(OUTAGE, 60, 0.9)
        .at(0)
        .at(60, fires("SlaScenarioOutage", bound(20, 20), **SCENARIO))
        .spares("SlaClockOutage", "SlaScenarioBurnFast", "SlaScenarioRising1h", "SlaScenarioRising6h")
    )


@situation
def test_a_surge_that_support_cannot_bear_warns() -> Situation:
    """Six times the tickets, a quarter of them too late: rising over the last hour."""
    return (
        Situation(60, 5)
        .clock(SURGE, 0.95)
        .at(60, fires("SlaClockRising1h", bound(30, 120), **CLOCK))
        .spares("SlaClockOutage", "SlaClockBurnMedium", "SlaScenarioRising1h")
    )


@situation
def test_a_surge_in_one_scenario_names_it() -> Situation:
    """The same in one scenario of a large clock."""
    return beside(SURGE, 60, 0.95, busy=1200).at(60, fires("SlaScenarioRising1h", bound(30, 120), **SCENARIO))


@situation
def test_four_breaches_in_ten_burn_the_budget_fast() -> Situation:
    """For six hours 40 % breach where 3 % may: the fast tier pages, and rising falls silent for it."""
    return (
        Situation(60, 5)
        .clock(FAST, 0.97)
        .at(60, fires("SlaClockBurnFast", bound(48, 120), **CLOCK))
        .spares("SlaClockBurnMedium", "SlaClockRising1h", "SlaClockRising6h", "SlaScenarioBurnFast")
    )


@situation
def test_a_fast_burn_in_one_scenario_names_it() -> Situation:
    """The same in one scenario of a large clock."""
    return beside(FAST, 60, 0.97).at(60, fires("SlaScenarioBurnFast", bound(48, 120), **SCENARIO))


@situation
def test_a_leak_of_a_day_burns_the_budget() -> Situation:
    """For a day 22 % breach where 5 % may, as in other weeks: not rising, but the medium tier warns."""
    return (
        Situation(75, 5)
        .clock(MEDIUM, 0.95)
        .at(0)
        .at(75, fires("SlaClockBurnMedium", bound(106, 480), **CLOCK))
        .spares("SlaClockBurnFast", "SlaClockBurnSlow", "SlaClockRising1h", "SlaClockRising6h", "SlaScenarioBurnMedium")
    )


@situation
def test_a_leak_of_a_day_in_one_scenario_names_it() -> Situation:
    """The same in one scenario of a large clock."""
    return beside(MEDIUM, 75, 0.95).at(75, fires("SlaScenarioBurnMedium", bound(106, 480), **SCENARIO))


@situation
def test_a_slow_leak_burns_the_budget() -> Situation:
    """For three days one in ten breaches where one in twenty may, as in other weeks: the slow tier warns."""
    return (
        Situation(240, 15)
        .clock(SLOW, 0.95)
        .at(60)
        .at(240, fires("SlaClockBurnSlow", bound(144, 1440), **CLOCK))
        .spares("SlaClockBurnMedium", "SlaClockRising6h", "SlaScenarioBurnSlow")
    )


@situation
def test_a_slow_leak_in_one_scenario_names_it() -> Situation:
    """The same in one scenario of a large clock."""
    return beside(SLOW, 240, 0.95).at(240, fires("SlaScenarioBurnSlow", bound(144, 1440), **SCENARIO))


@situation
def test_lasting_trouble_on_a_small_desk_rises_over_six_hours() -> Situation:
    """Half of 4 tickets an hour breach: too few in one hour to be sure, enough in six."""
    return (
        Situation(60, 5)
        .clock(LASTING)
        .at(60, fires("SlaClockRising6h", bound(12, 24), **CLOCK))
        .spares("SlaClockRising1h", "SlaClockOutage", "SlaScenarioRising6h")
    )


@situation
def test_lasting_trouble_in_a_small_scenario_names_it() -> Situation:
    """The same in one scenario of a large clock."""
    return beside(LASTING, 60, 0.9).at(60, fires("SlaScenarioRising6h", bound(12, 24), **SCENARIO))


@situation
def test_tickets_close_to_their_deadline_warn_before_they_breach() -> Situation:
    """Seven in ten come close where one in ten does: a warning while nothing has breached."""
    return (
        Situation(30, 5)
        .clock(CLOSE)
        .at(0)
        .at(30, fires("SlaClockAtRiskRising", "28", **CLOCK))
        .spares("SlaClockRising1h", "SlaScenarioAtRiskRising")
    )


@situation
def test_a_scenario_close_to_its_deadlines_is_named() -> Situation:
    """The same in one scenario of a large clock."""
    return beside(CLOSE, 30, 0.9, busy=400).at(30, fires("SlaScenarioAtRiskRising", "28", **SCENARIO))


@situation
def test_a_total_outage_of_a_small_desk_pages_within_the_hour() -> Situation:
    """All of 4 tickets an hour breach: low traffic, real trouble."""
    return (
        Situation(60, 5)
        .clock(Traffic(Flow(4), [(Flow(4, breached=100), 0)]))
        .at(60, fires("SlaClockOutage", **CLOCK))
    )  # fmt: skip


@situation
def test_a_total_outage_of_a_tiny_desk_burns_the_budget() -> Situation:
    """All of 2 tickets an hour breach: never enough for the outage tier, but after hours the fast tier pages."""
    return (
        Situation(60, 5)
        .clock(Traffic(Flow(2), [(Flow(2, breached=100), 0)], start=-360), 0.95)
        .at(60, fires("SlaClockBurnFast", **CLOCK))
    )


@situation
def test_an_outage_of_all_scenarios_is_one_page() -> Situation:
    """Three scenarios are down, and the clock pages for them all."""
    situation = Situation(60, 5)
    for scenario in ("live_show", "overseas", "conversational_ai"):
        situation.clock(OUTAGE, scenario=scenario, rule=scenario)
    return situation.at(60, fires("SlaClockOutage", bound(60, 60), **CLOCK)).spares("SlaScenarioOutage")


@situation
def test_an_outage_in_one_scenario_leaves_the_warning_about_another_alone() -> Situation:
    """Two scenarios of a large clock, each in its own trouble."""
    return (
        beside(OUTAGE, 60, 0.95, busy=2000)
        .clock(SURGE, 0.95, scenario="conversational_ai", rule="ai")
        .at(
            60,
            fires("SlaScenarioOutage", **SCENARIO),
            fires("SlaScenarioRising1h", clock="first_response", scenario="conversational_ai"),
        )
    )


@situation
def test_lasting_trouble_is_told_before_its_burn_is_sure() -> Situation:
    """While the fast tier still waits for its half hour, rising speaks."""
    return Situation(30, 5).clock(FAST, 0.97).at(20, fires("SlaClockRising1h", bound(8, 20), **CLOCK))


@situation
def test_an_outage_is_seen_through_deleted_tickets() -> Situation:
    """Two hundred tickets of spam were cancelled in the same hour: they are no part of the share."""
    situation = Situation(60, 5).clock(OUTAGE)
    for window in WINDOWS:
        situation.exported.shared(
            Metric.WINDOW_CLOCKS, constant(200),
            window=window, clock="first_response", rule="spam", scenario="live_show", outcome="cancelled",
        )  # fmt: skip
    return situation.at(60, fires("SlaClockOutage", bound(20, 20), **CLOCK))


@situation
def test_clocks_in_trouble_do_not_silence_each_other() -> Situation:
    """An outage of one clock leaves the warning about another clock alone."""
    return (
        Situation(60, 5)
        .clock(OUTAGE)
        .clock(SURGE, 0.95, clock="solution")
        .at(60, fires("SlaClockOutage", **CLOCK), fires("SlaClockRising1h", clock="solution"))
    )


@situation
def test_a_fast_burn_that_becomes_an_outage_is_one_page() -> Situation:
    """What burned for hours breaks down: once the outage fires, the fast tier and all others of the clock resolve."""
    worse = Traffic(Flow(20), [(Flow(20, breached=40), 390), (Flow(20, breached=100), 0)], start=-330)
    return (
        Situation(150, 5)
        .clock(worse, 0.97)
        .at(60, fires("SlaClockBurnFast", **CLOCK))
        .at(150, fires("SlaClockOutage", **CLOCK))
        .spares("SlaScenarioOutage", "SlaScenarioBurnFast")
    )
