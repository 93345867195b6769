"""Alerts on the gateway: what it does not take, or cannot pass on, the clocks never hear of.

A desk without a gateway raises none of them. A restart raises none either: in each, something has to last.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from supportpulse.alerting.alert import VALUE, Alert, health_alert
from supportpulse.alerting.tuning import MINUTE
from supportpulse.names import DEADLETTER_TOPIC, REASON, SOURCE, GatewayMetric, Refusal

JOB = 'job="supportpulse-gateway"'
BOARD = "supportpulse-gateway"
SILENT_SECONDS = 120
"""Heartbeats are acknowledged every 5 s: nothing good takes as long as this."""
FORGED = f'{REASON}=~"{Refusal.SIGNATURE}|{Refusal.STALE}"'
"""Of those who sent it, or of the secret: with a wrong one nothing of a helpdesk is authentic any more."""
OURS = f'{REASON}=~"{Refusal.UNAVAILABLE}|{Refusal.OVERLOADED}|{Refusal.RATE}|{Refusal.FAILED}"'
"""Nothing is wrong with what was sent."""
EXPECTED_EVENTS = 10
"""Events in 6 h that each of four weeks must have exceeded for none at all to be strange."""
ADDRESS = "http://{{ $labels.instance }}"
GATEWAY = "http://GATEWAY:9466"
"""Where no label names one: any."""
NUMBER = f"{{{{ {VALUE} | humanize }}}}"

_alert = partial(health_alert, BOARD)


def gateway() -> Iterator[Alert]:
    """All of them, in the order of the runbook."""
    yield _alert(
        "SlaGatewayAbsent", "critical", 40, (), 2 * MINUTE,
        f"absent(up{{{JOB}}} == 1)\nand on () count_over_time(up{{{JOB}}}[1d])",
        "No gateway answers",
        "There was one in the last day, now Prometheus reaches none: webhooks go nowhere, and some helpdesks send "
        "them only once.",
        f"curl -s {GATEWAY}/readyz",
    )  # fmt: skip
    yield _alert(
        "SlaGatewayDown", "warning", 40, ("instance",), 2 * MINUTE,
        f"1 - up{{{JOB}}} == 1",
        "The gateway {{ $labels.instance }} does not answer",
        "Until it is back under the same --instance, the deadlines of all its sources are held.",
        f"curl -s {ADDRESS}/healthz",
    )  # fmt: skip
    connected = f"max_over_time({GatewayMetric.CONNECTED}[2m])"
    yield _alert(
        "SlaGatewayDisconnected", "critical", 41, ("instance",), MINUTE,
        f"1 - {connected} == 1",
        "The gateway {{ $labels.instance }} has no connection to Kafka",
        "It answers every delivery with 503, and sends no heartbeats: deadlines are held.",
        f"curl -s {ADDRESS}/readyz",
    )  # fmt: skip
    yield _alert(
        "SlaGatewayUnacknowledged", "critical", 42, ("instance",), MINUTE,
        f"(time() - {GatewayMetric.ACKNOWLEDGED} > {SILENT_SECONDS})\n"
        f"and on (instance) (\n"
        f"  min by (instance) ({GatewayMetric.HELD}) == 0\n"
        f"  or on (instance) increase({GatewayMetric.PUBLISH_FAILURES}[5m]) > 0\n"
        f")\n"
        f"unless on (instance) {connected} == 0",
        "Kafka acknowledges nothing to the gateway {{ $labels.instance }}",
        f"Neither a delivery nor a heartbeat for {SILENT_SECONDS // 60} minutes and more, though it is connected: "
        "deliveries are answered with 503, deadlines are held.",
        f"curl -s {ADDRESS}/readyz",
    )  # fmt: skip
    yield _alert(
        "SlaGatewaySourceHeld", "warning", 43, (SOURCE,), 5 * MINUTE,
        f"max by ({SOURCE}) ({GatewayMetric.HELD}) > 0",
        "{{ $labels.source }} is held: a delivery that was refused has not come again",
        "No heartbeat is sent for it, so its deadlines are held, until the delivery has come or its vendor has given "
        "up.",
        f"curl -s {GATEWAY}/metrics | grep {GatewayMetric.HELD}",
    )  # fmt: skip
    yield _alert(
        "SlaGatewaySignaturesRejected", "warning", 44, (SOURCE,), 0,
        f"({_few_of_many('1h', 0.1)})\n"
        f"or\n"
        f"({_few_of_many('6h', 0.5)}\nand on ({SOURCE}) {_grown(GatewayMetric.REJECTED, '2h', FORGED)} > 0)",
        "Deliveries for {{ $labels.source }} are not authentic",
        f"{NUMBER} with a wrong signature or token, or signed too long ago: too many of all that came.",
        f"curl -s {GATEWAY}/metrics | grep {GatewayMetric.REJECTED}",
    )  # fmt: skip
    yield _alert(
        "SlaGatewayTurnsAway", "warning", 45, (SOURCE, REASON), 0,
        f"sum by ({SOURCE}, {REASON}) (increase({GatewayMetric.REJECTED}{{{OURS}}}[15m])) > 0",
        "Deliveries of {{ $labels.source }} are turned away: {{ $labels.reason }}",
        f"{NUMBER} in 15 minutes, with which nothing was wrong. Helpdesks that never send twice have lost them: "
        "reconcile.",
        f"curl -s {GATEWAY}/readyz",
    )  # fmt: skip
    yield _alert(
        "SlaGatewayDeadLetters", "warning", 46, (SOURCE, REASON), 0,
        f"sum by ({SOURCE}, {REASON}) (increase({GatewayMetric.DEAD_LETTERS}[15m])) > 0",
        "Webhooks of {{ $labels.source }} are no events: {{ $labels.reason }}",
        f"{NUMBER} authentic deliveries became dead letters in 15 minutes; nothing is lost, but they count nowhere.",
        "kafka-console-consumer.sh --bootstrap-server KAFKA:9092 --from-beginning --timeout-ms 10000 "
        f"--property print.headers=true --property print.value=false --topic {DEADLETTER_TOPIC}",
    )  # fmt: skip
    yield _alert(
        "SlaGatewayConfigurationRefused", "warning", 47, ("instance",), 5 * MINUTE,
        f"{GatewayMetric.CONFIGURATION_REFUSED} == 1",
        "The gateway {{ $labels.instance }} goes on with old sources",
        "Its sources file, or a file it names, has a mistake: changes do not count, and a restart would not start.",
        f"curl -s {ADDRESS}/metrics | grep {GatewayMetric.RELOAD_FAILURES}",
    )  # fmt: skip
    weeks = [_grown(GatewayMetric.EVENTS, "6h", back=f" offset {week}w") for week in range(1, 5)]
    yield _alert(
        "SlaGatewaySourceSilent", "warning", 48, (SOURCE,), 15 * MINUTE,
        f" > {EXPECTED_EVENTS}\nand on ({SOURCE}) ".join((*weeks, f"{_grown(GatewayMetric.EVENTS, '6h')} == 0")),
        "{{ $labels.source }} has sent nothing in 6 hours",
        f"In each of the last four weeks these hours brought more than {EXPECTED_EVENTS} events, {NUMBER} in the last. "
        "Perhaps its webhook is switched off.",
        f"curl -s {GATEWAY}/metrics | grep {GatewayMetric.RECEIVED}",
    )  # fmt: skip


def _few_of_many(window: str, share: float) -> str:
    """At least five that are not authentic, and more than a share of all that came."""
    forged = _grown(GatewayMetric.REJECTED, window, FORGED)
    return (
        f"{forged} >= 5\nand on ({SOURCE}) {forged} > on ({SOURCE}) "
        f"{share:g} * {_grown(GatewayMetric.RECEIVED, window)}"
    )


def _grown(family: GatewayMetric, window: str, chosen: str = "", back: str = "") -> str:
    return f"sum by ({SOURCE}) (increase({family}{f'{{{chosen}}}' if chosen else ''}[{window}]{back}))"
