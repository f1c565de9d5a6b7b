"""The mail port: hand over rendered mails one after the other, and forget every kept copy of some."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol
from uuid import UUID

Outcome = Literal["sent", "retry", "rejected", "unknown"]


@dataclass(frozen=True, slots=True)
class Mail:
    """One mail to one address, ready to go. `message` names this mail, `reference` what it is about (an assignment).

    Without a `message_id` the adapter makes one from `message`, the same at every try. `envelope_from` is where a mail
    that cannot be delivered is sent back to ("": the sender). Address and texts are personal and kept out of `repr`.
    """

    message: UUID
    reference: UUID
    sender: str
    to: str = field(repr=False)
    subject: str = field(repr=False)
    text: str = field(repr=False)
    html: str = field(default="", repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    message_id: str = ""
    envelope_from: str = ""


@dataclass(frozen=True, slots=True)
class Delivery:
    """What became of one mail: handed over, to be tried again, refused for good, or unknown, as it may have left.

    `code` is a stable word, empty for a sent mail; `error` is for the operator alone, as it may name the address.
    """

    message: UUID
    outcome: Outcome
    code: str = ""
    error: BaseException | None = field(default=None, repr=False)


class MailPort(Protocol):
    """What Bursar needs from a mail system."""

    def send_many(self, mails: Sequence[Mail], *, intent: Callable[[UUID], bool]) -> Iterator[Delivery]:
        """Send `mails` in order, yielding what became of each before the next one is begun.

        `intent(message)` is called immediately before the mail can leave, and at most once; if it answers False the mail
        is skipped and nothing is yielded for it, if it raises nothing leaves and the exception goes through. Whatever is
        wrong with one mail or with the server is yielded as an outcome, never raised. Until its intent is granted a mail
        has not left, whatever happens to this process; `unknown` is yielded only after that.
        """
        ...

    def find_many(self, messages: Sequence[UUID]) -> dict[UUID, bool]:
        """Return for mails that may have left whether they did; those of which nobody can tell are left out.

        Raises whatever it likes if it cannot be asked now: it is asked again later.
        """
        ...

    def forget_many(self, references: Sequence[UUID]) -> int:
        """Remove every kept copy of the mails about `references` and return how many mails that were.

        Raises `Unavailable` if copies may remain; calling it again is safe.
        """
        ...
