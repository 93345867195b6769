"""Business time against a brute-force count of minutes."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from supportpulse.calendars import DAYS, Calendar, build_calendar

MINUTE = 60_000
ZONES = [
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "Asia/Shanghai",
    "Asia/Kolkata",
    "Australia/Lord_Howe",
    "Pacific/Apia",
]
ANCHORS = [  # ordinary days, new year, and nights in which some of the zones change their clocks
    datetime(2026, 3, 28, 12, tzinfo=UTC),
    datetime(2026, 10, 24, 12, tzinfo=UTC),
    datetime(2026, 3, 7, 20, tzinfo=UTC),
    datetime(2026, 10, 31, 20, tzinfo=UTC),
    datetime(2026, 4, 4, 6, tzinfo=UTC),
    datetime(2011, 12, 29, 0, tzinfo=UTC),
    datetime(2019, 12, 31, 0, tzinfo=UTC),
    datetime(2033, 6, 14, 3, tzinfo=UTC),
]

Intervals = list[tuple[int, int]]
intervals = st.tuples(st.integers(0, 1439), st.integers(1, 1440)).map(
    lambda pair: (
        pair[0],
        pair[0] + pair[1] if pair[0] + pair[1] <= 1440 else min(pair[0] + pair[1] - 1440, pair[0]) + 1440,
    )
)
weeks = st.lists(st.lists(intervals, max_size=3), min_size=7, max_size=7).filter(any)


def clock_time(minute: int) -> str:
    """HH:MM of a minute of the day, 24:00 for its end."""
    minute = minute if minute == 1440 else minute % 1440
    return f"{minute // 60:02}:{minute % 60:02}"


def declare(zone: str, week: list[Intervals], closed: frozenset[date]) -> Calendar | None:
    """The calendar under test; None for an interval that would be empty or begin at 24:00."""
    hours = {
        day: [f"{clock_time(start)}-{clock_time(end)}" for start, end in spans]
        for day, spans in zip(DAYS, week, strict=True)
        if spans
    }
    if any(text[:5] == text[6:] for spans in hours.values() for text in spans):
        return None
    return build_calendar("random", zone, hours, dates=closed)


def is_open(minute: datetime, zone: ZoneInfo, week: list[Intervals], closed: frozenset[date]) -> bool:
    """Whether the wall clock shows business time: today's intervals, or yesterday's that pass midnight."""
    local = minute.astimezone(zone)
    shown = local.hour * 60 + local.minute
    today, yesterday = local.date(), local.date() - timedelta(days=1)
    return any(
        day not in closed and any(start <= at < end for start, end in week[day.weekday()])
        for day, at in ((today, shown), (yesterday, shown + 1440))
    )


@settings(max_examples=80, deadline=None)
@given(
    zone=st.sampled_from(ZONES),
    week=weeks,
    anchor=st.sampled_from(ANCHORS),
    offset=st.integers(-600, 600),
    minutes=st.integers(1, 3000),
    closed=st.frozensets(st.integers(0, 3), max_size=2),
    wanted=st.integers(1, 3000),
)
def test_business_time_is_the_count_of_open_minutes_and_after_is_its_inverse(
    zone: str, week: list[Intervals], anchor: datetime, offset: int, minutes: int, closed: frozenset[int], wanted: int
) -> None:
    """For any week, zone and holidays, over clock changes and new year: minutes counted one by one, both ways."""
    holidays = frozenset(anchor.date() + timedelta(days=day) for day in closed)
    calendar = declare(zone, week, holidays)
    if calendar is None:
        return
    first = anchor + timedelta(minutes=offset)
    start = round(first.timestamp()) * 1000
    opened = [is_open(first + timedelta(minutes=step), ZoneInfo(zone), week, holidays) for step in range(minutes)]
    end = start + minutes * MINUTE
    total = calendar.business_ms(start, end)
    assert total == sum(opened) * MINUTE
    assert [calendar.covers(start + step * MINUTE) for step in range(minutes)] == opened
    if wanted * MINUTE <= total:
        reached = calendar.after(start, wanted * MINUTE)
        counted = [step for step, is_business in enumerate(opened) if is_business]
        assert reached == start + (counted[wanted - 1] + 1) * MINUTE
        assert calendar.business_ms(start, reached) == wanted * MINUTE
        assert calendar.business_ms(start, reached - 1) == wanted * MINUTE - 1


@settings(max_examples=30, deadline=None)
@given(
    zone=st.sampled_from(ZONES),
    week=weeks,
    start=st.integers(1_262_304_000_000, 2_208_988_800_000),
    first=st.integers(0, 10**10),
    second=st.integers(0, 10**10),
)
def test_spans_add_up_and_after_lands_on_the_first_instant(
    zone: str, week: list[Intervals], start: int, first: int, second: int
) -> None:
    """At any millisecond from 2010 to 2040: adjoining spans sum to the whole, and `after` is the earliest instant."""
    calendar = declare(zone, week, frozenset())
    if calendar is None:
        return
    middle, end = start + first, start + first + second
    assert calendar.business_ms(start, middle) + calendar.business_ms(middle, end) == calendar.business_ms(start, end)
    reached = calendar.after(start, first)
    assert calendar.business_ms(start, reached) == first
    assert first == 0 or calendar.business_ms(start, reached - 1) == first - 1


@settings(max_examples=30, deadline=None)
@given(zone=st.sampled_from(ZONES), week=weeks, anchor=st.sampled_from(ANCHORS), offset=st.integers(-600, 600))
def test_next_end_is_the_first_closing_strictly_after(
    zone: str, week: list[Intervals], anchor: datetime, offset: int
) -> None:
    """Walking minute by minute, the next end is where open turns to closed for the first time."""
    calendar = declare(zone, week, frozenset())
    if calendar is None:
        return
    first = anchor + timedelta(minutes=offset)
    opened = [is_open(first + timedelta(minutes=step), ZoneInfo(zone), week, frozenset()) for step in range(4000)]
    closings = [step + 1 for step in range(len(opened) - 1) if opened[step] and not opened[step + 1]]
    if closings:
        assert (
            calendar.next_end(round(first.timestamp()) * 1000) == round(first.timestamp()) * 1000 + closings[0] * MINUTE
        )
