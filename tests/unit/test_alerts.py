"""The receiving end of the alerts: what Grafana and Alertmanager send becomes a line each, and nothing stops it."""

from __future__ import annotations

import json
import re
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime
from time import monotonic, sleep
from typing import Any

import pytest

from supportpulse.edges import webhook
from supportpulse.edges.webhook import Webhook
from supportpulse.errors import ConfigError
from supportpulse.notification import parse

_open = urllib.request.build_opener(urllib.request.ProxyHandler({})).open
NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
LOOK = "supportpulse tickets --state overdue --clock first_response --scenario live_show"
LABELS = {"alertname": "SlaScenarioOutage", "severity": "critical", "clock": "first_response", "scenario": "live_show"}
NOTES = {
    "summary": "61 % of the first responses of the last hour came too late",
    "description": "Twenty of 33.",
    "runbook_url": "https://desk.example/runbook.md#slascenariooutage",
    "tickets": LOOK,
}
GRAFANA: dict[str, Any] = {
    "receiver": "supportpulse",
    "status": "firing",
    "orgId": 1,
    "alerts": [
        {
            "status": "firing",
            "labels": {**LABELS, "grafana_folder": "supportpulse"},
            "annotations": NOTES,
            "startsAt": "2026-03-02T10:21:30.123456789+01:00",
            "endsAt": "0001-01-01T00:00:00Z",
            "generatorURL": "http://127.0.0.1:3000/alerting/grafana/x/view",
            "fingerprint": "0f1e2d3c4b5a6978",
            "silenceURL": "http://127.0.0.1:3000/alerting/silence/new",
            "dashboardURL": "http://127.0.0.1:3000/d/supportpulse-detail",
            "panelURL": "",
            "values": {"A": 0.61, "B": None},
            "valueString": "[ var='A' labels={} value=0.61 ]",
        }
    ],
    "groupLabels": {"clock": "first_response", "scenario": "live_show"},
    "commonLabels": LABELS,
    "commonAnnotations": {},
    "externalURL": "http://127.0.0.1:3000/",
    "version": "1",
    "groupKey": '{}/{severity="critical"}:{}',
    "truncatedAlerts": 0,
    "title": "[FIRING:1]",
    "state": "alerting",
    "message": "**Firing**",
}
ALERTMANAGER: dict[str, Any] = {
    "version": "4",
    "groupKey": '{}:{alertname="SlaWorkerDown"}',
    "truncatedAlerts": 0,
    "status": "resolved",
    "receiver": "supportpulse",
    "groupLabels": {"alertname": "SlaWorkerDown"},
    "commonLabels": {},
    "commonAnnotations": {},
    "externalURL": "http://alertmanager:9093",
    "alerts": [
        {
            "status": "resolved",
            "labels": {"alertname": "SlaWorkerDown", "severity": "warning", "instance": "worker-2:9464"},
            "annotations": {
                "summary": "worker-2:9464 does not answer",
                "first_look": "curl http://worker-2:9464/healthz",
            },
            "startsAt": "2026-03-02T09:00:00.5Z",
            "endsAt": "2026-03-02T09:29:45Z",
            "generatorURL": "http://prometheus:9090/graph?g0.expr=up",
            "fingerprint": "1122334455667788",
        }
    ],
}


def call(url: str, body: bytes | None = None, **headers: str) -> tuple[int, dict[str, Any]]:
    """Status and content of a request; POST if there is a body."""
    request = urllib.request.Request(url, data=body, headers=headers)
    try:
        with _open(request, timeout=10) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


@pytest.fixture
def receiver() -> Iterator[Webhook]:
    """A server on a free port."""
    mine = Webhook("127.0.0.1", 0)
    yield mine
    mine.stop()


def test_grafanas_alert_is_one_line_that_says_what_where_and_whence() -> None:
    """Severity, name, clock and scenario, summary, since when, the tickets' command and the runbook, in this order."""
    (alert,) = parse(json.dumps(GRAFANA).encode())
    assert alert.line(NOW) == (
        "2026-03-02T09:30:00Z FIRING critical SlaScenarioOutage clock=first_response scenario=live_show: "
        "61 % of the first responses of the last hour came too late "
        f"(since 2026-03-02T09:21:30Z; look: {LOOK}; runbook: https://desk.example/runbook.md#slascenariooutage)"
    )


def test_alertmanagers_alert_that_ended_says_from_when_to_when() -> None:
    """Clock and scenario are left out where there are none."""
    (alert,) = parse(json.dumps(ALERTMANAGER).encode())
    assert alert.line(NOW) == (
        "2026-03-02T09:30:00Z RESOLVED warning SlaWorkerDown: worker-2:9464 does not answer "
        "(from 2026-03-02T09:00:00Z to 2026-03-02T09:29:45Z; look: curl http://worker-2:9464/healthz)"
    )


def test_json_has_every_label_and_no_end_of_what_has_not_ended() -> None:
    """Grafana's year 1 is no time."""
    (alert,) = parse(json.dumps(GRAFANA).encode())
    known = alert.fields(NOW)
    assert known["ends_at"] == ""
    assert known["labels"]["grafana_folder"] == "supportpulse"
    assert (known["alertname"], known["clock"], known["look"]) == ("SlaScenarioOutage", "first_response", LOOK)
    json.dumps(known)


