"""Edits of a policy: what a file may change, how rules and labels are numbered, and a worker that gets one."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import oracle
from partitioned import HOUR, START, Driven
from policy_texts import OFFICE, Write, writer
from strategies import happened, policy_of
from supportpulse import cli, codec, record
from supportpulse.clock import NEVER, Plan
from supportpulse.errors import PolicyError
from supportpulse.evaluate import evaluate
from supportpulse.marker import marker
from supportpulse.outcome import BREACHED, CANCELLED, Emission
from supportpulse.policy import load_policy
from supportpulse.policy_record import POLICY_KEY
from supportpulse.reader import read_event
from supportpulse.ticket import Plans

BASE = """
name = "p"
labels = ["scenario", "rule"]
enums.scenario = ["live", "voice"]
[sites.here]
shift = "day"
[calendars.day]
timezone = "UTC"
hours = { mon-fri = ["09:00-17:00"] }
[[rules]]
name = "live"
match.scenario = "live"
targets = { first_response = "15m", total_resolution = "1d" }
[[rules]]
name = "rest"
targets = { first_response = "1h" }
"""


def edit(text: str, *changes: tuple[str, str], since: str = "2026-02-01", mode: str = "open_tickets") -> str:
    """The text edited; each change must have something to change."""
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new)
    return f'valid_from = {since}T00:00:00Z\napplies_to = "{mode}"\n{text}'


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write a policy file and give its path."""
    return writer(tmp_path)


@pytest.mark.parametrize(
    ("change", "key", "valid"),
    [
        (('labels = ["scenario", "rule"]', 'labels = ["rule"]'), "labels", "as in"),
        (('"live", "voice"', '"live", "voice", "game"'), "enums", "an edit changes at_risk_share, calendars,"),
        (('name = "p"', 'name = "p"\nreopen_window = "1d"'), "reopen_window", "604800000, as in"),
        (('name = "p"', 'name = "p"\nclocks.first_response.reopen = "last"'), "clocks", "{}, as in"),
        (('name = "p"', 'name = "p"\ninference.confirmed_by = ["assignment"]'), "inference", "as in"),
        (("09:00-17:00", "09:00-18:00"), "calendars.day", "the shift of here"),
        (('"1h"', '"1h", solution = "2h"'), "rules.rest.targets.solution", "open tickets have no past"),
    ],
)
def test_an_edit_changes_what_open_tickets_can_take_over(
    write: Write, tmp_path: Path, change: tuple[str, str], key: str, valid: str
) -> None:
    """Whatever else differs is named by file and key: it needs a version for new tickets."""
    write(BASE, "1.toml")
    path = write(edit(BASE, change), "2.toml")
    with pytest.raises(PolicyError) as caught:
        load_policy(tmp_path)
    assert (caught.value.file, caught.value.key) == (str(path), key)
    assert valid in caught.value.valid


def test_an_edit_needs_something_to_edit(write: Write) -> None:
    """The first file of a policy is for new tickets."""
    path = write(edit(BASE))
    with pytest.raises(PolicyError, match="no version before it") as caught:
        load_policy(path)
    assert caught.value.key == "applies_to"


def test_an_edit_moves_no_rule_and_no_label_set() -> None:
    """Stored state counts by them: what an edit adds stands behind what was there, and what it repeats stays."""
    before = Plan(policy_of(BASE).versions[0])
    gold = (
        '[[rules]]\nname = "gold"\nmatch.tier = "gold"\ntargets = { first_response = "5m" }\n[[rules]]\nname = "rest"'
    )
    edits = edit(BASE, ('[[rules]]\nname = "rest"', gold)), edit(BASE, ('"15m"', '"10m"'), since="2026-03-01")
    (version,) = policy_of(BASE, *edits).versions
    after = Plan(version)
    assert version.label_sets[: len(before.version.label_sets)] == before.version.label_sets
    assert len(set(version.label_sets)) == len(version.label_sets) == 8 + 4
    for scenario in ("live", "voice", "game", None):
        attributes = (scenario, *(None,) * 6)
        assert (
            after.binding("desk", attributes, 1)
            == after.binding("desk", attributes)
            == before.binding("desk", attributes)
        )
        assert (after.binding("desk", attributes, 2) == before.binding("desk", attributes)) == (scenario != "live")
    binding = after.binding("desk", ("voice", None, None, None, None, "gold", None), 1)
    assert version.label_sets[binding % after.labels] == ("voice", "gold")
    assert after.rule_name(binding) == "gold"


