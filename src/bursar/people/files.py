"""People as a file or a list names them: who is a person, who is named twice, and which row is refused why (31, 35)."""

import re
import unicodedata
import zoneinfo
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, partial
from pathlib import Path
from typing import BinaryIO, Final

from bursar.kernel.conf import setting
from bursar.kernel.errors import BadInput
from bursar.kernel.tables import RowFault, Table, TableRow, open_table
from bursar.people.addresses import BadAddress, display_form, normal_form

# The headings of each column beside its own name; an office exports them in the language in which it works.
REQUIRED: Final = {
    "email": (
        *("mail", "e-mail address", "learner_email", "address", "e-mail-adresse"),
        *("correo", "correo electrónico", "correo electronico"),
    ),
}
OPTIONAL: Final = {
    "name": ("nombre",),
    "department": ("abteilung", "departamento"),
    "language": ("sprache", "idioma"),
    "time_zone": ("zeitzone", "zona horaria"),
    "manager_email": ("manager", "manager address", "führungskraft", "vorgesetzte", "responsable"),
}
COLUMNS: Final = (*REQUIRED, *OPTIONAL)
LONGEST_TEXT: Final = 255
LANGUAGE: Final = re.compile(r"[a-z]{2,3}(-[a-z]{4})?(-([a-z]{2}|[0-9]{3}))?")

# What the reader of tables says in general, in the words of a file of people.
KNOWN_COLUMNS: Final = "One must be headed E-mail; others may be Name, Department, Language, Time zone and Manager."
NO_HEADER: Final = f"The first row of the file must name the columns. {KNOWN_COLUMNS}"
NO_ADDRESS_COLUMN: Final = "The file has no column of addresses; one must be headed E-mail."
NOTHING_IN_IT: Final = "The file has a header, but no people below it."


@dataclass(frozen=True, slots=True)
class PersonRow:
    """One person: the first physical line (or place in a list) from 1, and what is known of them, "" for nothing.

    `email` and `manager_email` are as written, trimmed; `normal` is the normal form of `email`.
    """

    line: int
    email: str = field(repr=False)
    normal: str = field(repr=False)
    name: str = field(default="", repr=False)
    department: str = field(default="", repr=False)
    language: str = ""
    time_zone: str = ""
    manager_email: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Twin:
    """A row that names again whom the row at `of_line` has named; what else it says is passed over."""

    line: int
    email: str = field(repr=False)
    of_line: int


@dataclass(slots=True)
class PeopleFile:
    """Every row exactly once, each list in the order of the file."""

    people: list[PersonRow] = field(default_factory=list)
    twins: list[Twin] = field(default_factory=list)
    refused: list[RowFault] = field(default_factory=list)


class _BadValue(BadInput):
    """A cell cannot be read as what its column holds."""


def read_people(source: str | Path | BinaryIO, *, encoding: str | None = None, limited: bool = False) -> PeopleFile:
    """Read a CSV file of people: a column of addresses and, if wanted, name, department, language, time zone, manager.

    Without `encoding` the file is UTF-8, or what its byte order mark says. A fault of the whole file raises
    `BadInput`, with the fact `line` where there is one and one of the codes of `kernel.tables.open_table`, or
    `no_address_column` or `no_rows`. A fault of a row refuses the row: `malformed_row`, `invalid_address`,
    `invalid_name`, `invalid_department`, `invalid_language`, `invalid_time_zone`, `invalid_manager_address`.
    Rows with nothing in them are passed over. A stream is not closed. With `limited` more rows than the setting
    `people_limit` refuse the file (`too_many_people`).
    """
    table = table_of_people(Path(source) if isinstance(source, str) else source, encoding)
    rows = (_person(row) for row in table if _says_something(row))
    found = distinct(at_most_allowed(rows) if limited else rows)
    if not found.people and not found.refused:
        raise BadInput(NOTHING_IN_IT, code="no_rows")
    return found


def people_from_addresses(addresses: Sequence[str]) -> PeopleFile:
    """Return the people of a list of addresses, as `read_people` does; `line` is the place in the list, from 1."""
    return distinct(_person(TableRow(place, {"email": text})) for place, text in enumerate(addresses, start=1))


def distinct(rows: Iterable[PersonRow | RowFault]) -> PeopleFile:
    """Part rows into people, those named again (the first row counts, unless it was refused), and refused rows."""
    result = PeopleFile()
    first: dict[str, int] = {}
    for row in rows:
        if isinstance(row, RowFault):
            result.refused.append(row)
        elif row.normal in first:
            result.twins.append(Twin(row.line, row.email, first[row.normal]))
        else:
            first[row.normal] = row.line
            result.people.append(row)
    return result


