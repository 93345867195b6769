"""All clocks of a ticket: admission of one reading, folding in order, folding again when it comes late.

What sorts after everything seen, and after `as_of`, is one step of the fold. Anything else folds the history again,
with and without it, and says the difference.
"""

from __future__ import annotations

from collections.abc import Iterable

from supportpulse import facts as f
from supportpulse.clock import NEVER, Plan
from supportpulse.errors import Rejected
from supportpulse.facts import Observation, Reading
from supportpulse.fold import Fold
from supportpulse.fold_codec import fold_bytes, fold_of
from supportpulse.history import ORDER_SIZE, SIZE, Entry, History, order_of
from supportpulse.names import Reason
from supportpulse.outcome import AT_RISK, BREACHED, CANCELLED, LATE, MET, STARTED, Emission
from supportpulse.policy import Policy

SEAL_ABOVE = 512
"""Entries above which the older half of a history becomes a base, not folded again; what sorts into it is too late."""

MOST_TEXT = 200_000
MOST_PENDING = 4_000
"""Characters observed, and decisions waiting for `as_of`, above which a ticket takes no more: it must fit a record."""

Net = dict[tuple[int, int, int], Emission]
"""(kind, clock, cycle) -> what stands of all that was said."""


class Plans:
    """The compiled versions of a policy."""

    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        self.plans = tuple(Plan(version) for version in policy.versions)

    def at(self, created: int) -> Plan:
        """The plan that rules a ticket created at an instant (ms)."""
        return self.plans[self.policy.at(created).index]


