"""The mail port over SMTP: a mail's intent is committed when all of it is written but the final dot."""

import atexit
import os
import smtplib
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from email import message_from_bytes, policy
from typing import Final
from uuid import UUID
from weakref import WeakSet

from django.core.mail import EmailMultiAlternatives

from bursar.adapters.mail_composing import compose, is_plain, mailbox, no_smtputf8, return_address
from bursar.adapters.mail_files import forget_everywhere
from bursar.adapters.mail_lookup import look_up
from bursar.adapters.mail_pace import pace
from bursar.adapters.mail_smtp_session import CLOSING, POSITIVE, Deadline, Session, server_of_settings
from bursar.adapters.mail_verdicts import UNKNOWN, UNREACHABLE, by_reply, failed
from bursar.kernel.conf import setting
from bursar.kernel.errors import BursarError, Unavailable
from bursar.kernel.failpoints import fail_point
from bursar.ports.mail import Delivery, Mail

IDLE_SECONDS: Final = 30
REFUSALS: Final = (4, 5)
# What is folded anew is encoded where it is long, and no reader would find a link in that any more.
IN_UTF8: Final = policy.SMTPUTF8.clone(refold_source="none")
IN_SEVEN_BITS: Final = policy.SMTP.clone(cte_type="7bit", refold_source="none")


class SmtpMail:
    """Hands mails to the server that Django's mail settings name, over one connection per thread that is kept open.

    What goes wrong before a mail's final dot leaves it here, whatever else happens: the server drops what was not
    ended. If nothing clear is heard after the dot, the outcome is `unknown`.
    """

    def __init__(self) -> None:
        self._own = threading.local()

    def send_many(self, mails: Sequence[Mail], *, intent: Callable[[UUID], bool]) -> Iterator[Delivery]:
        """Send as the port promises.

        Once the server cannot be reached or does not answer in time, the rest of the call is put off untried. One mail
        takes at most the setting `smtp_timeout` until its dot, and as long again for the answer to that.
        """
        line = self._line()
        line.fault = None
        for mail in mails:
            delivery = line.send(mail, intent)
            if delivery is not None:
                yield delivery

    def find_many(self, messages: Sequence[UUID]) -> dict[UUID, bool]:
        """Return what the setting `mail_lookup` can tell."""
        return look_up(messages)

    def forget_many(self, references: Sequence[UUID]) -> int:
        """Remove the mails that were kept as files before a mail server was set."""
        return forget_everywhere(references)

    def close(self) -> None:
        """Say goodbye to the server, for this thread; the next mail opens a new connection."""
        self._line().leave()

    def _line(self) -> "_Line":
        """Return this thread's connection; one that came over with a fork is left to the process it belongs to."""
        line: _Line | None = getattr(self._own, "line", None)
        if line is None or line.process != os.getpid():
            if line is not None:
                line.forsake()
            line = self._own.line = _Line()
            _lines.add(line)
        return line


