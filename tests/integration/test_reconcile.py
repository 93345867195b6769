"""`supportpulse reconcile` against a local server that speaks the vendor's documented pages, errors included."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adapted import net, told
from supportpulse import cli
from supportpulse.edges.gateway.sources import Source, load
from supportpulse.edges.reconcile.account import account_of
from supportpulse.edges.reconcile.checkpoint import Checkpoint
from supportpulse.edges.reconcile.github import recover
from supportpulse.edges.reconcile.pages import ATTEMPTS, Pages
from supportpulse.edges.reconcile.recovered import Found
from supportpulse.errors import ApiError, BrokerUnavailable, DeclarationError
from supportpulse.events import TicketEvent
from vendor_api import ANN, BOT, MAX, START, TOKEN, Answer, Api, Hub, by_id, serving

OPTIONS: dict[str, Any] = {
    "attributes": {"priority": "labels:p: "},
    "statuses": {"label:needs info": "pending_customer"},
    "solution_tags": frozenset({"answered"}),
}
WHY = "It was the firewall, because port 443 was closed."


class Sink:
    """In place of the producer: what was sent, by all runs."""

    sent: list[TicketEvent]
    fails = False

    def __init__(self, *arguments: object, **options: object) -> None:
        pass

    def __enter__(self) -> Sink:
        return self

    def __exit__(self, *raised: object) -> None:
        if self.fails:
            raise BrokerUnavailable("Kafka did not acknowledge everything")

    def send(self, event: TicketEvent) -> None:
        """Keep it."""
        self.sent.append(event)


def lived() -> Hub:
    """A repository with a life of one ticket, and an open one."""
    hub = Hub()
    hub.open(5)
    hub.comment(5, BOT, body="thanks for the report")
    hub.assign(5, MAX)
    hub.label(5, "p: urgent")
    hub.comment(5, MAX, "MEMBER", WHY)
    hub.open(6, MAX)
    hub.label(5, "needs info")
    hub.label(5, "needs info")
    hub.turn(5, "not_planned")
    hub.label(5, "needs info")
    hub.turn(5, by=ANN)
    hub.turn(5)
    return hub


@pytest.fixture
def hub() -> Hub:
    """A repository of two issues."""
    return lived()


@pytest.fixture
def api(hub: Hub) -> Iterator[Api]:
    """Its API."""
    with serving(hub.answer) as found:
        yield found


@pytest.fixture
def sources(tmp_path: Path, api: Api, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file with the source `desk`, in the current folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DESK_SECRET", "secret-of-a-test")
    monkeypatch.setenv("DESK_TOKEN", TOKEN)
    file = tmp_path / "sources.toml"
    file.write_text(
        f"""
