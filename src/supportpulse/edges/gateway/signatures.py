"""Whether a delivery comes from whom it says: the signatures of helpdesks over the raw body, and secret tokens.

As documented by each vendor: the signed bytes are made of the raw body and, where the vendor signs one, of the
time stamp in a header of its own.
"""

from __future__ import annotations

import base64
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

Verdict = Literal["authentic", "signature", "stale"]
TOKEN = "token"


@dataclass(frozen=True)
class Scheme:
    """How one vendor signs: the signed bytes are `before + stamp + between + body`, or the body where no stamp is."""

    header: str
    digest: str = "sha256"
    prefix: str = ""
    base64: bool = False
    stamp_header: str = ""
    before: bytes = b""
    between: bytes = b""

    def sign(self, secret: bytes, body: bytes, stamp: str = "") -> str:
        """The value of the signature header."""
        signed = self.before + stamp.encode("latin-1") + self.between + body if self.stamp_header else body
        code = hmac.digest(secret, signed, self.digest)
        return self.prefix + (base64.b64encode(code).decode() if self.base64 else code.hex())

    def verdict(
        self, secrets: Sequence[bytes], body: bytes, headers: Mapping[str, str], now: float, window_seconds: float
    ) -> Verdict:
        """Whether any of the secrets signed it, no longer than the window before or after `now` (epoch seconds)."""
        found, stamp = headers.get(self.header, ""), headers.get(self.stamp_header, "") if self.stamp_header else ""
        if not _any_same(found, [self.sign(secret, body, stamp) for secret in secrets]):
            return "signature"
        if self.stamp_header:
            signed_at = _seconds(stamp)
            if signed_at is None or abs(now - signed_at) > window_seconds:
                return "stale"
        return "authentic"

    def headers(self, secret: bytes, body: bytes, now: float) -> dict[str, str]:
        """The headers that the vendor would send at `now`."""
        if not self.stamp_header:
            return {self.header: self.sign(secret, body)}
        stamp = f"{datetime.fromtimestamp(int(now), UTC):%Y-%m-%dT%H:%M:%SZ}" if self.base64 else str(int(now))
        return {self.header: self.sign(secret, body, stamp), self.stamp_header: stamp}


SCHEMES: Mapping[str, Scheme] = {
    "zendesk": Scheme(
        "x-zendesk-webhook-signature", base64=True, stamp_header="x-zendesk-webhook-signature-timestamp"
    ),
    "jira": Scheme("x-hub-signature", prefix="sha256="),
    "github": Scheme("x-hub-signature-256", prefix="sha256="),
    "zammad": Scheme("x-hub-signature", digest="sha1", prefix="sha1="),
    "chatwoot": Scheme(
        "x-chatwoot-signature", prefix="sha256=", stamp_header="x-chatwoot-timestamp", between=b"."
    ),
    "slack": Scheme(
        "x-slack-signature", prefix="v0=", stamp_header="x-slack-request-timestamp", before=b"v0:", between=b":"
    ),
    "discourse": Scheme("x-discourse-event-signature", prefix="sha256="),
    "frappe": Scheme("x-frappe-webhook-signature", base64=True),
}  # fmt: skip
"""By the name that `verify` of a source takes; besides them there is `token`."""


def token_verdict(secrets: Sequence[bytes], found: str) -> Verdict:
    """Whether a token in the path or in a header is one of the secrets."""
    return "authentic" if _any_same(found, [secret.decode("latin-1") for secret in secrets]) else "signature"


def _any_same(found: str, valid: Sequence[str]) -> bool:
    """Compares with each, in a time that does not tell where they differ, nor which one it was."""
    given, same = found.encode("utf-8", "surrogatepass"), False
    for one in valid:
        same |= hmac.compare_digest(given, one.encode("utf-8", "surrogatepass"))
    return same


def _seconds(stamp: str) -> float | None:
    """Epoch seconds of a stamp: whole seconds, or ISO 8601 with a zone."""
    if stamp.isascii() and stamp.isdigit() and len(stamp) <= 12:
        return float(stamp)
    try:
        found = datetime.fromisoformat(stamp[:40])
        return found.timestamp() if found.tzinfo is not None else None
    except (ValueError, OverflowError):
        return None
