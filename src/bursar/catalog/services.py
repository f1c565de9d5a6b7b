"""How courses, runs and named catalogs come in and change: imports are idempotent, and tell whose terms changed."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from operator import attrgetter
from pathlib import Path
from typing import Any, BinaryIO, Final, TypeVar
from uuid import UUID

from django.db import IntegrityError, connection

from bursar.catalog.files import TEXT_LENGTH, CourseRow, Reading, RunRow, is_key, one_line, read_courses, read_runs
from bursar.catalog.models import Catalog, CatalogRule, Course, Run
from bursar.kernel import clock
from bursar.kernel.batching import chunks
from bursar.kernel.errors import BadInput, NotFound, Refused
from bursar.kernel.tables import RowFault
from bursar.kernel.transactions import require_transaction, writes

R = TypeVar("R", CourseRow, RunRow)
M = TypeVar("M", Course, Run)
Progress = Callable[[int], object]
OnChange = Callable[[set[str]], object]

PRICE_FIELDS: Final = frozenset({"price_cents", "currency"})
LIST_LIMIT: Final = 10_000
LISTS: Final = ("keys", "partners", "subjects")
LISTS_OF_RULE: Final[Mapping[str, Sequence[str]]] = {
    CatalogRule.ALL: (),
    CatalogRule.KEYS: ("keys",),
    CatalogRule.QUERY: ("partners", "subjects"),
}


@dataclass(slots=True)
class ImportResult:
    """What an import did: rows by outcome, and the keys of courses whose price or run dates changed."""

    created: int = 0
    updated: int = 0
    unchanged: int = 0
    refused: list[RowFault] = field(default_factory=list)
    changed_keys: set[str] = field(default_factory=set)

    def add(self, other: "ImportResult") -> None:
        """Take over what another part of the same file did."""
        self.created += other.created
        self.updated += other.updated
        self.unchanged += other.unchanged
        self.refused += other.refused
        self.changed_keys |= other.changed_keys


def import_courses(
    source: Path | BinaryIO,
    *,
    encoding: str | None = None,
    progress: Progress | None = None,
    on_change: OnChange | None = None,
) -> ImportResult:
    """Take up the courses of a file (`files.read_courses`): new ones are made, known ones changed where they differ.

    Prices are US dollars in the file, cents in the table. A field whose column the file lacks is left as it is, so
    is whether a course is active; courses that the file does not name are not touched. The same file again changes
    nothing. `changed_keys` are known courses whose price changed.

    Each chunk (setting `chunk_size`) is one transaction of a fixed number of statements. When a later one fails, the
    earlier ones stay, and the same file again does the rest. `on_change` is called inside each transaction with the
    keys that it changed, so that what follows from them is one commit with the change (it may run again on a
    conflict, and must only write); `progress` after each with the number of rows dealt with so far.

    Raises `BadInput` for a fault of the whole file, with nothing changed, and `Unavailable` for the database's.
    """
    reading = read_courses(source, encoding=encoding)
    given = reading.fields | PRICE_FIELDS
    return _import(reading, lambda rows: _write_courses(rows, given, on_change), progress)


def import_runs(
    source: Path | BinaryIO,
    *,
    encoding: str | None = None,
    progress: Progress | None = None,
    on_change: OnChange | None = None,
) -> ImportResult:
    """Take up the runs of a file (`files.read_runs`), in the way of `import_courses`, of which all else holds too.

    A row whose course is not in the catalog is refused with `unknown_course`. `changed_keys` are the courses that
    got a run, lost one to another course, or have one whose dates changed.
    """
    reading = read_runs(source, encoding=encoding)
    return _import(reading, lambda rows: _write_runs(rows, reading.fields, on_change), progress)


def set_active(keys: Collection[str], *, active: bool, on_change: OnChange | None = None) -> set[str]:
    """Withdraw courses and runs from every catalog, or offer them again, in one transaction.

    Returns the keys of the courses concerned, given to `on_change` inside the transaction. What is so already is
    left alone. Raises `NotFound` (`unknown_content`) when a key is known as neither, with nothing changed.
    """
    return _set_active(set(keys), active, on_change)


def flag_changed(keys: Collection[str]) -> None:
    """Remember that deadlines follow from these courses' changes, in the transaction of the change (`on_change`)."""
    require_transaction()
    Course.objects.filter(key__in=keys).update(terms_changed=True)


