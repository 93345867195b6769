"""Policies: what a file says is what the versions hold, and every mistake names its place."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from supportpulse.durations import parse_duration
from supportpulse.errors import PolicyError
from supportpulse.policy import CONDITIONS, Policy, PolicyVersion, load_policy

POLICIES = Path(load_policy.__code__.co_filename).with_name("policies")
MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000

HEAD = 'name = "p"\n'
RULE = '[[rules]]\nname = "all"\ntargets = { first_response = "15m" }\n'
ENUMS = '[enums]\nscenario = ["live", "social"]\n'
PLAIN = HEAD + 'labels = ["rule"]\n' + RULE
OFFICE = '[calendars.office]\ntimezone = "UTC"\nhours = { mon-fri = ["09:00-17:00"] }\n'

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write a policy file and give its path."""

    def to_file(text: str, name: str = "p.toml") -> Path:
        path = tmp_path / name
        path.write_text(text, "utf-8")
        return path

    return to_file


@pytest.fixture(scope="module")
def model() -> PolicyVersion:
    """The policy of the model vendor."""
    return load_policy(POLICIES / "realtime-av.toml").versions[0]


@pytest.mark.parametrize(
    ("text", "ms"),
    [
        ("90s", 90_000),
        ("15m", 15 * MINUTE),
        ("2h", 2 * HOUR),
        ("7d", 7 * DAY),
        ("1w", 7 * DAY),
        ("62h30m", 225_000_000),
    ],
)
def test_durations_are_read_as_people_write_them(text: str, ms: int) -> None:
    """Single units and sums of them, weeks and days in plain hours."""
    assert parse_duration(text) == ms


@pytest.mark.parametrize("text", ["", "15", "m", "15 m", "1.5h", "-5m", "5m2h", "1h\n", "15min"])
def test_anything_else_is_not_a_duration(text: str) -> None:
    """No bare numbers, fractions, signs, spaces, other units or units out of order."""
    with pytest.raises(ValueError, match="a duration such as"):
        parse_duration(text)


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
    """Comments, spacing and links leave it; a target, a calendar's hours, a clock's mode or a share change it."""
    base = HEAD + 'labels = ["rule"]\n' + OFFICE + RULE + 'calendar = "office"\n'

    def digest(text: str) -> str:
        return load_policy(write(text)).digest

    same = base.replace("15m", "900s").replace("[[rules]]", "# for all\n\n[[ rules ]]")
    assert digest(base) == digest(same + '[ticket_url]\nzendesk = "https://desk/{ticket_id}"\n')
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


@pytest.mark.parametrize(
    ("text", "key", "found", "valid"),
    [
        (HEAD + "rules = = 1\n", "line 2", None, "TOML"),
        (PLAIN.replace('"all"', '"a b"'), "rules.a b.name", "a b", "pattern"),
        (PLAIN.replace('name = "all"', ""), "rules.0.name", None, "required"),
        (HEAD + "rules = [1]\n", "rules.0", 1, "dictionary"),
        (HEAD + "colour = 1\n" + RULE, "colour", "colour", "valid_from"),
        (HEAD, "rules", None, "required"),
        (HEAD + "rules = []\n", "rules", [], "at least 1 item"),
        (RULE, "name", None, "required"),
        (PLAIN.replace("15m", "15min"), "rules.all.targets.first_response.target", "15min", "15m"),
        (PLAIN.replace("15m", "0s"), "rules.all.targets.first_response.target", "0s", "greater than 0"),
        (PLAIN.replace('"15m"', "15"), "rules.all.targets.first_response", 15, "dictionary"),
        (
            PLAIN.replace("first_r", "frist_r"),
            "rules.all.targets.frist_response",
            "frist_response",
            "first_response",
        ),
        (PLAIN + "goal = 1\n", "rules.all.goal", "goal", "targets"),
        (PLAIN + 'calendar = "office"\n', "rules.all.calendar", "office", "24x7"),
        (PLAIN + "objective = 1.1\n", "rules.all.objective", 1.1, "less than or equal to 1"),
        ("at_risk_share = -0.1\n" + PLAIN, "at_risk_share", -0.1, "greater than or equal to 0"),
        (PLAIN + RULE, "rules", "all", "each one once"),
        (PLAIN + 'match = { colour = "red" }\n', "rules.all.match.colour", "colour", "scenario"),
        (
            HEAD + ENUMS + RULE + 'match = { scenario = "lives" }\n',
            "rules.all.match.scenario",
            "lives",
            "live, social",
        ),
        (HEAD + RULE, "labels", "scenario", "[enums]"),
        (PLAIN.replace('"rule"', '"rule", "agent"'), "labels.1", "agent", "scenario"),
        (PLAIN + '[enums]\nregion = ["x", "other"]\n', "enums.region", "other", "implied"),
        (PLAIN + '[enums]\nregion = ["x", "x"]\n', "enums.region", "x", "each one once"),
        ("valid_from = 2026-01-01T00:00:00\n" + PLAIN, "valid_from", None, "timezone"),
        ('waiting = ["1x"]\n' + PLAIN, "waiting.0", "1x", "15m"),
        ('waiting_clocks = ["reply"]\n' + PLAIN, "waiting_clocks.0", "reply", "first_response"),
        (PLAIN + '[sites.rome]\nshift = "day"\n', "sites.rome.shift", "day", "24x7"),
        (PLAIN + OFFICE.replace("UTC", "Rome"), "calendars.office.timezone", "Rome", "IANA"),
        (PLAIN + OFFICE.replace("office", "24x7"), "calendars.24x7", "24x7", "built in"),
        (PLAIN + '[clocks.c]\nstart = ["created"]\n', "clocks.c", "no stop", "one stop condition"),
        (
            PLAIN + '[clocks.c]\nstart = ["made"]\nstop = ["closed"]\n',
            "clocks.c.start.0",
            "made",
            "created, customer_message",
        ),
        (PLAIN + '[clocks.solution]\npause = ["escalated"]\n', "clocks.solution.resume", [], "escalated"),
        (PLAIN + '[clocks.solution]\nreopen = "no"\n', "clocks.solution.reopen", "no", "'first_only'"),
        (PLAIN + '[clocks.solution]\nunless = ["urgent"]\n', "clocks.solution.unless.0", "urgent", "agent_created"),
        (PLAIN + '[inference]\nsolution_by = ["tag"]\n', "inference.solution_by.0", "tag", "'solution_tag'"),
        (PLAIN + '[ticket_url]\nzendesk = "https://desk"\n', "ticket_url.zendesk", "https://desk", "{ticket_id}"),
        ("series_budget = 44\n" + PLAIN, "series_budget", "45 series", "at most 44"),
    ],
)
def test_a_mistake_names_file_key_what_was_found_and_what_is_valid(
    write: Write, text: str, key: str, found: object, valid: str
) -> None:
    """Every kind of mistake stops the policy with one sentence a person can act on."""
    path = write(text)
    with pytest.raises(PolicyError) as caught:
        load_policy(path)
    error = caught.value
    assert (error.file, error.key) == (str(path), key)
    assert found is None or error.found == found
    assert valid in error.valid
    assert "\n" not in str(error)