def test_a_line_stays_one_line_and_commands_no_terminal() -> None:
    """Line breaks and escape sequences in a summary are not passed on."""
    sly = json.loads(json.dumps(GRAFANA))
    sly["alerts"][0]["annotations"]["summary"] = "all\nwell \x1b[2J\x07 \u202egone"
    (alert,) = parse(json.dumps(sly).encode())
    line = alert.line(NOW)
    assert "all well" in line
    assert line.isprintable()


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "truncated"),
        (b"alerts", "malformed"),
        (b"[]", "Expected `object`"),
        (b"{}", "missing required field `alerts`"),
        (
            b'{"alerts": [{"status": "pending", "labels": {}, "startsAt": "2026-03-02T09:00:00Z"}]}',
            "$.alerts[0].status",
        ),
        (b'{"alerts": [{"status": "firing", "labels": [], "startsAt": "2026-03-02T09:00:00Z"}]}', "$.alerts[0].labels"),
        (b'{"alerts": [{"status": "firing", "labels": {}, "startsAt": "2026-03-02T09:00:00"}]}', "timezone"),
        (b'{"alerts": [{"status": "firing", "labels": {"a": "\xff"}, "startsAt": "2026-03-02T09:00:00Z"}]}', "body: "),
        (b'{"x": ' + b"[" * 100_000, "body: "),
    ],
)
def test_what_is_no_notification_is_refused_with_the_place(body: bytes, said: str) -> None:
    """Where in the body, what was found, what is valid."""
    with pytest.raises(ConfigError, match=re.escape(said)) as refused:
        parse(body)
    assert "valid: a notification of Grafana or Alertmanager" in str(refused.value)


def test_bad_callers_are_told_why_and_the_next_good_one_is_heard(receiver: Webhook) -> None:
    """400, 404, 411 and 413 with a reason, a caller that hangs up, and then an alert that arrives."""
    url = f"http://127.0.0.1:{receiver.port}"
    assert call(f"{url}/", b"nonsense")[0] == 400
    assert call(f"{url}/alerts", b"{}") == (404, {"error": "/alerts: valid: POST / or /heartbeat, GET /healthz"})
    assert call(f"{url}/")[0] == 404
    assert call(f"{url}/", b"x" * 10, **{"Content-Length": "-1"})[0] == 411
    assert call(f"{url}/", b"x" * 10, **{"Content-Length": str(webhook.MAX_BODY + 1)})[0] == 413
    assert call(f"{url}/", b"x" * 10, **{"Content-Length": "9" * 5000})[0] == 413
    with socket.create_connection(("127.0.0.1", receiver.port), 10) as caller:
        caller.sendall(b"POST / HTTP/1.1\r\nContent-Length: 1000\r\n\r\nhalf")
    assert call(f"{url}/", json.dumps(GRAFANA).encode()) == (200, {"alerts": 1})
    (alert,) = receiver.received.get(timeout=10)
    assert alert.labels == {**LABELS, "grafana_folder": "supportpulse"}
    assert receiver.received.empty()


def test_heartbeats_are_remembered_and_not_handed_on(receiver: Webhook) -> None:
    """/healthz tells how many alerts came and how long ago the alert that always fires did."""
    url = f"http://127.0.0.1:{receiver.port}"
    assert call(f"{url}/healthz") == (200, {"alerts": 0, "heartbeat_seconds_ago": None})
    call(f"{url}/heartbeat", json.dumps(GRAFANA).encode())
    call(f"{url}/", json.dumps(ALERTMANAGER).encode())
    status, health = call(f"{url}/healthz")
    assert (status, health["alerts"]) == (200, 1)
    assert 0 <= health["heartbeat_seconds_ago"] < 60
    assert receiver.received.qsize() == 1


def test_a_full_queue_asks_the_sender_to_try_again(receiver: Webhook, monkeypatch: pytest.MonkeyPatch) -> None:
    """503, which Grafana and Alertmanager answer with a retry; nothing is lost in silence."""
    monkeypatch.setattr(receiver.received, "maxsize", 1)
    url = f"http://127.0.0.1:{receiver.port}/"
    assert call(url, json.dumps(GRAFANA).encode())[0] == 200
    assert call(url, json.dumps(GRAFANA).encode())[0] == 503


def test_a_taken_port_is_named(receiver: Webhook) -> None:
    """Address, reason and what is valid."""
    with pytest.raises(ConfigError, match=rf"--port {receiver.port}: cannot listen: it is in use; valid: "):
        Webhook("127.0.0.1", receiver.port)


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("as_json", [False, True])
def test_the_command_prints_what_comes_and_ends_in_good_order(stop: signal.Signals, as_json: bool) -> None:
    """Lines on standard output, the address on standard error, exit code 0 after Ctrl-C or SIGTERM, no traceback."""
    command = [sys.executable, "-m", "supportpulse", "alerts", "--port", "0", *(["--json"] if as_json else [])]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        try:
            found = re.search(r"http://127\.0\.0\.1:\d+/", process.stderr.readline())
            assert found is not None
            assert call(found[0], json.dumps(GRAFANA).encode())[0] == 200
            line = process.stdout.readline()
            process.send_signal(stop)
            deadline = monotonic() + 10
            while process.poll() is None and monotonic() < deadline:
                sleep(0.02)
            assert process.returncode == 0
            assert process.stdout.read() == ""
            assert process.stderr.read() == ""
        finally:
            process.kill()
    if as_json:
        assert json.loads(line)["alertname"] == "SlaScenarioOutage"
    else:
        assert " FIRING critical SlaScenarioOutage clock=first_response scenario=live_show: 61 % " in line
