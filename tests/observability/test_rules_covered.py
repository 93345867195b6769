"""Every alert has a situation in which it fires, one in which it is tempted and does not, and texts that were read."""

from __future__ import annotations

import re

import pytest

from observability.known_series import known_series
from situation import WATCHDOG, Firing, Situation, alerts_of, committed, situations

PANELS = {
    "Outage": 10, "BurnFast": 11, "BurnMedium": 11, "BurnSlow": 11, "Rising6h": 12, "Rising1h": 12, "AtRiskRising": 13,
    "SlaWaiting30m": 14, "SlaWaiting1h": 14, "SlaWaiting4h": 14, "SlaWorkaroundOverdue": 15,
    "SlaCompleteFixOverdue": 15, "SlaObjectiveSilent": 16, "SlaDeadlineSweepStalled": 20, "SlaProbeLate": 21,
    "SlaWorkerAbsent": 22, "SlaWorkerDown": 22, "SlaConsumerStuck": 23, "SlaPartitionsOrphaned": 24,
    "SlaRecoverySlow": 25, "SlaRebalanceStorm": 26, "SlaEventsRejected": 27, "SlaStreamHole": 28, "SlaSealMismatch": 28,
    "SlaSourceStale": 29, "SlaWatchdog": 30, "SlaGatewayAbsent": 40, "SlaGatewayDown": 40, "SlaGatewayDisconnected": 41,
    "SlaGatewayUnacknowledged": 42, "SlaGatewaySourceHeld": 43, "SlaGatewaySignaturesRejected": 44,
    "SlaGatewayTurnsAway": 45, "SlaGatewayDeadLetters": 46, "SlaGatewayConfigurationRefused": 47,
    "SlaGatewaySourceSilent": 48,
}  # fmt: skip
PAGES = {
    "SlaClockOutage", "SlaScenarioOutage", "SlaClockBurnFast", "SlaScenarioBurnFast", "SlaWaiting4h",
    "SlaDeadlineSweepStalled", "SlaProbeLate", "SlaWorkerAbsent", "SlaConsumerStuck", "SlaPartitionsOrphaned",
    "SlaRecoverySlow", "SlaSealMismatch", "SlaGatewayAbsent", "SlaGatewayDisconnected", "SlaGatewayUnacknowledged",
}  # fmt: skip
"""What somebody is called for at night."""


@pytest.fixture(scope="module")
def described() -> list[Situation]:
    """All situations."""
    return [write() for write in situations().values()]


@pytest.fixture(scope="module")
def names() -> set[str]:
    """All alerts of the committed rules."""
    return set(alerts_of(committed()))


def test_every_alert_fires_in_some_situation(described: list[Situation], names: set[str]) -> None:
    """None is declared that nothing has made fire, and none is expected that is not declared."""
    assert {one.alert for situation in described for _, firing in situation.checks for one in firing} == names


def test_every_alert_stays_silent_where_it_is_tempted(described: list[Situation], names: set[str]) -> None:
    """Each but the watchdog is named by a situation that was written to tempt it, and fires in none of those."""
    spared = {alert for situation in described for alert in situation.spared}
    assert spared | {WATCHDOG} == names
    for situation in described:
        fired = {one.alert for _, firing in situation.checks for one in firing}
        assert not fired & set(situation.spared)


def test_every_situation_says_what_it_shows(described: list[Situation]) -> None:
    """By its docstring, and by what fires at some minute."""
    assert len(described) > 70
    assert all(situation.checks for situation in described)
    assert not [name for name, write in situations().items() if not write.__doc__]


def test_situations_export_what_workers_and_gateways_export(described: list[Situation]) -> None:
    """Every series has the name and labels of one that is exposed, by workers under the model policy."""
    known = known_series()
    for series in {series for situation in described for series in situation.exported.series}:
        name, _, labels = series.partition("{")
        assert frozenset(re.findall(r'(\w+)="', labels)) == known[name], series


def test_every_alert_was_read_as_people_read_it(described: list[Situation], names: set[str]) -> None:
    """Texts that Prometheus renders lead to the runbook, to the panel with the alert's labels, and to the tickets."""
    read: dict[str, tuple[Firing, dict[str, str]]] = {}
    for situation in described:
        for alert, texts in situation.texts().items():
            for firing, text in texts.items():
                read.setdefault(alert, (firing, text))
    assert set(read) == names
    for alert, (firing, text) in read.items():
        assert not re.search(r"\{\{|no value|\$", " ".join(text.values())), alert
        assert text["runbook_url"] == f"http://127.0.0.1:9470/runbook#{alert.lower()}"
        panel = PANELS.get(alert) or PANELS[re.sub("^Sla(Clock|Scenario)", "", alert)]
        chosen = "".join(f"&var-{key}={firing.labels[key]}" for key in ("clock", "scenario") if key in firing.labels)
        assert text["dashboard_url"].endswith(f"?viewPanel={panel}{chosen}")
        options = [f"--{key} {firing.labels[key]}" for key in ("clock", "scenario") if key in firing.labels]
        assert all(option in text["tickets" if options else "first_look"] for option in options)
        subject = firing.labels.get("clock", "")
        assert subject in text["summary"]
        assert text["summary"] != text["description"]


def test_what_calls_somebody_at_night_is_listed() -> None:
    """Outages, fast burn, the last threshold of waiting, a blind pipeline, a gateway that takes nothing; no more."""
    assert {name for name, rule in alerts_of(committed()).items() if rule["labels"]["severity"] == "critical"} == PAGES
