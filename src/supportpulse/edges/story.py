"""The story of a simulated ticket, told to its end when the customer opens it."""

from __future__ import annotations

import random

from supportpulse.edges import wording
from supportpulse.edges.case import Case, Fact
from supportpulse.edges.desk import DAY, HOUR, MINUTE, SECOND_LINE, TIERS, Desk, Region, Scenario, stamp

FIRST_REPLY = {"urgent": 1.0, "high": 3.0, "normal": 4.2, "low": 5.2}
DIAGNOSIS = {"urgent": 3.0, "high": 12.0, "normal": 20.0, "low": 35.0}
SOLUTION = {"urgent": 9.0, "high": 30.0, "normal": 50.0, "low": 90.0}
CUSTOMER = {"urgent": 5.0, "high": 15.0, "normal": 25.0, "low": 45.0}
"""Usual medians in minutes, before scenario, channel and outage."""


class Story(Case):
    """What happens on one ticket, from its opening to its close."""

    def __init__(
        self, desk: Desk, rng: random.Random, number: int, at: int, scenario: Scenario, region: Region
    ) -> None:
        """Tell it all."""
        super().__init__(desk, rng, number, at, scenario, region)
        self.reopened = False
        self._tell()

    def _tell(self) -> None:
        self._open()
        if self._leaves_early():
            return
        self._answer()
        self._look_into_it()
        self._solve()
        while self._chance(0.09):
            self._reopen()
        if self._chance(0.27):
            self._wait(3 * HOUR, desk=False)
            marks = (0.0, 0.25, 0.5, 0.75) if self.outage or self.reopened else (0.75, 1.0, 1.0)
            self._update(("SatisfactionRated", self._by_customer(score=self.rng.choice(marks))))
        self._wait(4 * DAY, 0.02, desk=False)
        self._status_update("closed", self._by_machine())

    def _open(self) -> None:
        attributes = {
            "scenario": self.scenario.name,
            "sub_scenario": self.rng.choice(self.scenario.subs),
            "region": self.region.name,
            "channel": self.channel,
            "priority": self.priority,
            "tier": self._pick(TIERS),
            "product_version": f"4.{self.rng.choice((2, 3, 3, 4, 4, 4))}.{self.rng.randrange(3)}",
            "locale": self.locale,
        }
        by_agent = self.channel == "conference" and self._chance(0.6)
        author = self._by_agent if by_agent else self._by_customer
        message = self._customer_says(wording.report(self.rng))
        if self.snapshots:
            seen = self._by_machine(created_at=stamp(self.now), status="new", **attributes)
            self._update(("TicketObserved", seen), message)
        else:
            self._update(("TicketCreated", author(**attributes)), message)
        if self._chance(0.03):
            self._update(("RepeatOf", self._by_machine(other_ticket_id=self._another())))
        self._assign(self._by_machine)

    def _leaves_early(self) -> bool:
        """Spam, deleted or merged; tells whether that was the end of it."""
        if self._chance(0.015):
            self._wait(3 * MINUTE)
            self._update(("MarkedAsSpam", self._by_agent()))
            if not self._chance(0.2):
                return True
            self._wait(20 * MINUTE)
            self._update(("TicketRestored", self._by_agent()))
        elif self._chance(0.005):
            self._wait(3 * MINUTE)
            self._update(("TicketDeleted", self._by_agent()))
            return True
        elif self._chance(0.14 if self.outage else 0.015):
            self._wait(3 * MINUTE)
            self._update(("TicketMerged", self._by_agent(other_ticket_id=self._another())))
            return True
        return False

    def _answer(self) -> None:
        """From the first reply to the first one with substance, rounds of questions between them."""
        self._work(FIRST_REPLY, 0.62)  # a forum's first answer comes late, but with more in it
        if self._chance(0.55 if self.outage else 0.05 if self.snapshots else 0.2):
            self._reply(wording.canned(self.rng), status="open")
            self._work(FIRST_REPLY, 0.7)
        elif self._chance(0.04):
            self._reply(wording.restart(self.rng), status="open")
            self._customer_takes_time()
            self._update(self._customer_says(wording.report(self.rng, asks=True)))
            self._work(FIRST_REPLY, 0.7)
        for _ in range(self.rng.choices((0, 1, 2), (9, 1, 0) if self.priority == "urgent" else (6, 3, 1))[0]):
            self._ask(vague=self._chance(0.3))
        confirmed: list[Fact] = [("ProblemConfirmed", self._by_agent())] if self._chance(0.6) else []
        self._reply(wording.progress(self.rng), status="open", before=confirmed)

    def _ask(self, *, vague: bool) -> None:
        """A round of information: a question, the customer's answer, and somebody who gets to read it."""
        self._reply(wording.question(self.rng, vague=vague), status="pending_customer")
        self._customer_takes_time()
        self._status_update("open", self._by_customer(), self._customer_says(wording.report(self.rng)))
        self._work(FIRST_REPLY, 0.7)

    def _look_into_it(self) -> None:
        """What happens while somebody finds the cause."""
        self._work(DIAGNOSIS)
        if self.priority == "urgent" and self._chance(0.93):
            self._reply(wording.teaching(self.rng, cause=False), facts=[("WorkaroundProvided", self._by_agent())])
        if self._chance(0.06):
            self.priority = self._pick({"urgent": 0.5, "high": 0.3, "normal": 0.2})
            self._update(("PriorityChanged", self._by_agent(priority=self.priority)))
        if self._chance(0.05):
            refined = {"sub_scenario": self.rng.choice(self.scenario.subs)}
            self._update(("AttributesChanged", self._by_agent(**refined)))
        if self._chance(0.01):
            self._update(("TicketSplit", self._by_agent(other_ticket_id=self._another())))
        if self._chance(0.12):
            self.team = SECOND_LINE
            self.agent = self.desk.agent(self.rng, self.site, self.team)
            self._update(("Escalated", self._by_agent(kind="functional")), self._assigned(self._by_agent))
            self._work(DIAGNOSIS)
        if self._chance(0.12 if self.outage else 0.015):
            self._update(("Escalated", self._by_customer(kind="hierarchic")))
            self._wait(5 * MINUTE)
        if self._chance(0.35):
            self._update(self._note())
        if self._chance(0.005 if self.priority == "urgent" else 0.03):
            self._status_update("pending_third_party", self._by_agent())
            self._wait(9 * HOUR, desk=False)
            self._status_update("open", self._by_machine())
        if self.outage or self._chance(0.06):
            reference = self.outage.reference if self.outage else f"KI-{self.rng.randrange(40)}"
            self._update(("KnownIssueLinked", self._by_agent(reference=reference)))
        if self._chance(0.55):
            category = "service_outage" if self.outage else self.rng.choice(self.scenario.causes)
            self._update(("CauseIdentified", self._by_agent(category=category)))

    def _solve(self) -> None:
        """The solution, explicit or only to be inferred, and how the ticket gets solved after it."""
        self._work(SOLUTION)
        facts: list[Fact] = [("SolutionProvided", self._by_agent())] if self._chance(0.55) else []
        if self._chance(0.3):
            facts.append(("KnowledgeLinked", self._by_agent(reference=f"doc-{self.rng.randrange(300)}")))
        signals = wording.teaching(self.rng, cause=self._chance(0.75))
        macro = "solution" if not facts and self._chance(0.4) else None
        if self._chance(0.4):
            self._reply(signals, status="solved", facts=facts, macro=macro)
            return
        self._reply(signals, status="pending_customer", facts=facts, macro=macro)
        if self._chance(0.9):
            self._customer_takes_time(2.0)
            thanks = self._customer_says(wording.thanks(self.rng))
            solver = self._by_customer() if self._chance(0.5) else self._by_agent()
            self._status_update("solved", solver, thanks)
        else:
            self._wait(2 * DAY, 0.02, desk=False)
            self._status_update("solved", self._by_machine())

    def _reopen(self) -> None:
        self.reopened = True
        self._wait(7 * HOUR, 1.2, desk=False)
        self._status_update("open", self._by_customer(), self._customer_says(wording.report(self.rng, asks=True)))
        if self._left_alone():
            self._move()
        self._work(FIRST_REPLY, 0.7)
        if self._chance(0.5):
            self._ask(vague=False)
        self._solve()

    def _work(self, medians: dict[str, float], sigma: float = 0.8) -> None:
        forum = (8.0 if medians is FIRST_REPLY else 2.0) if self.snapshots else 1.0
        self._wait(medians[self.priority] * self.scenario.pace * forum * MINUTE, sigma)

    def _customer_takes_time(self, factor: float = 1.0) -> None:
        self._wait(CUSTOMER[self.priority] * factor * MINUTE, 1.0, desk=False)
