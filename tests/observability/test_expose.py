"""The worker's HTTP server, and the way from a number to its tickets."""

from __future__ import annotations

import asyncio
import gzip
import json
import re
import socket
import time
from collections.abc import Iterator
from threading import Thread
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
from click.testing import CliRunner
from prometheus_client import GCCollector, ProcessCollector, generate_latest
from prometheus_client.openmetrics.exposition import generate_latest as generate_openmetrics
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from observability.scraped import Scraped
from strategies import DAY, MINUTE, START, happened, policy_of
from streams.expose import Exposer, find_tickets
from supportpulse import codec, exposition
from supportpulse.commands.tickets import command
from supportpulse.errors import ConfigError, SupportpulseError
from supportpulse.facts import Reading
from supportpulse.names import Metric
from supportpulse.policy_record import POLICY_KEY, SCALE_KEY
from supportpulse.query import Query
from supportpulse.reader import read_event
from supportpulse.snapshot import Snapshot, SourceStatus
from supportpulse.ticket import Ticket

DESK = """
name = "desk"
labels = ["rule", "scenario"]
enums.scenario = ["live", "voice"]
waiting = ["30m", "1h"]
waiting_clocks = ["first_response"]
ticket_url.desk = "https://desk.example/tickets/{ticket_id}"
[[rules]]
name = "all"
targets = { first_response = "1h", complete_resolution = "2d" }
"""
NOW = START + 100 * MINUTE


class Served:
    """A desk behind an Exposer, with an event loop in a thread of its own."""

    def __init__(self) -> None:
        self.desk = Scraped(policy_of(DESK), START)
        self.now = NOW
        self.loop = asyncio.new_event_loop()
        self._thread = Thread(target=self.loop.run_forever, daemon=True)
        self._thread.start()
        self.exposer = self.listen(0)
        self.url = f"http://127.0.0.1:{self.exposer.port}"

    def listen(self, port: int, host: str = "127.0.0.1") -> Exposer:
        """Another server for the same desk."""
        return Exposer(
            host,
            port,
            registry=self.desk.registry,
            snapshot=lambda: self.desk.snapshot,
            policy=self.desk.plans.policy,
            find=self.find,
            now=lambda: self.now,
        )

    def find(self, query: Query) -> dict[str, Any]:
        """As the worker does it."""
        scan = find_tickets({3: self.desk.values}, self.desk.plans, query)
        return asyncio.run_coroutine_threadsafe(scan, self.loop).result(30)

    def get(self, path: str, **headers: str) -> tuple[int, dict[str, str], bytes]:
        """Status, headers and body."""
        try:
            with urlopen(Request(self.url + path, headers=headers), timeout=30) as response:
                return response.status, dict(response.headers), response.read()
        except HTTPError as error:
            return error.code, dict(error.headers), error.read()

    def tickets(self, query: str) -> list[tuple[str, str]]:
        """(ticket id, clock) of an answer."""
        status, _, body = self.get(f"/tickets?{query}")
        assert status == 200, body
        return [(row["ticket_id"], row["clock"]) for row in json.loads(body)["tickets"]]

    def close(self) -> None:
        """Server and loop."""
        self.exposer.stop()
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join()


@pytest.fixture
def served() -> Iterator[Served]:
    """A: overdue, live. B: at risk, live. C: just opened, voice. D: answered, so only complete_resolution runs."""
    served = Served()
    desk = served.desk
    for ticket, minute, scenario in (("A", 0, "live"), ("B", 45, "live"), ("C/#1", 95, "voice"), ("D", 10, "live")):
        desk.happens("TicketCreated", START + minute * MINUTE, ticket, scenario=scenario)
    desk.happens("MessagePosted", START + 11 * MINUTE, "D", by="agent")
    for ticket in ("A", "B", "C/#1", "D"):
        desk.marked(NOW, ticket)
    desk.take(NOW)
    yield served
    served.close()


