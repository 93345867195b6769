"""The situations would notice: each way to break a rule makes one of them fail."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from situation import Rules, alerts_of, committed, needs_promtool, situations
from supportpulse.edges.prometheus import PrometheusFailed

Change = Callable[[dict[str, Any]], None]


@dataclass(frozen=True)
class Mutation:
    """One rule, by name, broken in one way; and the situation that must notice."""

    kind: str
    rule: str
    change: Change
    noticed_by: str


def instead(pattern: str, text: str) -> Change:
    """Another text for what matches in the expression."""

    def change(rule: dict[str, Any]) -> None:
        changed = re.sub(pattern, text, rule["expr"])
        assert changed != rule["expr"], f"{pattern} is not in {rule['expr']}"
        rule["expr"] = changed

    return change


def without(pattern: str) -> Change:
    """The expression without the lines that match."""
    return instead(rf"(?m)^.*{pattern}.*\n?", "")


def drop(key: str) -> Change:
    """No such key."""

    def change(rule: dict[str, Any]) -> None:
        del rule[key]

    return change


def severity(value: str) -> Change:
    """Another severity."""

    def change(rule: dict[str, Any]) -> None:
        rule["labels"]["severity"] = value

    return change


UNWEIGHED = "clock:sla_window_closed:sum * 0 + on (clock) group_left () (1 - max by (clock) (sla_objective_ratio))"
REGRESSION = "and deriv(sla_consumer_lag_records[15m]) >= 0"
MUTATIONS = [
    Mutation("comparison flipped", "SlaClockOutage", instead("> on", "< on"), "a_total_outage_pages"),
    Mutation("comparison flipped", "SlaDeadlineSweepStalled", instead(r"> 120", "< 120"), "a_worker_that_hangs_pages"),
    Mutation("line too high", "SlaClockOutage", instead(r"clamp_min\((.*), [\d.]+\)", r"clamp_min(\1, 0.97)"),
             "a_total_outage_pages"),
    Mutation("line too high", "SlaRebalanceStorm", instead("> 6", "> 60"),
             "partitions_that_keep_moving_are_told_of"),
    Mutation("line too low", "SlaClockBurnMedium", instead(r"clamp_max\([\d.]+ ", "clamp_max(0.01 "),
             "a_slow_leak_burns_the_budget"),
    Mutation("never enough breaches", "SlaClockOutage", instead(">= [0-9]+", ">= 50"), "a_total_outage_pages"),
    Mutation("one breach is enough", "SlaClockRising1h", without("breached:sum"),
             "two_unlucky_tickets_at_night_wake_nobody"),
    Mutation("other window", "SlaClockRising1h", instead('wilson{window="1h"}', 'wilson{window="28d"}'),
             "a_surge_that_support_cannot_bear_warns"),
    Mutation("other window", "SlaObjectiveSilent", instead('window="6h"} == 0', 'window="1h"} == 0'),
             "one_close_in_six_hours_is_no_silence"),
    Mutation("other threshold", "SlaWaiting4h", instead("4h", "30m"), "a_ticket_that_is_answered_is_told_of_no_more"),
    Mutation("other clock", "SlaWaiting30m", instead("substantive_response", "first_response|substantive_response"),
             "a_first_reply_alone_is_not_told_of_twice"),
    Mutation("wrong outcome", "clock:sla_window_breached:sum", instead("breached", "met"), "a_total_outage_pages"),
    Mutation("cancelled counted", "clock:sla_window_closed:sum", instead("breached", "breached|cancelled"),
             "an_outage_is_seen_through_deleted_tickets"),
    Mutation("one worker counted", "clock:sla_window_closed:sum", instead("sum by", "max by"), "a_total_outage_pages"),
    Mutation("one worker counted", "SlaPartitionsOrphaned", instead("> sum", "> max"),
             "a_standby_worker_without_partitions_is_no_alarm"),
    Mutation("label lost", "clock_scenario:sla_window_breached:sum", instead(", scenario\\)", ")"),
             "an_outage_in_one_scenario_names_the_scenario"),
    Mutation("objective for budget", "clock:sla_window_budget:ratio", instead(r"\(1 - (max by .*)\)", r"(\1)"),
             "a_slow_leak_burns_the_budget"),
    Mutation("rules not weighed", "clock:sla_window_budget:ratio", instead(r"(?s)^.+$", UNWEIGHED),
             "rules_of_one_clock_are_weighed_by_their_traffic"),
    Mutation("no baseline", "SlaClockRising1h", instead("sla_baseline_breach:ratio", "sla_window_budget:ratio"),
             "a_bad_hour_that_every_week_has_is_not_rising"),
    Mutation("no baseline", "SlaClockAtRiskRising", instead(r"\d \* sum by", "0 * sum by"),
             "monday_morning_brings_many_close_calls_as_always"),
    Mutation("no for", "SlaClockBurnSlow", drop("for"), "a_slow_leak_burns_the_budget"),
    Mutation("no for", "SlaDeadlineSweepStalled", drop("for"), "a_worker_that_hangs_pages"),
    Mutation("no for", "SlaSourceStale", drop("for"), "a_heartbeat_that_is_late_once_is_no_alarm"),
    Mutation("not held", "SlaWaiting30m", drop("keep_firing_for"), "a_ticket_that_is_answered_is_told_of_no_more"),
    Mutation("no inhibition", "SlaScenarioOutage", without("unless"), "a_total_outage_pages"),
    Mutation("no inhibition", "SlaClockBurnFast", without("unless"), "a_fast_burn_that_becomes_an_outage_is_one_page"),
    Mutation("no inhibition", "SlaWaiting30m", without("unless"),
             "one_ticket_that_nobody_answers_is_told_of_at_each_threshold"),
    Mutation("inhibited by pending", "SlaClockRising1h", instead(', alertstate="firing"', ""),
             "lasting_trouble_is_told_before_its_burn_is_sure"),
    Mutation("short window missing", "SlaClockRising6h", without("breach:ratio.*>= on"),
             "an_outage_of_a_busy_desk_that_is_over_resolves_too"),
    Mutation("owner not asked", "SlaProbeLate", without("sla_worker_partitions"),
             "a_standby_worker_without_partitions_is_no_alarm"),
    Mutation("recovery not asked", "SlaDeadlineSweepStalled", without("unless"),
             "a_worker_that_restores_a_large_state_is_no_alarm"),
    Mutation("recovery not asked", "SlaPartitionsOrphaned", without("unless"),
             "a_worker_that_restores_a_large_state_is_no_alarm"),
    Mutation("trend by regression", "SlaConsumerStuck", instead(r"and .*", REGRESSION),
             "a_busy_consumer_that_always_has_something_to_read_is_no_alarm"),
    Mutation("target not asked", "SlaCompleteFixOverdue", without("sla_target_seconds"),
             "a_late_fix_that_was_no_emergency_is_not_told_of"),
    Mutation("down counts as there", "SlaWorkerAbsent", instead(r" == 1", ""), "all_workers_gone_pages"),
    Mutation("other severity", "SlaClockOutage", severity("warning"), "a_total_outage_pages"),
]  # fmt: skip


def broken(mutation: Mutation) -> Rules:
    """The committed rules with one of them changed."""
    rules = committed()
    (rule,) = (
        rule for group in rules["groups"] for rule in group["rules"]
        if mutation.rule in (rule.get("alert"), rule.get("record"))
    )  # fmt: skip
    mutation.change(rule)
    return rules


@needs_promtool
@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda one: f"{one.rule}: {one.kind}")
def test_a_broken_rule_is_noticed(mutation: Mutation) -> None:
    """promtool takes the rules, and finds other alerts than the situation says."""
    write = situations()[f"test_{mutation.noticed_by}"]
    with pytest.raises(PrometheusFailed, match=r"got:\["):
        write().run(broken(mutation))


@needs_promtool
def test_an_alert_that_is_lost_is_noticed() -> None:
    """Each situation asks for all alerts there are, so a rule that is gone is one that does not fire."""
    rules = committed()
    for group in rules["groups"]:
        group["rules"] = [rule for rule in group["rules"] if rule.get("alert") != "SlaWatchdog"]
    assert "SlaWatchdog" not in alerts_of(rules)
    with pytest.raises(PrometheusFailed, match="SlaWatchdog"):
        situations()["test_no_traffic_at_all_is_no_alarm"]().run(rules)
