"""Texts that a customer writes for its own mails: which placeholders there are, and how they are filled. Pure: no Django.

Not a template language: a text is cut into plain words and placeholders once, before anything is filled in, so that no
value is ever read as a placeholder, a tag or HTML.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from html import escape
from typing import Final, TypeVar

from bursar.assignments.events import DIGEST, MessageKind
from bursar.kernel.errors import BadInput

T = TypeVar("T")

LONGEST_SUBJECT: Final = 200
LONGEST_BODY: Final = 10_000
LONGEST_QUOTE: Final = 40

ABOUT_ONE: Final = ("name", "customer", "course_title", "link", "deadline", "price", "start")
PLACEHOLDERS: Final[Mapping[str, tuple[str, ...]]] = {
    **dict.fromkeys(map(str, MessageKind), ABOUT_ONE),
    **dict.fromkeys((str(MessageKind.TIME_GRANTED), str(MessageKind.TIME_REFUSED)), (*ABOUT_ONE, "answer")),
    DIGEST: ("name", "customer", "courses"),
}
KINDS: Final = tuple(PLACEHOLDERS)
REQUIRED: Final[Mapping[str, str]] = {MessageKind.ASSIGNED: "link", MessageKind.REMINDED: "link", DIGEST: "courses"}
NOT_IN_SUBJECT: Final = frozenset({"link", "courses"})

PLACEHOLDER: Final = re.compile(r"\{\{[ \t]*([a-z_]+)[ \t]*\}\}")
LOOKS_LIKE_ONE: Final = re.compile(r"\{\{([^{}]*)\}\}")
TAG: Final = re.compile(r"\{[%#]|[%#]\}")
BRACE: Final = re.compile(r"[{}]")
PARAGRAPHS: Final = re.compile(r"\n[ \t]*\n\s*")
CONTROL: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class OwnText:
    """A customer's text for one kind of mail, in one language; `read` has accepted it."""

    language: str
    subject: str = field(repr=False)
    body: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Value:
    """What stands for a placeholder: in text, and in HTML (the escaped text if not given)."""

    text: str = field(repr=False)
    html: str | None = field(default=None, repr=False)

    @property
    def as_html(self) -> str:
        """The value as HTML."""
        return escape(self.text) if self.html is None else self.html


Values = Mapping[str, Value]


def read(kind: str, language: str, *, subject: str, body: str) -> OwnText:
    """Return a text as it may be kept; raises `BadInput` naming what is wrong and where.

    Codes: unknown_kind, empty_text, text_too_long, control_character, subject_not_one_line, tag_not_allowed,
    unknown_placeholder, stray_brace, missing_placeholder.
    """
    check_kind(kind)
    head, text = subject.strip(), body.replace("\r\n", "\n").replace("\r", "\n").strip()
    if "\n" in head or "\r" in head:
        raise BadInput("A subject is one line.", code="subject_not_one_line", part="subject")
    allowed = PLACEHOLDERS[kind]
    _check("subject", head, LONGEST_SUBJECT, [name for name in allowed if name not in NOT_IN_SUBJECT])
    _check("body", text, LONGEST_BODY, allowed)
    needed = REQUIRED.get(kind)
    if needed and needed not in _names(text):
        words = f"The body of this mail needs {{{{ {needed} }}}}."
        raise BadInput(words, code="missing_placeholder", part="body", placeholder=needed)
    return OwnText(language, head, text)


def check_kind(kind: str) -> str:
    """Return the kind of a mail that may have a text of its own; raises `BadInput` (`unknown_kind`)."""
    if kind not in PLACEHOLDERS:
        raise BadInput(f"A kind of mail is one of {', '.join(KINDS)}.", code="unknown_kind")
    return kind


def _check(part: str, text: str, longest: int, allowed: Iterable[str]) -> None:
    if not text:
        raise BadInput(f"The {part} is empty.", code="empty_text", part=part)
    if len(text) > longest:
        raise BadInput(f"The {part} is longer than {longest} characters.", code="text_too_long", part=part)
    if CONTROL.search(text):
        raise BadInput(f"The {part} holds a character that cannot be seen.", code="control_character", part=part)
    tag = TAG.search(text)
    if tag:
        words = f"The {part} holds {_quoted(text[tag.start() :])}: a text has placeholders, no tags."
        raise BadInput(words, code="tag_not_allowed", part=part)
    for match in LOOKS_LIKE_ONE.finditer(text):
        name = match[1].strip()
        if name not in allowed or PLACEHOLDER.fullmatch(match[0]) is None:
            words = f"The {part} names {_quoted(name)}; here there are {', '.join(allowed)}."
            raise BadInput(words, code="unknown_placeholder", part=part, placeholder=name[:LONGEST_QUOTE])
    if BRACE.search(PLACEHOLDER.sub("", text)):
        raise BadInput(f"The {part} holds a brace outside of a placeholder.", code="stray_brace", part=part)


def _quoted(text: str) -> str:
    line = text.partition("\n")[0]
    return repr(line if len(line) <= LONGEST_QUOTE else f"{line[:LONGEST_QUOTE]}…")


def _names(text: str) -> set[str]:
    return set(PLACEHOLDER.findall(text))


def _parts(text: str) -> Iterator[tuple[str, str | None]]:
    """Yield words and the placeholder behind them, None at the end."""
    pieces = PLACEHOLDER.split(text)
    for place in range(0, len(pieces) - 1, 2):
        yield pieces[place], pieces[place + 1]
    yield pieces[-1], None


def fill(text: str, values: Values) -> str:
    """Return a text with its placeholders filled; a value that is empty takes the blank before it along."""
    filled = []
    for words, name in _parts(text):
        value = values[name].text if name else ""
        filled += [_closed_up(words, value, name), value]
    return "".join(filled)


def fill_html(text: str, values: Values) -> list[str]:
    """Return the paragraphs of a text as HTML; what the author wrote and what is filled in are escaped both."""
    return [_paragraph(part, values) for part in PARAGRAPHS.split(text)]


def _paragraph(text: str, values: Values) -> str:
    filled = []
    for words, name in _parts(text):
        value = values[name] if name else Value("")
        filled += [escape(_closed_up(words, value.text, name)).replace("\n", "<br>\n"), value.as_html]
    return "".join(filled)


def _closed_up(words: str, value: str, name: str | None) -> str:
    return words.rstrip(" \t") if name and not value else words


def choose(texts: Mapping[str, T], *languages: str) -> T | None:
    """Return the text in the first of these languages that there is one in, each followed by its base; None: built in."""
    for language in languages:
        for candidate in (language, language.partition("-")[0]):
            if candidate and candidate in texts:
                return texts[candidate]
    return None
