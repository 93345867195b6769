"""`supportpulse alerts`: what Grafana or Alertmanager would tell whoever is on call."""

from __future__ import annotations

import json
import signal
from datetime import UTC, datetime

import click

DEFAULT_PORT = 9480


@click.command("alerts", short_help="Print the alerts that Grafana or Alertmanager sends.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on; 0.0.0.0 for all.")
@click.option("--port", type=click.IntRange(0, 65_535), default=DEFAULT_PORT, show_default=True, help="0 = any free.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a line.")
def command(host: str, port: int, as_json: bool) -> None:
    """Receive the webhook of Grafana or Alertmanager and print each alert as one line, until Ctrl-C.

    Let the webhook call http://HOST:PORT/; the alert that always fires goes to /heartbeat and is not printed. GET
    /healthz tells how many came, and how long ago the last heartbeat was.

    \b
    Examples:
      supportpulse alerts
      supportpulse alerts --host 0.0.0.0 --port 9480 --json
    """
    from supportpulse.edges.webhook import Webhook
    from supportpulse.logs import setup_logging

    setup_logging()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # the stop of a service is no more than Ctrl-C
    webhook = Webhook(host, port)
    try:
        shown = f"[{host}]" if ":" in host else host
        click.echo(f"waiting for alerts at http://{shown}:{webhook.port}/", err=True)
        while True:
            alerts = webhook.received.get()
            now = datetime.now(UTC)
            for alert in alerts:
                click.echo(json.dumps(alert.fields(now)) if as_json else alert.line(now))
    except KeyboardInterrupt:
        pass
    finally:
        webhook.stop()
