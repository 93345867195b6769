"""Policies: what a file says is what the versions hold."""

from __future__ import annotations

from pathlib import Path

import pytest

from policy_texts import ENUMS, HEAD, OFFICE, PLAIN, RULE, Write, writer
from supportpulse.errors import PolicyError
from supportpulse.policy import CONDITIONS, load_policy

MINUTE = 60_000


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write a policy file and give its path."""
    return writer(tmp_path)


def test_defaults_rules_and_targets_override_each_other(write: Write) -> None:
    """Objective, risk share and calendar come from the target, else its rule, else the file."""
    text = (
        HEAD
        + 'labels = ["rule"]\nat_risk_share = 0.7\n'
        + OFFICE
        + '[[rules]]\nname = "r"\ncalendar = "office"\nobjective = 0.95\n'
        + 'targets = { first_response = "5m", workaround = { target = "62h30m", calendar = "24x7", objective = 0.99, '
        + "at_risk_share = 0.5 } }\n"
    )
    targets = load_policy(write(text)).versions[0].rules[0].targets
    first, workaround = targets["first_response"], targets["workaround"]
    assert (first.target_ms, first.calendar.name, first.objective, first.at_risk_share) == (
        300_000,
        "office",
        0.95,
        0.7,
    )
    assert (workaround.target_ms, workaround.calendar.always) == (225_000_000, True)
    assert (workaround.objective, workaround.at_risk_share) == (0.99, 0.5)


def test_the_first_matching_rule_wins(write: Write) -> None:
    """Rules are tried in order, all named attributes must match, a missing one does not, no `match` fits all."""
    text = (
        HEAD
        + ENUMS
        + '[[rules]]\nname = "a"\nmatch = { scenario = "live", priority = ["urgent", "high"] }\n'
        + 'targets = { first_response = "1m" }\n'
        + '[[rules]]\nname = "b"\nmatch = { scenario = ["live", "social"] }\ntargets = { first_response = "1m" }\n'
    )
    version = load_policy(write(text)).versions[0]

    def chosen(**attributes: str | None) -> str | None:
        rule = version.rule_for(attributes)
        return rule.name if rule else None

    assert chosen(scenario="live", priority="high") == "a"
    assert chosen(scenario="live", priority=None) == "b"
    assert chosen(scenario="social") == "b"
    assert chosen(priority="high") is None
    everything = load_policy(write(PLAIN)).versions[0].rule_for({})
    assert everything is not None
    assert everything.name == "all"


def test_label_sets_are_the_product_of_rules_and_enums_with_slots_for_other_and_none(write: Write) -> None:
    """A ticket's index leads to its label values, to `other` outside the enum, to `none` without a value."""
    version = load_policy(write(HEAD + ENUMS + RULE + RULE.replace("all", "never"))).versions[0]
    assert len(version.label_sets) == 2 * (2 + 2)
    assert len(set(version.label_sets)) == len(version.label_sets)
    for rule in version.rules:
        for value, shown in [("live", "live"), ("social", "social"), ("unheard of", "other"), (None, "none")]:
            index = version.label_index(rule, {"scenario": value})
            assert version.label_sets[index] == (rule.name, shown)


def test_only_targeted_clocks_exist_in_a_stable_order(write: Write) -> None:
    """Built-in clocks come in the order of their file, own ones behind them, whatever the order of targets."""
    text = (
        HEAD
        + 'labels = ["rule"]\n[clocks.triage]\nstart = ["created"]\nstop = ["assigned", "closed"]\n'
        + '[[rules]]\nname = "r"\ntargets = { triage = "1h", resolution = "1d", first_response = "15m" }\n'
    )
    clocks = load_policy(write(text)).versions[0].clocks
    assert [clock.name for clock in clocks] == ["first_response", "resolution", "triage"]
    assert clocks[-1].stop == ("assigned", "closed")
    assert (clocks[-1].cycles, clocks[-1].reopen, clocks[-1].on_rule_change) == (
        "one",
        "first_only",
        "retarget_keep_elapsed",
    )


def test_an_override_changes_the_keys_it_names_and_no_others(write: Write) -> None:
    """[clocks.resolution] with one key keeps the rest of the built-in clock."""
    rule = RULE.replace("first_response", "resolution")
    version = load_policy(
        write(HEAD + 'labels = ["rule"]\n[clocks.resolution]\nreopen = "new_cycle"\n' + rule)
    ).versions[0]
    assert version.clocks[0].reopen == "new_cycle"
    assert version.clocks[0].start == ("solution_provided",)
    assert version.clocks[0].stop == ("completely_resolved",)


