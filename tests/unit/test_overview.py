"""What the page is told: the numbers of the terminal's table, and how they are judged."""

from __future__ import annotations

import json
from dataclasses import asdict

import pytest

from supportpulse.health import Look
from supportpulse.overview import DEFAULT_URL, Overview, overview
from supportpulse.scrape import Scrape
from supportpulse.trail import Trail

NOW = 1_000_000.0
METRICS = """
sla_window_clocks{window="1d",clock="first_response",rule="a",scenario="live_show",outcome="met"} 40
sla_window_clocks{window="1d",clock="first_response",rule="b",scenario="live_show",outcome="met"} 50
sla_window_clocks{window="1d",clock="first_response",rule="a",scenario="live_show",outcome="breached"} 10
sla_window_clocks{window="1d",clock="first_response",rule="a",scenario="live_show",outcome="cancelled"} 7
sla_window_clocks{window="28d",clock="first_response",rule="a",scenario="live_show",outcome="met"} 88
sla_window_clocks{window="28d",clock="first_response",rule="a",scenario="live_show",outcome="breached"} 12
sla_window_clocks{window="1d",clock="solution",rule="a",scenario="overseas",outcome="met"} 5
sla_window_clocks{window="1d",clock="solution",rule="a",scenario="overseas",outcome="breached"} 5
sla_window_clocks{window="1h",clock="solution",rule="a",scenario="overseas",outcome="breached"} 3
sla_window_clocks{window="28d",clock="handover",rule="a",scenario="overseas",outcome="met"} 3
sla_window_baseline_clocks{window="1d",clock="first_response",rule="a",scenario="live_show",outcome="met"} 360
sla_window_baseline_clocks{window="1d",clock="first_response",rule="a",scenario="live_show",outcome="breached"} 40
sla_clocks_open{clock="solution",rule="a",scenario="overseas"} 9
sla_clocks_at_risk{clock="solution",rule="a",scenario="overseas"} 2
sla_clocks_overdue{clock="solution",rule="a",scenario="overseas"} 1
sla_clocks_waiting{clock="first_response",rule="a",scenario="live_show",over="1h"} 3
sla_clocks_waiting{clock="first_response",rule="a",scenario="live_show",over="30m"} 4
sla_clocks_waiting{clock="first_response",rule="a",scenario="none",over="4h"} 0
sla_objective_ratio{clock="first_response",rule="a"} 0.9
sla_objective_ratio{clock="first_response",rule="b"} 0.8
sla_objective_ratio{clock="solution",rule="a"} 0.95
sla_source_stale{source="desk",mode="live"} 0
sla_worker_partitions 2
sla_topic_partitions 4
sla_worker_recovering 0
sla_consumer_lag_records{partition="0"} 5
sla_deadline_sweep_timestamp_seconds 999995
sla_probe_timestamp_seconds 999990
sla_events_processed_total{type="event"} 1234
sla_build_info{version="1.2.3",policy="desk",digest="x"} 1
"""


def seen(*texts: str, url: str = DEFAULT_URL, at: float = NOW) -> Overview:
    """The overview of workers that say this."""
    return overview([Look(url, Scrape(text), at) for text in texts], at, Trail(), [url])


def states(found: Overview) -> dict[str, str]:
    """Check -> its state."""
    return {check.name: check.state for check in found.checks}


def test_scenarios_and_clocks_come_worst_first_with_their_shares() -> None:
    """Breaches beyond the usual order them; each window has counts, share and what the objectives allow."""
    found = seen(METRICS)
    overseas, live = found.scenarios
    assert [line.scenario for line in found.scenarios] == ["overseas", "live_show"]
    assert [(line.scenario, line.clock) for line in found.clocks] == [
        ("overseas", "solution"), ("live_show", "first_response"), ("overseas", "handover"),
    ]  # fmt: skip
    hour, day = found.windows.index("1h"), found.windows.index("1d")
    assert (overseas.met[day], overseas.breached[day], overseas.share[day], overseas.share[hour]) == (5, 5, 0.5, 1.0)
    assert (live.share[day], live.usual["1d"], live.excess) == (0.1, 0.1, 0)
    assert (overseas.open, overseas.at_risk, overseas.overdue) == (9, 2, 1)
    assert (found.thresholds, live.waits) == (["30m", "1h", "4h"], [4, 3, 0])
    assert (found.policy, found.version, found.events) == ("desk", "1.2.3", 1234)
    assert (found.whole.met[day], found.whole.breached[day]) == (95, 15)


def test_what_objectives_allow_is_weighted_by_each_rules_traffic() -> None:
    """50 clocks at 10 % and 50 at 20 % allow 15 %; a budget of 10 of which 12 are spent is overspent."""
    first = next(line for line in seen(METRICS).clocks if line.clock == "first_response")
    windows = seen(METRICS).windows
    assert first.allowed[windows.index("1d")] == 0.15
    assert first.allowed[windows.index("1h")] is None
    assert first.budget_left == -0.2
    handover = next(line for line in seen(METRICS).clocks if line.clock == "handover")
    assert (handover.budget_left, handover.allowed[windows.index("28d")]) == (None, None)


