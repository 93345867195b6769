"""A desk of fixed rhythm, whose every deadline is known beforehand: steady, or in an outage."""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Iterator

from strategies import happened
from stream_feed import Feed, wall
from supportpulse.events import TicketEvent

SOURCE = "desk"
CHUNK = 5000

POLICY = """
name = "chain"
objective = 0.8
at_risk_share = 0.8
labels = ["rule", "scenario"]
waiting = ["1h"]
waiting_clocks = ["first_response"]
[enums]
scenario = ["live", "voice"]
[[rules]]
name = "live"
match.scenario = "live"
targets = {{ first_response = "{target}s" }}
[[rules]]
name = "voice"
match.scenario = "voice"
targets = {{ total_resolution = "{target}s" }}
"""
"""Each scenario has a clock of its own: what becomes of one must not show in the other. Nobody waits for an hour."""


class Desk:
    """Times are in panes of `pane` ms, which stand for 5 minutes of a window.

    Steady: 24 live tickets an hour answered in time, 8 voice tickets solved in time; before `calm` (ms) a quarter of
    them, and one reply in 50 late. In an outage: 120 live tickets an hour, answered long after their deadlines.
    """

    STEADY, VOICE, TICKS = 5, 15, 10
    """A live and a voice ticket every so many ticks; ticks in a pane."""
    TARGET, OUTAGE, BACKLOG = 2, 5, 9
    """What a reply may take; how long the outage lasts; when, after its begin, all who wait are answered."""

    def __init__(self, pane: int, start: int, calm: int) -> None:
        self.pane, self.tick = pane, pane // self.TICKS
        self.at = start - start % pane
        self.calm = calm
        self.closed = 0
        """Live clocks that closed among what was taken, by a reply or by their deadline."""
        self._outage = range(0)
        self._coming: list[tuple[int, str, TicketEvent]] = []

    @property
    def policy(self) -> str:
        """The policy whose targets fit this desk."""
        second = self.pane / 1000
        return POLICY.format(target=round(self.TARGET * second))

    def fail(self) -> list[int]:
        """Begin an outage with the next whole pane; the deadlines (ms) that will pass unanswered."""
        begin = self.at - self.at % self.pane + self.pane
        self._outage = range(begin, begin + self.OUTAGE * self.pane, self.tick)
        return [opened + self.TARGET * self.pane for opened in self._outage]

    def take_until(self, now: int) -> Iterator[TicketEvent]:
        """What happens before `now` (ms) and was not taken yet, in order."""
        while self.at + self.tick <= now:
            self._open(self.at)
            self.at += self.tick
            while self._coming and self._coming[0][0] < self.at:
                yield heapq.heappop(self._coming)[2]

    def _open(self, at: int) -> None:
        number = at // self.tick
        if at < self.calm:
            number, rest = divmod(number, 4)
            if rest:
                return
        if at in self._outage:
            self._ticket("live", at, "MessagePosted", self._outage.start + self.BACKLOG * self.pane)
        elif number % self.STEADY == 0:
            late = number // self.STEADY % 50 == 0 and at < self.calm
            taken = 3 * self.pane if late else self.pane * (1 + number // self.STEADY % 3) // 3
            self._ticket("live", at, "MessagePosted", at + taken)
            self.closed += 1
        if number % self.VOICE == 0:
            self._ticket("voice", at, "StatusChanged", at + self.pane // 2)

    def _ticket(self, scenario: str, opened: int, answer: str, answered: int) -> None:
        ticket = f"{scenario}-{opened}"
        said = {"public": True} if answer == "MessagePosted" else {"status": "solved"}
        for event in (
            happened("TicketCreated", opened, f"{ticket}/created", ticket=ticket, scenario=scenario),
            happened(answer, answered, f"{ticket}/answer", by="agent", ticket=ticket, **said),
        ):
            heapq.heappush(self._coming, (round(event.time.timestamp() * 1000), event.id, event))


async def tell_history(feed: Feed, desk: Desk) -> None:
    """All that happened until now, as a log: nobody is behind it who could still say that it was otherwise."""
    await feed.beat(SOURCE, "log", desk.at)
    some: list[TicketEvent] = []
    for event in desk.take_until(wall()):
        some.append(event)
        if len(some) == CHUNK:
            await feed.events(some)
            some = []
    await feed.events(some)
    await feed.beat(SOURCE, "log", desk.at)


async def live(feed: Feed, desk: Desk) -> None:
    """What happens as it happens, with heartbeats, until it is cancelled."""
    beat = 0
    while True:
        if some := list(desk.take_until(wall())):
            await feed.events(some)
        if wall() >= beat:
            await feed.beat(SOURCE, "live", desk.at)
            beat = wall() + 3000
        await asyncio.sleep(min(desk.tick, 500) / 5000)
