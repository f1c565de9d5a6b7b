"""What the world says of mails after they left: they came back, were not wanted, arrived. Each is recorded once."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final, NamedTuple
from uuid import UUID

from bursar.assignments import moves
from bursar.assignments.constants import AssignmentActionErrors, AssignmentActions
from bursar.assignments.digests import CONTACT, manager_of, recipients
from bursar.assignments.events import TOPIC_DIGEST, TOPIC_MAIL, TOPIC_NOTICE, MessageKind
from bursar.assignments.models import LearnerContentAssignment, LearnerContentAssignmentAction, Notice, NoticeKind
from bursar.assignments.moves import Row
from bursar.assignments.services.deliver import ACTIONS
from bursar.assignments.wishes import digests
from bursar.kernel import clock
from bursar.kernel.actor import WORKER
from bursar.kernel.history import record_history
from bursar.kernel.transactions import refuse_transaction, writes
from bursar.outbox.models import LEFT, Message
from bursar.outbox.services import mark_bounced
from bursar.people import suppression
from bursar.people.access import Permission
from bursar.people.keys import key_of
from bursar.people.models import Customer, Person, StopReason

# A message is settled and its action recorded in one transaction, by one clock.
AT_ONE_TIME: Final = timedelta(minutes=1)
CAME_BACK: Final = "the mail came back"


class Feedback(StrEnum):
    """What is said of one mail: it came back for good, or this time; was reported as unwanted; enough; it arrived."""

    HARD = "hard"
    SOFT = "soft"
    COMPLAINT = "complaint"
    UNSUBSCRIBED = "unsubscribed"
    DELIVERED = "delivered"


class Owner(NamedTuple):
    """To whom a message went: the key of the address that it had then, and for which customer."""

    customer: UUID
    key: str


@dataclass(frozen=True, slots=True)
class _Return:
    """One mail that came back: `moment` is when it was settled as sent, `owner` None if the address is forgotten.

    `action` is what the message stands for on the timelines of the assignments that it was about (`cycles`), if anything.
    """

    message: Message
    moment: datetime
    hard: bool
    owner: Owner | None
    action: AssignmentActions | None
    cycles: Mapping[UUID, int]

    @property
    def had_left(self) -> bool:
        """Whether the message was sent as far as we know: of one that was not, nothing is failed and nothing counted."""
        return self.message.state in LEFT


def record_feedback(message: UUID, feedback: Feedback, *, code: str) -> bool:
    """Record what is said of a message, and tell whether it was news; the same again changes nothing.

    Came back: the message is bounced, its action of the present cycle has failed with `email_error`, and the address
    is suppressed at every customer (for good) or its soft bounces are counted (this time). `code` is a short fixed word
    or a server's status, never its text. Nothing is raised for a message that there is not.
    """
    refuse_transaction()
    row = Message.objects.filter(pk=message).first()
    if row is None:
        return False
    if feedback in (Feedback.HARD, Feedback.SOFT):
        return _came_back(row, hard=feedback is Feedback.HARD, code=code)
    owner = _owner(row, row.settled_at or clock.now())
    return _ABOUT_THE_OWNER[feedback](owner) if owner else False


@writes
def _came_back(message: Message, *, hard: bool, code: str) -> bool:
    """Mark a message that came back and record what follows from that, in one commit; the assignments are locked first."""
    action, cycles = _meaning(message)
    rows = moves.lock(sorted(cycles), WORKER, Permission.MANAGE)
    was = mark_bounced(message.pk, code=code)
    if was is None:
        return False
    moment = was.settled_at or clock.now()
    return _record(_Return(was, moment, hard, _owner(was, moment), action, cycles), rows)


def _meaning(message: Message) -> tuple[AssignmentActions | None, Mapping[UUID, int]]:
    """Return what a message stands for on which timelines, and the cycles that these were in."""
    if message.topic == TOPIC_MAIL:
        return ACTIONS.get(MessageKind(message.kind)), {message.subject_uuid: message.cycle}
    if message.topic == TOPIC_DIGEST:
        place = (message.subject_uuid, message.ordinal)
        found = digests([place]).get(place)
        return AssignmentActions.REMINDED, found.cycles if found else {}
    return None, {}


def _record(back: _Return, rows: Mapping[UUID, Row]) -> bool:
    """Write what follows from a return; `rows` are the locked assignments."""
    own = _own_actions(back) if back.had_left else {}
    suppressed = 0
    if back.owner and back.hard:
        suppressed = suppression.suppress([back.owner.key], StopReason.BOUNCED)
    elif back.owner and back.had_left:
        suppression.count_soft_bounce(back.owner.key)
    if own:
        _fail([action.pk for action in own.values()])
    elif back.had_left and back.action:
        unheard = [key for key, cycle in sorted(back.cycles.items()) if key in rows and rows[key].cycle == cycle]
        LearnerContentAssignmentAction.objects.record_many(
            unheard, back.action, error=AssignmentActionErrors.EMAIL_ERROR, at=back.moment
        )
    return back.had_left or suppressed > 0


def _own_actions(back: _Return) -> dict[UUID, LearnerContentAssignmentAction]:
    """Return the actions that were recorded with the message, by assignment."""
    rows = LearnerContentAssignmentAction.objects.filter(
        assignment__in=back.cycles, action_type=back.action or "",
        created__gte=back.moment, created__lt=back.moment + AT_ONE_TIME,
    )  # fmt: skip
    return {row.assignment_id: row for row in rows.order_by("-created", "-uuid")}


def _fail(actions: Sequence[UUID]) -> None:
    """Say that actions which looked like a success were none; their history tells that they did."""
    now = clock.now()
    failed = {"error_reason": AssignmentActionErrors.EMAIL_ERROR, "completed_at": None, "modified": now}
    LearnerContentAssignmentAction.objects.filter(pk__in=actions).update(**failed)
    record_history(LearnerContentAssignmentAction, actions, "~", reason=CAME_BACK, at=now)


def _owner(message: Message, moment: datetime) -> Owner | None:
    return _OWNER_BY_TOPIC.get(message.topic, _nobody)(message, moment)


def _assigned_to(message: Message, moment: datetime) -> Owner | None:
    """Return to whom an assignment was shown as assigned at a moment: the address may have been corrected since."""
    row = LearnerContentAssignment.objects.select_related("assignment_configuration").filter(
        pk=message.subject_uuid, address_scrubbed_at=None
    ).first()  # fmt: skip
    if row is None or row.assignment_configuration is None:
        return None
    past = LearnerContentAssignment.history.filter(uuid=row.pk, history_date__lte=moment)
    then = past.order_by("-history_date", "-history_id").values_list("learner_email", flat=True).first()
    return Owner(row.assignment_configuration.enterprise_customer_uuid, key_of(then or row.learner_email))


def _known_as(message: Message, _: datetime) -> Owner | None:
    found = Person.objects.filter(pk=message.subject_uuid, erased_at=None)
    return next((Owner(*row) for row in found.values_list("customer_id", "address_key")), None)


def _told_to(message: Message, moment: datetime) -> Owner | None:
    """Return to whom a notice went: a contact by its history, users and managers as things stand now."""
    notice = Notice.objects.filter(pk=message.subject_uuid).first()
    customer = Customer.objects.filter(pk=notice.customer_uuid).first() if notice else None
    if notice is None or customer is None:
        return None
    if message.kind == NoticeKind.MANAGER_DIGEST:
        found = manager_of(customer.pk, notice.facts["people"])
        address = found[0] if found else ""
    elif message.ordinal == CONTACT:
        past = Customer.history.filter(uuid=customer.pk, history_date__lte=moment)
        then = past.order_by("-history_date", "-history_id").values_list("contact_email", flat=True).first()
        address = then or customer.contact_email
    else:
        address = recipients(customer).get(message.ordinal, "")
    return Owner(customer.pk, key_of(address)) if address else None


def _nobody(_: Message, __: datetime) -> Owner | None:
    return None


_OWNER_BY_TOPIC: Final[Mapping[str, Callable[[Message, datetime], Owner | None]]] = {
    TOPIC_MAIL: _assigned_to,
    TOPIC_DIGEST: _known_as,
    TOPIC_NOTICE: _told_to,
}


def _complained(owner: Owner) -> bool:
    return suppression.suppress_mail([owner.key], StopReason.COMPLAINED) > 0


def _unsubscribed(owner: Owner) -> bool:
    return suppression.unsubscribe(owner.customer, owner.key)


@writes
def _arrived(owner: Owner) -> bool:
    return suppression.note_arrival(owner.key)


_ABOUT_THE_OWNER: Final[Mapping[Any, Callable[[Owner], bool]]] = {
    Feedback.COMPLAINT: _complained,
    Feedback.UNSUBSCRIBED: _unsubscribed,
    Feedback.DELIVERED: _arrived,
}
