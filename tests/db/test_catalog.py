"""Courses and runs: imports that can be repeated, what the tables refuse, and the lists of them."""

import io
import math
from datetime import UTC, datetime, timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from bursar.adapters.catalog_table import TableCatalog
from bursar.catalog import selectors, services
from bursar.catalog.models import Course, Run
from bursar.kernel import clock
from bursar.kernel.errors import BadInput, NotFound, Refused

pytestmark = pytest.mark.django_db

HEADER = "key,title,partner,price_usd,weeks,subject"
NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


def import_courses(*rows: str, header: str = HEADER, **options) -> services.ImportResult:
    return services.import_courses(io.BytesIO("\n".join([header, *rows]).encode()), **options)


def import_runs(*rows: str, header: str = "run_key,course_key,start,end,enroll_by", **options) -> services.ImportResult:
    return services.import_runs(io.BytesIO("\n".join([header, *rows]).encode()), **options)


def counts(result: services.ImportResult) -> tuple[int, int, int, int]:
    return result.created, result.updated, result.unchanged, len(result.refused)


@pytest.fixture
def three():
    """Three courses of two partners, the first with two runs, the second with one."""
    import_courses("D+1,One,DX,49.00,4,Law", "D+2,Two,DX,0,,Art", "E+3,Three,EX,,,Art")
    import_runs(
        "R+1,D+1,2026-12-01T00:00:00Z,2027-02-01T00:00:00Z,2027-01-01T00:00:00Z",
        "R+2,D+1,2027-03-01T00:00:00Z,,",
        "R+3,D+2,,,",
    )