[sources.desk]
vendor = "github"
secrets = ["env:DESK_SECRET"]
attributes = {{ priority = "labels:p: " }}
statuses = {{ "label:needs info" = "pending_customer" }}
solution_tags = ["answered"]
[sources.desk.api]
url = "{api.url}"
token = "env:DESK_TOKEN"
repository = "acme/sdk"
""",
        "utf-8",
    )
    return file


@pytest.fixture
def sink(monkeypatch: pytest.MonkeyPatch) -> type[Sink]:
    """Instead of Kafka."""
    Sink.sent, Sink.fails = [], False
    monkeypatch.setattr("supportpulse.edges.producer.Producer", Sink)
    return Sink


def read(source: Source, api: Api, since: datetime = START) -> Found:
    """What reconciliation finds in a window."""
    pages = Pages(api.url, {}, sleep=lambda seconds: None)
    return Found.of(source, recover(pages, "acme/sdk", since), START)


def run(*arguments: str) -> int:
    """The command for the source `desk`."""
    return cli.main(["reconcile", "desk", *arguments])


LIVES = st.lists(
    st.tuples(
        st.sampled_from(("open", "comment", "label", "assign", "turn")), st.integers(1, 3),
        st.sampled_from((ANN, MAX, BOT)), st.sampled_from(("p: urgent", "p: low", "needs info", "answered", "other")),
    ),
    max_size=25,
)  # fmt: skip


def test_any_life_has_the_same_events_by_webhook_and_by_the_api(sources: Path) -> None:
    """Ids, times, people and facts: an event is the same wherever it was heard of, so either may come twice or late."""
    source = load(sources).sources["desk"]

    @settings(max_examples=40, deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow])
    @given(LIVES)
    def same(life: list[tuple[str, int, Any, str]]) -> None:
        hub = Hub()
        for step, number, person, label in life:
            if step == "open" or number not in hub.issues:
                if number not in hub.issues:
                    hub.open(number, person)
            elif step == "comment":
                hub.comment(number, person, "MEMBER" if person is MAX else "NONE")
            elif step == "label":
                hub.label(number, label, person)
            elif step == "assign":
                hub.assign(number, person)
            else:
                hub.turn(number, {"other": None, "answered": "duplicate"}.get(label, "not_planned"), person)
        with serving(hub.answer) as api:
            found = read(source, api)
        assert by_id(found.events) == by_id(told("github", hub.hooks, **OPTIONS))
        assert found.unknown == {}

    same()


def test_lost_webhooks_are_made_up_for_and_the_others_change_nothing(hub: Hub, api: Api, sources: Path) -> None:
    """Whichever two webhooks were lost, verdicts with reconciliation are those of all webhooks."""
    found = read(load(sources).sources["desk"], api)
    expected = net(told("github", hub.hooks, **OPTIONS))
    assert expected
    for lost in combinations(range(len(hub.hooks)), 2):
        came = [hook for place, hook in enumerate(hub.hooks) if place not in lost]
        assert net([*told("github", came, **OPTIONS), *found.events]) == expected


def test_a_window_begins_where_it_is_told_to(hub: Hub, api: Api, sources: Path) -> None:
    """Nothing older is sent, and no page behind it is read."""
    since = START + timedelta(minutes=10)
    found = read(load(sources).sources["desk"], api, since)
    later = [event for event in told("github", hub.hooks, **OPTIONS) if event.time >= since]
    assert by_id(found.events) == by_id(later)
    assert [path.rpartition("/")[2] for path, _, _ in api.asked] == ["sdk", "issues", "events", "events", "comments"]


def test_what_comes_in_while_pages_are_read_loses_nothing(hub: Hub, api: Api, sources: Path) -> None:
    """New items push the rest onto later pages: what is seen twice counts once."""
    before, whole = told("github", hub.hooks, **OPTIONS), hub.answer

    def busy(path: str, query: dict[str, str]) -> Answer:
        answer = whole(path, query)
        if len(hub.hooks) < 40:
            hub.comment(6, ANN)
            hub.label(6, "p: low")
        return answer

    api.answer = busy
    bodies = list(recover(Pages(api.url, {}), "acme/sdk", START))
    said = [body["comment"]["id"] for body, _ in bodies if "comment" in body]
    assert len(said) == len(set(said)) > 3
    found = by_id(Found.of(load(sources).sources["desk"], bodies, START).events)
    assert {name: found.get(name) for name in by_id(before)} == by_id(before)


def test_pull_requests_and_issues_from_elsewhere_are_left_out(hub: Hub, api: Api, sources: Path) -> None:
    """A transfer is only in its webhook: what the API shows of an issue's life elsewhere is no life of this ticket."""
    before = by_id(read(load(sources).sources["desk"], api).events)
    hub.open(7, pull_request={"url": "u"})
    hub.label(7, "answered")
    hub.comment(7, ANN)
    hub.comments[-1]["html_url"] = "https://github.com/acme/sdk/pull/7#issuecomment-1"
    hub.open(8)
    hub.comment(8, MAX, "MEMBER")
    hub.turn(8)
    hub.transferred_here(8)
    assert by_id(read(load(sources).sources["desk"], api).events) == before
    hub.comment(8, ANN)
    hub.turn(8)
    new = [event for event in read(load(sources).sources["desk"], api).events if event.id not in before]
    assert [(event.ticket_id, type(event).__name__) for event in new] == [
        ("acme/sdk#8", "MessagePosted"),
        ("acme/sdk#8", "StatusChanged"),
    ]


