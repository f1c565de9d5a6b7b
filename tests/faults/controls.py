"""How it is usually done: protocols and ports without our guards, for the controls that must go red."""

from contextlib import suppress
from dataclasses import replace
from email.utils import make_msgid

from django.db import OperationalError
from django.db.models import F

from bursar.adapters.mail_smtp import SmtpMail
from bursar.assignments.flows import posting
from bursar.assignments.services import Told
from bursar.kernel import clock
from bursar.kernel.conf import setting
from bursar.outbox import services as outbox
from bursar.outbox.claims import Delivered, Settlement
from bursar.outbox.models import Message, State


def claim_without_looking_again(limit, *, worker, now=None):
    """Look for what is due, and take it."""
    moment = now or clock.now()
    due = Message.objects.filter(state=State.PENDING, due_at__lte=moment).order_by("priority", "due_at", "uuid")
    picked = list(due.values_list("uuid", flat=True)[:limit])
    lease = moment + setting("mail_lease")
    taken = {"state": State.CLAIMED, "fence": F("fence") + 1, "lease_until": lease}
    while True:
        with suppress(OperationalError):  # a deadlock with somebody who takes the same ones; try again
            Message.objects.filter(uuid__in=picked).update(**taken)
            break
    return outbox._claims(Message.objects.filter(uuid__in=picked))


class FreshNames:
    """Names each mail anew at every try."""

    def __init__(self):
        self.port = SmtpMail()

    def send_many(self, mails, *, intent):
        return self.port.send_many([replace(mail, message_id=make_msgid()) for mail in mails], intent=intent)

    def find_many(self, messages):
        return {}

    def forget_many(self, references):
        return 0


def mark_then_send(claims, *, compose, why_unneeded, record):
    """Note each message as sent, and send it then."""
    done = Delivered()
    for claim in claims:
        record([Told(Settlement(claim, "sent"))])
        done += posting.post([claim], compose=compose, why_unneeded=why_unneeded, record=record)
    return done


class Hopeful:
    """Takes a mail that was not answered for one that was not sent."""

    def __init__(self):
        self.port = SmtpMail()

    def send_many(self, mails, *, intent):
        for delivery in self.port.send_many(mails, intent=intent):
            yield replace(delivery, outcome="retry") if delivery.outcome == "unknown" else delivery

    def find_many(self, messages):
        return self.port.find_many(messages)

    def forget_many(self, references):
        return self.port.forget_many(references)
