"""A webhook as the vendor would send it, for whoever sets a source up."""

from __future__ import annotations

import time
from collections.abc import Mapping
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote, urlsplit

from supportpulse.edges.gateway.sources import Source
from supportpulse.errors import ConfigError, DataMissing, DeliveryError

TIMEOUT_SECONDS = 30


class Reply(NamedTuple):
    """What the gateway answered."""

    code: int
    body: str
    seconds: float


def signed(source: Source, body: bytes, now: float, extra: Mapping[str, str]) -> tuple[str, dict[str, str]]:
    """Path and headers of a delivery of a source, by its first secret."""
    headers = {"content-type": "application/json", "user-agent": "supportpulse webhook", **extra}
    path = f"/webhooks/{quote(source.name)}"
    if source.scheme is None:
        return path, {**headers, source.token_header: source.secrets[0].decode("latin-1")}
    return path, {**headers, **source.scheme.headers(source.secrets[0], body, now)}


def send(source: Source, payload: Path, url: str, extra: Mapping[str, str]) -> Reply:
    """Send a file as a delivery. Raises `DataMissing`, `ConfigError` for an address, `DeliveryError`."""
    try:
        body = payload.read_bytes()
    except OSError as error:
        raise DataMissing(f"{payload}: {error.strerror or 'not readable'}") from None
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ConfigError(f"--url: found {url!r}; valid: an address such as http://127.0.0.1:9466")
    path, headers = signed(source, body, time.time(), extra)
    connect = HTTPSConnection if parts.scheme == "https" else HTTPConnection
    connection = connect(parts.hostname, parts.port, timeout=TIMEOUT_SECONDS)
    began = time.perf_counter()
    try:
        connection.request("POST", parts.path.rstrip("/") + path, body, headers)
        answer = connection.getresponse()
        return Reply(answer.status, answer.read(100_000).decode(errors="replace"), time.perf_counter() - began)
    except (OSError, HTTPException) as error:
        raise DeliveryError(f"{url}: no answer: {error or type(error).__name__}; is the gateway running?") from None
    finally:
        connection.close()
