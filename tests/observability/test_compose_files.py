"""Around the compose file: compose itself reads it, and what it mounts and what asks it agree with it."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from supportpulse.alerting.gateway import JOB as GATEWAY_JOB
from supportpulse.alerting.health import JOB
from supportpulse.edges.adapters import zendesk
from supportpulse.edges.adapters.adapter import Delivery, Options
from supportpulse.edges.gateway.sources import load
from supportpulse.events import TicketCreated

ROOT = Path(__file__).parents[2]
COMPOSE = ROOT / "docker-compose.yml"


@pytest.fixture(scope="module")
def config() -> dict[str, Any]:
    """The compose file, anchors resolved, variables not."""
    loaded: dict[str, Any] = yaml.safe_load(COMPOSE.read_text("utf-8"))
    return loaded


def compose() -> list[str] | None:
    """A compose that can read the file; it needs no engine for that."""
    if shutil.which("docker"):
        plugin = subprocess.run(["docker", "compose", "version"], capture_output=True, check=False)
        if plugin.returncode == 0:
            return ["docker", "compose"]
    return ["docker-compose"] if shutil.which("docker-compose") else None


@pytest.mark.skipif(compose() is None, reason="neither docker compose nor docker-compose (Debian: docker-compose)")
def test_compose_itself_reads_it_and_wants_what_is_secret(tmp_path: Path) -> None:
    """With `.env` made from the example and both secrets in it the file is valid; without either, a clear no."""
    command = [
        *(compose() or []),
        "--env-file",
        str(tmp_path / "env"),
        "-f",
        str(COMPOSE),
        "--project-directory",
        str(ROOT),
    ]
    ours = ("GRAFANA_", "COMPOSE_", "HELPDESK_", "SUPPORTPULSE_")
    environ = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    example = (ROOT / ".env.example").read_text("utf-8")
    with_password = example.replace("GRAFANA_ADMIN_PASSWORD=\n", "GRAFANA_ADMIN_PASSWORD=tested\n")
    with_secret = example.replace("HELPDESK_WEBHOOK_SECRET=\n", "HELPDESK_WEBHOOK_SECRET=a-tested-secret\n")
    with_both = with_secret.replace("GRAFANA_ADMIN_PASSWORD=\n", "GRAFANA_ADMIN_PASSWORD=tested\n")

    def read(text: str) -> subprocess.CompletedProcess[str]:
        (tmp_path / "env").write_text(text, "utf-8")
        return subprocess.run([*command, "config"], env=environ, capture_output=True, text=True, check=False)

    for text, said in (
        (with_secret, "put a password for Grafana's admin into .env"),
        (with_password, "put the secret of your helpdesk's webhooks into .env"),
    ):
        refused = read(text)
        assert refused.returncode != 0
        assert said in refused.stderr
    accepted = read(with_both)
    assert accepted.returncode == 0, accepted.stderr
    services = yaml.safe_load(accepted.stdout)["services"]
    assert services["grafana"]["environment"]["GF_SECURITY_ADMIN_PASSWORD"] == "tested"
    assert services["gateway"]["environment"]["HELPDESK_WEBHOOK_SECRET"] == "a-tested-secret"
    assert services["worker"]["environment"]["SUPPORTPULSE_DECISION_GRACE_SECONDS"] == "helpdesk=60"


def test_the_example_names_every_variable_of_the_compose_file() -> None:
    """And its own file is never committed."""
    named = set(re.findall(r"(?m)^(\w+)=", (ROOT / ".env.example").read_text("utf-8")))
    assert set(re.findall(r"\$\{(\w+)", COMPOSE.read_text("utf-8"))) | {"COMPOSE_PROJECT_NAME"} == named
    assert "/.env" in (ROOT / ".gitignore").read_text("utf-8").split()


def test_the_gateway_is_the_same_instance_after_a_restart(config: dict[str, Any]) -> None:
    """Its name is fixed, so is its host's, and no command or health check of it names another port."""
    gateway = config["services"]["gateway"]
    told = dict(zip(gateway["command"][1::2], gateway["command"][2::2], strict=True))
    assert told["--instance"] == gateway["hostname"]
    assert gateway["ports"] == [f"127.0.0.1:{told['--port']}:{told['--port']}"]
    assert "/readyz" in gateway["healthcheck"]["test"][-1]
    (mount,) = gateway["volumes"]
    source, target, mode = mount.split(":")
    assert (ROOT / source / Path(told["--sources"]).relative_to(target)).is_file()
    assert mode == "ro"


