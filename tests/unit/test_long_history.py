"""A ticket that grows without end: its older half is sealed, its record stays bounded."""

from __future__ import annotations

from typing import Any

import pytest

from strategies import HOUR, MINUTE, START, happened, policy_of
from supportpulse import codec, ticket
from supportpulse.errors import Rejected
from supportpulse.facts import Reading
from supportpulse.names import Reason
from supportpulse.outcome import CANCELLED, MET
from supportpulse.reader import read_event
from supportpulse.ticket import SEAL_ABOVE, Plans, Ticket
from supportpulse.verdicts import NetView, tell

POLICY = """
name = "long"
reopen_window = "30d"
labels = ["rule"]
[clocks.solve]
start = ["created"]
stop = ["completely_resolved"]
reopen = "last"
[clocks.answer]
start = ["customer_message"]
stop = ["public_reply"]
cycles = "many"
[[rules]]
name = "all"
targets = { solve = "8h", answer = "5m" }
"""
PLANS = Plans(policy_of(POLICY))


def say(name: str, ms: int, identity: str, **data: Any) -> Reading:
    """An event as the fold sees it."""
    reading = read_event(happened(name, ms, identity, **data))
    assert isinstance(reading, Reading)
    return reading


def turns(count: int, first: int = 1) -> list[Reading]:
    """A ticket's creation, then questions and answers in turn, 4 minutes apart, each third answer too late."""
    told = [say("TicketCreated", START, "new")]
    now = START
    for number in range(first, first + count):
        by = "customer" if number % 2 else "agent"
        now += (6 if number % 6 == 0 else 4) * MINUTE
        told.append(say("MessagePosted", now, f"m{number}", by=by))
    return told


class Told:
    """A ticket and the net view of what it said."""

    def __init__(self) -> None:
        self.ticket, self.net = Ticket(PLANS, "desk"), NetView()

    def take(self, *readings: Reading) -> None:
        """Admit readings in this order."""
        for reading in readings:
            tell(self.net, reading.key, PLANS.plans[0], self.ticket.admit(reading) or [])

    def mark(self, as_of: int) -> None:
        """Decide up to an instant."""
        tell(self.net, "desk|1", PLANS.plans[0], self.ticket.decide(as_of))


def refusal(one: Ticket, reading: Reading) -> str:
    """Why a reading is not admitted."""
    with pytest.raises(Rejected) as caught:
        one.admit(reading)
    return caught.value.reason


