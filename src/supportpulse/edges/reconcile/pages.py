"""Polite reading of a vendor's API, page by page: what fails for a while is asked for again, within its rate limits."""

from __future__ import annotations

import http.client
import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from email.message import Message
from email.utils import parsedate_to_datetime
from typing import Any, Final, NamedTuple
from urllib.parse import urlencode, urljoin, urlsplit

from supportpulse.errors import ApiError

TIMEOUT_SECONDS: Final = 30.0
ATTEMPTS: Final = 6
LONGEST_WAIT_SECONDS: Final = 3700.0
"""GitHub's limits are counted by the hour."""
UNSTATED_WAIT_SECONDS: Final = 60.0
"""After a refusal for its rate that does not say how long, as GitHub asks."""
LARGEST_PAGE: Final = 64 << 20
PASSING: Final = frozenset((408, 425, 500, 502, 503, 504))
LIMITED: Final = frozenset((403, 429))

Told = Callable[[str], None]


class Page(NamedTuple):
    """A page's JSON, and the address of the next one as its `Link` header has it."""

    body: Any
    next: str | None


class _Failed(Exception):
    """One attempt; `wait` in seconds, None for the usual pause."""

    def __init__(self, why: str, wait: float | None = None) -> None:
        super().__init__(why)
        self.wait = wait


class _SameHost(urllib.request.HTTPRedirectHandler):
    """A renamed repository is redirected; but a token is never shown to another host."""

    def redirect_request(
        self, req: urllib.request.Request, fp: Any, code: int, msg: str, headers: http.client.HTTPMessage, newurl: str
    ) -> urllib.request.Request | None:
        if origin(newurl) != origin(req.full_url):
            return None
        return super().redirect_request(req, fp, code, msg, headers, newurl)


