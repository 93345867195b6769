"""All state of one source partition, and what one record after another does to it.

Pure and synchronous: records go in, and what has to be written comes out in `outbox`, `letters` and the dirty sets.
Between two records the state is whole, so a snapshot taken there is consistent.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, MutableMapping
from dataclasses import dataclass
from typing import Final, NamedTuple, Protocol

from supportpulse import codec, panes, record
from supportpulse.clock import NEVER, Plan
from supportpulse.errors import Rejected
from supportpulse.facts import Beat, Marker, ProbeSeen, Reading
from supportpulse.names import RECORD_TYPES, Reason
from supportpulse.outcome import Emission
from supportpulse.panes import FIVE_MINUTES, Panes, Windows
from supportpulse.policy_record import POLICY_KEY, SCALE_KEY, check_scale, checked
from supportpulse.reader import read
from supportpulse.tally import Shapes, Tally
from supportpulse.ticket import Plans, Ticket
from supportpulse.watermark import Sources
from supportpulse.wheel import Wheel

logger = logging.getLogger(__name__)

CACHED_TICKETS: Final = 20_000
"""Of a worker, in all its partitions: about 3.4 kB each with eight events under the model policy."""
OUTCOMES_A_RECORD: Final = 300
"""A late event of a long history may say thousands of things: more than one record of Kafka's default size holds."""


class Incoming(Protocol):
    """A record as it was consumed; `timestamp` is broker time in ms."""

    @property
    def key(self) -> bytes | None: ...
    @property
    def value(self) -> bytes | None: ...
    @property
    def offset(self) -> int: ...
    @property
    def timestamp(self) -> int: ...


class Letter(NamedTuple):
    """A record that was not admitted, as it came, and why."""

    incoming: Incoming
    reason: Reason
    detail: str


class Watcher(Protocol):
    """Who counts what happens, as `metrics.Metrics` does; every call is cheap."""

    def count(self, plan: Plan, said: Iterable[Emission], broker_ms: int, now_ms: int, ticket: str = "") -> None: ...
    def processed(self, records: int, kind: str = "event") -> None: ...
    def event_delays(self, delays_ms: Iterable[int]) -> None: ...
    def out_of_order(self, events: int = 1) -> None: ...
    def duplicate(self, events: int = 1) -> None: ...
    def rejected(self, reason: str) -> None: ...
    def probe_delay(self, ms: int) -> None: ...


@dataclass(frozen=True)
class Place:
    """Which partition of which topic, of how many; `owner` computes a key's right partition."""

    topic: str
    partition: int
    owner: Callable[[bytes], int]


