"""Business time on calendars worked out by hand."""

from __future__ import annotations

from datetime import date, datetime
from zoneinfo import ZoneInfo

import pytest

from supportpulse.calendars import ALWAYS, Calendar, build_calendar
from supportpulse.errors import PolicyError

MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
NINE_TO_FIVE = {"mon-fri": ["09:00-17:00"]}
BERLIN, NEW_YORK = "Europe/Berlin", "America/New_York"


def at(text: str, zone: str = "UTC", fold: int = 0) -> int:
    """Epoch ms of a local time written YYYY-MM-DD HH:MM[:SS[.fff]]."""
    local = datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone), fold=fold)
    return round(local.timestamp() * 1000)


@pytest.fixture
def office() -> Calendar:
    """Monday to Friday, 09:00-17:00 UTC."""
    return build_calendar("office", "UTC", NINE_TO_FIVE)


def test_friday_half_past_four_plus_one_hour_is_monday_half_past_nine(office: Calendar) -> None:
    """The weekend does not count: Friday 16:30 + 1 h of 09:00-17:00 is Monday 09:30."""
    assert office.after(at("2026-10-02 16:30"), HOUR) == at("2026-10-05 09:30")


def test_one_day_on_an_eight_hour_calendar_is_three_business_days(office: Calendar) -> None:
    """A target of "1 day" is 24 h of business time: three days of 8 h (as ServiceNow counts)."""
    assert office.after(at("2026-10-05 09:00"), DAY) == at("2026-10-07 17:00")
    assert office.after(at("2026-10-05 13:00"), DAY) == at("2026-10-08 13:00")


def test_a_hold_from_evening_to_morning_costs_nothing(office: Calendar) -> None:
    """A hold from 17:00 to 09:00 takes 0 business time, so it may not move a due time."""
    assert office.business_ms(at("2026-10-05 17:00"), at("2026-10-06 09:00")) == 0


def test_a_ticket_with_two_schedules_summed_over_each_ones_own_span_and_over_the_last_one_alone() -> None:
    """The published two-schedule ticket: 959.46 minutes by each schedule's own span, 689.46 by the last.

    The schedules and days are the original's (dbt_zendesk's decision log). Its table places the instants at minutes
    3902, 5461.25 and 5461.46 of the week, reading seconds as hundredths of a minute; the instants here are those
    minutes, exactly.
    """
    chicago = build_calendar("level 1", "America/Chicago", {"mon-sun": ["07:00-21:00"]})
    san_francisco = build_calendar("level 2", "America/Los_Angeles", {"mon-fri": ["08:00-17:30"]})
    week = at("2020-09-27 00:00")
    created, changed, replied = (week + round(minutes * MINUTE) for minutes in (3902, 5461.25, 5461.46))
    summed = chicago.business_ms(created, changed) + san_francisco.business_ms(changed, replied)
    assert summed / MINUTE == pytest.approx(959.46, abs=1e-9)
    assert san_francisco.business_ms(created, replied) / MINUTE == pytest.approx(689.46, abs=1e-9)


def test_a_lunch_break_does_not_count() -> None:
    """Two intervals a day leave the hour between them out, and a target steps over it."""
    calendar = build_calendar("lunch", "UTC", {"mon-fri": ["09:00-12:00", "13:00-18:00"]})
    assert calendar.business_ms(at("2026-10-05 11:30"), at("2026-10-05 13:30")) == HOUR
    assert calendar.after(at("2026-10-05 11:30"), HOUR) == at("2026-10-05 13:30")
    assert not calendar.covers(at("2026-10-05 12:00"))
    assert calendar.covers(at("2026-10-05 13:00"))


def test_hours_past_midnight_belong_to_the_day_they_start_on() -> None:
    """A Friday shift 22:00-06:00 runs into Saturday, none starts there; a holiday takes the whole shift away."""
    hours = {"mon-fri": ["22:00-06:00"]}
    calendar = build_calendar("night", "UTC", hours)
    assert calendar.business_ms(at("2026-10-02 21:00"), at("2026-10-05 21:00")) == 8 * HOUR
    assert calendar.covers(at("2026-10-03 05:59"))
    assert not calendar.covers(at("2026-10-03 22:30"))
    closed = build_calendar("night", "UTC", hours, dates=[date(2026, 10, 2)])
    assert (
        closed.business_ms(at("2026-10-01 21:00"), at("2026-10-05 21:00")) == 8 * HOUR
    )  # Thursday's shift into the holiday
    assert not closed.covers(at("2026-10-03 05:59"))


def test_an_interval_may_end_at_twenty_four_o_clock() -> None:
    """18:00-24:00 ends at midnight and joins the 00:00 of the next day without a gap."""
    calendar = build_calendar("late", "UTC", {"mon": ["18:00-24:00"], "tue": ["00:00-02:00"]})
    assert calendar.next_end(at("2026-10-05 19:00")) == at("2026-10-06 02:00")
    assert calendar.business_ms(at("2026-10-05 00:00"), at("2026-10-07 00:00")) == 8 * HOUR


