"""The names of everything that is told or recorded about an assignment, spelled out once. Pure: no Django."""

from enum import StrEnum
from typing import Final

from bursar.assignments.states import Verb


class MessageKind(StrEnum):
    """Every message that a learner may get about an assignment; the template has the same name."""

    ASSIGNED = "assigned"
    REMINDED = "reminded"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    NUDGED = "nudged"
    EXTENDED = "extended"
    TIME_GRANTED = "time_granted"
    TIME_REFUSED = "time_refused"


class EventType(StrEnum):
    """Everything that other systems are told of, by webhooks and in the feed."""

    ALLOCATED = "assignment.allocated"
    RENEWED = "assignment.renewed"
    LINKED = "assignment.linked"
    ACCEPTED = "assignment.accepted"
    ERRORED = "assignment.errored"
    CANCELLED = "assignment.cancelled"
    DECLINED = "assignment.declined"
    MORE_TIME_ASKED = "assignment.more_time_asked"
    MORE_TIME_GRANTED = "assignment.more_time_granted"
    MORE_TIME_REFUSED = "assignment.more_time_refused"
    EXPIRED = "assignment.expired"
    REVERSED = "assignment.reversed"
    ACKNOWLEDGED = "assignment.acknowledged"
    SCRUBBED = "assignment.scrubbed"
    PERSON_ERASED = "person.erased"


class HistoryReason(StrEnum):
    """Why a record changed, as its history says; an actor's own words may follow after a colon."""

    ALLOCATED = "allocated"
    RENEWED = "renewed"
    COMPLETED = "details filled in"
    CANCELLED_BY_ADMIN = "cancelled by an admin"
    DECLINED_BY_LEARNER = "declined by the learner"
    NOT_ME = "declined as meant for somebody else"
    HANDED_OVER = "handed to somebody else"
    UNDONE = "allocation undone"
    REDEEMED = "accepted"
    REDEMPTION_FAILED = "enrolment failed"
    EXPIRED = "expired"
    REVERSED = "reversed"
    LINKED = "linked to a user"
    DEADLINE_MOVED = "deadline moved"
    SCRUBBED = "personal data removed"
    ERASED = "erased on request"


class Act(StrEnum):
    """What is written down when somebody does it, beside the history of each record (`people.auditing`)."""

    ALLOCATED = "assignments.allocated"
    CANCELLED = "assignments.cancelled"
    EXPIRED = "assignments.expired"
    REVERSED = "assignments.reversed"
    REMINDED = "assignments.reminded"
    DEADLINE_MOVED = "assignments.deadline_moved"
    MORE_TIME_REFUSED = "assignments.more_time_refused"
    FORGOTTEN = "assignments.forgotten"
    REMINDERS_SET = "reminders.set"
    REMINDERS_OFF = "reminders.off"
    MAIL_STOPPED = "mail.stopped"
    MAIL_RESUMED = "mail.resumed"
    TEXT_SET = "text.set"
    TEXT_REMOVED = "text.removed"


TOPIC_MAIL = "mail"
TOPIC_DIGEST = "digest"
DIGEST = "digest"
TOPIC_NOTICE = "notice"
TOPIC_FAN_OUT = "fan-out"
TOPIC_FILL = "fill"

NOTED: Final = {Verb.CANCEL: Act.CANCELLED, Verb.EXPIRE: Act.EXPIRED, Verb.REVERSE: Act.REVERSED}

DECLINED: Final = frozenset({HistoryReason.DECLINED_BY_LEARNER, HistoryReason.NOT_ME})

_EVENTS: Final = {
    (Verb.REDEEM, True): EventType.ACCEPTED,
    (Verb.REDEEM, False): EventType.ERRORED,
    (Verb.CANCEL, True): EventType.CANCELLED,
    (Verb.EXPIRE, True): EventType.EXPIRED,
    (Verb.REVERSE, True): EventType.REVERSED,
}


def event_of(verb: Verb, *, succeeded: bool, reason: str) -> EventType:
    """Return what other systems are told of a step that moved the state."""
    declined = verb is Verb.CANCEL and reason in DECLINED
    return EventType.DECLINED if declined else _EVENTS[verb, succeeded]
