"""The catalog port over our own tables of courses and runs."""

from collections import defaultdict
from collections.abc import Collection, Iterable
from uuid import UUID

from bursar.catalog import selectors
from bursar.catalog.models import Course, Run
from bursar.ports import catalog as port


class TableCatalog:
    """Answers from the tables that `catalog.services` fills; two statements per 5,000 keys described."""

    def describe_many(self, keys: Collection[str]) -> dict[str, port.Content]:
        """Return what is known of each key, by key; unknown ones are left out."""
        found: dict[str, port.Content] = {}
        for part in selectors.usable(keys):
            found.update(_describe(part))
        return found

    def contains_many(self, catalog: UUID | None, keys: Collection[str]) -> set[str]:
        """Return the keys (course or run) that the catalog offers; None stands for all active courses."""
        return selectors.offered_keys(catalog, keys)


def _describe(keys: Collection[str]) -> dict[str, port.Content]:
    by_key = Course.objects.filter(key__in=keys).values("pk")
    by_run = Run.objects.filter(key__in=keys).values("course_id")
    courses = {course.pk: course for course in Course.objects.filter(pk__in=by_key.union(by_run))}
    runs = _runs(courses)
    course_of = {run.key: courses[pk] for pk, mine in runs.items() for run in mine}
    course_of |= {course.key: course for course in courses.values()}
    return {key: _content(key, course_of[key], runs[course_of[key].pk]) for key in keys if key in course_of}


def _runs(courses: Collection[int]) -> dict[int, list[Run]]:
    by_course: dict[int, list[Run]] = defaultdict(list)
    for run in Run.objects.filter(course_id__in=courses):
        by_course[run.course_id].append(run)
    return by_course


def _content(key: str, course: Course, runs: Iterable[Run]) -> port.Content:
    described = sorted((_run(run, course.key) for run in runs), key=port.run_order)
    asked = next((run for run in described if run.key == key), None) if key != course.key else None
    return port.Content(
        key=key,
        course_key=course.key,
        title=course.title,
        partner=course.partner,
        price_cents=course.price_cents,
        currency=course.currency,
        course_type=course.course_type,
        active=course.active and (asked is None or asked.active),
        runs=tuple(described),
        run=asked,
    )


def _run(run: Run, course_key: str) -> port.Run:
    return port.Run(
        key=run.key,
        course_key=course_key,
        start=run.start,
        end=run.end,
        enroll_by=run.enroll_by,
        active=run.active,
    )
