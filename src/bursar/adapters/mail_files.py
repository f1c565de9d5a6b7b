"""Mails kept as files, one directory per assignment: Django's mail backend while no mail server is set."""

import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final
from uuid import UUID, uuid4

from django.conf import settings
from django.core.mail import EmailMessage
from django.core.mail.backends.base import BaseEmailBackend

from bursar.kernel.conf import setting
from bursar.kernel.errors import Misconfigured, Unavailable

MESSAGE_HEADER: Final = "X-Bursar-Message"
REFERENCE_HEADER: Final = "X-Bursar-Assignment"
OTHER: Final = "other"


class FileBackend(BaseEmailBackend):
    """Writes `{path}/{assignment}/{message}.eml`; a mail without those headers goes to `{path}/other/`.

    Files appear whole or not at all, and only their owner may read them. The same message again replaces its file.
    """

    smtputf8 = True

    def __init__(self, file_path: str | None = None, **options: Any) -> None:
        super().__init__(**options)
        path = file_path or getattr(settings, "EMAIL_FILE_PATH", None) or setting("mail_dir")
        if not path:
            raise Misconfigured("EMAIL_FILE_PATH names no directory for the mails.", setting="EMAIL_FILE_PATH")
        self.directory = Path(path)

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        """Write the mails and return how many; raises `Unavailable` when the directory takes no more."""
        written = 0
        for message in email_messages:
            content = message.message().as_bytes()
            try:
                write_whole(self.directory / _place(message), content)
            except OSError as error:
                if not self.fail_silently:
                    raise _unavailable(error) from error
            else:
                written += 1
        return written


def forget(references: Sequence[UUID], directory: Path) -> int:
    """Remove all files about `references` under `directory` and return how many mails were found there.

    Others may be at it too, also at the same references. Raises `Unavailable` if one could not be removed; those before
    it are gone then.
    """
    try:
        return sum(_remove(directory / str(reference)) for reference in references)
    except OSError as error:
        raise _unavailable(error) from error


def _remove(kept: Path) -> int:
    """Remove a directory with its files; what another has removed meanwhile is not missed, and the rest goes all the same."""
    try:
        files = list(kept.iterdir())
        for file in files:
            file.unlink(missing_ok=True)
        kept.rmdir()
    except FileNotFoundError:
        return 0
    return sum(file.suffix == ".eml" for file in files)


def forget_everywhere(references: Sequence[UUID]) -> int:
    """Remove the mails about `references` kept as files, also those kept before a mail server was set; as `forget`."""
    directories = {Path(path) for path in (getattr(settings, "EMAIL_FILE_PATH", None), setting("mail_dir")) if path}
    return sum(forget(references, directory) for directory in directories)


def write_whole(path: Path, content: bytes) -> None:
    """Put `content` at `path` so that readers see the old file or the new one; raises OSError and leaves no scraps."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle, draft = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".part")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        Path(draft).replace(path)
    except BaseException:
        Path(draft).unlink(missing_ok=True)
        raise


def _place(message: EmailMessage) -> Path:
    """Return where a mail is kept, below the directory; only well-formed ids become part of a path."""
    try:
        reference, name = (UUID(str(message.extra_headers[header])) for header in (REFERENCE_HEADER, MESSAGE_HEADER))
    except (KeyError, ValueError):
        return Path(OTHER, f"{uuid4()}.eml")
    return Path(str(reference), f"{name}.eml")


def _unavailable(error: OSError) -> Unavailable:
    return Unavailable("The directory of mails cannot be written.", code="mail_files_unavailable", errno=error.errno)