def test_the_built_in_clocks_are_those_of_the_design(write: Write) -> None:
    """Each built-in clock starts, stops, pauses and cancels as its definition says."""
    table = {
        "first_response": "created > public_reply ! resolved, not agent_created",
        "substantive_response": "created > substantive_reply ! resolved, not agent_created",
        "next_response": "customer_message > public_reply ! resolved, many",
        "periodic_update": "public_reply > public_reply ! resolved, many",
        "pausable_update": "public_reply > public_reply ! resolved = status:pending_customer, many",
        "diagnosis": "problem_confirmed > cause_identified solution_provided ! resolved",
        "workaround": "created > workaround_provided solution_provided completely_resolved",
        "solution": "problem_confirmed > solution_provided ! resolved",
        "resolution": "solution_provided > completely_resolved, reopen last",
        "complete_resolution": "created > completely_resolved, reopen last",
        "total_resolution": "created > resolved, reopen resume",
        "requester_wait": "created > resolved = status:pending_customer, reopen resume",
        "agent_work": "created > resolved = status:pending_customer status:pending_third_party, reopen resume",
        "ownership": "assigned > left_team resolved, many",
        "handover": "handed_over shift_ended > touched_by_next_site ! resolved, many",
    }
    targets = ", ".join(f'{name} = "1h"' for name in table)
    text = HEAD + f'labels = ["rule"]\n[[rules]]\nname = "r"\ntargets = {{ {targets} }}\n'
    version = load_policy(write(text)).versions[0]
    said = {}
    for clock in version.clocks:
        line = f"{' '.join(clock.start)} > {' '.join(clock.stop)}"
        line += f" ! {' '.join(clock.cancel)}" if clock.cancel else ""
        line += f" = {' '.join(clock.pause)}" if clock.pause else ""
        line += f", not {' '.join(clock.unless)}" if clock.unless else ""
        line += ", many" if clock.cycles == "many" else ""
        line += f", reopen {clock.reopen}" if clock.reopen != "first_only" else ""
        said[clock.name] = line
        assert not clock.resume
        assert not clock.restart
    assert said == table
    assert list(said) == list(table)


def test_a_digest_follows_what_a_policy_says_not_how_it_is_written(write: Write) -> None:
    """Comments, spacing, the order of tables and links leave it; targets, hours, modes and shares change it."""
    base = HEAD + 'labels = ["rule"]\n' + OFFICE + RULE + 'calendar = "office"\n'

    def digest(text: str) -> str:
        return load_policy(write(text)).digest

    same = base.replace("15m", "900s").replace("[[rules]]", "# for all\n\n[[ rules ]]")
    assert digest(base) == digest(same + '[ticket_url]\nzendesk = "https://desk/{ticket_id}"\n')
    night = OFFICE.replace("office", "night")
    assert digest(base.replace(OFFICE, OFFICE + night)) == digest(base.replace(OFFICE, night + OFFICE))
    changed = [
        base.replace("15m", "16m"),
        base.replace("17:00", "18:00"),
        base + '[clocks.first_response]\nreopen = "new_cycle"\n',
        base + "[substantive]\nmax_canned_share = 0.7\n",
        base.replace("labels", "objective = 0.8\nlabels"),
    ]
    digests = [digest(text) for text in [base, *changed]]
    assert len(set(digests)) == len(digests)


def test_versions_of_a_folder_hold_from_their_valid_from(write: Write, tmp_path: Path) -> None:
    """A ticket has the latest version valid at its creation; adding a version keeps the digests of the others."""
    write(PLAIN, "z.toml")
    before = load_policy(tmp_path)
    assert before.at(10**12).index == 0
    write("valid_from = 2026-03-01T00:00:00+08:00\n" + PLAIN.replace("15m", "30m"), "a.toml")
    policy = load_policy(tmp_path)
    change = 1_772_294_400_000
    assert [version.valid_from_ms for version in policy.versions] == [0, change]
    assert [version.index for version in policy.versions] == [0, 1]
    assert policy.at(change - 1).rules[0].targets["first_response"].target_ms == 15 * MINUTE
    assert policy.at(change).rules[0].targets["first_response"].target_ms == 30 * MINUTE
    assert policy.at(-1) is policy.versions[0]
    assert policy.versions[0].digest == before.versions[0].digest
    assert policy.digest != before.digest


def test_the_series_budget_counts_only_what_a_rule_can_reach(write: Write) -> None:
    """A rule that fixes its scenario has one label set a clock, another has all four: 5 x 45 series."""
    text = HEAD + ENUMS + RULE + RULE.replace("all", "live") + 'match = { scenario = "live" }\n'
    assert load_policy(write("series_budget = 225\n" + text)).versions
    with pytest.raises(PolicyError, match="225 series"):
        load_policy(write("series_budget = 224\n" + text))


def test_the_vocabulary_is_closed_and_ordered() -> None:
    """The masks of the fold count on these 32 conditions in this order."""
    assert len(CONDITIONS) == len(set(CONDITIONS)) == 32
    assert CONDITIONS[0] == "created"
    assert CONDITIONS[15:21] == (
        "status:new",
        "status:open",
        "status:pending_customer",
        "status:pending_third_party",
        "status:solved",
        "status:closed",
    )
