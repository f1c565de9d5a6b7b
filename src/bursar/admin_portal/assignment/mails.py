"""What a mail about an assignment is called, what became of it, and why one did not go, in words for those who assign."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext, gettext_lazy

from bursar.assignments.events import DIGEST, MessageKind
from bursar.assignments.policy import HAS_UNSUBSCRIBED, SUPPRESSED
from bursar.assignments.wishes import SWITCHED_OFF
from bursar.outbox.models import HELD, Message, State
from bursar.pages.shapes import Tone
from bursar.people.models import StopReason

NAMES: Final = {
    MessageKind.ASSIGNED: gettext_lazy("Invitation"),
    MessageKind.REMINDED: gettext_lazy("Reminder"),
    MessageKind.CANCELLED: gettext_lazy("Mail about the cancellation"),
    MessageKind.EXPIRED: gettext_lazy("Mail about the expiry"),
    MessageKind.NUDGED: gettext_lazy("Mail before the course starts"),
    MessageKind.EXTENDED: gettext_lazy("Mail about the new deadline"),
    MessageKind.TIME_GRANTED: gettext_lazy("Mail that more time is granted"),
    MessageKind.TIME_REFUSED: gettext_lazy("Mail that no more time is given"),
    DIGEST: gettext_lazy("Reminder of several courses"),
}
OUTCOMES: Final[dict[State, tuple[str | Promise, Tone, str]]] = {
    State.PENDING: (gettext_lazy("waits to be sent"), Tone.INFO, "clock"),
    State.CLAIMED: (gettext_lazy("is being sent"), Tone.INFO, "mail"),
    State.COMMITTING: (gettext_lazy("is being sent"), Tone.INFO, "mail"),
    State.SENT: (gettext_lazy("sent"), Tone.GOOD, "mail"),
    State.DROPPED: (gettext_lazy("not sent"), Tone.NEUTRAL, "close"),
    State.FAILED: (gettext_lazy("could not be sent"), Tone.BAD, "error"),
    State.UNKNOWN: (gettext_lazy("may have been sent"), Tone.WARN, "warning"),
    State.BOUNCED: (gettext_lazy("came back"), Tone.BAD, "undo"),
}
WHY_NOT: Final[dict[str, Promise]] = {
    SUPPRESSED: gettext_lazy("Mail to this address is stopped."),
    HAS_UNSUBSCRIBED: gettext_lazy("The learner has unsubscribed from reminders."),
    SWITCHED_OFF: gettext_lazy("Your organisation has switched this kind of mail off."),
    "personal data removed": gettext_lazy("The address has been removed."),
    "allocated again since": gettext_lazy("The course was assigned again meanwhile, with a mail of its own."),
    "being accepted": gettext_lazy("The learner was accepting at that moment."),
    "its deadline has passed": gettext_lazy("The deadline had passed."),
    "the course has begun": gettext_lazy("The course had begun."),
    "enrollment in the course has closed": gettext_lazy("Enrolment in the course had closed."),
    "handed to somebody else": gettext_lazy("The course was handed to somebody else before it left."),
    "allocation undone": gettext_lazy("The allocation was undone before it left."),
    "the assignment is gone": gettext_lazy("The assignment was gone."),
}
NO_LONGER_NEEDED: Final = "no longer needed"
STOPS: Final[dict[str, Promise]] = {
    StopReason.UNSUBSCRIBED: gettext_lazy("The learner does not want reminders. They still get what they must know."),
    StopReason.BOUNCED: gettext_lazy("Mail to this address comes back. Look whether it is spelled right."),
    StopReason.COMPLAINED: gettext_lazy("A mail of ours was reported as unwanted by its reader."),
    StopReason.SUPPRESSED: gettext_lazy("Your organisation has stopped mail to this address."),
}


@dataclass(frozen=True, slots=True)
class MailLine:
    """One mail: its name, what became of it, and why, if there is more to say."""

    message: Message
    name: str
    outcome: str
    tone: Tone
    icon: str
    why: str


def mail_line(message: Message) -> MailLine:
    """Return what is to be said of a message."""
    outcome, tone, icon = OUTCOMES[State(message.state)]
    return MailLine(message, name_of(message), str(outcome), tone, icon, _why(message))


def name_of(message: Message) -> str:
    """Return what a message is called."""
    kind = DIGEST if message.kind not in NAMES else message.kind
    return str(NAMES[kind])


def _why(message: Message) -> str:
    if message.state == State.DROPPED:
        return reason_words(message.reason)
    if message.state in (State.PENDING, *HELD):
        if not message.attempts:
            return ""
        return gettext("The last try failed (%(code)s); it is tried again.") % {"code": message.error_code}
    if message.state == State.SENT:
        return "" if message.resent_at is None else gettext("It was sent again, as nobody knew whether it had left.")
    return gettext("What the mail server said: %(code)s.") % {"code": message.error_code or message.reason}


def reason_words(reason: str) -> str:
    """Return why a mail was not sent; what nobody has words for stays as it is."""
    if reason.startswith(NO_LONGER_NEEDED):
        return gettext("It was not needed any more: the assignment had changed.")
    return str(WHY_NOT.get(reason, reason))


def stops(reasons: Iterable[str]) -> list[str]:
    """Return why mail to the address is stopped."""
    return [str(STOPS.get(reason, reason)) for reason in reasons]
