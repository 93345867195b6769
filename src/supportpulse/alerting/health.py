"""Alerts on the pipeline itself: a breach is the absence of an event, so a pipe that stalls looks like perfect support.

Their limits are those of the machinery and are not scaled with the windows.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from supportpulse.alerting.alert import VALUE, Alert, health_alert
from supportpulse.alerting.level import BY_CLOCK, Shape
from supportpulse.alerting.recording import series
from supportpulse.alerting.tuning import MINUTE
from supportpulse.names import CLOCK, DEADLETTER_TOPIC, PARTITION, REASON, SOURCE, Metric

JOB = 'job="supportpulse"'
PIPELINE = "supportpulse-pipeline"
LATE_SECONDS = 120
"""A sweep every second and a probe every 15 s: nothing good takes as long as this."""
EXPECTED_CLOSES = 20
"""Closes in 6 h that other weeks must have had for none at all to be strange."""
ADDRESS = "http://{{ $labels.instance }}"
WORKER = "http://WORKER:9464"
"""Where no label names one: any."""
NUMBER = f"{{{{ {VALUE} | humanize }}}}"
AGE = f"{{{{ {VALUE} | humanizeDuration }}}}"

_pipe = partial(health_alert, PIPELINE)


def health(shape: Shape) -> Iterator[Alert]:
    """All of them, in the order of the runbook."""
    working = f"on (instance) ({Metric.WORKER_PARTITIONS} > 0)"
    restored = f"on (instance) ({Metric.WORKER_RECOVERING} == 1)"
    yield _pipe(
        "SlaDeadlineSweepStalled", "critical", 20, ("instance",), MINUTE,
        f"(time() - {Metric.DEADLINE_SWEEP} > {LATE_SECONDS})\nand {working}\nunless {restored}",
        "Deadlines are not looked at on {{ $labels.instance }}",
        f"The last sweep was {AGE} ago. No breach is raised meanwhile: boards stay green whatever happens.",
        f"curl -s {ADDRESS}/healthz",
    )  # fmt: skip
    yield _pipe(
        "SlaProbeLate", "critical", 21, ("instance",), MINUTE,
        f"(time() - {Metric.PROBE} > {LATE_SECONDS})\nand {working}\nunless {restored}",
        "Nothing comes through the pipe of {{ $labels.instance }}",
        f"The last probe that came back was sent {AGE} ago; a worker sends one every 15 s through its own partitions.",
        f"curl -s {ADDRESS}/healthz",
    )  # fmt: skip
    yield _pipe(
        "SlaWorkerAbsent", "critical", 22, (), MINUTE,
        f"absent(up{{{JOB}}} == 1)",
        "No worker answers",
        "Prometheus reaches no worker: no clock is watched, and all SLA alerts are blind.",
        f"curl -s {WORKER}/healthz",
    )  # fmt: skip
    yield _pipe(
        "SlaWorkerDown", "warning", 22, ("instance",), 2 * MINUTE,
        f"1 - up{{{JOB}}} == 1",
        "{{ $labels.instance }} does not answer",
        "A worker that Prometheus knows of gives no /metrics; the others take its partitions over.",
        f"curl -s {ADDRESS}/healthz",
    )  # fmt: skip
    lag = Metric.CONSUMER_LAG
    yield _pipe(
        "SlaConsumerStuck", "critical", 23, ("instance", PARTITION), 5 * MINUTE,
        f"min_over_time({lag}[15m]) > 0\nand min_over_time({lag}[5m]) >= max_over_time({lag}[5m] offset 10m)",
        "Partition {{ $labels.partition }} is not read on",
        f"For 15 minutes there were always records to read, {NUMBER} at least, and they do not become fewer.",
        f"curl -s {ADDRESS}/healthz",
    )  # fmt: skip
    yield _pipe(
        "SlaPartitionsOrphaned", "critical", 24, (), 2 * MINUTE,
        f"max({Metric.TOPIC_PARTITIONS}) > sum({Metric.WORKER_PARTITIONS})\n"
        f"unless on () {Metric.WORKER_RECOVERING} == 1",
        "Some partitions belong to no worker",
        f"The topic has {NUMBER} partitions and the workers own fewer: the tickets of the rest are not watched.",
        "supportpulse topics verify --bootstrap KAFKA:9092",
    )  # fmt: skip
    yield _pipe(
        "SlaRecoverySlow", "critical", 25, ("instance",), 5 * MINUTE,
        f"{Metric.WORKER_RECOVERING} == 1",
        "{{ $labels.instance }} is still restoring its state",
        "A million tickets take seconds; until it is done, its partitions raise no alert.",
        f"curl -s {ADDRESS}/healthz",
    )  # fmt: skip
    yield _pipe(
        "SlaRebalanceStorm", "warning", 26, ("instance",), 0,
        f"increase({Metric.WORKER_REBALANCES}[15m]) > 6",
        "Partitions keep moving to and from {{ $labels.instance }}",
        f"{NUMBER} rebalances in 15 minutes: workers come and go, or miss their heartbeats.",
        f"curl -s {ADDRESS}/healthz",
    )  # fmt: skip
    yield _pipe(
        "SlaEventsRejected", "warning", 27, (REASON,), 0,
        f"sum by ({REASON}) (increase({Metric.EVENTS_REJECTED}[15m])) > 0",
        "Events are rejected: {{ $labels.reason }}",
        f"{NUMBER} records became dead letters in 15 minutes; nothing is lost, but they count nowhere.",
        "kafka-console-consumer.sh --bootstrap-server KAFKA:9092 --from-beginning --timeout-ms 10000 "
        f"--property print.headers=true --topic {DEADLETTER_TOPIC}",
    )  # fmt: skip
    yield _pipe(
        "SlaStreamHole", "warning", 28, ("instance",), 0,
        f"increase({Metric.STREAM_HOLES}[15m]) > 0",
        "Offsets are missing in what {{ $labels.instance }} read",
        f"{NUMBER} times an offset that was expected did not come: it was read again, or it is gone from the log.",
        f"curl -s {ADDRESS}/healthz",
    )  # fmt: skip
    yield _pipe(
        "SlaSealMismatch", "critical", 28, ("instance",), 0,
        f"increase({Metric.SEAL_MISMATCH}[1h]) > 0",
        "Restored state on {{ $labels.instance }} is not what was written",
        "The digest of a flush does not match its records; the worker goes back in the log and works it out again.",
        f"curl -s {ADDRESS}/healthz",
    )  # fmt: skip
    yield _pipe(
        "SlaSourceStale", "warning", 29, (SOURCE,), 2 * MINUTE,
        f"max by ({SOURCE}) ({Metric.SOURCE_STALE}) > 0",
        "{{ $labels.source }} is not heard of",
        "Its heartbeats stopped, so its deadlines are held: replies that we do not see may have been given in time.",
        f"curl -s {WORKER}/metrics | grep {Metric.SOURCE_STALE}",
    )  # fmt: skip
    closed, usual = series(BY_CLOCK, "sla_window_closed:sum", "6h"), series(BY_CLOCK, "sla_baseline_closed:sum", "6h")
    yield Alert(
        "SlaObjectiveSilent", "warning",
        f"sum by ({CLOCK}) ({usual}) / 4 > {EXPECTED_CLOSES}\nand on ({CLOCK}) {closed} == 0",
        "{{ $labels.clock }} has not closed once in 6 hours",
        f"In other weeks {NUMBER} clocks close in these hours. Perhaps events do not reach us.",
        "supportpulse tickets --state open --clock {{ $labels.clock }}",
        "supportpulse-detail", 16, (CLOCK,), 15 * MINUTE, 10 * MINUTE,
    )  # fmt: skip
    yield _pipe(
        "SlaWatchdog", "none", 30, (), 0, "vector(1)",
        "Alerts are evaluated",
        "Always firing: route it to whatever calls you when it stops.",
        "promtool query instant http://PROMETHEUS:9090 up",
    )  # fmt: skip
