"""Closures: the local dates on which a calendar opens nothing."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

import holidays as holiday_library

from supportpulse.errors import PolicyError


class Closures:
    """The local dates on which no interval starts, as ordinals of `date`."""

    def __init__(self, dates: Iterable[int] = (), countries: Iterable[tuple[str, str | None]] = ()) -> None:
        """`countries` are (ISO code, subdivision or None) pairs known to the holidays library."""
        self._dates, self._countries = frozenset(dates), tuple(countries)

    def of(self, year: int) -> frozenset[int]:
        """Ordinals of the holidays of one year."""
        public = (
            day.toordinal()
            for country, subdivision in self._countries
            for day in holiday_library.country_holidays(country, subdiv=subdivision, years=year)
        )
        return self._dates.union(public)


def parse_day(value: date | str, source: str, key: str) -> int:
    """The ordinal of a date or "YYYY-MM-DD"; PolicyError names source and key."""
    try:
        return (value if isinstance(value, date) else date.fromisoformat(value)).toordinal()
    except ValueError:
        raise PolicyError(source, key, value, "a date as YYYY-MM-DD") from None


def parse_country(code: str, source: str, key: str) -> tuple[str, str | None]:
    """Country and subdivision of "CN" or "DE-BY"; PolicyError when the holidays library knows no such place."""
    country, _, subdivision = code.partition("-")
    try:
        holiday_library.country_holidays(country, subdiv=subdivision or None, years=2025)
    except NotImplementedError:
        valid = "an ISO country code the holidays library knows, with a subdivision after a hyphen if wanted: CN, DE-BY"
        raise PolicyError(source, key, code, valid) from None
    return country, subdivision or None
