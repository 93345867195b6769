"""A worker refuses a policy that is not the one its state was made under, and takes one that begins in the future."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from fresh import Fresh
from strategies import happened
from stream_feed import HOUR, Feed, installed, running, until, wall
from stream_log import drained
from supportpulse.errors import PolicyError
from supportpulse.settings import Settings
from worker_process import worker_process

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(120)]

VERSION = """
name = "desk"
valid_from = {since}
labels = ["rule"]
[[rules]]
name = "all"
targets = {{ first_response = "{target}" }}
"""


def write(settings: Settings, name: str, *, target: str = "1h", since: str = "1970-01-01T00:00:00Z") -> Path:
    """One version in the policy folder."""
    file = settings.policy / name
    file.write_text(VERSION.format(target=target, since=since), "utf-8")
    return file


async def judged(settings: Settings) -> Settings:
    """An installation that has judged tickets, some in each partition, and was stopped in good order."""
    async with Feed(settings) as feed, running(settings):
        told = [happened("TicketCreated", wall() - 2 * HOUR, str(one), ticket=str(one)) for one in range(30)]
        await feed.events(told)
        await drained(settings, expect_events=len(told) * 2)
    return settings


@pytest.fixture
async def bare(kafka: str, fresh: Fresh, tmp_path: Path) -> Settings:
    """An installation that never ran, with a folder of one version."""
    folder = tmp_path / "policies"
    folder.mkdir()
    settings = await installed(kafka, fresh, tmp_path, policy=folder)
    write(settings, "first.toml")
    return settings


@pytest.fixture
async def settings(bare: Settings) -> Settings:
    """One that has judged a ticket under it."""
    return await judged(bare)


async def refusal(settings: Settings) -> PolicyError:
    """Why a worker does not start."""
    try:
        async with running(settings) as worker:
            await until(worker.stopping.is_set, "a refusal")
            assert not worker.owned
    except PolicyError as error:
        return error
    raise AssertionError("it started")


async def works(settings: Settings) -> None:
    """A worker comes to own all partitions."""
    async with running(settings) as worker:
        await until(lambda: len(worker.owned) == settings.partitions, "all partitions owned")


async def test_a_worker_under_a_changed_policy_ends_with_exit_code_2_and_one_sentence(settings: Settings) -> None:
    """The last line of its log names file, key, what was found and what is valid."""
    file = write(settings, "first.toml", target="2h")
    async with worker_process(settings, "refused") as worker:
        assert await worker.ended(60) == 2
        line = worker.log().strip().splitlines()[-1]
    for part in (str(file), "digest", "found", "valid: digest", "--app-id"):
        assert part in line


async def test_a_changed_or_back_dated_policy_is_refused_and_the_old_one_starts_again(settings: Settings) -> None:
    """Neither touches the state: the log, not the file, says under which policy it was made."""
    file = write(settings, "first.toml", target="2h")
    error = await refusal(settings)
    assert (error.file, error.key) == (str(file), "digest")
    write(settings, "first.toml")
    since = (datetime.now(UTC) - timedelta(days=1)).isoformat()
    back_dated = write(settings, "second.toml", target="2h", since=since)
    error = await refusal(settings)
    assert (error.file, error.key) == (str(back_dated), "digest")
    assert error.valid.startswith("a valid_from in the future")
    back_dated.unlink()
    await works(settings)


async def test_a_version_that_begins_in_the_future_starts_and_may_not_be_taken_away(settings: Settings) -> None:
    """Once a worker has noted it, it is one of the versions the state is made under."""
    since = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    file = write(settings, "next.toml", target="2h", since=since)
    await works(settings)
    await works(settings)
    file.unlink()
    error = await refusal(settings)
    assert error.found == "no such version"


async def test_a_version_that_tickets_were_judged_under_may_not_be_taken_away(bare: Settings) -> None:
    """State that names a version which is gone is not even read: the refusal says which."""
    file = write(bare, "second.toml", target="2h", since="2020-01-01T00:00:00Z")
    await judged(bare)
    file.unlink()
    error = await refusal(bare)
    assert (error.key, error.found) == ("digest", "no such version")
