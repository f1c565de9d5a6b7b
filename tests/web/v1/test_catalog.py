"""Courses, their import and named catalogs over our own API."""

import pytest
from tests.web.v1.caller import admin as as_admin
from tests.web.v1.caller import code
from tests.web.v1.caller import operator as as_operator

from bursar.catalog.models import Catalog, Course
from bursar.testing.factories import make_course

pytestmark = pytest.mark.django_db
COURSES = "key,title,price_usd\nX+1,First,49.00\nX+2,Second,\n"
RUNS = "run_key,course_key,start\nX+1+r,X+1,2027-01-01T00:00:00Z\nY+1+r,Y+1,\n"


def send(caller, text, kind="courses", content_type="text/csv", more=""):
    return caller.post(f"courses?kind={kind}{more}", text, content_type=content_type)


def test_a_file_of_courses_and_one_of_runs_are_taken_in(operator):
    assert send(operator, COURSES).json() == {
        "created": 2,
        "updated": 0,
        "unchanged": 0,
        "refused": [],
        "rescheduled": 0,
    }
    done = send(operator, RUNS, "runs").json()
    assert (done["created"], [(row["line"], row["code"]) for row in done["refused"]]) == (1, [(3, "unknown_course")])
    (first, second) = operator.items("courses")
    assert (first["key"], first["price_cents"], first["runs"][0]["start"]) == ("X+1", 4900, "2027-01-01T00:00:00Z")
    assert (second["price_cents"], second["runs"]) == (None, [])


def test_the_same_file_again_changes_nothing(operator):
    send(operator, COURSES)
    assert send(operator, COURSES).json()["unchanged"] == 2


def test_a_file_in_another_encoding_is_read_when_it_is_named(operator):
    text = COURSES.replace("First", "Élan").encode("latin-1")
    assert code(send(operator, text)) == (400, "wrong_encoding")
    assert send(operator, text, more="&encoding=latin-1").json()["created"] == 2
    assert code(send(operator, text, more="&encoding=%0A")) == (400, "invalid_input")
    assert code(send(operator, text, more="&encoding=klingon")) == (400, "wrong_encoding")


@pytest.mark.parametrize(("text", "said"), [("\n", "empty_file"), ("a,b\n1,2\n", "no_header"), ("key,title\nX,Y\n", "missing_columns"),
    (COURSES.replace("First", "a\0b"), "nul_bytes")])  # fmt: skip
def test_a_fault_of_the_whole_file_refuses_the_file(operator, text, said):
    assert code(send(operator, text)) == (400, said)
    assert Course.objects.count() == 0


def test_a_file_that_is_too_large_or_no_csv_is_refused(operator, settings):
    settings.BURSAR = settings.BURSAR | {"file_limit_bytes": 20}
    assert code(send(operator, COURSES)) == (413, "file_too_large")
    assert code(send(operator, COURSES, content_type="application/json")) == (415, "unsupported_media_type")
    assert code(send(operator, COURSES, kind="people")) == (400, "invalid_input")


def test_a_file_larger_than_a_request_of_django_is_read_by_parts(operator, settings):
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 100
    text = COURSES + "".join(f"X+{number},More,1\n" for number in range(3, 100))
    assert send(operator, text).json()["created"] == 99


def test_only_operators_of_everything_import(admin, house):
    for caller in (admin, as_operator(house.customer)):
        assert code(send(caller, COURSES)) == (403, "forbidden")
    assert Course.objects.count() == 0


def test_courses_are_found_by_what_they_are(admin, house):
    for number, subject in enumerate(("Law", "Art", "Art")):
        make_course(f"X+{number}", subject=subject, title=f"Title {number}", active=number != 2, runs=(f"R+{number}",))
    for query, keys in (
        ("", ["X+0", "X+1", "X+2"]),
        ("?subject=Art", ["X+1", "X+2"]),
        ("?search=title%201", ["X+1"]),
        ("?active=true", ["X+0", "X+1"]),
        ("?partner=None", []),
    ):
        assert [row["key"] for row in admin.items(f"courses{query}")] == keys
    assert admin.get("courses/R+1").json()["key"] == "X+1"
    assert code(admin.get("courses/X+9")) == (404, "unknown_content")


def test_the_catalog_is_for_those_who_assign(learner, house):
    for path in ("courses", "catalogs", "courses/X+1"):
        assert code(learner.get(path)) == (403, "forbidden")


def test_a_catalog_is_made_changed_and_chosen_from(operator, house):
    make_course("X+1", subject="Law")
    make_course("X+2", subject="Art")
    made = operator.post(
        "catalogs", {"title": "Law", "customer": str(house.customer.pk), "rule": "query", "subjects": ["Law"]}
    )
    assert made.status_code == 201
    path = made["Location"].removeprefix("/v1/")
    assert operator.get(path).json() == made.json()
    assert [row["key"] for row in operator.items(f"courses?catalog={made.json()['uuid']}")] == ["X+1"]
    done = operator.patch(path, {"rule": "keys", "keys": ["X+2"]}).json()
    assert (done["rule"], done["keys"], done["subjects"]) == ("keys", ["X+2"], [])


@pytest.mark.parametrize(
    "change",
    [
        {"title": ""},
        {"rule": "some"},
        {"rule": "keys"},
        {"rule": "all", "keys": ["X"]},
        {"rule": "keys", "keys": ["a b"]},
        {"rule": "keys", "keys": [1]},
        {"rule": "keys", "keys": "X"},
        {"customer_uuid": None},
    ],
)
def test_a_catalog_that_offers_nothing_or_everything_by_mistake_is_not_made(operator, change):
    assert operator.post("catalogs", {"title": "T", **change}).status_code == 400
    assert Catalog.objects.count() == 0


def test_a_title_is_one_catalogs(operator, house):
    body = {"title": "T", "customer": str(house.customer.pk)}
    operator.post("catalogs", body)
    assert code(operator.post("catalogs", body)) == (409, "catalog_exists")
    assert operator.post("catalogs", {"title": "T"}).status_code == 201


def test_catalogs_are_a_customers_own_and_the_shared_ones(operator, admin, stranger, house, elsewhere):
    for title, customer in (("Own", house.customer.pk), ("Theirs", elsewhere.customer.pk), ("Shared", None)):
        operator.post("catalogs", {"title": title, "customer": customer and str(customer)})
    rows = {row["title"]: row["uuid"] for row in operator.items("catalogs")}
    assert [row["title"] for row in admin.items("catalogs")] == ["Own", "Shared"]
    assert code(admin.get(f"catalogs/{rows['Theirs']}")) == (404, "not_found")
    assert code(admin.get(f"courses?catalog={rows['Theirs']}")) == (404, "not_found")
    assert code(admin.patch(f"catalogs/{rows['Own']}", {"title": "X"})) == (403, "forbidden")
    local = as_operator(house.customer)
    assert local.patch(f"catalogs/{rows['Own']}", {"title": "X"}).status_code == 200
    assert code(local.patch(f"catalogs/{rows['Shared']}", {"title": "X"})) == (403, "forbidden")
    assert as_admin(house.customer).items(f"catalogs?customer={elsewhere.customer.pk}") == []
