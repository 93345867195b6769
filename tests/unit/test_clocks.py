"""Each clock by example, through the whole fold. Minutes count from Friday 2025-03-28 00:00 UTC."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import pytest

from strategies import MINUTE, START, happened, policy_of
from supportpulse import record
from supportpulse.clock import INFERENCES
from supportpulse.errors import Rejected
from supportpulse.events import TicketEvent
from supportpulse.facts import Reading
from supportpulse.outcome import AT_RISK, KIND_NAMES, SOLVED, Emission
from supportpulse.policy import Policy
from supportpulse.reader import read_event
from supportpulse.ticket import Plans, Ticket

Told = tuple[str, str, float]
"""(clock, kind, minute)"""

OFFICE = '[calendars.office]\ntimezone = "UTC"\nhours.mon-fri = ["09:00-17:00"]\n'


def say(name: str, minute: float, identity: str | None = None, **data: Any) -> TicketEvent:
    """An event at a minute."""
    if "created_at" in data:
        data["created_at"] = START + round(data["created_at"] * MINUTE)
    return happened(name, START + round(minute * MINUTE), identity or f"{name}@{minute}", **data)


def ask(minute: float) -> TicketEvent:
    """A customer's message."""
    return say("MessagePosted", minute, by="customer")


def reply(minute: float, **data: Any) -> TicketEvent:
    """An agent's public reply."""
    return say("MessagePosted", minute, by="agent", **data)


def status(minute: float, value: str, **data: Any) -> TicketEvent:
    """A change of status."""
    return say("StatusChanged", minute, status=value, **data)


NEW = say("TicketCreated", 0, by="customer")


def built_in(targets: str, extra: str = "", top: str = "") -> Policy:
    """A policy of built-in clocks with one rule."""
    return policy_of(
        f'name = "p"\nreopen_window = "2d"\nlabels = ["rule"]\n{top}\n{extra}\n'
        f'[[rules]]\nname = "all"\ntargets = {{ {targets} }}\n'
    )


def fold(policy: Policy, events: Iterable[TicketEvent], as_of: float) -> list[tuple[Told, Emission]]:
    """What stands of all that a ticket says of its clocks, in the order of time."""
    ticket = Ticket(Plans(policy), "desk")
    said: list[Emission] = []
    for event in events:
        reading = read_event(event)
        assert isinstance(reading, Reading)
        said += ticket.admit(reading) or []
    said += ticket.decide(START + round(as_of * MINUTE))
    stands: dict[tuple[int, int, int], Emission] = {}
    for emission in said:
        if emission.kind == SOLVED:  # said of the ticket, not of a clock
            continue
        place = emission.kind, emission.clock, emission.cycle
        if emission.because:
            del stands[place]
        else:
            assert place not in stands
            stands[place] = emission
    clocks = ticket.fold.plan.clocks
    return sorted(
        ((clocks[one.clock].name, KIND_NAMES[one.kind], (one.time - START) / MINUTE), one) for one in stands.values()
    )


def run(policy: Policy, *events: TicketEvent, as_of: float = 100_000) -> list[Told]:
    """The same, in short; starts and late ends left out."""
    found = [told for told, _ in fold(policy, events, as_of) if told[1] not in ("started", "late", "final")]
    return sorted(found, key=lambda told: (told[2], told[0]))