def test_metrics_by_the_format_asked_for(served: Served) -> None:
    """OpenMetrics if the client accepts it, else the text format; compressed if it likes."""
    status, headers, body = served.get("/metrics", Accept="application/openmetrics-text; version=1.0.0")
    assert (status, headers["Content-Type"].split(";")[0]) == (200, "application/openmetrics-text")
    assert len(list(text_string_to_metric_families(body.decode()))) == len(Metric)
    status, headers, plain = served.get("/metrics", **{"Accept-Encoding": "gzip"})
    assert headers["Content-Type"].startswith("text/plain; version=0.0.4")
    assert b"# TYPE sla_clocks_started_total counter" in gzip.decompress(plain)


def test_the_writer_says_what_the_library_says(served: Served) -> None:
    """Byte by byte in both formats, with exemplars, characters to escape and the library's own collectors."""
    desk = served.desk
    desk.happens("TicketCreated", NOW, 'odd "\\\n', scenario="voice")
    desk.take(NOW, sources=(SourceStatus('s"\\', "live", NOW, False),), lag_records={0: 12_345_678})
    GCCollector(desk.registry)
    families = list(desk.registry.collect())
    ours, theirs = exposition.open_metrics(families), generate_openmetrics(_Fixed(families))
    assert ours == theirs
    assert b'# {ticket_id="desk|odd \\"\\\\\\n"} 1.0' in ours
    assert exposition.plain(families) == generate_latest(_Fixed(families))
    ProcessCollector(registry=desk.registry)
    assert b"process_cpu_seconds_total" in exposition.plain(desk.registry.collect())


class _Fixed:
    """A registry whose families stay as they are."""

    def __init__(self, families: list[Any]) -> None:
        self.collect = families.copy


def test_from_a_state_to_its_tickets(served: Served) -> None:
    """Each state finds its clocks, oldest first; a clock or a label narrows them."""
    first, whole = "first_response", "complete_resolution"
    assert served.tickets("state=overdue") == [("A", first)]
    assert served.tickets("state=at_risk") == [("B", first)]
    assert served.tickets(f"state=open&clock={whole}") == [("A", whole), ("D", whole), ("B", whole), ("C/#1", whole)]
    assert served.tickets(f"state=open&clock={first}&scenario=voice") == [("C/#1", first)]
    assert served.tickets(f"state=open&clock={first}&scenario=voice&scenario=live&rule=all&limit=2") == [
        ("A", first), ("B", first),
    ]  # fmt: skip
    assert served.tickets("state=waiting") == [("A", first), ("B", first)]
    assert served.tickets("state=waiting&over=1h") == [("A", first)]


def test_a_row_says_since_when_until_when_and_where(served: Served) -> None:
    """Times in ISO 8601, the link from the policy with the id quoted, and how many answer in all."""
    _, _, body = served.get("/tickets?state=open&clock=first_response&scenario=voice")
    assert json.loads(body) == {
        "state": "open",
        "total": 1,
        "tickets": [
            {
                "ticket": "desk|C/#1",
                "source": "desk",
                "ticket_id": "C/#1",
                "clock": "first_response",
                "since": "2025-03-28T01:35:00+00:00",
                "due": "2025-03-28T02:35:00+00:00",
                "paused": False,
                "labels": {"rule": "all", "scenario": "voice"},
                "url": "https://desk.example/tickets/C%2F%231",
            }
        ],
    }
    _, _, body = served.get("/tickets?state=open&limit=3")
    assert (json.loads(body)["total"], len(json.loads(body)["tickets"])) == (7, 3)


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("state=late", "state: found 'late'; valid: open, at_risk, overdue, waiting"),
        ("clock=lunch", "clock: found 'lunch'; valid: "),
        ("scenario=lvie", "scenario: found 'lvie'; valid: live, voice, other, none"),
        ("region=x", "parameter: found 'region'; valid: state, clock, over, limit, rule, scenario"),
        ("limit=0", "limit: found '0'"),
        ("limit=many", "limit: found 'many'"),
        ("state=waiting&over=5m", "over: found '5m'; valid: 30m, 1h"),
    ],
)
def test_a_wrong_question_is_told_what_is_valid(served: Served, query: str, says: str) -> None:
    """400 with one sentence."""
    status, _, body = served.get(f"/tickets?{query}")
    assert status == 400
    assert json.loads(body)["error"].startswith(says)