@pytest.mark.parametrize(
    ("zone", "night", "hours_of_work"),
    [
        (BERLIN, "2026-03-28", 7),
        (BERLIN, "2026-10-24", 9),
        (NEW_YORK, "2026-03-07", 7),
        (NEW_YORK, "2026-10-31", 9),
    ],
)
def test_a_night_shift_over_a_clock_change_loses_or_gains_an_hour(zone: str, night: str, hours_of_work: int) -> None:
    """22:00-06:00 is 7 h in the night clocks go forward and 9 h in the night they go back."""
    calendar = build_calendar("night", zone, {"mon-sun": ["22:00-06:00"]})
    start = at(f"{night} 22:00", zone)
    assert calendar.next_end(start) == start + hours_of_work * HOUR
    assert calendar.business_ms(start, start + 12 * HOUR) == hours_of_work * HOUR
    assert calendar.after(start, hours_of_work * HOUR) == start + hours_of_work * HOUR


def test_an_interval_inside_the_skipped_hour_is_empty_and_inside_the_repeated_hour_counts_twice() -> None:
    """The wall clock decides: 02:15-02:45 never comes on 29 March in Berlin and comes twice on 25 October."""
    calendar = build_calendar("small hours", BERLIN, {"sun": ["02:15-02:45"]})
    assert calendar.business_ms(at("2026-03-29 00:00", BERLIN), at("2026-03-29 12:00", BERLIN)) == 0
    assert calendar.business_ms(at("2026-10-25 00:00", BERLIN), at("2026-10-25 12:00", BERLIN)) == HOUR
    assert calendar.covers(at("2026-10-25 02:30", BERLIN, fold=0))
    assert calendar.covers(at("2026-10-25 02:30", BERLIN, fold=1))


def test_office_hours_keep_their_local_times_through_the_year() -> None:
    """09:00 in New York is 14:00 UTC in winter and 13:00 UTC in summer."""
    calendar = build_calendar("office", NEW_YORK, NINE_TO_FIVE)
    assert calendar.after(at("2026-01-05 00:00"), 1) == at("2026-01-05 14:00") + 1
    assert calendar.after(at("2026-07-06 06:00"), 1) == at("2026-07-06 13:00") + 1


def test_holidays_by_country_subdivision_date_and_range_close_the_office() -> None:
    """A holiday of a country, of a part of it, a date and both ends of a range close; the days beside do not."""
    calendar = build_calendar(
        "office",
        BERLIN,
        NINE_TO_FIVE,
        countries=["DE-BY"],
        dates=["2026-10-07"],
        ranges=[[date(2026, 12, 24), "2026-12-31"]],
    )

    def worked(day: str) -> int:
        return calendar.business_ms(at(f"{day} 00:00", BERLIN), at(f"{day} 23:59", BERLIN)) // HOUR

    assert worked("2026-05-01") == 0  # Labour Day, a Friday, in all of Germany
    assert worked("2026-01-06") == 0  # Epiphany, a Tuesday, in Bavaria
    assert [worked(f"2026-10-0{day}") for day in (6, 7, 8)] == [8, 0, 8]
    assert [worked(day) for day in ("2026-12-23", "2026-12-24", "2026-12-31", "2027-01-04")] == [8, 0, 0, 8]
    north = build_calendar("office", BERLIN, NINE_TO_FIVE, countries=["DE"])
    assert north.covers(at("2026-01-06 10:00", BERLIN))


def test_overlapping_intervals_count_once() -> None:
    """08:00-12:00 and 10:00-14:00 are six hours and one shift; a night shift joins the morning it runs into."""
    calendar = build_calendar(
        "overlap", "UTC", {"mon": ["08:00-12:00", "10:00-14:00", "22:00-06:00"], "tue": ["05:00-07:00"]}
    )
    assert calendar.business_ms(at("2026-10-05 00:00"), at("2026-10-05 20:00")) == 6 * HOUR
    assert calendar.next_end(at("2026-10-05 11:00")) == at("2026-10-05 14:00")
    assert calendar.next_end(at("2026-10-05 14:00")) == at("2026-10-06 07:00")


def test_the_ends_of_an_interval_belong_to_the_half_open_span() -> None:
    """09:00:00.000 counts, 17:00:00.000 does not; next_end looks strictly after its argument."""
    calendar = build_calendar("office", "UTC", NINE_TO_FIVE)
    opening, closing = at("2026-10-05 09:00"), at("2026-10-05 17:00")
    assert [calendar.covers(t) for t in (opening - 1, opening, closing - 1, closing)] == [False, True, True, False]
    assert calendar.next_end(closing - 1) == closing
    assert calendar.next_end(closing) == closing + DAY
    assert calendar.after(closing - 5, 5) == closing
    assert calendar.after(closing, 0) == closing


