"""The compact history of a ticket: fixed-size entries whose byte order is their event order.

An entry is `>QQQQH`: time (ms), sequence, 64-bit id hash, facts, and one more than the position of its observation (0
= none). Observations are stored once each; a desk's no-op updates repeat them often.
"""

from __future__ import annotations

from collections.abc import Iterator
from struct import Struct
from typing import Final

from supportpulse.facts import Observation, Reading

ENTRY: Final = Struct(">QQQQH")
SIZE: Final = ENTRY.size
ID_AT: Final = 16
ORDER_SIZE: Final = 24
"""Bytes of an entry that order it: time, sequence and id."""

Entry = tuple[int, int, int, Observation]
"""time, id64, facts, observation: what a fold takes."""


def order_of(reading: Reading) -> bytes:
    """Where a reading sorts among entries: it is later than those whose first bytes are less."""
    return ENTRY.pack(reading.time, reading.sequence, reading.id64, 0, 0)[:ORDER_SIZE]


class History:
    """Entries in order, and the observations they point to."""

    __slots__ = ("entries", "observations", "text")

    def __init__(self, entries: bytes = b"", observations: list[Observation] | None = None) -> None:
        self.entries = entries
        self.observations: list[Observation] = [] if observations is None else observations
        self.text = sum(map(_text, self.observations))
        """Characters of all observed values: what makes a history big."""

    def __len__(self) -> int:
        return len(self.entries) // SIZE

    def find(self, id64: int) -> int:
        """Position of the entry with this id, or -1."""
        needle = id64.to_bytes(8, "big")
        at = self.entries.find(needle)
        while at >= 0:
            if at % SIZE == ID_AT:
                return at // SIZE
            at = self.entries.find(needle, at + 1)
        return -1

    def same(self, position: int, reading: Reading) -> bool:
        """Whether the entry at a position holds the same facts as a reading with its id."""
        time, sequence, _, facts, observed = ENTRY.unpack_from(self.entries, position * SIZE)
        observation = self.observations[observed - 1] if observed else ()
        return (time, sequence, facts, observation) == (
            reading.time, reading.sequence, reading.facts, reading.observation,
        )  # fmt: skip

    def pack(self, reading: Reading) -> bytes:
        """The entry of a reading; its observation is stored if new."""
        observed = 0
        observation = reading.observation
        if observation:
            observations = self.observations
            if observation in observations:
                observed = observations.index(observation) + 1
            else:
                observations.append(observation)
                self.text += _text(observation)
                observed = len(observations)
        return ENTRY.pack(reading.time, reading.sequence, reading.id64, reading.facts, observed)

    def place(self, entry: bytes) -> int:
        """Position at which an entry belongs."""
        entries = self.entries
        position = len(entries) // SIZE
        while position and entry < entries[(position - 1) * SIZE : position * SIZE]:
            position -= 1
        return position

    def insert(self, position: int, entry: bytes) -> None:
        """Put an entry at its position."""
        at = position * SIZE
        self.entries = self.entries[:at] + entry + self.entries[at:]

    def time_of(self, position: int) -> int:
        """Event time (ms) of the entry at a position."""
        return int.from_bytes(self.entries[position * SIZE : position * SIZE + 8], "big")

    def id_of(self, position: int) -> int:
        """Id hash of the entry at a position."""
        at = position * SIZE + ID_AT
        return int.from_bytes(self.entries[at : at + 8], "big")

    def __iter__(self) -> Iterator[Entry]:
        observations = self.observations
        for time, _, id64, facts, observed in ENTRY.iter_unpack(self.entries):
            yield time, id64, facts, observations[observed - 1] if observed else ()

    def without_first(self, count: int) -> History:
        """The history after its first `count` entries, with only the observations still needed."""
        kept = History()
        for time, sequence, id64, facts, observed in ENTRY.iter_unpack(self.entries[count * SIZE :]):
            observation = self.observations[observed - 1] if observed else ()
            reading = Reading("", time, sequence, id64, facts, observation)
            kept.entries += kept.pack(reading)
        return kept

    def remove(self, id64: int) -> None:
        """Take out the entry with this id, if there is one."""
        position = self.find(id64)
        if position >= 0:
            self.entries = self.entries[: position * SIZE] + self.entries[(position + 1) * SIZE :]


def _text(observation: Observation) -> int:
    size = 0
    for value in observation:
        if value.__class__ is str:
            size += len(value)
    return size