CASES: dict[str, tuple[str, list[TicketEvent], list[Told]]] = {
    "the first human reply stops the first response, a bot's does not": (
        'first_response = "1h"',
        [NEW, say("MessagePosted", 5, by="bot"), reply(7, public=False), reply(30)],
        [("first_response", "met", 30)],
    ),
    "nobody answered: at risk at 80 %, breached at the target": (
        'first_response = "1h"',
        [NEW],
        [("first_response", "at_risk", 48), ("first_response", "breached", 60)],
    ),
    "a ticket an agent opened needs no first response": (
        'first_response = "1h"', [say("TicketCreated", 0, by="agent")], [],
    ),
    "solved without a word: cancelled": (
        'first_response = "1h"', [NEW, status(10, "solved")], [("first_response", "cancelled", 10)],
    ),
    "canned phrases, a mere restart and a bare question are not substantive": (
        'substantive_response = "1h"',
        [
            NEW,
            reply(1, signals={"canned_share": 0.8}),
            reply(2, signals={"mere_restart": True}),
            reply(3, signals={"question": True}),
            reply(4, signals={"question": True, "names_item": True}),
        ],
        [("substantive_response", "met", 4)],
    ),
    "each unanswered question has its cycle, from the oldest message on": (
        'next_response = "15m"',
        [NEW, ask(1), ask(5), reply(12), ask(20), reply(40)],
        [("next_response", "met", 12), ("next_response", "at_risk", 32), ("next_response", "breached", 35)],
    ),
    "silence between replies; waiting for the customer pauses one of the two": (
        'periodic_update = "1h", pausable_update = "1h"',
        [NEW, reply(10), status(20, "pending_customer"), status(80, "open"), reply(100), status(101, "solved")],
        [
            ("periodic_update", "at_risk", 58), ("periodic_update", "breached", 70),
            ("pausable_update", "met", 100), ("pausable_update", "cancelled", 101),
            ("periodic_update", "cancelled", 101),
        ],
    ),
    "confirmed, cause, solution, resolved: the stages": (
        'diagnosis = "1h", solution = "2h", resolution = "3h", workaround = "15m"',
        [
            NEW, say("WorkaroundProvided", 9), say("ProblemConfirmed", 10), say("CauseIdentified", 30),
            say("SolutionProvided", 50), say("MessagePosted", 60, by="customer", signals={"confirms_resolution": True}),
        ],
        [("workaround", "met", 9), ("diagnosis", "met", 30), ("solution", "met", 50), ("resolution", "met", 60)],
    ),
    "Zendesk's three solve times pause differently": (
        'total_resolution = "2h", requester_wait = "2h", agent_work = "2h"',
        [
            NEW, status(60, "pending_customer"), status(90, "pending_third_party"), status(120, "open"),
            status(160, "solved"),
        ],
        [
            ("total_resolution", "at_risk", 96), ("total_resolution", "breached", 120),
            ("agent_work", "at_risk", 156), ("requester_wait", "at_risk", 126), ("requester_wait", "breached", 150),
            ("agent_work", "met", 160),
        ],
    ),
    "a team owns a ticket until it leaves or is solved": (
        'ownership = "1h"',
        [NEW, say("Assigned", 5, team="core"), say("Assigned", 30, team="edge"), status(40, "solved")],
        [("ownership", "met", 30), ("ownership", "met", 40)],
    ),
    "handed over, touched by the next site": (
        'handover = "30m"',
        [NEW, say("HandedOver", 5, from_site="east", to_site="west"),
         say("MessagePosted", 10, by={"kind": "agent", "site": "east"}),
         say("MessagePosted", 20, by={"kind": "agent", "site": "west"})],
        [("handover", "met", 20)],
    ),
    "a merge cancels what runs, an earlier breach stands": (
        'first_response = "20m", complete_resolution = "2h"',
        [NEW, say("TicketMerged", 30), reply(40)],
        [
            ("first_response", "at_risk", 16), ("first_response", "breached", 20),
            ("complete_resolution", "cancelled", 30),
        ],
    ),
    "spam takes a breach back": (
        'first_response = "20m"', [NEW, say("MarkedAsSpam", 30)],
        [("first_response", "at_risk", 16), ("first_response", "cancelled", 30)],
    ),
    "restored as if it had never gone": (
        'first_response = "1h"', [NEW, say("TicketDeleted", 10), reply(20), say("TicketRestored", 30)],
        [("first_response", "met", 20)],
    ),
    "a reopen gives the time back to the last solution": (
        'complete_resolution = "2h"', [NEW, status(30, "solved"), status(60, "open"), status(150, "solved")],
        [("complete_resolution", "at_risk", 96), ("complete_resolution", "breached", 120)],
    ),
    "a reopen resumes the other without the time it was solved": (
        'total_resolution = "2h"', [NEW, status(30, "solved"), status(60, "open"), status(120, "solved")],
        [("total_resolution", "met", 120)],
    ),
}  # fmt: skip