class TestImport:
    def test_what_is_new_is_made(self, three):
        course = Course.objects.get(key="D+1")
        assert (course.title, course.partner, course.price_cents, course.currency) == ("One", "DX", 4900, "USD")
        assert (course.weeks, course.subject, course.active) == (4, "Law", True)
        assert Course.objects.get(key="D+2").price_cents == 0
        assert Course.objects.get(key="E+3").price_cents is None
        run = Run.objects.get(key="R+1")
        assert (run.course_key, run.enroll_by, run.active) == ("D+1", datetime(2027, 1, 1, tzinfo=UTC), True)

    def test_the_same_file_again_changes_nothing_and_writes_nothing(self, three):
        before = list(Course.objects.order_by("pk").values()), list(Run.objects.order_by("pk").values())
        told = []
        with clock.at(NOON + timedelta(days=400)), CaptureQueriesContext(connection) as queries:
            courses = import_courses(
                "D+1,One,DX,49.00,4,Law", "D+2,Two,DX,0,,Art", "E+3,Three,EX,,,Art", on_change=told.append
            )
            runs = import_runs("R+3,D+2,,,", "R+2,D+1,2027-03-01T01:00:00+01:00,,", on_change=told.append)
        assert (counts(courses), counts(runs)) == ((0, 0, 3, 0), (0, 0, 2, 0))
        assert (courses.changed_keys, runs.changed_keys, told) == (set(), set(), [])
        assert before == (list(Course.objects.order_by("pk").values()), list(Run.objects.order_by("pk").values()))
        assert not [query for query in queries if query["sql"].startswith(("INSERT", "UPDATE", "DELETE"))]

    def test_a_changed_price_is_taken_up_and_told(self, three):
        with clock.at(NOON + timedelta(days=400)):
            result = import_courses("D+1,One,DX,59.00,4,Law", "D+2,Renamed,DX,0,,Art", "E+3,Three,EX,,,Art")
        assert counts(result) == (0, 2, 1, 0)
        assert result.changed_keys == {"D+1"}
        course = Course.objects.get(key="D+1")
        assert course.price_cents == 5900
        assert course.modified == NOON + timedelta(days=400)
        assert course.created < course.modified
        assert Course.objects.get(key="D+2").title == "Renamed"
        assert Course.objects.get(key="E+3").modified < course.modified

    @pytest.mark.parametrize(("before", "after"), [("49.00", ""), ("", "49.00"), ("0", ""), ("", "0")])
    def test_a_price_that_comes_or_goes_is_a_changed_price(self, before, after):
        import_courses(f"D+1,One,DX,{before},,")
        assert import_courses(f"D+1,One,DX,{after},,").changed_keys == {"D+1"}

    def test_a_new_course_is_no_changed_price(self):
        assert import_courses("D+1,One,DX,49.00,4,Law").changed_keys == set()

    @pytest.mark.parametrize(
        "row",
        [
            "R+1,D+1,2026-12-01T00:00:00Z,2027-02-01T00:00:00Z,2027-01-02T00:00:00Z",
            "R+1,D+1,2026-12-01T00:00:00Z,2027-02-01T00:00:00Z,",
            "R+1,D+1,2026-12-01T00:00:00Z,2027-02-02T00:00:00Z,2027-01-01T00:00:00Z",
            "R+1,D+1,2026-12-02T00:00:00Z,2027-02-01T00:00:00Z,2027-01-01T00:00:00Z",
            "R+9,D+1,,,",
        ],
    )
    def test_a_changed_date_and_a_new_run_are_told_by_their_course(self, three, row):
        result = import_runs(row, "R+3,D+2,,,")
        assert result.changed_keys == {"D+1"}
        assert result.created + result.updated == 1

    def test_a_run_that_moves_to_another_course_is_told_by_both(self, three):
        told = []
        result = import_runs("R+3,E+3,,,", on_change=told.append)
        assert (counts(result), result.changed_keys, told) == ((0, 1, 0, 0), {"D+2", "E+3"}, [{"D+2", "E+3"}])
        assert Run.objects.get(key="R+3").course_key == "E+3"

    def test_a_field_whose_column_the_file_lacks_is_left_as_it_is(self, three):
        import_courses("D+1,New,59.00", header="key,title,price_usd")
        import_runs("R+1,D+1,2026-12-05T00:00:00Z", header="run_key,course_key,start")
        course = Course.objects.get(key="D+1")
        assert (course.title, course.price_cents, course.partner, course.weeks) == ("New", 5900, "DX", 4)
        run = Run.objects.get(key="R+1")
        assert (run.start, run.enroll_by) == (datetime(2026, 12, 5, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC))

    def test_what_was_withdrawn_stays_withdrawn(self, three):
        services.set_active(["D+1", "R+3"], active=False)
        import_courses("D+1,One,DX,59.00,4,Law")
        import_runs("R+3,D+2,2027-01-01T00:00:00Z,,")
        assert Course.objects.get(key="D+1").active is False
        assert Run.objects.get(key="R+3").active is False

    def test_a_bad_row_refuses_itself_and_the_others_are_taken(self, three):
        result = import_courses("D+1,One,DX,-1,4,Law", ",No key,DX,1,,", "D+4,Four,DX,1,,", "D+4,Four,DX,2,,")
        assert counts(result) == (1, 0, 0, 3)
        refused = [(fault.line, fault.code) for fault in result.refused]
        assert refused == [(2, "invalid_price"), (3, "missing_key"), (5, "duplicate_key")]
        assert Course.objects.get(key="D+1").price_cents == 4900

    def test_a_run_of_an_unknown_course_is_refused_in_its_line(self, three, settings):
        settings.BURSAR = {**settings.BURSAR, "chunk_size": 2}
        result = import_runs("R+7,NO+1,,,", "R+8,D+1,,,", "R+9,d+1,,,", ",D+1,,,", ",D+2,,,", ",D+3,,,")
        refused = [(fault.line, fault.code, fault.input) for fault in result.refused]
        assert refused[:2] == [(2, "unknown_course", "NO+1"), (4, "unknown_course", "d+1")]
        assert refused[2:] == [(5, "missing_key", ""), (6, "missing_key", ""), (7, "missing_key", "")]
        assert counts(result) == (1, 0, 0, 5)
        assert not Run.objects.filter(key__in=["R+7", "R+9"]).exists()

    def test_a_fault_of_the_whole_file_changes_nothing(self, three):
        before = list(Course.objects.order_by("pk").values())
        with pytest.raises(BadInput) as caught:
            import_courses("D+1,Renamed,DX,1,,", 'D+2,"left open,DX,1,,', "D+9,New,DX,1,,")
        assert (caught.value.code, caught.value.facts["line"]) == ("malformed_csv", 3)
        assert list(Course.objects.order_by("pk").values()) == before

    def test_progress_is_told_by_chunk(self, settings):
        settings.BURSAR = {**settings.BURSAR, "chunk_size": 2}
        done = []
        import_courses(*(f"D+{number},Title,DX,1,," for number in range(5)), progress=done.append)
        assert done == [2, 4, 5]

    def test_what_follows_from_a_change_is_one_commit_with_it(self, three, settings):
        settings.BURSAR = {**settings.BURSAR, "chunk_size": 1}

        def fail(keys: set[str]) -> None:
            if keys == {"D+2"}:
                raise Refused("no")

        with pytest.raises(Refused):
            import_courses("D+1,One,DX,1.00,4,Law", "D+2,Two,DX,1.00,,Art", "E+3,Three,EX,1.00,,Art", on_change=fail)
        prices = dict(Course.objects.values_list("key", "price_cents"))
        assert prices == {"D+1": 100, "D+2": 0, "E+3": None}
        told = []
        import_courses("D+1,One,DX,1.00,4,Law", "D+2,Two,DX,1.00,,Art", "E+3,Three,EX,1.00,,Art", on_change=told.append)
        assert told == [{"D+2"}, {"E+3"}]

    def test_a_row_that_appears_while_it_is_imported_is_written_over_not_an_error(self, monkeypatch):
        upsert = services._upsert

        def late(model, records, given):
            Course.objects.create(key="D+1", title="Somebody was faster", active=False)
            upsert(model, records, given)

        monkeypatch.setattr(services, "_upsert", late)
        import_courses("D+1,One,DX,49.00,4,Law")
        course = Course.objects.get()
        assert (course.title, course.price_cents, course.active) == ("One", 4900, False)

    @pytest.mark.parametrize("number", [40, 400])
    def test_an_import_costs_a_fixed_number_of_statements(self, number):
        rows = [f"D+{place},Title,DX,{place},," for place in range(number)]
        runs = [f"R+{place},D+{place},,," for place in range(number)]
        assert statements(lambda: import_courses(*rows)) == 1 + upserts(Course, number)
        assert statements(lambda: import_runs(*runs)) == 2 + upserts(Run, number)
        changed = [f"D+{place},Title,DX,{place + 1},," for place in range(number)]
        moved = [f"R+{place},D+{number - 1 - place},,," for place in range(number)]
        assert statements(lambda: import_courses(*changed)) == 1 + upserts(Course, number)
        assert statements(lambda: import_runs(*moved)) == 2 + upserts(Run, number)
        assert statements(lambda: import_courses(*changed)) == 1
        assert statements(lambda: import_runs(*moved)) == 2