@pytest.fixture
def unsealed(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Run a function without any sealing."""

    def run(work: Any) -> Any:
        with monkeypatch.context() as patch:
            patch.setattr(ticket, "SEAL_ABOVE", 10**9)
            return work()

    return run


def test_a_sealed_ticket_says_what_an_unsealed_one_says(unsealed: Any) -> None:
    """1,300 events, markers, and an answer that arrives late but after the seal."""
    told = turns(1300)
    late = told.pop(-9)

    def all_of_it() -> Told:
        one = Told()
        for number, reading in enumerate(told):
            one.take(reading)
            if number % 50 == 0:
                one.mark(reading.time - 1)
        one.take(late)
        one.mark(told[-1].time + HOUR)
        return one

    sealed, whole = all_of_it(), unsealed(all_of_it)
    assert sealed.ticket.base is not None
    assert whole.ticket.base is None
    assert len(sealed.ticket.history) <= SEAL_ABOVE
    assert sealed.net == whole.net
    assert {verdict for verdict, _, _ in sealed.net.values()} == {"met", "breached"}


def test_what_sorts_into_the_seal_is_too_late() -> None:
    """Older than the last sealed event is too late, a repeat too but no helpdesk's verdict; younger is folded again."""
    one, told = Told(), turns(SEAL_ABOVE)
    one.take(*told)
    half = (SEAL_ABOVE + 1) // 2
    last_sealed, first_kept = told[half - 1], told[half]
    assert refusal(one.ticket, say("Escalated", last_sealed.time - 1, "old", kind="functional")) == Reason.TOO_LATE
    assert refusal(one.ticket, last_sealed) == Reason.TOO_LATE
    assert refusal(one.ticket, told[0]) == Reason.TOO_LATE
    assert one.ticket.admit(say("VendorVerdict", START, "v", clock="solve", verdict="met")) is None
    assert one.ticket.admit(first_kept) is None
    assert one.ticket.admit(say("Escalated", last_sealed.time + 1, "young", kind="functional")) == []


def test_the_last_sealed_event_is_not_taken_twice() -> None:
    """Its repeat is too late though its observation has another place in the shortened history."""
    one = Told()
    told = [say("TicketCreated", START, "new"), say("AttributesChanged", START, "z", sequence=1, tier="t")]
    told += [say("AttributesChanged", START + n, f"a{n}", scenario=f"s{n}") for n in range(1, SEAL_ABOVE)]
    one.take(*told)
    sealed = told[(SEAL_ABOVE + 1) // 2 - 1]
    before = codec.encode(one.ticket)
    assert refusal(one.ticket, sealed) == Reason.TOO_LATE
    assert codec.encode(one.ticket) == before


def test_a_rejected_event_leaves_no_trace() -> None:
    """What is too late does not grow the state it was refused by."""
    one = Told()
    one.take(*turns(SEAL_ABOVE))
    before = codec.encode(one.ticket)
    for number in range(50):
        old = say("AttributesChanged", START + number, f"old{number}", vendor=f"v{number}")
        assert refusal(one.ticket, old) == Reason.TOO_LATE
    assert codec.encode(one.ticket) == before


def test_a_sealed_verdict_taken_back_in_error_is_said_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """A stop in the sealed part, undone by a reopen, stands again when a late merge shows that there was none."""
    monkeypatch.setattr(ticket, "SEAL_ABOVE", 2)
    one = Told()
    one.take(say("TicketCreated", START, "new"), say("StatusChanged", START + MINUTE, "s", status="solved"))
    one.take(*(say("RepeatOf", START + n * MINUTE, f"r{n}") for n in (2, 3)))
    place = next(iter(one.net))
    assert one.net[place][0] == "met"
    one.take(say("StatusChanged", START + 10 * MINUTE, "o", status="open"))
    assert one.net == {}
    one.ticket = codec.decode(codec.encode(one.ticket), PLANS, "desk")
    one.take(say("TicketMerged", START + 5 * MINUTE, "m"))
    assert one.net == {place: ("met", START + MINUTE, START + 8 * HOUR)}


def test_a_record_stays_bounded_however_long_the_ticket() -> None:
    """Events that each observe another value: the record grows up to the seal and not beyond twice its half."""
    one = Told()
    one.take(say("TicketCreated", START, "new"))
    sizes = []
    for number in range(3 * SEAL_ABOVE):
        one.take(say("AttributesChanged", START + number * MINUTE, f"a{number}", scenario=f"scenario number {number}"))
        if len(one.ticket.history) == SEAL_ABOVE:
            sizes.append(len(codec.encode(one.ticket)))
    assert len(sizes) > 3
    assert max(sizes) < 40_000
    assert max(sizes[1:]) - min(sizes[1:]) < 2_000


def test_a_sealed_base_forgets_what_was_decided_for_good() -> None:
    """A thousand breaches that markers have decided leave no trace in the base; without markers they wait there."""
    marked, waiting = Told(), Told()
    for number, reading in enumerate(turns(6 * SEAL_ABOVE)):
        waiting.take(reading)
        marked.take(reading)
        if number % 10 == 0:
            marked.mark(reading.time - 1)
    assert len(waiting.ticket.base or b"") > 20_000
    assert len(marked.ticket.base or b"") < 2_000


def test_a_retired_ticket_is_a_stub_that_refuses_everything() -> None:
    """A header is all that remains, and a repeated delivery raises no ghost."""
    one, told = Told(), turns(20)
    one.take(*told, say("StatusChanged", told[-1].time + 1, "s", status="closed"))
    end = one.ticket.retire_at()
    assert one.ticket.mark(end - 1) is not None
    assert not one.ticket.retired
    one.ticket.mark(end)
    assert one.ticket.retired
    stub = codec.encode(one.ticket)
    assert len(stub) == codec.HEADER.size
    again = codec.decode(stub, PLANS, "desk")
    assert refusal(again, told[0]) == refusal(again, say("RepeatOf", end + 1, "x")) == Reason.RETIRED
    assert again.mark(end + HOUR) == []
    assert codec.encode(again) == stub


def test_ids_tell_repeats_from_conflicts() -> None:
    """The same facts again are dropped, other facts under the same id are refused, and neither changes the ticket."""
    one, told = Told(), turns(6)
    one.take(*told)
    before = codec.encode(one.ticket)
    assert [one.ticket.admit(reading) for reading in told] == [None] * 7
    assert refusal(one.ticket, told[2]._replace(time=told[2].time + 1)) == Reason.ID_CONFLICT
    assert refusal(one.ticket, told[2]._replace(observation=(0, "live"))) == Reason.ID_CONFLICT
    assert codec.encode(one.ticket) == before


def test_spam_after_the_seal_cancels_what_is_still_open() -> None:
    """A void reaches the cycles that run; verdicts of cycles that ended in the sealed part stand."""
    one, told = Told(), turns(SEAL_ABOVE)
    one.take(*told)
    said = one.ticket.admit(say("MarkedAsSpam", told[-1].time + MINUTE, "spam")) or []
    kinds = {(PLANS.plans[0].clocks[e.clock].name, e.kind) for e in said if not e.because}
    assert ("solve", CANCELLED) in kinds
    assert ("solve", MET) not in kinds
