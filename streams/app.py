"""The worker process: one Faust app, its tables, its agent, its /metrics."""

from __future__ import annotations

import asyncio
import logging
import signal
import ssl
from typing import Any

import faust
from faust.auth import SASLCredentials, SSLCredentials
from prometheus_client import CollectorRegistry

from streams.batching import batch_table, batch_topic, bind, register
from streams.checkpoint import Step
from streams.expose import Exposer, Found, find_tickets
from streams.intake import intake
from streams.worker import Clock, Worker, wall_ms
from supportpulse import __version__
from supportpulse.collector import SnapshotCollector
from supportpulse.edges.topics import ensure_topics
from supportpulse.errors import BrokerUnavailable
from supportpulse.metrics import Metrics
from supportpulse.policy import load_policy
from supportpulse.query import Query
from supportpulse.series import Series
from supportpulse.settings import Settings
from supportpulse.ticket import Plans

logger = logging.getLogger(__name__)

BROKER_PATIENCE_SECONDS = 5.0
FIND_SECONDS = 20.0


def build(settings: Settings, now: Clock = wall_ms, after: Step | None = None) -> Worker:
    """A worker ready to start: `worker.app` is its Faust app. Raises `ConfigError` for a policy or setting in error."""
    plans = Plans(load_policy(settings.policy))
    register()
    app = faust.App(
        settings.app_id,
        broker=[f"fast://{address}" for address in settings.bootstrap.split(",")],
        store="fastmem://",
        topic_partitions=settings.partitions,
        topic_replication_factor=1,
        topic_allow_declare=False,
        topic_disable_leader=True,
        consumer_auto_offset_reset="earliest",
        stream_wait_empty=False,
        table_standby_replicas=0,
        stream_buffer_maxsize=16,
        broker_session_timeout=settings.session_timeout_seconds,
        broker_heartbeat_interval=min(1.0, settings.session_timeout_seconds / 6),
        broker_commit_interval=settings.commit_interval_seconds,
        consumer_max_fetch_size=4 << 20,
        broker_credentials=_credentials(settings),
        datadir=str(settings.data_dir / settings.app_id),
        key_serializer="raw",
        value_serializer="raw",
        web_enabled=False,
        worker_redirect_stdouts=False,
    )
    registry = CollectorRegistry()
    series = Series(plans)
    worker = Worker(settings, plans, Metrics(registry, series), now, after)
    worker.registry = registry
    SnapshotCollector(registry, series, plans.policy, lambda: worker.snapshot, __version__)
    worker.app = app
    worker.events = batch_topic(app, settings.events_topic, partitions=settings.partitions)
    worker.tickets = batch_table(app, "tickets", partitions=settings.partitions)
    worker.panes = batch_table(app, "panes", partitions=settings.partitions)
    worker.bound = bind(
        app,
        source=settings.events_topic,
        tables=[worker.tickets, worker.panes],
        owner=worker,
        batch_limit=settings.batch_limit,
    )
    intake(worker)
    return worker


def run(settings: Settings) -> None:
    """Run a worker until SIGINT or SIGTERM. Raises `SupportpulseError` with the reason if it cannot go on."""
    asyncio.run(_run(settings))


async def _run(settings: Settings) -> None:
    worker = build(settings)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, worker.stopping.set)
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    exposer = expose(worker, loop)
    logger.info("metrics at http://%s:%d/metrics", settings.metrics_host, exposer.port)
    try:
        if await _broker_ready(worker):
            await serve(worker)
    finally:
        await asyncio.to_thread(exposer.stop)
    if worker.fatal is not None:
        raise worker.fatal


def expose(worker: Worker, loop: asyncio.AbstractEventLoop) -> Exposer:
    """Start answering /metrics, /tickets and /healthz for a worker that runs in `loop`."""

    async def find(query: Query) -> Found:
        stores = {number: owned.state.store for number, owned in worker.owned.items()}
        return await find_tickets(stores, worker.plans, query)

    return Exposer(
        worker.settings.metrics_host,
        worker.settings.metrics_port,
        registry=worker.registry,
        snapshot=lambda: worker.snapshot,
        policy=worker.plans.policy,
        find=lambda query: asyncio.run_coroutine_threadsafe(find(query), loop).result(FIND_SECONDS),
        now=worker.now,
    )


async def serve(worker: Worker) -> None:
    """Run the app until `worker.stopping` is set or the app ends by itself."""
    app: Any = worker.app
    app.finalize()
    await app.start()
    stopped = asyncio.create_task(app.wait_until_stopped())
    stopping = asyncio.create_task(worker.stopping.wait())
    try:
        await asyncio.wait({stopped, stopping}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        stopped.cancel()
        stopping.cancel()
        await app.stop()
    if worker.fatal is None and app.crashed:
        worker.fatal = app.crash_reason


async def _broker_ready(worker: Worker) -> bool:
    """Wait, quietly, for a broker; create or verify the topics. False if the worker was told to stop meanwhile."""
    settings, told = worker.settings, False
    while not worker.stopping.is_set():
        try:
            await asyncio.to_thread(
                ensure_topics,
                settings.bootstrap,
                partitions=settings.partitions,
                app_id=settings.app_id,
                topic_prefix=settings.topic_prefix,
                deadletter_retention_days=settings.deadletter_retention_days,
                security=settings.kafka_security(),
                timeout_seconds=BROKER_PATIENCE_SECONDS,
                tell=False,
            )
        except BrokerUnavailable as error:
            if not told:
                logger.warning("no Kafka broker answers at %s, waiting for one: %s", settings.bootstrap, error)
            told = True
            continue
        if told:
            logger.info("Kafka answers at %s", settings.bootstrap)
        return True
    return False


def _credentials(settings: Settings) -> Any:
    protocol = settings.security_protocol
    context = None
    if protocol.endswith("SSL"):
        context = ssl.create_default_context(cafile=str(settings.ssl_cafile) if settings.ssl_cafile else None)
    if protocol.startswith("SASL"):
        password = settings.sasl_password.get_secret_value() if settings.sasl_password else None
        return SASLCredentials(
            username=settings.sasl_username, password=password, ssl_context=context, mechanism=settings.sasl_mechanism
        )
    return SSLCredentials(context=context) if context is not None else None
