"""sources.toml: what it says, what it must not say, and how it is followed."""

from __future__ import annotations

import logging
import os
import re
from pathlib import Path

import pytest

from gateway_desk import ENVIRON, SOURCES, Desk, fake_vendors
from supportpulse.edges import adapters
from supportpulse.edges.gateway.intake import ADAPTER_FAILED, NOT_JSON, TOO_MANY
from supportpulse.edges.gateway.measures import LETTERS, Measures
from supportpulse.edges.gateway.sources import load
from supportpulse.errors import DeclarationError
from supportpulse.names import GatewayMetric, Refusal

__all__ = ["fake_vendors"]
pytestmark = pytest.mark.usefixtures("fake_vendors")


def refusal(folder: Path, text: str) -> str:
    """What is said of a file that must not be used."""
    file = folder / "sources.toml"
    file.write_text(text, "utf-8")
    with pytest.raises(DeclarationError) as caught:
        load(file, ENVIRON)
    return str(caught.value).removeprefix(f"{file}: ")


def table(name: str = "a", vendor: str = "jira", secrets: str = "['env:ONE']", **more: str) -> str:
    """A file with one source."""
    keys = {"vendor": vendor and f"'{vendor}'", "secrets": secrets, **more}
    return f"[sources.{name}]\n" + "\n".join(f"{key} = {value}" for key, value in keys.items() if value)


def test_a_source_is_its_vendors_preset_and_what_overrides_it(tmp_path: Path) -> None:
    """Signature, time-outs and grace come with the vendor; options, several secrets and limits with the file."""
    (tmp_path / "secret").write_text("from-a-file\n", "utf-8")
    file = tmp_path / "sources.toml"
    file.write_text(
        """
[sources.desk]
vendor = "jira"
secrets = ["file:secret", "env:ONE"]
statuses = { "Waiting for customer" = "pending_customer" }
attributes = { scenario = "issue.fields.customfield_1" }
values = { priority = { "Sev 1" = "urgent" }, team = { "5" = "core" } }
unmarked_public = true
clocks = { "Time to close" = "time_to_resolution" }
bots = ["bot-1"]
grace_seconds = 0
[sources.lists]
vendor = "freshdesk"
secrets = ["env:TOKEN"]
""",
        "utf-8",
    )
    found = load(file, ENVIRON)
    desk, lists = found.sources["desk"], found.sources["lists"]
    assert desk.secrets == (b"from-a-file", ENVIRON["ONE"].encode())
    assert desk.scheme is not None
    assert desk.scheme.header == "x-hub-signature"
    assert (desk.grace_seconds, desk.retry_seconds, desk.answer_seconds) == (0, 1800, 8)
    assert desk.options.statuses == {"waiting for customer": "pending_customer"}
    assert desk.options.values == {"priority": {"sev 1": "urgent"}, "team": {"5": "core"}}
    assert desk.options.unmarked_public
    assert desk.options.clocks == {"time to close": "time_to_resolution"}
    assert desk.options.attributes == {"scenario": "issue.fields.customfield_1"}
    assert desk.options.bots == {"bot-1"}
    assert (lists.scheme, lists.token_header) == (None, "x-supportpulse-token")
    assert found.files == (file, tmp_path / "secret")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "sources: found 'nothing'; valid: this key must be set"),
        ("[sources", "valid: TOML as the README has it"),
        ("[source.a]", "source: found 'source'; valid: one of sources"),
        (table(name="'a b'"), "sources.a b: found 'a b'; valid: letters, digits"),
        (table(vendor=""), "sources.a.vendor: found 'nothing'; valid: this key must be set"),
        (table(vendor="zendeks"), "sources.a.vendor: found 'zendeks'; valid: one of zendesk, jira"),
        (table(secrets="[]"), "sources.a.secrets: found 'a hidden value'; valid: a list of 1 to 10 places: env:NAME"),
        (table(secrets="'hunter2hunter2'"), "sources.a.secrets: found 'a hidden value'; valid: a list of 1 to 10"),
        (table(secrets="['hunter2hunter2']"), "sources.a.secrets: found 'a hidden value'; valid: env:NAME"),
        (table(secrets="['env:NONE']"), "sources.a.secrets: found 'variable NONE with 0 bytes'; valid: a secret of 8"),
        (table(secrets="['file:none']"), "No such file or directory'; valid: env:NAME"),
        (table(vendor="freshdesk", secrets="['env:NONE']"), "with 0 bytes'; valid: a secret of 16 to"),
        (table(verify="'md5'"), "sources.a.verify: found 'md5'; valid: one of zendesk"),
        (table(burst="0"), "sources.a.burst: found 0; valid: a whole number, 1 or more"),
        (table(burts="1"), "sources.a.burts: found 'burts'; valid: one of vendor, secrets"),
        (table(mapping="'m'"), "sources.a.mapping: found 'm'; valid: no mapping, for this vendor"),
        (table(answer_seconds="0"), "sources.a.answer_seconds: found 0; valid: seconds, 0.1 to 60"),
        (table(grace_seconds="'1m'"), "sources.a.grace_seconds: found '1m'; valid: seconds, 0 to 86400"),
        (table(statuses="{ Done = 'done' }"), "sources.a.statuses.Done: found 'done'; valid: one of new, open"),
        (table(attributes="{ mood = 'x' }"), "sources.a.attributes.mood: found 'mood'; valid: one of scenario"),
        (table(values="{ mood = { x = 'y' } }"), "sources.a.values.mood"),
    ],
)
def test_a_mistake_is_told_with_its_place_and_what_is_valid_and_without_secrets(
    tmp_path: Path, text: str, said: str
) -> None:
    """Nobody has to guess, and a secret pasted into the wrong place is not printed."""
    told = refusal(tmp_path, text)
    assert said in told
    assert "hunter2" not in told


