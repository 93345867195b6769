"""The policies the package ships, foremost the model vendor's."""

from __future__ import annotations

import pytest

from supportpulse.policy import Policy, PolicyVersion, load_policy
from supportpulse.settings import SHIPPED_POLICY

MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000


@pytest.fixture(scope="module")
def model() -> PolicyVersion:
    """The policy of the model vendor."""
    return load_policy(SHIPPED_POLICY).versions[0]


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
    for path in SHIPPED_POLICY.parent.glob("*.toml"):
        if path.name != "clocks.toml":
            assert isinstance(load_policy(path), Policy)
