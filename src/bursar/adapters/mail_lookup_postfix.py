"""Which mails have left, by the log of the mail server they are handed to: Postfix's, or lines with a Message-ID."""

import logging
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from bursar.kernel import clock
from bursar.kernel.conf import setting

logger = logging.getLogger(__name__)

READ_AT_MOST: Final = 50_000_000
PACKED: Final = frozenset({".gz", ".bz2", ".xz", ".zst"})
# Postfix writes this line while a mail comes in, before its end: what breaks off then has one too.
COMING_IN: Final = re.compile(rb"cleanup\[\d+\]: (\w+): (?:resent-)?message-id=(<[^@>\s]+)")
# Of those that came in whole, the queue manager and the delivery agents speak.
TAKEN: Final = re.compile(rb": (\w+): (?:from=<.*\(queue active\)|to=<.*\bstatus=)")
PLAIN: Final = re.compile(rb"message-id=(<[^@>\s]+)")


def find(message_ids: Sequence[str]) -> Mapping[str, bool]:
    """Return which of these mails the log `mail_log` shows as taken; of the others it says nothing.

    With the setting `mail_log_complete` it also says which have not left: those that the log does not show, if all of
    it could be read and it was written to after they could have left. A log that cannot be read says nothing.
    """
    path = Path(setting("mail_log"))
    try:
        parts, is_whole = _parts(path)
        wanted = {key: key.partition("@")[0].encode() for key in message_ids}  # the host may be another by now
        taken = _taken(_lines(parts), set(wanted.values()))
        is_certain = setting("mail_log_complete") and is_whole and _was_written_since(path)
    except OSError as error:
        logger.warning("mail: the log of the mail server cannot be read: %s", type(error).__name__)
        return {}
    return {key: name in taken for key, name in wanted.items() if is_certain or name in taken}


def _parts(path: Path) -> tuple[list[tuple[Path, int]], bool]:
    """Return the log and those before it (`name.1`, `name-20260301`), oldest first, each with where to begin.

    Also whether that is all of them, but for packed ones.
    """
    siblings = [other for other in path.parent.iterdir() if other.name.startswith(path.name)]
    files = [(other.stat(), other) for other in siblings if other.suffix not in PACKED and other.is_file()]
    if not files:
        raise FileNotFoundError
    parts: list[tuple[Path, int]] = []
    left = READ_AT_MOST
    for facts, other in sorted(files, key=lambda file: file[0].st_mtime_ns, reverse=True):
        if left > 0:
            parts.insert(0, (other, max(0, facts.st_size - left)))
        left -= facts.st_size
    return parts, left >= 0


def _lines(parts: Iterable[tuple[Path, int]]) -> Iterator[bytes]:
    for path, begin in parts:
        with path.open("rb") as file:
            file.seek(begin)
            yield from file


def _taken(lines: Iterable[bytes], wanted: set[bytes]) -> set[bytes]:
    """Return which of the wanted Message-IDs (as far as their @) were taken; queue ids are used again, so the order of lines counts."""
    coming_in: dict[bytes, bytes] = {}
    taken: set[bytes] = set()
    for line in lines:
        if b"message-id=" in line:
            if begun := COMING_IN.search(line):
                coming_in.pop(begun[1], None)
                if begun[2] in wanted:
                    coming_in[begun[1]] = begun[2]
            elif (plain := PLAIN.search(line)) and plain[1] in wanted:
                taken.add(plain[1])
        elif coming_in and (whole := TAKEN.search(line)) and whole[1] in coming_in:
            taken.add(coming_in[whole[1]])
    return taken


def _was_written_since(path: Path) -> bool:
    """Tell whether the log goes on after the last moment at which a mail that is looked up now can have left."""
    last = datetime.fromtimestamp(path.stat().st_mtime, UTC)
    rest: timedelta = setting("mail_uncertain_for")
    return last > clock.now() - rest
