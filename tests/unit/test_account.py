"""The account of a cycle, worked out by hand, and how it is written."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from strategies import DAY, HOUR, MINUTE, happened, policy_of
from supportpulse.account_line import amount
from supportpulse.calendars import ALWAYS, Calendar, build_calendar
from supportpulse.events import TicketEvent
from supportpulse.explain import CycleTold, explain

BERLIN = ZoneInfo("Europe/Berlin")
POLICY = """
name = "desk"
labels = ["rule"]
[enums]
priority = ["urgent", "low"]
[calendars.office]
timezone = "Europe/Berlin"
hours.mon-fri = ["09:00-17:30"]
[[rules]]
name = "urgent"
match = { priority = "urgent" }
targets.requester_wait = "1h"
[[rules]]
name = "slow"
match = { priority = "low" }
targets.requester_wait = { target = "80h", calendar = "office" }
[[rules]]
name = "rest"
targets.requester_wait = { target = "4h", calendar = "office" }
"""


def at(day: int, time: str) -> int:
    """An instant of January 2026 in Berlin (ms); the 2nd is a Friday."""
    return round(datetime.fromisoformat(f"2026-01-{day:02d} {time}").replace(tzinfo=BERLIN).timestamp() * 1000)


def opened(day: int, time: str, **data: object) -> TicketEvent:
    """A ticket is opened."""
    return happened("TicketCreated", at(day, time), "opened", status="open", **data)


def status(day: int, time: str, value: str) -> TicketEvent:
    """Its status changes."""
    return happened("StatusChanged", at(day, time), f"{day} {time} {value}", status=value)


def told(as_of: int, *events: TicketEvent) -> CycleTold:
    """Its one cycle."""
    (cycle,) = explain(events, policy_of(POLICY), as_of).cycles
    return cycle


def test_a_deadline_after_a_weekend_is_the_sum_of_two_days() -> None:
    """Friday's last hour and Monday's first three make the four of the target."""
    found = told(at(5, "12:30"), opened(2, "16:30"))
    assert found.line == (
        "4h on office (Europe/Berlin): Fri 02 Jan 16:30-17:30 1h + Mon 05 Jan 09:00-12:00 3h "
        "-> deadline 12:00; still running at 12:30, 4h30m in all"
    )
    assert [span.counted for span in found.account.due_spans] == [HOUR, 3 * HOUR]


def test_a_pause_stands_between_its_spans_and_what_is_left_is_told() -> None:
    """Solved in time: what counted, and how much was left; a pause at night counts nothing either way."""
    events = opened(2, "16:30"), status(2, "17:00", "pending_customer"), status(5, "09:10", "open")
    assert told(at(5, "08:00"), *events[:2]).line == (
        "4h on office (Europe/Berlin): Fri 02 Jan 16:30-17:00 30m + (paused 17:00-Mon 05 Jan 08:00) "
        "= 30m; pauses, 3h30m left when it resumes"
    )
    assert told(at(5, "12:00"), *events, status(5, "10:10", "solved")).line == (
        "4h on office (Europe/Berlin): Fri 02 Jan 16:30-17:00 30m + (paused 17:00-Mon 05 Jan 09:10) + 09:10-10:10 1h "
        "= 1h30m, stopped 10:10; 2h30m left until 12:40"
    )


def test_the_middle_of_a_long_account_is_a_number_of_business_days() -> None:
    """80 h from Friday noon: nine and a half working days, of which the first and last two are written out."""
    found = told(at(2, "12:00"), opened(2, "12:00", priority="low"))
    assert found.line == (
        "80h on office (Europe/Berlin): Fri 02 Jan 12:00-17:30 5h30m + Mon 05 Jan 09:00-17:30 8h30m + "
        "[6 business days 51h] + Wed 14 Jan 09:00-17:30 8h30m + Thu 15 Jan 09:00-15:30 6h30m "
        "-> deadline 15:30; 0s used by Fri 02 Jan 12:00"
    )
    assert len(found.account.due_spans) == 10


def test_a_rule_that_leaves_less_than_was_used_is_told_where_it_came() -> None:
    """Urgent after two hours: one hour is the target then, so the deadline is that moment."""
    urgent = happened("PriorityChanged", at(2, "12:00"), "urgent", priority="urgent")
    found = told(at(2, "14:00"), opened(2, "10:00"), urgent, status(2, "13:00", "solved"))
    assert found.line == (
        "1h on 24x7 (times in Europe/Berlin): Fri 02 Jan 10:00-12:00 2h on office + "
        "(from 12:00 rule urgent: 1h on 24x7) -> deadline 12:00; stopped 13:00, 3h in all"
    )
    assert [(term.rule, term.since) for term in found.account.terms] == [
        ("rest", at(2, "10:00")),
        ("urgent", at(2, "12:00")),
    ]


LAST = """
name = "last"
labels = ["rule"]
[clocks.solve]
start = ["created"]
stop = ["resolved"]
pause = ["status:pending_customer"]
reopen = "last"
[[rules]]
name = "all"
targets.solve = "4h"
"""


@pytest.mark.parametrize(
    ("changes", "counted"),
    [
        (
            [("11:00", "solved"), ("12:00", "open"), ("13:00", "solved")],
            "Fri 02 Jan 09:00-12:00 3h = 3h, stopped 12:00",
        ),
        (
            [("10:30", "pending_customer"), ("11:00", "solved"), ("12:00", "open"), ("12:30", "solved")],
            "Fri 02 Jan 09:00-09:30 30m + (paused 09:30-10:00) + 10:00-11:30 1h30m = 2h, stopped 11:30",
        ),
    ],
    ids=["running", "paused"],
)
def test_only_the_last_solution_counts_where_the_clock_says_so(changes: list[tuple[str, str]], counted: str) -> None:
    """Reopened, it is as if it had run on since it was solved: a pause ends with the solution."""
    events = opened(2, "10:00"), *(status(2, time, value) for time, value in changes)
    (cycle,) = explain(events, policy_of(LAST), at(2, "14:00")).cycles
    assert f": {counted}; " in cycle.line


def test_a_ticket_that_is_deleted_has_its_account_until_then() -> None:
    """Cancelled: what had counted, no deadline to reach."""
    gone = happened("TicketDeleted", at(2, "11:00"), "gone")
    assert told(at(9, "11:00"), opened(2, "10:00"), gone).line == (
        "4h on office (Europe/Berlin): Fri 02 Jan 10:00-11:00 1h = 1h, cancelled 11:00"
    )


@pytest.mark.parametrize(
    ("ms", "hours", "days"),
    [(0, "0s", "0s"), (1, "0.001s", "0.001s"), (90_500, "1m30.5s", "1m30.5s"), (3 * DAY + MINUTE, "72h1m", "3d1m")],
)
def test_amounts_are_in_hours_where_a_day_has_fewer_than_24(ms: int, hours: str, days: str) -> None:
    """A target of one day on an office's calendar is no working day."""
    assert amount(ms, build_calendar("office", "UTC", {"mon": ["09:00-17:00"]})) == hours
    assert amount(ms, ALWAYS) == days


def test_intervals_are_clipped_and_add_up_to_business_time() -> None:
    """Half of Friday, Monday, and none of a Sunday; 24x7 is one interval."""
    office = policy_of(POLICY).versions[0].rules[2].targets["requester_wait"].calendar
    assert list(office.intervals(at(2, "13:00"), at(5, "09:30"))) == [
        (at(2, "13:00"), at(2, "17:30")), (at(5, "09:00"), at(5, "09:30")),
    ]  # fmt: skip
    assert list(office.intervals(at(4, "00:00"), at(4, "23:00"))) == []
    assert list(office.intervals(at(2, "17:30"), at(5, "09:00"))) == []
    assert list(office.intervals(at(2, "13:00"), at(2, "12:00"))) == []
    assert list(ALWAYS.intervals(1, 5)) == [(1, 5)]
    assert isinstance(office, Calendar)
