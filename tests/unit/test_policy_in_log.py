"""The policy versions and the time scale a state was made under lie in its log, and decide what may go on with it."""

from __future__ import annotations

from pathlib import Path

import pytest

from partitioned import START, Driven
from supportpulse.errors import ConfigError, PolicyError
from supportpulse.panes import FIVE_MINUTES
from supportpulse.policy import load_policy
from supportpulse.policy_record import POLICY_KEY, SCALE_KEY
from supportpulse.ticket import Plans

VERSION = """
name = "desk"
valid_from = {}
labels = ["rule"]
[[rules]]
name = "all"
[rules.targets]
first_response = "{}"
"""


def policies(folder: Path, *versions: tuple[str, str]) -> Plans:
    """Plans of a policy with these versions: (valid_from, target)."""
    folder.mkdir()
    for number, (since, target) in enumerate(versions):
        (folder / f"{number}.toml").write_text(VERSION.format(since, target), "utf-8")
    return Plans(load_policy(folder))


@pytest.mark.parametrize(
    ("versions", "valid"),
    [
        ([("1970-01-01T00:00:00Z", "1h")], None),
        ([("1970-01-01T00:00:00Z", "1h"), ("2026-06-01T00:00:00Z", "2h")], None),
        ([("1970-01-01T00:00:00Z", "2h")], "digest "),
        ([("1970-01-01T00:00:00Z", "1h"), ("2025-06-01T00:00:00Z", "2h")], "a valid_from in the future"),
    ],
)
def test_only_a_version_that_begins_in_the_future_may_be_added(
    tmp_path: Path, versions: list[tuple[str, str]], valid: str | None
) -> None:
    """What the state was made under is in the log."""
    driven = Driven(tmp_path)
    driven.store.clear()
    driven.state.plans = policies(tmp_path / "before", ("1970-01-01T00:00:00Z", "1h"))
    driven.state.check_policy(START)
    assert driven.state.dirty == {POLICY_KEY}
    driven.state.dirty.clear()
    driven.state.plans = policies(tmp_path / "after", *versions)
    if valid is None:
        driven.state.check_policy(START)
        assert (driven.state.dirty == {POLICY_KEY}) == (len(versions) > 1)
    else:
        with pytest.raises(PolicyError) as refused:
            driven.state.check_policy(START)
        assert refused.value.valid.startswith(valid)
        assert driven.state.dirty == set()


@pytest.mark.parametrize(("before", "after"), [(FIVE_MINUTES, 3000), (3000, FIVE_MINUTES), (3000, 30)])
def test_state_is_not_mixed_with_that_of_another_time_scale(tmp_path: Path, before: int, after: int) -> None:
    """Panes of one scale would be taken for others of another: only the scale that made them goes on with them."""
    driven = Driven(tmp_path)
    store: dict[bytes, bytes] = {}
    made = driven.opened(store, {}, before)
    assert (SCALE_KEY in made.dirty) == (before != FIVE_MINUTES)
    assert driven.opened(store, {}, before).sources.sources == {}
    with pytest.raises(ConfigError, match=r"^SUPPORTPULSE_TIME_SCALE: found .*; valid: .*--app-id") as refused:
        driven.opened(store, {}, after)
    assert f"found {after / FIVE_MINUTES:g}; valid: {before / FIVE_MINUTES:g}, " in str(refused.value)
