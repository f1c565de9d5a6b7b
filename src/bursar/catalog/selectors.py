"""What can be asked of the catalog: lists of courses, a course or catalog by name, what a catalog offers."""

from collections.abc import Collection, Iterator
from typing import Final
from uuid import UUID

from django.db.models import Case, Prefetch, Q, QuerySet, Value, When

from bursar.catalog.files import is_key
from bursar.catalog.models import Catalog, CatalogRule, Course, Run
from bursar.kernel.batching import chunks
from bursar.kernel.errors import NotFound
from bursar.kernel.lookup import find_one

LOOKUP_SIZE: Final = 5000
"""Keys per look-up: a statement takes 32,766 parameters on SQLite, and a catalog of 10,000 keys joins in."""


def courses(
    *,
    search: str = "",
    partner: str = "",
    subject: str = "",
    catalog: Catalog | None = None,
    active: bool | None = None,
) -> QuerySet[Course]:
    """Return courses by key with their runs: two statements when walked.

    `search` is looked for in key and title, without regard to capitals; `partner` and `subject` compare exactly;
    with a `catalog`, only what it offers by course.
    """
    found = Course.objects.order_by("key").prefetch_related(Prefetch("runs", Run.objects.order_by("start", "key")))
    if not all(text.isprintable() for text in (search, partner, subject)):
        return found.none()
    if search:
        found = found.filter(Q(key__icontains=search) | Q(title__icontains=search))
    exact: dict[str, str | bool | None] = {"partner": partner or None, "subject": subject or None, "active": active}
    found = found.filter(**{name: value for name, value in exact.items() if value is not None})
    return found if catalog is None else found.filter(_offered(catalog))


def find_course(key: str) -> Course:
    """Return the course with this key, else the course of the run with this key, with its runs.

    Raises `NotFound` (`unknown_content`).
    """
    if is_key(key):
        for condition in (Q(key=key), Q(runs__key=key)):
            if (course := courses().filter(condition).first()) is not None:
                return course
    raise NotFound("There is no such course or run in the catalog.", code="unknown_content")


def find_catalog(ref: str | UUID, *, customer_uuid: UUID | None = None) -> Catalog:
    """Return the catalog with this uuid or title; for a customer, of its own and the shared ones only.

    Raises `NotFound`, or `Refused` (`ambiguous_name`) when several have the title.
    """
    found = Catalog.objects.all()
    if customer_uuid is not None:
        found = found.filter(Q(customer_uuid=customer_uuid) | Q(customer_uuid=None))
    if isinstance(ref, str) and not ref.isprintable():  # which a database may not even take as a parameter
        found = found.none()
    return find_one(found, ref, name="title")


def offered_keys(catalog_uuid: UUID | None, keys: Collection[str]) -> set[str]:
    """Return the keys (course or run) that a catalog offers; None stands for every active course.

    At most three statements per 5,000 keys. Unknown keys and catalogs offer nothing.
    """
    catalog = None if catalog_uuid is None else Catalog.objects.filter(pk=catalog_uuid).first()
    if catalog_uuid is not None and catalog is None:
        return set()
    return {key for part in usable(keys) for key in _offered_among(part, catalog)}


def usable(keys: Collection[str]) -> Iterator[Collection[str]]:
    """Cut what can be keys at all into parts that one statement takes, each key once."""
    return chunks(sorted({key for key in keys if is_key(key)}), LOOKUP_SIZE)


def _offered_among(keys: Collection[str], catalog: Catalog | None) -> set[str]:
    rule = Case(When(_offered(catalog), then=Value(1)), default=Value(0))
    known = dict(Course.objects.filter(key__in=keys).annotate(offered=rule).values_list("key", "offered"))
    offered = {key for key, fits in known.items() if fits}
    if runs := set(keys) - known.keys():
        condition = _offered_run(catalog) & Q(key__in=runs)
        offered.update(Run.objects.filter(condition).values_list("key", flat=True))
    return offered


def _offered(catalog: Catalog | None, course: str = "") -> Q:
    """Return the condition for a course to be offered; `course` leads to it, such as "course__" from a run."""
    conditions: dict[str, object] = {"active": True}
    if catalog is not None and catalog.rule == CatalogRule.KEYS:
        conditions["key__in"] = catalog.keys
    elif catalog is not None and catalog.rule == CatalogRule.QUERY:
        conditions |= {"partner__in": catalog.partners} if catalog.partners else {}
        conditions |= {"subject__in": catalog.subjects} if catalog.subjects else {}
    return Q(**{course + name: value for name, value in conditions.items()})


def _offered_run(catalog: Catalog | None) -> Q:
    by_course = _offered(catalog, "course__")
    if catalog is not None and catalog.rule == CatalogRule.KEYS:
        by_course |= Q(course__active=True, key__in=catalog.keys)
    return by_course & Q(active=True)