def test_an_unchanged_calendar_is_no_edit_and_a_changed_one_is() -> None:
    """Tickets under a rule notice an edit of its calendar only, in whatever order its days are written."""
    base = 'name = "p"\nlabels = ["rule"]\n' + OFFICE.replace("mon-fri", 'mon-thu = ["09:00-17:00"], fri')
    base += '[[rules]]\nname = "all"\ncalendar = "office"\ntargets = { first_response = "15m" }\n'
    turned = edit(
        base, ('mon-thu = ["09:00-17:00"], fri = ["09:00-17:00"]', 'fri = ["09:00-17:00"], mon-thu = ["09:00-17:00"]')
    )
    shorter = edit(base, ("09:00", "10:00"), since="2026-03-01")
    plan = Plan(policy_of(base, turned, shorter).versions[0])
    bindings = [plan.binding("desk", (None,) * 7, edition) for edition in range(3)]
    assert bindings[0] == bindings[1] != bindings[2]


def test_goals_are_those_of_the_edition_in_force() -> None:
    """What metrics show as target changes when the edit begins; a rule it took out is still there for old tickets."""
    policy = policy_of(BASE, edit(BASE, ('"1h"', '"2h"'), ('name = "live"', 'name = "lively"')))
    begins = policy.editions[1].valid_from_ms
    assert ("first_response", "lively") not in policy.goals(begins - 1)
    assert policy.goals(begins - 1)["first_response", "rest"].target_ms == HOUR
    assert policy.goals(begins)["first_response", "rest"].target_ms == 2 * HOUR
    assert ("first_response", "live") in policy.goals(begins)


def test_an_outcome_names_the_file_whose_rule_decided() -> None:
    """The digest is that of the edit, or of the file before it for a rule the edit left as it was."""
    policy = policy_of(BASE, edit(BASE, ('"15m"', '"10m"')))
    plan = Plans(policy).plans[0]
    found = {}
    for scenario in ("live", "voice"):
        binding = plan.binding("desk", (scenario, *(None,) * 6), 1)
        (outcome,) = json.loads(
            record.encode("desk|1", plan, [Emission(BREACHED, 0, 1, START, START, binding, 0, 0)], "t-0-1") or b""
        )
        found[scenario] = outcome["data"]["policy"]
    assert found == {"live": policy.editions[1].digest, "voice": policy.editions[0].digest}


