"""Business time: which instants count, how many between two of them, and which instant is n later.

Instants are integer milliseconds since the Unix epoch, UTC. An instant counts when the wall clock of the calendar's
zone shows a time inside an interval of that day, so a night that loses or gains an hour loses or gains it here too.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import accumulate
from zoneinfo import ZoneInfo

from supportpulse.closures import Closures, parse_country, parse_day
from supportpulse.errors import PolicyError

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
FIRST_YEAR, LAST_YEAR = 1900, 2100
_MINUTE_MS, _DAY_MS = 60_000, 86_400_000
_DAY_MINUTES = 1440
_EPOCH_DAY = date(1970, 1, 1).toordinal()
_INTERVAL = re.compile(r"(\d\d):([0-5]\d)\s*-\s*(\d\d):([0-5]\d)")


def _year_of(instant: int) -> int:
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=instant)).year


def _year_starts(year: int) -> int:
    return (date(year, 1, 1).toordinal() - _EPOCH_DAY) * _DAY_MS


class Calendar:
    """A set of business intervals. Immutable to its users; whole years are worked out when first asked for."""

    def __init__(
        self,
        name: str,
        zone: ZoneInfo,
        week: Sequence[Sequence[tuple[int, int]]],
        closures: Closures,
    ) -> None:
        """`week[weekday]`: (start, end) in minutes of the local day, the end may exceed 1440; no hours = 24x7."""
        self.name = name
        self.zone, self._week, self._closures = zone, week, closures
        self.always = not any(week)
        self._first, self._last = 0, -1  # the years worked out
        self._from, self._until = 1, 0  # the instants that may be asked about without working out more years
        self._years: dict[int, list[tuple[int, int]]] = {}
        self._starts: list[int] = []
        self._ends: list[int] = []
        self._before: list[int] = []  # business ms before each interval
        self._through: list[int] = []  # business ms up to the end of each interval

    def __repr__(self) -> str:
        return f"Calendar({self.name!r})"

    def business_ms(self, start: int, end: int) -> int:
        """Business milliseconds in [start, end). Raises ValueError when end lies before start."""
        if end < start:
            raise ValueError(f"calendar {self.name}: the end {end} lies before the start {start}")
        if self.always:
            return end - start
        self._know(start, end)
        return self._elapsed(end) - self._elapsed(start)

    def after(self, start: int, ms: int) -> int:
        """The earliest instant t >= start with business_ms(start, t) >= ms; start itself for ms = 0.

        Raises ValueError for a negative ms, or when the hours left until the year 2100 do not suffice.
        """
        if ms < 0:
            raise ValueError(f"calendar {self.name}: cannot go back by {ms} ms")
        if self.always or ms == 0:
            return start + ms
        self._know(start, start + ms)
        wanted = self._elapsed(start) + ms
        while not self._through or self._through[-1] < wanted:
            if self._last >= LAST_YEAR:
                raise ValueError(f"calendar {self.name}: fewer than {ms} ms of business hours left before {LAST_YEAR}")
            before = self._elapsed(start)
            self._extend(self._first, self._last + 1)
            wanted += self._elapsed(start) - before
        found = bisect_left(self._through, wanted)
        return self._starts[found] + wanted - self._before[found]

    def intervals(self, start: int, end: int) -> Iterator[tuple[int, int]]:
        """The stretches of business time in [start, end), in order; none when end does not lie after start."""
        if start >= end:
            return
        if self.always:
            yield start, end
            return
        self._know(start, end)
        for found in range(bisect_right(self._ends, start), bisect_left(self._starts, end)):
            yield max(self._starts[found], start), min(self._ends[found], end)

    def next_end(self, t: int) -> int | None:
        """End of the first interval that ends strictly after t (a shift's end); None for 24x7 or if none ever ends."""
        if self.always:
            return None
        self._know(t, t)
        found = bisect_right(self._ends, t)
        while found >= len(self._ends) - 1:  # the last known interval may go on in the next year
            if self._last >= LAST_YEAR:
                return None
            self._extend(self._first, self._last + 1)
            found = bisect_right(self._ends, t)
        return self._ends[found]

    def covers(self, t: int) -> bool:
        """Whether t is business time."""
        if self.always:
            return True
        self._know(t, t)
        found = bisect_right(self._starts, t)
        return found > 0 and t < self._ends[found - 1]

    def _elapsed(self, t: int) -> int:
        """Business ms from the first known interval to t."""
        found = bisect_right(self._starts, t) - 1
        if found < 0:
            return 0
        return self._before[found] + min(t, self._ends[found]) - self._starts[found]

    def _know(self, start: int, end: int) -> None:
        if start < self._from or end >= self._until:
            first, last = _year_of(start) - 1, _year_of(end) + 1  # a local day may begin or end in the next UTC year
            if self._last >= self._first:
                first, last = min(first, self._first), max(last, self._last)
            self._extend(first, last)

    def _extend(self, first: int, last: int) -> None:
        if first < FIRST_YEAR or last > LAST_YEAR:
            raise ValueError(f"calendar {self.name}: years {first}..{last} lie outside {FIRST_YEAR}..{LAST_YEAR}")
        merged: list[list[int]] = []
        for year in range(first, last + 1):
            if year not in self._years:
                self._years[year] = list(self._year(year))
        for start, end in sorted(piece for year in range(first, last + 1) for piece in self._years[year]):
            if merged and start <= merged[-1][1]:
                merged[-1][1] = max(end, merged[-1][1])
            else:
                merged.append([start, end])
        self._starts, self._ends = [start for start, _ in merged], [end for _, end in merged]
        self._through = list(accumulate(end - start for start, end in merged))
        self._before = [0, *self._through[:-1]]
        self._first, self._last = first, last
        self._from, self._until = _year_starts(first + 1), _year_starts(last)

    def _year(self, year: int) -> Iterator[tuple[int, int]]:
        """The intervals of all local days of one year, cut where the zone changes its offset."""
        closed = self._closures.of(year)
        segments = list(self._segments(year))
        for ordinal in range(date(year, 1, 1).toordinal(), date(year + 1, 1, 1).toordinal()):
            if ordinal in closed:
                continue
            midnight = (ordinal - _EPOCH_DAY) * _DAY_MS
            for start_minute, end_minute in self._week[(ordinal - 1) % 7]:
                for since, until, offset in segments:
                    start = max(midnight + start_minute * _MINUTE_MS - offset, since)
                    end = min(midnight + end_minute * _MINUTE_MS - offset, until)
                    if start < end:
                        yield start, end

    def _segments(self, year: int) -> Iterator[tuple[int, int, int]]:
        """(since, until, UTC offset in ms) of each stretch with one offset, in a year and three days around it."""
        since, stop = _year_starts(year) - 3 * _DAY_MS, _year_starts(year + 1) + 3 * _DAY_MS
        offset = self._offset(since)
        for day in range(since, stop, _DAY_MS):
            if self._offset(day + _DAY_MS) == offset:
                continue
            low, high = day, day + _DAY_MS  # offset changes in (low, high]
            while high - low > 1000:
                middle = (low + high) // 2000 * 1000
                low, high = (middle, high) if self._offset(middle) == offset else (low, middle)
            yield since, high, offset
            since, offset = high, self._offset(high)
        yield since, stop, offset

    def _offset(self, instant: int) -> int:
        offset = datetime.fromtimestamp(instant // 1000, self.zone).utcoffset()
        assert offset is not None
        return offset // timedelta(milliseconds=1)


ALWAYS = Calendar("24x7", ZoneInfo("UTC"), (), Closures())
"""Every instant counts."""


def build_calendar(
    name: str,
    timezone: str,
    hours: Mapping[str, Sequence[str]],
    *,
    dates: Iterable[date | str] = (),
    ranges: Iterable[Sequence[date | str]] = (),
    countries: Iterable[str] = (),
    source: str = "calendar",
) -> Calendar:
    """A calendar from its declaration: hours per day or span of days ("mon", "mon-fri"), each "HH:MM-HH:MM".

    An end before its start lies on the next day; "24:00" is midnight at the end of the day. `dates` and `ranges`
    (first and last day, both closed) are `date` or "YYYY-MM-DD"; `countries` are codes of the holidays library, with a
    subdivision after a hyphen ("CN", "DE-BY"). A holiday removes the intervals that start on that local date. `source`
    is the file errors name. Raises PolicyError.
    """
    key = f"calendars.{name}"
    try:
        zone = ZoneInfo(timezone)
    except (KeyError, ValueError, OSError):
        raise PolicyError(source, f"{key}.timezone", timezone, "an IANA zone such as Europe/Berlin") from None
    week: list[list[tuple[int, int]]] = [[] for _ in DAYS]
    for span, intervals in hours.items():
        for weekday in _weekdays(span, source, f"{key}.hours"):
            if week[weekday]:
                raise PolicyError(
                    source, f"{key}.hours.{span}", DAYS[weekday], "each day of the week in one entry only"
                )
            week[weekday] = [_interval(text, source, f"{key}.hours.{span}") for text in intervals]
    if not any(week):
        raise PolicyError(source, f"{key}.hours", dict(hours), "at least one interval, e.g. mon-fri = ['09:00-17:00']")
    closed = {parse_day(value, source, f"{key}.holidays.dates") for value in dates}
    for pair in ranges:
        place = f"{key}.holidays.ranges"
        first, last = (parse_day(value, source, place) for value in pair) if len(pair) == 2 else (1, 0)
        if last < first:
            raise PolicyError(source, place, [str(value) for value in pair], "a first day and a last day not before it")
        closed.update(range(first, last + 1))
    nations = [parse_country(code, source, f"{key}.holidays.countries") for code in countries]
    if not closed and not nations and all((0, _DAY_MINUTES) in intervals for intervals in week):
        week = []  # open at every instant: the fast paths of 24x7 hold
    return Calendar(name, zone, week, Closures(closed, nations))


def _weekdays(span: str, source: str, key: str) -> list[int]:
    first, _, last = span.partition("-")
    if first not in DAYS or (last or first) not in DAYS:
        raise PolicyError(source, key, span, f"a day or a span of days out of {', '.join(DAYS)}, e.g. mon-fri")
    start, end = DAYS.index(first), DAYS.index(last or first)
    return [(start + step) % 7 for step in range((end - start) % 7 + 1)]


def _interval(text: str, source: str, key: str) -> tuple[int, int]:
    found = _INTERVAL.fullmatch(text)
    start, end = (int(found[1]) * 60 + int(found[2]), int(found[3]) * 60 + int(found[4])) if found else (0, 0)
    if start == end or start >= _DAY_MINUTES or end > _DAY_MINUTES:
        raise PolicyError(source, key, text, "HH:MM-HH:MM, 24:00 as the end of a day; 22:00-06:00 passes midnight")
    return start, end if end > start else end + _DAY_MINUTES
