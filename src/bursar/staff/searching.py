"""What a search of staff means: keys, addresses and numbers go by an index; words only where a table is small."""

from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from django.db.models import Q, QuerySet

from bursar.kernel.lookup import as_uuid
from bursar.kernel.text import storable
from bursar.people.keys import key_of

LONGEST: Final = 255
LARGEST: Final = 2**63


@dataclass(frozen=True, slots=True)
class Found:
    """By which columns the rows of a table are found."""

    uuids: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()  # keys of addresses
    numbers: tuple[str, ...] = ()
    texts: tuple[str, ...] = ()  # exactly
    words: tuple[str, ...] = ()  # anywhere within; small tables only

    def __bool__(self) -> bool:
        return bool(self.uuids or self.addresses or self.numbers or self.texts or self.words)

    def rows(self, rows: QuerySet[Any], wanted: str) -> QuerySet[Any]:
        """Return those of the rows that are meant; all of them for nothing, none for what cannot be looked for."""
        text = storable(wanted).strip()[:LONGEST]
        if not text:
            return rows
        asked = Q()
        for name, value in self._conditions(text):
            asked |= Q(**{name: value})
        return rows.filter(asked) if asked else rows.none()

    def _conditions(self, text: str) -> list[tuple[str, UUID | str | int]]:
        key = as_uuid(text)
        by: list[tuple[str, UUID | str | int]] = [(name, key) for name in self.uuids] if key else []
        if "@" in text:
            by += [(name, key_of(text)) for name in self.addresses]
        if text.isascii() and text.isdigit() and len(text) < len(str(LARGEST)):
            by += [(name, int(text)) for name in self.numbers]
        by += [(name, text) for name in self.texts]
        return by + [(f"{name}__icontains", text) for name in self.words]

    def help(self) -> str:
        """Say what can be looked for."""
        kinds = {"a uuid": self.uuids, "an e-mail address": self.addresses, "a number": self.numbers}
        ways = [kind for kind, names in kinds.items() if names]
        ways += [name.rpartition("__")[2].replace("_", " ") for name in (*self.texts, *self.words)]
        return f"Finds by {', '.join(ways)}."