def at_most_allowed(rows: Iterable[PersonRow | RowFault]) -> Iterator[PersonRow | RowFault]:
    """Yield rows; raises `BadInput` (`too_many_people`) at the first one above the setting `people_limit`."""
    limit = setting("people_limit")
    for number, row in enumerate(rows, start=1):
        if number > limit:
            raise BadInput(f"There are more than {limit:,} rows.", code="too_many_people", limit=limit)
        yield row


def table_of_people(source: Path | BinaryIO, encoding: str | None = None) -> Table:
    """Return the rows of a CSV file of people as they are; raises `BadInput` for a fault of the whole, as `read_people` does."""
    try:
        return open_table(source, encoding=encoding, required=REQUIRED, optional=OPTIONAL)
    except BadInput as error:
        raise _in_words_of_people(error) from None


def _in_words_of_people(error: BadInput) -> BadInput:
    """Return the fault of a table as one of a file of people; a first row that is a person is not quoted."""
    if error.code == "no_header" or any("@" in column for column in error.facts.get("columns", ())):
        return BadInput(NO_HEADER, code="no_header", line=1)
    if error.code == "unknown_columns":
        return BadInput(f"{error.message} {KNOWN_COLUMNS}", code=error.code, **error.facts)
    if error.code == "missing_columns":
        return BadInput(NO_ADDRESS_COLUMN, code="no_address_column", line=1)
    return error


def _says_something(row: TableRow) -> bool:
    return row.fault is not None or any(cell.strip() for cell in row.cells.values())


def _person(row: TableRow) -> PersonRow | RowFault:
    if row.fault is not None:
        return RowFault(row.line, row.fault.input, "malformed_row", row.fault.message)
    return read_person(row.line, row.cells)


def read_person(line: int, cells: Mapping[str, str]) -> PersonRow | RowFault:
    """Return the person whom a row names, or why it is refused; a cell that is missing is blank."""
    try:
        return _read_person(line, cells)
    except (BadAddress, _BadValue) as error:
        return RowFault(line, cells["email"], error.code, error.message)


def _read_person(line: int, cells: Mapping[str, str]) -> PersonRow:
    return PersonRow(
        line=line,
        email=display_form(cells["email"]),
        normal=normal_form(cells["email"]),
        **read_details({name: cells.get(name, "") for name in READERS}),
    )


def read_details(details: Mapping[str, str]) -> dict[str, str]:
    """Return details of a person as they are kept, "" for not known; raises `BadInput` for the first that cannot be."""
    return {name: READERS[name](value) for name, value in details.items()}


def _text(column: str, given: str) -> str:
    """Return a name on one line and without control characters: it will stand in the head of a mail."""
    text = " ".join("".join(_printable(given)).split())
    if len(text) > LONGEST_TEXT:
        raise _BadValue(f"The {column} is longer than {LONGEST_TEXT} characters.", code=f"invalid_{column}")
    return text


def _printable(given: str) -> Iterator[str]:
    for character in given:
        if character.isspace():
            yield " "
        elif unicodedata.category(character) != "Cc":
            yield character


def read_language(given: str) -> str:
    """Return the code of a language in lower case, "" for none; raises `BadInput` (`invalid_language`)."""
    language = given.strip().lower().replace("_", "-")
    if language and not LANGUAGE.fullmatch(language):
        raise _BadValue("The language must be a code such as en, de or pt-br.", code="invalid_language")
    return language


def read_time_zone(given: str) -> str:
    """Return the name of a time zone as the database of zones spells it, "" for none; raises `BadInput` (`invalid_time_zone`)."""
    wanted = given.strip()
    if not wanted:
        return ""
    zone = _time_zones().get(wanted.lower())
    if zone is None:
        raise _BadValue("The time zone must be a name such as Europe/Berlin.", code="invalid_time_zone")
    return zone


@cache
def _time_zones() -> Mapping[str, str]:
    return {name.lower(): name for name in zoneinfo.available_timezones()}


def _manager(given: str) -> str:
    address = display_form(given)
    if not address:
        return ""
    try:
        normal_form(address)
    except BadAddress as error:
        raise _BadValue(f"The manager's address: {error.message}", code="invalid_manager_address") from None
    return address


READERS: Final[Mapping[str, Callable[[str], str]]] = {
    "name": partial(_text, "name"),
    "department": partial(_text, "department"),
    "language": read_language,
    "time_zone": read_time_zone,
    "manager_email": _manager,
}
