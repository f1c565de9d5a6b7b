"""What the service answers, typed. Money is cents, times are aware; members that a newer service adds are passed over."""

from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict


class Model(BaseModel):
    """An answer. `etag` is its version, where it was read by itself."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    etag: str = ""


class Customer(Model):
    """One organisation."""

    uuid: UUID
    slug: str
    name: str
    contact_email: str
    language: str
    time_zone: str
    brand_color: str
    logo_url: str
    show_price: bool
    active: bool
    created: datetime
    modified: datetime


class Member(Model):
    """A role at a customer."""

    uuid: UUID
    customer: UUID
    role: str
    email: str
    pending: bool
    person: UUID | None
    user: int | None
    created: datetime


class Fund(Model):
    """Money of one currency, between two dates."""

    uuid: UUID
    customer: UUID
    title: str
    currency: str
    starts_at: datetime | None
    expires_at: datetime | None
    balance_cents: int
    held_cents: int
    free_cents: int
    created: datetime
    modified: datetime


class LedgerEntry(Model):
    """One movement of a fund's balance."""

    uuid: UUID
    fund: UUID
    sequence: int
    kind: str
    amount_cents: int
    currency: str
    budget: UUID | None
    transaction: UUID | None
    reverses: UUID | None
    reason: str
    created: datetime
    previous_hash: str
    hash: str


class Budget(Model):
    """A limit on a fund, for assigning. `counts` (assignments by state) only where one budget was asked for."""

    uuid: UUID
    customer: UUID
    fund: UUID
    configuration: UUID | None
    catalog: UUID | None
    name: str
    description: str
    currency: str
    limit_cents: int
    held_cents: int
    spent_cents: int
    available_cents: int
    active: bool
    retired: bool
    retired_at: datetime | None
    created: datetime
    modified: datetime
    counts: dict[str, int] = {}


class Run(Model):
    """A run of a course."""

    key: str
    start: datetime | None
    end: datetime | None
    enroll_by: datetime | None
    active: bool


class Course(Model):
    """A course on offer."""

    key: str
    title: str
    partner: str
    price_cents: int | None
    currency: str
    pacing: str
    weeks: int | None
    level: str
    subject: str
    language: str
    course_type: str
    url: str
    active: bool
    runs: list[Run]


class Catalog(Model):
    """A named part of the courses."""

    uuid: UUID
    customer: UUID | None
    title: str
    rule: str
    keys: list[str]
    partners: list[str]
    subjects: list[str]
    created: datetime
    modified: datetime


class Imported(Model):
    """What reading a file of courses or runs came to."""

    created: int
    updated: int
    unchanged: int
    refused: list[dict[str, Any]]
    rescheduled: int


class Reversal(Model):
    """The whole amount, given back."""

    uuid: UUID
    amount_cents: int
    reason: str
    created: datetime


class Transaction(Model):
    """Money for one enrolment."""

    uuid: UUID
    fund: UUID
    budget: UUID
    assignment: UUID
    state: str
    amount_cents: int
    content_key: str
    content_title: str | None
    lms_user_id: int
    fulfillment_identifier: str | None
    attempts: int
    due_at: datetime | None
    error_code: str
    reversal: Reversal | None
    created: datetime
    modified: datetime


class Payment(Transaction):
    """The same with where the course is taken."""

    courseware_url: str


class QuietHours(Model):
    """From when until when nothing is sent, by the learner's clock."""

    begin: str
    end: str


class ReminderPolicy(Model):
    """How a customer reminds."""

    customer: UUID
    enabled: bool
    after_days: list[int]
    before_days: list[int]
    per_week: int
    quiet: QuietHours | None
    working_days_only: bool
    digest: bool
    muted: list[str]


class ForetoldAbout(Model):
    """An assignment that a reminder is about, and the step of the rules that is due."""

    assignment: UUID
    title: str
    step: str


class ForetoldMail(Model):
    """One mail that would go out, or (`dropped`) why it would not after all."""

    at: datetime
    email: str
    about: list[ForetoldAbout]
    holds: list[str]
    dropped: str | None


class ForetoldHold(Model):
    """A step that falls due and is not taken in these days: until when it waits (None: for good), and why."""

    until: datetime | None
    email: str
    about: ForetoldAbout
    holds: list[str]
    why: str


class ReminderForecast(Model):
    """Which reminders would go out from `begin` until before `end`."""

    begin: datetime
    end: datetime
    people: int
    complete: bool
    mails: list[ForetoldMail]
    held: list[ForetoldHold]


class MessageText(Model):
    """A text of a customer's for one kind of mail in one language."""

    uuid: UUID
    customer: UUID
    kind: str
    language: str
    subject: str
    body: str
    created: datetime
    modified: datetime


class Act(Model):
    """One thing that somebody did."""

    id: int
    act: str
    actor_kind: str
    user: int | None
    token: str
    subject: UUID | None
    subject_user: int | None
    reason: str
    facts: dict[str, Any]
    created: datetime


class Token(Model):
    """An API token, without its text."""

    uuid: UUID
    name: str
    prefix: str
    customer: UUID | None
    role: str
    user: int | None
    scopes: list[str]
    expires_at: datetime | None
    revoked_at: datetime | None
    created: datetime
    used_at: datetime | None


class NewToken(Token):
    """A token with its text, which is told this once."""

    token: str


