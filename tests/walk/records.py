"""The plain records of the model, and what follows from one of them alone; nothing here knows the product's code."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import UUID

START = datetime(2026, 3, 2, 9, tzinfo=UTC)
STAMPED = ("allocated", "accepted", "cancelled", "expired", "errored", "reversed")
ENDED = ("cancelled", "expired", "errored", "reversed")
DAY = timedelta(days=1)


@dataclass
class Terms:
    """One run of a course."""

    enroll_by: datetime | None
    start: datetime | None
    end: datetime | None

    def is_open(self, now):
        return all(limit is None or limit > now for limit in (self.enroll_by, self.end))


@dataclass
class Purse:
    """A budget: its limit, what it holds, what it spent."""

    limit: int
    held: int = 0
    spent: int = 0


@dataclass
class Person:
    number: int | None
    modified: datetime


@dataclass
class User:
    number: int
    address: str
    verified: str | None


@dataclass
class Message:
    kind: str
    cycle: int
    ordinal: int
    due: datetime
    state: str = "pending"
    attempts: int = 0
    lease: datetime | None = None

    @property
    def is_unsettled(self):
        return self.state in ("pending", "committing")


@dataclass
class Payment:
    """One enrolment of one assignment, from asked to committed or failed."""

    cents: int
    created: datetime
    due: datetime | None
    start: datetime | None
    state: str = "pending"
    attempts: int = 0
    is_reversed: bool = False


@dataclass
class Action:
    kind: str
    at: datetime
    succeeded: bool = True


@dataclass(eq=False)
class Row:
    """One assignment with everything that ever happened to it."""

    uuid: UUID
    purse: str
    content: str
    address: str | None
    number: int | None
    created: datetime
    cents: int
    run: str | None
    enroll_by: datetime | None
    fund_end: datetime | None
    batch: UUID
    state: str = "allocated"
    cycle: int = 1
    stamps: dict[str, datetime | None] = field(default_factory=lambda: dict.fromkeys(STAMPED))
    personal: datetime | None = None
    expires: tuple[datetime, str] | None = None
    is_scrubbed: bool = False
    payments: list[Payment] = field(default_factory=list)
    messages: list[Message] = field(default_factory=list)
    actions: list[Action] = field(default_factory=list)
    history: list[tuple[str, str]] = field(default_factory=list)

    @property
    def begun(self):
        return self.stamps["allocated"]

    @property
    def pending(self):
        return next((payment for payment in self.payments if payment.state == "pending"), None)

    def enter(self, state, at, reason):
        """Move to a state, with the timestamps of the contract's table and a row of history."""
        self.state = state
        if state == "allocated":
            self.stamps = dict.fromkeys(STAMPED)
        if state == "accepted":
            self.stamps |= dict.fromkeys(ENDED)
        self.stamps[state] = at
        self.history.append((state, reason))

    def note(self, reason):
        self.history.append((self.state, reason))

    def act(self, kind, at, *, succeeded=True):
        self.actions.append(Action(kind, at, succeeded))
        if kind in ("notified", "reminded"):
            self.retime()

    def last(self, kind):
        """When an action of a kind last succeeded."""
        return max((item.at for item in self.actions if item.kind == kind and item.succeeded), default=None)

    @property
    def last_failed_telling(self):
        """When the last attempt at telling of the assignment failed, if it was the last."""
        told = [item for item in self.actions if item.kind == "notified"]
        return told[-1].at if told and not told[-1].succeeded else None

    def retime(self):
        """Compute the deadline anew: the earliest of three, or the personal one with the reason it stands in for."""
        told = [moment for moment in (self.last("notified"), self.begun) if moment]
        dates = [(max(told) + 90 * DAY, "NINETY_DAYS_PASSED")]
        if self.enroll_by:
            dates.append((self.enroll_by, "ENROLLMENT_DATE_PASSED"))
        if self.fund_end:
            dates.append((self.fund_end, "SUBSIDY_EXPIRED"))
        earliest = min(dates, key=lambda date: date[0])
        self.expires = earliest if self.personal is None else (self.personal, earliest[1])

    @property
    def learner_state(self):
        if self.state == "allocated":
            if (told := self.last("notified")) and told >= self.begun:
                return "waiting"
            failed = self.last_failed_telling
            return "failed" if failed and failed >= self.begun else "notifying"
        return {"expired": "expired", "errored": "failed"}.get(self.state)

    @property
    def recent_action(self):
        reminded = self.last("reminded")
        return ("reminded", reminded) if reminded and reminded >= self.begun else ("assigned", self.begun)

    def send(self, kind, at, ordinal=1):
        self.messages.append(Message(kind, self.cycle, ordinal, at))

    def withdraw(self, kinds):
        for message in self.messages:
            if message.kind in kinds and message.state == "pending":
                message.state = "dropped"

    def is_waiting_for(self, kind):
        return any(item.kind == kind and item.cycle == self.cycle and item.is_unsettled for item in self.messages)

    def why_unneeded(self, message, now):
        """Whether a message has lost its point, looked at just before it leaves."""
        wanted = {"assigned": "allocated", "reminded": "allocated", "nudged": "accepted"}
        late = message.kind in ("assigned", "reminded") and self.expires[0] <= now
        accepting = message.kind == "reminded" and self.pending is not None
        other = message.cycle != self.cycle or self.state != wanted.get(message.kind, message.kind)
        return self.is_scrubbed or other or late or accepting
