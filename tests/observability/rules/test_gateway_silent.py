"""The gateway: restarts, broken brokers that mend and strangers at the door are its daily life, and no alert."""

from __future__ import annotations

from exported import Gateway, since
from situation import Situation, situation

WEEK = 7 * 24 * 60
ALL = (
    "SlaGatewayAbsent", "SlaGatewayDown", "SlaGatewayDisconnected", "SlaGatewayUnacknowledged", "SlaGatewaySourceHeld",
    "SlaGatewaySignaturesRejected", "SlaGatewayTurnsAway", "SlaGatewayDeadLetters", "SlaGatewayConfigurationRefused",
    "SlaGatewaySourceSilent",
)  # fmt: skip


@situation
def test_a_restart_of_the_only_gateway_is_no_alarm() -> Situation:
    """Away for a minute; then its counters begin anew, and it connects within another minute."""

    def again(before: int) -> object:
        return lambda minute: before if minute < 10 else 0

    restarted = Gateway(
        alive=lambda minute: minute != 10,
        connected=lambda minute: int(minute != 11),
        acknowledged=lambda minute: minute * 60 if minute != 11 else 0,
        received=lambda minute: minute // 3 if minute < 10 else (minute - 10) // 3,
        events=lambda minute: minute // 3 if minute < 10 else (minute - 10) // 3,
        forged=again(40),  # type: ignore[arg-type]
        unavailable=again(7),  # type: ignore[arg-type]
        letters=again(5),  # type: ignore[arg-type]
    )
    situation = Situation(40, gateways=(restarted,))
    for minute in (9, 10, 11, 12, 13, 15, 20, 30, 40):
        situation.at(minute)
    return situation.spares(*ALL)


@situation
def test_a_gateway_that_starts_elsewhere_is_no_alarm() -> Situation:
    """One is moved to another host: for a minute it has no connection there and has acknowledged nothing."""
    old = Gateway(alive=lambda minute: minute < 10, listed=lambda minute: minute < 10)
    new = Gateway(
        "10.0.0.8:9466",
        alive=lambda minute: minute >= 10,
        listed=lambda minute: minute >= 10,
        connected=lambda minute: int(minute > 10),
        acknowledged=lambda minute: minute * 60 if minute > 10 else 0,
    )
    situation = Situation(20, gateways=(old, new))
    for minute in (9, 10, 11, 12, 13, 15, 20):
        situation.at(minute)
    return situation.spares("SlaGatewayDisconnected", "SlaGatewayUnacknowledged", "SlaGatewayDown", "SlaGatewayAbsent")


@situation
def test_a_desk_without_a_gateway_is_no_alarm() -> Situation:
    """Its events come from elsewhere: nothing was ever there to be absent."""
    return Situation(30).at(5).at(30).spares("SlaGatewayAbsent")


@situation
def test_a_broker_that_is_restarted_is_no_alarm() -> Situation:
    """For three minutes nothing is acknowledged; nothing was delivered meanwhile."""
    return (
        Situation(30, gateways=(Gateway(acknowledged=lambda minute: (9 if 9 <= minute < 13 else minute) * 60),))
        .at(10).at(11).at(12).at(13).at(20)
        .spares("SlaGatewayUnacknowledged", "SlaGatewayDisconnected")
    )  # fmt: skip


@situation
def test_a_gateway_whose_sources_are_all_held_says_so_and_no_more() -> Situation:
    """No heartbeats are sent, so nothing is acknowledged; that is no trouble of Kafka's."""
    held = Gateway(
        held=lambda minute: int(5 <= minute < 10), acknowledged=lambda minute: (5 if 5 <= minute < 10 else minute) * 60
    )
    return (
        Situation(20, gateways=(held,))
        .at(7).at(8).at(9).at(10).at(12)
        .spares("SlaGatewayUnacknowledged", "SlaGatewaySourceHeld")
    )  # fmt: skip


@situation
def test_a_few_forged_deliveries_are_no_alarm() -> Situation:
    """Two in a quiet night; then five an hour from a stranger, beside a hundred that are authentic."""
    quiet = Gateway(received=lambda minute: minute // 60, forged=since(30, then=2))
    busy = Gateway("10.0.0.8:9466", "shop", received=lambda minute: minute * 2, forged=lambda minute: minute // 12)
    situation = Situation(400, 5, gateways=(quiet, busy))
    for minute in range(20, 401, 20):
        situation.at(minute)
    return situation.spares("SlaGatewaySignaturesRejected")


@situation
def test_a_file_that_is_saved_half_is_no_alarm() -> Situation:
    """An admin edits the sources: for two minutes they make no sense."""
    return (
        Situation(20, gateways=(Gateway(refused=lambda minute: int(5 <= minute < 7)),))
        .at(5).at(6).at(12)
        .spares("SlaGatewayConfigurationRefused")
    )  # fmt: skip


@situation
def test_a_helpdesk_that_was_as_silent_in_another_week_is_no_alarm() -> Situation:
    """One of four weeks had a holiday in these hours."""
    now = 4 * WEEK + 24 * 60

    def events(minute: int) -> int:
        holiday = min(max(0, minute - 2 * WEEK), 24 * 60 * 2)
        return (min(minute, now) - holiday) // 3

    return Situation(now + 720, 180, gateways=(Gateway(events=events),)).at(now + 720).spares("SlaGatewaySourceSilent")


@situation
def test_a_new_helpdesk_that_is_silent_at_first_is_no_alarm() -> Situation:
    """Nobody knows yet what is usual there."""
    silent = Gateway(events=lambda minute: min(minute, WEEK) // 3)
    return Situation(WEEK + 720, 180, gateways=(silent,)).at(WEEK + 720).spares("SlaGatewaySourceSilent")