class Audit(Model):
    """Whether the books agree, and where they do not."""

    clean: bool
    differences: list[dict[str, Any]]


class Assignment(Model):
    """One course for one person; `email` is None once it was removed."""

    uuid: UUID
    customer: UUID | None
    budget: UUID | None
    email: str | None
    lms_user_id: int | None
    state: str
    learner_state: str | None
    content_key: str
    content_title: str | None
    parent_content_key: str | None
    run_key: str | None
    price_cents: int
    expires_at: datetime | None
    expires_reason: str
    personal_deadline: datetime | None
    recent_action: str
    recent_action_time: datetime
    allocated_at: datetime | None
    accepted_at: datetime | None
    cancelled_at: datetime | None
    expired_at: datetime | None
    errored_at: datetime | None
    reversed_at: datetime | None
    cycle: int
    batch: UUID | None
    transaction: UUID | None
    created: datetime
    modified: datetime


class Story(Assignment):
    """Everything about one assignment; None is what only those who assign are told."""

    expiry_candidates: list[dict[str, Any]]
    refusal: dict[str, Any] | None
    transactions: list[Payment]
    messages: list["Message"] | None
    mail_stopped: list[str] | None
    timeline: list[dict[str, Any]] | None


class Done(Model):
    """What was done with one assignment."""

    assignment: UUID
    result: str


class Accepted(Done):
    """How accepting one went."""

    transaction: Payment


class Left(Model):
    """Why one assignment was left as it is."""

    assignment: UUID
    code: str
    message: str
    facts: dict[str, Any]


class Outcome(Model):
    """Every assignment of a call once."""

    done: list[Done]
    refused: list[Left]


class HandedOver(Model):
    """What has ended when an assignment was handed on, and what stands in its place."""

    assignment: UUID
    ended: UUID


class AcceptedOutcome(Model):
    """Every assignment of a call to accept once."""

    done: list[Accepted]
    refused: list[Left]


class RowCounts(Model):
    """How many rows come to what."""

    created: int
    updated: int
    unchanged: int
    twin: int
    refused: int


class Plan(Model):
    """What an allocation would do."""

    uuid: UUID
    customer: UUID
    budget: UUID
    state: str
    digest: str
    content_key: str
    content_title: str
    run_key: str | None
    price_cents: int
    people: int
    rows: RowCounts
    charged_cents: int
    available_before_cents: int
    available_after_cents: int | None
    refusal: dict[str, Any] | None
    expires_at: datetime
    expires_reason: str
    applicable_until: datetime
    batch: UUID | None
    created: datetime


class PlanRow(Model):
    """What would happen to one row."""

    line: int
    outcome: str
    cost_cents: int
    email: str | None
    assignment: UUID | None
    was: str | None
    of_line: int | None
    code: str | None
    message: str | None


class Progress(Model):
    """Of how many people something has become, of how many."""

    done: int
    total: int


class Batch(Model):
    """One allocation."""

    uuid: UUID
    customer: UUID
    budget: UUID
    state: str
    content_key: str
    content_title: str
    run_key: str | None
    price_cents: int
    people: int
    rows: RowCounts
    charged_cents: int
    held_cents: int
    progress: Progress
    created: datetime
    modified: datetime


class BatchRow(Model):
    """What became of one row."""

    line: int
    outcome: str
    email: str | None
    assignment: UUID | None
    state: str | None
    of_line: int | None
    code: str | None
    message: str | None


class Event(Model):
    """Something that happened."""

    id: UUID
    position: int
    type: str
    timestamp: datetime
    data: dict[str, Any]


class Feed(Model):
    """Events from a cursor on."""

    items: list[Event]
    cursor: int
    more: bool
    complete: bool


class Endpoint(Model):
    """An address that is told of events."""

    uuid: UUID
    customer: UUID
    url: str
    types: list[str]
    disabled_at: datetime | None
    disabled_reason: str
    failing_since: datetime | None
    failures: int
    last_fault: str
    paused_until: datetime | None
    previous_secret_until: datetime | None
    created: datetime


class NewEndpoint(Endpoint):
    """An endpoint with its secret, which is told this once."""

    secret: str


class Tested(Model):
    """What a receiver answered."""

    delivered: bool
    status: int | None
    fault: str


class Message(Model):
    """One message, and what became of it."""

    uuid: UUID
    customer: UUID | None
    topic: str
    kind: str
    about: UUID
    cycle: int
    ordinal: int
    state: str
    reason: str
    error_code: str
    attempts: int
    due_at: datetime
    settled_at: datetime | None
    resent_at: datetime | None
    created: datetime
    fate: str


class Replayed(Model):
    """Every message of a replay once: those that are due, and the codes of those that are not."""

    done: list[dict[str, Any]]
    refused: list[dict[str, Any]]


class Person(Model):
    """What a customer knows of somebody."""

    uuid: UUID
    customer: UUID
    email: str
    name: str
    department: str
    language: str
    time_zone: str
    manager_email: str
    lms_user_id: int | None
    created: datetime
    modified: datetime
    mail_stopped: list[str] = []


class Export(Model):
    """Everything that is known about one person."""

    exported_at: datetime
    person: dict[str, Any]
    memberships: list[dict[str, Any]]
    mail_stopped: list[str]
    assignments: list[dict[str, Any]]
    messages: list[dict[str, Any]]
    waiting: list[dict[str, Any]]
    planned: list[dict[str, Any]]


Story.model_rebuild()
