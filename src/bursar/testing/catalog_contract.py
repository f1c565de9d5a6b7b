"""What every catalog must answer: tests to inherit for any implementation of the port."""
# ruff: noqa: D102 - the name of a test is its sentence

from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

from bursar.ports.catalog import CatalogPort, Content
from bursar.testing.fake_catalog import course, run

MAY: Final = datetime(2027, 5, 1, tzinfo=UTC)
JUNE: Final = datetime(2027, 6, 1, 9, 30, tzinfo=UTC)
LISTED: Final = UUID(int=1)
OF_RUN: Final = UUID(int=2)
NOWHERE: Final = UUID(int=3)

SUMMER: Final = run("course-v1:DemoX+D101+summer", start=JUNE, end=None, enroll_by=MAY)
SPRING: Final = run("course-v1:DemoX+D101+spring", start=MAY, end=JUNE)
OPEN: Final = run("course-v1:DemoX+D101+open")
CLOSED: Final = run("course-v1:DemoX+D101+closed", active=False)

DEMO: Final = course("DemoX+D101", title="Über Geld", runs=(SPRING, SUMMER, CLOSED, OPEN))
FREE: Final = course("DemoX+F1", price_cents=0, course_type="executive-education-2u")
UNPRICED: Final = course("DemoX+U1", price_cents=None, currency="EUR")
GONE: Final = course("DemoX+G1", active=False, runs=(run("course-v1:DemoX+G1+1", "DemoX+G1"),))
NO_KEYS: Final = ("", " ", "a\0b", "\ud800", "x" * 1000)
ALL: Final = (DEMO, FREE, UNPRICED, GONE)


class CatalogContract(ABC):
    """Inherit it as a test class, and say how the implementation comes to hold what the tests ask for."""

    @abstractmethod
    def holding(self, contents: Sequence[Content], catalogs: Mapping[UUID, Collection[str]]) -> CatalogPort:
        """Return the catalog with these courses (their runs with them) and these named lists of keys."""

    def catalog(self) -> CatalogPort:
        """Return the catalog that all tests here ask."""
        catalogs = {LISTED: {DEMO.key, GONE.key, "DemoX+NONE"}, OF_RUN: {SPRING.key, CLOSED.key, GONE.runs[0].key}}
        return self.holding(ALL, catalogs)

    def test_a_course_is_described_with_all_its_runs_by_start_and_key(self) -> None:
        found = self.catalog().describe_many([DEMO.key])[DEMO.key]
        assert found == replace(DEMO, runs=(SPRING, SUMMER, CLOSED, OPEN))
        assert found.run is None

    def test_a_run_is_described_as_its_course_with_the_run_asked_for(self) -> None:
        found = self.catalog().describe_many([SUMMER.key])[SUMMER.key]
        assert found == replace(DEMO, key=SUMMER.key, run=SUMMER)
        assert found.course_key == DEMO.key

    def test_a_course_and_two_of_its_runs_are_described_in_one_call(self) -> None:
        found = self.catalog().describe_many([SUMMER.key, DEMO.key, SPRING.key])
        assert {key: content.run for key, content in found.items()} == {
            DEMO.key: None,
            SUMMER.key: SUMMER,
            SPRING.key: SPRING,
        }

    def test_no_price_is_not_the_price_of_nothing(self) -> None:
        found = self.catalog().describe_many([FREE.key, UNPRICED.key])
        assert found[FREE.key].price_cents == 0
        assert found[UNPRICED.key].price_cents is None
        assert found[UNPRICED.key].currency == "EUR"

    def test_what_is_inactive_is_described_as_inactive(self) -> None:
        found = self.catalog().describe_many([GONE.key, GONE.runs[0].key, CLOSED.key, OPEN.key])
        assert {key: content.active for key, content in found.items()} == {
            GONE.key: False,
            GONE.runs[0].key: False,
            CLOSED.key: False,
            OPEN.key: True,
        }

    def test_an_unknown_key_is_left_out(self) -> None:
        found = self.catalog().describe_many(["DemoX+NONE", *NO_KEYS, DEMO.key])
        assert set(found) == {DEMO.key}

    def test_keys_compare_exactly(self) -> None:
        asked = [DEMO.key.upper(), f" {DEMO.key}", SPRING.key.upper()]
        catalog = self.catalog()
        assert catalog.describe_many(asked) == {}
        assert catalog.contains_many(None, asked) == set()

    def test_asking_for_nothing_answers_nothing(self) -> None:
        catalog = self.catalog()
        assert catalog.describe_many([]) == {}
        assert catalog.contains_many(None, []) == set()

    def test_without_a_catalog_every_active_course_and_run_is_offered(self) -> None:
        asked = {DEMO.key, FREE.key, GONE.key, SPRING.key, CLOSED.key, GONE.runs[0].key, "DemoX+NONE", *NO_KEYS}
        assert self.catalog().contains_many(None, asked) == {DEMO.key, FREE.key, SPRING.key}

    def test_a_catalog_offers_the_courses_it_lists_and_their_runs(self) -> None:
        asked = {DEMO.key, FREE.key, GONE.key, SPRING.key, CLOSED.key, "DemoX+NONE"}
        assert self.catalog().contains_many(LISTED, asked) == {DEMO.key, SPRING.key}

    def test_a_catalog_that_lists_a_run_offers_neither_its_course_nor_the_others(self) -> None:
        asked = {DEMO.key, SPRING.key, SUMMER.key, CLOSED.key, GONE.key, GONE.runs[0].key}
        assert self.catalog().contains_many(OF_RUN, asked) == {SPRING.key}

    def test_a_catalog_that_does_not_exist_offers_nothing(self) -> None:
        assert self.catalog().contains_many(NOWHERE, [DEMO.key]) == set()
