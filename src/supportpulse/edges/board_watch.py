"""Looks at workers' /metrics, again and again, and keeps the latest overview as JSON for whoever asks."""

from __future__ import annotations

import contextlib
import http.client
import json
import logging
import socket
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

from supportpulse.errors import ConfigError
from supportpulse.health import Look
from supportpulse.names import Metric
from supportpulse.overview import DEFAULT_URL, overview
from supportpulse.scrape import Scrape
from supportpulse.trail import Trail

EVERY_SECONDS = 1.0
REST_SHARE = 4
"""An answer costs worker and board a part of a second, so the rest after it is at least this many times as long."""
LONGEST_REST_SECONDS = 10.0
ANSWER_SECONDS = 5.0
LARGEST_ANSWER_BYTES = 64 * 2**20
_open = urllib.request.build_opener(urllib.request.ProxyHandler({})).open  # a proxy for the internet knows no workers

log = logging.getLogger(__name__)


class Stage:
    """The latest overview: written by one thread, read by any. `closing` tells readers that there will be no more."""

    def __init__(self, urls: Sequence[str], clock: Callable[[], float] = time.time) -> None:
        self.urls = [address(url) for url in urls]
        self._looks = [Look(url, reason="not asked yet") for url in self.urls]
        self._clock, self._trail = clock, Trail()
        self.closing = False
        self.latest = 0, b""
        """A number that grows, and JSON."""
        self._show(self._looks)

    def answered(self, said: Mapping[str, Scrape | str]) -> None:
        """What each worker, by its address, answered just now, or why it did not.

        One that is not named any more is gone, unless nobody answers at all: then the last numbers stay.
        """
        now = self._clock()
        before = {look.url: look for look in self._looks}
        if any(isinstance(one, Scrape) for one in said.values()) or not any(look.scrape for look in self._looks):
            looks = [
                replace(before.get(url, Look(url)), reason=one) if isinstance(one, str) else Look(url, one, now)
                for url, one in said.items()
            ]
        else:
            reason = str(next(iter(said.values()), "nobody to ask"))
            looks = [replace(look, reason=str(said.get(look.url, reason))) for look in self._looks]
        self._show(looks)

    def _show(self, looks: list[Look]) -> None:
        told = json.dumps(asdict(overview(looks, self._clock(), self._trail, self.urls)), separators=(",", ":"))
        self._looks, self.latest = looks, (self.latest[0] + 1, told.encode())


class Watch:
    """Keeps a stage up to date in a thread of its own, for as long as a `with` lasts."""

    def __init__(self, stage: Stage) -> None:
        self._stage, self._over = stage, threading.Event()
        self._thread = threading.Thread(target=self._run, name="supportpulse-board-watch", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()  # a daemon, not waited for: a worker that hangs must not hold up the end

    def _run(self) -> None:
        rest = 0.0
        while not self._over.wait(rest):
            began = time.monotonic()
            said = _ask_all([one for url in self._stage.urls for one in workers_at(url)])
            try:
                self._stage.answered(said)
            except Exception as error:  # numbers nobody foresaw must not end the page
                log.exception("cannot show what the workers say")
                reason = f"what it says cannot be shown: {type(error).__name__}: {error}"
                self._stage.answered(dict.fromkeys(said, reason))
            cost = time.monotonic() - began if any(isinstance(one, Scrape) for one in said.values()) else 0.0
            rest = min(max(EVERY_SECONDS, REST_SHARE * cost), LONGEST_REST_SECONDS)


def address(url: str) -> str:
    """A worker's address without the path of its metrics; raises ConfigError for what is none."""
    try:
        parts = urlsplit(url)
        valid = parts.scheme in ("http", "https") and parts.hostname and (parts.port is None or parts.port > 0)
    except ValueError:
        valid = False
    if not valid or any(mark.isspace() for mark in url):
        raise ConfigError(f"--url: found {url!r}; valid: an address such as {DEFAULT_URL}")
    return url.rstrip("/").removesuffix("/metrics")


def workers_at(url: str) -> list[str]:
    """Addresses of the workers behind a name that has several, as those of one service do; else the address itself."""
    parts = urlsplit(url)
    if parts.scheme != "http" or parts.hostname is None:
        return [url]
    try:
        found = socket.getaddrinfo(parts.hostname, parts.port or 80, socket.AF_INET, socket.SOCK_STREAM)
    except OSError:  # IPv6 alone, or nothing: asking will tell
        return [url]
    hosts = sorted({str(place[4][0]) for place in found})
    return [f"http://{host}:{parts.port or 80}{parts.path}" for host in hosts] if len(hosts) > 1 else [url]


def _ask_all(urls: Sequence[str]) -> dict[str, Scrape | str]:
    """All at once: one that hangs costs the others nothing but its time limit."""
    said: dict[str, Scrape | str] = dict.fromkeys(urls, "no answer in time")

    def ask(url: str) -> None:
        said[url] = look_at(url)

    threads = [threading.Thread(target=ask, args=(url,), daemon=True) for url in said]
    for thread in threads:
        thread.start()
    deadline = time.monotonic() + 2 * ANSWER_SECONDS
    for thread in threads:
        thread.join(max(deadline - time.monotonic(), 0))
    return said.copy()


def look_at(url: str) -> Scrape | str:
    """A worker's numbers, or in a few words why there are none."""
    try:
        with contextlib.closing(_open(f"{url}/metrics", timeout=ANSWER_SECONDS)) as answer:
            text = answer.read(LARGEST_ANSWER_BYTES).decode()
        scrape = Scrape(text)
    except urllib.error.HTTPError as error:
        return f"it answers {error.code} {error.reason}"
    except OSError as error:
        reason = getattr(error, "reason", error)
        return str(getattr(reason, "strerror", None) or reason) or type(error).__name__
    except (ValueError, LookupError, http.client.HTTPException):
        return "what answers there is no supportpulse worker"
    if not scrape.values(Metric.BUILD_INFO):
        return "what answers there is no supportpulse worker"
    return scrape
