"""Who is told when: Grafana's notification policies, tried on a real Alertmanager that calls our webhook.

Grafana carries Alertmanager's own routing; its file differs in names alone, which `translated` puts back.
"""

from __future__ import annotations

import json
import re
import shutil
import socket
import subprocess
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import pytest
import yaml

from supportpulse.edges.webhook import Webhook

ALERTING = Path(__file__).parents[2] / "grafana" / "provisioning" / "alerting"
OURS = ("contact-points.yml", "notification-policies.yml")
_open = urllib.request.build_opener(urllib.request.ProxyHandler({})).open
amtool = shutil.which("amtool")
alertmanager = shutil.which("alertmanager") or shutil.which("prometheus-alertmanager")
needs_amtool = pytest.mark.skipif(amtool is None, reason="no amtool (Debian: prometheus-alertmanager)")


def provisioned(key: str) -> list[Any]:
    """What the alerting files say under a key, together."""
    files = [yaml.safe_load(path.read_text("utf-8")) for path in sorted(ALERTING.glob("*.yml"))]
    return [one for file in files for one in file.get(key, [])]


def route(policy: dict[str, Any], wait: str | None) -> dict[str, Any]:
    """Alertmanager's form of a policy; `wait` replaces how long groups are waited for."""
    found = {name: value for name, value in policy.items() if name not in {"orgId", "object_matchers", "routes"}}
    if matchers := policy.get("object_matchers"):
        found["matchers"] = [f'{label}{how}"{value}"' for label, how, value in matchers]
    if wait and "group_wait" in found:
        found["group_wait"] = wait
    if routes := policy.get("routes"):
        found["routes"] = [route(one, wait) for one in routes]
    return found


def translated(port: int = 9480, wait: str | None = None) -> str:
    """Alertmanager's configuration that says the same, its webhooks on this host."""
    (policy,) = provisioned("policies")
    receivers = []
    for point in provisioned("contactPoints"):
        hooks = [
            {
                "url": re.sub(r"//alerts:\d+", f"//127.0.0.1:{port}", receiver["settings"]["url"]),
                "send_resolved": not receiver.get("disableResolveMessage", False),
            }
            for receiver in point["receivers"]
        ]
        receivers.append({"name": point["name"], "webhook_configs": hooks})
    mutes = [{name: value for name, value in one.items() if name != "orgId"} for one in provisioned("muteTimes")]
    return json.dumps({"route": route(policy, wait), "receivers": receivers, "mute_time_intervals": mutes})


def test_only_names_that_grafana_reads_are_used() -> None:
    """Grafana drops unknown keys in silence; uids are short, unique, and no text holds a dollar it would expand."""
    assert all(path.suffix == ".yml" for path in ALERTING.iterdir()), "Grafana stops at any other file"
    for name in OURS:
        file = yaml.safe_load((ALERTING / name).read_text("utf-8"))
        assert file.pop("apiVersion") == 1
        assert set(file) <= {"contactPoints", "templates", "policies", "muteTimes"}
        assert "$" not in json.dumps(file)
    receivers = [receiver for point in provisioned("contactPoints") for receiver in point["receivers"]]
    uids = [receiver["uid"] for receiver in receivers]
    assert len(set(uids)) == len(uids)
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{1,40}", uid) for uid in uids)
    for receiver in receivers:
        assert set(receiver) <= {"uid", "type", "settings", "disableResolveMessage"}
    known = {"receiver", "group_by", "group_wait", "group_interval", "repeat_interval"}
    (policy,) = provisioned("policies")
    assert set(policy) <= known | {"orgId", "routes"}
    for one in policy["routes"]:
        assert set(one) <= known | {"object_matchers", "mute_time_intervals"}


def test_the_commented_alternatives_are_valid_too() -> None:
    """Slack and e-mail, once their comment signs are gone."""
    text = (ALERTING / "contact-points.yml").read_text("utf-8")
    opened = re.sub(r"(?m)^      # (- uid|  )", r"      \1", text)
    receivers = yaml.safe_load(opened)["contactPoints"][0]["receivers"]
    assert [receiver["type"] for receiver in receivers] == ["webhook", "slack", "email"]
    assert all(receiver["settings"] for receiver in receivers)


def test_every_severity_of_a_rule_has_a_policy_of_its_own() -> None:
    """No rule falls through to the default by a word nobody routes."""
    (policy,) = provisioned("policies")
    routed = {value for one in policy["routes"] for _, _, value in one["object_matchers"]}
    rules = [rule for group in provisioned("groups") for rule in group["rules"]]
    assert {rule["labels"]["severity"] for rule in rules} <= routed
    assert rules


