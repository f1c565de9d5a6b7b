"""Named catalogs: how they are made and found, what they offer, and the port over the tables."""

from collections.abc import Collection, Mapping, Sequence
from uuid import UUID, uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from bursar.adapters.catalog_table import TableCatalog
from bursar.catalog import selectors, services
from bursar.catalog.models import Catalog, Course, Run
from bursar.kernel.backends import backend
from bursar.kernel.errors import BadInput, NotFound, Refused
from bursar.ports.catalog import CatalogPort, Content
from bursar.testing.catalog_contract import CatalogContract

pytestmark = pytest.mark.django_db


@pytest.fixture
def three():
    """Three courses of two partners, the first with two runs, the second with one."""
    for key, partner, subject, runs in (
        ("D+1", "DX", "Law", ("R+1", "R+2")),
        ("D+2", "DX", "Art", ("R+3",)),
        ("E+3", "EX", "Art", ()),
    ):
        course = Course.objects.create(key=key, title=key, partner=partner, subject=subject)
        Run.objects.bulk_create(Run(key=run, course=course) for run in runs)


class TestCatalogs:
    OWNER = UUID(int=7)

    def test_a_catalog_is_found_by_its_uuid_and_by_its_title(self):
        made = services.create_catalog("Everything", customer_uuid=self.OWNER)
        for ref in (made.uuid, str(made.uuid), "Everything"):
            assert selectors.find_catalog(ref) == made

    @pytest.mark.parametrize("ref", ["everything", "", "a\0b", "\ud800", uuid4(), str(uuid4())])
    def test_another_name_finds_no_catalog(self, ref):
        services.create_catalog("Everything")
        with pytest.raises(NotFound):
            selectors.find_catalog(ref)

    def test_a_customer_finds_its_own_and_the_shared_catalogs_only(self):
        own = services.create_catalog("Own", customer_uuid=self.OWNER)
        shared = services.create_catalog("Shared")
        foreign = services.create_catalog("Foreign", customer_uuid=uuid4())
        assert selectors.find_catalog("Own", customer_uuid=self.OWNER) == own
        assert selectors.find_catalog(shared.uuid, customer_uuid=self.OWNER) == shared
        for ref in ("Foreign", foreign.uuid):
            with pytest.raises(NotFound):
                selectors.find_catalog(ref, customer_uuid=self.OWNER)

    def test_a_title_that_several_have_names_none(self):
        services.create_catalog("Same", customer_uuid=self.OWNER)
        services.create_catalog("Same")
        with pytest.raises(Refused) as caught:
            selectors.find_catalog("Same")
        assert caught.value.code == "ambiguous_name"

    @pytest.mark.parametrize("owner", [None, OWNER])
    def test_a_title_is_taken_once_per_owner(self, owner):
        services.create_catalog("Same", customer_uuid=owner)
        other = services.create_catalog("Other", customer_uuid=owner)
        for call in (
            lambda: services.create_catalog(" Same ", customer_uuid=owner),
            lambda: services.update_catalog(other.uuid, title="Same"),
        ):
            with pytest.raises(Refused) as caught:
                call()
            assert caught.value.code == "catalog_exists"

    @pytest.mark.parametrize(
        ("given", "code"),
        [
            ({"title": " \n "}, "missing_title"),
            ({"title": "t" * 256}, "too_long"),
            ({"rule": "some"}, "invalid_rule"),
            ({"rule": "keys"}, "invalid_rule"),
            ({"rule": "query"}, "invalid_rule"),
            ({"rule": "query", "partners": [" "]}, "invalid_rule"),
            ({"keys": ["D+1"]}, "invalid_rule"),
            ({"rule": "keys", "keys": ["D+1"], "subjects": ["Law"]}, "invalid_rule"),
            ({"rule": "keys", "keys": ["D 1"]}, "invalid_key"),
            ({"rule": "keys", "keys": [""]}, "invalid_key"),
            ({"rule": "keys", "keys": [f"D+{number}" for number in range(10_001)]}, "too_many"),
        ],
    )
    def test_what_makes_no_catalog_is_refused(self, given, code):
        with pytest.raises(BadInput) as caught:
            services.create_catalog(**{"title": "New"} | given)
        assert caught.value.code == code
        assert not Catalog.objects.exists()

    def test_a_catalog_keeps_what_an_update_does_not_give(self):
        made = services.create_catalog("Law", rule="query", partners=["DX"], subjects=["Law", " Law "])
        services.update_catalog(made.uuid, partners=["EX"])
        made.refresh_from_db()
        assert (made.title, made.rule, made.partners, made.subjects) == ("Law", "query", ["EX"], ["Law"])

    def test_a_new_rule_empties_the_lists_it_has_no_use_for(self):
        made = services.create_catalog("Law", rule="query", partners=["DX"], subjects=["Law"])
        changed = services.update_catalog(made.uuid, rule="keys", keys=iter(["D+1"]))
        assert (changed.keys, changed.partners, changed.subjects) == (["D+1"], [], [])
        assert services.update_catalog(made.uuid, rule="all").keys == []

    def test_a_refused_update_changes_nothing(self):
        made = services.create_catalog("Law", rule="keys", keys=["D+1"])
        for given in ({"rule": "query"}, {"keys": []}, {"partners": ["DX"]}, {"rule": "some", "title": "New"}):
            with pytest.raises(BadInput):
                services.update_catalog(made.uuid, **given)
        assert Catalog.objects.values_list("title", "rule", "keys").get() == ("Law", "keys", ["D+1"])

    def test_an_unknown_catalog_cannot_be_updated(self):
        with pytest.raises(NotFound):
            services.update_catalog(uuid4(), title="New")

    @pytest.mark.parametrize(
        ("given", "offered"),
        [
            ({}, {"D+1", "D+2", "E+3", "R+1", "R+2", "R+3"}),
            ({"rule": "query", "partners": ["DX"]}, {"D+1", "D+2", "R+1", "R+2", "R+3"}),
            ({"rule": "query", "subjects": ["Art"]}, {"D+2", "E+3", "R+3"}),
            ({"rule": "query", "partners": ["DX", "EX"], "subjects": ["Law"]}, {"D+1", "R+1", "R+2"}),
            ({"rule": "query", "partners": ["dx"]}, set()),
            ({"rule": "keys", "keys": ["E+3", "R+2"]}, {"E+3", "R+2"}),
        ],
    )
    def test_a_rule_offers_courses_and_their_runs(self, three, given, offered):
        made = services.create_catalog("Named", **given)
        asked = ["D+1", "D+2", "E+3", "R+1", "R+2", "R+3"]
        assert selectors.offered_keys(made.uuid, asked) == offered
        courses = selectors.courses(catalog=made)
        assert [course.key for course in courses] == sorted(offered & {"D+1", "D+2", "E+3"})

    def test_a_key_of_both_a_course_and_a_run_is_the_course(self, three):
        Run.objects.create(key="D+2", course=Course.objects.get(key="D+1"))
        assert TableCatalog().describe_many(["D+2"])["D+2"].course_key == "D+2"
        listed = services.create_catalog("Named", rule="keys", keys=["D+1"])
        assert selectors.offered_keys(listed.uuid, ["D+2"]) == set()