def test_a_run_sends_all_and_the_next_goes_on_from_there(
    hub: Hub, sources: Path, sink: type[Sink], capsys: pytest.CaptureFixture[str]
) -> None:
    """The first needs a time, then the checkpoint keeps it; what an overlap brings again has the same ids."""
    assert run() == 2
    assert "--since: found none, and no checkpoint reconcile-desk.json" in capsys.readouterr().err
    assert run("--since", START.isoformat(), "--json") == 0
    summary = json.loads(capsys.readouterr().out)
    first = list(sink.sent)
    assert by_id(first) == by_id(told("github", hub.hooks, **OPTIONS))
    assert [event.time for event in first] == sorted(event.time for event in first)
    assert (summary["events"], summary["tickets"], summary["unknown"]) == (len(first), 2, {})
    assert run() == 0
    assert len(sink.sent) == len(first), "an hour before now nothing happened"
    assert run("--overlap", "3650d") == 0
    assert sink.sent == [*first, *first]
    assert net(sink.sent) == net(first)


def test_a_dry_run_prints_events_and_keeps_nothing(
    sources: Path, sink: type[Sink], capsys: pytest.CaptureFixture[str]
) -> None:
    """JSON lines on standard output, the rest on standard error."""
    assert run("--since", START.isoformat(), "--dry-run") == 0
    told = capsys.readouterr()
    lines = [json.loads(line) for line in told.out.splitlines()]
    assert lines[0]["id"] == "github/issue/500/created"
    assert f"{len(lines)} events of 2 tickets found, none sent" in told.err
    assert sink.sent == []
    assert not Path("reconcile-desk.json").exists()


@pytest.mark.parametrize(
    ("fault", "waits"),
    [
        (Answer({}, 429, {"Retry-After": "7"}), [7]),
        (Answer({}, 429, {"Retry-After": "Mon, 02 Feb 2026 08:00:30 GMT"}), [30]),
        (Answer({}, 429), [60]),
        (Answer({"message": "You have exceeded a secondary rate limit"}, 403), [60]),
        (Answer({}, 403, {"x-ratelimit-remaining": "0", "x-ratelimit-reset": f"{START.timestamp() + 99:.0f}"}), [100]),
        (Answer([], 200, {"x-ratelimit-remaining": "0", "x-ratelimit-reset": f"{START.timestamp() + 9:.0f}"}), [10]),
        (Answer({}, 500), [1]),
        (Answer({}, 503, {"Retry-After": "3"}), [3]),
        (Answer(["x" * 1000], cut=True), [1]),
        (Answer(["x" * 1000], 502, cut=True), [1]),
    ],
)
def test_what_passes_is_waited_for_as_long_as_the_api_asks(hub: Hub, fault: Answer, waits: list[float]) -> None:
    """Too many requests, in each way of saying so, an error of the server, half an answer: then it goes on."""
    slept: list[float] = []
    with serving(hub.answer) as api:
        api.faults.append(fault)
        pages = Pages(api.url, {}, sleep=slept.append, clock=START.timestamp)
        if fault.code == 200 and not fault.cut:
            assert pages.get("repos/acme/sdk").body == []
        assert pages.get("repos/acme/sdk").body["full_name"] == "acme/sdk"
    assert slept == waits
    assert pages.requests == 2


