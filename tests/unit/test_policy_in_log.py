"""The versions a partition's state was made under lie in its log, and decide what policy may go on with it."""

from __future__ import annotations

from pathlib import Path

import pytest

from partitioned import START, Driven
from supportpulse.errors import PolicyError
from supportpulse.policy import load_policy
from supportpulse.policy_record import POLICY_KEY
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
