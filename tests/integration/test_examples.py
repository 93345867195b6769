"""The examples of the emitters do what they say, against a real broker."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
from kafka import KafkaConsumer, TopicPartition

from fresh import Fresh
from supportpulse.envelope import decode
from supportpulse.events import Event, Heartbeat, TicketEvent
from supportpulse.settings import Settings

pytestmark = pytest.mark.kafka
EXAMPLES = Path(__file__).parents[1] / "examples"


@pytest.fixture
def settings(kafka: str, fresh: Fresh) -> Settings:
    """An installation of one partition, so that all is in one order."""
    return fresh.topics(kafka, partitions=1)


def environ(settings: Settings) -> dict[str, str]:
    """What a user would export, with the examples and the program in reach."""
    return {
        **os.environ,
        "SUPPORTPULSE_BOOTSTRAP": settings.bootstrap,
        "SUPPORTPULSE_TOPIC_PREFIX": settings.topic_prefix,
        "PYTHONPATH": str(EXAMPLES),
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
    }


def content(settings: Settings) -> tuple[list[TicketEvent], list[Event]]:
    """Ticket events and heartbeats of the topic; no record holds a planted text."""
    part = TopicPartition(settings.events_topic, 0)
    consumer = KafkaConsumer(bootstrap_servers=settings.bootstrap, auto_offset_reset="earliest", group_id=None)
    consumer.assign([part])
    end = consumer.end_offsets([part])[part]
    consumer.seek_to_beginning(part)
    found: list[Event] = []
    while consumer.position(part) < end:
        for record in consumer.poll(1000).get(part, []):
            assert b"planted" not in record.value
            found.append(decode(record.value))
    consumer.close()
    events = [event for event in found if isinstance(event, TicketEvent)]
    return events, [event for event in found if isinstance(event, Heartbeat)]


def told(events: list[TicketEvent]) -> list[tuple[str, str, str]]:
    """Type, ticket and who did it."""
    return [
        (type(event).__name__, event.ticket_id, event.data.actor.kind if event.data.actor else "") for event in events
    ]


@pytest.mark.skipif(importlib.util.find_spec("django") is None, reason="Django is not installed")
def test_django_tells_what_it_commits(settings: Settings) -> None:
    """Saved tickets and messages arrive with the ids of their rows, and what was rolled back does not."""
    code = """
        import django
        from django.conf import settings
        database = {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}
        settings.configure(DATABASES={"default": database}, USE_TZ=True)
        django.setup()
        from django.db import connection, transaction
        from django_desk import Message, Ticket
        with connection.schema_editor() as editor:
            editor.create_model(Ticket)
            editor.create_model(Message)
        with transaction.atomic():
            ticket = Ticket.objects.create(priority="urgent")
            Message.objects.create(ticket=ticket, text="planted: no sound", by_agent=False)
        try:
            with transaction.atomic():
                Ticket.objects.create()
                raise ZeroDivisionError
        except ZeroDivisionError:
            pass
        Message.objects.create(ticket=ticket, text="planted: the cause was the encoder", by_agent=True)
        ticket.status = "solved"
        ticket.save()
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(code)], env=environ(settings), check=True, timeout=60)
    events, beats = content(settings)
    assert told(events) == [
        ("TicketObserved", "1", ""),
        ("MessagePosted", "1", "customer"),
        ("MessagePosted", "1", "agent"),
        ("TicketObserved", "1", ""),
    ]
    assert [event.id.split("/")[:2] for event in events[1:3]] == [["message", "1"], ["message", "2"]]
    assert {event.data.status for event in events if hasattr(event.data, "status")} == {"new", "solved"}
    assert {beat.data.instance for beat in beats} == {"web-1"}  # type: ignore[attr-defined]


def post(address: str, body: dict[str, Any]) -> int:
    """The answer to a JSON body."""
    request = Request(address, json.dumps(body).encode(), {"Content-Type": "application/json"})
    try:
        with urlopen(request, timeout=30) as answer:
            return int(answer.status)
    except HTTPError as error:
        return error.code


def test_fastapi_tells_what_its_routes_do(settings: Settings) -> None:
    """Requests become events, what is none is answered 422, and the end of the server releases its source."""
    server = subprocess.Popen(
        [sys.executable, "-m", "uvicorn", "fastapi_desk:app", "--port", "0"],
        env=environ(settings),
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert server.stderr is not None
        lines = iter(server.stderr.readline, "")
        running = next(found for line in lines if (found := re.search(r"http://127\.0\.0\.1:\d+", line)))
        desk = f"{running[0]}/tickets"
        assert post(f"{desk}/4711", {"priority": "urgent", "scenario": "live_show"}) == 201
        assert post(f"{desk}/4711/replies", {"text": "planted: the encoder", "solves": True}) == 201
        assert post(f"{desk}/4711", {"priority": "p" * 101, "scenario": "live_show"}) == 422
        server.send_signal(signal.SIGINT)
        server.communicate(timeout=60)
    finally:
        if server.poll() is None:
            server.kill()
    events, beats = content(settings)
    assert told(events) == [
        ("TicketCreated", "4711", "customer"),
        ("MessagePosted", "4711", "agent"),
        ("StatusChanged", "4711", "agent"),
    ]
    assert [beats[0].data.mode, beats[-1].data.mode] == ["live", "released"]  # type: ignore[attr-defined]


@pytest.mark.skipif(shutil.which("jq") is None, reason="jq is not there")
def test_a_shell_script_tells_what_it_does(settings: Settings) -> None:
    """Lines of jq and of a here-document arrive in order, between the heartbeats of the script."""
    done = subprocess.run(
        ["bash", EXAMPLES / "shell_desk.sh"],
        env=environ(settings),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["events"] == 5
    events, beats = content(settings)
    assert [event.id for event in events] == [f"audit/{number}" for number in range(1, 6)]
    assert told(events)[:2] == [("TicketCreated", "4711", "customer"), ("ProblemConfirmed", "4711", "")]
    assert all(event.sequence for event in events[:3])
    assert [beats[0].data.mode, beats[-1].data.mode] == ["live", "released"]  # type: ignore[attr-defined]