class Ticket:
    """State of one ticket. `offset` is the last source offset it includes; `late`: its last event was."""

    __slots__ = ("base", "fold", "history", "late", "offset", "plans", "retired", "sealed", "source")

    def __init__(self, plans: Plans, source: str) -> None:
        self.plans = plans
        self.source = source
        self.history = History()
        self.fold = Fold(plans.plans[0], source)
        self.base: bytes | None = None
        self.sealed = b""
        self.offset = -1
        self.retired = False
        self.late = False

    # -- admission ----------------------------------------------------------------------------------------------------

    def admit(self, reading: Reading) -> list[Emission] | None:
        """Fold one reading; returns what it says and takes back, None for a repeated delivery.

        Raises `Rejected`: `id_conflict`, `too_late`, `ticket_too_big` or `retired`.
        """
        if self.retired:
            raise Rejected(Reason.RETIRED, f"ticket {reading.key} was retired; valid: events within the reopen window")
        _, time, _, id64, facts, observation = reading
        history, fold = self.history, self.fold
        known = history.find(id64)
        if known >= 0:
            if history.same(known, reading):
                return None
            told = "an earlier event has this id and other facts; valid: one id for one happening"
            raise Rejected(Reason.ID_CONFLICT, f"ticket {reading.key}: {told}")
        if history.text > MOST_TEXT or len(fold.pending) > MOST_PENDING:
            raise Rejected(Reason.TICKET_TOO_BIG, f"ticket {reading.key}: its state would outgrow a record")
        if self.sealed and order_of(reading) <= self.sealed[:ORDER_SIZE]:
            if facts & f.VENDOR_VERDICT:  # snapshots repeat old ones
                return None
            raise Rejected(Reason.TOO_LATE, f"ticket {reading.key}: older than the sealed part of a long history")
        entry = history.pack(reading)
        self.late = entry < history.entries[-SIZE:] or time <= fold.as_of
        if self.late or fold.void_at >= 0 or facts & f.VOIDING or (facts & f.VENDOR_VERDICT and fold.ended is None):
            return self._fold_again(entry, reading)
        if fold.created < 0 or not history.entries:
            if not self._born(reading):
                return self._fold_again(entry, reading)
            fold = self.fold
        history.entries += entry
        fold.step(time, id64, facts, observation)
        if fold.pending:
            fold.advance(fold.as_of)
        if len(history.entries) > SEAL_ABOVE * SIZE:
            self._seal()
        return fold.take()

    def forget(self, id64: int) -> None:
        """Fold again without an event, after folding it failed half-way."""
        self.history.remove(id64)
        self.fold_afresh(self.fold.as_of)

    def fold_afresh(self, as_of: int) -> None:
        """Fold again up to what was decided before (ms), after a step failed half-way."""
        if self.history.entries or self.base is not None:
            self.fold = self._refold(self.history, as_of)
            self.fold.out = []

    def mark(self, as_of: int) -> list[Emission]:
        """A marker: everything up to `as_of` (ms) has been delivered; decides what is due, may retire the ticket."""
        if self.retired:
            return []
        said = self.decide(as_of)
        if self.retire_at() <= self.fold.as_of:
            self.retired = True
            self.history = History()
            self.base = None
        return said

    def decide(self, as_of: int) -> list[Emission]:
        """Say all that is due up to `as_of` (ms)."""
        fold = self.fold
        if fold.void_at < 0:
            fold.advance(as_of)
            return fold.take()
        before = self._net(fold, fold.as_of)
        fold.advance(as_of)
        said = _difference(before, self._net(fold, fold.as_of), "")
        fold.take()
        return said

    def retire_at(self) -> int:
        """When the ticket may be forgotten: its end, or what happened after it, plus reopen window plus lateness (ms).

        NEVER while it is open, or while a clock with a target still runs.
        """
        fold = self.fold
        ended = fold.void_at if fold.void_at >= 0 else fold.ended_at
        if ended < 0 or (fold.void_at < 0 and fold.runs()):
            return NEVER
        last = self.history.time_of(len(self.history) - 1) if self.history.entries else ended
        return max(ended, last) + fold.plan.retire_after

    def next_due(self) -> int:
        """The next instant (ms) at which a marker would decide something."""
        if self.retired:
            return NEVER
        if self.fold.void_at < 0:
            return min(self.fold.next_due(), self.retire_at())
        unsaid = [at for at, _ in self._voided().pending if at > self.fold.as_of]
        return min(*unsaid, self.retire_at(), NEVER)

    def _born(self, reading: Reading) -> bool:
        """Make the creation out of the first event that shows it; False if the history must be folded again for it."""
        created = creation_of(reading.time, reading.observation)
        if not self.history.entries and self.base is None:
            as_of, self.fold = self.fold.as_of, Fold(self.plans.at(created), self.source)
            self.fold.as_of = as_of
        fold = self.fold
        if fold.created >= 0 or not reading.facts & f.ESTABLISHING:
            return True
        last = self.history.time_of(len(self.history) - 1) if self.history.entries else -1
        if created <= max(last, fold.as_of) or self.plans.at(created) is not fold.plan:
            return False
        fold.create(created, reading.id64, reading.facts, reading.observation)
        return True

    # -- folding again ------------------------------------------------------------------------------------------------

    def _fold_again(self, entry: bytes, reading: Reading) -> list[Emission]:
        as_of = self.fold.as_of
        because = "late_event"
        if reading.facts & f.VOIDING:
            because = "restored" if reading.facts & f.RESTORED else "voided"
        old = self._net(self._refold(self.history, as_of), as_of) if self.history.entries else {}
        self.history.insert(self.history.place(entry), entry)
        fold = self._refold(self.history, as_of)
        new = self._net(fold, as_of)
        fold.out = []
        self.fold = fold
        if len(self.history) > SEAL_ABOVE:
            self._seal()
        return _difference(old, new, because)

    def _refold(self, entries: Iterable[Entry], as_of: int) -> Fold:
        """A fresh fold of entries from the base on; emissions are left in it."""
        fold = self._replay(entries)
        fold.advance(as_of)
        return fold

    def _replay(self, entries: Iterable[Entry], until: int | None = None) -> Fold:
        """Step through entries from the base on, those from position `until` on left out."""
        listed = list(entries)
        born = next((entry for entry in listed if entry[2] & f.ESTABLISHING), None)
        if self.base is not None:
            fold = fold_of(self.base, self.plans.plans, self.source)
        else:
            first = listed[0][0] if born is None else creation_of(born[0], born[3])
            fold = Fold(self.plans.at(first), self.source)
        fold.as_of = -1
        if fold.ended is None and any(entry[2] & f.VENDOR_VERDICT for entry in listed):
            fold.ended = {}
        created = NEVER
        if born is not None and fold.created < 0:
            created = creation_of(born[0], born[3])
        for time, id64, facts, observation in listed[:until]:
            if created <= time:
                assert born is not None
                fold.create(created, born[1], born[2], born[3])
                created = NEVER
            fold.step(time, id64, facts, observation)
        return fold

    def _net(self, fold: Fold, as_of: int) -> Net:
        """What stands of a fold's emissions; a void ticket as it was then, with all that was not met cancelled."""
        if fold.void_at < 0:
            return _stands(fold.out)
        void = self._voided()
        due = (said for at, said in void.pending if at <= as_of or said.kind in (BREACHED, LATE))
        net = _stands([*void.out, *due])
        met = {(clock, cycle) for kind, clock, cycle in net if kind == MET}
        kept: Net = {}
        for (kind, clock, cycle), emission in net.items():
            if (clock, cycle) in met or kind in (STARTED, AT_RISK):
                kept[kind, clock, cycle] = emission
            if kind == STARTED and (clock, cycle) not in met:
                kept[CANCELLED, clock, cycle] = self._cancelled(void, net, emission)
        return kept

    def _voided(self) -> Fold:
        """A void ticket as it was then."""
        listed = list(self.history)
        return self._replay(listed, void_position(listed) + 1)

    def _cancelled(self, void: Fold, net: Net, started: Emission) -> Emission:
        clock, cycle = started.clock, started.cycle
        ends = (net.get((kind, clock, cycle)) for kind in (BREACHED, LATE, CANCELLED))
        ended = next((emission for emission in ends if emission is not None), None)
        deadline = void.void_deadlines.get((clock, cycle), -1 if ended is None else ended.deadline)
        binding = started.binding if ended is None else ended.binding
        live = void.cycles[clock]
        if live is not None and live.id == cycle and live.stop < 0:
            binding = live.binding
        return Emission(CANCELLED, clock, cycle, void.void_at, deadline, binding, 0, started.inferred)

    # -- long histories -----------------------------------------------------------------------------------------------

    def _seal(self) -> None:
        """Fold the older half of the history into a base."""
        half = len(self.history) // 2
        first = list(self.history)[:half]
        base = self._replay(first)
        open_cycles = {(index, cycle.id) for index, cycle in enumerate(base.cycles) if cycle is not None}
        base.out = [said for (_, *place), said in _stands(base.out).items() if tuple(place) in open_cycles]
        base.pending = [
            (due, said)
            for due, said in base.pending
            if due > self.fold.as_of or (said.clock, said.cycle) in open_cycles
        ]
        self.sealed = self.history.entries[(half - 1) * SIZE : half * SIZE]
        self.base = fold_bytes(base)
        self.history = self.history.without_first(half)


def creation_of(time: int, observation: Observation) -> int:
    """Creation time (ms) that an establishing entry shows."""
    for at in range(0, len(observation), 2):
        if observation[at] == f.CREATED_AT:
            return min(int(observation[at + 1]), time)
    return time


def void_position(entries: list[Entry]) -> int:
    """Position of the entry that made a ticket void and was not undone."""
    void = -1
    for position, entry in enumerate(entries):
        if entry[2] & f.RESTORED:
            void = -1
        elif entry[2] & f.VOIDING and void < 0:
            void = position
    return void


def _stands(emissions: Iterable[Emission]) -> Net:
    net: Net = {}
    for emission in emissions:
        key = (emission.kind, emission.clock, emission.cycle)
        if emission.because:
            net.pop(key, None)
        else:
            net[key] = emission
    return net


def _difference(old: Net, new: Net, because: str) -> list[Emission]:
    said = [emission.undone(because or "late_event") for key, emission in old.items() if new.get(key) != emission]
    said += [emission for key, emission in new.items() if old.get(key) != emission]
    return said
