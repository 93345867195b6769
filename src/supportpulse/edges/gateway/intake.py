"""What a webhook is answered: the order of the checks, and what becomes of it."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

import msgspec

from supportpulse.edges.adapters.adapter import Delivery, Unknown
from supportpulse.edges.gateway.body import BadBody, Gone, Held, Receive, decoded, read_body
from supportpulse.edges.gateway.measures import Measures
from supportpulse.edges.gateway.payload import NotJson, parse, redacted
from supportpulse.edges.gateway.publisher import Message, Publishes
from supportpulse.edges.gateway.room import Room
from supportpulse.edges.gateway.roster import Roster, Station
from supportpulse.edges.gateway.signatures import Verdict, token_verdict
from supportpulse.edges.gateway.sources import Source
from supportpulse.edges.gateway.vendors import challenge
from supportpulse.envelope import encode, key_of
from supportpulse.errors import BrokerUnavailable
from supportpulse.events import TicketEvent
from supportpulse.names import Refusal

RETRY_AFTER_SECONDS = 10
"""What a 503 asks for: Zendesk honours up to 60."""
MOST_UNREAD_SECONDS = 300.0
"""How long a delivery holds its source that was turned away before anybody knew whether it was authentic."""
MOST_EVENTS = 1000
"""Of one delivery; more is a dead letter."""
NOT_JSON, ADAPTER_FAILED, TOO_MANY = "not_json", "adapter_failed", "too_many_events"

Headers = Sequence[tuple[bytes, bytes]]

logger = logging.getLogger(__name__)


class Answer(NamedTuple):
    """Status code, body, and the seconds after which to try again (0: none said)."""

    code: int
    body: bytes = b"{}"
    retry_after: int = 0
    media: bytes = b"application/json"


class Refused(Exception):
    """Turned away; `hold`: the vendor may come with it again, `body` being what it will send."""

    def __init__(self, code: int, reason: Refusal, *, retry_after: int = 0, hold: bool = False) -> None:
        super().__init__(reason.value)
        self.code, self.reason, self.retry_after, self.hold = code, reason, retry_after, hold


SAID = {
    400: b'{"error":"the body is no JSON"}',
    401: b'{"error":"not authentic"}',
    404: b'{"error":"no such source"}',
    408: b'{"error":"the body came too slowly"}',
    413: b'{"error":"too large"}',
    415: b'{"error":"content-encoding: valid: gzip, deflate"}',
    429: b'{"error":"too many requests"}',
    503: b'{"error":"not taken; try again"}',
}


class Intake:
    """Takes deliveries: 200 for events, 202 for a dead letter, both once Kafka has acknowledged; else as `SAID`."""

    def __init__(
        self, roster: Roster, publisher: Publishes, room: Room, measures: Measures, *, events: str, letters: str
    ) -> None:
        self._roster, self._publisher, self._room, self._measures = roster, publisher, room, measures
        self._events_topic, self._letters_topic = events, letters

    async def take(self, name: str, token: str, raw: Headers, receive: Receive) -> Answer:
        """Answer one request; `token` is the end of its path, `raw` its headers. Raises nothing."""
        station = self._roster.find(name)
        if station is None:
            self._measures.rejected("", Refusal.UNKNOWN_SOURCE)
            return Answer(404, SAID[404])
        began = time.perf_counter()
        station.counts.received.inc()
        answer = await self._counted(station, token, raw, receive)
        station.counts.answer.observe(time.perf_counter() - began)
        return answer

    async def _counted(self, station: Station, token: str, raw: Headers, receive: Receive) -> Answer:
        """The same, within the room and the time there is."""
        source, flight, now = station.source, station.flight, time.time()
        if not self._room.enter():
            return self._refuse(station, Refused(503, Refusal.OVERLOADED, hold=True), now, None)
        held, number = Held(self._room), flight.begin(now)
        visit = Visit(source, now)
        try:
            async with asyncio.timeout(source.answer_seconds):
                headers = {key.decode("latin-1"): value.decode("latin-1") for key, value in raw}
                return await self._work(station, visit, token, headers, receive, held)
        except Refused as refused:
            return self._refuse(station, refused, now, visit.wire)
        except BadBody as bad:
            hold = bad.code == 503
            return self._refuse(station, Refused(bad.code, Refusal(bad.reason), hold=hold), now, visit.wire)
        except TimeoutError:
            if visit.authentic:
                return self._refuse(station, Refused(503, Refusal.UNAVAILABLE, hold=True), now, visit.wire)
            return self._refuse(station, Refused(408, Refusal.SLOW), now, None)
        except BrokerUnavailable:
            return self._refuse(station, Refused(503, Refusal.UNAVAILABLE, hold=True), now, visit.wire)
        except Gone:
            return self._refuse(station, Refused(408, Refusal.GONE), now, None)
        except Exception as error:  # nobody foresaw it; its text may hold what no log may
            logger.error("source %s: a delivery failed with %s", source.name, type(error).__name__)
            return self._refuse(station, Refused(503, Refusal.FAILED, hold=visit.authentic), now, visit.wire)
        finally:
            flight.end(number)
            held.leave()

    async def _work(
        self,
        station: Station,
        visit: Visit,
        token: str,
        headers: dict[str, str],
        receive: Receive,
        held: Held,
    ) -> Answer:
        source = station.source
        wire = visit.wire = await read_body(receive, headers, source.max_body_bytes, held)
        body = self._authentic(source, wire, token, headers, visit.now, held)
        visit.authentic = True
        if wait := station.bucket.take():
            raise Refused(429, Refusal.RATE, retry_after=int(wait) + 1, hold=True)
        try:
            payload = parse(body)
        except NotJson as error:
            await self._letter(station, visit, headers, body, NOT_JSON, str(error))
            raise Refused(400, Refusal.NOT_JSON) from None
        if (greeting := challenge(source.vendor, payload)) is not None:
            return Answer(200, greeting.encode(), media=b"text/plain")
        try:
            events = self._adapted(source, payload, headers, visit.now)
        except Unknown as unknown:
            reason = await self._letter(station, visit, headers, body, unknown.reason, unknown.detail)
            return Answer(202, msgspec.json.encode({"events": 0, "dead_letter": reason}))
        if events:
            topic = self._events_topic
            await self._publisher.publish([Message(topic, key_of(one).encode(), encode(one)) for one in events])
            station.counts.events.inc(len(events))
        station.flight.landed(wire)
        return Answer(200, b'{"events":%d}' % len(events))

    @staticmethod
    def _authentic(
        source: Source, wire: bytes, token: str, headers: Mapping[str, str], now: float, held: Held
    ) -> bytes:
        """The decoded body, if whoever sent it knows a secret. Raises `Refused`, `BadBody`."""
        if source.scheme is None:
            verdict: Verdict = token_verdict(source.secrets, token or headers.get(source.token_header, ""))
            body = decoded(wire, headers, source.max_body_bytes, held) if verdict == "authentic" else wire
        else:
            # What was signed is the body before a proxy packed it, or as it came: nobody says which.
            body = decoded(wire, headers, source.max_body_bytes, held)
            verdict = source.scheme.verdict(source.secrets, body, headers, now, source.replay_window_seconds)
            if verdict == "signature" and body is not wire:
                verdict = source.scheme.verdict(source.secrets, wire, headers, now, source.replay_window_seconds)
        if verdict != "authentic":
            raise Refused(401, Refusal(verdict))
        return body

    @staticmethod
    def _adapted(source: Source, payload: Any, headers: Mapping[str, str], now: float) -> list[TicketEvent]:
        """The events of a payload. Raises `Unknown`, also for an adapter that fails as it must not."""
        delivery = Delivery(source.name, payload, datetime.fromtimestamp(now, UTC), headers, source.options)
        try:
            events = source.adapter(delivery)
        except Unknown:
            raise
        except Exception as error:  # a mistake of ours must cost no delivery; its text may hold the customer's
            logger.error("source %s: the %s adapter failed with %s", source.name, source.vendor, type(error).__name__)
            raise Unknown(ADAPTER_FAILED, type(error).__name__) from None
        if len(events) > MOST_EVENTS:
            raise Unknown(TOO_MANY, f"found {len(events)}; valid: at most {MOST_EVENTS}")
        return events

    async def _letter(
        self, station: Station, visit: Visit, headers: Mapping[str, str], body: bytes, reason: str, detail: str
    ) -> str:
        """Keep a body as a dead letter, redacted as the source wants it; returns the reason as it is counted."""
        source = station.source
        word = self._measures.word(reason)
        told = {
            "reason": word,
            "detail": detail[:1000],
            "source": source.name,
            "vendor": source.vendor,
            "received": datetime.fromtimestamp(visit.now, UTC).isoformat(),
            **{name: headers[name][:200] for name in source.kept_headers if name in headers},
        }
        noted = [(f"supportpulse-{name}", value.encode("utf-8", "replace")) for name, value in told.items()]
        letter = Message(self._letters_topic, source.name.encode(), redacted(body, source.redact), noted)
        await self._publisher.publish([letter])
        self._measures.dead_letter(source.name, word)
        station.flight.landed(visit.wire or b"")
        return word

    def _refuse(self, station: Station, refused: Refused, now: float, wire: bytes | None) -> Answer:
        """Count it, and hold the source's watermark for as long as the vendor may come with it again."""
        source = station.source
        self._measures.rejected(source.name, refused.reason)
        if refused.reason is Refusal.UNAVAILABLE:
            self._measures.publish_failures.inc()
        if refused.hold and source.retry_seconds:
            seconds = source.retry_seconds if wire is not None else min(source.retry_seconds, MOST_UNREAD_SECONDS)
            station.flight.refused(wire, now + seconds)
        retry = refused.retry_after or (RETRY_AFTER_SECONDS if refused.code == 503 else 0)
        return Answer(refused.code, SAID[refused.code], retry)


class Visit:
    """What is known of a delivery so far."""

    __slots__ = ("authentic", "now", "source", "wire")

    def __init__(self, source: Source, now: float) -> None:
        self.source, self.now = source, now
        self.wire: bytes | None = None
        self.authentic = False
