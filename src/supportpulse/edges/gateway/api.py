"""`[sources.NAME.api]` of `sources.toml`: where a source's own API is, for reconciliation; the gateway never calls it.

[sources.code.api]
token = "env:GITHUB_TOKEN"
repository = "acme/sdk"
"""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

VALID_URL = "https://HOST, or http:// on this host"
_LOCAL = r"http://(localhost|127\.0\.0\.1|\[::1\])(:\d+)?(/|$)"


class ApiTable(BaseModel):
    """`token` says where the token is kept; it is read only when it is needed."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    token: Annotated[str, Field(pattern=r"^(env|file):.")]
    url: Annotated[str, Field(pattern=rf"^(https://[^/?#@]+|{_LOCAL})[^?#@]*$", description=VALID_URL)] | None = None
    user: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    repository: Annotated[str, Field(pattern=r"^[\w.-]+/[\w.-]+$", description="OWNER/NAME")] | None = None
    project: Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_]*$", description="a project's key")] | None = None
    verdicts: bool = False
    """Zendesk's own verdicts too, from its metric events."""
