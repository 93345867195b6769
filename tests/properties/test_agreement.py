"""The word that is told beside the helpdesk's is the one it was compared with."""

from __future__ import annotations

from hypothesis import given, settings

from strategies import History, histories
from supportpulse.explain import explain
from supportpulse.facts import VENDOR_CODES
from supportpulse.parity import RESULTS, compare


@settings(max_examples=300, deadline=None)
@given(histories(repeats=False, judged=True))
def test_both_sides_as_told_compare_to_the_result(history: History) -> None:
    """Words and deadlines are those that the fold compared; where it did not, it is said why."""
    for one in explain(history.events, history.policy, history.as_of).agreements:
        assert bool(one.why) == (one.result is None)
        if one.result is None:
            continue
        if one.ours is None:
            assert one.result == "no_cycle"
            continue
        theirs, ours = VENDOR_CODES[one.theirs], VENDOR_CODES[one.ours]
        due, our_due = (-1 if deadline is None else deadline for deadline in (one.their_deadline, one.our_deadline))
        assert one.result == RESULTS[compare(theirs, due, ours, our_due, one.time)]
