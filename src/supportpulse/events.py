"""What helpdesks say: ticket lifecycle events, each a CloudEvents 1.0 object in structured mode.

The models are the contract. Readers ignore unknown fields, and what was ignored is never written. `subject` is the
ticket id, `time` is when it happened in the helpdesk. An `id` names what happened, not its delivery: a webhook, its
retry and a later reconciliation all give the same id.
"""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints

from supportpulse.names import event_type

Id = Annotated[str, StringConstraints(min_length=1, max_length=200)]
Source = Annotated[str, StringConstraints(min_length=1, max_length=100, pattern=r"^[^|\s\x00-\x1f]+$")]
Value = Annotated[str, StringConstraints(min_length=1, max_length=100)]
Status = Literal["new", "open", "pending_customer", "pending_third_party", "solved", "closed"]
STATUSES: tuple[str, ...] = ("new", "open", "pending_customer", "pending_third_party", "solved", "closed")
ActorKind = Literal["customer", "agent", "bot", "automation"]
VendorWord = Literal["running", "met", "breached"]
VENDOR_WORDS: tuple[str, ...] = ("running", "met", "breached")
Mode = Literal["log", "live", "ended", "released"]


class Body(BaseModel):
    """Base of every `data` object: unknown fields are ignored when read."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class Actor(Body):
    """Who did it, as an opaque id, with the role held at that moment (roles change later; events do not)."""

    kind: ActorKind
    id: Value | None = None
    site: Value | None = None


class Signals(Body):
    """What policy may know of a text; the text itself never enters Kafka."""

    length: Annotated[int, Field(ge=0)] = 0
    language: Value | None = None
    question: bool = False
    names_item: bool = False
    code: bool = False
    links: Annotated[int, Field(ge=0)] = 0
    doc_links: Annotated[int, Field(ge=0)] = 0
    canned_share: Annotated[float, Field(ge=0, le=1)] = 0.0
    similarity: Value | None = None
    cause: bool = False
    prevention: bool = False
    self_check: bool = False
    mere_restart: bool = False
    confirms_resolution: bool = False


class Done(Body):
    """Data of an event that says no more than that it happened, and by whom."""

    actor: Actor | None = None


class Attributes(Done):
    """Attributes of a ticket: absent = unchanged, null = cleared."""

    scenario: Value | None = None
    sub_scenario: Value | None = None
    region: Value | None = None
    channel: Value | None = None
    priority: Value | None = None
    tier: Value | None = None
    vendor: Value | None = None
    product_version: Value | None = None
    locale: Value | None = None


class Creation(Attributes):
    """A ticket as it was opened; an actor of kind `agent` means that an agent opened it."""

    status: Status | None = None


class Observation(Attributes):
    """A snapshot of a ticket; the fold finds out what changed."""

    created_at: AwareDatetime | None = None
    status: Status | None = None
    team: Value | None = None
    site: Value | None = None
    agent: Value | None = None


class Message(Done):
    """A message on the ticket."""

    public: bool = True
    signals: Signals = Signals()
    macro: Value | None = None


class Cause(Done):
    """A cause was found."""

    category: Value | None = None


class StatusChange(Done):
    """The status after the change."""

    status: Status


class PriorityChange(Done):
    """The priority after the change; null = cleared."""

    priority: Value | None


class Assignment(Done):
    """Who has the ticket now: absent = unchanged, null = nobody."""

    team: Value | None = None
    site: Value | None = None
    agent: Value | None = None


class HandOver(Done):
    """One site gives the ticket to another."""

    from_site: Value | None = None
    to_site: Value | None = None


class Escalation(Done):
    """`functional` = to other skills, `hierarchic` = to somebody above."""

    kind: Literal["functional", "hierarchic"]


class Relation(Done):
    """Another ticket of the same source."""

    other_ticket_id: Id | None = None


class Rating(Done):
    """Satisfaction as a share of the best mark."""

    score: Annotated[float, Field(ge=0, le=1)]


class Link(Done):
    """A document or a known issue, by an opaque reference."""

    reference: Value | None = None


class VendorJudgement(Done):
    """What the helpdesk itself says of one of our clocks as of the event's time; `deadline` if it tells one.

    `clock` is our name of the clock. A breach is said as of the vendor's deadline, a fulfilment as of when it happened,
    so that however often a helpdesk repeats it, it is one event.
    """

    clock: Value
    verdict: VendorWord
    deadline: AwareDatetime | None = None


class Event(BaseModel):
    """The envelope shared by all events. `sequence` orders events of one instant; a missing one sorts first."""

    model_config = ConfigDict(extra="ignore", frozen=True, populate_by_name=True)
    about_ticket: ClassVar[bool] = True

    specversion: Literal["1.0"] = "1.0"
    id: Id
    source: Source
    time: AwareDatetime
    sequence: Annotated[int, Field(ge=0, le=2**63 - 1)] | None = None


class TicketEvent(Event):
    """An event about one ticket."""

    ticket_id: Id = Field(alias="subject")
    data: Done = Done()


class TicketCreated(TicketEvent):
    """A customer, or an agent for a customer, opened the ticket."""

    type: Literal["supportpulse.TicketCreated.v1"] = "supportpulse.TicketCreated.v1"
    data: Creation = Creation()


class TicketObserved(TicketEvent):
    """A snapshot of the ticket at `time`; one earlier than its `created_at` counts at `created_at`."""

    type: Literal["supportpulse.TicketObserved.v1"] = "supportpulse.TicketObserved.v1"
    data: Observation


class MessagePosted(TicketEvent):
    """A public or internal message."""

    type: Literal["supportpulse.MessagePosted.v1"] = "supportpulse.MessagePosted.v1"
    data: Message


class ProblemConfirmed(TicketEvent):
    """Support confirmed the problem."""

    type: Literal["supportpulse.ProblemConfirmed.v1"] = "supportpulse.ProblemConfirmed.v1"


class CauseIdentified(TicketEvent):
    """Support found the cause."""

    type: Literal["supportpulse.CauseIdentified.v1"] = "supportpulse.CauseIdentified.v1"
    data: Cause = Cause()


class WorkaroundProvided(TicketEvent):
    """The customer can work on, though the problem is not solved."""

    type: Literal["supportpulse.WorkaroundProvided.v1"] = "supportpulse.WorkaroundProvided.v1"


class SolutionProvided(TicketEvent):
    """The customer has a solution to try."""

    type: Literal["supportpulse.SolutionProvided.v1"] = "supportpulse.SolutionProvided.v1"


class StatusChanged(TicketEvent):
    """The ticket entered a status category."""

    type: Literal["supportpulse.StatusChanged.v1"] = "supportpulse.StatusChanged.v1"
    data: StatusChange


class PriorityChanged(TicketEvent):
    """The ticket got another priority."""

    type: Literal["supportpulse.PriorityChanged.v1"] = "supportpulse.PriorityChanged.v1"
    data: PriorityChange


class AttributesChanged(TicketEvent):
    """Attributes other than status, priority and assignment changed."""

    type: Literal["supportpulse.AttributesChanged.v1"] = "supportpulse.AttributesChanged.v1"
    data: Attributes


class Assigned(TicketEvent):
    """The ticket went to a team, site or agent."""

    type: Literal["supportpulse.Assigned.v1"] = "supportpulse.Assigned.v1"
    data: Assignment


class HandedOver(TicketEvent):
    """A site handed the ticket to another."""

    type: Literal["supportpulse.HandedOver.v1"] = "supportpulse.HandedOver.v1"
    data: HandOver = HandOver()


class Escalated(TicketEvent):
    """The ticket was escalated."""

    type: Literal["supportpulse.Escalated.v1"] = "supportpulse.Escalated.v1"
    data: Escalation


class TicketMerged(TicketEvent):
    """This ticket was merged into another: its running clocks are cancelled, an earlier breach stands."""

    type: Literal["supportpulse.TicketMerged.v1"] = "supportpulse.TicketMerged.v1"
    data: Relation = Relation()


class TicketSplit(TicketEvent):
    """This ticket was split off, or another was split off it."""

    type: Literal["supportpulse.TicketSplit.v1"] = "supportpulse.TicketSplit.v1"
    data: Relation = Relation()


class RepeatOf(TicketEvent):
    """This ticket repeats an earlier one."""

    type: Literal["supportpulse.RepeatOf.v1"] = "supportpulse.RepeatOf.v1"
    data: Relation = Relation()


class TicketDeleted(TicketEvent):
    """The ticket is gone: what ran or was breached no longer counts."""

    type: Literal["supportpulse.TicketDeleted.v1"] = "supportpulse.TicketDeleted.v1"


class MarkedAsSpam(TicketEvent):
    """The ticket was no request: what ran or was breached no longer counts."""

    type: Literal["supportpulse.MarkedAsSpam.v1"] = "supportpulse.MarkedAsSpam.v1"


class TicketRestored(TicketEvent):
    """A deleted ticket, or one marked as spam, is back as if it had never gone."""

    type: Literal["supportpulse.TicketRestored.v1"] = "supportpulse.TicketRestored.v1"


class SatisfactionRated(TicketEvent):
    """The customer rated the ticket."""

    type: Literal["supportpulse.SatisfactionRated.v1"] = "supportpulse.SatisfactionRated.v1"
    data: Rating


class KnowledgeLinked(TicketEvent):
    """A document was linked."""

    type: Literal["supportpulse.KnowledgeLinked.v1"] = "supportpulse.KnowledgeLinked.v1"
    data: Link = Link()


class KnownIssueLinked(TicketEvent):
    """A known issue was linked."""

    type: Literal["supportpulse.KnownIssueLinked.v1"] = "supportpulse.KnownIssueLinked.v1"
    data: Link = Link()


class VendorVerdict(TicketEvent):
    """The helpdesk's own verdict on a clock: compared with ours, never taken over. Sorts last of its time."""

    type: Literal["supportpulse.VendorVerdict.v1"] = "supportpulse.VendorVerdict.v1"
    data: VendorJudgement


