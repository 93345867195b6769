"""What helpdesks say of their own clocks: kept, compared by the shipped policies, and never in the way."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cache
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapted import A_MONTH, JUNK, adapter_of, broken, delivery_of, hostile, told
from supportpulse.envelope import to_ms
from supportpulse.evaluate import evaluate
from supportpulse.events import TicketEvent, VendorVerdict
from supportpulse.outcome import PARITY
from supportpulse.parity import RESULTS
from supportpulse.policy import Policy, load_policy
from supportpulse.reader import read_event
from supportpulse.settings import SHIPPED_POLICY
from vendor_verdicts import (
    ANSWERED,
    DONE,
    FIRST,
    HIT,
    IN_TIME,
    LATE,
    MISSED,
    OTHERWISE,
    REPLIED,
    RESOLUTION,
    SHUT,
    chatwoot,
    cycle,
    freshdesk,
    iso,
    jira,
    missed,
    said,
    sla,
    zammad,
)  # fmt: skip

RECEIVED = datetime(2026, 3, 9, tzinfo=UTC)
PRESETS = {"jira": "jsm"}


@cache
def preset(vendor: str) -> Policy:
    """The policy that reproduces a vendor's rules."""
    return load_policy(SHIPPED_POLICY.parent / f"{PRESETS.get(vendor, vendor)}.toml")


def compared(vendor: str, events: Sequence[TicketEvent]) -> list[str]:
    """What the vendor's policy says of its verdicts, a month later: "first_response agree"."""
    until = max(to_ms(event.time) for event in events) + A_MONTH
    policy = preset(vendor)
    found = evaluate([read_event(event) for event in events], policy, until)
    assert found.rejected == []
    (ticket,) = found.tickets.values()
    (emissions,) = found.said.values()
    names = [clock.name for clock in ticket.fold.plan.clocks]
    return sorted(f"{names[one.clock]} {RESULTS[one.elapsed]}" for one in emissions if one.kind == PARITY)


@pytest.mark.parametrize("vendor", IN_TIME)
def test_a_ticket_in_time_has_the_vendors_verdicts(vendor: str) -> None:
    """Each is said once, as of its own instant, and our policy says the same; nobody is named."""
    payloads, expected = IN_TIME[vendor]
    events = told(vendor, payloads)
    unique = {event.id: event for event in events}
    assert said(list(unique.values())) == expected
    assert compared(vendor, events) == sorted(f"{line.split()[0]} agree" for line in expected)
    assert all(event.data.actor is None for event in events if isinstance(event, VendorVerdict))


@pytest.mark.parametrize("vendor", MISSED)
def test_a_ticket_too_late_has_the_vendors_verdicts(vendor: str) -> None:
    """A breach is said as of its deadline, where the vendor has it, and our policy says the same."""
    payloads, expected, results = MISSED[vendor]
    events = told(vendor, payloads)
    assert said(events) == expected
    assert compared(vendor, events) == results


@pytest.mark.parametrize("case", OTHERWISE)
def test_a_vendor_that_judges_otherwise_is_seen(case: str) -> None:
    """Where the vendor and our policy differ, the comparison says how."""
    payloads, results = OTHERWISE[case]
    vendor = case.partition(":")[0]
    assert compared(vendor, told(vendor, payloads)) == results


@pytest.mark.parametrize("vendor", IN_TIME)
def test_no_order_and_no_repetition_changes_a_comparison(vendor: str) -> None:
    """Shuffled and told again, nothing is rejected and nothing is counted twice."""
    events = [*told(vendor, IN_TIME[vendor][0])]
    expected = compared(vendor, events)

    @settings(max_examples=30, deadline=None, database=None)
    @given(st.lists(st.sampled_from(events), max_size=len(events)), st.randoms(use_true_random=False))
    def holds(again: list[TicketEvent], random: Any) -> None:
        log = [*events, *again]
        random.shuffle(log)
        assert compared(vendor, log) == expected

    holds()


# -- hostile ----------------------------------------------------------------------------------------------------------

HELD: dict[str, tuple[Any, str, tuple[str, ...]]] = {
    "freshdesk": (freshdesk("onTicketUpdate", "11:05:00", {"status": [2, 4]}, status=4, stats=ANSWERED, **LATE),
                  "data.ticket", ("due_by", "fr_due_by", "nr_due_by", "fr_escalated", "is_escalated", "stats")),
    "zammad": (zammad("10:30:00.400", "closed", **REPLIED, **SHUT, update_escalation_at=iso("10:00:00")), "ticket",
               tuple(name for name in zammad("09:00:00")["ticket"] if name.startswith(("first_", "update_", "clos")))),
    "jira": (jira("jira:issue_updated", "11:00:00", FIRST, sla(RESOLUTION, ongoing=cycle("09:00:00", "10:00:00",
                  breached=True)), **DONE), "issue.fields", ("customfield_10", "customfield_11")),
    "chatwoot": (chatwoot("conversation_updated", "11:06:00", applied_sla=HIT,
                          sla_events=[missed(1, "frt", "10:04:00")]), "", ("applied_sla", "sla_events")),
}  # fmt: skip


@pytest.mark.parametrize("vendor", HELD)
def test_a_broken_sla_field_spoils_nothing_else(vendor: str) -> None:
    """Whatever lies in the vendor's verdicts, the other events of the payload are the same."""
    sound, path, names = HELD[vendor]
    adapt = adapter_of(vendor)

    def others(payload: Any) -> list[TicketEvent]:
        found = adapt(delivery_of(payload, received=RECEIVED))
        for event in found:
            read_event(event)
        return [event for event in found if not isinstance(event, VendorVerdict)]

    expected = others(sound)
    assert said(adapt(delivery_of(sound, received=RECEIVED)))

    def holder(payload: Any) -> Any:
        for part in path.split(".") if path else ():
            payload = payload[part]
        return payload

    for name in names:
        for junk in JUNK:
            payload = copy.deepcopy(sound)
            holder(payload)[name] = junk
            assert others(payload) == expected

    @settings(max_examples=100, deadline=None, database=None)
    @given(st.data())
    def holds(data: st.DataObject) -> None:
        payload = copy.deepcopy(sound)
        spoilt = holder(payload)
        part = broken(data, {name: spoilt[name] for name in names})
        for name in names:
            spoilt[name] = part.get(name) if isinstance(part, dict) else part
        assert others(payload) == expected

    holds()


@pytest.mark.parametrize("vendor", IN_TIME)
def test_hostile_payloads(vendor: str) -> None:
    """Nothing but `Unknown` is raised, and every event is valid."""
    payloads = [*IN_TIME[vendor][0][-1:], *MISSED[vendor][0][-1:]]
    hostile(adapter_of(vendor), payloads, examples=50, agents=frozenset({"a1"}))
