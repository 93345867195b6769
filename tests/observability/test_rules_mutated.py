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
    Mutation("down counts as there", "SlaGatewayAbsent", instead(r" == 1", ""), "the_only_gateway_gone_pages"),
    Mutation("none was ever there", "SlaGatewayAbsent", without("count_over_time"),
             "a_desk_without_a_gateway_is_no_alarm"),
    Mutation("no for", "SlaGatewayDisconnected", drop("for"), "a_gateway_that_starts_elsewhere_is_no_alarm"),
    Mutation("moment for minutes", "SlaGatewayUnacknowledged", instead(r"max_over_time\((\w+)\[2m\]\)", r"\1"),
             "a_connection_that_comes_and_goes_pages"),
    Mutation("paged twice", "SlaGatewayUnacknowledged", without("unless"), "a_gateway_without_kafka_pages_once"),
    Mutation("held not asked", "SlaGatewayUnacknowledged", instead(r" == 0\n", " >= 0\n"),
             "a_gateway_whose_sources_are_all_held_says_so_and_no_more"),
    Mutation("deliveries not asked", "SlaGatewayUnacknowledged", without("increase"),
             "a_kafka_that_takes_nothing_pages_though_every_source_is_held"),
    Mutation("no for", "SlaGatewayUnacknowledged", drop("for"), "a_broker_that_is_restarted_is_no_alarm"),
    Mutation("no for", "SlaGatewaySourceHeld", drop("for"),
             "a_gateway_whose_sources_are_all_held_says_so_and_no_more"),
    Mutation("two are enough", "SlaGatewaySignaturesRejected", instead(">= 5", ">= 2"),
             "a_few_forged_deliveries_are_no_alarm"),
    Mutation("share not asked", "SlaGatewaySignaturesRejected", instead(r"0\.[15] \* sum", "0 * sum"),
             "a_few_forged_deliveries_are_no_alarm"),
    Mutation("short window only", "SlaGatewaySignaturesRejected", instead(r"(?s)\nor\n.*", ""),
             "a_secret_that_was_changed_is_told_of_on_a_quiet_desk_too"),
    Mutation("remembered for long", "SlaGatewaySignaturesRejected", instead(r"\[2h\]", "[6h]"),
             "a_secret_that_was_changed_is_told_of_on_a_quiet_desk_too"),
    Mutation("other reason", "SlaGatewayTurnsAway", instead(r"unavailable\|", ""),
             "a_delivery_that_is_turned_away_is_told_of"),
    Mutation("too many wanted", "SlaGatewayDeadLetters", instead("> 0", "> 10"),
             "webhooks_that_are_no_events_are_told_of_by_reason"),
    Mutation("no for", "SlaGatewayConfigurationRefused", drop("for"), "a_file_that_is_saved_half_is_no_alarm"),
    Mutation("one week not asked", "SlaGatewaySourceSilent", without("offset 2w"),
             "a_helpdesk_that_was_as_silent_in_another_week_is_no_alarm"),
    Mutation("other weeks not asked", "SlaGatewaySourceSilent", instead("> 10", ">= 0"),
             "a_helpdesk_that_was_as_silent_in_another_week_is_no_alarm"),
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