@pytest.mark.parametrize("sentence", CASES)
def test_a_built_in_clock(sentence: str) -> None:
    """What the sentence says, and the same when the events arrive last first."""
    targets, events, expected = CASES[sentence]
    wanted = sorted(expected, key=lambda told: (told[2], told[0]))
    assert run(built_in(targets), *events) == wanted
    assert run(built_in(targets), *reversed(events)) == wanted


@pytest.mark.parametrize("sign", ["cause", "prevention", "self_check", "code", "doc_links"])
def test_any_sign_of_a_solution_infers_one(sign: str) -> None:
    """The outcome is stamped with the rule that inferred it."""
    top = 'inference.confirmed_by = ["first_substantive_reply"]\ninference.solution_by = ["solution_signals"]'
    policy = built_in('solution = "1h"', top=top)
    found = fold(policy, [NEW, reply(5), reply(20, signals={sign: 1 if sign == "doc_links" else True})], 100)
    told, emission = next(pair for pair in found if pair[0][1] == "met")
    assert told == ("solution", "met", 20)
    assert INFERENCES[emission.inferred & 7] == "first_substantive_reply"
    assert INFERENCES[emission.inferred >> 3] == "solution_signals"


def business(target: str, hours: str, *events: TicketEvent, top: str = "", as_of: float = 100_000) -> list[Told]:
    """A plain clock from creation to solved on a calendar."""
    return run(
        policy_of(
            f'name = "p"\nlabels = ["rule"]\n[clocks.c]\nstart = ["created"]\nstop = ["resolved"]\n'
            f'pause = ["status:pending_customer"]\n{top}\n[calendars.k]\n{hours}\n'
            f'[[rules]]\nname = "all"\ncalendar = "k"\nat_risk_share = 1.0\ntargets = {{ c = "{target}" }}\n'
        ),
        *events,
        as_of=as_of,
    )


def due(target: str, hours: str, created: float) -> float:
    """The minute of the deadline of a ticket nobody solves."""
    told = business(target, hours, say("TicketCreated", created), as_of=1_000_000)
    return next(minute for _, kind, minute in told if kind == "breached")


UTC_OFFICE = 'timezone = "UTC"\nhours.mon-fri = ["09:00-17:00"]'
BERLIN_NIGHTS = 'timezone = "Europe/Berlin"\nhours.mon-sun = ["22:00-06:00"]'
DAY, HOUR = 1440, 60


@pytest.mark.parametrize(
    ("target", "hours", "created", "expected"),
    [
        ("1h", UTC_OFFICE, 16.5 * HOUR, 3 * DAY + 9.5 * HOUR),
        ("1d", UTC_OFFICE, 9 * HOUR, 4 * DAY + 17 * HOUR),
        ("1h", UTC_OFFICE + '\nholidays.dates = ["2025-03-31"]', 16.5 * HOUR, 4 * DAY + 9.5 * HOUR),
        ("2h", 'timezone = "UTC"\nhours.mon-fri = ["09:00-12:00", "13:00-17:00"]', 11 * HOUR, 14 * HOUR),
        ("3h", 'timezone = "UTC"\nhours.mon-sun = ["22:00-02:00"]', 23 * HOUR, 26 * HOUR),
        ("5h", 'timezone = "UTC"\nhours.mon-sun = ["22:00-02:00"]', 23 * HOUR, DAY + 24 * HOUR),
        ("7h", BERLIN_NIGHTS, 2 * DAY - 3 * HOUR, 2 * DAY + 4 * HOUR),
        (
            "9h",
            BERLIN_NIGHTS,
            211 * DAY + 20 * HOUR,
            212 * DAY + 5 * HOUR,
        ),
    ],
    ids=[
        "friday 16:30",
        "one day is 24 h",
        "holiday",
        "lunch",
        "past midnight",
        "two nights",
        "lost hour",
        "gained hour",
    ],
)
def test_a_deadline_lies_in_business_time(target: str, hours: str, created: float, expected: float) -> None:
    """The worked examples: weekends, holidays, lunch, nights, and the nights on which the clocks change."""
    assert due(target, hours, created) == expected


