"""The built-in samples of `supportpulse webhook`, through the gateway, for every vendor."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

import supportpulse.edges.adapters as adapters
from asgi import post
from gateway_desk import ENVIRON, Desk
from supportpulse.edges.gateway.sample import FOLDER, OWN_RULES, Sample, meant, policy_of, signed, story
from supportpulse.edges.gateway.sources import Source, load
from supportpulse.edges.gateway.vendors import available, wants_mapping
from supportpulse.envelope import key_of
from supportpulse.evaluate import Evaluation, evaluate
from supportpulse.events import STATUSES
from supportpulse.policy import load_policy
from supportpulse.reader import read

NOW = datetime.now(UTC)


def desk_of(vendor: str, folder: Path, more: str = "") -> Desk:
    """A gateway with one source, whose mapping is the example that is shipped."""
    if wants_mapping(vendor):
        example = Path(adapters.__file__).parent / "templates" / "frappe.toml"
        (folder / "frappe.toml").write_bytes(example.read_bytes())
        more += '\nverify = "frappe"\nmapping = "frappe.toml"'
    return Desk(folder, f'[sources.desk]\nvendor = "{vendor}"\nsecrets = ["env:TOKEN"]\n{more}\n')


def source_of(desk: Desk) -> Source:
    """Its source."""
    return load(desk.file, ENVIRON).sources["desk"]


async def sent(desk: Desk, samples: list[Sample]) -> Evaluation:
    """What the vendor's policy makes of samples that are delivered as `supportpulse webhook` does."""
    source = source_of(desk)
    for sample in samples:
        path, headers = signed(source, sample.body, time.time(), sample.headers)
        answered = await post(desk.app, path, sample.body, headers)
        assert answered.code == 200, (sample.says, answered.body)
    log = [read(message.value) for message in desk.kafka.messages if message.topic == "events"]
    return evaluate(log, load_policy(policy_of(source.vendor)))


@pytest.mark.parametrize("vendor", available())
async def test_the_samples_of_a_vendor_are_a_ticket_that_was_answered_and_solved(vendor: str, tmp_path: Path) -> None:
    """Signature, adapter and policy take them: one ticket, its first response met, and solved at the end."""
    desk = desk_of(vendor, tmp_path)
    samples = story(source_of(desk), NOW)
    assert all(sample.says for sample in samples)
    told = await sent(desk, samples)
    ((key, ticket),) = told.tickets.items()
    assert not told.rejected
    assert STATUSES[ticket.fold.status] == "solved"
    verdicts = {clock: verdict[0] for (_, clock, _), verdict in told.net.items()}
    response = "time_to_first_response" if vendor == "jira" else "first_response"
    assert verdicts[response] == "met", verdicts
    assert set(verdicts.values()) <= {"met", "cancelled"}, verdicts
    events = [event for sample in samples for event in meant(source_of(desk), sample, NOW)]
    assert {key_of(event) for event in events} == {key}


@pytest.mark.parametrize("vendor", ["jira", "slack"])
async def test_an_agent_of_the_samples_is_one_that_the_source_names(vendor: str, tmp_path: Path) -> None:
    """With `agents` in its table the answer is an agent's all the same."""
    desk = desk_of(vendor, tmp_path, 'agents = ["U7", "U8"]')
    told = await sent(desk, story(source_of(desk), NOW))
    assert "met" in {verdict[0] for verdict in told.net.values()}


@pytest.mark.parametrize("vendor", available())
def test_another_run_is_another_ticket(vendor: str, tmp_path: Path) -> None:
    """Nothing of a former run's is told again at other times."""
    source = source_of(desk_of(vendor, tmp_path))
    later = NOW + timedelta(minutes=5)
    first, second = (
        {event.id for sample in story(source, now) for event in meant(source, sample, now)} for now in (NOW, later)
    )
    assert not first & second


def test_every_vendor_has_samples_and_no_policy_is_missing() -> None:
    """A file for each, none too many."""
    assert sorted(path.stem for path in FOLDER.iterdir()) == sorted(available())
    assert all(policy_of(vendor).exists() for vendor in available())
    assert set(OWN_RULES) <= set(available())
