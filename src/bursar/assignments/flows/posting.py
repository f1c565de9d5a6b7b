"""Handing messages over: each is looked at again just before it can leave, and settled before the next one leaves."""

import logging
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from bursar.assignments.services import Told
from bursar.kernel.backends import backend
from bursar.kernel.errors import Unavailable
from bursar.kernel.transactions import refuse_transaction
from bursar.outbox.claims import Outcome
from bursar.outbox.postponing import postpone_many
from bursar.outbox.services import Claim, Delivered, Settlement, commit_intent, settle_alone
from bursar.ports.mail import Delivery, Mail, MailPort


@dataclass(frozen=True, slots=True)
class Later:
    """A mail that is not to leave before `until` (aware UTC), and is composed anew then; this was none of its tries."""

    until: datetime


Compose = Callable[[Claim], Mail | str | Later]
StillNeeded = Callable[[Claim], str | Later | None]
Record = Callable[[Sequence[Told]], None]

logger = logging.getLogger(__name__)

PAUSES: Final = (1.0, 3.0, 10.0)  # seconds; together less than a process has to stop in


class _NoLongerOurs(Exception):
    """The worker is stopping, or its lease is over: what else it holds must not leave either."""


def post(claims: Sequence[Claim], *, compose: Compose, why_unneeded: StillNeeded, record: Record) -> Delivered:
    """Send the mails of claimed messages, one after the other.

    `compose` makes the mail, or says in words why there is none to send, or until when it waits; `why_unneeded` is asked
    once more immediately before a mail can leave. `record` settles what it is given, with the records that belong to it, in one transaction.
    A mail of which nobody knows whether it left stays as it is: recovery looks it up, or follows its kind's policy.
    """
    refuse_transaction()
    held = {claim.uuid: claim for claim in claims}
    composed = {claim.uuid: compose(claim) for claim in claims}
    counts = _set_aside(held, composed, record)

    def may_leave(message: UUID) -> bool:
        why = why_unneeded(held[message])
        if why is None:
            if not commit_intent(held[message]):
                raise _NoLongerOurs
            return True
        if isinstance(why, Later):
            counts["retry"] += postpone_many([held[message]], until=why.until)
            return False
        record([_dropped(held[message], why)])
        counts["dropped"] += 1
        return False

    port: MailPort = backend("mail_port")
    mails = [mail for mail in composed.values() if isinstance(mail, Mail)]
    with suppress(_NoLongerOurs):
        for delivery in port.send_many(mails, intent=may_leave):
            if delivery.outcome != "unknown":
                told = _told(held[delivery.message], delivery)
                if delivery.outcome == "sent":
                    _record_surely(told, record)
                else:
                    record([told])
                counts[_ended(told.settlement)] += 1
    return Delivered(counts["sent"], counts["dropped"], counts["failed"], counts["retry"])


def _set_aside(held: Mapping[UUID, Claim], composed: Mapping[UUID, Mail | str | Later], record: Record) -> Counter[str]:
    """Drop what is not to be sent and put off what is to wait; returns how many of each."""
    dropped = [_dropped(held[key], why) for key, why in composed.items() if isinstance(why, str)]
    if dropped:
        record(dropped)
    waiting = [(held[key], later.until) for key, later in composed.items() if isinstance(later, Later)]
    put_off = sum(postpone_many([claim], until=until) for claim, until in waiting)
    return Counter(dropped=len(dropped), retry=put_off)


def _record_surely(told: Told, record: Record) -> None:
    """Record a mail that has left: one that is not settled would be sent again.

    A database that is away for seconds is waited for. What else `record` raises keeps the timeline from telling of the
    mail, and no more than that.
    """
    for pause in PAUSES:
        try:
            return record([told])
        except Unavailable:
            time.sleep(pause)
        except Exception as error:  # noqa: BLE001  whatever it is, the mail has left
            logger.error("mail: one that has left cannot be recorded: %s", type(error).__name__)  # noqa: TRY400  a stack may name people
            return settle_alone([told.settlement])
    return record([told])


def look_up(claims: Sequence[Claim]) -> Mapping[UUID, bool]:
    """Return of claimed messages that may have left which did and which did not, as far as the mail system can tell."""
    refuse_transaction()
    port: MailPort = backend("mail_port")
    return port.find_many([claim.uuid for claim in claims])


def _ended(settlement: Settlement) -> str:
    is_over = settlement.outcome == "retry" and settlement.claim.is_last_attempt
    return "failed" if is_over else settlement.outcome


def _dropped(claim: Claim, why: str) -> Told:
    return Told(Settlement(claim, "dropped", reason=why))


def _told(claim: Claim, delivery: Delivery) -> Told:
    if delivery.outcome == "sent":
        return Told(Settlement(claim, "sent"))
    outcome: Outcome = "retry" if delivery.outcome == "retry" else "failed"
    return Told(Settlement(claim, outcome, error_code=delivery.code), delivery.error)
