"""What a returned mail says: dead address, not now, still trying, unwanted, or nothing of the kind. Pure: no Django.

Read are reports as RFC 3464 and RFC 5965 (unwanted mail) have them, and the plain words of servers that know neither.
Whatever comes in, a report comes out: input that cannot be read is `malformed`, and nothing is ever raised.
"""

import re
from base64 import b64decode
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from email.message import Message
from email.parser import BytesHeaderParser
from email.policy import compat32
from enum import StrEnum
from itertools import islice
from quopri import decodestring
from typing import Final

LOOKED_AT: Final = 1_048_576  # octets from the beginning: the report stands before the mail that it returns
LONGEST_HEAD: Final = 262_144
DEEPEST: Final = 5
MOST_PARTS: Final = 50
MOST_RECIPIENTS: Final = 100
TEXT_LOOKED_AT: Final = 65_536


class Kind(StrEnum):
    """What a returned mail means for the address to which ours went."""

    HARD = "hard"
    SOFT = "soft"
    DELAYED = "delayed"
    COMPLAINT = "complaint"
    NONE = "none"
    MALFORMED = "malformed"


@dataclass(frozen=True, slots=True)
class Report:
    """What was read: `status` is the server's enhanced code (5.1.1) or "", `marks` the mailbox tags that it names.

    A mark is what stands between + and @ in the addresses of the head, of the report and of the returned mail's head.
    """

    kind: Kind
    status: str = ""
    marks: tuple[str, ...] = field(default=(), repr=False)


MALFORMED: Final = Report(Kind.MALFORMED)
MARK: Final = re.compile(r"\+([A-Za-z0-9._-]{1,64})@")
STATUS: Final = re.compile(r"\b([245])\.(\d{1,3})\.(\d{1,3})\b")
REPLY: Final = re.compile(r"(?<![\d.])([45])\d\d(?=[ -])")
BLANK_LINE: Final = re.compile(rb"\n[ \t]*\n")
# A verdict on this mail or on us, full boxes and blocked senders among them: the next mail may well arrive.
ABOUT_THE_MAIL: Final = re.compile(r"5\.(?:2\.[23]|3\.4|[567]\.\d+)")
MAILER: Final = re.compile(
    r"(?i)mailer-daemon|postmaster|mail delivery|mailer@|microsoftexchange|(system|mail) administrator"
)
FAILED: Final = re.compile(
    r"(?i)undeliver|delivery (status )?(notification|fail)|fail(ed|ure) notice|return(ed|ing) (mail|message|to sender)"
    r"|could not be delivered|not delivered|mail delivery failed|non.?deliver|delivery has failed"
)
LATE: Final = re.compile(r"(?i)delayed|delivery delay|will be retried|could not send message for past|not yet been")
FOR_GOOD: Final = re.compile(
    r"(?i)permanent (fatal )?error|unrouteable address|user unknown|unknown user|no such user|does not exist"
)
TRIES_ON: Final = frozenset({"delayed"})
ARRIVED: Final = frozenset({"delivered", "relayed", "expanded"})


def read_report(raw: bytes) -> Report:
    """Return what a mail says that came back; costs at most a second, however large or deep it is."""
    try:
        return _read(raw[:LOOKED_AT])
    except Exception:  # noqa: BLE001  what makes the standard parsers stumble is no report that we know
        return MALFORMED


def kind_of(status: str) -> Kind:
    """Return what an enhanced status code of a failure means: only what is about the address itself is for good."""
    if not status.startswith("5."):
        return Kind.SOFT
    return Kind.SOFT if ABOUT_THE_MAIL.fullmatch(status) else Kind.HARD


def status_in(text: str) -> str:
    """Return the enhanced status code in a server's words, one made of its three-digit reply, or ""."""
    found = STATUS.search(text)
    if found:
        return found[0]
    reply = REPLY.search(text)
    return f"{reply[1]}.0.0" if reply else ""


def marks_in(text: str) -> list[str]:
    """Return the mailbox tags of the addresses in a text: what stands between + and @."""
    return MARK.findall(text)


@dataclass(frozen=True, slots=True)
class _Part:
    head: Message
    raw_head: bytes
    body: bytes

    @property
    def type(self) -> str:
        return self.head.get_content_type()

    def header(self, name: str) -> str:
        return str(self.head.get(name, ""))

    def decoded(self) -> bytes:
        encoding = self.header("Content-Transfer-Encoding").strip().lower()
        if encoding == "base64":
            return _lines(b64decode(self.body, validate=False))
        return _lines(decodestring(self.body)) if encoding == "quoted-printable" else self.body