def changed_courses() -> list[str]:
    """Return the courses whose changes have not moved the deadlines that follow from them yet."""
    return list(Course.objects.filter(terms_changed=True).order_by("key").values_list("key", flat=True))


@writes
def clear_changed(keys: Collection[str]) -> None:
    """Note that the deadlines that follow from these courses are moved."""
    Course.objects.filter(key__in=keys).update(terms_changed=False)


def create_catalog(
    title: str,
    *,
    customer_uuid: UUID | None = None,
    rule: str = CatalogRule.ALL,
    keys: Iterable[str] = (),
    partners: Iterable[str] = (),
    subjects: Iterable[str] = (),
) -> Catalog:
    """Make a catalog of a customer, or one shared by all; the rules are those of the model. Keys need not be known.

    Raises `BadInput` (`missing_title`, `too_long`, `invalid_rule`, `invalid_key`, `too_many`) for what makes no
    catalog, and `Refused` (`catalog_exists`) when the title is taken among the customer's, or the shared ones.
    """
    catalog = Catalog(customer_uuid=customer_uuid)
    _apply(catalog, {"title": title, "rule": rule, "keys": keys, "partners": partners, "subjects": subjects})
    try:
        return _insert_catalog(catalog)
    except IntegrityError:
        raise _title_taken() from None


def update_catalog(
    catalog: UUID,
    *,
    title: str | None = None,
    rule: str | None = None,
    keys: Iterable[str] | None = None,
    partners: Iterable[str] | None = None,
    subjects: Iterable[str] | None = None,
) -> Catalog:
    """Change what is given of a catalog; a new rule empties the lists that it has no use for.

    Raises as `create_catalog` does, and `NotFound` (`unknown_catalog`); nothing is changed then.
    """
    given = {"title": title, "rule": rule, "keys": keys, "partners": partners, "subjects": subjects}
    changes = {name: tuple(value) if name in LISTS else value for name, value in given.items() if value is not None}
    try:
        return _update_catalog(catalog, changes)
    except IntegrityError:
        raise _title_taken() from None


def _import(reading: Reading[R], write: Callable[[list[R]], ImportResult], progress: Progress | None) -> ImportResult:
    result = ImportResult()
    done = 0
    for part in chunks(reading):
        result.refused += [row for row in part if isinstance(row, RowFault)]
        if rows := [row for row in part if not isinstance(row, RowFault)]:
            result.add(write(rows))
        done += len(part)
        if progress is not None:
            progress(done)
    result.refused.sort(key=lambda fault: fault.line)
    return result


@writes
def _write_courses(rows: list[CourseRow], given: Collection[str], on_change: OnChange | None) -> ImportResult:
    known = {course.key: course for course in Course.objects.filter(key__in=[row.key for row in rows])}
    new, changed = _compare(rows, known, given)
    _upsert(Course, [Course(**_values(row)) for row in (*new, *changed)], given)
    prices = {row.key for row in changed if _differs(row, known[row.key], PRICE_FIELDS)}
    _tell(prices, on_change)
    return ImportResult(len(new), len(changed), len(rows) - len(new) - len(changed), [], prices)


@writes
def _write_runs(rows: list[RunRow], given: Collection[str], on_change: OnChange | None) -> ImportResult:
    courses = dict(Course.objects.filter(key__in={row.course_key for row in rows}).values_list("key", "pk"))
    refused = [_unknown_course(row) for row in rows if row.course_key not in courses]
    rows = [row for row in rows if row.course_key in courses]
    known = {run.key: run for run in Run.objects.filter(key__in=[row.key for row in rows]).select_related("course")}
    new, changed = _compare(rows, known, given)
    written = (*new, *changed)
    _upsert(Run, [Run(course_id=courses[row.course_key], **_values(row)) for row in written], given)
    touched = {row.course_key for row in written} | {known[row.key].course_key for row in changed}
    _tell(touched, on_change)
    return ImportResult(len(new), len(changed), len(rows) - len(written), refused, touched)


def _unknown_course(row: RunRow) -> RowFault:
    return RowFault(row.line, row.course_key, "unknown_course", "The course of this run is not in the catalog.")


def _compare(rows: list[R], known: Mapping[str, Course | Run], given: Collection[str]) -> tuple[list[R], list[R]]:
    """Return the rows that are not in the table, and those that differ from it in a field that was given."""
    new = [row for row in rows if row.key not in known]
    changed = [row for row in rows if row.key in known and _differs(row, known[row.key], given)]
    return new, changed


