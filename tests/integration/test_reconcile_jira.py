"""`supportpulse reconcile` for Jira, Cloud and Server, against a local server that speaks its documented pages."""

from __future__ import annotations

from base64 import b64encode
from datetime import datetime, timedelta
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adapted import net, told
from supportpulse.edges.gateway.sources import load
from supportpulse.edges.reconcile.account import account_of
from supportpulse.edges.reconcile.recovered import Found
from supportpulse.errors import ApiError, DeclarationError
from vendor_api import ENVIRON, START, TOKEN, Answer, Api, by_id, recovered, serving
from vendor_jira import AGENT, APP, CUSTOMER, Desk

OPTIONS: dict[str, Any] = {
    "attributes": {"scenario": "issue.fields.customfield_77.value", "tier": "labels:"},
}
FLAVOURS = pytest.mark.parametrize("cloud", [True, False], ids=["cloud", "server"])


def read(folder: Path, api: Api, cloud: bool, since: datetime = START) -> Found:
    """What reconciliation finds in a window, by a sources file."""
    return recovered(
        folder / "sources.toml",
        f"""
[sources.desk]
vendor = "jira"
secrets = ["env:SECRET"]
attributes = {{ scenario = "issue.fields.customfield_77.value", tier = "labels:" }}
[sources.desk.api]
url = "{api.url}"
token = "env:TOKEN"
project = "SUP"
{'user = "ops@example.com"' if cloud else ""}
""",
        since,
    )


def lived(cloud: bool) -> Desk:
    """A project with a life of one ticket, and an open one."""
    desk = Desk(cloud)
    desk.open("900")
    desk.comment("900", APP, "thanks for your message")
    desk.change("900", "assignee")
    desk.open("901", assignee=AGENT)
    desk.change("900", "priority")
    desk.comment("900", AGENT, "only for us", public=False)
    desk.comment("900", AGENT, "The audio stops because port 443 is blocked; see the log id 4711.")
    desk.change("900", "labels")
    for _ in range(3):
        desk.change("900", "customfield_77")
    desk.change("900", "status")
    desk.comment("900", CUSTOMER, "thanks, it works")
    desk.change("900", "status")
    desk.open("902", by=AGENT)
    desk.comment("902", AGENT)
    return desk


FIELDS = ("status", "priority", "customfield_77", "assignee", "labels", "comment", "note")
LIVES = st.lists(
    st.tuples(st.sampled_from(FIELDS), st.sampled_from(("900", "901", "902")), st.sampled_from((AGENT, CUSTOMER, APP))),
    max_size=20,
)


@FLAVOURS
def test_any_life_has_the_same_events_by_webhook_and_by_the_api(cloud: bool, tmp_path: Path) -> None:
    """Ids, times, people and facts: an event is the same wherever it was heard of, so either may come twice or late."""

    @settings(max_examples=25, deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow])
    @given(LIVES)
    def same(life: list[tuple[str, str, Any]]) -> None:
        desk = Desk(cloud)
        for step, name, person in life:
            if name not in desk.issues:
                desk.open(name, AGENT if name == "901" else None, AGENT if name == "902" else CUSTOMER)
            if step in ("comment", "note"):
                desk.comment(name, person, public=step == "comment")
            else:
                desk.change(name, step, person)
        with serving(desk.answer) as api:
            found = read(tmp_path, api, cloud)
        assert by_id(found.events) == by_id(told("jira", desk.hooks, **OPTIONS))
        assert found.unknown == {}

    same()


@FLAVOURS
def test_lost_webhooks_are_made_up_for_and_the_others_change_nothing(cloud: bool, tmp_path: Path) -> None:
    """Whichever two webhooks were lost, verdicts with reconciliation are those of all webhooks."""
    desk = lived(cloud)
    with serving(desk.answer) as api:
        found = read(tmp_path, api, cloud)
    expected = net(told("jira", desk.hooks, **OPTIONS))
    assert expected
    assert by_id(found.events) == by_id(told("jira", desk.hooks, **OPTIONS))
    for lost in combinations(range(len(desk.hooks)), 2):
        came = [hook for place, hook in enumerate(desk.hooks) if place not in lost]
        assert net([*told("jira", came, **OPTIONS), *found.events]) == expected


@FLAVOURS
def test_a_window_begins_where_it_is_told_to(cloud: bool, tmp_path: Path) -> None:
    """Nothing older is sent, whatever the time zone of whoever asks, and issues that rest are not opened."""
    desk = lived(cloud)
    desk.now += timedelta(hours=5)
    since = desk.now
    desk.change("900", "status")
    with serving(desk.answer) as api:
        found = read(tmp_path, api, cloud, since)
        assert not any("901" in path for path, _, _ in api.asked)
    assert by_id(found.events) == by_id(told("jira", desk.hooks[-1:], **OPTIONS))


def test_cloud_is_asked_as_a_user_and_server_with_a_token(tmp_path: Path) -> None:
    """Basic with a user's address, Bearer without."""
    expected = {True: "Basic " + b64encode(f"ops@example.com:{TOKEN}".encode()).decode(), False: f"Bearer {TOKEN}"}
    for cloud, said in expected.items():
        with serving(Desk(cloud).answer) as api:
            read(tmp_path, api, cloud)
            assert {headers["authorization"] for _, _, headers in api.asked} == {said}


@pytest.mark.parametrize(
    ("path", "body", "said"),
    [
        ("/rest/api/2/myself", {"timeZone": "Mars/Base"}, "timeZone: found 'Mars/Base'; valid: a zone of the IANA"),
        ("/rest/api/2/search/jql", {"issues": None}, "issues: found NoneType; valid: a list, as Jira has it"),
        ("/rest/api/2/issue/900/comment", [], "comments: found NoneType; valid: a list"),
    ],
)
def test_an_answer_of_another_shape_is_one_sentence(path: str, body: Any, said: str, tmp_path: Path) -> None:
    """A proxy's greeting is not taken for an empty desk."""
    desk = lived(True)
    with (
        serving(lambda asked, query: Answer(body) if asked == path else desk.answer(asked, query)) as api,
        pytest.raises(ApiError) as caught,
    ):
        read(tmp_path, api, True)
    assert said in str(caught.value)


@pytest.mark.parametrize(("line", "key"), [("url", "api.url"), ("project", "api.project")])
def test_an_account_without_address_or_project_is_refused(line: str, key: str, tmp_path: Path) -> None:
    """Which key is missing."""
    file = tmp_path / "sources.toml"
    lines = {"url": 'url = "https://desk.example.com"', "project": 'project = "SUP"', "token": 'token = "env:TOKEN"'}
    del lines[line]
    head = '[sources.desk]\nvendor = "jira"\nsecrets = ["env:SECRET"]\n[sources.desk.api]\n'
    file.write_text(head + "\n".join(lines.values()), "utf-8")
    with pytest.raises(DeclarationError, match=f"sources.desk.{key}: found 'nothing'"):
        account_of(load(file, ENVIRON).sources["desk"], file, ENVIRON)
