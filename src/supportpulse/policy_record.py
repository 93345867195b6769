"""What a partition's state was made under, policy files and time scale: records of its tickets changelog (law 9)."""

from __future__ import annotations

from typing import Final

import msgspec

from supportpulse.errors import ConfigError, PolicyError
from supportpulse.panes import FIVE_MINUTES
from supportpulse.policy import Policy

POLICY_KEY: Final = b"\x00policy"
SCALE_KEY: Final = b"\x00five-minutes"
"""Keys of the records; those of tickets hold a `|`, those of sources no NUL. Of scale 1 there is no record."""

_REBUILD = "start with a new --app-id: state is rebuilt from the log"


def checked(policy: Policy, value: bytes | None, now: int) -> bytes:
    """The record's value from now on, `value` being the old one; raises `PolicyError` if state was made under others.

    A version that begins in the future (`now`, ms) may be added; one that changed, is gone or is back-dated asks for a
    rebuild. To be called before the state is read: it may name versions that the policy no longer has.
    """
    current = [(version.valid_from_ms, version.digest) for version in policy.editions]
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
    editions = policy.editions
    version = editions[min(position, len(editions) - 1)]
    return PolicyError(version.file, "digest", found, f"{valid}; to judge the log under it all the same, {_REBUILD}")


def check_scale(five_minutes: int, value: bytes | None) -> None:
    """Raise `ConfigError` if panes were made with a "5m" of other ms: `value` is the record of a state, None without.

    Panes are told by their index, so those of two scales would be taken for one another.
    """
    known = FIVE_MINUTES if value is None else int(value)
    if known != five_minutes:
        raise ConfigError(
            f"SUPPORTPULSE_TIME_SCALE: found {five_minutes / FIVE_MINUTES:g}; valid: {known / FIVE_MINUTES:g}, under "
            f"which the state was made; for another, {_REBUILD}"
        )
