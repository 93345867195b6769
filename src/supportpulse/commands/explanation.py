"""An explanation as text: columns that line up, wrapped at the width of the terminal, of a pipe at `WIDTH`."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from supportpulse.narrate import describe, stamp
from supportpulse.outcome import KIND_NAMES, cycle_name

if TYPE_CHECKING:
    from supportpulse.agreement import Agreement
    from supportpulse.explain import CycleTold, Explanation
    from supportpulse.hearing import Arrival, Saying

WIDTH = 100
NARROWEST = 40
"""What is left for words beside the columns, at least."""
_STYLES = {"breached": "red", "at_risk": "yellow", "met": "green", "retracted": "magenta", "late": "red"}


def print_explanation(told: Explanation, now: int | None = None) -> None:
    """On standard output; `now` (ms) where time goes on, to name deadlines that nothing has decided yet."""
    _Page(told).print(now)


class _Page:
    def __init__(self, told: Explanation) -> None:
        from rich.console import Console

        self.told = told
        self.console = Console(highlight=False, markup=False, emoji=False, soft_wrap=True)
        self.width = max(self.console.width, NARROWEST) if self.console.is_terminal else WIDTH
        self.names = _names(told)
        self.column = max(map(len, self.names.values()), default=0)

    def print(self, now: int | None) -> None:
        """All parts that there are."""
        told = self.told
        edition = told.edition
        self.row(
            "",
            f"{told.key}, " + (f"decided up to {stamp(told.as_of)}" if told.as_of >= 0 else "nothing decided yet"),
            "bold",
        )
        self.row(
            "",
            f"policy {told.plan.version.name}, valid from {stamp(edition.valid_from_ms)}, digest {edition.digest} "
            f"({edition.file}); rule at the end: {told.rule}",
        )
        terms = (term.edition for one in told.cycles for term in one.account.terms)
        for other in {one.digest: one for one in terms if one.digest != edition.digest}.values():
            words = f"also decided: valid from {stamp(other.valid_from_ms)}, digest {other.digest} ({other.file})"
            self.row("  ", words)
        self.timeline()
        self.accounts(now)
        self.sayings()
        self.agreements()
        if told.heard is not None and told.heard.refused:
            self.title("records under its key that do not count")
            for refused in told.heard.refused:
                self.row(f"  {refused.arrival.place}  ", f"{refused.reason}: {refused.detail}", "yellow")
        stands = {place[1:]: verdict[0] for place, verdict in told.net.items()}
        standing = [f"{name} {stands[place]}" for place, name in self.names.items() if place in stands]
        self.title(f"what stands: {', '.join(standing) or 'nothing decided'}")

    def timeline(self) -> None:
        """Events in the order in which they happened, and what they did."""
        self.title("timeline, in the order in which things happened")
        column = max((len(stamp(step.time)) for step in self.told.steps), default=0)
        for step in self.told.steps:
            words = "(time passes)"
            if step.event is not None:
                found = self.told.arrivals.get(step.event.id)
                words = f"{describe(step.event)}  [{step.event.id}"
                if found is not None:
                    words += f" at {_place(found.arrival, late=found.late)}"
                words += "]"
            self.row(f"{stamp(step.time):<{column}}  ", words, "bold")
            if step.note:
                self.row(" " * (column + 2), step.note, "yellow")
            for change in step.changes:
                name = self.names[change.clock, change.cycle]
                self.row(f"{'':<{column}}  {name:<{self.column}}  ", change.words, _STYLES.get(change.what, ""))
            for one in self.told.agreements:
                if step.event is not None and one.id == step.event.id:
                    self.row(f"{'':<{column}}  {one.clock:<{self.column}}  ", one.our_words(), _agreeing(one))

    def accounts(self, now: int | None) -> None:
        """How the time was counted."""
        if not self.told.cycles:
            return
        self.title("how the time was counted, in the time zone of the calendar")
        states = [(one, _state(one)) for one in self.told.cycles]
        column = max(len(state) for _, state in states)
        for one, state in states:
            name = self.names[one.account.clock, one.account.cycle]
            words = one.line
            deadline = one.account.deadline
            if one.verdict is None and now is not None and deadline is not None and deadline < now:
                words += (
                    "; NOT DECIDED though its deadline has passed: its source is silent or behind, or no worker runs"
                )
            self.row(f"  {name:<{self.column}}  {state:<{column}}  ", words, _STYLES.get(state, ""))

    def agreements(self) -> None:
        """The helpdesk's last word on each clock, beside ours."""
        if not self.told.agreements:
            return
        self.title("the helpdesk's own verdicts, the last on each clock")
        for one in {one.clock: one for one in self.told.agreements}.values():
            words = f"as of {stamp(one.time)} {one.words()}"
            self.row(f"  {one.clock:<{self.column}}  ", words, _agreeing(one))

    def sayings(self) -> None:
        """What was published, in the order in which records arrived."""
        if self.told.heard is None:
            return
        self.title("what was said, in the order in which records arrived")
        if not self.told.sayings:
            self.row("  ", "nothing yet")
        for cause, group in groupby(self.told.sayings, key=lambda saying: saying.cause):
            said = list(group)
            event = said[0].event
            when = "" if cause.arrived is None else f"{_second(cause.arrived)}  "
            if event is not None:
                words = f"{type(event).__name__} {event.id}"
            else:
                words = f"marker: all up to {stamp(said[0].happened)} has been delivered"
            self.row(f"{when}{cause.place}  ", words, "bold")
            for saying in said:
                what = "retracted" if saying.said.because else KIND_NAMES[saying.said.kind]
                name = self.names[saying.clock, cycle_name(saying.said.cycle)]
                self.row(f"    {name:<{self.column}}  ", _said(saying), _STYLES.get(what, ""))

    def title(self, words: str) -> None:
        """A line of its own."""
        self.console.print()
        self.row("", words, "bold")

    def row(self, columns: str, words: str, style: str = "") -> None:
        """Columns, and words wrapped beside them; what a helpdesk put into its ids does not reach the terminal."""
        import textwrap

        words = "".join(one if one.isprintable() else repr(one)[1:-1] for one in words)
        indent = " " * (len(columns) if self.width - len(columns) >= NARROWEST else 8)
        for line in textwrap.wrap(
            words, self.width, initial_indent=columns, subsequent_indent=indent, break_on_hyphens=False
        ):
            self.console.print(line, style=style)