def statements(call) -> int:
    """Count what was asked of the database, but for the bounds of transactions."""
    with CaptureQueriesContext(connection) as queries:
        call()
    bounds = ("BEGIN", "SAVEPOINT", "RELEASE", "COMMIT")
    return sum(not query["sql"].startswith(bounds) for query in queries)


def upserts(model, number: int) -> int:
    """Return how many statements Django needs to insert so many rows: one, but for SQLite's 999 parameters."""
    fields = [field for field in model._meta.concrete_fields if not field.primary_key]
    size = connection.ops.bulk_batch_size(fields, [None] * number)
    return math.ceil(number / size)


class TestTables:
    def test_the_database_refuses_a_price_below_nothing(self):
        with pytest.raises(IntegrityError), transaction.atomic():
            Course.objects.create(key="D+1", title="One", price_cents=-1)

    @pytest.mark.parametrize("model", [Course, Run])
    def test_a_key_is_there_once(self, three, model):
        copy = model.objects.first()
        copy.pk = None
        with pytest.raises(IntegrityError), transaction.atomic():
            copy.save(force_insert=True)

    def test_keys_that_differ_in_capitals_or_accents_are_different_courses(self):
        import_courses("D+e,One,DX,1,,", "D+E,Two,DX,2,,", "D+é,Three,DX,3,,")
        assert [selectors.find_course(key).price_cents for key in ("D+e", "D+E", "D+é")] == [100, 200, 300]


class TestSetActive:
    def test_a_withdrawn_course_and_run_are_told_by_their_course_and_offered_again(self, three):
        told = []
        assert services.set_active(["E+3", "R+3"], active=False, on_change=told.append) == {"E+3", "D+2"}
        assert told == [{"E+3", "D+2"}]
        assert TableCatalog().contains_many(None, ["D+1", "D+2", "E+3", "R+3"]) == {"D+1", "D+2"}
        services.set_active(["E+3", "R+3"], active=True)
        assert TableCatalog().contains_many(None, ["E+3", "R+3"]) == {"E+3", "R+3"}

    def test_what_is_so_already_is_left_alone(self, three):
        before = list(Course.objects.values())
        assert services.set_active(["D+1", "R+1"], active=True) == set()
        assert list(Course.objects.values()) == before

    @pytest.mark.parametrize("key", ["NO+1", "a\0b", "\ud800", ""])
    def test_one_unknown_key_refuses_the_call(self, three, key):
        with pytest.raises(NotFound) as caught:
            services.set_active(["D+1", key], active=False)
        assert caught.value.facts["keys"] == [key]
        assert Course.objects.get(key="D+1").active


class TestLists:
    def test_courses_are_listed_by_key_with_their_runs(self, three):
        with CaptureQueriesContext(connection) as queries:
            listed = {course.key: [run.key for run in course.runs.all()] for course in selectors.courses()}
        assert list(listed.items()) == [("D+1", ["R+1", "R+2"]), ("D+2", ["R+3"]), ("E+3", [])]
        assert len(queries) == 2

    @pytest.mark.parametrize(
        ("given", "keys"),
        [
            ({"search": "TH"}, ["E+3"]),
            ({"search": "d+"}, ["D+1", "D+2"]),
            ({"search": "%"}, []),
            ({"search": "a\0b"}, []),
            ({"partner": "DX", "subject": "Art"}, ["D+2"]),
            ({"active": True}, ["D+1", "E+3"]),
            ({"active": False}, ["D+2"]),
        ],
    )
    def test_courses_are_found_by_what_is_asked(self, three, given, keys):
        services.set_active(["D+2"], active=False)
        assert [course.key for course in selectors.courses(**given)] == keys

    def test_a_course_is_found_by_its_key_and_by_that_of_a_run(self, three):
        assert selectors.find_course("D+1").key == selectors.find_course("R+2").key == "D+1"

    @pytest.mark.parametrize("key", ["", "d+1", "NO+1", "a\0b", "\ud800", "k" * 300])
    def test_an_unknown_key_finds_no_course(self, three, key):
        with pytest.raises(NotFound) as caught:
            selectors.find_course(key)
        assert caught.value.code == "unknown_content"