def test_a_hold_outside_business_hours_costs_nothing() -> None:
    """On hold from 17:00 to 09:00: the deadline stays where it was."""
    held = [say("TicketCreated", 16 * HOUR), status(17 * HOUR, "pending_customer"), status(3 * DAY + 9 * HOUR, "open")]
    assert business("2h", UTC_OFFICE, *held) == business("2h", UTC_OFFICE, held[0])


@pytest.mark.parametrize(("mode", "minutes"), [("retarget_keep_elapsed", 959.46), ("retroactive", 689.46)])
def test_a_ticket_under_two_schedules(mode: str, minutes: float) -> None:
    """First a calendar of 8 hours, from the second day one of 24: each for its own span, or the last one for all."""
    policy = policy_of(
        f'name = "p"\nlabels = ["rule"]\n[clocks.c]\nstart = ["created"]\nstop = ["resolved"]\n'
        f'on_rule_change = "{mode}"\n'
        '[calendars.wide]\ntimezone = "UTC"\nhours.mon-sun = ["06:00-18:00"]\n'
        '[calendars.late]\ntimezone = "UTC"\nhours.mon-sun = ["12:00-18:00"]\n'
        '[[rules]]\nname = "late"\nmatch.priority = "low"\ncalendar = "late"\ntargets = { c = "5d" }\n'
        '[[rules]]\nname = "wide"\ncalendar = "wide"\ntargets = { c = "5d" }\n'
    )
    events = [say("TicketCreated", 7.5 * HOUR), say("PriorityChanged", DAY, priority="low")]
    events.append(status(DAY + 12 * HOUR + 329.46, "solved"))
    (met,) = (emission for told, emission in fold(policy, events, 10_000) if told[1] == "met")
    assert round(met.elapsed / MINUTE, 2) == minutes


def test_the_end_of_a_shift_hands_over() -> None:
    """The owning site goes home at 08:00; a touch from another site within the half hour meets the clock."""
    sites = '[calendars.day]\ntimezone = "UTC"\nhours.mon-sun = ["00:00-08:00"]\n[sites.east]\nshift = "day"\n'
    told = [NEW, say("Assigned", 10, site="east"), say("MessagePosted", 500, by={"kind": "agent", "site": "west"})]
    assert run(built_in('handover = "30m"', sites), *told) == [("handover", "met", 500)]
    assert run(built_in('handover = "30m"', sites), *told[:2], as_of=509) == [("handover", "at_risk", 504)]


def test_a_breach_waits_for_as_of_and_a_late_reply_takes_it_back() -> None:
    """Nothing is breached by itself; what happened in time but arrived late undoes the breach, and says so."""
    plans = Plans(built_in('first_response = "1h"'))
    ticket = Ticket(plans, "desk")
    ticket.admit(read_event(NEW))  # type: ignore[arg-type]
    assert ticket.decide(START + 59 * MINUTE)[0].kind == 1
    assert [KIND_NAMES[said.kind] for said in ticket.decide(START + 60 * MINUTE)] == ["breached"]
    said = ticket.admit(read_event(reply(30)))  # type: ignore[arg-type]
    assert said is not None
    assert sorted((KIND_NAMES[one.kind], one.because) for one in said) == [
        ("at_risk", "late_event"),
        ("breached", "late_event"),
        ("met", ""),
    ]
    with pytest.raises(Rejected, match="id_conflict"):
        ticket.admit(read_event(say("MessagePosted", 31, reply(30).id, by="agent")))  # type: ignore[arg-type]


def test_a_first_reply_that_holds_the_solution_meets_its_clock_in_no_time() -> None:
    """It confirms the problem and solves it in one entry; the clock must not run on and breach."""
    policy = built_in(
        'solution = "1h", diagnosis = "1h"',
        '[inference]\nconfirmed_by = ["first_substantive_reply"]\nsolution_by = ["solution_signals"]\n',
    )
    told = fold(policy, [NEW, reply(10, signals={"length": 300, "cause": True})], 100_000)
    met = {clock: one for (clock, kind, _), one in told if kind == "met"}
    assert {clock: (one.time - START) / MINUTE for clock, one in met.items()} == {"solution": 10, "diagnosis": 10}
    assert all(one.elapsed == -1 for one in met.values()), "out of the durations"
    assert not [kind for (_, kind, _), _ in told if kind in ("at_risk", "breached")]


