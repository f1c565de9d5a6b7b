"""A mail system for tests: keeps what it was given, and fails as it is told to."""

from collections import defaultdict, deque
from collections.abc import Callable, Iterator, Sequence
from typing import Literal
from uuid import UUID

from bursar.ports.mail import Delivery, Mail

Step = Literal["send", "retry", "reject", "lose_answer", "die_before", "die_after", "raise"]


class Died(BaseException):
    """The process is gone, as after kill -9: no `except Exception` of the product sees it."""


class FakeMail:
    """A `MailPort` in memory. `script` says per address what the next mails to it meet; without it they are sent.

    `send` delivers, `retry` and `reject` answer so after the intent, `lose_answer` delivers and does not know, `die_before` and `die_after` end the process
    between intent and sending, or after sending with nobody told, `raise` breaks the port's promise.
    """

    def __init__(self, *, can_look_up: bool = False) -> None:
        self.sent: list[Mail] = []
        self.can_look_up = can_look_up
        self._script: defaultdict[str, deque[Step]] = defaultdict(deque)

    def script(self, to: str, *steps: Step) -> None:
        """Append what the next mails to this address meet, one step each."""
        self._script[to].extend(steps)

    def send_many(self, mails: Sequence[Mail], *, intent: Callable[[UUID], bool]) -> Iterator[Delivery]:
        """Send as the port promises, or as the script says."""
        for mail in mails:
            if mail.to.count("@") != 1:
                yield Delivery(mail.message, "rejected", "bad_address")
            elif intent(mail.message):
                yield self._send(mail)

    def find_many(self, messages: Sequence[UUID]) -> dict[UUID, bool]:
        """Tell which of these were sent, if `can_look_up` says that this mail system can tell."""
        sent = {mail.message for mail in self.sent}
        return {message: message in sent for message in messages} if self.can_look_up else {}

    def forget_many(self, references: Sequence[UUID]) -> int:
        """Forget the kept mails about `references`."""
        kept = [mail for mail in self.sent if mail.reference not in set(references)]
        forgotten = len(self.sent) - len(kept)
        self.sent = kept
        return forgotten

    def _send(self, mail: Mail) -> Delivery:
        steps = self._script[mail.to]
        step: Step = steps.popleft() if steps else "send"
        if step == "raise":
            raise RuntimeError("the mail system broke its promise")
        if step == "die_before":
            raise Died
        if step == "retry":
            return Delivery(mail.message, "retry", "smtp_temporary", TimeoutError())
        if step == "reject":
            return Delivery(mail.message, "rejected", "smtp_refused", ValueError())
        self.sent.append(mail)
        if step == "die_after":
            raise Died
        if step == "lose_answer":
            return Delivery(mail.message, "unknown", "outcome_unknown", TimeoutError())
        return Delivery(mail.message, "sent")
