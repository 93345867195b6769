"""A webhook as the vendor would send it, for whoever sets a source up.

`samples/VENDOR.json` is the story of one ticket in deliveries, each a sentence (`says`), headers of the vendor's, and
a body. In their texts `{{FORM MINUTES}}` is a time so long ago, in a form of `TIMES`; `{{number}}` names the ticket,
another in each run, and `{{number 1}}` is made of it; `{{agent}}` is one of the source's agents, if it names any.
A text that begins with `#` becomes the number behind it.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from pathlib import Path
from typing import Any, Final, NamedTuple
from urllib.parse import quote, urlsplit

from supportpulse.edges.adapters.adapter import Delivery
from supportpulse.edges.gateway.sources import Source
from supportpulse.errors import ConfigError, DataMissing, DeliveryError
from supportpulse.events import TicketEvent
from supportpulse.settings import SHIPPED_POLICY

TIMEOUT_SECONDS = 30
FOLDER = Path(__file__).parent / "samples"
OWN_RULES: Final = {
    "zendesk": "zendesk", "jira": "jsm", "freshdesk": "freshdesk", "zammad": "zammad", "chatwoot": "chatwoot",
}  # fmt: skip
"""Vendors with SLA rules of their own, and the shipped policy that follows them."""
TIMES: Final = {
    "iso": "%Y-%m-%dT%H:%M:%SZ",
    "iso_millis": "%Y-%m-%dT%H:%M:%S.000Z",
    "jira": "%Y-%m-%dT%H:%M:%S.000+0000",
    "plain": "%Y-%m-%d %H:%M:%S",
    "seconds": "",
    "millis": "",
}
_PLACE = re.compile(r"\{\{(\w+)(?: (\d+))?\}\}")


@dataclass(frozen=True)
class Sample:
    """One delivery to come: its bytes, the headers it needs beside the signature, and what it tells, for people."""

    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    says: str = ""


class Reply(NamedTuple):
    """What the gateway answered."""

    code: int
    body: str
    seconds: float


def policy_of(vendor: str) -> Path:
    """The shipped policy for a vendor's tickets: by its own rules, or the model."""
    return SHIPPED_POLICY.with_name(f"{OWN_RULES[vendor]}.toml") if vendor in OWN_RULES else SHIPPED_POLICY


def story(source: Source, now: datetime) -> list[Sample]:
    """The built-in samples of a source's vendor: a ticket that a customer opened, answered and solved before `now`."""
    told = json.loads((FOLDER / f"{source.vendor}.json").read_text("utf-8"))
    agents = sorted(source.options.agents)
    filled = _filled(told, now, agents[0] if agents else "U0AGENT")
    return [Sample(json.dumps(one["body"]).encode(), one.get("headers", {}), one["says"]) for one in filled]


def read_sample(payload: Path, headers: Mapping[str, str]) -> Sample:
    """A file as a delivery. Raises `DataMissing`."""
    try:
        return Sample(payload.read_bytes(), headers)
    except OSError as error:
        raise DataMissing(f"{payload}: {error.strerror or 'not readable'}") from None


def meant(source: Source, sample: Sample, received: datetime) -> list[TicketEvent]:
    """The events that the gateway will make of it. Raises `Unknown`, and `ValueError` for what is no JSON."""
    _, headers = signed(source, sample.body, received.timestamp(), sample.headers)
    return source.adapter(Delivery(source.name, json.loads(sample.body), received, headers, source.options))


def signed(source: Source, body: bytes, now: float, extra: Mapping[str, str]) -> tuple[str, dict[str, str]]:
    """Path and headers of a delivery of a source, by its first secret."""
    headers = {"content-type": "application/json", "user-agent": "supportpulse webhook", **extra}
    path = f"/webhooks/{quote(source.name)}"
    if source.scheme is None:
        return path, {**headers, source.token_header: source.secrets[0].decode("latin-1")}
    return path, {**headers, **source.scheme.headers(source.secrets[0], body, now)}


def send(source: Source, sample: Sample, url: str) -> Reply:
    """Send it now. Raises `ConfigError` for an address, `DeliveryError`."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ConfigError(f"--url: found {url!r}; valid: an address such as http://127.0.0.1:9466")
    path, headers = signed(source, sample.body, time.time(), sample.headers)
    connect = HTTPSConnection if parts.scheme == "https" else HTTPConnection
    connection = connect(parts.hostname, parts.port, timeout=TIMEOUT_SECONDS)
    began = time.perf_counter()
    try:
        connection.request("POST", parts.path.rstrip("/") + path, sample.body, headers)
        answer = connection.getresponse()
        return Reply(answer.status, answer.read(100_000).decode(errors="replace"), time.perf_counter() - began)
    except (OSError, HTTPException) as error:
        raise DeliveryError(f"{url}: no answer: {error or type(error).__name__}; is the gateway running?") from None
    finally:
        connection.close()


def _filled(told: Any, now: datetime, agent: str) -> Any:
    """The same with every place in its texts filled."""
    if isinstance(told, dict):
        return {name: _filled(value, now, agent) for name, value in told.items()}
    if isinstance(told, list):
        return [_filled(value, now, agent) for value in told]
    if not isinstance(told, str):
        return told
    text = _PLACE.sub(lambda place: _text(place[1], place[2], now, agent), told)
    return int(text[1:]) if told.startswith("#") else text


def _text(form: str, argument: str | None, now: datetime, agent: str) -> str:
    if form == "agent":
        return agent
    if form == "number":
        return f"{int(now.timestamp())}{argument or ''}"
    at = (now - timedelta(minutes=int(argument or 0))).astimezone(UTC)
    if form == "seconds":
        return str(int(at.timestamp()))
    if form == "millis":
        return str(int(at.timestamp()) * 1000)
    return at.strftime(TIMES[form])