class _Line:
    """The connection of one thread: opened when a mail needs it, kept while it works, broken off where it must be."""

    def __init__(self) -> None:
        self.session: Session | None = None
        self.fault: BaseException | None = None
        self.is_busy = False
        self.process = os.getpid()
        self._sends = 0
        self._used_at = 0.0

    def send(self, mail: Mail, intent: Callable[[UUID], bool]) -> Delivery | None:
        """Return what became of one mail, or None if it was not meant to leave."""
        self.is_busy = True
        try:
            return self._send(mail, intent)
        except BaseException:
            self._break_off()
            raise
        finally:
            self.is_busy = False
            self._used_at = time.monotonic()

    def leave(self) -> None:
        """Say goodbye, unless a mail is on its way or the connection is another process's."""
        if not self.is_busy and self.process == os.getpid():
            self._say_goodbye()

    def forsake(self) -> None:
        """Close what another process goes on with, without a word to the server."""
        if self.session is not None:
            self.session.close()
            self.session = None

    def _send(self, mail: Mail, intent: Callable[[UUID], bool]) -> Delivery | None:
        try:
            session = self._write(mail)
        except Exception as error:  # noqa: BLE001  whatever goes wrong is this mail's outcome
            return self._failed(mail, error)
        if not intent(mail.message):
            self._break_off()
            return None
        session.deadline = Deadline(_seconds())
        try:
            fail_point("before_dot")
            session.end()
        except Exception as error:  # noqa: BLE001  the same
            self._break_off()
            return self._failed(mail, error)
        return self._ended(mail, session)

    def _write(self, mail: Mail) -> Session:
        """Write all of a mail but its end."""
        ready = compose(mail)
        sender = return_address(mail)
        if self.fault is None:
            pace.wait()
        session = self._open(Deadline(_seconds()))
        self._sends += 1
        in_utf8 = not (is_plain(mail.to) and is_plain(sender))
        if in_utf8 and not session.has_extn("smtputf8"):
            raise no_smtputf8()
        content = _content(mail, ready, in_utf8=in_utf8, in_eight_bits=session.has_extn("8bitmime"))
        options = ("SMTPUTF8",) * in_utf8 + ("BODY=8BITMIME",) * (not content.isascii())
        session.write(mailbox(sender), mailbox(mail.to), content, options)
        return session

    def _ended(self, mail: Mail, session: Session) -> Delivery:
        """Return what the server says to a mail that was ended; it may have left from here on."""
        try:
            fail_point("after_dot")
            code, words = session.getreply()
            fail_point("after_250")
        except Exception as error:  # noqa: BLE001  the same
            self._note(session, error)
            self._break_off()
            return Delivery(mail.message, *UNKNOWN, error)
        if code // 100 == POSITIVE:
            return Delivery(mail.message, "sent")
        if code == CLOSING or code // 100 not in REFUSALS:
            self._break_off()
        verdict = by_reply(code) if code // 100 in REFUSALS else UNKNOWN
        return Delivery(mail.message, *verdict, smtplib.SMTPDataError(code, words))

    def _failed(self, mail: Mail, error: Exception) -> Delivery:
        if self.session is not None and isinstance(error, OSError):
            self._note(self.session, error)
        elif not isinstance(error, BursarError):  # nobody knows how far the mail was written
            self._break_off()
        if self.session is not None and not self.session.is_open:
            self.session = None
        return failed(mail, error)

    def _note(self, session: Session, error: Exception) -> None:
        """Remember for the rest of the call that the server does not answer in time."""
        if session.deadline.is_over:
            self.fault = error

    def _open(self, deadline: Deadline) -> Session:
        """Return a connection that takes a mail; a server that did not answer once is not asked again in this call."""
        if self.fault is None:
            try:
                return self._kept(deadline) or self._new(deadline)
            except (OSError, ValueError) as error:  # ValueError: a name or password that cannot be written
                self.fault = error
        raise Unavailable("The mail server cannot be reached.", code=UNREACHABLE[1]) from self.fault

    def _kept(self, deadline: Deadline) -> Session | None:
        """Return the connection that is open, if it can carry another mail."""
        if self.session is None:
            return None
        self.session.deadline = deadline
        if self._sends < setting("mail_per_connection") and self._is_alive(self.session):
            return self.session
        self._say_goodbye()
        return None

    def _is_alive(self, session: Session) -> bool:
        if session.replies.is_waiting():
            return False
        if time.monotonic() - self._used_at < IDLE_SECONDS:
            return True
        try:
            return session.noop()[0] // 100 == POSITIVE
        except OSError:
            return False

    def _say_goodbye(self) -> None:
        if self.session is not None:
            self.session.leave()
            self.session = None

    def _new(self, deadline: Deadline) -> Session:
        self.session = Session(server_of_settings(), deadline)
        self._sends = 0
        return self.session

    def _break_off(self) -> None:
        if self.session is not None:
            self.session.abort()
            self.session = None


_lines: Final[WeakSet[_Line]] = WeakSet()


@atexit.register
def _leave_all() -> None:
    for line in list(_lines):
        line.leave()


def _seconds() -> float:
    """Return how long a mail may take until its dot, and after it: a worker's lease covers both."""
    return float(min(setting("smtp_timeout"), setting("mail_lease") / 2).total_seconds())


def _content(mail: Mail, ready: EmailMultiAlternatives, *, in_utf8: bool, in_eight_bits: bool) -> bytes:
    """Return the mail in the bytes that its server can take."""
    content = ready.message().as_bytes()
    if in_utf8:
        international = message_from_bytes(content, policy=IN_UTF8)
        international.replace_header("To", mail.to)
        international.replace_header("From", mail.sender)
        return international.as_bytes()
    if in_eight_bits or content.isascii():
        return content
    return message_from_bytes(content, policy=IN_SEVEN_BITS).as_bytes()
