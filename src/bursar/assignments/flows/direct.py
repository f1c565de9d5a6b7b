"""Mails that belong to no record: codes and links that somebody waits for. Sent at once, once, and kept nowhere."""

from uuid import uuid4

from bursar.kernel.backends import backend
from bursar.kernel.conf import setting
from bursar.kernel.transactions import refuse_transaction
from bursar.ports.mail import Mail, MailPort


def send_now(to: str, subject: str, text: str) -> str:
    """Hand one mail over and return what became of it: `sent`, or the word for why it was not; never tried again."""
    refuse_transaction()
    port: MailPort = backend("mail_port")
    mail = Mail(uuid4(), uuid4(), setting("mail_from"), to, subject, text)
    for delivery in port.send_many([mail], intent=lambda _: True):
        return delivery.outcome if delivery.outcome == "sent" else delivery.code or delivery.outcome
    return "skipped"
