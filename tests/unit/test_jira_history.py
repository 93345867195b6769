"""A real Jira history through its mapping: every row accounted for, nothing known too early, Jira's own times."""

from __future__ import annotations

import gzip
from collections import Counter, defaultdict
from functools import cache
from itertools import islice, pairwise
from pathlib import Path

from real_logs import ENDED, JSM, entered, evaluated, events_of, ids, imported, ms, real, rows_of
from supportpulse.edges.importer import Imported
from supportpulse.policy import load_policy

JIRA = Path("aea-jira-history") / "jira_history_created_2023-12_to_2024-11.csv.gz"


@cache
def jira() -> Imported:
    """The Jira history, read once."""
    return imported(JIRA, "jira-history")


def test_every_row_of_the_jira_history_is_accounted_for(tmp_path: Path) -> None:
    """27,342 rows are 27,334 events and 8 that tell a creation again; ids name one happening each time."""
    log = jira()
    assert (len(log.entries), log.bad, log.skipped, log.repeated) == (27_334, [], {}, 8)
    assert len(set(ids(log))) == 27_334
    part = tmp_path / "part.csv"
    with gzip.open(real(JIRA), "rt", encoding="utf-8", newline="") as lines:
        part.write_text("".join(islice(lines, 8_001)), encoding="utf-8")
    assert imported(part, "jira-history").entries == [entry for entry in log.entries if entry.row <= 8_000]
    tickets = events_of(log)
    assert len(tickets) == 690
    for events in tickets.values():
        assert [event["what"] for event in events] == ["TicketCreated"] + ["TicketObserved"] * (len(events) - 1)
        assert all(early["ms"] < late["ms"] for early, late in pairwise(events))


def test_the_jira_history_tells_nothing_before_its_own_change() -> None:
    """A creation tells nothing else; after the first snapshot, a field changes on the row that names its change."""
    changed = {(row["ticket"], row["event_at"]): row["Changed.Fields"].split(", ") for row in rows_of(JIRA)}
    names = {"status": {"status", "resolution"}, "agent": {"assignee"}, "scenario": {"Journal"}}
    names["sub_scenario"] = {"MCStatus"}
    seen: Counter[str] = Counter()
    for ticket, events in events_of(jira()).items():
        assert events[0]["data"] == {}
        for before, event in pairwise(events[1:]):
            assert event["data"].keys() <= names.keys() | {"priority"}
            for field, fields in names.items():
                if before["data"].get(field) != event["data"].get(field):
                    seen[field] += 1
                    assert fields & set(changed[ticket, event["id"].partition(":")[2]]), event
    assert seen["status"] > 1_000
    assert seen["agent"] > 3_000


def test_issues_are_resolved_when_jira_says_so() -> None:
    """As long as no resolution is replaced by another, issues are resolved within 10 s of the time that Jira shows."""
    resolved = {row["ticket"]: row["Resolved"] for row in rows_of(JIRA)}
    replaced: Counter[str] = Counter()
    last: dict[str, str] = {}
    for row in reversed(rows_of(JIRA)):
        if row["Resolution"] and row["Resolution"] != last.get(row["ticket"]):
            replaced[row["ticket"]] += 1
        last[row["ticket"]] = row["Resolution"]
    told: Counter[str] = Counter()
    for ticket, events in events_of(jira()).items():
        times = entered(events, ENDED)
        if not resolved[ticket]:
            assert times == []
        elif not times:
            told["never"] += 1  # its history ends before
        elif abs(times[-1] - ms(resolved[ticket])) <= 10_000:
            told["same"] += 1
        elif times[-1] < ms(resolved[ticket]):
            assert replaced[ticket] > 1, ticket
            told["replaced later"] += 1
        else:
            told["seen later"] += 1  # by the row after the oldest, whose own time is not known
    assert told == {"same": 473, "replaced later": 162, "seen later": 3, "never": 1}


def test_the_jsm_preset_judges_the_jira_history() -> None:
    """Where Jira tells one time of resolution, the verdict is that of the business hours up to it."""
    found = evaluated(jira(), JSM)
    version = load_policy(JSM).versions[0]
    target = version.rule_for({}).targets["time_to_resolution"]  # type: ignore[union-attr]
    rows = {row["ticket"]: row for row in rows_of(JIRA)}
    verdicts = defaultdict(list)
    for (key, clock, _), (verdict, _, _) in found.net.items():
        if clock == "time_to_resolution":
            verdicts[key.partition("|")[2]].append(verdict)
    counts = Counter(verdict for listed in verdicts.values() for verdict in listed)
    assert len(verdicts) == 690
    assert counts == {"breached": 623, "met": 77}
    agree: Counter[bool] = Counter()
    for ticket, events in events_of(jira()).items():
        own = rows[ticket]["Resolved"]
        times = entered(events, ENDED)
        if own and len(times) == len(verdicts[ticket]) == 1 and abs(times[0] - ms(own)) <= 10_000:
            due = target.calendar.after(ms(rows[ticket]["Created"]), target.target_ms)
            agree[(ms(own) <= due) == (verdicts[ticket] == ["met"])] += 1
    assert agree == {True: 467}
