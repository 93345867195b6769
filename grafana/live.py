"""The boards on a real Prometheus that scrapes the demo and a gateway.

    python grafana/live.py panels              ask for every panel, list those without data
    python grafana/live.py pictures            draw grafana/pictures with Grafana's published components
    python grafana/live.py panels pictures     both of one demo

Starts a broker, a worker and a simulated desk, as `supportpulse demo` does, a gateway with two helpdesks, and, once the
desk is live, Prometheus with the rules of grafana/prometheus. Ends with 1 if a query finds nothing that may not, or a
picture cannot be drawn.
"""

from __future__ import annotations

import argparse
import contextlib
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import panels
from webhooks import Webhooks

from supportpulse.edges import demo
from supportpulse.edges.broker import broker
from supportpulse.edges.prometheus import Prometheus, needed
from supportpulse.errors import SupportpulseError
from supportpulse.scrape import Scrape

GRAFANA = Path(__file__).resolve().parent
RULES = GRAFANA / "prometheus" / "rules.yml"
RENDERER = GRAFANA / "renderer"
STEP_SECONDS = 15
CONFIG = """
global: {{scrape_interval: 5s, evaluation_interval: 15s}}
rule_files: [rules.yml]
scrape_configs:
  - job_name: supportpulse
    static_configs: [{{targets: ["{worker}"]}}]
  - job_name: supportpulse-gateway
    static_configs: [{{targets: ["{gateway}"]}}]
"""

Then = Callable[[Prometheus, float], None]
"""What to do with a Prometheus that has scraped since an instant (seconds)."""


class Watch:
    """Sees a demo grow; from its first live event on a Prometheus scrapes it and a gateway for so many seconds."""

    def __init__(self, seconds: float, gateway: str, then: Then) -> None:
        self._seconds, self._gateway, self._then = seconds, gateway, then
        self._stack = contextlib.ExitStack()
        self._prometheus: Prometheus | None = None
        self._since = 0.0

    def __enter__(self) -> Watch:
        return self

    def __exit__(self, *exception: object) -> None:
        self._stack.close()

    def say(self, sentence: str) -> None:
        """Progress goes to standard error."""
        print(time.strftime("%H:%M:%S"), sentence, file=sys.stderr, flush=True)

    def show(self, status: demo.Status, scrape: Scrape) -> None:
        """Called after each look at the worker."""
        if status.live_since is None:
            return
        if self._prometheus is None:
            worker = status.address.removeprefix("http://").removesuffix("/metrics")
            prometheus = Prometheus(CONFIG.format(worker=worker, gateway=self._gateway), cors=True)
            shutil.copy(RULES, prometheus.folder)
            self._prometheus, self._since = self._stack.enter_context(prometheus), time.time()
            self.say(f"Prometheus scrapes it: {prometheus.address}, for {self._seconds:g} s")
        elif self._since and time.time() - self._since >= self._seconds:
            self._then(self._prometheus, self._since)
            self._since = 0.0


def ask_all(prometheus: Prometheus, since: float) -> list[panels.Query]:
    """Ask every query of every board; lists them, and returns those that found nothing and may not."""
    now, missing = time.time(), []
    for name, board in panels.boards().items():
        variables = panels.everything(board) | panels.built_in(round(now - since))
        for query in panels.queries(name, board):
            found = answer(prometheus, panels.filled(query.expr, variables), query.instant, since, now)
            filled = panels.has_data(found)
            verdict = f"{len(found)} series" if filled else f"empty: {query.excuse}" if query.excuse else "EMPTY"
            print(f"{name:9} {query.panel:3} {query.ref}  {query.title:50} {verdict}")
            if not filled and not query.excuse:
                missing.append(query)
    return missing


def answer(prometheus: Prometheus, expr: str, instant: bool, since: float, now: float) -> list[dict[str, Any]]:
    """What a panel would be given."""
    return prometheus.query(expr, now) if instant else prometheus.query_range(expr, since, now, STEP_SECONDS)


def draw(prometheus: Prometheus, since: float) -> None:
    """Pictures of all boards over the time that was scraped."""
    minutes = max(1, round((time.time() - since) / 60))
    options = ["--prometheus", prometheus.address, "--from", f"now-{minutes}m"]
    if subprocess.run(["npm", "run", "--silent", "pictures", "--", *options], cwd=RENDERER, check=False).returncode:
        raise SupportpulseError("the pictures are not as they should be: see above")


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser(description="Boards on a real Prometheus that scrapes the demo.")
    parser.add_argument("what", nargs="+", choices=("panels", "pictures"))
    parser.add_argument("--minutes", type=float, default=3, help="how long Prometheus scrapes first (default 3)")
    parser.add_argument("--bootstrap", help="a running Kafka; default: start one")
    parser.add_argument("--rate", type=float, default=4, help="live: times the usual arrivals (default 4)")
    parser.add_argument("--events", type=int, default=150_000, help="at most, in the history of five weeks")
    chosen = parser.parse_args()
    missing: list[panels.Query] = []

    def then(prometheus: Prometheus, since: float) -> None:
        if "panels" in chosen.what:
            missing.extend(ask_all(prometheus, since))
        if "pictures" in chosen.what:
            draw(prometheus, since)

    seconds = chosen.minutes * 60
    try:
        needed("prometheus")
        if "pictures" in chosen.what and not (RENDERER / "node_modules").exists():
            raise SupportpulseError(f"{RENDERER / 'node_modules'}: not there; run `npm ci` in {RENDERER}")
        with (
            broker(chosen.bootstrap) as kafka,
            Webhooks(kafka.bootstrap) as webhooks,
            Watch(seconds, webhooks.target, then) as watch,
        ):
            wish = demo.Wish(kafka.bootstrap, seconds + 5, events=chosen.events, rate=chosen.rate)
            demo.run(wish, watch)
    except SupportpulseError as error:
        sys.exit(f"error: {error}")
    for query in missing:
        where = f"{query.board}, panel {query.panel} ({query.title}), query {query.ref}"
        print(f"no data: {where}: {query.expr}", file=sys.stderr)
    if missing:
        sys.exit(1)


if __name__ == "__main__":
    main()
