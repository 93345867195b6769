"""The image, as far as it goes without a Docker engine: its own build steps, and a worker started as it would."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
import urllib.error
import urllib.request
import zipfile
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from time import monotonic, sleep

import pytest

from fresh import Fresh

_open = urllib.request.build_opener(urllib.request.ProxyHandler({})).open
ROOT = Path(__file__).parents[2]
BUILT = "/opt/"
"""Where the build stage puts what it makes; the tests put it elsewhere."""


@dataclass
class Stage:
    """One stage of the Dockerfile: its instructions in order, and the environment it sets."""

    steps: list[tuple[str, str]] = field(default_factory=list)
    environment: dict[str, str] = field(default_factory=dict)


def stages() -> list[Stage]:
    """The Dockerfile, read."""
    text = re.sub(r"(?m)^#.*\n", "", (ROOT / "Dockerfile").read_text("utf-8")).replace("\\\n", " ")
    found: list[Stage] = []
    for line in filter(None, text.splitlines()):
        word, _, rest = line.partition(" ")
        if word == "FROM":
            found.append(Stage())
        elif word == "ENV":
            found[-1].environment |= dict(pair.split("=", 1) for pair in shlex.split(rest))
        else:
            found[-1].steps.append((word, rest.strip()))
    return found


def locked(name: str) -> dict[str, set[str]]:
    """Requirement -> hashes of a lock."""
    found: dict[str, set[str]] = {}
    for entry in re.split(r"(?m)^(?=[a-z])", (ROOT / name).read_text("utf-8")):
        if entry.strip():
            found[re.split(r"[ \\]", entry, maxsplit=1)[0]] = set(re.findall(r"sha256:[0-9a-f]{64}", entry))
    return found


def test_the_images_lock_is_a_part_of_the_lock_the_tests_ran_with() -> None:
    """Same versions, same hashes, and none of the tools."""
    all_of_it, part = locked("requirements.lock"), locked("requirements-runtime.lock")
    assert {one: all_of_it.get(one) for one in part} == part
    assert all(part.values())
    tools = {"pytest", "mypy", "ruff", "hypothesis", "hatchling", "testcontainers", "docker", "promql-parser"}
    assert not tools & {one.partition("==")[0] for one in part}


def test_the_image_installs_all_that_the_package_asks_for() -> None:
    """Each dependency of pyproject.toml has a pinned version in the image's lock."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    wanted = {re.split(r"[<>=]", one)[0] for one in project["dependencies"]}
    assert wanted <= {one.partition("==")[0] for one in locked("requirements-runtime.lock")}
    assert len(wanted) > 10


def test_what_the_dockerfile_copies_is_in_its_context() -> None:
    """Each source exists and is let through by .dockerignore, and nothing else is but caches' exclusion."""
    sources = {
        source
        for stage in stages()
        for word, rest in stage.steps
        if word == "COPY" and not rest.startswith("--from")
        for source in rest.split()[:-1]
    }
    assert all((ROOT / source).exists() for source in sources)
    rules = (ROOT / ".dockerignore").read_text("utf-8").split()
    assert rules[0] == "*"
    assert {rule[1:] for rule in rules if rule.startswith("!")} == sources


def test_the_image_runs_as_nobody_special_and_every_base_is_pinned() -> None:
    """A user of its own at the end, and base images by version and distribution."""
    text = (ROOT / "Dockerfile").read_text("utf-8")
    assert re.findall(r"(?m)^USER (.*)$", text) == ["supportpulse"]
    bases = re.findall(r"(?m)^FROM (\S+)", text)
    assert all(re.fullmatch(r"python:3\.\d+\.\d+-slim-[a-z]+", base) for base in bases)
    assert len(set(bases)) == 1


def build(folder: Path) -> Path:
    """Run the steps of the build stage below a folder; returns the environment that the image gets."""
    context, opt = folder / "build", folder / "opt"
    context.mkdir()
    environment = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
    }  # it must have a `python`
    for word, rest in stages()[0].steps:
        if word == "COPY":
            *sources, target = rest.split()
            for source in sources:
                to = context / (source if target == "./" else target)
                if (ROOT / source).is_dir():
                    shutil.copytree(ROOT / source, to, ignore=shutil.ignore_patterns("__pycache__", "*.so"))
                else:
                    shutil.copy(ROOT / source, to)
        elif word == "RUN":
            command = rest.replace(BUILT, f"{opt}/")
            done = subprocess.run(
                ["bash", "-ec", command], cwd=context, env=environment, capture_output=True, text=True, check=False
            )
            assert done.returncode == 0, f"{command}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
        else:
            assert word == "WORKDIR", f"{word}: the test does not know this instruction"
    return opt / "supportpulse"


@pytest.mark.slow
@pytest.mark.timeout(900)  # it installs everything twice
@pytest.mark.kafka
def test_the_image_as_built_runs_a_worker(tmp_path: Path, kafka: str, fresh: Fresh) -> None:
    """Built from the locks, it holds no tools, makes the topics and runs a healthy worker from a read-only folder."""
    built = build(tmp_path)
    listed = {path.name.partition("-")[0].lower() for path in built.glob("lib/python*/site-packages/*.dist-info")}
    assert "supportpulse" in listed
    assert not listed & {"pip", "setuptools", "pytest", "mypy", "ruff", "hatchling", "hypothesis", "testcontainers"}
    with zipfile.ZipFile(next((tmp_path / "opt" / "wheel").glob("*.whl"))) as wheel:
        names = wheel.namelist()
    assert {name.partition("/")[0] for name in names} == {
        "supportpulse",
        "streams",
        f"supportpulse-{version('supportpulse')}.dist-info",
    }

    nowhere = tmp_path / "read-only"
    nowhere.mkdir(mode=0o555)
    environment = {
        **{name: value for name, value in stages()[1].environment.items() if name != "PATH"},
        "PATH": f"{built / 'bin'}:{os.defpath}",
        "HOME": "/nonexistent",
        "SUPPORTPULSE_DATA_DIR": str(tmp_path / "tmpfs"),
        "SUPPORTPULSE_BOOTSTRAP": kafka,
        "SUPPORTPULSE_METRICS_PORT": "0",
        "SUPPORTPULSE_APP_ID": fresh.app_id,
        "SUPPORTPULSE_TOPIC_PREFIX": fresh.topic_prefix,
    }
    for arguments in (["worker", "--help"], ["alerts", "--help"], ["topics", "ensure"], ["topics", "verify"]):
        done = subprocess.run(
            ["supportpulse", *arguments], cwd=nowhere, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
    log = tmp_path / "worker.log"
    with log.open("wb") as output:
        worker = subprocess.Popen(["supportpulse", "worker"], cwd=nowhere, env=environment, stderr=output)
    try:
        deadline = monotonic() + 60
        while (health := healthz(log)) != {"reasons": []}:
            assert worker.poll() is None, log.read_text("utf-8")
            assert monotonic() < deadline, f"{health}: {log.read_text('utf-8')}"
            sleep(0.1)
        worker.terminate()
        assert worker.wait(30) == 0, log.read_text("utf-8")
    finally:
        worker.kill()
        worker.wait()


def healthz(log: Path) -> object:
    """What the worker that writes this log says of itself, or why it does not."""
    port = re.search(r"metrics at http://0\.0\.0\.0:(\d+)/", log.read_text("utf-8"))
    try:
        with _open(f"http://127.0.0.1:{port[1] if port else 0}/healthz", timeout=5) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        return error.read()
    except OSError as error:
        return str(error)