def test_without_a_rule_label_the_strictest_objective_counts() -> None:
    """A policy may export scenarios alone; its objectives still have rules."""
    text = METRICS.replace(',rule="a",scenario', ",scenario").replace(',rule="b",scenario', ",scenario")
    first = next(line for line in seen(text).clocks if line.clock == "first_response")
    assert first.allowed[seen(text).windows.index("1d")] == 0.1


def test_the_worst_are_those_beyond_their_usual_with_a_command_to_their_tickets() -> None:
    """The state in the command is the worst one that any of the clocks are in; addresses are given unless usual."""
    (worst,) = seen(METRICS).worst
    assert (worst.level, worst.levels) == ("far_above", {"1h": "far_above", "1d": "far_above"})
    asked = "supportpulse tickets --state overdue --scenario overseas --clock solution"
    assert worst.command == asked
    assert seen(METRICS, url="http://w-1:9464").worst[0].command == f"{asked} --url http://w-1:9464"
    assert seen(METRICS).scenarios[1].command == "supportpulse tickets --state waiting --scenario live_show"
    assert seen(METRICS).whole.command == "supportpulse tickets --state overdue"


def test_each_dimension_has_the_clocks_a_policy_has() -> None:
    """Clocks over all scenarios; those nobody declared are left out."""
    found = {one.name: [line.clock for line in one.clocks] for one in seen(METRICS).dimensions}
    assert found == {"Timeliness": ["first_response", "solution"], "Resolution": [], "Quality": ["first_response"]}


def test_workers_that_share_the_partitions_add_up() -> None:
    """Counts of two double, shares stay, and together they own all partitions."""
    one, two = seen(METRICS), seen(METRICS, METRICS)
    assert two.whole.breached == [2 * count for count in one.whole.breached]
    assert two.whole.share == one.whole.share
    assert two.scenarios[1].allowed == one.scenarios[1].allowed
    assert (states(one)["partitions"], states(two)["partitions"]) == ("bad", "ok")


@pytest.mark.parametrize(
    ("before", "after", "check", "state"),
    [
        ("sweep_timestamp_seconds 999995", "sweep_timestamp_seconds 999000", "deadline sweep", "bad"),
        ("probe_timestamp_seconds 999990", "probe_timestamp_seconds 999000", "probe through Kafka", "bad"),
        ("sla_probe_timestamp_seconds 999990\n", "", "probe through Kafka", "warn"),
        ('records{partition="0"} 5', 'records{partition="0"} 5000', "behind", "warn"),
        ("sla_worker_partitions 2", "sla_worker_partitions 3", "partitions", "warn"),
        ("sla_worker_recovering 0", "sla_worker_recovering 1", "partitions", "warn"),
        ('stale{source="desk",mode="live"} 0', 'stale{source="desk",mode="live"} 1', "sources", "bad"),
    ],
)
def test_what_makes_numbers_doubtful_is_said(before: str, after: str, check: str, state: str) -> None:
    """Each check is ok in a sound worker and not when its number is bad, with a note that says what it means."""
    sound = METRICS.replace("sla_topic_partitions 4", "sla_topic_partitions 2")
    assert set(states(seen(sound)).values()) == {"ok"}
    found = seen(sound.replace(before, after))
    assert {name: found for name, found in states(found).items() if found != "ok"} == {check: state}
    assert next(one.note for one in found.checks if one.name == check)


def test_a_silent_worker_is_named_and_its_numbers_are_left_out() -> None:
    """While another answers; if none does, the last numbers stay, and are not said to be live."""
    scrape, reason = Scrape(METRICS), "Connection refused"
    silent = Look("http://b:1", scrape, NOW - 60, reason)
    both = overview([Look("http://a:1", scrape, NOW), silent], NOW, Trail(), [])
    assert both.live
    assert both.silent == [{"url": "http://b:1", "since": NOW - 60, "reason": reason}]
    assert both.whole.breached == seen(METRICS).whole.breached
    assert states(both)["workers"] == "bad"
    alone = overview([silent], NOW, Trail(), [])
    assert (alone.live, alone.as_of, alone.whole.breached) == (False, NOW - 60, seen(METRICS).whole.breached)
    never = overview([Look("http://b:1", reason=reason)], NOW, Trail(), [])
    assert (never.live, never.as_of, never.scenarios, never.worst) == (False, None, [], [])


def test_the_past_grows_with_each_answer_only() -> None:
    """A line of the last hour's share for each scenario, and none while nobody answers."""
    trail, scrape = Trail(), Scrape(METRICS)
    for second in range(3):
        overview([Look(DEFAULT_URL, scrape, NOW + second)], NOW + second, trail, [])
    found = overview([Look(DEFAULT_URL, scrape, NOW + 2, "gone")], NOW + 9, trail, [])
    assert found.past.at == [NOW, NOW + 1, NOW + 2]
    assert found.past.lines == {"": [1.0] * 3, "overseas": [1.0] * 3, "live_show": [None] * 3}


def test_it_is_plain_json() -> None:
    """Finite numbers, strings, lists and objects, as a browser reads them."""
    told = asdict(seen(METRICS))
    assert json.loads(json.dumps(told, allow_nan=False)) == told