def _names(told: Explanation) -> dict[tuple[str, str], str]:
    """(clock, cycle) -> the clock's name, numbered by cycle if it had several."""
    places = [(change.clock, change.cycle) for step in told.steps for change in step.changes]
    places += [(one.account.clock, one.account.cycle) for one in told.cycles]
    places += [(saying.clock, cycle_name(saying.said.cycle)) for saying in told.sayings]
    cycles: dict[str, list[str]] = {}
    for clock, cycle in dict.fromkeys(places):
        cycles.setdefault(clock, []).append(cycle)
    return {
        (clock, cycle): clock if len(known) == 1 else f"{clock} #{number}"
        for clock, known in cycles.items()
        for number, cycle in enumerate(known, 1)
    }


def _state(one: CycleTold) -> str:
    if one.verdict is not None:
        return one.verdict[0]
    return "stopped" if one.account.end is not None else "paused" if one.account.paused else "running"


def _second(ms: int) -> str:
    return stamp(ms // 1000 * 1000)


def _agreeing(one: Agreement) -> str:
    return "" if one.result is None else "green" if one.result == "agree" else "red"


def _place(arrival: Arrival, late: bool) -> str:
    if not late:
        return arrival.place
    return f"{arrival.place}, late" + ("" if arrival.arrived is None else f": arrived {_second(arrival.arrived)}")


def _said(saying: Saying) -> str:
    said, cause, event, marker = saying.said, saying.cause, saying.event, saying.marker
    told = f"{KIND_NAMES[said.kind].replace('_', ' ')} at {stamp(said.time)}"
    if not said.because:
        return told if marker is None or marker.arrival is cause else f"{told}, by the marker {marker.arrival.place}"
    because = said.because.replace("_", " ")
    if event is None:
        return f"{told} was taken back: {because}"
    arrived = "" if cause.arrived is None else f" and arrived {_second(cause.arrived)}"
    return f"{told} was taken back by {event.id}, which happened {stamp(saying.happened)}{arrived}: {because}"