class Due(Done):
    """`at` is the watermark that passed the ticket's next deadline."""

    at: AwareDatetime


class DeadlineReached(TicketEvent):
    """A worker's marker: everything that happened up to `at` has been delivered (law 3)."""

    type: Literal["supportpulse.DeadlineReached.v1"] = "supportpulse.DeadlineReached.v1"
    data: Due


class Pulse(Body):
    """`watermark`: everything that happened before it has been delivered by this instance of the source."""

    instance: Value
    watermark: AwareDatetime
    mode: Mode


class Heartbeat(Event):
    """A source's watermark, sent to every partition behind the producer's own buffer."""

    about_ticket: ClassVar[bool] = False
    type: Literal["supportpulse.Heartbeat.v1"] = "supportpulse.Heartbeat.v1"
    data: Pulse


class ProbeBody(Body):
    """`worker` sent the probe to `partition`."""

    worker: Value
    partition: Annotated[int, Field(ge=0)]


class Probe(Event):
    """A worker measures the pipe."""

    about_ticket: ClassVar[bool] = False
    type: Literal["supportpulse.Probe.v1"] = "supportpulse.Probe.v1"
    data: ProbeBody


TICKET_EVENTS: tuple[type[TicketEvent], ...] = (
    TicketCreated, TicketObserved, MessagePosted, ProblemConfirmed, CauseIdentified, WorkaroundProvided,
    SolutionProvided, StatusChanged, PriorityChanged, AttributesChanged, Assigned, HandedOver, Escalated, TicketMerged,
    TicketSplit, RepeatOf, TicketDeleted, MarkedAsSpam, TicketRestored, SatisfactionRated, KnowledgeLinked,
    KnownIssueLinked, VendorVerdict, DeadlineReached,
)  # fmt: skip
EVENTS: tuple[type[Event], ...] = (*TICKET_EVENTS, Heartbeat, Probe)
BY_TYPE: dict[str, type[Event]] = {event_type(cls.__name__): cls for cls in EVENTS}
