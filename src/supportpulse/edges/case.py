"""One simulated ticket: its time, its shifts, and the updates a helpdesk would send of it."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

from supportpulse.edges import wording
from supportpulse.edges.desk import CHANNELS, MINUTE, Desk, Region, Scenario

NOT_URGENT = {"high": 0.24, "normal": 0.56, "low": 0.2}

Fact = tuple[str, dict[str, Any]]
Step = tuple[int, int, int | None, str, dict[str, Any]]
"""Time in ms, number of the update, sequence within it (None if it is alone), event name, `data`."""


class Case:
    """A ticket and who has it; `steps` are its events in the order of time."""

    def __init__(
        self, desk: Desk, rng: random.Random, number: int, at: int, scenario: Scenario, region: Region
    ) -> None:
        """A ticket that a customer of `region` opens at `at`."""
        self.desk, self.rng, self.number, self.now = desk, rng, number, at
        self.scenario, self.region = scenario, region
        self.outage = desk.outage(scenario.name, region.name, at)
        self.locale = rng.choice(region.locales)
        self.customer = {"kind": "customer", "id": f"cus-{region.name[:2]}{int(rng.paretovariate(0.9)) % 4000:04d}"}
        self.channel = self._pick(CHANNELS)
        self.snapshots = self.channel == "community"  # a forum tells states, not changes
        urgent = 0.5 if self.outage else scenario.urgent * (0.2 if self.snapshots else 1.0)
        self.priority = "urgent" if self._chance(urgent) else self._pick(NOT_URGENT)
        self.team, self.status = scenario.team, "new"
        self.site = desk.site(region.name, at)
        self.agent = desk.agent(rng, self.site, self.team)
        self.owned_since, self.parked = at, False
        self.steps: list[Step] = []
        self._updates = 0

    # Time, shifts and who has the ticket.

    def _wait(self, median: float, sigma: float = 0.8, *, desk: bool = True) -> None:
        """Let a time pass, by default the desk's own: it stretches in an outage."""
        slow = self.desk.slowness(self.scenario.name, self.region.name, self.now) if desk else 1.0
        until = self.now + round(median * slow * self.rng.lognormvariate(0, sigma))
        while self.status != "solved" and not self.parked:
            end = self.desk.shift_end(self.site, self.owned_since)
            if end is None or end > until:
                break
            if self.status.startswith("pending"):
                self._park(end)
            else:
                self._hand_over(end)
        self.now = max(self.now, until)

    def _hand_over(self, end: int) -> None:
        left, self.now = self.site, max(self.now, end - self.rng.randrange(MINUTE))
        self.site = self.desk.relief(left, end)
        self._update(("HandedOver", self._by_agent(left, from_site=left, to_site=self.site)))
        slow = self.desk.slowness(self.scenario.name, self.region.name, self.now)
        self.now = max(self.now, end) + round(self._pick_up() * slow)
        self._move()

    def _park(self, end: int) -> None:
        """A shift ends while others have to act: the next site looks at it once, then it rests until they answer."""
        self.now, self.parked = max(self.now, end + round(self._pick_up())), True
        self.site = self.desk.relief(self.site, end)
        self.agent = self.desk.agent(self.rng, self.site, self.team)
        self._update(self._note())

    def _pick_up(self) -> float:
        """How long the next site takes to look at what it was left."""
        return (1 if self.priority == "urgent" else 4) * MINUTE * self.rng.lognormvariate(0, 0.6)

    def _left_alone(self) -> bool:
        """Whether the shift of whoever had the ticket is over."""
        end = self.desk.shift_end(self.site, self.owned_since)
        return self.parked or (end is not None and end <= self.now)

    def _move(self) -> None:
        """Somebody on duty takes the ticket."""
        if not self.desk.shifts[self.site].covers(self.now):
            self.site = self.desk.site(self.region.name, self.now)
        self.agent = self.desk.agent(self.rng, self.site, self.team)
        self._assign(self._by_agent)

    def _assign(self, author: Callable[..., dict[str, Any]]) -> None:
        self._update(self._assigned(author))
        self.owned_since, self.parked = self.now, False

    def _assigned(self, author: Callable[..., dict[str, Any]]) -> Fact:
        return "Assigned", author(team=self.team, site=self.site, agent=self.agent)

    # What is said.

    def _reply(
        self,
        signals: dict[str, Any],
        *,
        status: str | None = None,
        before: list[Fact] | None = None,
        facts: list[Fact] | None = None,
        macro: str | None = None,
    ) -> None:
        """A public reply in one update with what it means, in causal order, the status last."""
        if self._left_alone():
            self._move()
        data = self._by_agent(public=True, signals={"language": self.locale[:2], **signals})
        if macro:
            data["macro"] = macro
        told: list[Fact] = [*(before or ()), ("MessagePosted", data), *(facts or ())]
        if status and status != self.status:
            self._status_update(status, self._by_agent(), *told)
        else:
            self._update(*told)

    def _status_update(self, status: str, actor: dict[str, Any], *told: Fact) -> None:
        self.status = status
        name = "TicketObserved" if self.snapshots else "StatusChanged"
        self._update(*told, (name, {**actor, "status": status}))

    def _customer_says(self, signals: wording.Signals) -> Fact:
        return "MessagePosted", self._by_customer(public=True, signals={"language": self.locale[:2], **signals})

    def _note(self) -> Fact:
        return "MessagePosted", self._by_agent(public=False, signals=wording.note(self.rng))

    # Small change.

    def _update(self, *facts: Fact) -> None:
        """One vendor update: its events share the instant and are ordered by their sequence."""
        if self.steps and self.now < self.steps[-1][0] + 1000:
            self.now = self.steps[-1][0] + 1000
        self._updates += 1
        for sequence, (name, data) in enumerate(facts):
            self.steps.append((self.now, self._updates, sequence if len(facts) > 1 else None, name, data))

    def _by_customer(self, **data: Any) -> dict[str, Any]:
        return {"actor": self.customer, **data}

    def _by_agent(self, site: str | None = None, /, **data: Any) -> dict[str, Any]:
        return {"actor": {"kind": "agent", "id": self.agent, "site": site or self.site}, **data}

    def _by_machine(self, **data: Any) -> dict[str, Any]:
        return {"actor": {"kind": "automation"}, **data}

    def _another(self) -> str:
        return ticket_id(max(0, self.number - self.rng.randint(1, 40)))

    def _chance(self, share: float) -> bool:
        return self.rng.random() < share

    def _pick(self, weights: dict[str, float]) -> str:
        return self.rng.choices(tuple(weights), tuple(weights.values()))[0]


def ticket_id(number: int) -> str:
    """The id of the n-th ticket of the desk."""
    return f"RTC-{100_000 + number}"