def _read(raw: bytes) -> Report:
    top = _part(re.sub(rb"\A(\s*>?From [^\n]*\n|\s+)", b"", _lines(raw)))
    if not top.head.keys():
        return MALFORMED
    parts = list(islice(_leaves(top), MOST_PARTS))
    returned = [part.body for part in parts if part.type in {"message/rfc822", "text/rfc822-headers", "message/global"}]
    told = [part.decoded() for part in parts if part.type.endswith("delivery-status")]
    heads = [top.raw_head, *told, *(_head_of(body) for body in returned)]
    marks = tuple(dict.fromkeys(mark for text in heads for mark in marks_in(text.decode("latin-1"))))
    kind, status = _judge(top, parts, told)
    return Report(kind, status, marks)


def _judge(top: _Part, parts: Sequence[_Part], told: Sequence[bytes]) -> tuple[Kind, str]:
    if any(part.type == "message/feedback-report" for part in parts):
        return Kind.COMPLAINT, ""
    groups = [fields for text in told for fields in _groups(text)]
    verdicts = [verdict for fields in groups if (verdict := _verdict(fields))]
    if verdicts:
        return min(verdicts, key=lambda item: ORDER.index(item[0]))
    by_words = _by_words(top, parts)
    is_report = str(top.head.get_param("report-type", "")).lower() == "delivery-status"
    return (Kind.MALFORMED, "") if is_report and by_words[0] is Kind.NONE else by_words


# Several people may stand behind one address: what arrived at one of them arrived, else the worst news count.
ORDER: Final = (Kind.NONE, Kind.HARD, Kind.SOFT, Kind.DELAYED)


def _verdict(fields: Message) -> tuple[Kind, str] | None:
    """Return what a report says of one recipient; None where it says nothing."""
    action = str(fields.get("Action", "")).split(maxsplit=1)
    word = action[0].strip(";").lower() if action else ""
    status = _status(str(fields.get("Status", "")), str(fields.get("Diagnostic-Code", "")))
    if word in ARRIVED:
        return Kind.NONE, ""
    if word in TRIES_ON:
        return Kind.DELAYED, status
    if word == "failed" or status[:2] in {"4.", "5."}:
        return kind_of(status), status
    return None


def _status(status: str, diagnostic: str) -> str:
    """Return the code of the field or, where that says no more than a class, of the server's own words."""
    found = STATUS.search(status)
    own = found[0] if found else ""
    return own if own and not own.endswith(".0.0") else status_in(diagnostic.partition(";")[2] or diagnostic) or own


def _by_words(top: _Part, parts: Sequence[_Part]) -> tuple[Kind, str]:
    """Return what a mail says that is no report: only a mailer's words count, never those of a person or a robot."""
    subject = top.header("Subject")
    names_failed = bool(top.header("X-Failed-Recipients"))
    from_mailer = MAILER.search(top.header("From"))  # an empty return path is no sign: robots that answer have it too
    if not names_failed and not (from_mailer and (FAILED.search(subject) or LATE.search(subject))):
        return Kind.NONE, ""
    text = "\n".join(part.decoded().decode("latin-1") for part in parts if part.type == "text/plain")[:TEXT_LOOKED_AT]
    if LATE.search(subject) or (not FAILED.search(subject) and LATE.search(text)):
        return Kind.DELAYED, ""
    status = status_in(text)
    if not status and FOR_GOOD.search(text):
        return Kind.HARD, ""
    return kind_of(status), status


def _leaves(top: _Part) -> Iterator[_Part]:
    """Yield the parts that hold no others, in order; what lies deeper than anybody nests is left alone."""
    waiting = [(top, 0)]
    while waiting:
        part, depth = waiting.pop()
        boundary = part.head.get_boundary() if part.head.get_content_maintype() == "multipart" else None
        if boundary is None:
            yield part
        elif depth < DEEPEST:
            inner = [_part(text) for text in _split(part.body, str(boundary).encode("latin-1", "replace"))]
            waiting += [(item, depth + 1) for item in reversed(inner)]


def _split(body: bytes, boundary: bytes) -> list[bytes]:
    lines = re.finditer(rb"^--" + re.escape(boundary) + rb"(--)?[ \t]*$\n?", body, re.MULTILINE)
    found: list[bytes] = []
    start = None
    for line in islice(lines, MOST_PARTS):
        if start is not None:
            found.append(body[start : line.start()])
        start = None if line[1] else line.end()
        if line[1]:
            break
    return found if start is None else [*found, body[start:]]


def _part(text: bytes) -> _Part:
    head = _head_of(text)
    if len(head) > LONGEST_HEAD:
        raise ValueError("a head is longer than any mail's")
    return _Part(BytesHeaderParser(policy=compat32).parsebytes(head), head, text[len(head) :].lstrip(b"\n"))


def _head_of(text: bytes) -> bytes:
    if text.startswith(b"\n"):
        return b""
    end = BLANK_LINE.search(text)
    return text[: end.start()] if end else text


def _groups(text: bytes) -> Iterator[Message]:
    for group in islice(BLANK_LINE.split(text.strip()), MOST_RECIPIENTS):
        yield BytesHeaderParser(policy=compat32).parsebytes(group.strip(b"\n"))


def _lines(text: bytes) -> bytes:
    return text.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