def test_half_a_page_in_the_middle_of_a_run_costs_nothing(hub: Hub, api: Api, sources: Path) -> None:
    """A page that failed is asked for again, and no event is missing."""
    whole, failed = api.answer, set[str]()

    def cut_once(path: str, query: dict[str, str]) -> Answer:
        answer, name = whole(path, query), f"{path}{query}"
        answer.cut = name not in failed
        failed.add(name)
        return answer

    api.answer = cut_once
    assert by_id(read(load(sources).sources["desk"], api).events) == by_id(told("github", hub.hooks, **OPTIONS))


@pytest.mark.parametrize(
    ("fault", "said", "times"),
    [
        (Answer({"message": "Bad credentials"}, 401), "401 (Bad credentials); valid: a token that has not expired", 1),
        (Answer({}, 403), "403; valid: a token that may read this", 1),
        (Answer({}, 404), "404; valid: an address, repository or project that is there", 1),
        (Answer({}, 500), "500, 6 times; try again later", ATTEMPTS),
        (Answer([1], cut=True), "half an answer, 6 times", ATTEMPTS),
        (Answer({}, 429, {"Retry-After": "86400"}), "429: its rate limit is reached, and asks to wait 86400 s", 1),
        (Answer({}, 302, {"Location": "http://localhost:1/x"}), "302; valid: what the vendor's API accepts", 1),
    ],
)
def test_what_does_not_pass_is_one_sentence(hub: Hub, fault: Answer, said: str, times: int) -> None:
    """Where, what was found and what is valid, after as many attempts as make sense; no token goes elsewhere."""
    with serving(hub.answer) as api:
        api.faults += [fault] * times
        pages = Pages(api.url, {"Authorization": TOKEN}, sleep=lambda seconds: None)
        with pytest.raises(ApiError) as caught:
            pages.get("repos/acme/sdk", page=1)
        assert len(api.asked) == times
    text = str(caught.value)
    assert text.startswith(f"{api.url}/repos/acme/sdk: ")
    assert said in text
    assert TOKEN not in text


def test_a_renamed_repository_is_followed_and_another_host_is_not(hub: Hub) -> None:
    """A redirect on the API's own host, as GitHub answers for an old name; a next page elsewhere gets no token."""
    with serving(hub.answer) as api, serving(hub.answer) as other:
        api.faults.append(Answer({}, 301, {"Location": f"{api.url}/repos/acme/sdk"}))
        pages = Pages(api.url, {"Authorization": TOKEN}, sleep=lambda seconds: None)
        assert pages.get("repos/acme/old").body["full_name"] == "acme/sdk"
        api.faults.append(Answer([], headers={"Link": f'<{other.url}/x>; rel="next"'}))
        following = pages.get("repos/acme/sdk").next
        assert following is not None
        with pytest.raises(ApiError, match="another host"):
            pages.get(following)
        api.faults.append(Answer({}, 302, {"Location": f"{other.url}/repos/acme/sdk"}))
        with pytest.raises(ApiError, match="302"):
            pages.get("repos/acme/sdk")
        assert other.asked == []


