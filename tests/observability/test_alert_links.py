"""An alert's links lead somewhere, and what it says to type can be typed."""

from __future__ import annotations

import copy
import shlex
from collections.abc import Callable

import pytest

from observability import annotation
from observability.alert_files import RUNBOOK, Rule, boards, known, prometheus_alerts
from observability.alert_links import anchors, broken, commands, wrong
from supportpulse.policy import load_policy
from supportpulse.settings import SHIPPED_POLICY

PARTS = ("**Means.**", "**First look.**", "**Likely.**", "**Fix.**", "**Silence.**")


@pytest.fixture(scope="module")
def runbook() -> str:
    """Its text."""
    return RUNBOOK.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def labels() -> dict[str, frozenset[str]]:
    """Those of each alert's series."""
    return known()[1]


def test_every_alert_leads_to_heading_panel_and_tickets(runbook: str, labels: dict[str, frozenset[str]]) -> None:
    """No anchor, board, panel, variable, label or command is missing."""
    headings = anchors(runbook)
    for name, rule in prometheus_alerts().items():
        assert list(broken(rule, labels[name], headings, boards())) == [], name


def test_every_heading_of_the_runbook_is_an_alert(runbook: str) -> None:
    """Each alert has one, and nothing stays behind when an alert goes."""
    assert sorted(anchors(runbook)) == sorted(name.lower() for name in prometheus_alerts())


def test_every_alert_is_told_what_to_do(runbook: str) -> None:
    """Meaning, first look with a command, causes, fix and silence, in this order; headings may share a text."""
    for section in runbook.split("\n### ")[1:]:
        text = section.partition("\n## ")[0]
        if PARTS[0] not in text:
            assert not text.partition("\n")[2].strip(), f"no text of its own: {text[:40]}"
            continue
        places = [text.index(part) for part in PARTS]
        assert places == sorted(places), text[:40]
        assert commands(text[places[1] : places[2]]), text[:40]


def test_every_command_of_the_runbook_can_be_typed(runbook: str) -> None:
    """Ours are parsed by the program's own command line."""
    found = commands(runbook)
    assert len(found) > 40
    assert [mistake for command in found for mistake in wrong(command)] == []


def test_thresholds_named_in_commands_are_the_policys() -> None:
    """`--over` takes what the policy says, not any duration."""
    thresholds = {name for name, _ in load_policy(SHIPPED_POLICY).versions[-1].waiting}
    named = set()
    for rule in prometheus_alerts().values():
        words = shlex.split(annotation.filled(rule["annotations"].get("tickets", ""), "x"))
        named |= {words[place + 1] for place, word in enumerate(words) if word == "--over"}
    assert named == thresholds


@pytest.mark.parametrize(
    ("key", "old", "new", "said"),
    [
        ("runbook_url", "#slaclockoutage", "#slaclockoutrage", "no heading"),
        ("dashboard_url", "supportpulse-detail", "supportpulse-details", "no dashboard"),
        ("dashboard_url", "viewPanel=10", "viewPanel=999", "no panel"),
        ("dashboard_url", "var-clock", "var-klock", "no variable"),
        ("dashboard_url", "var-clock", "clock", "no variable"),
        ("dashboard_url", "$labels.clock", "$labels.rule", "not given"),
        ("tickets", "tickets", "ticket", "No such command"),
        ("tickets", "--clock", "--klock", "No such option"),
        ("tickets", "overdue", "late", "not one of"),
        ("tickets", "$labels.clock", "$labels.instance", "no label instance"),
        ("tickets", "supportpulse", "superpulse", "is not one of"),
        ("tickets", "supportpulse tickets", "curl http://WORKER:9464/health --", "what listens there answers"),
    ],
)
def test_a_link_that_leads_nowhere_is_found(
    runbook: str, labels: dict[str, frozenset[str]], key: str, old: str, new: str, said: str
) -> None:
    """Each part of a link or command, misspelt."""
    rule: Rule = copy.deepcopy(prometheus_alerts()["SlaClockOutage"])
    assert old in rule["annotations"][key]
    rule["annotations"][key] = rule["annotations"][key].replace(old, new)
    found = list(broken(rule, labels["SlaClockOutage"], anchors(runbook), boards()))
    assert any(said in mistake for mistake in found), found


@pytest.mark.parametrize(
    "change",
    [
        lambda notes: notes.pop("tickets"),
        lambda notes: notes.update(first_look="curl http://x"),
    ],
)
def test_an_alert_without_one_first_look_is_found(
    runbook: str, labels: dict[str, frozenset[str]], change: Callable[[dict[str, str]], object]
) -> None:
    """None, or two of them."""
    rule = copy.deepcopy(prometheus_alerts()["SlaClockOutage"])
    change(rule["annotations"])
    assert any("first look" in one for one in broken(rule, labels["SlaClockOutage"], anchors(runbook), boards()))