@needs_amtool
@pytest.mark.parametrize(
    ("labels", "receiver"),
    [
        ({"severity": "critical", "clock": "first_response"}, "supportpulse"),
        ({"severity": "warning", "alertname": "SlaWorkerDown"}, "supportpulse"),
        ({"severity": "none", "alertname": "SlaWatchdog"}, "supportpulse-heartbeat"),
        ({"severity": "odd"}, "supportpulse"),
    ],
)
def test_alertmanager_routes_by_severity(labels: dict[str, str], receiver: str, tmp_path: Path) -> None:
    """Its own tool reads the policies and names the receiver."""
    file = tmp_path / "alertmanager.yml"
    file.write_text(translated(), "utf-8")
    words = [f"{name}={value}" for name, value in labels.items()]
    command = [
        str(amtool),
        "config",
        "routes",
        "test",
        f"--config.file={file}",
        f"--verify.receivers={receiver}",
        *words,
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@needs_amtool
def test_the_templates_of_slack_and_mail_say_what_to_do(tmp_path: Path) -> None:
    """Rendered by Alertmanager's own tool: state, place, summary, first look, runbook."""
    (template,) = provisioned("templates")
    file, data = tmp_path / "supportpulse.tmpl", tmp_path / "data.json"
    file.write_text(template["template"], "utf-8")
    labels = {"alertname": "SlaClockOutage", "severity": "critical", "clock": "first_response"}
    notes = {"summary": "most breach", "description": "Many.", "tickets": "supportpulse tickets", "runbook_url": "r#a"}
    times = {"startsAt": "2026-03-02T09:00:00Z", "endsAt": "0001-01-01T00:00:00Z"}
    alert = {"status": "firing", "labels": labels, "annotations": notes, **times}
    data.write_text(
        json.dumps({"receiver": "x", "status": "firing", "alerts": [alert], "commonLabels": labels}), "utf-8"
    )
    shown = {}
    for name in ("title", "text"):
        text = f'{{{{ template "supportpulse.{name}" . }}}}'
        command = [str(amtool), "template", "render", f"--template.glob={file}", f"--template.data={data}"]
        done = subprocess.run([*command, f"--template.text={text}"], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        shown[name] = done.stdout.strip()
    assert shown["title"] == "1 firing: first_response"
    first = " ".join(shown["text"].splitlines()[0].split())
    assert first == "firing critical SlaClockOutage first_response : most breach"
    assert "First look: supportpulse tickets" in shown["text"]
    assert "Runbook: r#a" in shown["text"]


@pytest.fixture
def receiver() -> Iterator[Webhook]:
    """Our webhook on a free port."""
    mine = Webhook("127.0.0.1", 0)
    yield mine
    mine.stop()


@pytest.mark.skipif(alertmanager is None, reason="no alertmanager (Debian: prometheus-alertmanager)")
def test_alerts_arrive_as_the_policies_say(receiver: Webhook, tmp_path: Path) -> None:
    """Of one alert of each severity the critical and the warning are printed, the watchdog beats, info is not heard."""
    file = tmp_path / "alertmanager.yml"
    file.write_text(translated(receiver.port, wait="1s"), "utf-8")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    options = [f"--config.file={file}", f"--storage.path={tmp_path / 'data'}", f"--web.listen-address={address}"]
    log = tmp_path / "alertmanager.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [str(alertmanager), *options, "--cluster.listen-address=", "--log.level=debug"],
            stdout=output,
            stderr=output,
        )
    try:
        deadline = monotonic() + 60
        start = datetime.now(UTC) - timedelta(minutes=1)
        alerts = [
            {
                "labels": {"alertname": f"Of{severity.title()}", "severity": severity, "clock": "first_response"},
                "annotations": {"summary": "a test"},
                "startsAt": start.isoformat(),
            }
            for severity in ("critical", "warning", "info", "none")
        ]
        while not posted(f"http://{address}/api/v2/alerts", alerts):
            assert process.poll() is None, log.read_text("utf-8")
            assert monotonic() < deadline, log.read_text("utf-8")
            sleep(0.1)
        heard = [alert.labels["alertname"] for _ in range(2) for alert in receiver.received.get(timeout=30)]
        assert sorted(heard) == ["OfCritical", "OfWarning"]
        while receiver.health()["heartbeat_seconds_ago"] is None:
            assert monotonic() < deadline, log.read_text("utf-8")
            sleep(0.1)
        while "within mute time" not in log.read_text("utf-8"):
            assert monotonic() < deadline, log.read_text("utf-8")
            sleep(0.1)
        assert receiver.received.empty(), "an alert of severity info was sent"
    finally:
        process.terminate()
        process.wait(20)


def posted(url: str, content: object) -> bool:
    """Whether an Alertmanager took it."""
    head = {"Content-Type": "application/json"}
    try:
        with _open(urllib.request.Request(url, json.dumps(content).encode(), head), timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False