def test_years_are_worked_out_in_any_order(office: Calendar) -> None:
    """2010 after 2040 and a span over all of it: the same hours as a calendar asked in another order."""
    late = office.business_ms(at("2040-12-31 00:00"), at("2041-01-01 00:00"))
    early = office.business_ms(at("2010-01-01 00:00"), at("2010-01-02 00:00"))
    assert (early, late) == (8 * HOUR, 8 * HOUR)
    fresh = build_calendar("office", "UTC", NINE_TO_FIVE)
    span = at("2010-01-01 00:00"), at("2041-01-01 00:00")
    weekdays = sum(
        date.fromordinal(day).weekday() < 5 for day in range(date(2010, 1, 1).toordinal(), date(2041, 1, 1).toordinal())
    )
    assert office.business_ms(*span) == fresh.business_ms(*span) == weekdays * 8 * HOUR
    assert fresh.after(span[0], weekdays * 8 * HOUR) == at("2040-12-31 17:00")


def test_a_shift_over_new_year_is_one_shift() -> None:
    """The years are worked out one by one, but an interval from December into January stays whole."""
    calendar = build_calendar("night", "Asia/Shanghai", {"mon-sun": ["20:00-08:00"]})
    eve = at("2026-12-31 20:00", "Asia/Shanghai")
    assert calendar.next_end(eve) == eve + 12 * HOUR
    assert calendar.business_ms(eve, eve + DAY) == 12 * HOUR


def test_round_the_clock_has_no_end() -> None:
    """24x7 adds plainly, covers everything, and so does a calendar that declares every hour of the week."""
    declared = build_calendar("round", BERLIN, {"mon-sun": ["00:00-24:00"]})
    for calendar in (ALWAYS, declared):
        assert calendar.always
        assert calendar.business_ms(5, 17) == 12
        assert calendar.after(5, 12) == 17
        assert calendar.next_end(5) is None
        assert calendar.covers(5)
    mostly = build_calendar("round", "UTC", {"mon-sun": ["00:00-24:00"]}, dates=["2026-10-05"])
    assert mostly.next_end(at("2025-06-01 00:00")) == at("2026-10-05 00:00")
    assert mostly.next_end(at("2026-10-06 00:00")) is None


def test_going_backwards_is_an_error(office: Calendar) -> None:
    """An end before its start and a negative span are mistakes of the caller, said so."""
    with pytest.raises(ValueError, match="office: the end 4 lies before the start 5"):
        office.business_ms(5, 4)
    with pytest.raises(ValueError, match="cannot go back by -1 ms"):
        office.after(5, -1)


def test_hours_that_run_out_are_an_error() -> None:
    """A target no remaining business hour can fill raises instead of searching for ever."""
    calendar = build_calendar("closed", "UTC", {"mon": ["09:00-10:00"]}, ranges=[["2027-01-01", "2210-12-31"]])
    with pytest.raises(ValueError, match="fewer than 3600000 ms of business hours left"):
        calendar.after(at("2027-02-01 00:00"), HOUR)


@pytest.mark.parametrize(
    ("change", "key", "found"),
    [
        ({"timezone": "Mars/Olympus"}, "calendars.c.timezone", "Mars/Olympus"),
        ({"timezone": "../etc"}, "calendars.c.timezone", "../etc"),
        ({"hours": {}}, "calendars.c.hours", {}),
        ({"hours": {"mon": []}}, "calendars.c.hours", {"mon": []}),
        ({"hours": {"monday": ["09:00-17:00"]}}, "calendars.c.hours", "monday"),
        ({"hours": {"mon-fri": ["09:00-17:00"], "fri": ["09:00-12:00"]}}, "calendars.c.hours.fri", "fri"),
        ({"hours": {"mon": ["9-17"]}}, "calendars.c.hours.mon", "9-17"),
        ({"hours": {"mon": ["09:00-09:00"]}}, "calendars.c.hours.mon", "09:00-09:00"),
        ({"hours": {"mon": ["09:00-24:01"]}}, "calendars.c.hours.mon", "09:00-24:01"),
        ({"hours": {"mon": ["24:00-06:00"]}}, "calendars.c.hours.mon", "24:00-06:00"),
        ({"dates": ["2026-02-30"]}, "calendars.c.holidays.dates", "2026-02-30"),
        ({"ranges": [["2026-02-02", "2026-02-01"]]}, "calendars.c.holidays.ranges", ["2026-02-02", "2026-02-01"]),
        ({"ranges": [["2026-02-02"]]}, "calendars.c.holidays.ranges", ["2026-02-02"]),
        ({"countries": ["XX"]}, "calendars.c.holidays.countries", "XX"),
        ({"countries": ["DE-XX"]}, "calendars.c.holidays.countries", "DE-XX"),
    ],
)
def test_a_mistake_in_a_calendar_names_its_key_and_what_was_found(
    change: dict[str, object], key: str, found: object
) -> None:
    """Unknown zones, days and countries, empty weeks, double days and malformed times and dates are refused."""
    declaration = {"timezone": "UTC", "hours": NINE_TO_FIVE, **change}
    with pytest.raises(PolicyError) as caught:
        build_calendar("c", source="p.toml", **declaration)  # type: ignore[arg-type]
    assert (caught.value.file, caught.value.key, caught.value.found) == ("p.toml", key, found)
