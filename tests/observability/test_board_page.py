"""The page's server without a browser: what it answers, streams, and says when workers do not answer."""

from __future__ import annotations

import http.client
import json
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from html.parser import HTMLParser
from typing import Any
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest
from click.testing import CliRunner

from board_desk import Desk, Served
from observability.alert_files import RUNBOOK
from observability.alert_links import anchors
from supportpulse.commands.board import command
from supportpulse.edges import board_watch
from supportpulse.edges.board_server import PAGE, BoardServer
from supportpulse.edges.board_watch import Stage, Watch, address, look_at, workers_at
from supportpulse.edges.runbook_page import page
from supportpulse.errors import ConfigError
from supportpulse.scrape import Scrape

SECONDS = 15


@pytest.fixture
def worker() -> Iterator[Served]:
    """A worker with two breaches among ten closed clocks of one scenario."""
    desk = Desk()
    desk.tickets("live_show", answered=4, breached=2)
    served = Served(desk.metrics())
    yield served
    served.stop()


@contextmanager
def board(*urls: str) -> Iterator[BoardServer]:
    """A board that watches these workers."""
    stage = Stage(urls)
    with BoardServer(stage, "127.0.0.1", 0) as server, Watch(stage):
        yield server


def overview(server: BoardServer) -> dict[str, Any]:
    """What it says now."""
    with urlopen(f"{server.address}/overview.json", timeout=SECONDS) as answer:
        told: dict[str, Any] = json.load(answer)
    return told


def until(server: BoardServer, key: str, value: object) -> dict[str, Any]:
    """The first overview in which a key has a value."""
    deadline = time.monotonic() + SECONDS
    while (told := overview(server))[key] != value:
        assert time.monotonic() < deadline, f"{key} is {told[key]!r}, not {value!r}"
        time.sleep(0.05)
    return told


def events(answer: http.client.HTTPResponse) -> Iterator[dict[str, Any]]:
    """Overviews of a stream, as they come."""
    for line in answer:
        if line.startswith(b"data: "):
            yield json.loads(line.removeprefix(b"data: "))


def test_the_page_and_the_terminals_table_have_the_same_numbers(worker: Served) -> None:
    """Of one answer of /metrics, made by the real collector."""
    with board(worker.url) as server:
        told = until(server, "live", True)
    (row,) = Scrape(worker.text).rows("scenario")
    (line,) = told["scenarios"]
    day = told["windows"].index("1d")
    assert (line["scenario"],) == row.group
    assert (line["met"][day], line["breached"][day]) == (row.met, row.breached) == (8, 2)
    assert line["share"][day] == row.share == 0.2
    assert (line["open"], line["overdue"], line["at_risk"]) == (row.open, row.overdue, row.at_risk)
    assert line["allowed"][day] == 0.1
    assert told["checks"][0] == {"name": "workers", "value": "1 of 1 up", "state": "ok", "note": ""}
    assert {check["state"] for check in told["checks"]} == {"ok"}