@pytest.mark.parametrize("how", ["token", "interrupt", "kafka"])
def test_a_run_that_failed_leaves_the_checkpoint_where_it_was(
    how: str, api: Api, sources: Path, sink: type[Sink], capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """An expired token, Ctrl-C, no acknowledgement: one sentence at most, and the next run reads the same again."""
    file = Path("reconcile-desk.json")
    Checkpoint(f"{api.url} acme/sdk", START).write(file)
    before = file.read_bytes()
    if how == "token":
        api.faults.append(Answer({"message": "Bad credentials"}, 401))
    elif how == "kafka":
        sink.fails = True
    else:

        def interrupted(*arguments: object) -> None:
            raise KeyboardInterrupt

        monkeypatch.setattr(sink, "send", interrupted)
    assert run() == {"token": 1, "interrupt": 130, "kafka": 1}[how]
    told = capsys.readouterr()
    assert len(told.err.strip().splitlines()) == (0 if how == "interrupt" else 1)
    assert TOKEN not in told.err
    assert file.read_bytes() == before
    assert [path.name for path in Path().iterdir() if path.suffix == ".part"] == []


def test_an_object_nobody_can_read_is_named_and_the_rest_is_sent(
    hub: Hub, sources: Path, sink: type[Sink], capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit code 3, a line with the reason, all other events."""
    del hub.issues[6]["id"]
    assert run("--since", START.isoformat()) == 3
    assert "desk: shape: issue.id: found NoneType" in capsys.readouterr().err
    assert by_id(sink.sent) == {
        name: event for name, event in by_id(told("github", hub.hooks, **OPTIONS)).items() if "issue/600" not in name
    }


def test_requests_are_as_github_wants_them(api: Api, sources: Path, sink: type[Sink]) -> None:
    """The token, the version of the API, who asks."""
    assert run("--since", START.isoformat()) == 0
    for _, _, headers in api.asked:
        assert headers["authorization"] == f"Bearer {TOKEN}"
        assert headers["x-github-api-version"] == "2022-11-28"
        assert headers["user-agent"] == "supportpulse"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{", "checkpoint: found 'no JSON'"),
        ("[]", "checkpoint: found 'list'"),
        ('{"scope": "elsewhere", "until": "2026-01-01T00:00:00Z"}', "checkpoint: found 'elsewhere'; valid: here"),
        ('{"scope": "here", "until": "soon"}', "checkpoint: found 'here'; valid: here"),
    ],
)
def test_a_checkpoint_of_something_else_is_refused(tmp_path: Path, content: str, said: str) -> None:
    """Going on from it would leave a gap that nobody sees."""
    file = tmp_path / "checkpoint.json"
    file.write_text(content, "utf-8")
    with pytest.raises(DeclarationError) as caught:
        Checkpoint.read(file, "here")
    assert said in str(caught.value)


def test_a_checkpoint_is_read_as_it_was_written(tmp_path: Path) -> None:
    """To the microsecond, over an older one."""
    file, later = tmp_path / "checkpoint.json", datetime(2026, 3, 1, 1, 2, 3, 456789, tzinfo=UTC)
    assert Checkpoint.read(file, "here") is None
    for until in (START, later):
        Checkpoint("here", until).write(file)
        assert Checkpoint.read(file, "here") == Checkpoint("here", until)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            'vendor = "github"',
            'vendor = "chatwoot"',
            "sources.desk.vendor: found 'chatwoot'; valid: for reconcile, one",
        ),
        ('repository = "acme/sdk"', "", "sources.desk.api.repository: found 'nothing'; valid: OWNER/NAME"),
        ('"acme/sdk"', '"acme"', "sources.desk.api.repository: found 'acme'; valid: OWNER/NAME"),
        ("env:DESK_TOKEN", TOKEN, "sources.desk.api.token: found 'a hidden value'; valid: env:NAME"),
        ("env:DESK_TOKEN", "env:NONE", "sources.desk.api.token: found 'variable NONE with 0 bytes'"),
        ("http://127.0.0.1", "http://example.com", "; valid: https://HOST, or http:// on this host"),
        ('url = "', 'urls = "', "sources.desk.api.urls: found 'urls'; valid: one of token, url, user, repository"),
    ],
)
def test_a_mistake_in_the_account_is_told_with_its_place(sources: Path, old: str, new: str, said: str) -> None:
    """Which key, what was found, what is valid; never a token that was pasted into the file."""
    text = sources.read_text("utf-8")
    assert old in text
    sources.write_text(text.replace(old, new), "utf-8")
    with pytest.raises(DeclarationError) as caught:
        account_of(load(sources).sources["desk"], sources)
    assert said in str(caught.value)
    assert TOKEN not in str(caught.value)


def test_the_gateway_needs_no_token_of_the_api(sources: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It never calls the API, so the token may be where only reconciliation runs."""
    monkeypatch.delenv("DESK_TOKEN")
    assert load(sources).sources["desk"].api is not None
