"""What is told of a cycle's running time adds up."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import Phase, given, settings

from strategies import History, histories
from strategies_policies import POLICIES
from supportpulse.account import account
from supportpulse.account_line import amount, line
from supportpulse.clock import NEVER
from supportpulse.course import courses
from supportpulse.errors import Rejected
from supportpulse.evaluate import evaluate
from supportpulse.facts import Reading
from supportpulse.outcome import BREACHED, CANCELLED, KIND_NAMES, LATE, MET, Emission, cycle_name
from supportpulse.reader import read_event
from supportpulse.ticket import Plans
from supportpulse.verdicts import Verdict


def admitted(history: History) -> list[Reading]:
    """The readings that count, in event order: of each id the first arrival."""
    first: dict[int, Reading] = {}
    for event in history.events:
        try:
            reading = read_event(event)
        except Rejected:
            continue
        assert isinstance(reading, Reading)
        first.setdefault(reading.id64, reading)
    return sorted(first.values(), key=lambda one: (one.time, one.sequence, one.id64))


def verdict_of(said: Emission) -> Verdict:
    """An emission as the net view has it."""
    return KIND_NAMES[said.kind], said.time, said.deadline if said.deadline >= 0 else None


OFTEN = ("matrix", "edges", "plain") * 4
"""Policies whose clocks pause, are reopened and change their targets."""
WITHOUT_SHRINKING = Phase.explicit, Phase.reuse, Phase.generate
"""It would take minutes: a history is short enough to read."""


@settings(max_examples=800, deadline=None, phases=WITHOUT_SHRINKING)
@given(histories((*OFTEN, *POLICIES)))
def test_spans_add_up_to_what_the_fold_counted_and_deadlines_to_their_targets(history: History) -> None:
    """For each cycle that stopped: its elapsed time; for each with a deadline: the target, or more after a new rule."""
    evaluated = evaluate(map(read_event, history.events), history.policy, history.as_of)
    ((_, said),) = evaluated.said.items()
    (ticket,) = evaluated.tickets.values()
    plan, traced = courses(admitted(history), Plans(history.policy), history.as_of)
    assert plan.version is ticket.fold.plan.version
    found = {(one.clock, one.cycle): one for one in traced}
    stands = {}
    for one in said:
        if one.because:
            stands.pop((one.kind, one.clock, one.cycle), None)
        else:
            stands[one.kind, one.clock, one.cycle] = one
    for (kind, clock, cycle), one in stands.items():
        if kind not in (MET, LATE, BREACHED, CANCELLED) or one.elapsed < 0:
            continue
        if (clock, cycle) not in found:
            assert one.kind == CANCELLED
            assert one.elapsed == 0
            continue
        told = account(plan, found[clock, cycle], history.as_of, verdict_of(one))
        assert (told.clock, told.cycle) == (plan.clocks[clock].name, cycle_name(cycle))
        for spans in (told.spans, told.due_spans):
            assert all(before.end <= after.begin for before, after in pairwise(spans))
        assert amount(told.aim.target, told.aim.calendar) in line(told, KIND_NAMES[kind], history.as_of)
        if kind in (MET, LATE):
            assert told.elapsed == one.elapsed
            assert told.end == one.time
        if told.deadline is not None:
            used = sum(span.counted for span in told.due_spans)
            assert used == told.aim.target or (len(told.terms) > 1 and used > told.aim.target)
    for course in traced:
        if course.due < 0:
            continue
        told = account(plan, course, history.as_of)
        used = sum(span.counted for span in told.due_spans)
        assert used == told.aim.target or (len(told.terms) > 1 and used > told.aim.target)
    running = {
        (index, one.id): one.due
        for index, one in enumerate(ticket.fold.cycles)
        if ticket.fold.void_at < 0 and one is not None and one.stop < 0 and plan.aim(one.binding, index) is not None
    }
    for place, due in running.items():
        assert found[place].due == (-1 if due == NEVER else due)
        assert found[place].end < 0