def test_a_vendor_without_an_adapter_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A source nobody can read is no source."""
    monkeypatch.setattr("supportpulse.edges.gateway.sources.available", lambda: ["github"])
    told = refusal(tmp_path, "[sources.a]\nvendor='jira'\nsecrets=['env:ONE']")
    assert told == "sources.a.vendor: found 'jira'; valid: one of github"


def test_a_changed_file_is_followed_and_one_in_error_changes_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Secrets rotate without a restart; a mistake is told once, counted, and the sources stay as they were."""
    secret = tmp_path / "secret"
    secret.write_text("first-secret", "utf-8")
    desk = Desk(tmp_path, SOURCES.replace("env:TWO", "file:secret"))
    before = desk.roster.stations["code"]
    assert not desk.roster.follow()
    secret.write_text("second-secret", "utf-8")
    assert desk.roster.follow()
    after = desk.roster.stations["code"]
    assert after.source.secrets[1] == b"second-secret"
    assert after.flight is before.flight, "what is being delivered is forgotten"
    secret.write_text("x", "utf-8")
    with caplog.at_level(logging.ERROR):
        assert not desk.roster.follow()
        assert not desk.roster.follow()
    assert len(caplog.records) == 1
    assert "a secret of 8" in caplog.text
    assert desk.sample("sla_gateway_reload_failures_total") == 1
    assert desk.sample("sla_gateway_configuration_refused") == 1
    assert desk.roster.stations["code"] is after
    os.unlink(secret)
    assert not desk.roster.follow()
    assert desk.roster.stations["code"] is after
    secret.write_text("third-secret", "utf-8")
    assert desk.roster.follow()
    assert desk.sample("sla_gateway_configuration_refused") == 0


def test_nothing_is_told_of_a_source_that_is_configured_no_more(tmp_path: Path) -> None:
    """A source that is gone would be held, or silent, for ever."""
    desk = Desk(tmp_path)
    desk.measures.held("slow", True)
    desk.measures.rejected("slow", Refusal.RATE)
    desk.file.write_text(SOURCES.replace("[sources.slow]", "[sources.calm]"), "utf-8")
    assert desk.roster.follow(always=True)
    told = desk.measures.text()
    assert b'source="slow"' not in told
    assert b'sla_gateway_source_held{source="calm"} 0.0' in told
    assert b'sla_gateway_received_total{source="code"} 0.0' in told


def test_the_first_dead_letter_of_each_known_reason_is_an_increase() -> None:
    """Its series was there before, at 0: all that adapters and the intake say are known."""
    package = Path(adapters.__file__).parent
    texts = [path.read_text("utf-8") for path in package.glob("*.py")]
    said = {word for text in texts for word in re.findall(r'Unknown\(\s*"(\w+)"', text)}
    assert said | {NOT_JSON, ADAPTER_FAILED, TOO_MANY} == set(LETTERS)
    measures = Measures()
    measures.begin("desk")
    for word in LETTERS:
        labels = {"source": "desk", "reason": word}
        assert measures.registry.get_sample_value(GatewayMetric.DEAD_LETTERS, labels) == 0.0
