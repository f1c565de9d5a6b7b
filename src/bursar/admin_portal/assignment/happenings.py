"""The timeline of an assignment: its history, actions, mails and the learner's answers, in one order and in words."""

from collections.abc import Iterator
from datetime import datetime
from itertools import pairwise
from typing import Any, Final

from django.utils.functional import Promise
from django.utils.translation import gettext, gettext_lazy

from bursar.admin_portal.assignment.mails import mail_line
from bursar.assignments.cases import Case
from bursar.assignments.constants import AssignmentActions
from bursar.assignments.events import DECLINED, HistoryReason
from bursar.assignments.models import DeclineReason, LearnerContentAssignmentAction, LearnerReply, ReplyKind, ReplyState
from bursar.pages.moments import day_text
from bursar.pages.shapes import Happening, Tone
from bursar.people.selectors import address_of

Looks = tuple[str | Promise, Tone, str]
HISTORY: Final[dict[str, Looks]] = {
    HistoryReason.ALLOCATED: (gettext_lazy("Assigned"), Tone.INFO, "course"),
    HistoryReason.RENEWED: (gettext_lazy("Assigned again"), Tone.INFO, "course"),
    HistoryReason.COMPLETED: (gettext_lazy("Details filled in"), Tone.NEUTRAL, "edit"),
    HistoryReason.CANCELLED_BY_ADMIN: (gettext_lazy("Cancelled"), Tone.BAD, "close"),
    HistoryReason.DECLINED_BY_LEARNER: (gettext_lazy("Declined by the learner"), Tone.BAD, "close"),
    HistoryReason.NOT_ME: (gettext_lazy("Declined: somebody else was meant"), Tone.BAD, "close"),
    HistoryReason.HANDED_OVER: (gettext_lazy("Handed to somebody else"), Tone.WARN, "people"),
    HistoryReason.UNDONE: (gettext_lazy("The allocation was undone"), Tone.BAD, "undo"),
    HistoryReason.REDEEMED: (gettext_lazy("Accepted and enrolled"), Tone.GOOD, "check"),
    HistoryReason.REDEMPTION_FAILED: (gettext_lazy("The enrolment failed"), Tone.BAD, "error"),
    HistoryReason.EXPIRED: (gettext_lazy("Expired"), Tone.WARN, "clock"),
    HistoryReason.REVERSED: (gettext_lazy("Taken back"), Tone.WARN, "undo"),
    HistoryReason.LINKED: (gettext_lazy("Linked to an account"), Tone.NEUTRAL, "link"),
    HistoryReason.DEADLINE_MOVED: (gettext_lazy("Deadline moved"), Tone.INFO, "clock"),
    HistoryReason.SCRUBBED: (gettext_lazy("Address removed"), Tone.NEUTRAL, "lock"),
    HistoryReason.ERASED: (gettext_lazy("Address removed on request"), Tone.NEUTRAL, "lock"),
}
STATES: Final[dict[str, Looks]] = {
    "allocated": HISTORY[HistoryReason.ALLOCATED],
    "accepted": HISTORY[HistoryReason.REDEEMED],
    "cancelled": HISTORY[HistoryReason.CANCELLED_BY_ADMIN],
    "errored": HISTORY[HistoryReason.REDEMPTION_FAILED],
    "expired": HISTORY[HistoryReason.EXPIRED],
    "reversed": HISTORY[HistoryReason.REVERSED],
}
CHANGED: Final[Looks] = (gettext_lazy("Changed"), Tone.NEUTRAL, "edit")
ACTIONS: Final[dict[str, tuple[str | Promise, str | Promise]]] = {
    AssignmentActions.LEARNER_LINKED: (
        gettext_lazy("The organisation knows the learner"),
        gettext_lazy("The learner could not be linked to the organisation"),
    ),
    AssignmentActions.NOTIFIED: (gettext_lazy("Told of the course"), gettext_lazy("Telling of the course failed")),
    AssignmentActions.REMINDED: (gettext_lazy("Reminded"), gettext_lazy("Reminding failed")),
    AssignmentActions.CANCELLED: (
        gettext_lazy("Told of the cancellation"),
        gettext_lazy("Telling of the cancellation failed"),
    ),
    AssignmentActions.EXPIRED: (gettext_lazy("Told of the expiry"), gettext_lazy("Telling of the expiry failed")),
    AssignmentActions.REDEEMED: (gettext_lazy("Enrolled"), gettext_lazy("The enrolment failed")),
    AssignmentActions.REVERSED: (gettext_lazy("Given back"), gettext_lazy("Giving back failed")),
    AssignmentActions.CANCELLED_ACKNOWLEDGED: (gettext_lazy("The learner has seen the end"), ""),
    AssignmentActions.EXPIRED_ACKNOWLEDGED: (gettext_lazy("The learner has seen the end"), ""),
}
TOLD_BY_MAILS: Final = frozenset({
    *(AssignmentActions.NOTIFIED, AssignmentActions.REMINDED, AssignmentActions.CANCELLED, AssignmentActions.EXPIRED),
})  # fmt: skip
TOLD_BY_HISTORY: Final = frozenset({AssignmentActions.REDEEMED, AssignmentActions.REVERSED})
DECLINES: Final[dict[str, Promise]] = {
    DeclineReason.NO_TIME: gettext_lazy("has no time for it"),
    DeclineReason.NOT_USEFUL: gettext_lazy("has no use for it"),
    DeclineReason.KNOWN_ALREADY: gettext_lazy("knows it already"),
    DeclineReason.NOT_ME: gettext_lazy("somebody else was meant"),
    DeclineReason.OTHER: gettext_lazy("another reason"),
}