class Partition:
    """`store` maps record keys to values, the bytes that the changelog holds; `five_minutes`: see `Panes`."""

    def __init__(
        self,
        place: Place,
        plans: Plans,
        shapes: Shapes,
        store: MutableMapping[bytes, bytes],
        pane_store: MutableMapping[bytes, bytes],
        sources: Sources,
        watcher: Watcher,
        max_future_ms: int,
        five_minutes: int = FIVE_MINUTES,
    ) -> None:
        self.place, self.plans, self.store, self.pane_store, self.sources = place, plans, store, pane_store, sources
        self.watcher = watcher
        self.max_future = max_future_ms
        self.five_minutes = five_minutes
        self._cause = f"{place.topic}-{place.partition}-"
        self.panes = Panes(five_minutes)
        self.windows = Windows()
        self.shapes = shapes
        self.tallies: dict[str, Tally] = {}
        """By source: how long its customers wait is known as far as it has told."""
        self.wheels: dict[str, Wheel] = {}
        self.live: dict[bytes, Ticket] = {}
        self.cached = CACHED_TICKETS
        """Above how many tickets objects are put out of memory."""
        self.changed: set[bytes] = set()
        """Tickets whose bytes are older than their object."""
        self.disarmed: set[bytes] = set()
        """Those of them that no wheel will wake before their bytes are new."""
        self.dirty: set[bytes] = set()
        """Keys whose bytes are newer than the changelog."""
        self.gone_panes: set[panes.Key] = set()
        self.outbox: list[tuple[bytes, bytes]] = []
        self.letters: list[Letter] = []
        self.marked: list[tuple[bytes, int]] = []
        """Tickets whose marker came back since this was last emptied, and by how many ms it came too early."""
        self.tickets = 0
        self.now = self.probed = -1
        self._delays: list[int] = []

    # -- restoring ----------------------------------------------------------------------------------------------------

    def restore(self, now: int) -> None:
        """Take over what the stores hold, at `now` (ms).

        Raises `PolicyError` if it was made under another policy, `ConfigError` if under another time scale.
        """
        self._check_scale()
        if self.check_policy(now):
            self._take_up_edits()
        by_source: dict[bytes, list[bytes]] = {}
        for key, value in self.store.items():
            source, bar, _ = key.partition(b"|")
            if not bar:
                if key not in (POLICY_KEY, SCALE_KEY):
                    self.sources.source(key.decode()).load(value)
                continue
            by_source.setdefault(source, []).append(value)
            due = codec.next_due_of(value)
            if due < NEVER:
                self._wheel(source.decode()).arm(key, due)
        for source, values in by_source.items():
            self.tickets += len(values)
            self._tally(source.decode()).load(values)
        for key, value in self.pane_store.items():
            self.panes.panes[panes.key_from(key)] = panes.decode(value)

    def check_policy(self, now: int) -> bool:
        """Note the policy's files in the log at `now` (ms); tells whether it was another one, without those added.

        Raises as `policy_record.checked` does.
        """
        old = self.store.get(POLICY_KEY)
        new = checked(self.plans.policy, old, now)
        if new != old:
            self.store[POLICY_KEY] = new
            self.dirty.add(POLICY_KEY)
        return old is not None and new != old

    def _take_up_edits(self) -> None:
        """Open tickets have to be asked when an edit that was added begins: their bytes do not say so yet."""
        edited = {plan.version.index for plan in self.plans.plans if plan.ahead[0][1] < NEVER}
        for key, value in list(self.store.items()):
            source, bar, _ = key.partition(b"|")
            if bar and codec.header_of(value).policy in edited:
                new = codec.encode(codec.decode(value, self.plans, source.decode()))
                if new != value:
                    self.store[key] = new
                    self.dirty.add(key)

    def _check_scale(self) -> None:
        if POLICY_KEY in self.store:
            check_scale(self.five_minutes, self.store.get(SCALE_KEY))
        elif self.five_minutes != FIVE_MINUTES:
            self.store[SCALE_KEY] = b"%d" % self.five_minutes
            self.dirty.add(SCALE_KEY)

    # -- records ------------------------------------------------------------------------------------------------------

    def take(self, records: Iterable[Incoming], now: int) -> None:
        """Fold records in offset order, at `now` (ms); never raises for bad input: see `letters`."""
        self.now = now
        counts = dict.fromkeys(RECORD_TYPES, 0)
        for incoming in records:
            try:
                counts[self._take(incoming)] += 1
            except Rejected as error:
                counts["event"] += 1
                self._reject(incoming, Reason(error.reason), error.detail)
            except Exception as error:  # a defect: it must neither stop the stream nor lose the record
                logger.exception("%s-%s offset %s", self.place.topic, self.place.partition, incoming.offset)
                counts["event"] += 1
                self._reject(incoming, Reason.FOLD_FAILED, f"{type(error).__name__}: {error}")
        for kind, count in counts.items():
            if count:
                self.watcher.processed(count, kind)
        self.watcher.event_delays(self._delays)
        self._delays.clear()

    def _reject(self, incoming: Incoming, reason: Reason, detail: str) -> None:
        self.letters.append(Letter(incoming, reason, detail))
        self.watcher.rejected(reason)

    def _take(self, incoming: Incoming) -> str:
        value, key = incoming.value, incoming.key
        if value is None:
            raise Rejected(Reason.NULL_VALUE, "found a record without a value; valid: a CloudEvents JSON object")
        if key is None:
            raise Rejected(Reason.NO_KEY, "found a record without a key; valid: source|ticket")
        reading = read(value)
        if reading.__class__ is Reading:
            self._fold(incoming, key, reading)
            return "event"
        if isinstance(reading, Marker):
            self._mark(incoming, key, reading)
            return "marker"
        if isinstance(reading, Beat):
            if reading.watermark > incoming.timestamp + self.max_future:
                raise self._ahead("data.watermark", reading.watermark, incoming)
            self.sources.hear(reading, incoming.timestamp)
            return "heartbeat"
        if isinstance(reading, ProbeSeen):
            if reading.time > incoming.timestamp + self.max_future:
                raise self._ahead("time", reading.time, incoming)
            self.watcher.probe_delay(self.now - reading.time)
            self.probed = max(self.probed, reading.time)
        return "probe"

    def _ahead(self, field: str, time: int, incoming: Incoming) -> Rejected:
        ahead, valid = (time - incoming.timestamp) // 1000, self.max_future // 1000
        return Rejected(Reason.FUTURE_TIME, f"{field}: found {ahead} s ahead of the broker; valid: {valid} s at most")

    def _fold(self, incoming: Incoming, key: bytes, reading: Reading) -> None:
        if key != reading.key.encode():
            raise _mismatch(key, reading.key)
        if reading.time > incoming.timestamp + self.max_future:
            raise self._ahead("time", reading.time, incoming)
        ticket = self._ticket(key)
        if ticket is None:
            right = self.place.owner(key)
            if right != self.place.partition:
                raise Rejected(
                    Reason.WRONG_PARTITION,
                    f"found in partition {self.place.partition}; valid: {right}, by murmur2 of the key",
                )
            ticket = Ticket(self.plans, reading.key.partition("|")[0])
        elif incoming.offset <= ticket.offset:
            return
        try:
            said = ticket.admit(reading)
        except Rejected:
            raise
        except Exception as error:
            ticket.forget(reading.id64)
            raise Rejected(Reason.FOLD_FAILED, f"ticket {reading.key}: {type(error).__name__}: {error}") from error
        if said is None:
            self.watcher.duplicate()
            return
        self._delays.append(self.now - reading.time)
        if ticket.late:
            self.watcher.out_of_order()
        self._changed_by(incoming, key, ticket, said)

    def _mark(self, incoming: Incoming, key: bytes, marker: Marker) -> None:
        if key != marker.key.encode():  # before the key is looked up: the store holds more than tickets
            raise _mismatch(key, marker.key)
        ticket = self._ticket(key)
        if ticket is None:
            return
        if incoming.offset > ticket.offset:
            as_of = ticket.fold.as_of
            try:
                said = ticket.mark(min(marker.at, incoming.timestamp))
            except Exception as error:
                ticket.fold_afresh(as_of)
                raise Rejected(Reason.FOLD_FAILED, f"ticket {marker.key}: {type(error).__name__}: {error}") from error
            self._changed_by(incoming, key, ticket, said)
        early = marker.at - incoming.timestamp
        self.marked.append((key, early if early > 0 and ticket.next_due() <= marker.at else 0))

    def _ticket(self, key: bytes) -> Ticket | None:
        ticket = self.live.get(key)
        if ticket is None:
            value = self.store.get(key)
            if value is None:
                return None
            ticket = self.live[key] = codec.decode(value, self.plans, _source(key))
        return ticket

    def _changed_by(self, incoming: Incoming, key: bytes, ticket: Ticket, said: list[Emission]) -> None:
        offset = incoming.offset
        ticket.offset = offset
        self.live[key] = ticket
        self.changed.add(key)
        if not said:
            return
        plan = ticket.fold.plan
        text = key.decode()
        cause = f"{self._cause}{offset}"
        for at in range(0, len(said), OUTCOMES_A_RECORD):
            told = record.encode(text, plan, said[at : at + OUTCOMES_A_RECORD], cause)
            if told is not None:
                self.outbox.append((key, told))
        broker = incoming.timestamp
        added = self.panes.apply(offset, panes.deltas(said, plan.version.index, plan.labels), broker)
        if added:
            self.windows.add(added)
        self.watcher.count(plan, said, broker, self.now, text)

    # -- bytes --------------------------------------------------------------------------------------------------------

    def settle(self) -> None:
        """Bring the store, the tally and the wheels up to the objects."""
        store = self.store
        for key in self.changed:
            ticket, source = self.live[key], _source(key)
            old = store.get(key)
            new = store[key] = codec.encode(ticket)
            self._tally(source).replace(old, new)
            if old is None:
                self.tickets += 1
            due = codec.next_due_of(new)
            if due < NEVER and (old is None or codec.next_due_of(old) != due or key in self.disarmed):
                self._wheel(source).arm(key, due)
        self.dirty |= self.changed
        self.changed.clear()
        self.disarmed.clear()
        if len(self.live) > self.cached:
            for key in list(self.live)[: len(self.live) - self.cached // 2]:
                del self.live[key]

    def due(self, now: int, limit: int) -> Iterator[tuple[bytes, int]]:
        """At most `limit` tickets whose next deadline their source's watermark has passed, with the marker's `at` (ms).

        The watermark itself has not been delivered, so a marker says one millisecond less; nothing later than `now`
        is decided, however far a source claims to be. No source takes more than
        its share of the limit: an import that has much to decide does not hold up what is live.
        """
        share = -(-limit // max(len(self.wheels), 1))
        for name, wheel in self.wheels.items():
            watermark = self.told_until(name, now)
            passed = wheel.pass_to(watermark, min(share, limit))
            limit -= len(passed)
            for key in passed:
                yield key, watermark - 1
            wheel.compact(self.tickets)

    def rearm(self, key: bytes) -> None:
        """Wake a ticket again for its next deadline, whatever became of the last marker."""
        if key in self.changed:  # its bytes still say the deadline that the marker has just decided
            self.disarmed.add(key)
            return
        value = self.store.get(key)
        if value is not None:
            self._wheel(_source(key)).arm(key, codec.next_due_of(value))

    def expire(self, now: int) -> None:
        """Drop panes that are no longer kept at broker time `now` (ms)."""
        self.gone_panes.update(self.panes.expire(now))

    def told_until(self, source: str, now: int) -> int:
        """Until when (ms) it is known what happened to a source's tickets, `now` at the latest."""
        return min(self.sources.status(source, now).watermark, now)

    def told(self, now: int) -> Iterator[tuple[Tally, int]]:
        """Each source's tally, with until when (ms) it holds."""
        for source, tally in self.tallies.items():
            yield tally, self.told_until(source, now)

    def _tally(self, source: str) -> Tally:
        tally = self.tallies.get(source)
        if tally is None:
            tally = self.tallies[source] = Tally(self.shapes)
        return tally

    def _wheel(self, source: str) -> Wheel:
        wheel = self.wheels.get(source)
        if wheel is None:
            wheel = self.wheels[source] = Wheel(self._due_of)
        return wheel

    def _due_of(self, key: bytes) -> int:
        value = self.store.get(key)
        return NEVER if value is None else codec.next_due_of(value)


def _source(key: bytes) -> str:
    return key.partition(b"|")[0].decode()


def _mismatch(key: bytes, valid: str) -> Rejected:
    found = key[:200].decode(errors="replace")
    return Rejected(Reason.KEY_MISMATCH, f"key: found {found!r}; valid: {valid[:200]!r}")