def test_health_says_why_not(served: Served) -> None:
    """200 when well; 503 while recovering, when no snapshot came for 30 s, when the sweep stalls for 2 minutes,
    and when for a minute no checkpoint of what is owned succeeded."""
    assert served.get("/healthz")[::2] == (200, b'{"reasons": []}\n')
    reasons = []
    for now, snapshot in (
        (NOW, Snapshot(NOW, NOW, NOW, recovering=True)),
        (NOW + 31_000, Snapshot(NOW, NOW, NOW)),
        (NOW, Snapshot(NOW, NOW - 121_000, NOW)),
        (NOW, Snapshot(NOW, NOW, NOW, owned=(0,), committed_ms=NOW - 61_000)),
    ):
        served.now, served.desk.snapshot = now, snapshot
        status, _, body = served.get("/healthz")
        assert status == 503
        reasons += json.loads(body)["reasons"]
    assert [reason.partition(":")[0] for reason in reasons] == ["recovering", "stuck", "sweep", "checkpoint"]
    served.desk.snapshot = Snapshot(NOW, NOW, NOW, owned=(), committed_ms=NOW - 61_000)
    assert served.get("/healthz")[0] == 200


def test_anything_else_is_not_there(served: Served) -> None:
    """404 names the addresses there are; only GET is answered."""
    status, _, body = served.get("/")
    assert (status, b"/metrics, /tickets, /healthz" in body) == (404, True)
    with pytest.raises(HTTPError, match="405"):
        urlopen(Request(f"{served.url}/tickets", method="POST"), timeout=30)


def test_metrics_answer_while_the_loop_is_busy(served: Served) -> None:
    """/metrics never asks the event loop."""
    served.loop.call_soon_threadsafe(time.sleep, 1.5)
    began = time.monotonic()
    assert served.get("/healthz")[0] == 200
    assert served.get("/metrics")[0] == 200
    assert time.monotonic() - began < 1.4


def test_a_scan_lets_the_loop_run(served: Served) -> None:
    """While 20,000 tickets are looked at, something else gets its turns."""
    desk = served.desk
    value = desk.values[b"desk|A"]
    store = {f"desk|{number}".encode(): value for number in range(20_000)}
    turns = 0

    async def scan() -> dict[str, Any]:
        async def other() -> None:
            nonlocal turns
            while True:
                turns += 1
                await asyncio.sleep(0)

        task = asyncio.create_task(other())
        found = await find_tickets({0: store}, desk.plans, Query("overdue", NOW, limit=5))
        task.cancel()
        return found

    found = asyncio.run(scan())
    assert found["total"] == 20_000
    assert len(found["tickets"]) == 5
    assert turns >= 10


def test_a_ticket_may_change_while_it_is_looked_for(served: Served) -> None:
    """One that goes between the scan and the answer is left out; retired ones and paused clocks do no harm."""
    desk = served.desk
    values = dict(desk.values)
    values[b"desk|E"] = retired(desk, "E")

    class Vanishing(dict[bytes, bytes]):
        seen = 0

        def get(self, key: bytes, default: Any = None) -> Any:
            self.seen += 1
            return None if self.seen > len(self) and key == b"desk|A" else super().get(key, default)

    found = asyncio.run(find_tickets({0: Vanishing(values)}, desk.plans, Query("open", NOW, clock="first_response")))
    assert [row["ticket_id"] for row in found["tickets"]] == ["B", "C/#1"]
    assert found["total"] == 3


