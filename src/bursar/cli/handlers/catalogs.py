"""The catalog from the command line: files of courses and runs, lists, named catalogs."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from rich.table import Table

from bursar.assignments import flows
from bursar.catalog import services
from bursar.catalog.files import COURSE_OPTIONAL, COURSE_REQUIRED, RUN_OPTIONAL, RUN_REQUIRED, read_courses, read_runs
from bursar.catalog.models import Catalog, CatalogRule, Course
from bursar.catalog.selectors import courses, find_catalog, find_course
from bursar.catalog.services import ImportResult
from bursar.cli.failures import BAD_INPUT, DONE
from bursar.cli.handlers.shapes import catalog_shape, course_shape
from bursar.cli.output import Answer, Part, facts, heading, progress, steps_of, table
from bursar.cli.values import date_text, money
from bursar.kernel.errors import BadInput
from bursar.kernel.tables import RowFault, open_table
from bursar.people.selectors import find_customer

KINDS: Final = {"courses": (COURSE_REQUIRED, read_courses), "runs": (RUN_REQUIRED, read_runs)}
COLUMNS: Final = frozenset({*COURSE_REQUIRED, *COURSE_OPTIONAL, *RUN_REQUIRED, *RUN_OPTIONAL})


@dataclass(frozen=True, slots=True)
class Found:
    """A file that passed every check of the whole file: what it holds, and how many rows."""

    path: Path
    kind: str
    rows: int


def import_files(paths: Sequence[Path], *, encoding: str | None) -> Answer:
    """Take files of courses and of runs into the catalog, courses first; a fault of any whole file stops all of them."""
    files = sorted((_look_at(path, encoding) for path in paths), key=lambda found: found.kind)
    done = [(found, *_import(found, encoding)) for found in files]
    data = [
        {"file": str(found.path), "kind": found.kind, **_counts(result), "rescheduled": moved, "refused": refused_shapes(result.refused)}
        for found, result, moved in done
    ]  # fmt: skip
    parts: list[Part] = []
    for found, result, moved in done:
        parts.append(f"{found.path}: {_in_words(found.kind, result, moved)}")
        if result.refused:
            parts.append(refused_table(result.refused))
    taken = sum(sum(_counts(result).values()) for _, result, _ in done)
    refused = any(result.refused for _, result, _ in done)
    return Answer({"files": data}, parts, code=BAD_INPUT if refused and not taken else DONE)


def list_courses(*, search: str, catalog: str | None, limit: int, page: int) -> Answer:
    """Name courses, by key."""
    offered = find_catalog(catalog) if catalog else None
    start = (page - 1) * limit
    found = list(courses(search=search, catalog=offered)[start : start + limit + 1])
    rows, more = found[:limit], len(found) > limit
    shown = (
        course_table(rows)
        if rows
        else "No course fits."
        if search or page > 1
        else "The catalog is empty: bursar catalog import FILE"
    )
    data = {"courses": [course_shape(row) for row in rows], "page": page, "more": more}
    return Answer(data, (shown, f"More follow: --page {page + 1}") if more else (shown,))


def list_catalogs() -> Answer:
    """Name the named catalogs."""
    rows = list(Catalog.objects.order_by("title", "uuid"))
    shown = table(
        ("Title", "Offers", "Whose", "Uuid"),
        [(row.title, _rule(row), row.customer_uuid or "everybody's", row.pk) for row in rows],
    )
    return Answer(
        {"catalogs": [catalog_shape(row) for row in rows]}, (shown if rows else "There is no named catalog.",)
    )


def show(key: str) -> Answer:
    """Tell what is known of a course and its runs."""
    row = find_course(key)
    return Answer(course_shape(row), (_facts(row), heading("Runs"), _runs(row) if row.runs.all() else "None."))


def create(
    title: str, *, customer: str | None, keys: Sequence[str], partners: Sequence[str], subjects: Sequence[str]
) -> Answer:
    """Make a named catalog."""
    rule = CatalogRule.KEYS if keys else CatalogRule.QUERY if partners or subjects else CatalogRule.ALL
    row = services.create_catalog(
        title,
        customer_uuid=find_customer(customer, None).pk if customer else None,
        rule=rule,
        keys=keys,
        partners=partners,
        subjects=subjects,
    )
    offered = courses(catalog=row).count()
    said = facts((("Catalog", row.title), ("Offers", _rule(row)), ("Courses known now", offered), ("Uuid", row.pk)))
    return Answer(catalog_shape(row) | {"courses": offered}, (said,))


def course_table(rows: Sequence[Course]) -> Table:
    """Return courses as a table."""
    return table(
        ("Key", "Title", "Partner", "Price", "Runs"),
        [(row.key, row.title, row.partner, _price(row), len(row.runs.all())) for row in rows],
        right=("Price", "Runs"),
    )


def refused_shapes(faults: Sequence[RowFault]) -> list[dict[str, Any]]:
    """Return refused rows as JSON."""
    return [{"line": item.line, "input": item.input, "code": item.code, "message": item.message} for item in faults]


def refused_table(faults: Sequence[RowFault]) -> Table:
    """Return refused rows as a table."""
    rows = [(item.line, item.input, f"{item.message} ({item.code})") for item in faults]
    return table(("Line", "Given", "Refused because"), rows, right=("Line",))


def _look_at(path: Path, encoding: str | None) -> Found:
    """Tell by its header what a file holds, and find every fault of the whole file before anything is written."""
    try:
        return _look_into(path, encoding)
    except BadInput as error:  # of several files, the one with the fault must be named
        raise type(error)(f"{path}: {error.message}", code=error.code, **error.facts, file=str(path)) from error


def _look_into(path: Path, encoding: str | None) -> Found:
    every = open_table(path, encoding=encoding, required={}, optional=dict.fromkeys(sorted(COLUMNS), ()))
    named = {name for name in every.columns if name is not None}
    kind = max(KINDS, key=lambda name: len(named.intersection(KINDS[name][0])))
    KINDS[kind][1](path, encoding=encoding)
    return Found(path, kind, len(every))


def _import(found: Found, encoding: str | None) -> tuple[ImportResult, int]:
    with progress(f"Importing {found.kind}", found.rows) as advance:
        return flows.import_catalog(found.kind, found.path, encoding=encoding, progress=steps_of(advance))


def _counts(result: ImportResult) -> dict[str, int]:
    return {"created": result.created, "updated": result.updated, "unchanged": result.unchanged}


def _in_words(kind: str, result: ImportResult, moved: int) -> str:
    said = f"{kind}: {result.created} new, {result.updated} changed, {result.unchanged} unchanged, {len(result.refused)} refused."
    return f"{said} The expiry of {moved} open assignments moved." if moved else said


def _price(row: Course) -> str:
    return "unknown" if row.price_cents is None else money(row.price_cents, row.currency)


def _rule(row: Catalog) -> str:
    if row.rule == CatalogRule.KEYS:
        return f"{len(row.keys)} listed keys"
    parts = [("partner", row.partners), ("subject", row.subjects)]
    return " and ".join(f"{name} {', '.join(words)}" for name, words in parts if words) or "every course"


def _facts(row: Course) -> Part:
    return facts((
        ("Course", row.title),
        ("Key", row.key),
        ("Partner", row.partner or None),
        ("Price", _price(row)),
        ("Pacing, weeks", f"{row.pacing or 'unknown'}, {row.weeks or 'unknown'}"),
        ("Level, subject", f"{row.level or 'unknown'}, {row.subject or 'unknown'}"),
        ("Type", row.course_type or None),
        ("Address", row.url or None),
        ("On offer", "yes" if row.active else "no"),
    ))  # fmt: skip


def _runs(row: Course) -> Table:
    return table(
        ("Key", "Starts", "Ends", "Enrol by", ""),
        [
            (
                run.key,
                date_text(run.start, otherwise="unknown"),
                date_text(run.end, otherwise="unknown"),
                date_text(run.enroll_by, otherwise="no limit"),
                "" if run.active else "withdrawn",
            )
            for run in row.runs.all()
        ],
    )
