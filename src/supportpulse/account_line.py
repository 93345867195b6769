"""An account in one line, in the calendar's own time: `4h on office (Europe/Berlin): Fri 16:30-17:30 1h + ...`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from supportpulse.account import Account, Span, Term
from supportpulse.calendars import Calendar

SHOWN, KEPT = 6, 2
"""Above so many parts only the first and the last `KEPT` are written, and what the others come to."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def line(told: Account, verdict: str | None, as_of: int) -> str:
    """What counted, and what it led to at `as_of` (ms); `verdict` as the net view has it, None while undecided."""
    aim, zone = told.aim, zone_of(told)
    where = zone.key if zone is aim.calendar.zone else f"times in {zone.key}"
    lead = f"{amount(aim.target, aim.calendar)} on {aim.calendar.name} ({where})"
    to_deadline = told.deadline is not None and verdict in (None, "breached")
    parts, seen = _parts(told, told.due_spans if to_deadline else told.spans, zone)
    counted = " + ".join(parts) or "nothing counted"
    written = Writer(zone, seen)
    used = amount(told.elapsed, aim.calendar)
    if not to_deadline:
        ends = _ending(told, verdict, written, used)
        return f"{lead}: {counted} {ends}"
    assert told.deadline is not None
    ends = f"-> deadline {written.moment(told.deadline)}"
    if told.end is not None:
        ends += f"; stopped {written.moment(told.end)}, {used} in all"
    elif told.paused:
        ends += f"; {used} in all, pauses"
    elif as_of < told.deadline:
        ends += f"; {used} used by {written.moment(max(as_of, told.begin))}"
    else:
        ends += f"; still running at {written.moment(as_of)}, {used} in all"
    return f"{lead}: {counted} {ends}"


def _ending(told: Account, verdict: str | None, written: Writer, used: str) -> str:
    left = max(told.aim.target - told.elapsed, 0)
    if told.end is None:
        return f"= {used}; pauses, {amount(left, told.aim.calendar)} left when it resumes"
    became = "cancelled" if verdict == "cancelled" else "stopped"
    ends = f"= {used}, {became} {written.moment(told.end)}"
    if verdict == "met" and told.deadline is not None:
        ends += f"; {amount(left, told.aim.calendar)} left until {written.moment(told.deadline)}"
    return ends


def zone_of(told: Account) -> ZoneInfo:
    """The zone that its times are written in: that of its calendar or, if that is 24x7, of one that held before."""
    calendars = [term.aim.calendar for term in reversed(told.terms) if term.aim is not None]
    return next((one.zone for one in calendars if not one.always), calendars[0].zone)


def _parts(told: Account, spans: Sequence[Span], zone: ZoneInfo) -> tuple[list[str], str]:
    """Spans and changes of targets as they are written, and the day of the last."""
    written, parts = Writer(zone), []
    changes = [after for before, after in pairwise(told.terms) if before.aim != after.aim]
    for span in _shortened(spans):
        if span is None:
            parts.append(_between(spans[KEPT:-KEPT], zone))
            written.day = ""
            continue
        while changes and changes[0].since <= span.begin:
            parts.append(_change(changes.pop(0), written))
        when = f"{written.moment(span.begin)}-{written.moment(span.end)}"
        if span.calendar is None:
            parts.append(f"(paused {when})")
        else:
            foreign = "" if span.calendar is told.aim.calendar else f" on {span.calendar.name}"
            parts.append(f"{when} {amount(span.counted, span.calendar)}{foreign}")
    parts += [_change(term, written) for term in changes]
    return parts, written.day


def _shortened(spans: Sequence[Span]) -> list[Span | None]:
    if len(spans) <= SHOWN:
        return list(spans)
    return [*spans[:KEPT], None, *spans[-KEPT:]]


def _between(spans: Sequence[Span], zone: ZoneInfo) -> str:
    total = sum(span.counted for span in spans)
    running = [span for span in spans if span.calendar is not None]
    calendar = running[0].calendar if running else None
    said = amount(total, calendar)
    if pauses := len(spans) - len(running):
        return f"[{len(running)} more spans {said}, {pauses} pause{'s' if pauses > 1 else ''}]"
    days = len({local(span.begin, zone).date() for span in running})
    return f"[{days} business day{'s' if days > 1 else ''} {said}]"


def _change(term: Term, written: Writer) -> str:
    aim = term.aim
    target = "no target" if aim is None else f"{amount(aim.target, aim.calendar)} on {aim.calendar.name}"
    return f"(from {written.moment(term.since)} rule {term.rule}: {target})"


class Writer:
    """Writes moments of one zone; the day only where it is another than that of the moment before."""

    def __init__(self, zone: ZoneInfo, day: str = "") -> None:
        self.zone, self.day = zone, day

    def moment(self, ms: int) -> str:
        """`Fri 02 Jan 16:30`, or `16:30` if the day was just written; seconds where there are any."""
        at = local(ms, self.zone)
        day, before = f"{at:%a %d %b}", self.day
        self.day = day
        time = f"{at:%H:%M}"
        if ms % 60_000:
            time += f":{at:%S}"
        if ms % 1000:
            time += f".{ms % 1000:03d}"
        return time if day == before else f"{day} {time}"


def local(ms: int, zone: ZoneInfo) -> datetime:
    """An instant on a zone's clocks."""
    return (_EPOCH + timedelta(milliseconds=ms)).astimezone(zone)


def amount(ms: int, calendar: Calendar | None) -> str:
    """`3d2h` on 24x7; in hours on a calendar whose days have fewer; `0s` for none, milliseconds where there are any."""
    text = ""
    units = (("d", 86_400_000), ("h", 3_600_000), ("m", 60_000))
    for unit, size in units if calendar is not None and calendar.always else units[1:]:
        count, ms = divmod(ms, size)
        if count:
            text += f"{count}{unit}"
    if ms or not text:
        text += f"{ms // 1000}{f'.{ms % 1000:03d}'.rstrip('0') if ms % 1000 else ''}s"
    return text
