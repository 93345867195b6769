"""`supportpulse reconcile` for Zendesk, against a local server that speaks its documented pages."""

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
from supportpulse.edges.reconcile.recovered import Found
from supportpulse.errors import ApiError
from vendor_api import START, TOKEN, Answer, Api, by_id, recovered, serving
from vendor_zendesk import AGENT, COPIED, CUSTOMER, SYSTEM, Zendesk

OPTIONS: dict[str, Any] = {"attributes": {"scenario": "custom_fields.360", "tier": "labels:"}}


def read(folder: Path, desk: Zendesk, api: Api, since: datetime = START) -> Found:
    """What reconciliation finds in a window, by a sources file."""
    desk.url = api.url
    return recovered(
        folder / "sources.toml",
        f"""
[sources.desk]
vendor = "zendesk"
secrets = ["env:SECRET"]
attributes = {{ scenario = "custom_fields.360", tier = "labels:" }}
[sources.desk.api]
url = "{api.url}"
token = "env:TOKEN"
user = "ops@example.com"
""",
        since,
    )


def lived() -> Zendesk:
    """A desk with the life of one ticket, and two open ones."""
    desk = Zendesk()
    for ticket in (77, 78, 79):
        desk.open(ticket)
    desk.change(77, "assignee_id")
    desk.comment(77, AGENT, "only for us", public=False)
    desk.comment(77, AGENT, "It was the firewall, because port 443 was closed.")
    for field in ("status", "tags", "360", "group_id", "priority", "status"):
        desk.change(77, field, SYSTEM if field == "group_id" else AGENT)
    desk.comment(77, COPIED)
    desk.change(77, "status")
    return desk


STEPS = ("status", "priority", "group_id", "assignee_id", "tags", "360", "comment", "note")
LIVES = st.lists(
    st.tuples(st.sampled_from(STEPS), st.sampled_from((77, 78, 79)), st.sampled_from((AGENT, CUSTOMER, COPIED))),
    max_size=20,
)


def test_any_life_has_the_same_events_by_webhook_and_by_the_api(tmp_path: Path) -> None:
    """Ids, times, people and facts: an event is the same wherever it was heard of, so either may come twice or late."""

    @settings(max_examples=25, deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow])
    @given(LIVES)
    def same(life: list[tuple[str, int, int]]) -> None:
        desk = Zendesk()
        for step, ticket, person in life:
            if ticket not in desk.tickets:
                desk.open(ticket)
            if step in ("comment", "note"):
                desk.comment(ticket, person, public=step == "comment")
            else:
                desk.change(ticket, step, person)
        with serving(desk.answer) as api:
            found = read(tmp_path, desk, api)
        assert by_id(found.events) == by_id(told("zendesk", desk.hooks, **OPTIONS))
        assert found.unknown == {}

    same()


def test_lost_webhooks_are_made_up_for_and_the_others_change_nothing(tmp_path: Path) -> None:
    """Whichever two webhooks were lost, verdicts with reconciliation are those of all webhooks."""
    desk = lived()
    with serving(desk.answer) as api:
        found = read(tmp_path, desk, api)
        said = {headers["authorization"] for _, _, headers in api.asked}
    assert said == {"Basic " + b64encode(f"ops@example.com/token:{TOKEN}".encode()).decode()}
    assert by_id(found.events) == by_id(told("zendesk", desk.hooks, **OPTIONS))
    expected = net(told("zendesk", desk.hooks, **OPTIONS))
    assert expected
    for lost in combinations(range(len(desk.hooks)), 2):
        came = [hook for place, hook in enumerate(desk.hooks) if place not in lost]
        assert net([*told("zendesk", came, **OPTIONS), *found.events]) == expected


def test_a_window_begins_where_it_is_told_to(tmp_path: Path) -> None:
    """Nothing older is sent, and tickets that rest are not opened."""
    desk = lived()
    desk.now += timedelta(hours=5)
    since = desk.now
    desk.change(77, "status")
    with serving(desk.answer) as api:
        found = read(tmp_path, desk, api, since)
        assert not any("/78/" in path for path, _, _ in api.asked)
    assert by_id(found.events) == by_id(told("zendesk", desk.hooks[-1:], **OPTIONS))


def test_a_deleted_ticket_does_not_stop_the_rest(tmp_path: Path) -> None:
    """It is still listed, but its audits are gone."""
    desk = lived()
    desk.tickets[78]["status"] = "deleted"

    def answer(path: str, query: dict[str, str]) -> Answer:
        return Answer({"error": "RecordNotFound"}, 404) if "/78/" in path else desk.answer(path, query)

    with serving(answer) as api:
        assert {event.ticket_id for event in read(tmp_path, desk, api).events} == {"77", "79"}


@pytest.mark.parametrize("key", ["tickets", "audits"])
def test_an_answer_of_another_shape_is_one_sentence(key: str, tmp_path: Path) -> None:
    """A proxy's greeting is not taken for an empty desk."""
    desk = lived()

    def answer(path: str, query: dict[str, str]) -> Answer:
        return Answer({"hello": 1}) if key == "tickets" or "audits" in path else desk.answer(path, query)

    with serving(answer) as api, pytest.raises(ApiError, match=f"{key}: found NoneType; valid: a list"):
        read(tmp_path, desk, api)
