"""A whole log in batch says what the oracle says."""

from __future__ import annotations

from hypothesis import given, settings

import oracle
from strategies import History, logs
from supportpulse.evaluate import evaluate
from supportpulse.names import Reason
from supportpulse.reader import read_event


@settings(max_examples=150, deadline=None)
@given(logs())
def test_evaluate_equals_the_oracle(history: History) -> None:
    """Net view and rejected records of any interleaved log are the oracle's."""
    found = evaluate(map(read_event, history.events), history.policy, history.as_of)
    assert found.net == oracle.net_view(history.events, history.policy, history.as_of)
    rejected = oracle.admit(history.events)[1]
    assert [reason for reason, _ in found.rejected] == [Reason(reason) for _, reason in rejected]
    admitted = oracle.admit(history.events)[0]
    assert found.events == len(history.events) == len(admitted) + found.duplicates + len(rejected)