def test_every_file_comes_with_a_strict_policy_and_needs_nothing_else(worker: Served) -> None:
    """What the page names is served by the board itself; nothing inline, nothing from elsewhere."""
    linked: list[str] = []

    class Links(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            assert not {"style", "onclick", "onload"} & {name for name, _ in attrs}
            assert tag not in {"style", "iframe"}
            linked.extend(str(value) for name, value in attrs if name == "src" or (tag, name) == ("link", "href"))

    with board(worker.url) as server:
        for path, (_, kind) in PAGE.items():
            with urlopen(server.address + path, timeout=SECONDS) as answer:
                text = answer.read().decode()
                policy = answer.headers["Content-Security-Policy"]
                assert answer.headers.get_content_type() == kind
            assert "default-src 'none'" in policy
            assert "unsafe" not in policy
            assert "://" not in text.replace("http://www.w3.org/2000/svg", "")
            if path == "/":
                Links().feed(text)
        assert set(linked) <= set(PAGE)
        with pytest.raises(HTTPError, match="404"):
            urlopen(f"{server.address}/nothing", timeout=SECONDS)


def test_each_change_is_streamed(worker: Served) -> None:
    """At once when connected, and again when the worker says something else."""
    desk = Desk()
    desk.tickets("overseas", answered=1)
    with board(worker.url) as server, urlopen(f"{server.address}/events", timeout=SECONDS) as answer:
        assert answer.headers.get_content_type() == "text/event-stream"
        stream = events(answer)
        assert next(stream)["windows"][0] == "1h"
        worker.text = desk.metrics()
        assert any([line["scenario"] for line in told["scenarios"]] == ["overseas"] for told in stream)


def test_a_worker_that_goes_is_told_and_its_last_numbers_stay(worker: Served) -> None:
    """Since when and why; live again once it is back."""
    with board(worker.url) as server:
        before = until(server, "live", True)
        worker.stop()
        gone = until(server, "live", False)
        assert gone["silent"][0]["url"] == worker.url
        assert "refused" in gone["silent"][0]["reason"]
        assert before["as_of"] <= gone["silent"][0]["since"] == gone["as_of"] <= gone["now"]
        assert gone["scenarios"] == before["scenarios"]
        worker.start()
        assert until(server, "live", True)["silent"] == []


def test_workers_are_added_up_and_one_that_is_silent_is_named(worker: Served) -> None:
    """Two workers have twice the breaches; when one goes, the other's stay and the page says who is missing."""
    other = Served(worker.text)
    try:
        with board(worker.url, f"{other.url}/metrics/") as server:
            both = until(server, "silent", [])
            day = both["windows"].index("1d")
            assert both["whole"]["breached"][day] == 4
            other.stop()
            while not (told := overview(server))["silent"]:
                time.sleep(0.05)
            assert (told["live"], told["whole"]["breached"][day]) == (True, 2)
            assert [one["url"] for one in told["silent"]] == [other.url]
    finally:
        other.stop()


def test_all_workers_behind_one_name_are_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """As those of one service have addresses of their own; one that is gone from the name is forgotten."""

    def resolve(host: str, port: int, *kind: int) -> list[Any]:
        return [(*kind, 0, "", (one, port)) for one in {"worker": ["10.0.0.2", "10.0.0.1"]}.get(host, [host])]

    monkeypatch.setattr(board_watch.socket, "getaddrinfo", resolve)
    two = ["http://10.0.0.1:9464", "http://10.0.0.2:9464"]
    assert workers_at("http://worker:9464") == two
    assert workers_at("http://127.0.0.1:9464") == ["http://127.0.0.1:9464"]
    stage, text = Stage(["http://worker:9464"]), Scrape("sla_worker_partitions 2\n")
    stage.answered(dict.fromkeys(two, text))
    stage.answered({two[0]: text})
    assert json.loads(stage.latest[1])["checks"][0]["value"] == "1 of 1 up"
    stage.answered({"http://worker:9464": "name unknown"})
    told = json.loads(stage.latest[1])
    assert (told["live"], told["silent"][0]["reason"]) == (False, "name unknown")
    assert told["as_of"]


@pytest.mark.parametrize("text", ["<html>", "sla_build_info{", 'sla_build_info{a="b"} x', "", "sla_build_info 1\n\0"])
def test_what_is_no_worker_is_told_and_ends_nothing(text: str) -> None:
    """Whatever it answers."""
    served = Served(text)
    try:
        with board(served.url) as server:
            deadline = time.monotonic() + SECONDS
            while (told := overview(server))["silent"] and told["silent"][0]["reason"] == "not asked yet":
                assert time.monotonic() < deadline
            asked = served.asked
            while served.asked < asked + 1:
                assert time.monotonic() < deadline
                time.sleep(0.05)
            assert overview(server)["live"] is ("\0" in text)
    finally:
        served.stop()


def test_numbers_nobody_foresaw_end_nothing(caplog: pytest.LogCaptureFixture) -> None:
    """A threshold that is no duration cannot be shown; the page says so, and shows the next answer."""
    served = Served('sla_build_info{policy="x"} 1\nsla_clocks_waiting{over="long"} 1\n')
    try:
        with board(served.url) as server:
            deadline = time.monotonic() + SECONDS
            while "cannot be shown" not in overview(server)["silent"][0]["reason"]:
                assert time.monotonic() < deadline
            served.text = 'sla_build_info{policy="x"} 1\n'
            until(server, "policy", "x")
    finally:
        served.stop()


def test_a_worker_that_hangs_does_not_hold_up_the_page(worker: Served) -> None:
    """Pages are answered meanwhile, and ending takes no longer."""
    with board(worker.url) as server:
        until(server, "live", True)
        worker.hold.clear()
        asked = worker.asked
        deadline = time.monotonic() + SECONDS
        while worker.asked == asked:
            assert time.monotonic() < deadline
            time.sleep(0.02)
        began = time.monotonic()
        assert overview(server)["live"]
        assert time.monotonic() - began < 2
        began = time.monotonic()
    assert time.monotonic() - began < 4


def test_a_browser_that_reads_nothing_costs_nothing_and_the_next_hears_the_latest() -> None:
    """Many overviews are made while one reader stands still: all but the latest are dropped."""
    stage = Stage(["http://127.0.0.1:1"])
    text = Scrape('sla_build_info{policy="' + "x" * 400_000 + '"} 1\n')
    with BoardServer(stage, "127.0.0.1", 0) as server, closing(socket.socket()) as slow:
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        slow.connect(("127.0.0.1", server.port))
        slow.sendall(b"GET /events HTTP/1.1\r\nHost: board\r\n\r\n")
        slow.recv(100)
        for _ in range(100):
            stage.answered({"http://127.0.0.1:1": text})
            time.sleep(0.04)
        (connection,) = server._server.server_state.connections
        buffered = connection.transport.get_write_buffer_size()  # type: ignore[union-attr]
        assert 0 < buffered <= len(stage.latest[1]) + 100  # of some twenty
        with urlopen(f"{server.address}/events", timeout=SECONDS) as answer:
            assert next(events(answer))["now"] >= time.time() - 2


def test_it_ends_at_once_with_pages_open(worker: Served) -> None:
    """An open stream does not keep it, and the port is free again."""
    with board(worker.url) as server:
        answer = urlopen(f"{server.address}/events", timeout=SECONDS)
        next(events(answer))
        began, port = time.monotonic(), server.port
    assert time.monotonic() - began < 2
    answer.close()
    socket.create_server(("127.0.0.1", port)).close()
    assert not [thread for thread in threading.enumerate() if thread.name == "supportpulse-board"]


@pytest.mark.parametrize("url", ["worker:9464", "ftp://worker", "http://", "http://w:port", "http://a b"])
def test_an_address_that_cannot_be_one_is_refused(url: str) -> None:
    """Before anything is started, with an example."""
    with pytest.raises(ConfigError, match=r"--url: found .* valid: an address such as http://127.0.0.1:9464"):
        address(url)


def test_a_port_in_use_says_what_to_do(worker: Served) -> None:
    """One sentence with the address and the option."""
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = taken.getsockname()[1]
        wrong = CliRunner().invoke(command, ["--port", str(port)])
        assert isinstance(wrong.exception, ConfigError)
        assert str(wrong.exception) == f"127.0.0.1:{port} is in use: give another --port, or 0 for any that is free"
    away = CliRunner().invoke(command, ["--host", "192.0.2.1", "--port", "0"])
    assert "give another --host or --port" in str(away.exception)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_the_command_serves_until_it_is_ended(worker: Served, number: int, code: int) -> None:
    """It prints its address, and Ctrl-C ends it without a traceback."""
    process = subprocess.Popen(
        [sys.executable, "-m", "supportpulse", "board", "--port", "0", "--url", worker.url],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        where = process.stdout.readline().removeprefix("board: ").strip()
        with urlopen(f"{where}/events", timeout=SECONDS) as answer:
            assert any(told["live"] for told in events(answer))
            process.send_signal(number)
            _, errors = process.communicate(timeout=SECONDS)
    finally:
        process.kill()
    assert (process.returncode, errors.strip()) == (code, "")


def test_an_answer_that_is_none_is_said_in_a_few_words(worker: Served) -> None:
    """Refused, another page's 404, and a worker."""
    assert isinstance(look_at(worker.url), Scrape)
    assert "404" in str(look_at(f"{worker.url}/else"))
    worker.stop()
    assert "refused" in str(look_at(worker.url))


def test_the_runbook_is_served_with_an_anchor_for_each_alert() -> None:
    """The link of every alert leads to its heading; what is raw HTML in the file is no HTML of the page."""
    text = RUNBOOK.read_text("utf-8")
    server = BoardServer(Stage(()), "127.0.0.1", 0, page(text + "\n<script>alert(1)</script>\n"))
    with server, urlopen(f"{server.address}/runbook", timeout=SECONDS) as answer:
        served = answer.read().decode()
    for anchor in anchors(text):
        assert f'<h3 id="{anchor}">' in served
    assert "<table>" in served
    assert "<script" not in served


def test_without_a_runbook_there_is_no_page_of_one() -> None:
    """And nobody is told otherwise."""
    with BoardServer(Stage(()), "127.0.0.1", 0) as server, pytest.raises(HTTPError, match="404"):
        urlopen(f"{server.address}/runbook", timeout=SECONDS)
