"""The simulated desk: the same every time, believable, and alive across the border of its history."""

from __future__ import annotations

import json
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from supportpulse.commands.simulate import command
from supportpulse.edges.desk import CHANNELS, DAY, HOUR, REGION, REGIONS, SCENARIOS, TIERS
from supportpulse.edges.simulator import MAX_LATENESS, Delivery, LiveDesk, Plan, encode, encoded, history
from supportpulse.envelope import decode, to_ms
from supportpulse.errors import ConfigError
from supportpulse.events import TICKET_EVENTS, DeadlineReached, Heartbeat, VendorVerdict
from supportpulse.policy import load_policy
from supportpulse.rules import PolicyVersion
from supportpulse.settings import SHIPPED_POLICY

END = 1_795_132_800_000  # 2026-11-20T00:00:00Z
PLAN = Plan(seed=5, start=END - 35 * DAY, end=END, events_budget=30_000)
SHORT = Plan(seed=5, start=END - 2 * DAY, end=END, events_budget=1_500)


@pytest.fixture(scope="module")
def desk() -> LiveDesk:
    """A desk whose history has been taken."""
    return LiveDesk(PLAN)


@pytest.fixture(scope="module")
def told(desk: LiveDesk) -> list[Delivery]:
    """Five weeks of it."""
    return list(desk.take_until(END))


@pytest.fixture(scope="module")
def policy() -> PolicyVersion:
    """The shipped policy."""
    return load_policy(SHIPPED_POLICY).at(END)


def _openings(told: list[Delivery]) -> Iterator[Delivery]:
    return (delivery for delivery in told if delivery.update == 1 and delivery.sequence == 0)


def test_the_same_seed_and_span_give_the_same_bytes_and_another_seed_does_not() -> None:
    """A seed names one history."""
    first = list(encoded(5, SHORT.start, END, 1_500))

    assert list(encoded(5, SHORT.start, END, 1_500)) == first
    assert list(encoded(6, SHORT.start, END, 1_500)) != first


def test_models_and_bytes_are_the_same_history() -> None:
    """`history` and `encoded` tell the same events."""
    events = list(history(5, SHORT.start, END, 1_500))

    assert events == [decode(value) for _, value in encoded(5, SHORT.start, END, 1_500)]


def test_a_history_keeps_its_budget_its_span_and_its_order(told: list[Delivery]) -> None:
    """At most the events asked for, and not many fewer, in the order of time, all within the span."""
    times = [delivery.time for delivery in told]

    assert 0.85 * PLAN.events_budget < len(told) <= PLAN.events_budget
    assert times == sorted(times)
    assert PLAN.start <= times[0] < PLAN.start + DAY
    assert END - HOUR < times[-1] <= END


def test_every_type_of_the_domain_occurs(told: list[Delivery]) -> None:
    """All ticket events happen in five weeks, but the worker's marker and verdicts: this desk runs no clocks."""
    expected = {cls.__name__ for cls in TICKET_EVENTS} - {DeadlineReached.__name__, VendorVerdict.__name__}

    assert {delivery.name for delivery in told} == expected


def test_ids_name_what_happened(told: list[Delivery]) -> None:
    """No two events share an id."""
    ids = Counter(json.loads(encode(delivery)[1])["id"] for delivery in told)

    assert ids.most_common(1)[0][1] == 1


def test_duplicates_and_disorder_change_the_deliveries_not_the_events() -> None:
    """Some events come twice or up to two minutes late; what happened stays the same."""
    plan = replace(SHORT, duplicates=0.05, disorder=0.05)
    rough = list(LiveDesk(plan).take_until(END + MAX_LATENESS))
    values = [encode(delivery)[1] for delivery in rough]
    repeated = len(values) - len(set(values))

    assert 0.02 * len(values) < repeated < 0.09 * len(values)
    assert [delivery.time for delivery in rough] != sorted(delivery.time for delivery in rough)
    assert all(0 <= delivery.at - delivery.time < MAX_LATENESS for delivery in rough)
    assert len({json.loads(value)["id"] for value in values}) == len(set(values))


