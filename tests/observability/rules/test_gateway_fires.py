"""The gateway: what it does not take or cannot pass on is told."""

from __future__ import annotations

from exported import Gateway, Over, since
from situation import Situation, fires, situation

ONE = {"instance": "10.0.0.9:9466", "job": "supportpulse-gateway"}
ANOTHER = "10.0.0.8:9466"
WEEK = 7 * 24 * 60


def gateway(minutes: int, **told: object) -> Situation:
    """One gateway beside two workers that are well."""
    return Situation(minutes, gateways=(Gateway(**told),))  # type: ignore[arg-type]


def until(minute: int) -> Over:
    """Acknowledged all the time, but for what comes after a minute."""
    return lambda now: min(now, minute) * 60


@situation
def test_the_only_gateway_gone_pages() -> Situation:
    """It does not answer for ten minutes; then all is well."""
    return (
        gateway(25, alive=lambda minute: not 5 <= minute < 15)
        .at(4)
        .at(6)
        .at(10, fires("SlaGatewayAbsent"), fires("SlaGatewayDown", **ONE))
        .at(16)
    )


@situation
def test_a_gateway_that_prometheus_no_longer_finds_pages_for_a_day() -> Situation:
    """It is gone from the name server, so there is no target that is down; after a day it was taken away on purpose."""
    gone = Gateway(alive=lambda minute: minute < 60, listed=lambda minute: minute < 60)
    return (
        Situation(27 * 60, 20, gateways=(gone,))
        .at(60)
        .at(100, fires("SlaGatewayAbsent"))
        .at(24 * 60, fires("SlaGatewayAbsent"))
        .at(27 * 60)
        .spares("SlaGatewayDown")
    )


@situation
def test_a_gateway_that_is_down_is_named() -> Situation:
    """Another one goes on taking deliveries, but the sources' deadlines wait for this one's heartbeats."""
    gone = Gateway(alive=lambda minute: minute < 5)
    return (
        Situation(15, gateways=(gone, Gateway(ANOTHER)))
        .at(6)
        .at(15, fires("SlaGatewayDown", **ONE))
        .spares("SlaGatewayAbsent")
    )


@situation
def test_a_gateway_without_kafka_pages_once() -> Situation:
    """The broker is gone: no producer, nothing acknowledged, deliveries turned away. One page, and what it costs."""
    away = {"connected": lambda minute: int(not 5 <= minute < 25), "unavailable": lambda minute: max(0, minute - 5)}
    return (
        gateway(30, **away, acknowledged=lambda minute: (5 if 5 <= minute < 25 else minute) * 60)
        .at(6, fires("SlaGatewayTurnsAway", "1", source="desk", reason="unavailable"))
        .at(20, fires("SlaGatewayDisconnected", **ONE),
            fires("SlaGatewayTurnsAway", "15", source="desk", reason="unavailable"))
        .at(27, fires("SlaGatewayTurnsAway", "15", source="desk", reason="unavailable"))
        .spares("SlaGatewayUnacknowledged")
    )  # fmt: skip


@situation
def test_a_kafka_that_takes_nothing_pages_on_a_quiet_desk() -> Situation:
    """Too few replicas in sync: the gateway is connected, but not even heartbeats are acknowledged."""
    return (
        gateway(20, acknowledged=until(5))
        .at(7)
        .at(10, fires("SlaGatewayUnacknowledged", **ONE))
        .spares("SlaGatewayDisconnected")
    )  # fmt: skip


@situation
def test_a_kafka_that_takes_nothing_pages_though_every_source_is_held() -> Situation:
    """What was refused holds its source, so no heartbeat is sent; deliveries say it then."""
    return (
        gateway(20, acknowledged=until(5), held=since(6), unavailable=lambda minute: max(0, minute - 5))
        .at(20, fires("SlaGatewayUnacknowledged", **ONE), fires("SlaGatewaySourceHeld", source="desk"),
            fires("SlaGatewayTurnsAway", "15", source="desk", reason="unavailable"))
    )  # fmt: skip