class Pages:
    """GET requests to one API, one after another.

    Asked again, up to six times a page: what was cut off, did not answer in 30 s, or failed with 5xx, after pauses
    that double; what was refused for its rate, after `Retry-After`, or at `x-ratelimit-reset`, an hour at most. A
    budget that a good answer shows to be used up is waited for before the next request. `told` hears of each wait.
    Raises `ApiError`.
    """

    def __init__(
        self,
        url: str,
        headers: Mapping[str, str],
        *,
        told: Told = lambda _: None,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.time,
        timeout_seconds: float = TIMEOUT_SECONDS,
    ) -> None:
        self.url, self.requests = url.rstrip("/"), 0
        self._headers = {"User-Agent": "supportpulse", "Accept": "application/json", **headers}
        self._told, self._sleep, self._clock, self._timeout = told, sleep, clock, timeout_seconds
        self._opener = urllib.request.build_opener(_SameHost())
        self._wait = 0.0

    def get(self, place: str, **query: object) -> Page:
        """A page by its path below the API's address, or by the whole address that another page gave."""
        url = place if "://" in place else f"{self.url}/{place.lstrip('/')}"
        if origin(url) != origin(self.url):
            raise ApiError(
                f"{self.url}: the next page is at another host, {urlsplit(url).netloc}; nothing is sent there"
            )
        if query:
            url += ("&" if "?" in url else "?") + urlencode(query)
        pause = 1.0
        for attempt in range(1, ATTEMPTS + 1):
            self._rest()
            try:
                return self._once(url)
            except _Failed as failed:
                if attempt == ATTEMPTS:
                    raise ApiError(f"{shown(url)}: {failed}, {ATTEMPTS} times; try again later") from None
                self._wait = pause if failed.wait is None else failed.wait
                if self._wait > LONGEST_WAIT_SECONDS:
                    raise ApiError(f"{shown(url)}: {failed}, and asks to wait {self._wait:.0f} s") from None
                self._told(f"{failed}; again in {self._wait:.0f} s")
                pause *= 2
        raise AssertionError("the last attempt returns or raises")

    def _rest(self) -> None:
        wait, self._wait = self._wait, 0.0
        if wait > 0:
            self._sleep(wait)

    def _once(self, url: str) -> Page:
        self.requests += 1
        request = urllib.request.Request(url, headers=self._headers)
        try:
            with self._opener.open(request, timeout=self._timeout) as answer:
                raw, headers, missing = answer.read(LARGEST_PAGE + 1), answer.headers, answer.length
        except urllib.error.HTTPError as error:
            with error:
                raise self._refused(url, error) from None
        except (OSError, http.client.HTTPException) as error:
            reason = getattr(error, "reason", None) or error
            raise _Failed(f"no whole answer ({reason or type(reason).__name__})") from None
        if len(raw) > LARGEST_PAGE:
            raise ApiError(f"{shown(url)}: found a page of more than {LARGEST_PAGE:,} bytes")
        if missing:
            raise _Failed("half an answer")
        try:
            body = json.loads(raw)
        except (ValueError, RecursionError):
            raise _Failed("an answer that is no JSON") from None
        self._wait = min(self._budget(headers) or 0.0, LONGEST_WAIT_SECONDS)
        if self._wait:
            self._told(f"the API's budget is used up; goes on in {self._wait:.0f} s")
        return Page(body, next_of(url, headers))

    def _refused(self, url: str, error: urllib.error.HTTPError) -> Exception:
        code, said = error.code, message_of(error)
        wait = self._asked(error.headers)
        if wait is None and code in LIMITED:
            wait = self._budget(error.headers)
        if wait is None and (code == 429 or (code == 403 and "rate limit" in said.lower())):
            wait = UNSTATED_WAIT_SECONDS
        if wait is not None and code in LIMITED:
            return _Failed(f"{code}: its rate limit is reached", wait)
        if code in PASSING:
            return _Failed(f"{code}", wait)
        valid = {
            401: "a token that has not expired or been revoked: renew the one of the source's api",
            403: "a token that may read this: see the rights of the one of the source's api",
            404: "an address, repository or project that is there and that the token may see",
            410: "a part of the API that the vendor still offers, switched on for this desk",
        }.get(code, "what the vendor's API accepts")
        return ApiError(f"{shown(url)}: {code}{f' ({said})' if said else ''}; valid: {valid}")

    def _asked(self, headers: Message) -> float | None:
        """Seconds until `Retry-After`, which is a number or a date."""
        text = (headers.get("Retry-After") or "").strip()
        if text.isascii() and text.isdigit():
            return float(text[:9])
        try:
            return max(1.0, parsedate_to_datetime(text).timestamp() - self._clock())
        except (ValueError, OverflowError):
            return None

    def _budget(self, headers: Message) -> float | None:
        """Seconds until GitHub's budget is filled again, if nothing is left of it."""
        reset = (headers.get("x-ratelimit-reset") or "").strip()
        if (headers.get("x-ratelimit-remaining") or "").strip() != "0" or not (reset.isascii() and reset.isdigit()):
            return None
        return max(1.0, float(reset[:12]) - self._clock() + 1)


def items(pages: Pages, place: str, key: str, body: Any, vendor: str) -> list[dict[str, Any]]:
    """The objects of a page's list. Raises `ApiError` for what is none: a proxy's greeting is no empty desk."""
    found = body.get(key) if isinstance(body, dict) else None
    if not isinstance(found, list):
        raise ApiError(f"{pages.url}/{place}: {key}: found {type(found).__name__}; valid: a list, as {vendor} has it")
    return [item for item in found if isinstance(item, dict)]


def origin(url: str) -> tuple[str, str]:
    """Scheme and host of an address."""
    parts = urlsplit(url)
    return parts.scheme, parts.netloc.lower()


def shown(url: str) -> str:
    """An address without its query."""
    return url.partition("?")[0]


def message_of(error: urllib.error.HTTPError) -> str:
    """What the API itself says of an error, in few words."""
    try:
        found = json.loads(error.read(65_536))
    except (OSError, http.client.HTTPException, ValueError, RecursionError):
        return ""
    said = found.get("message") or found.get("error") if isinstance(found, dict) else None
    return "".join(letter for letter in said[:200] if letter.isprintable()) if isinstance(said, str) else ""


def next_of(url: str, headers: Message) -> str | None:
    """The address that `Link` calls next (RFC 8288)."""
    for link in ", ".join(headers.get_all("Link") or []).split(","):
        target, *parameters = link.strip().split(";")
        if any(one.strip().replace('"', "").lower() == "rel=next" for one in parameters):
            return urljoin(url, target.strip("<> "))
    return None
