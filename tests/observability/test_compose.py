"""The compose file: valid, locked down, and in step with the program, the folders and Grafana's files it names."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from supportpulse import cli

ROOT = Path(__file__).parents[2]
COMPOSE = ROOT / "docker-compose.yml"
OURS = "supportpulse:"
"""Image built here; its user is also the Dockerfile's."""
ROOTLIKE = {"", "root", "0"}

Config = dict[str, Any]
Rule = Callable[[Config], Iterator[str]]


@pytest.fixture(scope="module")
def config() -> Config:
    """The compose file, anchors resolved, variables not."""
    loaded: Config = yaml.safe_load(COMPOSE.read_text("utf-8"))
    return loaded


def one_shots(config: Config) -> set[str]:
    """Services that others wait for until they have ended."""
    return {
        name
        for service in config["services"].values()
        for name, how in service.get("depends_on", {}).items()
        if how["condition"] == "service_completed_successfully"
    }


def pinned(config: Config) -> Iterator[str]:
    """Every image has a version for a tag."""
    for name, service in config["services"].items():
        if not re.fullmatch(r"[a-z/-]+:v?\d+\.\d+\.\d+", service.get("image", "")):
            yield f"{name}: image {service.get('image')}"


def on_loopback(config: Config) -> Iterator[str]:
    """Ports are published on 127.0.0.1, each once."""
    taken = set()
    for name, service in config["services"].items():
        for port in service.get("ports", []):
            published = re.fullmatch(r"127\.0\.0\.1:(\d+):\d+", str(port))
            if not published or published[1] in taken:
                yield f"{name}: port {port}"
            else:
                taken.add(published[1])


def watched(config: Config) -> Iterator[str]:
    """What runs on has a health check and comes back; what runs once does not, and is waited for."""
    for name, service in config["services"].items():
        check = service.get("healthcheck", {})
        if name in one_shots(config):
            if service.get("restart") != "no":
                yield f"{name}: runs once and restarts"
        elif not check.get("test") or check.get("disable") or service.get("restart") != "unless-stopped":
            yield f"{name}: no health check, or no restart"


def locked_down(config: Config) -> Iterator[str]:
    """Read-only, without capabilities or new privileges, and not as root."""
    for name, service in config["services"].items():
        if service.get("read_only") is not True:
            yield f"{name}: its file system can be written"
        if service.get("cap_drop") != ["ALL"] or "cap_add" in service or service.get("privileged"):
            yield f"{name}: has capabilities"
        if service.get("security_opt") != ["no-new-privileges:true"]:
            yield f"{name}: may gain privileges"
        if str(service.get("user", "")).partition(":")[0] in ROOTLIKE:
            yield f"{name}: runs as root"


def without_passwords(config: Config) -> Iterator[str]:
    """What is secret comes from outside, and compose refuses to start without it."""
    for name, service in config["services"].items():
        for variable, value in service.get("environment", {}).items():
            if re.search(r"PASSWORD|SECRET|TOKEN|KEY", variable) and not re.fullmatch(r"\$\{\w+:\?.+\}", str(value)):
                yield f"{name}: {variable}"


def mounted_from_here(config: Config) -> Iterator[str]:
    """Folders and files of the repository exist and are read-only; everything else is a declared volume."""
    for name, service in config["services"].items():
        for volume in service.get("volumes", []):
            source, _, rest = volume.partition(":")
            if source.startswith("."):
                if not (ROOT / source).exists() or not rest.endswith(":ro"):
                    yield f"{name}: {volume}"
            elif source not in config["volumes"]:
                yield f"{name}: {volume}: no such volume"
    used = {
        volume.partition(":")[0] for service in config["services"].values() for volume in service.get("volumes", [])
    }
    yield from (f"{name}: declared and not used" for name in config["volumes"] if name not in used)


def waited_for(config: Config) -> Iterator[str]:
    """Dependencies exist, and are waited for until they are healthy or done."""
    for name, service in config["services"].items():
        for other, how in service.get("depends_on", {}).items():
            valid = "service_completed_successfully" if other in one_shots(config) else "service_healthy"
            if other not in config["services"] or how["condition"] != valid:
                yield f"{name}: depends on {other}: {how['condition']}"