@situation
def test_a_connection_that_comes_and_goes_pages() -> Situation:
    """Each producer dies before anything is acknowledged; one of the two alerts fires, and goes on firing."""
    return (
        gateway(30, acknowledged=until(5), connected=lambda minute: int(minute < 5 or minute % 2))
        .at(10, fires("SlaGatewayUnacknowledged", **ONE))
        .at(11, fires("SlaGatewayUnacknowledged", **ONE))
        .at(30, fires("SlaGatewayUnacknowledged", **ONE))
        .spares("SlaGatewayDisconnected")
    )


@situation
def test_a_source_that_stays_held_is_named_once() -> Situation:
    """A delivery was refused for which its vendor takes half an hour; two gateways know of it."""
    held = {"held": since(5)}
    two = (Gateway(**held), Gateway(ANOTHER, **held))  # type: ignore[arg-type]
    return Situation(20, gateways=two).at(9).at(15, fires("SlaGatewaySourceHeld", source="desk"))


@situation
def test_a_secret_that_was_changed_at_the_helpdesk_is_told_of() -> Situation:
    """From one minute on no delivery is authentic: it is told after the fifth, and is over when they are forgotten."""
    forged = lambda minute: max(0, min(minute, 90) - 30) // 3  # noqa: E731
    return (
        gateway(240, forged=forged)
        .at(42)
        .at(60, fires("SlaGatewaySignaturesRejected", "10", source="desk"))
        .at(120, fires("SlaGatewaySignaturesRejected", "10", source="desk"))
        .at(240)
    )


@situation
def test_a_secret_that_was_changed_is_told_of_on_a_quiet_desk_too() -> Situation:
    """Two deliveries an hour: never five in one hour, but more than half of six. Over two hours after the last."""
    quiet = Gateway(received=lambda minute: minute // 30, forged=lambda minute: max(0, min(minute, 480) - 120) // 30)
    return (
        Situation(640, 10, gateways=(quiet,))
        .at(240)
        .at(450, fires("SlaGatewaySignaturesRejected", "11", source="desk"))
        .at(640)
    )


@situation
def test_a_delivery_that_is_turned_away_is_told_of() -> Situation:
    """One is enough: its helpdesk may never send it again."""
    return (
        gateway(40, unavailable=since(10))
        .at(9)
        .at(12, fires("SlaGatewayTurnsAway", "1", source="desk", reason="unavailable"))
        .at(30)
        .spares("SlaGatewayDisconnected", "SlaGatewayUnacknowledged", "SlaGatewaySourceHeld")
    )


@situation
def test_webhooks_that_are_no_events_are_told_of_by_reason() -> Situation:
    """Somebody ticked a box at the helpdesk that nobody reads: the first already counts, and two gateways are one."""
    letters = {"letters": lambda minute: max(0, minute - 10)}
    two = (Gateway(**letters), Gateway(ANOTHER, **letters))  # type: ignore[arg-type]
    return (
        Situation(30, gateways=two)
        .at(10)
        .at(11, fires("SlaGatewayDeadLetters", "2", source="desk", reason="event"))
        .at(30, fires("SlaGatewayDeadLetters", "30", source="desk", reason="event"))
    )


@situation
def test_a_mistake_in_the_sources_is_told_of_until_it_is_mended() -> Situation:
    """The gateway goes on with what it had."""
    return (
        gateway(40, refused=lambda minute: int(5 <= minute < 20))
        .at(9)
        .at(15, fires("SlaGatewayConfigurationRefused", **ONE))
        .at(20)
    )


@situation
def test_a_helpdesk_that_falls_silent_is_named() -> Situation:
    """In each of four weeks these hours brought 120 events; for six hours there was none."""
    until_now = 4 * WEEK + 24 * 60
    return (
        Situation(until_now + 720, 180, gateways=(Gateway(events=lambda minute: min(minute, until_now) // 3),))
        .at(until_now)
        .at(until_now + 720, fires("SlaGatewaySourceSilent", "120", source="desk"))
    )