def test_the_command_tells_an_edit_from_a_version(
    write: Write, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """`policy check` and `policy show` list every file, and say how it takes over."""
    write(BASE, "1.toml")
    write(edit(BASE, ('"1h"', '"2h"'), mode="next_event"), "2.toml")
    assert cli.main(["policy", "check", str(tmp_path)]) == 0
    assert (
        "from 2026-02-01T00:00:00.000Z, open tickets at their next event, 2 rules over 2 clocks"
        in capsys.readouterr().out
    )
    assert cli.main(["policy", "show", str(tmp_path), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert [one["applies_to"] for one in told] == ["new_tickets", "next_event"]
    assert [one["targets"][2]["target_ms"] for one in told] == [HOUR, 2 * HOUR]


DRIVEN = (
    'name = "driven"\nreopen_window = "1d"\nlateness = "1d"\nlabels = ["rule"]\nwaiting_clocks = ["first_response"]\n'
)
RULE = '[[rules]]\nname = "all"\ntargets = { first_response = "1h" }\n'
SILVER = '[[rules]]\nname = "silver"\nmatch.tier = "silver"\ntargets = { first_response = "90m" }\n'
EDITED = (
    'valid_from = 2026-01-01T12:30:00Z\napplies_to = "open_tickets"\n' + DRIVEN + SILVER + RULE.replace("1h", "45m")
)


def test_a_worker_that_gets_an_edit_asks_the_tickets_it_had_when_the_edit_begins(tmp_path: Path) -> None:
    """State made without the edit goes on under it, and says what a fold that knew it from the beginning says."""
    driven = Driven(tmp_path)
    events = [
        happened("TicketCreated", START, f"{ticket}/new", ticket=ticket, by="customer", **data)
        for ticket, data in {"open": {}, "silver": {"tier": "silver"}, "solved": {}, "spam": {}}.items()
    ]
    events.append(happened("StatusChanged", START + 60_000, "solved/done", ticket="solved", status="solved"))
    events.append(happened("MarkedAsSpam", START + 60_000, "spam/spam", ticket="spam"))
    for event in events:
        driven.take(event)
    driven.said()
    driven.state.settle()
    due = {key: codec.next_due_of(value) for key, value in driven.store.items() if b"|" in key}
    (tmp_path / "edit.toml").write_text(EDITED, "utf-8")
    driven.plans = Plans(load_policy(tmp_path))
    driven.state = driven.opened(driven.store, driven.pane_store)
    assert driven.state.dirty == {b"desk|open", b"desk|silver", POLICY_KEY}
    edited = {key: codec.next_due_of(value) for key, value in driven.store.items() if b"|" in key}
    assert edited == due | dict.fromkeys((b"desk|open", b"desk|silver"), START + HOUR // 2)
    assert driven.opened(driven.store, driven.pane_store).dirty == set(), "known by now"
    for now in range(START, START + 2 * HOUR + 1, HOUR // 12):
        for key, at in list(driven.state.due(now, 10)):
            driven.raw(key, marker(key, at), now)
        driven.state.settle()
    expected = oracle.net_view(events, driven.plans.policy, START + 2 * HOUR - 1)
    driven.said()
    assert driven.net == expected
    assert driven.verdicts() == {"open": "breached", "silver": "breached", "solved": "cancelled", "spam": "cancelled"}
    times = {key.partition("|")[2]: time for (key, _, _), (_, time, _) in driven.net.items()}
    assert (times["open"], times["silver"]) == (START + HOUR * 3 // 4, START + HOUR * 3 // 2)
    assert codec.next_due_of(driven.store[b"desk|open"]) == NEVER


@pytest.mark.parametrize(("last", "rule", "deadline"), [("TicketMerged", "all", 60), ("MarkedAsSpam", "every", 45)])
def test_what_ends_a_ticket_with_its_first_event_after_an_edit(last: str, rule: str, deadline: int) -> None:
    """A merge cancels clocks under the rule they ran under; a void ticket has the rule that its last event brought."""
    edited = EDITED.replace("open_tickets", "next_event").replace('"all"', '"every"')
    retroactive = '[clocks.first_response]\non_rule_change = "retroactive"\n'
    base, edited = (text.replace("[[rules]]", retroactive + "[[rules]]", 1) for text in (DRIVEN + RULE, edited))
    policy = policy_of(base, edited)
    events = [
        happened("TicketCreated", START, "new", by="customer"),
        happened(last, START + 40 * 60_000, "last"),
    ]
    result = evaluate(map(read_event, events), policy, START + HOUR)
    assert result.net == oracle.net_view(events, policy, START + HOUR)
    assert [verdict[::2] for verdict in result.net.values()] == [("cancelled", START + deadline * 60_000)]
    plan = result.tickets["desk|1"].fold.plan
    (cancelled,) = (said for said in result.said["desk|1"] if said.kind == CANCELLED)
    assert plan.rule_name(cancelled.binding) == rule
