"""All clocks of one ticket, folded entry by entry in event order.

A fold is a pure function of its entries and `as_of`: stepping through entries as they come and raising `as_of` in
between leaves the same net emissions as one pass at the end. Here an entry becomes conditions; `clocks` has what those
do.
"""

from __future__ import annotations

from typing import Any

from xxhash import xxh64_intdigest

from supportpulse import facts as f
from supportpulse.clock import BIT, NEVER, STATUS_BIT, STATUS_KNOWN, Plan
from supportpulse.clocks import Clocks
from supportpulse.facts import Observation
from supportpulse.outcome import SOLVED, Emission
from supportpulse.parity import compared

FIRST_ENDED, CLOSED = 4, 5
_ENDING = f.MERGED | f.VOIDING
_RESOLVED, _REOPENED = BIT["resolved"], BIT["reopened"]
_CONFIRMED, _SOLUTION = BIT["problem_confirmed"], BIT["solution_provided"]
NONE_ATTRIBUTES: tuple[str | None, ...] = (None,) * len(f.INTERVAL_ATTRIBUTES)


class Fold(Clocks):
    """What a ticket was seen to be, entry by entry, and its clocks.

    `edition` of the policy's version rules it, until `edited_at`: from then on an event brings a later one. At
    `recalculated_at` one comes without an event.
    """

    __slots__ = (
        "agent", "assignment", "attributes", "confirmed", "created", "edited_at", "edition", "ended_at", "handing_site",
        "owner_site", "recalculated_at", "replied_at", "shift_end", "solved", "source", "team", "void_deadlines",
    )  # fmt: skip

    def __init__(self, plan: Plan, source: str) -> None:
        super().__init__(plan, plan.binding(source, NONE_ATTRIBUTES))
        self.source = source
        self.edition = 0
        self.edited_at, self.recalculated_at = plan.ahead[0]
        self.created = -1
        self.attributes = NONE_ATTRIBUTES
        self.team: str | None = None
        self.agent: int | None = None
        self.owner_site: str | None = None
        self.handing_site: str | None = None
        self.assignment = 0
        self.shift_end = NEVER
        self.void_deadlines: dict[tuple[int, int], int] = {}
        self.confirmed = False
        self.solved = False
        self.replied_at = -1
        self.ended_at = -1

    def create(self, time: int, id64: int, facts: int, observation: Observation) -> None:
        """The creation step: the ticket exists from `time` on, with the attributes its first snapshot shows."""
        self._reach(time)
        self.created = time
        self.agent_opened = bool(facts & f.BY_AGENT)
        before = self.binding
        if self.edited_at <= time:
            self.take_edition(self.plan.edition_at(time))
        self._attributes(observation)
        self.creation = id64
        conditions = BIT["created"]
        if self.status < 0:
            self.status = 0
            conditions |= STATUS_KNOWN
        self.creating = self.operate(time, id64, conditions, 0, before)

    def step(self, time: int, id64: int, facts: int, observation: Observation) -> None:
        """Fold one entry that sorts after all before it."""
        if facts & f.VENDOR_VERDICT:  # brings no edition: nothing happened to the ticket
            self._reach(time)
            self.pending += compared(self, time, id64, observation)
            return
        before = self.binding
        if self.crossing < time or self.shift_end < time or self.edited_at <= time:
            self._reach(time)
            before = self.binding
            if self.edited_at <= time:
                self.take_edition(self.plan.edition_at(time))
        conditions = self.plan.conditions(facts)
        if observation:
            conditions |= self._observe(time, id64, facts, observation)
        elif facts & f.HANDED_OVER:
            self.handing_site = self.owner_site
        inferred = 0
        if conditions or facts & (f.PROBLEM_CONFIRMED | f.SOLUTION_PROVIDED):
            conditions, inferred = self._infer(time, facts, conditions)
            if conditions & _RESOLVED:
                known = self.confirmed | self.solved << 1
                self.out.append(Emission(SOLVED, 0, id64, time, -1, self.binding, 0, known))
        if facts & f.MERGED:
            self.merged = True
            before = self.binding  # what still runs is cancelled under the rule it had
        if facts & f.VOIDING:
            self._void(time, facts)
        if conditions or self.binding != before:
            self.operate(time, id64, conditions, inferred, before)
        if facts & _ENDING:
            if facts & f.MERGED:
                self._merge(time)
            if self.void_at == time:
                self._void_clocks(time)

    def _reach(self, time: int) -> None:
        """Pass what lies before an entry at `time`: edits that recalculate, shift ends and thresholds."""
        self._pass_by(time, time)
        if self.crossing < time:
            self.settle(time)

    def _pass_by(self, time: int, shifts: int) -> None:
        """Edits that recalculate up to `time` and shift ends before `shifts`, in their order."""
        while True:
            if self.recalculated_at <= time and self.recalculated_at <= self.shift_end:
                self._recalculate()
            elif self.shift_end < shifts:
                self._end_shift()
            else:
                return

    def _recalculate(self) -> None:
        """An edit of the policy reaches the ticket without an event: a step of its own."""
        time, before = self.recalculated_at, self.binding
        if self.crossing < time:
            self.settle(time)
        self.take_edition(self.plan.edition_at(time))
        if self.binding != before:
            self.operate(time, xxh64_intdigest(b"edited" + time.to_bytes(8, "big")), 0, 0, before)

    def take_edition(self, edition: int) -> None:
        """Go on under another edition of the policy."""
        self.edition = edition
        self.edited_at, self.recalculated_at = self.plan.ahead[edition]
        self.binding = self.plan.binding(self.source, self.attributes, edition)

    def _attributes(self, observation: Observation) -> bool:
        """Take the attributes that choose a rule; tells whether the priority changed."""
        new: list[Any] = list(self.attributes)
        for index, value in zip(observation[::2], observation[1::2], strict=True):
            if index >= f.STATUS:
                break
            new[index] = value
        attributes: tuple[str | None, ...] = tuple(new)
        if attributes == self.attributes:
            return False
        prioritised = attributes[f.PRIORITY] != self.attributes[f.PRIORITY]
        self.attributes = attributes
        self.binding = self.plan.binding(self.source, attributes, self.edition)
        return prioritised

    def _observe(self, time: int, id64: int, facts: int, observation: Observation) -> int:
        """Compare a snapshot with what was known before it; returns the conditions of the difference."""
        if observation[0] == f.ACTOR_SITE and self.handing_site is None and not facts & f.HANDED_OVER:
            return 0  # most often: where a message came from
        conditions = 0
        if observation[0] < f.STATUS and self._attributes(observation) and self.created >= 0:
            conditions |= BIT["priority_changed"]
        pairs = iter(observation)
        seen: dict[Any, Any] = dict(zip(pairs, pairs, strict=True))
        status = seen.get(f.STATUS)
        if status is not None and status != self.status:
            conditions |= self._change_status(time, status)
        if f.TEAM in seen or f.AGENT in seen:
            conditions |= self._assign(seen.get(f.TEAM, self.team), seen.get(f.AGENT, self.agent))
        site = seen.get(f.SITE)
        if self.handing_site is not None:
            touching = seen.get(f.ACTOR_SITE), site if facts & f.ASSIGNMENT else None
            if any(other is not None and other != self.handing_site for other in touching):
                conditions |= BIT["touched_by_next_site"]
        if facts & f.HANDED_OVER:
            self.handing_site = seen.get(f.FROM_SITE) or self.owner_site
            site = seen.get(f.TO_SITE)
        if site is not None and site != self.owner_site:
            if not facts & f.HANDED_OVER and self.owner_site is not None:
                self.handing_site = self.owner_site
            self.owner_site = site
            self.assignment = id64
            self.shift_end = NEVER
            if self.plan.shifts and site in self.plan.sites:
                end = self.plan.sites[site].next_end(time)
                self.shift_end = NEVER if end is None else end
        return conditions

    def _change_status(self, time: int, status: int) -> int:
        conditions = STATUS_BIT[status] if self.status >= 0 or status else STATUS_KNOWN
        if status >= FIRST_ENDED:
            if self.status < FIRST_ENDED:
                conditions |= BIT["resolved"] | BIT["completely_resolved"]
                self.ended_at = time
            if status == CLOSED:
                conditions |= BIT["closed"]
        elif self.status >= FIRST_ENDED:
            conditions |= BIT["reopened"]
            self.ended_at = -1
        self.status = status
        return conditions

    def _assign(self, team: str | None, agent: int | None) -> int:
        conditions = 0
        if team != self.team:
            if team is not None:
                conditions |= BIT["assigned"]
            if self.team is not None:
                conditions |= BIT["left_team"]
        if agent != self.agent and agent is not None:
            conditions |= BIT["assigned"]
        self.team, self.agent = team, agent
        return conditions

    def _infer(self, time: int, facts: int, conditions: int) -> tuple[int, int]:
        """Add problem_confirmed and solution_provided, said or inferred; returns the codes of inferring rules."""
        if conditions & _REOPENED:
            self.confirmed = self.solved = False
        if facts & f.PUBLIC_REPLY:
            self.replied_at = time
        if self.confirmed and self.solved:
            return conditions, 0
        by_rule = self.plan.inferred(conditions, facts, self.replied_at == time)
        confirmed = solved = 0
        if not self.confirmed:
            said = facts & f.PROBLEM_CONFIRMED
            rule = 0 if said else by_rule[0]
            if said or rule:
                self.confirmed = True
                conditions |= BIT["problem_confirmed"]
                confirmed = rule
        if not self.solved:
            said = facts & f.SOLUTION_PROVIDED
            rule = 0 if said else by_rule[1]
            if said or rule:
                self.solved = True
                conditions |= BIT["solution_provided"]
                solved = rule
        return conditions, confirmed | solved << 3

    def _merge(self, time: int) -> None:
        if self.ended_at < 0:
            self.ended_at = time
        for clock, cycle in zip(self.plan.clocks, self.cycles, strict=True):
            if cycle is not None and cycle.stop < 0:
                self.cancel(clock, cycle, time)
        self.recross()

    def _void(self, time: int, facts: int) -> None:
        if facts & f.RESTORED:
            self.void_at = -1
            self.void_deadlines = {}
        elif self.void_at < 0:
            self.void_at = time

    def _void_clocks(self, time: int) -> None:
        """Keep the deadlines of what ran, under the rules that the voiding entry itself may have brought."""
        self.void_deadlines = {
            (clock.index, cycle.id): self.deadline(clock, cycle, time)
            for clock, cycle in zip(self.plan.clocks, self.cycles, strict=True)
            if cycle is not None and cycle.stop < 0
        }

    def _end_shift(self) -> None:
        """The owning site's shift ended with the ticket still open: a step of its own."""
        end, self.shift_end = self.shift_end, NEVER
        if self.crossing < end:
            self.settle(end)
        if self.status >= FIRST_ENDED or self.merged or self.void_at >= 0:
            return
        self.handing_site = self.owner_site
        name = xxh64_intdigest(self.assignment.to_bytes(8, "big") + end.to_bytes(8, "big"))
        self.operate(end, name, BIT["shift_ended"], 0, self.binding)

    def advance(self, as_of: int) -> None:
        """Say everything that is due up to `as_of` (ms); an earlier `as_of` than before changes nothing."""
        self.as_of = max(self.as_of, as_of)
        if self.shift_end <= self.as_of or self.recalculated_at <= self.as_of:
            self._pass_by(self.as_of, self.as_of + 1)
        if self.crossing <= self.as_of:
            self.settle(self.as_of + 1)
        if self.pending:
            due = [said for at, said in self.pending if at <= self.as_of]
            if due:
                self.pending = [item for item in self.pending if item[0] > self.as_of]
                self.out += due

    def next_due(self) -> int:
        """The next instant at which a marker would decide something on a ticket that is not void; NEVER if none."""
        due = min(self.crossing, self.shift_end)
        if self.recalculated_at < due and self._open():
            due = self.recalculated_at
        for at, _ in self.pending:
            due = min(due, at)
        return due

    def _open(self) -> bool:
        """Whether any clock runs or stands still, with a target or without: what an edit can do something to."""
        return any(cycle is not None and cycle.stop < 0 for cycle in self.cycles)
