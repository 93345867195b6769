"""Settings come from the environment, and a wrong one says what is valid."""

from __future__ import annotations

from pathlib import Path

import pytest

from supportpulse import names
from supportpulse.errors import ConfigError
from supportpulse.settings import Settings


def test_an_empty_environment_gives_settings_that_work_on_one_host() -> None:
    """Nothing has to be set for a broker and a worker on this host."""
    settings = Settings.from_env(environ={})
    assert settings.bootstrap == "127.0.0.1:9092"
    assert settings.metrics_host == "127.0.0.1"
    assert settings.events_topic == names.EVENTS_TOPIC
    assert settings.tickets_changelog == "supportpulse-tickets-changelog"
    assert settings.grace_seconds("zendesk") == 0.0


def test_an_option_wins_over_the_environment_and_none_means_not_given() -> None:
    """Command-line options override variables; options left out do not."""
    environ = {"SUPPORTPULSE_PARTITIONS": "12", "SUPPORTPULSE_METRICS_PORT": "9000"}
    settings = Settings.from_env({"metrics_port": 0, "partitions": None}, environ)
    assert (settings.metrics_port, settings.partitions) == (0, 12)


def test_a_topic_prefix_goes_before_the_public_topics_only() -> None:
    """Two installations on one cluster need a prefix and an application id each."""
    settings = Settings.from_env({"topic_prefix": "eu.", "app_id": "eu"}, {})
    assert settings.events_topic == "eu.support.events.v1"
    assert settings.outcomes_topic == "eu.sla.outcomes.v1"
    assert settings.deadletter_topic == "eu.support.deadletter.v1"
    assert settings.panes_changelog == "eu-panes-changelog"


def test_decision_grace_is_read_per_source() -> None:
    """Helpdesks whose webhooks come late get their own seconds."""
    settings = Settings.from_env(environ={"SUPPORTPULSE_DECISION_GRACE_SECONDS": "zendesk=120, jira=60"})
    assert settings.grace_seconds("zendesk") == 120.0
    assert settings.grace_seconds("jira") == 60.0


@pytest.mark.parametrize(
    ("variable", "value", "says"),
    [
        ("METRICS_PORT", "http", "a port from 0 to 65535"),
        ("METRICS_PORT", "70000", "a port from 0 to 65535"),
        ("BOOTSTRAP", "kafka", "host:port"),
        ("BOOTSTRAP", "kafka:99999", "host:port"),
        ("PARTITIONS", "0", "a whole number from 1"),
        ("SESSION_TIMEOUT_SECONDS", "2", "6 to 1800 seconds"),
        ("COMMIT_INTERVAL_SECONDS", "0", "seconds, more than 0"),
        ("DECISION_GRACE_SECONDS", "zendesk", "source=seconds"),
        ("DECISION_GRACE_SECONDS", "zendesk=-1", "source=seconds"),
        ("APP_ID", "my app", "letters, digits"),
        ("DEADLETTER_RETENTION_DAYS", "0", "days, more than 0"),
        ("DEADLETTER_RETENTION_DAYS", "14d", "days, more than 0"),
        ("TIME_SCALE", "0", "more than 0"),
        ("TIME_SCALE", "1.5", "at most 1"),
        ("TIME_SCALE", "0.000001", "whole milliseconds"),
        ("TIME_SCALE", "fast", "as 0.01"),
        ("POLICY", "/no/such/policy.toml", "a policy file"),
        ("SECURITY_PROTOCOL", "TLS", "SASL_SSL"),
    ],
)
def test_a_wrong_variable_names_itself_what_was_found_and_what_is_valid(variable: str, value: str, says: str) -> None:
    """The message alone is enough to correct the setting."""
    with pytest.raises(ConfigError) as caught:
        Settings.from_env(environ={f"SUPPORTPULSE_{variable}": value})
    message = str(caught.value)
    assert message.startswith(f"SUPPORTPULSE_{variable}")
    assert value.removeprefix("zendesk=") in message
    assert says in message


@pytest.mark.parametrize(("scale", "milliseconds"), [(None, 300_000), ("0.01", 3000), ("0.07", 21_000), (0.01, 3000)])
def test_a_time_scale_is_exact(scale: object, milliseconds: int) -> None:
    """What binary fractions cannot say is whole milliseconds all the same."""
    assert Settings.from_env({"time_scale": scale}, {}).five_minutes_ms == milliseconds


def test_an_incomplete_sasl_setup_names_the_missing_variables() -> None:
    """A half-configured login is refused before any connection is tried."""
    with pytest.raises(ConfigError, match="SUPPORTPULSE_SASL_USERNAME, SUPPORTPULSE_SASL_PASSWORD"):
        Settings.from_env({"security_protocol": "SASL_SSL", "sasl_mechanism": "PLAIN"}, {})


def test_security_options_reach_kafka_clients_and_the_password_stays_out_of_the_log() -> None:
    """The password is handed to the client and hidden in the settings' text."""
    settings = Settings.from_env(
        {
            "security_protocol": "SASL_SSL",
            "sasl_mechanism": "SCRAM-SHA-512",
            "sasl_username": "pulse",
            "sasl_password": "hunter2",
            "ssl_cafile": Path("/etc/ca.pem"),
        },
        {},
    )
    assert settings.kafka_security() == {
        "security_protocol": "SASL_SSL",
        "sasl_mechanism": "SCRAM-SHA-512",
        "sasl_plain_username": "pulse",
        "sasl_plain_password": "hunter2",
        "ssl_cafile": "/etc/ca.pem",
    }
    assert "hunter2" not in repr(settings)


def test_an_unknown_option_is_refused() -> None:
    """A misspelt override does not pass in silence."""
    with pytest.raises(ConfigError, match="metric_port: no such setting"):
        Settings.from_env({"metric_port": 1}, {})
