"""The mail port over Django's mail setting: the intent is committed before the call, and what the call says is weighed."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import Any, Final
from uuid import UUID

from django.core.mail import EmailMultiAlternatives, get_connection

from bursar.adapters.mail_composing import compose
from bursar.adapters.mail_files import forget_everywhere
from bursar.adapters.mail_lookup import look_up
from bursar.adapters.mail_pace import pace
from bursar.adapters.mail_verdicts import ERROR, PROVIDER_TEMPORARY, UNREACHABLE, failed, failed_on_its_way
from bursar.kernel.errors import Unavailable
from bursar.ports.mail import Delivery, Mail

# Providers of django-anymail that know a repeat by a header of the request; others may know it by one of the mail.
REQUEST_HEADERS: Final = {"Resend": "Idempotency-Key"}


class DjangoMail:
    """Hands mails to the backend that Django's mail settings name, over one connection for all of a call."""

    def send_many(self, mails: Sequence[Mail], *, intent: Callable[[UUID], bool]) -> Iterator[Delivery]:
        """Send as the port promises; once the server cannot be reached, the rest of the call is put off untried."""
        line = _Line()
        try:
            for mail in mails:
                delivery = line.send(mail, intent)
                if delivery is not None:
                    yield delivery
        finally:
            line.close()

    def find_many(self, messages: Sequence[UUID]) -> dict[UUID, bool]:
        """Return what the setting `mail_lookup` can tell; Django's backends keep no account of what they took."""
        return look_up(messages)

    def forget_many(self, references: Sequence[UUID]) -> int:
        """Remove the mails kept as files, also those kept before a mail server was set."""
        return forget_everywhere(references)


class _Line:
    """One connection to the backend: opened when the first mail needs it, and again after it broke under one."""

    def __init__(self) -> None:
        self.backend: Any = None
        self.fault: BaseException | None = None

    def send(self, mail: Mail, intent: Callable[[UUID], bool]) -> Delivery | None:
        """Return what became of one mail, or None if it was not meant to leave."""
        try:
            self._choose()
            ready = compose(mail, backend=self.backend)
            self._open()
            self._mark(mail)
        except Exception as error:  # noqa: BLE001  whatever a backend raises is this mail's outcome
            return failed(mail, error)
        if not intent(mail.message):
            return None
        try:
            count = self.backend.send_messages([ready])
        except Exception as error:  # noqa: BLE001  the same
            return self._broken(mail, error)
        return _answered(mail, ready, count)

    def close(self) -> None:
        """Close what is open; an error in saying goodbye changes nothing about the mails."""
        if self.backend is not None:
            with suppress(Exception):
                self.backend.close()

    def _choose(self) -> None:
        if self.backend is None:
            self.backend = get_connection()

    def _open(self) -> None:
        """Open the connection if it is not; a server that did not answer once is not asked again in this call."""
        if self.fault is None:
            pace.wait()
            try:
                self.backend.open()
            except OSError as error:
                self.fault = error
        if self.fault is not None:
            raise Unavailable("The mail server cannot be reached.", code=UNREACHABLE[1]) from self.fault

    def _mark(self, mail: Mail) -> None:
        """Let a provider that can know a repeat of this mail."""
        header = REQUEST_HEADERS.get(getattr(self.backend, "esp_name", ""))
        if header is not None:
            self.backend.session.headers[header] = str(mail.message)

    def _broken(self, mail: Mail, error: Exception) -> Delivery:
        delivery = failed_on_its_way(mail, error)
        if delivery.outcome != "rejected":
            self.close()
        return delivery


def _answered(mail: Mail, ready: EmailMultiAlternatives, count: int | None) -> Delivery:
    """Return what became of a mail of which the backend has said something."""
    if count == 0:
        return Delivery(mail.message, *ERROR)
    status = getattr(getattr(ready, "anymail_status", None), "status", None)
    return Delivery(mail.message, *PROVIDER_TEMPORARY) if status == {"failed"} else Delivery(mail.message, "sent")
