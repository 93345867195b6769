"""Policies: every mistake names its file, key, what was found and what is valid."""

from __future__ import annotations

from pathlib import Path

import pytest

from policy_texts import ENUMS, HEAD, OFFICE, PLAIN, RULE, Write, writer
from supportpulse.errors import PolicyError
from supportpulse.policy import load_policy


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write a policy file and give its path."""
    return writer(tmp_path)


@pytest.mark.parametrize(
    ("text", "key", "found", "valid"),
    [
        (HEAD + "rules = = 1\n", "line 2", None, "TOML"),
        (PLAIN.replace('"all"', '"a b"'), "rules.a b.name", "a b", "pattern"),
        (PLAIN.replace('name = "all"', ""), "rules.0.name", None, "required"),
        (HEAD + "rules = [1]\n", "rules.0", 1, "dictionary"),
        (HEAD + "colour = 1\n" + RULE, "colour", "colour", "valid_from"),
        (HEAD, "rules", None, "required"),
        (HEAD + "rules = []\n", "rules", [], "at least 1 item"),
        (RULE, "name", None, "required"),
        (PLAIN.replace("15m", "15min"), "rules.all.targets.first_response.target", "15min", "15m"),
        (PLAIN.replace("15m", "0s"), "rules.all.targets.first_response.target", "0s", "greater than 0"),
        (PLAIN.replace('"15m"', "15"), "rules.all.targets.first_response", 15, "dictionary"),
        (
            PLAIN.replace("first_r", "frist_r"),
            "rules.all.targets.frist_response",
            "frist_response",
            "first_response",
        ),
        (PLAIN + "goal = 1\n", "rules.all.goal", "goal", "targets"),
        (PLAIN + 'calendar = "office"\n', "rules.all.calendar", "office", "24x7"),
        (PLAIN + "objective = 1.1\n", "rules.all.objective", 1.1, "less than or equal to 1"),
        ("at_risk_share = -0.1\n" + PLAIN, "at_risk_share", -0.1, "greater than or equal to 0"),
        (PLAIN + RULE, "rules", "all", "each one once"),
        (PLAIN + 'match = { colour = "red" }\n', "rules.all.match.colour", "colour", "scenario"),
        (
            HEAD + ENUMS + RULE + 'match = { scenario = "lives" }\n',
            "rules.all.match.scenario",
            "lives",
            "live, social",
        ),
        (HEAD + RULE, "labels", "scenario", "[enums]"),
        (PLAIN.replace('"rule"', '"rule", "agent"'), "labels.1", "agent", "scenario"),
        (PLAIN + '[enums]\nregion = ["x", "other"]\n', "enums.region", "other", "implied"),
        (PLAIN + '[enums]\nregion = ["x", "x"]\n', "enums.region", "x", "each one once"),
        ("valid_from = 2026-01-01T00:00:00\n" + PLAIN, "valid_from", None, "timezone"),
        ('waiting = ["1x"]\n' + PLAIN, "waiting.0", "1x", "15m"),
        ('waiting_clocks = ["reply"]\n' + PLAIN, "waiting_clocks.0", "reply", "first_response"),
        (PLAIN + '[sites.rome]\nshift = "day"\n', "sites.rome.shift", "day", "24x7"),
        (PLAIN + OFFICE.replace("UTC", "Rome"), "calendars.office.timezone", "Rome", "IANA"),
        (PLAIN + OFFICE.replace("office", "24x7"), "calendars.24x7", "24x7", "built in"),
        (PLAIN + '[clocks.c]\nstart = ["created"]\n', "clocks.c", "no stop", "one stop condition"),
        (
            PLAIN + '[clocks.c]\nstart = ["made"]\nstop = ["closed"]\n',
            "clocks.c.start.0",
            "made",
            "created, customer_message",
        ),
        (PLAIN + '[clocks.solution]\npause = ["escalated"]\n', "clocks.solution.resume", [], "escalated"),
        (PLAIN + '[clocks.solution]\nreopen = "no"\n', "clocks.solution.reopen", "no", "'first_only'"),
        (PLAIN + '[clocks.solution]\nunless = ["urgent"]\n', "clocks.solution.unless.0", "urgent", "agent_created"),
        (PLAIN + '[inference]\nsolution_by = ["tag"]\n', "inference.solution_by.0", "tag", "'solution_tag'"),
        (PLAIN + '[ticket_url]\nzendesk = "https://desk"\n', "ticket_url.zendesk", "https://desk", "{ticket_id}"),
        ("series_budget = 44\n" + PLAIN, "series_budget", "45 series", "at most 44"),
    ],
)
def test_a_mistake_names_file_key_what_was_found_and_what_is_valid(
    write: Write, text: str, key: str, found: object, valid: str
) -> None:
    """Every kind of mistake stops the policy with one sentence a person can act on."""
    path = write(text)
    with pytest.raises(PolicyError) as caught:
        load_policy(path)
    error = caught.value
    assert (error.file, error.key) == (str(path), key)
    assert found is None or error.found == found
    assert valid in error.valid
    assert "\n" not in str(error)


@pytest.mark.parametrize(
    ("second", "key"),
    [
        (PLAIN, "valid_from"),
        ("valid_from = 2026-01-01T00:00:00Z\n" + PLAIN.replace('"p"', '"q"'), "name"),
        ("valid_from = 2026-01-01T00:00:00Z\n" + HEAD + ENUMS + RULE, "labels"),
    ],
)
def test_versions_must_agree(write: Write, tmp_path: Path, second: str, key: str) -> None:
    """Two versions with one valid_from, of two names or with other labels are refused, and the second file is named."""
    write(PLAIN, "1.toml")
    path = write(second, "2.toml")
    with pytest.raises(PolicyError) as caught:
        load_policy(tmp_path)
    assert (caught.value.file, caught.value.key) == (str(path), key)


def test_a_path_without_a_policy_is_an_error(tmp_path: Path) -> None:
    """An empty folder and a missing file say so."""
    with pytest.raises(PolicyError, match=r"no \*\.toml file"):
        load_policy(tmp_path)
    with pytest.raises(PolicyError, match="No such file"):
        load_policy(tmp_path / "none.toml")
