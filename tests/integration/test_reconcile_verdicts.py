"""`supportpulse reconcile` brings what Zendesk and Jira say of their own clocks."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from adapted import told
from supportpulse.edges.reconcile.recovered import Found
from supportpulse.errors import ApiError, DeclarationError
from supportpulse.events import VendorVerdict
from vendor_api import START, Answer, Api, recovered, serving
from vendor_jira import Desk
from vendor_verdicts import said
from vendor_zendesk import Zendesk

EXPORT = "/api/v2/incremental/ticket_metric_events.json"


def read(folder: Path, api: Api, vendor: str, since: datetime = START, **more: str) -> Found:
    """What reconciliation finds in a window; `more` goes into the table of the API."""
    table = {"url": f'"{api.url}"', "token": '"env:TOKEN"', "user": '"ops@example.com"', **more}
    lines = "\n".join(f"{key} = {value}" for key, value in table.items() if value)
    head = f'[sources.desk]\nvendor = "{vendor}"\nsecrets = ["env:SECRET"]\n[sources.desk.api]\n'
    return recovered(folder / "sources.toml", f"{head}{lines}\n", since, START + timedelta(days=9))


def minutes(count: int) -> datetime:
    """After the desk was opened."""
    return START + timedelta(minutes=count)


class Metrics(Zendesk):
    """A desk with metric events: each a minute and more apart, in the export by pages, and beside its ticket."""

    def __init__(self, *, says_end: bool = True) -> None:
        super().__init__()
        self.says_end, self.events = says_end, list[dict[str, Any]]()

    def clock(self, minute: int, kind: str, ticket: int = 77, metric: str = "agent_work_time", **fields: Any) -> None:
        """A metric event."""
        self.events.append({
            "id": 9000 + len(self.events), "ticket_id": ticket, "metric": metric, "instance_id": 1, "type": kind,
            "time": f"{minutes(minute):%Y-%m-%dT%H:%M:%SZ}", **fields,
        })  # fmt: skip

    def answer(self, path: str, query: dict[str, str]) -> Answer:
        """The documented pages of metric events, else those of tickets."""
        if path == EXPORT:
            start = int(query.get("start_time", "0"))
            skip = int(query.get("skip", "0"))
            found = [one for one in self.events if datetime.fromisoformat(one["time"]).timestamp() >= start]
            size = self.page if self.says_end else 1000
            end = skip + size >= len(found)
            page = {"ticket_metric_events": found[skip : skip + size], "count": min(size, len(found))}
            page |= {"end_of_stream": end} if self.says_end else {}
            return Answer({**page, "next_page": f"{self.url}{EXPORT}?start_time={start}&skip={skip + size}"})
        if query.get("include") == "metric_events":
            name = path.split("/")[-1].removesuffix(".json")
            mine = [one for one in self.events if str(one["ticket_id"]) == name]
            metrics = {one["metric"]: [other for other in mine if other["metric"] == one["metric"]] for one in mine}
            return Answer({"ticket": {"id": int(name), "metric_events": metrics}})
        return super().answer(path, query)


def desk(**options: Any) -> Metrics:
    """A desk whose clocks were met, missed, and had no target."""
    made = Metrics(**options)
    for ticket in (77, 78, 79):
        made.open(ticket)
    made.clock(1, "activate")
    made.clock(1, "apply_sla", sla={"target": 240, "business_hours": False, "policy": {"id": 1, "title": "x"}})
    made.clock(1, "activate", metric="requester_wait_time")
    made.clock(19, "breach", metric="pausable_update_time")
    made.clock(90, "fulfill")
    made.clock(90, "fulfill", metric="requester_wait_time")
    made.clock(91, "update_status", status={"calendar": 89, "business": 80})
    made.clock(2, "apply_sla", 78, "reply_time", sla={"target": 15})
    made.clock(17, "breach", 78, "reply_time", deleted=False)
    made.clock(30, "fulfill", 78, "reply_time")
    made.clock(2, "apply_sla", 79, "reply_time", sla={"target": 5})
    made.clock(7, "breach", 79, "reply_time", deleted=True)
    made.clock(20, "fulfill", 79, "reply_time")
    made.clock(2, "apply_group_sla", 79, "group_ownership_time", group_sla={"target": 600})
    made.clock(40, "fulfill", 79, "group_ownership_time")
    made.clock(2, "apply_sla", 79, "agent_work_time", sla={"target": 10})
    made.clock(3, "apply_sla", 79, "agent_work_time", sla={"target": None})
    made.clock(41, "fulfill", 79, "agent_work_time")
    return made


ALL = [
    "first_response breached 08:17:00 due 08:17:00", "pausable_update breached 08:19:00 due 08:19:00",
    "first_response met 08:20:01", "ownership met 08:40:01", "agent_work met 09:30:01",
]  # fmt: skip


@pytest.mark.parametrize("says_end", [True, False], ids=["by end_of_stream", "by a page that is not full"])
def test_zendesks_metric_events_are_verdicts(says_end: bool, tmp_path: Path) -> None:
    """Fulfilments of clocks with a target and in time, breaches that stand; the rest of the window beside them."""
    zendesk = desk(says_end=says_end)
    with serving(zendesk.answer) as api:
        zendesk.url = api.url
        without = read(tmp_path, api, "zendesk")
        assert not any(EXPORT in path for path, _, _ in api.asked)
        found = read(tmp_path, api, "zendesk", verdicts="true")
        assert found == read(tmp_path, api, "zendesk", verdicts="true")
    assert said(found.events) == ALL
    assert found.unknown == {}
    assert [one for one in found.events if not isinstance(one, VendorVerdict)] == without.events


def test_a_target_from_before_the_window_counts(tmp_path: Path) -> None:
    """The window holds the fulfilment alone, and nothing older is told."""
    zendesk = desk()
    with serving(zendesk.answer) as api:
        zendesk.url = api.url
        found = read(tmp_path, api, "zendesk", minutes(60), verdicts="true")
    assert said(found.events) == ["agent_work met 09:30:01"]


def test_a_deleted_ticket_is_not_asked_for(tmp_path: Path) -> None:
    """Its metric events are still in the export."""
    zendesk = desk()
    zendesk.tickets[78]["status"] = "deleted"
    with serving(zendesk.answer) as api:
        zendesk.url = api.url
        found = read(tmp_path, api, "zendesk", verdicts="true")
        assert not any("/78" in path for path, _, _ in api.asked)
    assert said(found.events) == ALL[1:]


def test_an_export_of_another_shape_is_one_sentence(tmp_path: Path) -> None:
    """A plan without SLAs, or a proxy's greeting."""
    zendesk = desk()

    def answer(path: str, query: dict[str, str]) -> Answer:
        return Answer({"hello": 1}) if path == EXPORT else zendesk.answer(path, query)

    with serving(answer) as api:
        zendesk.url = api.url
        with pytest.raises(ApiError, match="ticket_metric_events: found NoneType; valid: a list"):
            read(tmp_path, api, "zendesk", verdicts="true")


