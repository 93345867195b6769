"""The body of a request, read within limits whatever is sent."""

from __future__ import annotations

import zlib
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any

from supportpulse.edges.gateway.room import Room

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
GZIP_OR_ZLIB = 47
ENCODINGS = {"gzip": GZIP_OR_ZLIB, "x-gzip": GZIP_OR_ZLIB, "deflate": GZIP_OR_ZLIB}


class BadBody(Exception):
    """Not to be read: `code` is the answer's, `reason` one word."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code, self.reason = code, reason


class Gone(Exception):
    """Whoever sent the request went away before its end."""


class Held:
    """Bytes of one delivery, counted in a room until it is left."""

    def __init__(self, room: Room) -> None:
        self._room, self.bytes = room, 0

    def more(self, size: int) -> None:
        """Count more; `BadBody` if all deliveries together hold too much."""
        self.bytes += size
        if not self._room.hold(size):
            raise BadBody(503, "overloaded")

    def leave(self) -> None:
        """The delivery is answered."""
        self._room.leave(self.bytes)


async def read_body(receive: Receive, headers: Mapping[str, str], largest: int, held: Held) -> bytes:
    """The body as it came over the wire, of ASGI's messages. Raises `BadBody` as soon as it is larger than `largest`
    bytes, and `Gone`.
    """
    announced = headers.get("content-length", "")
    if announced.isascii() and announced.isdigit() and (len(announced) > 18 or int(announced) > largest):
        raise BadBody(413, "too_large")
    parts: list[bytes] = []
    size, more = 0, True
    while more:
        message = await receive()
        if message["type"] != "http.request":
            raise Gone
        chunk: bytes = message.get("body", b"")
        more = message.get("more_body", False)
        size += len(chunk)
        if size > largest:
            raise BadBody(413, "too_large")
        if chunk:
            held.more(len(chunk))
            parts.append(chunk)
    return parts[0] if len(parts) == 1 else b"".join(parts)


def decoded(wire: bytes, headers: Mapping[str, str], largest: int, held: Held) -> bytes:
    """The body without its content-encoding, never more than `largest` bytes of it. Raises `BadBody`."""
    encoding = headers.get("content-encoding", "").strip().lower()
    if encoding in ("", "identity"):
        return wire
    if encoding not in ENCODINGS:
        raise BadBody(415, "encoding")
    try:
        found = _inflate(wire, ENCODINGS[encoding], largest)
    except zlib.error:
        if encoding != "deflate":
            raise BadBody(400, "encoding") from None
        try:  # what some send as deflate has no zlib header
            found = _inflate(wire, -zlib.MAX_WBITS, largest)
        except zlib.error:
            raise BadBody(400, "encoding") from None
    held.more(len(found))
    return found


def _inflate(wire: bytes, bits: int, largest: int) -> bytes:
    stream = zlib.decompressobj(bits)
    found = stream.decompress(wire, largest + 1)
    if len(found) > largest:
        raise BadBody(413, "too_large")
    if not stream.eof or stream.unused_data:
        raise BadBody(400, "encoding")
    return found
