"""A real incident log with its second file: every row accounted for, nothing known too early, the desk's own times."""

from __future__ import annotations

from collections import Counter, defaultdict
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from real_logs import ENDED, JSM, evaluated, events_of, ids, imported, ms, rows_of
from supportpulse.edges.importer import Imported
from supportpulse.outcome import MET

ACTIVITIES = Path("bpic2014-rabobank-sample") / "incident_activity.csv.gz"
CASES = Path("bpic2014-rabobank-sample") / "incident_cases.csv.gz"
OFFICE = """
name = "handling"
labels = ["rule"]
waiting_clocks = ["handling"]
[calendars.office]
timezone = "Europe/Amsterdam"
hours = { mon-fri = ["08:00-18:00"] }
[clocks.handling]
start = ["created"]
stop = ["closed"]
[[rules]]
name = "all"
calendar = "office"
targets = { handling = "9000h" }
"""


@cache
def incidents() -> Imported:
    """The incident activities, read once."""
    return imported(ACTIVITIES, "hp-service-manager", CASES)


def place_of(events: list[dict[str, Any]], number: str) -> tuple[int, int]:
    """Time and sequence of an event."""
    return next((event["ms"], event["sequence"]) for event in events if event["id"] == number)


def test_every_row_of_the_incident_activities_is_accounted_for() -> None:
    """39,911 rows are 27,613 events and 12,298 skipped for a reason; ids name one happening each time."""
    log = incidents()
    assert (len(log.entries), log.bad, log.repeated, log.unjoined) == (27_613, [], 0, set())
    assert log.skipped == {
        "the new status is not told": 4_288,
        "what was updated is not told": 3_655,
        "of the configuration items": 2_975,
        "of the quality of the record": 1_042,
        "between the desk and its vendor": 209,
        "work that nobody is told of": 98,
        "of a change or problem beside it": 31,
    }
    assert len(set(ids(log))) == 27_613
    assert imported(ACTIVITIES, "hp-service-manager", CASES).entries == log.entries
    tickets = events_of(log)
    assert len(tickets) == 4_000
    for events in tickets.values():
        places = [(event["ms"], event["sequence"]) for event in events]
        assert places == sorted(places)
    assert Counter(events[0]["what"] for events in tickets.values()) == {"TicketCreated": 3_999, "MessagePosted": 1}


def test_incidents_tell_nothing_of_their_end_before_it() -> None:
    """The final priority is told at the opening where nothing changed it, else by its last change; no other is told."""
    final = {row["incident_id"]: f"p{row['priority']}" for row in rows_of(CASES)}
    changes = defaultdict(list)
    for row in rows_of(ACTIVITIES):
        if row["incident_activity_type"] in ("Impact Change", "Urgency Change"):
            changes[row["incident_id"]].append(row["incident_activity_number"])
    at_opening = 0
    for ticket, events in events_of(incidents()).items():
        for event in events:
            assert event["data"].keys() <= {
                "actor", "agent", "kind", "priority", "public", "scenario", "status", "team"
            }, event  # fmt: skip
            assert event["data"].get("status") in (None, "new", "open", "pending_third_party", *ENDED)
        told = [event for event in events if "priority" in event["data"]]
        assert {event["data"]["priority"] for event in told} <= {final[ticket]}
        if ticket in changes:
            assert [event["id"] for event in told] == [max(changes[ticket], key=lambda id: place_of(events, id))]
        else:
            at_opening += [event["what"] for event in told][:1] == ["TicketCreated"]
    assert at_opening == 3_883
    assert len(changes) == 116


@pytest.mark.parametrize(
    ("column", "what", "status", "same", "apart"),
    [("open_time", "TicketCreated", None, 3_998, 1), ("close_time", "StatusChanged", "closed", 3_952, 11),
     ("reopen_time", "StatusChanged", "open", 166, 6)],
)  # fmt: skip
def test_incidents_happen_when_the_desk_says_so(
    column: str, what: str, status: str | None, same: int, apart: int
) -> None:
    """Openings, closes and reopenings are within 4 s of those in the incident details, the part in UTC included."""
    own = {row["incident_id"]: row[column] for row in rows_of(CASES)}
    found: Counter[bool] = Counter()
    for ticket, events in events_of(incidents()).items():
        times = [
            event["ms"] for event in events if event["what"] == what and status in (None, event["data"].get("status"))
        ]
        if own[ticket] and times:
            found[any(abs(time - ms(own[ticket], "Europe/Amsterdam")) <= 4_000 for time in times)] += 1
    assert found == {True: same, False: apart}


def test_the_presets_clocks_run_over_the_incidents(tmp_path: Path) -> None:
    """Jira's preset judges them all; one office calendar gives the desk's own hours of handling for 43 %."""
    found = evaluated(incidents(), JSM)
    counts = Counter((clock, verdict) for (_, clock, _), (verdict, _, _) in found.net.items())
    assert counts == {
        ("time_to_first_response", "met"): 2_070, ("time_to_first_response", "breached"): 1_929,
        ("time_to_resolution", "met"): 3_305, ("time_to_resolution", "breached"): 900,
    }  # fmt: skip
    policy = tmp_path / "office.toml"
    policy.write_text(OFFICE, encoding="utf-8")
    own = {row["incident_id"]: row["handle_time_hours"] for row in rows_of(CASES)}
    within: Counter[bool] = Counter()
    for key, said in evaluated(incidents(), policy).said.items():
        ran = [one.elapsed for one in said if one.kind == MET and not one.because]
        if ran and own[key.partition("|")[2]]:
            within[abs(ran[-1] / 3_600_000 - float(own[key.partition("|")[2]])) <= 0.1] += 1
    assert within == {True: 1_690, False: 2_272}