def test_a_ticket_that_is_opened_solved_neither_waits_nor_runs() -> None:
    """As a telephone call that is written down afterwards."""
    policy = built_in('first_response = "1h", total_resolution = "1h"')
    called = say("TicketCreated", 0, by="customer", status="solved")
    assert run(policy, called) == [("first_response", "cancelled", 0), ("total_resolution", "met", 0)]


def test_a_clock_of_many_cycles_does_not_end_where_it_starts() -> None:
    """One reply ends the silence before it and begins the next."""
    told = run(built_in('periodic_update = "1h"'), NEW, reply(10), reply(20))
    assert told == [
        ("periodic_update", "met", 20),
        ("periodic_update", "at_risk", 68),
        ("periodic_update", "breached", 80),
    ]


AFTER = '[clocks.next_response]\nafter = ["public_reply", "escalated"]'


def test_a_clock_can_wait_for_something_else_to_have_happened() -> None:
    """Only what an earlier entry met counts, one of the conditions is enough, and it counts for good."""
    policy = built_in('next_response = "1h"', AFTER)
    assert run(
        policy, NEW, ask(10), reply(20), ask(30), reply(40), status(50, "solved"), status(60, "open"), ask(70)
    ) == [
        ("next_response", "met", 40),
        ("next_response", "at_risk", 118),
        ("next_response", "breached", 130),
    ]
    assert run(policy, NEW, ask(10), say("Escalated", 20, kind="functional"), ask(30), reply(40)) == [
        ("next_response", "met", 40)
    ]


def test_what_a_clock_waits_for_is_not_met_by_the_entry_that_would_start_it() -> None:
    """A clock that starts with each reply after the first starts with the second, also if that one arrives first."""
    policy = built_in('periodic_update = "1h"', '[clocks.periodic_update]\nafter = ["public_reply"]')
    told = [("periodic_update", "met", 30)]
    assert run(policy, NEW, reply(10), reply(20), reply(30), status(40, "solved"))[:1] == told
    assert run(policy, NEW, reply(20), reply(10), reply(30), status(40, "solved"))[:1] == told


def test_a_void_ticket_is_due_for_what_it_had_passed_before_whatever_happens_to_it_after() -> None:
    """Solved, then spam: it is final when its reopen window ends, also if somebody opens the spam."""
    ticket = Ticket(Plans(built_in('total_resolution = "1h"')), "desk")
    for event in (NEW, status(10, "solved"), say("MarkedAsSpam", 20), status(30, "open")):
        ticket.admit(read_event(event))  # type: ignore[arg-type]
    ticket.decide(START + 40 * MINUTE)
    final = START + 2 * 1440 * MINUTE + 10 * MINUTE
    assert ticket.next_due() == final
    assert [KIND_NAMES[said.kind] for said in ticket.decide(final)] == ["final"]


def test_what_is_at_risk_by_a_new_rule_while_it_pauses_has_no_deadline_yet() -> None:
    """Five hours used, then six instead of ten: at risk after 4 h 48 min, and the rest begins when it resumes."""
    policy = policy_of(
        'name = "p"\nlabels = ["rule"]\n[clocks.solve]\nstart = ["created"]\nstop = ["resolved"]\n'
        'pause = ["status:pending_customer"]\non_rule_change = "retroactive"\n'
        '[[rules]]\nname = "urgent"\nmatch.priority = "urgent"\ntargets = { solve = "6h" }\n'
        '[[rules]]\nname = "rest"\ntargets = { solve = "10h" }\n'
    )
    ticket = Ticket(Plans(policy), "desk")
    urgent = happened("PriorityChanged", START + 400 * MINUTE, "urgent", priority="urgent")
    for event in (NEW, status(300, "pending_customer"), urgent):
        ticket.admit(read_event(event))  # type: ignore[arg-type]
    said = [one for one in ticket.decide(START + 500 * MINUTE) if one.kind == AT_RISK]
    assert [(one.time, one.deadline) for one in said] == [(START + 288 * MINUTE, -1)]
    (told,) = json.loads(record.encode("desk|1", ticket.fold.plan, said, "events-0-1") or b"")
    assert "deadline" not in told["data"]
