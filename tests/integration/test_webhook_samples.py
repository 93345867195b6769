"""`supportpulse webhook SOURCE`: from a signature to a ticket's timeline, through a running gateway and Kafka."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from fresh import Fresh
from gateway_http import SECRET, SOURCES, is_ready
from stream_feed import installed
from supportpulse import cli
from supportpulse.edges.gateway.server import GatewayServer
from supportpulse.settings import Settings

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(120)]


async def tried(
    server: GatewayServer, settings: Settings, capsys: pytest.CaptureFixture[str], *more: str, sources: Path
) -> tuple[int, str, str]:
    """Exit code, output and errors of the command without a payload."""
    asked = ["webhook", "desk", "--sources", str(sources), "--url", server.address, "--bootstrap", settings.bootstrap]
    capsys.readouterr()
    code = await asyncio.to_thread(cli.main, [*asked, *more])
    told = capsys.readouterr()
    return code, " ".join(told.out.split()), " ".join(told.err.split())


async def test_built_in_samples_come_back_from_kafka_as_a_timeline(
    kafka: str, fresh: Fresh, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Three answers, three events, the clocks of the vendor's policy; from another topic one sentence, in its time."""
    monkeypatch.setenv("DESK_SECRET", SECRET)
    monkeypatch.delenv("SUPPORTPULSE_POLICY", raising=False)
    sources = tmp_path / "sources.toml"
    sources.write_text(SOURCES, "utf-8")
    settings = await installed(kafka, fresh, tmp_path)
    with GatewayServer(settings, sources, port=0, instance="gateway-1", beat_seconds=0.5) as server:
        await is_ready(server)
        ours = ("--topic-prefix", settings.topic_prefix)
        code, out, err = await tried(server, settings, capsys, *ours, sources=sources)
        assert code == 0, err
        assert out.count('{"events":1}') == 3
        assert "policy zendesk" in out
        assert "[zendesk/ticket/" in out
        assert "what stands: first_response met, requester_wait met, agent_work met, pausable_update cancelled" in out
        code, out, err = await tried(
            server, settings, capsys, "--topic-prefix", "another.", "--wait", "1", sources=sources
        )
        assert code == 1
        assert out.count('{"events":1}') == 3
        assert "3 of 3 events" in err
        assert "another.support.events.v1" in err


async def test_samples_that_a_gateway_turns_away_have_no_timeline(
    kafka: str, fresh: Fresh, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Another secret than the gateway's: 401 for each, and exit code 1."""
    monkeypatch.setenv("DESK_SECRET", SECRET)
    monkeypatch.setenv("OTHER_SECRET", "not-" + SECRET)
    sources, others = tmp_path / "sources.toml", tmp_path / "others.toml"
    sources.write_text(SOURCES, "utf-8")
    others.write_text(SOURCES.replace("DESK_SECRET", "OTHER_SECRET"), "utf-8")
    settings = await installed(kafka, fresh, tmp_path)
    with GatewayServer(settings, sources, port=0, instance="gateway-1", beat_seconds=0.5) as server:
        await is_ready(server)
        code, out, _ = await tried(server, settings, capsys, "--topic-prefix", settings.topic_prefix, sources=others)
    assert code == 1
    assert out.count("401 in") == 3
    assert "policy" not in out


async def test_built_in_samples_that_do_not_suit_a_source_are_not_sent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A mapping of the desk's own has no word for them: the sentence says what to give instead."""
    monkeypatch.setenv("DESK_SECRET", SECRET)
    sources = tmp_path / "sources.toml"
    sources.write_text(SOURCES.replace('"zendesk"', '"mapped"\nverify = "frappe"\nmapping = "own.toml"'), "utf-8")
    (tmp_path / "own.toml").write_text(
        'ticket = "t"\ntime = "at"\n[events.one]\nwhen = "kind == \'one\'"\nevent = "TicketCreated"\nid = ["t"]\n',
        "utf-8",
    )
    assert await asyncio.to_thread(cli.main, ["webhook", "desk", "--sources", str(sources), "--url", "http://a.b"]) == 2
    error = capsys.readouterr().err
    assert "do not suit source desk" in error
    assert "a JSON file as your helpdesk sends it" in error


async def test_a_payload_that_is_no_event_is_explained_before_it_is_sent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The gateway only says that it is a dead letter; whoever sets a source up wants to know of what field."""
    monkeypatch.setenv("DESK_SECRET", SECRET)
    sources, payload = tmp_path / "sources.toml", tmp_path / "odd.json"
    sources.write_text(SOURCES, "utf-8")
    payload.write_text('{"type": "zen:event-type:ticket.sang"}', "utf-8")
    asked = ["webhook", "desk", str(payload), "--sources", str(sources), "--url", "http://127.0.0.1:9"]
    assert await asyncio.to_thread(cli.main, asked) == 1
    assert "a dead letter: event: type: found ticket.sang; valid: agent_assignment_changed" in capsys.readouterr().err
