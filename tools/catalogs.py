"""How gettext catalogs are read, written and compiled, without gettext's own programs, the same on every machine."""

import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

CONTEXT_MARK: Final = "\x04"
PLURAL_MARK: Final = "\0"
MO_MAGIC: Final = 0x950412DE
MO_HEAD: Final = 7 * 4
ESCAPES: Final = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\t": "\\t", "\r": "\\r"}
UNESCAPES: Final = {escaped[1]: plain for plain, escaped in ESCAPES.items()}


@dataclass(frozen=True, order=True, slots=True)
class Key:
    """What gettext finds a message by: its context, and the words in the language of the sources."""

    message: str
    context: str = ""
    plural: str = ""


Catalog = dict[Key, tuple[str, ...]]


def read_po(text: str) -> tuple[str, Catalog]:
    """Return the header and the messages of a catalog as people edit it; raises ValueError naming the line."""
    header, found = "", Catalog()
    for entry in _entries(text):
        forms = tuple(value for name, value in sorted(entry.items()) if name.startswith("msgstr"))
        key = Key(entry.get("msgid", ""), entry.get("msgctxt", ""), entry.get("msgid_plural", ""))
        if key.message:
            found[key] = forms
        else:
            header = forms[0] if forms else ""
    return header, found


def write_po(header: str, messages: Mapping[Key, Sequence[str]], places: Mapping[Key, Sequence[str]]) -> str:
    """Return a catalog as people edit it, in the order of the messages, with the files that each stands in."""
    parts = [f'msgid ""\nmsgstr {_quoted(header)}\n']
    for key in sorted(messages):
        lines = [f"#: {place}" for place in places.get(key, ())]
        if key.context:
            lines.append(f"msgctxt {_quoted(key.context)}")
        lines.append(f"msgid {_quoted(key.message)}")
        if key.plural:
            lines.append(f"msgid_plural {_quoted(key.plural)}")
            lines += [f"msgstr[{number}] {_quoted(form)}" for number, form in enumerate(messages[key])]
        else:
            lines.append(f"msgstr {_quoted(messages[key][0])}")
        parts.append("\n".join(lines) + "\n")
    return "\n".join(parts)


def compile_mo(header: str, messages: Mapping[Key, Sequence[str]]) -> bytes:
    """Return a catalog as programs read it: what has no translation is left out; the same bytes for the same messages."""
    pairs = {"": header} | {_id(key): PLURAL_MARK.join(forms) for key, forms in messages.items() if all(forms)}
    rows = sorted((name.encode(), value.encode()) for name, value in pairs.items())
    names = b"".join(name + b"\0" for name, _ in rows)
    values = b"".join(value + b"\0" for _, value in rows)
    start = MO_HEAD + 16 * len(rows)
    table = [*_places([name for name, _ in rows], start), *_places([value for _, value in rows], start + len(names))]
    head = struct.pack("<7I", MO_MAGIC, 0, len(rows), MO_HEAD, MO_HEAD + 8 * len(rows), 0, start)
    return head + b"".join(struct.pack("<2I", *place) for place in table) + names + values


def _id(key: Key) -> str:
    name = f"{key.context}{CONTEXT_MARK}{key.message}" if key.context else key.message
    return f"{name}{PLURAL_MARK}{key.plural}" if key.plural else name


def _places(texts: Sequence[bytes], start: int) -> Iterator[tuple[int, int]]:
    for text in texts:
        yield len(text), start
        start += len(text) + 1


def _entries(text: str) -> Iterator[dict[str, str]]:
    """Yield the parts of each entry by their keyword."""
    entry: dict[str, str] = {}
    name = ""
    for number, line in enumerate([*text.splitlines(), ""], start=1):
        stripped = line.strip()
        if not stripped:
            if entry:
                yield entry
            entry, name = {}, ""
        elif stripped.startswith('"') and name:
            entry[name] += _plain(stripped, number)
        elif not stripped.startswith("#"):
            name, _, value = stripped.partition(" ")
            entry[name] = _plain(value, number)


def _quoted(text: str) -> str:
    """Return a text as it stands in a catalog; one with line breaks is cut after each."""
    escaped = ["".join(ESCAPES.get(letter, letter) for letter in line) for line in text.splitlines(keepends=True)]
    return "\n".join(f'"{line}"' for line in (["", *escaped] if len(escaped) > 1 else escaped or [""]))


def _plain(quoted: str, number: int) -> str:
    if len(quoted) < 2 or quoted[0] != '"' or quoted[-1] != '"':  # noqa: PLR2004  a pair of quotes
        raise ValueError(f"line {number}: not a quoted text: {quoted}")
    letters = iter(quoted[1:-1])
    return "".join(UNESCAPES[next(letters)] if letter == "\\" else letter for letter in letters)
