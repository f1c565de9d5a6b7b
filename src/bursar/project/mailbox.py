"""The mails that were kept as files, for reading in a demonstration: `{mail_dir}/{assignment}/{message}.eml`."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from heapq import nlargest
from pathlib import Path
from typing import Final
from uuid import UUID

from bursar.kernel.conf import setting

PAGE: Final = 25
SUFFIX: Final = ".eml"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a mail lies: two ids and nothing else, so that no text from outside ever becomes a path."""

    assignment: UUID
    message: UUID

    @property
    def path(self) -> Path:
        """The file that holds it."""
        return Path(setting("mail_dir")) / str(self.assignment) / f"{self.message}{SUFFIX}"


@dataclass(frozen=True, slots=True)
class Letter:
    """One mail as its reader sees it; `html` is empty where it has no such part."""

    place: Place
    to: str
    subject: str
    date: datetime | None
    text: str
    html: str


def newest(page: int) -> tuple[list[Letter], bool]:
    """Return page `page` (from 1) of all letters, last written first, and whether older ones follow."""
    wanted = page * PAGE + 1
    found = [place for _, place in nlargest(wanted, _written(), key=lambda item: (item[0], str(item[1].message)))]
    shown = [read(place) for place in found[wanted - PAGE - 1 : wanted - 1]]
    return [letter for letter in shown if letter is not None], len(found) == wanted


def read(place: Place) -> Letter | None:
    """Return the letter kept at `place`, or None; it may have been erased a moment ago."""
    try:
        raw = place.path.read_bytes()
    except OSError:
        return None
    mail = message_from_bytes(raw, policy=default)
    date = mail["date"]
    return Letter(
        place=place,
        to=str(mail["to"] or ""),
        subject=str(mail["subject"] or ""),
        date=getattr(date, "datetime", None),
        text=_part(mail, "plain"),
        html=_part(mail, "html"),
    )


def _written() -> Iterator[tuple[int, Place]]:
    """Yield every mail with the time it was written, in no order."""
    for directory in _entries(setting("mail_dir")):
        assignment = _uuid(directory.name)
        if assignment is None:
            continue
        for entry in _entries(directory.path):
            message = _uuid(entry.name.removesuffix(SUFFIX)) if entry.name.endswith(SUFFIX) else None
            if message is not None:
                yield entry.stat().st_mtime_ns, Place(assignment, message)


def _entries(directory: str) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(directory) as entries:
            return list(entries)
    except OSError:
        return []


def _uuid(name: str) -> UUID | None:
    """Return the id that is spelled exactly so, or None."""
    try:
        found = UUID(name)
    except ValueError:
        return None
    return found if str(found) == name else None


def _part(mail: EmailMessage, kind: str) -> str:
    body = mail.get_body((kind,))
    payload = body.get_payload(decode=True) if body is not None else None
    return payload.decode("utf-8", "replace") if isinstance(payload, bytes) else ""
