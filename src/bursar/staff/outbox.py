"""Staff pages: the messages that are owed or went out, and the pulses of what runs all the time."""

from django.contrib.admin import register

from bursar.assignments.models import LearnerContentAssignment
from bursar.assignments.services import replay_messages
from bursar.outbox.models import DEAD, Message, Pulse
from bursar.staff.deeds import Deed
from bursar.staff.records import Lead, Record
from bursar.staff.searching import Found
from bursar.staff.site import site


@register(Message, site=site)
class MessageRecord(Record):
    """One a row: mails to people, notices to admins, webhooks to receivers."""

    list_display = ("topic", "kind", "state", "attempts", "error_code", "due_at", "settled_at", "subject_uuid")
    list_filter = ("state",)
    found = Found(uuids=("pk", "subject_uuid"), texts=("key",))
    deeds = (
        Deed(
            "again", "Send again", "Those that were given up, or may have left, become due now; somebody may get one twice.",
            lambda actor, rows, _: replay_messages([row.pk for row in rows], actor=actor), many=True,
            fits=lambda row: row.state in DEAD,
        ),
    )  # fmt: skip
    leads = (Lead("Assignment", LearnerContentAssignment, "uuid", "subject_uuid"),)


@register(Pulse, site=site)
class PulseRecord(Record):
    """When workers and ticks last ran."""

    list_display = ("name", "beat_at", "taken_until")
    found = Found(texts=("pk",))
