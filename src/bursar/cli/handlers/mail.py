"""Mail that came back, taken in from files or standard input; and addresses to which none goes, from the command line."""

import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from bursar.assignments.services import Feedback, record_feedback
from bursar.cli.output import Answer, facts, table
from bursar.cli.values import date_text
from bursar.kernel.errors import BadInput
from bursar.people.addresses import normal_form
from bursar.people.bounces import LOOKED_AT, Kind, marks_in, read_report
from bursar.people.keys import key_of
from bursar.people.mail_tokens import message_of
from bursar.people.models import Mailbox, Person
from bursar.people.suppression import allow_mail, stopped_mailboxes

STDIN: Final = Path("-")
MAILDIR: Final = ("new", "cur")
DRAINED_AT_ONCE: Final = 65_536
FEEDBACK: Final = {Kind.HARD: Feedback.HARD, Kind.SOFT: Feedback.SOFT, Kind.COMPLAINT: Feedback.COMPLAINT}
WORDS: Final = {
    Kind.HARD: "undeliverable for good",
    Kind.SOFT: "undeliverable this time",
    Kind.COMPLAINT: "reported as unwanted",
    Kind.DELAYED: "still being tried",
    Kind.NONE: "not about delivery",
    Kind.MALFORMED: "unreadable",
}


def take_in(sources: Sequence[Path], *, recipient: str, remove: bool) -> Answer:
    """Record what every mail says. A file that cannot be opened refuses the call before any is read."""
    files = [file for source in sources for file in _files(source)]
    kinds: Counter[Kind] = Counter()
    news = foreign = 0
    for file in files:
        report = read_report(_content(file))
        kinds[report.kind] += 1
        if report.kind in FEEDBACK:
            message = message_of([*marks_in(recipient), *report.marks])
            foreign += message is None
            if message is not None:
                code = report.status or report.kind.value
                news += record_feedback(message, FEEDBACK[report.kind], code=code)
        if remove and file != STDIN:
            file.unlink(missing_ok=True)
    data = {"read": len(files), **{kind.value: kinds[kind] for kind in Kind}, "not_ours": foreign, "recorded": news}
    rows = [(words, kinds[kind]) for kind, words in WORDS.items() if kinds[kind]]
    return Answer(
        data, [facts([("Mails read", len(files)), *rows, ("not of ours, or forged", foreign), ("News", news)])]
    )


def list_stopped(*, limit: int) -> Answer:
    """Name suppressed addresses; one that nobody is known by has but its key."""
    rows = stopped_mailboxes(limit)
    known = _known(rows)
    data = [
        {
            "emails": sorted(known.get(row.address_key, ())),
            "reason": row.suppressed_reason,
            "since": row.suppressed_at,
            "soft_bounces": row.soft_bounces,
        }
        for row in rows
    ]
    shown = [
        (", ".join(sorted(known.get(row.address_key, {"(nobody is known by it)"}))), row.suppressed_reason, date_text(row.suppressed_at))
        for row in rows
    ]  # fmt: skip
    parts = [table(("Address", "Why", "Since"), shown)] if rows else ["Mail goes to everybody."]
    return Answer({"stopped": data}, parts)


def allow(addresses: Sequence[str]) -> Answer:
    """Lift the suppression of addresses; one that was not suppressed is no fault."""
    lifted = allow_mail([key_of(normal_form(address)) for address in addresses])
    return Answer({"asked": len(addresses), "allowed": lifted}, (f"Mail is let through again to {lifted}.",))


def _known(rows: Sequence[Mailbox]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    persons = Person.objects.filter(address_key__in=[row.address_key for row in rows], erased_at=None)
    for key, email in persons.values_list("address_key", "email"):
        found.setdefault(key, set()).add(email)
    return found


def _files(source: Path) -> Iterator[Path]:
    """Yield the files meant; raises `BadInput` (`file_unreadable`) if there is nothing of that name."""
    if source == STDIN or source.is_file():
        yield source
    elif source.is_dir():
        inner = [source / name for name in MAILDIR if (source / name).is_dir()] or [source]
        for directory in inner:
            yield from sorted(file for file in directory.iterdir() if file.is_file())
    else:
        raise BadInput("There is no such file or directory.", code="file_unreadable")


def _content(file: Path) -> bytes:
    """Return the beginning of a mail, as much of it as is looked at; standard input is read to its end."""
    if file != STDIN:
        try:
            with file.open("rb") as opened:
                return opened.read(LOOKED_AT)
        except OSError as error:
            raise BadInput(f"A file cannot be read: {error.strerror}.", code="file_unreadable") from None
    beginning = sys.stdin.buffer.read(LOOKED_AT)
    while sys.stdin.buffer.read(DRAINED_AT_ONCE):
        pass  # a mail server takes a reader that goes away for a failure
    return beginning