def commands_exist(config: Config) -> Iterator[str]:
    """Our services run commands, with options, that the program has; and its image's user."""
    for name, service in config["services"].items():
        if not service["image"].startswith(OURS):
            continue
        if service.get("user") != "10001:10001":
            yield f"{name}: user {service.get('user')}"
        check = service.get("healthcheck", {}).get("test", ["CMD"])[1:]
        for command in [service["command"], check[1:] if check[:1] == ["supportpulse"] else []]:
            options = [word for word in command if word.startswith("-")]
            words = command[: next((at for at, word in enumerate(command) if word.startswith("-")), len(command))]
            told = CliRunner().invoke(cli.program, [*words, "--help"]) if words else None
            if told and (told.exit_code or not all(re.search(rf"{option}\b", told.output) for option in options)):
                yield f"{name}: supportpulse {' '.join(command)}"


RULES: list[Rule] = [
    pinned,
    on_loopback,
    watched,
    locked_down,
    without_passwords,
    mounted_from_here,
    waited_for,
    commands_exist,
]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_the_compose_file_keeps_our_rules(rule: Rule, config: Config) -> None:
    """Pinned, on loopback, watched, locked down, no passwords, real folders, waits, real commands."""
    assert list(rule(config)) == []


def broken(service: str, key: str, value: object) -> Callable[[Config], None]:
    """Sets a key of a service; None takes it away."""

    def breaking(config: Config) -> None:
        if value is None:
            del config["services"][service][key]
        else:
            config["services"][service][key] = value

    return breaking


@pytest.mark.parametrize(
    ("rule", "breaking"),
    [
        (pinned, broken("kafka", "image", "apache/kafka:latest")),
        (pinned, broken("kafka", "image", "apache/kafka")),
        (on_loopback, broken("grafana", "ports", ["3000:3000"])),
        (on_loopback, broken("grafana", "ports", ["127.0.0.1:9090:3000"])),
        (watched, broken("worker", "healthcheck", None)),
        (watched, broken("worker", "restart", "no")),
        (watched, broken("topics", "restart", "always")),
        (locked_down, broken("prometheus", "read_only", None)),
        (locked_down, broken("prometheus", "cap_drop", [])),
        (locked_down, broken("prometheus", "cap_add", ["NET_ADMIN"])),
        (locked_down, broken("prometheus", "security_opt", None)),
        (locked_down, broken("prometheus", "user", "0:0")),
        (locked_down, broken("prometheus", "user", None)),
        (without_passwords, broken("grafana", "environment", {"GF_SECURITY_ADMIN_PASSWORD": "admin"})),
        (without_passwords, broken("grafana", "environment", {"GF_SECURITY_ADMIN_PASSWORD": "${X:-admin}"})),
        (mounted_from_here, broken("prometheus", "volumes", ["./prometheus:/etc/prometheus:ro"])),
        (mounted_from_here, broken("prometheus", "volumes", ["./grafana/prometheus:/etc/prometheus"])),
        (mounted_from_here, broken("prometheus", "volumes", ["data:/prometheus"])),
        (mounted_from_here, broken("gateway", "volumes", ["./gateway:/etc/supportpulse"])),
        (without_passwords, broken("gateway", "environment", {"HELPDESK_WEBHOOK_SECRET": "${X:-changeme}"})),
        (waited_for, broken("worker", "depends_on", {"kafka": {"condition": "service_started"}})),
        (waited_for, broken("worker", "depends_on", {"zookeeper": {"condition": "service_healthy"}})),
        (commands_exist, broken("worker", "command", ["work"])),
        (commands_exist, broken("topics", "command", ["topics", "make"])),
        (commands_exist, broken("board", "command", ["board", "--adress", "0.0.0.0"])),
        (commands_exist, broken("gateway", "command", ["gateway", "--name", "gateway-1"])),
        (commands_exist, broken("board", "user", "1000:1000")),
    ],
)
def test_a_compose_file_that_breaks_a_rule_is_caught(
    rule: Rule, breaking: Callable[[Config], None], config: Config
) -> None:
    """Each rule fails on a copy that breaks it."""
    copied = copy.deepcopy(config)
    breaking(copied)
    assert list(rule(copied))


def test_health_checks_ask_what_the_service_listens_on(config: Config) -> None:
    """Each of our Python checks is a program, and asks a port that its service publishes or exposes."""
    for name in ("worker", "gateway", "board", "alerts"):
        service = config["services"][name]
        kind, python, option, code = service["healthcheck"]["test"]
        assert (kind, python, option) == ("CMD", "python", "-c")
        compile(code, name, "exec")
        ports = {str(port).split(":")[-1] for port in [*service.get("ports", []), *service.get("expose", [])]}
        assert set(re.findall(r"127\.0\.0\.1:(\d+)", code)) == ports
