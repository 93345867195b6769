"""Every step of a replay against the batch run of what had come by then, counted anew."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from hypothesis import given, settings
from hypothesis import strategies as st

from strategies import HOUR, MINUTE, History, logs
from supportpulse import codec
from supportpulse.envelope import encode, to_ms
from supportpulse.evaluate import Evaluation, evaluate
from supportpulse.names import BASELINE_WINDOWS, WINDOWS_SECONDS
from supportpulse.panes import HOURS_A_WEEK, Cell, Delta, deltas
from supportpulse.reader import read
from supportpulse.replay import Replay
from supportpulse.snapshot import Snapshot, summed
from supportpulse.tally import Shapes, Tally

FAR = 400 * 24 * HOUR


def between(changes: Iterable[Delta], first: int, end: int) -> Counter[Cell]:
    """What counts in [first, end)."""
    found: Counter[Cell] = Counter()
    for time, place, sign in changes:
        if first <= time < end:
            found[place] += sign
    return found


def changes_of(evaluation: Evaluation) -> list[Delta]:
    """All that was said in a batch run, as counts."""
    found: list[Delta] = []
    for key, said in evaluation.said.items():
        plan = evaluation.tickets[key].fold.plan
        found += deltas(said, plan.version.index, plan.labels)
    return found


def expected(changes: list[Delta], step: int) -> tuple[dict[str, dict[Cell, int]], dict[str, dict[Cell, int]]]:
    """Windows and baselines at a step, by their definition."""
    hour = ((step - 1) // HOUR + 1) * HOUR
    windows, baselines = {}, {}
    for name, seconds in WINDOWS_SECONDS.items():
        end = step if seconds <= 86_400 else hour
        windows[name] = nonzero(between(changes, end - seconds * 1000, end))
    for name in BASELINE_WINDOWS:
        total: Counter[Cell] = Counter()
        for week in (1, 2, 3, 4):
            end = hour - week * HOURS_A_WEEK * HOUR
            total.update(between(changes, end - WINDOWS_SECONDS[name] * 1000, end))
        baselines[name] = nonzero(total)
    return windows, baselines


def nonzero(counts: Counter[Cell]) -> dict[Cell, int]:
    """Without what cancels out."""
    return {place: count for place, count in counts.items() if count}


@settings(max_examples=25, deadline=None)
@given(logs(), st.sampled_from((15 * MINUTE, HOUR, 6 * HOUR)), st.data())
def test_every_step_shows_what_a_batch_run_of_the_log_so_far_says(
    history: History, step: int, data: st.DataObject
) -> None:
    """Windows, baselines, running and waiting clocks: provisional ones, too, as a worker would have shown them."""
    replay = Replay(history.policy, step, FAR)
    events = [(to_ms(event.time), encode(event)) for event in history.events]
    shown: list[Snapshot] = []
    seen: list[int] = []

    def lines():  # type: ignore[no-untyped-def]
        for number, (_, value) in enumerate(events):
            seen.append(number)
            yield number, value, read(value)

    came: list[int] = []
    for snapshot in replay.run(lines(), until=events[0][0] + 100 * step):
        shown.append(snapshot)
        came.append(len(seen) - 1)  # the record that moved the log's clock is not folded yet
        if any(reason == "retired" for _, reason, _ in replay.refused()):
            break  # what a batch run never forgets
    for at in sorted(data.draw(st.sets(st.integers(0, max(len(shown) - 1, 0)), max_size=3))) if shown else ():
        now = shown[at].taken_ms
        evaluation = evaluate((read(value) for _, value in events[: came[at]]), history.policy, now - 1)
        windows, baselines = expected(changes_of(evaluation), now)
        assert {name: dict(one) for name, (one,) in shown[at].windows.items()} == windows
        assert {name: dict(one) for name, (one,) in shown[at].baselines.items()} == baselines
        tally = Tally(Shapes(replay.plans))
        tally.load(codec.encode(ticket) for ticket in evaluation.tickets.values())
        assert summed(shown[at].clocks) == tally.counts
        assert summed(shown[at].waiting) == tally.waiting(now - 1)
