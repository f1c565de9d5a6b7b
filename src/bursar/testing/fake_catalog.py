"""A catalog in memory, for tests of what asks one; it counts its calls and can fail on demand."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from uuid import UUID

from bursar.ports.catalog import Content, Run, run_order


class FakeCatalog:
    """A `CatalogPort` of what it was given: courses with their runs, and the keys that each named catalog lists.

    `calls` holds the name and the keys of every call; while `error` is set, every call raises it.
    """

    def __init__(
        self, contents: Iterable[Content] = (), catalogs: Mapping[UUID, Collection[str]] | None = None
    ) -> None:
        self.courses: dict[str, Content] = {}
        self.catalogs: dict[UUID, set[str]] = {uuid: set(keys) for uuid, keys in (catalogs or {}).items()}
        self.calls: list[tuple[str, frozenset[str]]] = []
        self.error: Exception | None = None
        for content in contents:
            self.put(content)

    def put(self, content: Content) -> None:
        """Add a course with its runs, or put it in the place of the one with the same course key."""
        runs = tuple(sorted(content.runs, key=run_order))
        self.courses[content.course_key] = replace(content, key=content.course_key, runs=runs, run=None)

    def describe_many(self, keys: Collection[str]) -> dict[str, Content]:
        """Return what is known of each key, by key; unknown ones are left out."""
        self._called("describe_many", keys)
        found = {key: self._describe(key) for key in keys}
        return {key: content for key, content in found.items() if content is not None}

    def contains_many(self, catalog: UUID | None, keys: Collection[str]) -> set[str]:
        """Return the keys (course or run) that the catalog offers; None stands for all active courses."""
        self._called("contains_many", keys)
        listed = None if catalog is None else self.catalogs.get(catalog, set())
        return {key for key in keys if self._offers(listed, key)}

    def _called(self, name: str, keys: Collection[str]) -> None:
        self.calls.append((name, frozenset(keys)))
        if self.error is not None:
            raise self.error

    def _describe(self, key: str) -> Content | None:
        if key in self.courses:
            return self.courses[key]
        for course in self.courses.values():
            for run in course.runs:
                if run.key == key:
                    return replace(course, key=key, run=run, active=course.active and run.active)
        return None

    def _offers(self, listed: Collection[str] | None, key: str) -> bool:
        content = self._describe(key)
        if content is None or not content.active:
            return False
        return listed is None or bool({key, content.course_key}.intersection(listed))


def course(key: str = "DemoX+D101", **given: object) -> Content:
    """Return an active course of 49 dollars without runs, but for what is given."""
    plain = Content(
        key=key,
        course_key=key,
        title=f"Course {key}",
        partner="DemoX",
        price_cents=4900,
        currency="USD",
        course_type="verified-audit",
        active=True,
        runs=(),
        run=None,
    )
    return replace(plain, **given)  # type: ignore[arg-type]


def run(key: str, course_key: str = "DemoX+D101", **given: object) -> Run:
    """Return an active run without any date, but for what is given."""
    return replace(Run(key, course_key, None, None, None), **given)  # type: ignore[arg-type]
