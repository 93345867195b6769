"""A real helpdesk's log through importer, Kafka and worker, against the desk's own verdicts and against the oracle.

Reads the UCI incident event log (doi:10.24432/C57S4H) from `uci-incident-event-log/` in the folder of data sets
`$SUPPORTPULSE_DATASETS` (default `../shared/datasets`). Prints a table by priority; the last line is one JSON object.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))

import oracle  # noqa: E402
from stream_log import StreamLog, drained  # noqa: E402
from supportpulse.edges import uci  # noqa: E402
from supportpulse.edges.broker import broker  # noqa: E402
from supportpulse.edges.topics import ensure_topics  # noqa: E402
from supportpulse.errors import DataMissing, SupportpulseError  # noqa: E402
from supportpulse.policy import load_policy  # noqa: E402
from supportpulse.settings import SHIPPED_POLICY, Settings  # noqa: E402

POLICY = SHIPPED_POLICY.with_name("servicenow-uci.toml")
SOURCE = "servicenow-uci"
CLOCK = "incident_sla"
EXPECTED_RETRACTIONS = {"reopened", "rule_changed"}
DRAIN_SECONDS = 900


def say(text: str) -> None:
    """Progress goes to standard error."""
    print(time.strftime("%H:%M:%S"), text, file=sys.stderr, flush=True)


def log_file() -> Path:
    """The log, or `DataMissing`."""
    folder = Path(os.environ.get("SUPPORTPULSE_DATASETS") or ROOT / ".." / "shared" / "datasets")
    path = folder / uci.LOG
    if not path.exists():
        raise DataMissing(f"{path}: not there; set SUPPORTPULSE_DATASETS to the folder that holds {uci.LOG}")
    return path


@contextmanager
def worker(settings: Settings, folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """`supportpulse worker` as a process of its own."""
    with (folder / "worker.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "supportpulse", "worker", "--metrics-port", "0", "--app-id", settings.app_id,
             "--topic-prefix", settings.topic_prefix, "--policy", str(settings.policy), "--data-dir", str(folder)],
            env={**os.environ, "SUPPORTPULSE_BOOTSTRAP": settings.bootstrap},
            stdout=log, stderr=log,
        )  # fmt: skip
        try:
            yield process
        finally:
            process.terminate()
            process.wait(30)


async def stream(path: Path, bootstrap: str, folder: Path) -> StreamLog:
    """Send the log through Kafka and a worker; what it wrote, once it has nothing left to do."""
    suffix = uuid.uuid4().hex[:8]
    settings = Settings.from_env(
        {"bootstrap": bootstrap, "app_id": f"parity-{suffix}", "topic_prefix": f"parity-{suffix}.", "policy": POLICY}
    )
    ensure_topics(bootstrap, partitions=settings.partitions, app_id=settings.app_id, topic_prefix=settings.topic_prefix)
    with worker(settings, folder) as running:
        say("importing the log into Kafka while the worker reads it")
        importing = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "supportpulse", "import", str(path), "--mapping", SOURCE, "--to-kafka", "--json",
            env={**os.environ, "SUPPORTPULSE_BOOTSTRAP": bootstrap, "SUPPORTPULSE_TOPIC_PREFIX": settings.topic_prefix},
            stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        out, _ = await importing.communicate()
        if importing.returncode:
            raise SupportpulseError(f"the import failed with exit code {importing.returncode}")
        imported = json.loads(out.splitlines()[-1])
        say(f"{imported['events']} events imported; waiting for the worker to decide all that is due")
        try:
            log = await drained(settings, DRAIN_SECONDS, expect_events=imported["events"])
        except AssertionError as error:
            tail = (folder / "worker.log").read_text(errors="replace")[-2000:]
            raise SupportpulseError(f"{error}; the worker ended with:\n{tail}") from None
        if running.poll() is not None:
            raise SupportpulseError(f"the worker ended with exit code {running.returncode}")
    return log


def report(log: StreamLog, path: Path) -> dict[str, object]:
    """Compare, print the table, and return the figures."""
    policy = load_policy(POLICY)
    verdicts = uci.verdicts(path)
    found = {key.partition("|")[2]: one for (key, clock, _), one in log.net.items() if clock == CLOCK}
    rows: dict[str, Counter[str]] = {}
    for number, verdict in verdicts.items():
        row = rows.setdefault(verdict.priority, Counter())
        row["incidents"] += 1
        row["made"] += verdict.made_sla
        said = found.get(number)
        row["agree"] += said is not None and (said[0] == "met") == verdict.made_sla
    total = sum(rows.values(), Counter())
    print(f"{'priority':<10}{'incidents':>10}{'made_sla':>10}{'agree':>10}{'share':>10}")
    for name, row in [*sorted(rows.items()), ("all", total)]:
        share = row["agree"] / row["incidents"]
        print(f"{name:<10}{row['incidents']:>10}{row['made']:>10}{row['agree']:>10}{share:>10.3%}")
    say("asking the oracle")
    watermark = max(log.watermarks(0).values()) - 1
    expected = oracle.net_view([event for _, event in log.told()], policy, watermark)
    retracted = Counter(one["data"]["because"] for one in log.outcomes if "because" in one["data"])
    print(f"retracted: {dict(retracted) or 'nothing'}; dead letters: {len(log.letters)}")
    return {
        "incidents": total["incidents"],
        "agree": total["agree"],
        "share": round(total["agree"] / total["incidents"], 6),
        "streamed_equals_oracle": log.net == expected,
        "retracted_otherwise": sum(count for why, count in retracted.items() if why not in EXPECTED_RETRACTIONS),
    }


def main() -> int:
    """Exit code 0 if streamed verdicts are the oracle's and the desk's for at least 99.93 %, else 1; 2 without data."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    known = os.environ.get("SUPPORTPULSE_BOOTSTRAP")
    parser.add_argument("--bootstrap", default=known, help="host:port of a broker; default: find or start one")
    arguments = parser.parse_args()
    try:
        path = log_file()
        with broker(arguments.bootstrap, say=say) as kafka, tempfile.TemporaryDirectory() as folder:
            say(kafka.why)
            log = asyncio.run(stream(path, kafka.bootstrap, Path(folder)))
        figures = report(log, path)
    except SupportpulseError as error:
        print(error, file=sys.stderr)
        return 2 if isinstance(error, DataMissing) else 1
    print(json.dumps(figures))
    enough = float(str(figures["share"])) >= 0.9993
    return 0 if enough and figures["streamed_equals_oracle"] and not figures["retracted_otherwise"] else 1


if __name__ == "__main__":
    sys.exit(main())