def test_verdicts_are_asked_of_zendesk_alone(tmp_path: Path) -> None:
    """Jira's are in its issues."""
    with pytest.raises(DeclarationError, match=r"api\.verdicts: found 'true'; valid: nothing"):
        read(
            tmp_path, Api(lambda path, query: Answer(), "http://localhost:1"), "jira", project='"SUP"', verdicts="true"
        )


def times(**at: int) -> dict[str, Any]:
    """Times of a cycle, in minutes."""
    return {name: {"epochMillis": int(minutes(minute).timestamp() * 1000)} for name, minute in at.items()}


def jira() -> Desk:
    """A project with an issue that was reopened, and whose SLA fields no webhook has."""
    made = Desk()
    made.open("900")
    for _ in range(3):
        made.change("900", "status")
    made.issues["900"]["fields"]["customfield_10"] = {
        "name": "Time to resolution",
        "completedCycles": [
            {**times(startTime=1, breachTime=241, stopTime=30), "breached": False},
            {**times(startTime=40, breachTime=80, stopTime=100), "breached": True},
        ],
        "ongoingCycle": {**times(startTime=120, breachTime=360), "breached": False, "paused": False},
    }
    return made


@pytest.mark.parametrize("cloud", [True, False], ids=["cloud", "server"])
def test_jiras_cycles_are_told_as_they_are_now(cloud: bool, tmp_path: Path) -> None:
    """Once, whatever the issue went through; a running cycle's deadline, which may have moved, is not told."""
    project = jira()
    project.cloud = cloud
    with serving(project.answer) as api:
        found = read(tmp_path, api, "jira", project='"SUP"', user='"ops@example.com"' if cloud else "")
    assert said(found.events) == [
        "time_to_resolution met 08:30:00 due 12:01:00", "time_to_resolution breached 09:20:00 due 09:20:00",
    ]  # fmt: skip
    assert sum(isinstance(one, VendorVerdict) for one in found.events) == 2
    with_fields = {**project.hooks[-1], "issue": project.issues["900"]}
    hooked = [one for one in told("jira", [with_fields]) if isinstance(one, VendorVerdict)]
    assert {one.id: one for one in hooked} == {one.id: one for one in found.events if isinstance(one, VendorVerdict)}


def test_cycles_from_before_the_window_are_not_told_again(tmp_path: Path) -> None:
    """By when they were completed."""
    project = jira()
    project.issues["900"]["fields"]["updated"] = f"{minutes(99):%Y-%m-%dT%H:%M:%S.000+0000}"
    with serving(project.answer) as api:
        found = read(tmp_path, api, "jira", minutes(60), project='"SUP"')
    assert said(found.events) == ["time_to_resolution breached 09:20:00 due 09:20:00"]
