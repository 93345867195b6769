"""The policies that follow a helpdesk's own SLA rules, by worked example through the whole fold."""

from __future__ import annotations

from functools import cache

import pytest

from strategies import MINUTE, policy_of
from supportpulse.policy import Policy, load_policy
from supportpulse.settings import SHIPPED_POLICY
from vendor_cases import CHATWOOT, FRESHDESK, JSM, ZAMMAD
from week import ask, new, raised, reply, status, told, verdicts
from zendesk_cases import ZENDESK

FOLDER = SHIPPED_POLICY.parent
VENDORS = {"zendesk": ZENDESK, "jsm": JSM, "freshdesk": FRESHDESK, "zammad": ZAMMAD, "chatwoot": CHATWOOT}
SOLVING = ("requester_wait", "agent_work", "total_resolution", "time_to_resolution")


@cache
def preset(vendor: str) -> Policy:
    """A shipped policy."""
    return load_policy(FOLDER / f"{vendor}.toml")


def edited(vendor: str, rules: str, *changes: tuple[str, str]) -> Policy:
    """A shipped policy with other rules, as a desk would edit it; each change must have something to change."""
    text = (FOLDER / f"{vendor}.toml").read_text("utf-8")
    for old, text_instead in changes:
        assert old in text
        text = text.replace(old, text_instead)
    return policy_of(text[: text.index("[[rules]]")] + rules if rules else text)


CASES = {
    f"{vendor}: {sentence}": (vendor, *case) for vendor, cases in VENDORS.items() for sentence, case in cases.items()
}


@pytest.mark.parametrize("sentence", CASES)
def test_a_vendor_rule(sentence: str) -> None:
    """What the sentence says, and the same when the events arrive last first."""
    vendor, clock, events, expected = CASES[sentence]
    assert told(preset(vendor), clock, *events) == expected
    assert told(preset(vendor), clock, *reversed(events)) == expected


SCHEDULES = (
    '[calendars.wide]\ntimezone = "UTC"\nhours = {{ mon-sun = ["06:00-18:00"] }}\n'
    '[calendars.late]\ntimezone = "UTC"\nhours = {{ mon-sun = ["12:00-18:00"] }}\n'
    '[[rules]]\nname = "late"\nmatch = {{ priority = "low" }}\ncalendar = "late"\ntargets = {{ {clock} = "5d" }}\n'
    '[[rules]]\nname = "wide"\ncalendar = "wide"\ntargets = {{ {clock} = "5d" }}\n'
)
BY_SPANS = ('"retroactive"', '"retarget_keep_elapsed"')


@pytest.mark.parametrize(
    ("vendor", "clock", "changes", "minutes"),
    [
        ("zendesk", "total_resolution", [], 689.46),
        ("zendesk", "total_resolution", [BY_SPANS], 959.46),
        ("jsm", "time_to_resolution", [], 959.46),
        ("freshdesk", "agent_work", [], 689.46),
        ("zammad", "requester_wait", [], 689.46),
    ],
)
def test_a_ticket_under_two_schedules(vendor: str, clock: str, changes: list[tuple[str, str]], minutes: float) -> None:
    """Zendesk counts all of it by the last schedule; each schedule for its own span is one word away."""
    policy = edited(vendor, SCHEDULES.format(clock=clock), *changes)
    solved = status("Sat 17:29.46", "solved")
    (met,) = verdicts(policy, clock, new("Fri 07:30"), raised("Sat 00:00", "low"), solved)
    assert round(met.elapsed / MINUTE, 2) == minutes


def test_internal_notes_can_be_updates_in_zendesk() -> None:
    """Its advanced setting, as the comment in the preset says to edit it."""
    update = "[clocks.periodic_update]\n"
    counts = 'start = ["public_reply", "internal_note"]\nstop = ["public_reply", "internal_note"]\n'
    events = new("Fri 09:00", "normal"), reply("Fri 10:00"), reply("Mon 10:00", public=False)
    assert told(preset("zendesk"), "periodic_update", *events) == ["breached Tue 10:00"]
    assert told(edited("zendesk", "", (update, update + counts)), "periodic_update", *events) == [
        "met Mon 10:00",
        "breached Wed 10:00",
    ]


def test_frozen_keeps_a_due_time_in_freshdesk() -> None:
    """As the comment in the preset says for desks that set due times by hand."""
    policy = edited("freshdesk", "", ('"retroactive"', '"frozen"'))
    events = new("Fri 10:00", "urgent"), raised("Fri 11:00", "low")
    assert told(policy, "agent_work", *events) == ["breached Fri 12:00"]


def test_only_the_named_days_are_holidays_in_zammad() -> None:
    """With Monday off, Friday 16:30 and an hour is Tuesday 09:30 in Berlin."""
    zone = 'timezone = "Europe/Berlin"\n'
    policy = edited("zammad", "", (zone, zone + 'holidays.dates = ["2025-03-31"]\n'))
    assert told(policy, "first_response", new("Fri 15:30", "high")) == ["breached Tue 07:30"]


def test_zammad_can_count_from_the_oldest_message() -> None:
    """Without `restart`, as the comment in the preset says."""
    policy = edited("zammad", "", ('restart = ["customer_message"]\n', ""))
    events = new("Fri 09:00", "high"), ask("Fri 09:00"), ask("Fri 10:00")
    assert told(policy, "agent_respond", *events) == ["breached Fri 11:00"]


def test_chatwoot_without_business_hours_runs_around_the_clock() -> None:
    """As its policies do that are not "only during business hours"."""
    policy = edited("chatwoot", "", ('calendar = "inbox"\n', ""))
    assert told(policy, "first_response", new("Fri 16:30")) == ["breached Fri 17:30"]


@pytest.mark.parametrize("vendor", VENDORS)
def test_the_targets_of_a_preset_make_sense(vendor: str) -> None:
    """Each rule is reached, solving takes longer than answering (Freshdesk demands it), and no clock lacks an end."""
    version = preset(vendor).versions[0]
    assert version.name == vendor
    priorities = (*version.enums.get("priority", ()), "unheard of", None)
    reached = [version.rule_for({"priority": priority}) for priority in priorities]
    assert {rule.name for rule in reached if rule} == {rule.name for rule in version.rules}
    for rule in version.rules:
        answer = min(rule.targets[clock].target_ms for clock in version.waiting_clocks)
        solve = [goal.target_ms for name, goal in rule.targets.items() if name in SOLVING]
        assert solve
        assert answer < min(solve)
