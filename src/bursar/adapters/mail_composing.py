"""What a mail carries: one recipient, headers that stay headers, the same Message-ID at every try."""

import re
from email.utils import format_datetime, parseaddr
from typing import Any, Final, cast
from urllib.parse import urlsplit
from uuid import UUID

from django.core.mail import EmailMultiAlternatives

from bursar.adapters.mail_files import MESSAGE_HEADER, REFERENCE_HEADER
from bursar.adapters.mail_verdicts import BAD_ADDRESS, NO_SMTPUTF8
from bursar.kernel import clock
from bursar.kernel.conf import setting
from bursar.kernel.errors import Misconfigured, Refused
from bursar.ports.mail import Mail

CONTROLS: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
ONE_ADDRESS: Final = re.compile(r"[^\s\x00-\x1f\x7f-\x9f@,;:<>()\[\]\\\"]+@[^\s\x00-\x1f\x7f-\x9f@,;:<>()\[\]\\\"]+")
# Providers of django-anymail that take no facts about a mail besides it.
WITHOUT_METADATA: Final = frozenset({"MailerSend"})


class _SameEachTime(EmailMultiAlternatives):
    """A mail whose parts are kept apart by the same line at every try, where chance would draw another."""

    boundary = ""

    def message(self, **policy: Any) -> Any:
        """Return what is sent."""
        made = super().message(**policy)
        if made.is_multipart():
            made.set_boundary(self.boundary)
        return made


def compose(mail: Mail, *, backend: Any = None) -> EmailMultiAlternatives:
    """Return the mail as Django has it, for the backend that is to send it, if it is one of Django's.

    Raises `Refused`, or BadHeaderError, if it can never be sent so.
    """
    mailbox(mail.to)
    if backend is not None and not is_plain(mail.to) and not getattr(backend, "smtputf8", False):
        raise no_smtputf8()
    # Providers have return paths of their own, and tell by other ways what came back.
    provider = getattr(backend, "esp_name", None)
    sender, headers = _sender_and_headers(mail, with_envelope=provider is None)
    subject = CONTROLS.sub(" ", mail.subject)
    ready = _SameEachTime(subject, mail.text, sender, [mail.to], headers=headers, connection=backend)
    ready.boundary = f"={mail.message.hex}="
    if mail.html:
        ready.attach_alternative(mail.html, "text/html")
    ready.message()
    if provider is not None:
        _suit_provider(mail, ready, provider)
    return ready


def message_id(message: UUID) -> str:
    """Return the Message-ID that the mail `message` has at every try."""
    return f"<{message}@{urlsplit(setting('base_url')).hostname or 'localhost'}>"


def return_address(mail: Mail) -> str:
    """Return where the mail goes back to if it cannot be delivered; raises `Misconfigured` if that is no address."""
    address = mail.envelope_from or parseaddr(mail.sender)[1]
    if not ONE_ADDRESS.fullmatch(address):
        raise Misconfigured("The sender of mails is not an address.", setting="mail_from")
    return address


def mailbox(address: str) -> str:
    """Return one address as it is written in an envelope; raises `Refused` if it is none, or more than one."""
    local, _, domain = address.rpartition("@")
    try:
        ascii_domain = domain.encode("idna").decode()
    except UnicodeError:
        ascii_domain = ""
    if not (ascii_domain and ONE_ADDRESS.fullmatch(address)):
        raise Refused("This is not one address.", code=BAD_ADDRESS[1])
    return f"{local}@{ascii_domain}" if local.isascii() else address


def is_plain(address: str) -> bool:
    """Tell whether any mail server takes the address: its domain can always be written in ASCII."""
    return address.rpartition("@")[0].isascii()


def no_smtputf8() -> Refused:
    """Return the refusal of an international address that the mail system does not take."""
    return Refused("The mail system does not take such an address.", code=NO_SMTPUTF8[1])


def _sender_and_headers(mail: Mail, *, with_envelope: bool) -> tuple[str, dict[str, str]]:
    """Return what Django takes for the sender of the envelope, and the headers."""
    headers = {
        **mail.headers,
        "Message-ID": mail.message_id or message_id(mail.message),
        "Date": format_datetime(clock.now()),
        MESSAGE_HEADER: str(mail.message),
        REFERENCE_HEADER: str(mail.reference),
    }
    if setting("mail_idempotency_header"):
        headers[setting("mail_idempotency_header")] = str(mail.message)
    if mail.envelope_from and with_envelope:
        return return_address(mail), headers | {"From": mail.sender}
    return mail.sender, headers


def _suit_provider(mail: Mail, ready: EmailMultiAlternatives, provider: str) -> None:
    """Say what the mail is about beside it; leave the date to the provider, so that a repeat is the same request."""
    del ready.extra_headers["Date"]
    if provider not in WITHOUT_METADATA:
        facts = {"message": str(mail.message), "assignment": str(mail.reference)}
        cast("Any", ready).metadata = facts