@pytest.mark.parametrize(
    ("second", "key"),
    [
        (PLAIN, "valid_from"),
        ("valid_from = 2026-01-01T00:00:00Z\n" + PLAIN.replace('"p"', '"q"'), "name"),
        ("valid_from = 2026-01-01T00:00:00Z\n" + HEAD + ENUMS + RULE, "labels"),
    ],
)
def test_versions_must_agree(write: Write, tmp_path: Path, second: str, key: str) -> None:
    """Two versions with one valid_from, of two names or with other labels are refused, and the second file is named."""
    write(PLAIN, "1.toml")
    path = write(second, "2.toml")
    with pytest.raises(PolicyError) as caught:
        load_policy(tmp_path)
    assert (caught.value.file, caught.value.key) == (str(path), key)


def test_a_path_without_a_policy_is_an_error(tmp_path: Path) -> None:
    """An empty folder and a missing file say so."""
    with pytest.raises(PolicyError, match=r"no \*\.toml file"):
        load_policy(tmp_path)
    with pytest.raises(PolicyError, match="No such file"):
        load_policy(tmp_path / "none.toml")


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


def test_the_model_policy_states_the_thresholds_of_its_vendor(model: PolicyVersion) -> None:
    """Substantive in 30 minutes; urgent: workaround in 15 minutes, fixed in 2 hours; social in seconds and minutes."""
    urgent = model.rule_for({"scenario": "conversational_ai", "priority": "urgent", "channel": "ticket"})
    assert urgent is not None
    assert urgent.targets["workaround"].target_ms == 15 * MINUTE
    assert urgent.targets["complete_resolution"].target_ms == 2 * HOUR
    social = model.rule_for({"scenario": "one_to_one_social", "priority": "urgent"})
    assert social is not None
    assert social.targets["first_response"].target_ms <= MINUTE
    assert social.targets["complete_resolution"].target_ms <= HOUR
    for rule in model.rules:
        assert rule.name == "community" or rule.targets["substantive_response"].target_ms <= 30 * MINUTE
        assert all(goal.calendar.always for goal in rule.targets.values())
    assert model.waiting == (("30m", 30 * MINUTE), ("1h", HOUR), ("4h", 4 * HOUR))


def test_the_model_policy_has_a_rule_for_every_ticket_and_uses_every_rule(model: PolicyVersion) -> None:
    """No combination of attributes is left without targets, and no rule is hidden behind the ones before it."""
    used = set()
    for scenario in (*model.enums["scenario"], None):
        for sub in model.enums["sub_scenario"]:
            for priority in model.enums["priority"]:
                for region in model.enums["region"]:
                    for channel in model.enums["channel"]:
                        rule = model.rule_for(
                            {
                                "scenario": scenario,
                                "sub_scenario": sub,
                                "priority": priority,
                                "region": region,
                                "channel": channel,
                            }
                        )
                        assert rule is not None
                        used.add(rule.name)
    assert used == {rule.name for rule in model.rules}


def test_the_shifts_of_the_model_policy_follow_the_sun(model: PolicyVersion) -> None:
    """At any half hour of a year, whatever the clocks do, some site is there."""
    for instant in range(1_767_225_600_000, 1_767_225_600_000 + 365 * DAY, 30 * MINUTE):
        assert any(shift.covers(instant) for shift in model.sites.values())


def test_every_shipped_policy_loads() -> None:
    """What the package ships starts, within its own series budget."""
    for path in POLICIES.glob("*.toml"):
        if path.name != "clocks.toml":
            assert isinstance(load_policy(path), Policy)