def _differs(row: CourseRow | RunRow, record: Course | Run, names: Iterable[str]) -> bool:
    return any(getattr(row, name) != getattr(record, name) for name in names)


def _values(row: CourseRow | RunRow) -> dict[str, Any]:
    """Return the fields of the row that are columns of the table under the same name."""
    values = asdict(row)
    return {name: value for name, value in values.items() if name not in {"line", "course_key"}}


def _upsert(model: type[M], records: Iterable[M], given: Collection[str]) -> None:
    """Insert the records, or write the given fields of those whose key exists, also if it has appeared meanwhile."""
    columns: set[str] = {"course" if name == "course_key" else name for name in given} - {"key"}
    model.objects.bulk_create(
        sorted(records, key=attrgetter("key")),  # one order for all, so that two imports cannot lock each other out
        update_conflicts=True,
        update_fields=[*sorted(columns), "modified"],
        unique_fields=["key"] if connection.features.supports_update_conflicts_with_target else None,
    )


def _tell(keys: set[str], on_change: OnChange | None) -> None:
    if keys and on_change is not None:
        on_change(keys)


@writes
def _set_active(keys: set[str], active: bool, on_change: OnChange | None) -> set[str]:
    usable = {key for key in keys if is_key(key)}
    courses = Course.objects.filter(key__in=usable)
    known = set(courses.values_list("key", flat=True))
    runs = Run.objects.filter(key__in=usable - known)
    if unknown := keys - known - set(runs.values_list("key", flat=True)):
        message = "There is no such course or run in the catalog."
        raise NotFound(message, code="unknown_content", keys=sorted(unknown))
    changing = runs.exclude(active=active)
    touched = set(courses.exclude(active=active).values_list("key", flat=True))
    touched.update(changing.values_list("course__key", flat=True))
    courses.exclude(active=active).update(active=active, modified=clock.now())
    changing.update(active=active, modified=clock.now())
    _tell(touched, on_change)
    return touched


@writes
def _insert_catalog(catalog: Catalog) -> Catalog:
    catalog.save(force_insert=True)
    return catalog


@writes
def _update_catalog(uuid: UUID, changes: Mapping[str, Any]) -> Catalog:
    catalog = Catalog.objects.select_for_update().filter(pk=uuid).first()
    if catalog is None:
        raise NotFound("There is no such catalog.", code="unknown_catalog")
    kept = LISTS_OF_RULE.get(changes.get("rule", catalog.rule), ())
    _apply(catalog, {name: () for name in LISTS if name not in kept} | dict(changes))
    catalog.save()
    return catalog


def _apply(catalog: Catalog, values: Mapping[str, Any]) -> None:
    """Set the values, in clean form, and refuse what makes no catalog."""
    for name, value in values.items():
        setattr(catalog, name, _words(name, value) if name in LISTS else value)
    catalog.title = one_line(catalog.title)
    if not catalog.title:
        raise BadInput("A catalog needs a title.", code="missing_title")
    if len(catalog.title) > TEXT_LENGTH:
        raise BadInput(f"The title has more than {TEXT_LENGTH} characters.", code="too_long")
    _check_rule(catalog)


def _check_rule(catalog: Catalog) -> None:
    """Refuse lists that the rule would not look at, and a rule of lists without any: it would offer all or nothing."""
    used = LISTS_OF_RULE.get(catalog.rule)
    if used is None:
        raise BadInput(f"A catalog's rule is one of {', '.join(LISTS_OF_RULE)}.", code="invalid_rule")
    if unused := [name for name in LISTS if name not in used and getattr(catalog, name)]:
        raise BadInput(f"The rule {catalog.rule} has no use for {' and '.join(unused)}.", code="invalid_rule")
    if used and not any(getattr(catalog, name) for name in used):
        raise BadInput(f"The rule {catalog.rule} needs {' or '.join(used)}.", code="invalid_rule")


def _words(name: str, given: Iterable[str]) -> list[str]:
    """Return the list without repetitions; only keys are checked for being such."""
    words = list(dict.fromkeys(one_line(word) for word in given))
    if len(words) > LIST_LIMIT:
        raise BadInput(f"A catalog lists at most {LIST_LIMIT} {name}.", code="too_many", limit=LIST_LIMIT)
    if name == "keys" and not all(is_key(word) for word in words):
        raise BadInput("A key is missing, too long, or has blanks in it.", code="invalid_key")
    return [word for word in words if word]


def _title_taken() -> Refused:
    return Refused("There is a catalog of this title already.", code="catalog_exists")
