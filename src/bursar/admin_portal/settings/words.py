"""What is said of kinds, roles, permissions, acts and refusals, in the reader's language, by their codes."""

from collections.abc import Mapping
from typing import Any, Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy
from django.utils.translation import gettext_lazy as _

from bursar.assignments.events import DIGEST, Act, HistoryReason, MessageKind
from bursar.assignments.reminders import Hold
from bursar.kernel.errors import BursarError
from bursar.people import auditing
from bursar.people.access import Permission
from bursar.people.models import Role
from bursar.webhooks.services import EndpointAct

Words = Mapping[str, Promise]

KINDS: Final[Words] = {
    MessageKind.ASSIGNED: _("Invitation"),
    MessageKind.REMINDED: _("Reminder"),
    MessageKind.CANCELLED: _("Cancellation"),
    MessageKind.EXPIRED: _("Expiry"),
    MessageKind.NUDGED: _("Before the course starts"),
    MessageKind.EXTENDED: _("Another deadline"),
    MessageKind.TIME_GRANTED: _("More time granted"),
    MessageKind.TIME_REFUSED: _("More time refused"),
    DIGEST: _("Reminder of several courses"),
}
WHEN: Final[Words] = {
    MessageKind.ASSIGNED: _("when a course is assigned to somebody"),
    MessageKind.REMINDED: _("when somebody has not accepted yet"),
    MessageKind.CANCELLED: _("when an assignment is cancelled"),
    MessageKind.EXPIRED: _("when an assignment has lapsed"),
    MessageKind.NUDGED: _("to those who have accepted, some days before the start"),
    MessageKind.EXTENDED: _("when somebody gets another deadline"),
    MessageKind.TIME_GRANTED: _("when somebody gets the time that they asked for"),
    MessageKind.TIME_REFUSED: _("when somebody does not get the time that they asked for"),
    DIGEST: _("when several reminders are due to somebody on one day"),
}
PLACEHOLDERS: Final[Words] = {
    "name": _("The learner's name, or nothing if it is not known."),
    "customer": _("The name of your organisation."),
    "course_title": _("The title of the course."),
    "link": _("The address where the learner accepts the course."),
    "deadline": _("Until when it can be accepted, or nothing without a deadline."),
    "price": _("What the course costs your organisation."),
    "start": _("When the course starts, or nothing if that is not known."),
    "answer": _("What whoever decided wrote to them, or nothing."),
    "courses": _("The list of the courses, each with its deadline and its link."),
}
ROLES: Final[Words] = {Role.LEARNER: _("Learner"), Role.ADMIN: _("Admin"), Role.OPERATOR: _("Operator")}
ROLES_MEAN: Final[Words] = {
    Role.LEARNER: _("takes courses"),
    Role.ADMIN: _("assigns courses, and decides who else may"),
    Role.OPERATOR: _("may do everything here, also change money"),
}
PERMISSIONS: Final[Words] = {
    Permission.READ_BUDGETS: _("Read budgets"),
    Permission.WRITE_BUDGETS: _("Change budgets and funds"),
    Permission.ALLOCATE: _("Assign courses"),
    Permission.MANAGE: _("Remind, cancel, extend"),
    Permission.LEARN: _("Take courses"),
    Permission.CONFIGURE: _("Change catalogs"),
    Permission.NOTIFY: _("Change texts, reminders and webhooks"),
    Permission.ADMINISTER: _("Decide who may do what"),
    Permission.READ_CUSTOMER: _("Read everything of the organisation"),
}
HOLDS: Final[Words] = {
    Hold.ANOTHER: _("another reminder comes first"),
    Hold.CAP: _("no more this week: the cap is reached"),
    Hold.QUIET_HOURS: _("quiet hours"),
    Hold.WEEKEND: _("weekend"),
}
ACTORS: Final[Words] = {
    "person": _("People"),
    "client": _("Programs"),
    "console": _("Command line"),
    "job": _("Jobs"),
    "system": _("The service itself"),
}
ACTS: Final[Words] = {
    auditing.Act.MEMBER_ADDED: _("Gave a role"),
    auditing.Act.MEMBER_REMOVED: _("Took a role away"),
    auditing.Act.TOKEN_MADE: _("Made an API token"),
    auditing.Act.TOKEN_REVOKED: _("Revoked an API token"),
    auditing.Act.CUSTOMER_CHANGED: _("Changed the organisation"),
    EndpointAct.ADDED: _("Added a webhook"),
    EndpointAct.CHANGED: _("Chose the events of a webhook"),
    EndpointAct.SECRET_ROTATED: _("Renewed the secret of a webhook"),
    EndpointAct.DISABLED: _("Switched a webhook off"),
    EndpointAct.ENABLED: _("Switched a webhook on"),
    EndpointAct.REMOVED: _("Removed a webhook"),
    EndpointAct.REPLAYED: _("Had a webhook told again"),
    Act.ALLOCATED: _("Assigned a course"),
    Act.CANCELLED: _("Cancelled assignments"),
    Act.EXPIRED: _("Let assignments expire"),
    Act.REVERSED: _("Reversed acceptances"),
    Act.REMINDED: _("Reminded"),
    Act.DEADLINE_MOVED: _("Moved a deadline"),
    Act.MORE_TIME_REFUSED: _("Refused more time"),
    Act.FORGOTTEN: _("Erased a person"),
    Act.REMINDERS_SET: _("Set the reminders"),
    Act.REMINDERS_OFF: _("Switched reminders off"),
    Act.MAIL_STOPPED: _("Stopped a kind of mail"),
    Act.MAIL_RESUMED: _("Let a kind of mail be sent again"),
    Act.TEXT_SET: _("Wrote a message text"),
    Act.TEXT_REMOVED: _("Went back to the standard message text"),
}
REASONS: Final[Words] = {
    HistoryReason.CANCELLED_BY_ADMIN: _("cancelled by an admin"),
    HistoryReason.HANDED_OVER: _("handed to somebody else"),
    HistoryReason.UNDONE: _("allocation undone"),
}
SAID_BY_THE_ACT: Final = frozenset({HistoryReason.EXPIRED, HistoryReason.REVERSED})
REFUSALS: Final[Words] = {
    "empty_text": _("Write something here."),
    "text_too_long": _("This is too long."),
    "control_character": _("There is a character in it that cannot be seen."),
    "subject_not_one_line": _("A subject is one line."),
    "tag_not_allowed": _("A text has placeholders and no tags: {% … %} is not understood here."),
    "unknown_placeholder": _("There is no placeholder of this name here; those that there are stand beside."),
    "stray_brace": _("There is a brace outside of a placeholder."),
    "missing_placeholder": _("This mail needs a placeholder that is missing: without it nobody can act on it."),
    "invalid_language": _("This is no language."),
    "invalid_days": _("At most ten whole numbers from 1 to 365, separated by commas."),
    "invalid_cap": _("From 1 to 7."),
    "invalid_quiet_hours": _("Quiet hours begin and end at two different times."),
    "no_steps": _("A policy without any day reminds nobody; switch reminders off instead."),
    "last_admin": _(
        "This is the last admin. Make somebody else an admin first, or nobody can administer the organisation."
    ),
    "beyond_own_permissions": _("This role may do what you may not; nobody gives or takes more than they have."),
    "invalid_address": _("This is no e-mail address."),
    "missing_name": _("Give it a name."),
    "too_long": _("This is too long."),
    "invalid_dates": _("Choose a day that is still to come."),
    "unknown_event_type": _("There is no such event."),
    "endpoint_exists": _("There is a webhook to this address already."),
    "too_many_endpoints": _("There are as many webhooks as there can be; remove one first."),
    "endpoint_disabled": _("The webhook is off; switch it on first."),
    "not_https": _("The address starts with https://."),
    "forbidden_port": _("Webhooks do not go to this port."),
    "forbidden_address": _("Webhooks go to public addresses only."),
    "forbidden_host": _("Webhooks go to public names, such as hooks.example.org."),
    "forbidden_userinfo": _("The address holds no user name and no password."),
    "forbidden_fragment": _("The address has no # in it."),
    "invalid_url": _("This is no web address."),
    "invalid_host": _("This is not the name of a host."),
}
FAULTS: Final[Words] = {
    "forbidden_address": _("its name leads to an address that is not public"),
    "unresolved": _("its name is not known"),
    "unreachable": _("nothing could be reached there"),
    "tls_failed": _("its certificate cannot be trusted"),
    "timeout": _("it took too long"),
    "broken_answer": _("its answer could not be read"),
}
OTHERWISE: Final = gettext_lazy("It could not be done.")


def said(error: BursarError) -> str:
    """Return what a refusal means, in the reader's language where we have it there, and what it is about."""
    words = str(REFUSALS.get(error.code) or error.message or OTHERWISE)
    about = error.facts.get("placeholder")
    return f"{words} ({about})" if about else words


def worded(words: Words, code: Any) -> str:
    """Return the words for a code, or the code itself where there are none."""
    return str(words.get(str(code), code))