def test_what_a_worker_keeps_beside_its_tickets_is_not_looked_at(served: Served) -> None:
    """Its store also holds the policy, the time scale and a record of each source."""
    desk = served.desk
    values = {POLICY_KEY: b"policy", SCALE_KEY: b"300000", b"desk": b"source", **desk.values}
    query = Query("open", NOW, clock="first_response")
    assert asyncio.run(find_tickets({0: values}, desk.plans, query)) == asyncio.run(
        find_tickets({0: desk.values}, desk.plans, query)
    )


def retired(desk: Scraped, name: str) -> bytes:
    """The value of a ticket that was closed long ago and has retired."""
    ticket = Ticket(desk.plans, "desk")
    for event, ms, data in (("TicketCreated", START, {}), ("StatusChanged", START + MINUTE, {"status": "closed"})):
        reading = read_event(happened(event, ms, f"{name}{ms}", ticket=name, **data))
        assert isinstance(reading, Reading)
        ticket.admit(reading)
    ticket.mark(START + 90 * DAY)
    assert ticket.retired
    return codec.encode(ticket)


def test_a_port_in_use_is_an_error_one_can_act_on(served: Served) -> None:
    """Address, and the setting to change; nothing is left running."""
    with pytest.raises(ConfigError, match=rf"127.0.0.1:{served.exposer.port} is in use: .*SUPPORTPULSE_METRICS_PORT"):
        served.listen(served.exposer.port)
    with pytest.raises(ConfigError, match="SUPPORTPULSE_METRICS_HOST"):
        served.listen(0, "192.0.2.1")


def test_stop_frees_the_port(served: Served) -> None:
    """Another server can listen there at once."""
    port = served.exposer.port
    served.exposer.stop()
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(("127.0.0.1", port), 5)
    served.exposer = served.listen(port)
    assert served.get("/healthz")[0] == 200


def run(*arguments: str) -> Any:
    """`supportpulse tickets`."""
    return CliRunner().invoke(command, arguments, env={"COLUMNS": "200"})


def test_the_command_lists_the_tickets_behind_a_number(served: Served) -> None:
    """A table for people, one JSON object for scripts, with labels passed on."""
    shown = run("--state", "overdue", "--url", served.url)
    assert shown.exit_code == 0, shown.output
    assert re.search(r"desk\|A +│ first_response", shown.output)
    assert "https://desk.example/tickets/A" in shown.output
    found = run("--state", "open", "--scenario", "voice", "--label", "rule=all", "--json", "--url", served.url)
    answer = json.loads(found.output)
    assert answer["total"] == 2
    assert {row["ticket_id"] for row in answer["tickets"]} == {"C/#1"}


def test_the_command_asks_several_workers(served: Served) -> None:
    """Rows of all, the oldest first, the limit over all together."""
    both = ("--url", served.url, "--url", served.url)
    answer = json.loads(run("--state", "open", "--limit", "3", "--json", *both).output)
    assert answer["total"] == 14
    assert [row["ticket_id"] for row in answer["tickets"]] == ["A", "A", "A"]


def test_the_command_says_what_is_wrong(served: Served) -> None:
    """A wrong clock is a wrong option; no worker there is a failure that names the address."""
    wrong = run("--clock", "lunch", "--url", served.url)
    assert isinstance(wrong.exception, ConfigError)
    assert "clock: found 'lunch'" in str(wrong.exception)
    served.exposer.stop()
    nobody = run("--url", served.url)
    assert isinstance(nobody.exception, SupportpulseError)
    assert f"no worker answers at {served.url}" in str(nobody.exception)
    served.exposer = served.listen(0)
    assert run("--label", "live").exit_code == 2
    assert isinstance(run("--url", "worker-1:9464").exception, ConfigError)