class TestTableCatalog(CatalogContract):
    def holding(self, contents: Sequence[Content], catalogs: Mapping[UUID, Collection[str]]) -> CatalogPort:
        names = ("key", "title", "partner", "price_cents", "currency", "course_type", "active")
        for content in contents:
            course = Course.objects.create(**{name: getattr(content, name) for name in names})
            for run in content.runs:
                dates = {"start": run.start, "end": run.end, "enroll_by": run.enroll_by}
                Run.objects.create(key=run.key, course=course, active=run.active, **dates)
        for uuid, keys in catalogs.items():
            Catalog.objects.create(uuid=uuid, title=str(uuid), rule="keys", keys=sorted(keys))
        return TableCatalog()

    def test_it_is_what_the_settings_name(self):
        assert isinstance(backend("catalog_port"), TableCatalog)

    @pytest.mark.parametrize("number", [1, 50, 2000])
    def test_looking_up_costs_the_same_for_one_key_and_for_many(self, number):
        Course.objects.bulk_create(Course(key=f"D+{place}", title="Title", partner="DX") for place in range(number))
        courses = Course.objects.all()
        Run.objects.bulk_create(Run(key=f"R{course.key}", course=course) for course in courses)
        keys = {f"D+{place}" for place in range(number)} | {f"RD+{place}" for place in range(number)}
        named = services.create_catalog("DX", rule="query", partners=["DX"])
        assert statements(lambda: TableCatalog().describe_many(keys)) == 2
        assert statements(lambda: TableCatalog().contains_many(None, keys)) == 2
        assert statements(lambda: TableCatalog().contains_many(named.uuid, keys)) == 3
        assert set(TableCatalog().describe_many(keys)) == TableCatalog().contains_many(named.uuid, keys) == keys

    def test_more_keys_than_a_statement_takes_are_asked_in_parts(self, monkeypatch):
        monkeypatch.setattr(selectors, "LOOKUP_SIZE", 2)
        keys = {f"D+{place}" for place in range(5)}
        Course.objects.bulk_create(Course(key=key, title="Title") for key in keys)
        assert TableCatalog().contains_many(None, keys) == set(TableCatalog().describe_many(keys)) == keys


def statements(call) -> int:
    with CaptureQueriesContext(connection) as queries:
        call()
    return len(queries)
