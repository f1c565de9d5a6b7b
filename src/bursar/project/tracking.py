"""What mail providers say of a message after taking it, through anymail's webhooks, as what is recorded of it."""

import re
from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

from django.apps import apps
from django.conf import settings

from bursar.assignments.services import Feedback, record_feedback
from bursar.kernel.lookup import as_uuid
from bursar.people.bounces import Kind, kind_of, status_in

MESSAGE_ID: Final = re.compile(r"<?([0-9a-fA-F-]{36})@[^<>@\s]+>?")
KNOWN: Final = {
    "delivered": (Feedback.DELIVERED,),
    "complained": (Feedback.COMPLAINT,),
    "unsubscribed": (Feedback.UNSUBSCRIBED,),
}
# What a provider took and then refused to send, because of what it knows of the address: this mail came back too.
REFUSED: Final = {
    "invalid": (Feedback.HARD,),
    "bounced": (Feedback.HARD,),
    "spam": (Feedback.COMPLAINT, Feedback.SOFT),
    "unsubscribed": (Feedback.UNSUBSCRIBED, Feedback.SOFT),
}


def is_used() -> bool:
    """Tell whether mail goes out through one of anymail's providers, whose webhooks are then answered."""
    return apps.is_installed("anymail") and settings.EMAIL_BACKEND.startswith("anymail.")


def receive(sender: Any, event: Any, **_: Any) -> None:  # noqa: ARG001  as Django's signals call
    """Record one event of anymail's `tracking` signal; events about mails that are not ours are passed over."""
    message = message_of(event)
    if message is not None:
        for feedback in feedback_of(event):
            record_feedback(message, feedback, code=_status(event) or feedback.value)


def message_of(event: Any) -> UUID | None:
    """Return the message that an event is about: by our metadata, else by our Message-ID."""
    metadata = event.metadata if isinstance(event.metadata, dict) else {}
    by_id = MESSAGE_ID.fullmatch(str(event.message_id or "").strip())
    return as_uuid(str(metadata.get("message", ""))) or (as_uuid(by_id[1]) if by_id else None)


def feedback_of(event: Any) -> Sequence[Feedback]:
    """Return what an event says; nothing for one that is not recorded: deferred, opened, clicked and the like."""
    if event.event_type in KNOWN:
        return KNOWN[event.event_type]
    if event.event_type == "rejected":
        return REFUSED.get(event.reject_reason, (Feedback.SOFT,))
    if event.event_type != "bounced":
        return ()
    status = _status(event)
    for_good = kind_of(status) is Kind.HARD if status else event.reject_reason in {None, "invalid", "bounced"}
    return (Feedback.HARD,) if for_good else (Feedback.SOFT,)


def _status(event: Any) -> str:
    """Return the receiving server's status, as far as the provider passes its words on."""
    return status_in(str(event.mta_response or event.description or ""))