def happenings(case: Case) -> list[Happening]:
    """Return everything that is known to have happened, newest first."""
    found = [*_history(case), *_actions(case), *_mails(case), *_replies(case)]
    return sorted(found, key=_moment)[::-1]


def _moment(one: Happening) -> datetime:
    assert one.at is not None  # all of these are dated
    return one.at


def _history(case: Case) -> Iterator[Happening]:
    """Tell the changes, but for the ones that the learner's own answer tells of."""
    answered = any(reply.state == ReplyState.NOTED for reply in case.replies)
    for before, record in pairwise([None, *case.past]):
        reason, _, words = (record.history_change_reason or "").partition(": ")
        if answered and reason in DECLINED:
            continue
        same_state = before is not None and before.state == record.state
        title, tone, icon = HISTORY.get(reason) or (CHANGED if same_state else STATES.get(record.state, CHANGED))
        if reason == HistoryReason.DEADLINE_MOVED and record.personal_deadline:
            title = gettext("Deadline moved to %(day)s") % {"day": day_text(record.personal_deadline)}
        yield Happening(record.history_date, str(title), _who(record.history_user), words, tone, icon)


def _who(user: Any) -> str:
    return address_of(user) or user.get_username() if user is not None else ""


def _actions(case: Case) -> Iterator[Happening]:
    """Tell the actions that neither a mail nor the history tells of."""
    for action in case.actions:
        told = bool(case.messages) and action.action_type in TOLD_BY_MAILS
        if told or (action.action_type in TOLD_BY_HISTORY and not action.error_reason):
            continue
        yield _action(action)


def _action(action: LearnerContentAssignmentAction) -> Happening:
    done, failed = ACTIONS.get(action.action_type, (action.action_type, action.action_type))
    if action.error_reason:
        return Happening(action.created, str(failed or done), why=action.error_reason, tone=Tone.BAD, icon="error")
    icon = "link" if action.action_type == AssignmentActions.LEARNER_LINKED else "check"
    return Happening(action.completed_at or action.created, str(done), icon=icon)


def _mails(case: Case) -> Iterator[Happening]:
    for message in case.messages:
        line = mail_line(message)
        yield Happening(
            message.settled_at or message.created, f"{line.name}: {line.outcome}", why=line.why, tone=line.tone,
            icon=line.icon,
        )  # fmt: skip


def _replies(case: Case) -> Iterator[Happening]:
    for reply in case.replies:
        yield _said(reply)
        if reply.answered_at:
            yield _answered(reply)


def _said(reply: LearnerReply) -> Happening:
    who = gettext("the learner")
    if reply.kind != ReplyKind.MORE_TIME:
        title = gettext("The learner declined: %(why)s") % {"why": DECLINES.get(reply.reason, reply.reason)}
        return Happening(reply.created, title, who, reply.words, Tone.WARN, "person")
    if reply.until and reply.state != ReplyState.GRANTED:
        title = gettext("The learner asked for time until %(day)s") % {"day": day_text(reply.until)}
    else:
        title = gettext("The learner asked for more time")
    return Happening(reply.created, title, who, reply.words, Tone.WARN, "clock")


def _answered(reply: LearnerReply) -> Happening:
    if reply.state == ReplyState.GRANTED:
        return Happening(reply.answered_at, gettext("More time was granted"), "", reply.answer, Tone.GOOD, "check")
    return Happening(reply.answered_at, gettext("More time was refused"), "", reply.answer, Tone.NEUTRAL, "close")