def test_the_example_of_sources_works_as_it_stands_and_with_all_its_tables(
    config: dict[str, Any], tmp_path: Path
) -> None:
    """The service's environment is all it needs; uncommented, each table is one; workers are told its graces."""
    example = (ROOT / "gateway" / "sources.toml").read_text("utf-8")
    environ = dict.fromkeys(config["services"]["gateway"]["environment"], "a-secret-of-tests")
    assert list(load(ROOT / "gateway" / "sources.toml", environ).sources) == ["helpdesk"]
    (tmp_path / "secrets").mkdir()
    for name in re.findall(r"file:secrets/([\w-]+)", example):
        (tmp_path / "secrets" / name).write_text("a-secret-of-tests\n", "utf-8")
    (tmp_path / "sources.toml").write_text(re.sub(r"(?m)^#(?=\S)", "", example), "utf-8")
    everything = load(tmp_path / "sources.toml", environ).sources
    assert [source.vendor for source in everything.values()] == ["zendesk", "jira", "github", "freshdesk"]
    assert "/gateway/secrets/" in (ROOT / ".gitignore").read_text("utf-8").split()

    grace = f"helpdesk={everything['helpdesk'].grace_seconds:g}"
    told = config["services"]["worker"]["environment"]["SUPPORTPULSE_DECISION_GRACE_SECONDS"]
    assert told == f"${{SUPPORTPULSE_DECISION_GRACE_SECONDS:-{grace}}}"
    assert f"SUPPORTPULSE_DECISION_GRACE_SECONDS={grace}" in (ROOT / ".env.example").read_text("utf-8").split()


def test_what_grafana_and_prometheus_are_told_matches_the_services(config: dict[str, Any]) -> None:
    """Addresses in their files are services and ports of the compose file; paths are mounted; uids agree."""
    services = config["services"]
    grafana = ROOT / "grafana"
    scrape = yaml.safe_load((grafana / "prometheus" / "prometheus.yml").read_text("utf-8"))["scrape_configs"]
    jobs = {job["job_name"]: job["dns_sd_configs"] for job in scrape}
    assert {f'job="{name}"' for name in jobs} == {JOB, GATEWAY_JOB}
    (worker,), (gateway,) = jobs["supportpulse"], jobs["supportpulse-gateway"]
    assert worker["names"] == ["worker"]
    assert services["worker"]["expose"] == [str(worker["port"])]
    assert services["worker"]["environment"]["SUPPORTPULSE_METRICS_PORT"] == worker["port"]
    assert gateway["names"] == ["gateway"]
    assert services["gateway"]["ports"] == [f"127.0.0.1:{gateway['port']}:{gateway['port']}"]

    provisioned = grafana / "provisioning"
    (source,) = yaml.safe_load((provisioned / "datasources" / "prometheus.yml").read_text("utf-8"))["datasources"]
    assert source["url"] == "http://prometheus:9090"
    alerting = [yaml.safe_load(path.read_text("utf-8")) for path in (provisioned / "alerting").glob("*.yml")]
    rules = [rule for file in alerting for group in file.get("groups", []) for rule in group["rules"]]
    assert {query["datasourceUid"] for rule in rules for query in rule["data"]} <= {source["uid"], "__expr__"}
    points = [
        receiver for file in alerting for point in file.get("contactPoints", []) for receiver in point["receivers"]
    ]
    published = {
        str(port).split(":")[2]: name for name, service in services.items() for port in service.get("ports", [])
    }
    for receiver in points:
        host, port = re.fullmatch(r"http://(\w+):(\d+)/\w*", receiver["settings"]["url"]).groups()  # type: ignore[union-attr]
        assert published[port] == host
    (provider,) = yaml.safe_load((provisioned / "dashboards" / "supportpulse.yml").read_text("utf-8"))["providers"]
    boards = provider["options"]["path"]
    assert f"./grafana/dashboards:{boards}:ro" in services["grafana"]["volumes"]
    home = services["grafana"]["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]
    assert json.loads((grafana / "dashboards" / Path(home).name).read_text("utf-8"))["uid"] == "supportpulse-overview"
    assert str(Path(home).parent) == boards


def test_the_smoke_script_is_sound_and_says_what_it_lacks(config: dict[str, Any], tmp_path: Path) -> None:
    """It parses, is clean for shellcheck if that is there, asks published ports, sends an event, and needs Docker."""
    script = ROOT / "grafana" / "smoke.sh"
    bash = shutil.which("bash")
    assert bash is not None
    assert os.access(script, os.X_OK)
    for command in ([bash, "-n"], ["shellcheck"]):
        if shutil.which(command[0]):
            checked = subprocess.run([*command, str(script)], capture_output=True, text=True, check=False)
            assert checked.returncode == 0, checked.stdout + checked.stderr
    ports = {str(port).split(":")[1] for service in config["services"].values() for port in service.get("ports", [])}
    assert set(re.findall(r"127\.0\.0\.1:(\d+)", script.read_text("utf-8"))) <= ports
    sample = re.search(r"<<EOF\n(.+?)\nEOF\n", script.read_text("utf-8"), re.DOTALL)
    assert sample is not None
    payload = json.loads(sample[1].replace("$now", "2026-03-01T12:00:00Z"))
    (event,) = zendesk.adapt(Delivery("helpdesk", payload, datetime(2026, 3, 1, 12, tzinfo=UTC), {}, Options()))
    assert type(event) is TicketCreated
    (tmp_path / "od").symlink_to(shutil.which("od") or "od")
    (tmp_path / "tr").symlink_to(shutil.which("tr") or "tr")
    (tmp_path / "dirname").symlink_to(shutil.which("dirname") or "dirname")
    told = subprocess.run([bash, str(script)], env={"PATH": str(tmp_path)}, capture_output=True, text=True, check=False)
    assert (told.returncode, told.stdout) == (1, "FAILED: docker is not installed\n"), told.stderr