@pytest.mark.parametrize("region", [region.name for region in REGIONS])
def test_customers_sleep(told: list[Delivery], region: str) -> None:
    """More tickets come in a region's day than in its night."""
    hours = Counter(
        int(delivery.time / HOUR + REGION[region].offset) % 24
        for delivery in _openings(told)
        if delivery.data["region"] == region
    )

    day, night = (sum(hours[hour] for hour in span) for span in (range(10, 17), range(1, 8)))
    assert day > 3 * night


def test_weekends_are_quieter(told: list[Delivery]) -> None:
    """A Saturday or Sunday has fewer tickets than a working day."""
    days = Counter((delivery.time // DAY + 3) % 7 for delivery in _openings(told) if delivery.time < END - DAY)

    assert max(days[5], days[6]) < min(days[day] for day in range(5))


def test_its_names_are_those_of_the_policy(policy: PolicyVersion, told: list[Delivery]) -> None:
    """What the desk says is what the shipped policy knows, and its sites are the policy's."""
    enums = policy.enums
    sites = {delivery.data["site"] for delivery in told if delivery.name == "Assigned"}

    assert {scenario.name for scenario in SCENARIOS} == set(enums["scenario"])
    assert {sub for scenario in SCENARIOS for sub in scenario.subs} == set(enums["sub_scenario"])
    assert {region.name for region in REGIONS} == set(enums["region"])
    assert set(CHANNELS) == set(enums["channel"])
    assert set(TIERS) == set(enums["tier"])
    assert {delivery.data["priority"] for delivery in _openings(told)} == set(enums["priority"])
    assert sites == set(policy.sites) == {region.home for region in REGIONS}


def test_tickets_are_taken_by_a_site_on_duty(policy: PolicyVersion, told: list[Delivery]) -> None:
    """Whoever takes a ticket is at work: support follows the sun."""
    taken = [delivery for delivery in told if delivery.name == "Assigned"]
    asleep = [delivery for delivery in taken if not policy.sites[delivery.data["site"]].covers(delivery.time)]

    assert len(asleep) < 0.02 * len(taken)  # an escalation may come from somebody who works late


def test_a_hand_over_goes_to_another_site_which_takes_the_ticket(told: list[Delivery]) -> None:
    """After each hand-over, unless the history ends, the next site takes the ticket."""
    takers: dict[str, str | None] = {}
    for delivery in reversed(told):
        if delivery.name == "Assigned":
            takers[delivery.ticket] = delivery.data["site"]
        elif delivery.name == "HandedOver":
            assert delivery.data["from_site"] != delivery.data["to_site"]
            assert takers.get(delivery.ticket, delivery.data["to_site"]) == delivery.data["to_site"]


def _late_share(told: list[Delivery], policy: PolicyVersion, since: int, until: int, scenario: str) -> float:
    """Share of first responses later than their target among those due in [since, until)."""
    opened = {delivery.ticket: delivery for delivery in _openings(told) if delivery.data["actor"]["kind"] != "agent"}
    replied: dict[str, int] = {}
    for delivery in told:
        if delivery.name == "MessagePosted" and delivery.data["public"] and delivery.data["actor"]["kind"] == "agent":
            replied.setdefault(delivery.ticket, delivery.time)
    late = []
    for ticket, opening in opened.items():
        rule = next(
            rule for rule in policy.rules if all(opening.data.get(key) in values for key, values in rule.match.items())
        )
        due = opening.time + rule.targets["first_response"].target_ms
        if since <= due < until and opening.data["scenario"] == scenario:
            late.append(replied.get(ticket, until) > due)
    return sum(late) / len(late)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_history_ends_inside_an_outage_that_shows(policy: PolicyVersion, seed: int) -> None:
    """In the outage first responses are late several times as often as before, and tickets multiply."""
    live = LiveDesk(replace(PLAN, seed=seed))
    told = list(live.take_until(END))
    (outage,) = live.desk.ongoing(END)
    calm = _late_share(told, policy, PLAN.start, outage.start, outage.scenario)
    now = _late_share(told, policy, outage.start, END, outage.scenario)
    times = [delivery.time for delivery in _openings(told)]
    hour, days = (len(times) - bisect_left(times, END - span) for span in (HOUR, 2 * DAY))

    assert outage.start < END < outage.end
    assert calm < 0.2
    assert now > max(0.5, 4 * calm)
    assert hour > 5 * days / 48


def test_without_the_outage_the_history_ends_calmly() -> None:
    """The outage at the end is an option."""
    live = LiveDesk(replace(PLAN, outage_at_end=False))

    assert not live.desk.ongoing(END)


def test_what_began_in_the_history_goes_on_live() -> None:
    """Taken in small steps across the border, the deliveries are those of one long history; old tickets get events."""
    step_ms, count = 7_000, 1_000
    until = END + count * step_ms
    whole = list(LiveDesk(SHORT).take_until(until))
    live = LiveDesk(SHORT)
    past = list(live.take_until(END))
    steps = [live.due(ms) for ms in range(END, until + 1, step_ms)]

    assert past == whole[: len(past)]
    assert [event for step in steps for event in step] == [decode(encode(d)[1]) for d in whole[len(past) :]]
    assert {d.ticket for d in past} & {event.ticket_id for step in steps for event in step}  # type: ignore[attr-defined]
    ages = [END + at * step_ms - to_ms(event.time) for at, step in enumerate(steps) for event in step]
    assert min(ages) >= 0
    assert max(ages) < step_ms


def test_rate_multiplies_only_what_comes_after_the_history() -> None:
    """`rate` leaves the history alone and speeds up new tickets."""
    slow, fast = LiveDesk(SHORT), LiveDesk(replace(SHORT, rate=10))

    assert list(slow.take_until(END)) == list(fast.take_until(END))
    opened = [sum(1 for _ in _openings(list(live.take_until(END + 2 * HOUR)))) for live in (slow, fast)]
    assert opened[1] > 5 * opened[0]


@pytest.mark.parametrize("wrong", [{"start": END}, {"events_budget": 0}, {"duplicates": 1.5}, {"rate": -1}])
def test_what_cannot_be_simulated_is_refused(wrong: dict[str, float]) -> None:
    """A plan that makes no sense says so before anything is written."""
    with pytest.raises(ConfigError, match="valid"):
        replace(PLAN, **wrong)  # type: ignore[arg-type]


def test_the_command_writes_lines_whose_heartbeats_keep_their_promise(tmp_path: Path) -> None:
    """Watermarks rise, come before the first event, and no event behind one happened before it."""
    file = tmp_path / "desk.jsonl"
    arguments = ["-o", str(file), "--weeks", "1", "--events", "3000", "--end", "2026-11-20T00:00:00Z", "--json"]

    result = CliRunner().invoke(command, [*arguments, "--duplicates", "0.05", "--disorder", "0.05"])

    assert result.exit_code == 0, result.output
    events = [decode(line) for line in file.read_bytes().splitlines()]
    beats = [event for event in events if isinstance(event, Heartbeat)]
    assert isinstance(events[0], Heartbeat)
    assert [beat.data.mode for beat in beats[:-1]] == ["log"] * (len(beats) - 1)
    assert beats[-1].data.mode == "ended"
    assert len(beats) > 24
    watermark = 0
    for event in events:
        if isinstance(event, Heartbeat):
            assert to_ms(event.data.watermark) >= watermark
            watermark = to_ms(event.data.watermark)
        else:
            assert to_ms(event.time) >= watermark
    summary = json.loads(result.stdout)
    assert summary["events"] + summary["heartbeats"] == len(events)
    assert summary["outage"]["scenario"] in {scenario.name for scenario in SCENARIOS}


def test_the_command_goes_live_and_ends_by_itself(tmp_path: Path) -> None:
    """After the history come live heartbeats and what happens meanwhile."""
    file = tmp_path / "desk.jsonl"
    arguments = ["-o", str(file), "--weeks", "0.1", "--events", "200", "--live", "--for", "1s", "--rate", "1000"]

    result = CliRunner().invoke(command, [*arguments, "--then", "released", "--json"])

    assert result.exit_code == 0, result.output
    modes = [event.data.mode for line in file.read_bytes().splitlines() if isinstance(event := decode(line), Heartbeat)]
    assert modes[-2:] == ["live", "released"]
    assert json.loads(result.stdout)["live_events"] > 0


def test_live_with_an_end_in_the_future_is_refused() -> None:
    """What has not happened yet cannot be history."""
    result = CliRunner().invoke(command, ["--live", "--end", "2100-01-01T00:00:00Z"])

    assert result.exit_code == 2
    assert "a time in the past" in result.output
