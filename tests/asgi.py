"""Requests to an ASGI application without a network: bodies in chunks, headers as bytes."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple


class Answered(NamedTuple):
    """What an application sent back, and how many of the chunks it took."""

    code: int
    headers: dict[str, str]
    body: bytes
    taken: int


async def post(
    app: Any,
    path: str,
    chunks: Sequence[bytes] | bytes,
    headers: Mapping[str, str] | None = None,
    *,
    method: str = "POST",
    stall: bool = False,
) -> Answered:
    """One request; with `stall` the body never ends."""
    waiting = [chunks] if isinstance(chunks, bytes) else list(chunks)
    taken, sent = 0, []

    async def receive() -> dict[str, Any]:
        nonlocal taken
        if waiting:
            taken += 1
            return {"type": "http.request", "body": waiting.pop(0), "more_body": bool(waiting) or stall}
        if stall:
            await asyncio.Event().wait()
        return {"type": "http.disconnect"}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    raw = [(name.lower().encode(), value.encode("latin-1")) for name, value in (headers or {}).items()]
    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": method, "scheme": "http",
        "path": path, "raw_path": path.encode(), "query_string": b"", "root_path": "", "headers": raw,
        "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 80), "state": {},
    }  # fmt: skip
    await app(scope, receive, send)
    told = {name.decode(): value.decode("latin-1") for name, value in sent[0]["headers"]}
    return Answered(sent[0]["status"], told, b"".join(part.get("body", b"") for part in sent[1:]), taken)


async def get(app: Any, path: str) -> Answered:
    """One request without a body."""
    return await post(app, path, b"", method="GET")
