"""Under which policy versions a partition's state was made: a record of its tickets changelog (law 9)."""

from __future__ import annotations

from typing import Final

import msgspec

from supportpulse.errors import PolicyError
from supportpulse.policy import Policy

POLICY_KEY: Final = b"\x00policy"
"""Key of the record; ticket keys hold a `|`."""


def checked(policy: Policy, value: bytes | None, now: int) -> bytes:
    """The record's value from now on, `value` being the old one; raises `PolicyError` if state was made under others.

    A version that begins in the future (`now`, ms) may be added; one that changed, is gone or is back-dated asks for a
    rebuild. To be called before the state is read: it may name versions that the policy no longer has.
    """
    current = [(version.valid_from_ms, version.digest) for version in policy.versions]
    known = [] if value is None else msgspec.msgpack.decode(value, type=list[tuple[int, str]])
    for position, version in enumerate(known):
        if position >= len(current) or current[position] != version:
            found = current[position][1] if position < len(current) else "no such version"
            raise _changed(policy, position, found, f"digest {version[1]}, under which the state was made")
    if known:
        for position, version in enumerate(current[len(known) :], len(known)):
            if version[0] <= now:
                raise _changed(policy, position, version[1], "a valid_from in the future")
    return msgspec.msgpack.encode(current)


def _changed(policy: Policy, position: int, found: str, valid: str) -> PolicyError:
    version = policy.versions[min(position, len(policy.versions) - 1)]
    rebuild = "; to judge the log under it all the same, start with a new --app-id: state is rebuilt from the log"
    return PolicyError(version.file, "digest", found, valid + rebuild)
