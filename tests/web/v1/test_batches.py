"""Batches over our own API: made once, filled soon, told row by row, undone as a whole."""

from urllib.parse import urlencode

import pytest
from tests.db.verbs.steps import books, tick
from tests.web.v1.assigning import FILE, batch, offer, one, wanted
from tests.web.v1.caller import code

from bursar.assignments.models import AllocationBatch, LearnerContentAssignment
from bursar.people.models import Person
from bursar.testing.factories import make_course

pytestmark = pytest.mark.django_db
NOBODYS = "6f0e3c9e-6d7a-4c55-9d52-0f3a3c3a7a10"


@pytest.fixture(autouse=True)
def _course(db):
    make_course()


def url(house, **terms):
    return f"batches/file?{urlencode(offer(house, **terms))}"


def rows(caller, key):
    return [(row["line"], row["outcome"], row["email"], row["code"]) for row in caller.items(f"batches/{key}/rows")]


def test_people_are_assigned_and_every_row_is_answered(admin, house):
    one(admin, house, "old@example.org")
    response = admin.pay("batches", wanted(house, "new@example.org", "nobody", "NEW@example.org", "old@example.org"))
    body = response.json()
    assert (response.status_code, body["state"], body["charged_cents"]) == (201, "done", 4900)
    assert body["rows"] == {"created": 1, "updated": 0, "unchanged": 1, "twin": 1, "refused": 1}
    assert response["Location"] == f"/v1/batches/{body['uuid']}"
    assert rows(admin, body["uuid"]) == [
        (1, "created", "new@example.org", None),
        (4, "unchanged", "old@example.org", None),
        (3, "twin", None, None),
        (2, "refused", None, "invalid_address"),
    ]


@pytest.mark.parametrize(
    ("content", "content_type"),
    [
        (FILE, "text/csv"),
        (FILE.encode("utf-16"), "text/csv"),
        ('{"email": "new@example.org"}\n{"email": "x"}\n\n{"email": "NEW@example.org"}\n{"email": "old@example.org"}',
         "application/x-ndjson"),
    ],
    ids=["csv", "csv that says it is utf-16", "json lines"],
)  # fmt: skip
def test_a_file_is_read_as_its_type_says(admin, house, content, content_type):
    response = admin.pay(url(house), content, content_type=content_type)
    assert response.json()["rows"] == {"created": 2, "updated": 0, "unchanged": 0, "twin": 1, "refused": 1}


def test_a_file_in_other_letters_is_named_so(admin, house):
    content = "email;name\nzoe@example.org;Zoë\n".encode("latin-1")
    assert code(admin.pay(url(house), content, content_type="text/csv")) == (400, "wrong_encoding")
    assert admin.pay(url(house, encoding="latin-1"), content, content_type="text/csv").status_code == 201
    assert Person.objects.get().name == "Zoë"


def test_the_same_key_does_the_same_thing_once(admin, house):
    first, again = (admin.pay(url(house), FILE, key="k", content_type="text/csv") for _ in range(2))
    assert (first.content, again["Idempotent-Replayed"]) == (again.content, "true")
    assert AllocationBatch.objects.count() == 1
    other = admin.pay(url(house), FILE + "c@example.org,\n", key="k", content_type="text/csv")
    assert code(other) == (422, "idempotency_key_reused")
    other = admin.pay(url(house, price_cents=5000), FILE, key="k", content_type="text/csv")
    assert code(other) == (422, "idempotency_key_reused")


def test_money_is_moved_under_a_key_only(admin, house):
    assert code(admin.post("batches", wanted(house, "a@example.org"))) == (400, "idempotency_key_missing")
    assert not LearnerContentAssignment.objects.exists()


def test_too_little_money_refuses_everybody_with_what_is_missing(admin, house):
    response = admin.pay("batches", wanted(house, *(f"p{number}@example.org" for number in range(103))))
    assert code(response) == (409, "policy_spend_limit_reached")
    assert response.json()["facts"]["missing_cents"] == 103 * 4900 - 500_000
    assert not LearnerContentAssignment.objects.exists()


class TestLarge:
    @pytest.fixture(autouse=True)
    def _small(self, settings):
        settings.BURSAR = {
            **settings.BURSAR, "inline_limit": 2, "chunk_size": 2, "mail_port": "bursar.testing.fake_mail.FakeMail"
        }  # fmt: skip

    def test_is_accepted_with_the_money_reserved_and_filled_by_the_next_worker(self, admin, house):
        response = admin.pay("batches", wanted(house, *"abcde@", "a@example.org", "b@example.org", "c@example.org"))
        body = response.json()
        assert (response.status_code, body["state"], body["held_cents"]) == (202, "filling", 3 * 4900)
        assert body["progress"] == {"done": 0, "total": 3}
        assert books(house.budget)[0] == 3 * 4900
        tick()
        done = admin.get(f"batches/{body['uuid']}").json()
        assert (done["state"], done["held_cents"], done["rows"]["created"]) == ("done", 0, 3)
        assert done["progress"] == {"done": 3, "total": 3}

    def test_pages_of_rows_neither_skip_nor_repeat(self, admin, house):
        body = batch(admin, house, *(f"p{number}@example.org" for number in range(7)))
        tick()
        seen, cursor = [], ""
        while cursor is not None:
            page = admin.get(f"batches/{body['uuid']}/rows?limit=3{cursor}").json()
            seen += [row["line"] for row in page["items"]]
            cursor = page["next"] and f"&cursor={page['next']}"
        assert seen == [1, 2, 3, 4, 5, 6, 7]


def test_the_rows_are_a_csv_file_too_that_no_spreadsheet_takes_for_formulas(admin, house):
    body = batch(admin, house, "=new@example.org", "nobody")
    got = admin.client.get(f"/v1/batches/{body['uuid']}/rows.csv", headers={"authorization": f"Bearer {admin.token}"})
    lines = b"".join(got.streaming_content).decode().splitlines()
    key = LearnerContentAssignment.objects.get().pk
    assert lines[0] == "line,outcome,email,assignment,state,of_line,code,message"
    assert lines[1] == f"1,created,'=new@example.org,{key},allocated,,,"
    assert lines[2].startswith("2,refused,,,,,invalid_address,")


def test_a_batch_is_undone_as_a_whole_until_somebody_accepts(admin, house):
    first, second = batch(admin, house, "a@example.org"), batch(admin, house, "b@example.org")
    assert admin.pay(f"batches/{first['uuid']}/undo", None).status_code == 200
    assert admin.get(f"batches/{first['uuid']}").json()["state"] == "undone"
    (mine,) = [item for item in admin.items("assignments") if item["email"] == "b@example.org"]
    admin.pay("assignments/accept", {"assignments": [mine["uuid"]]})
    assert code(admin.pay(f"batches/{second['uuid']}/undo", None)) == (409, "batch_not_undoable")


@pytest.mark.parametrize("content", ["", "{", '{"a": 1}'])
def test_what_takes_no_body_reads_none_whatever_type_it_is_sent_with(admin, house, content):
    path = f"batches/{batch(admin, house, 'a@example.org')['uuid']}/undo"
    said = {"content-type": "application/json"}  # the test client says nothing of an empty body by itself
    first, again = (admin.pay(path, content, key="one", **said) for _ in range(2))
    assert (first.status_code, again.status_code, again.json()) == (200, 200, first.json())
    assert again["Idempotent-Replayed"] == "true"


@pytest.mark.parametrize(
    ("content_type", "said"), [("application/json", 415), ("text/plain", 415), ("multipart/form-data", 415)]
)
def test_another_type_of_file_is_not_read(admin, house, content_type, said):
    assert admin.pay(url(house), FILE, content_type=content_type).status_code == said


def test_a_file_or_a_list_that_is_too_large_is_413(admin, house, settings):
    settings.BURSAR = {**settings.BURSAR, "people_limit": 3}
    assert code(admin.pay(url(house), FILE, content_type="text/csv")) == (413, "too_many_people")
    assert code(admin.pay("batches", wanted(house, *"abcd"))) == (413, "too_many_people")
    settings.BURSAR = {**settings.BURSAR, "file_limit_bytes": 20}
    assert code(admin.pay(url(house), FILE, content_type="text/csv")) == (413, "file_too_large")


def test_strangers_and_learners_find_nothing(admin, house, stranger, learner):
    key = batch(admin, house, "a@example.org")["uuid"]
    for caller in (stranger, learner):
        for path in (f"batches/{key}", f"batches/{key}/rows", f"batches/{key}/rows.csv"):
            assert code(caller.get(path)) == (404, "not_found")
        assert code(caller.pay(f"batches/{key}/undo", None)) == (404, "not_found")
        assert code(caller.pay("batches", wanted(house, "x@example.org"))) == (404, "not_found")
        assert code(caller.pay(url(house), FILE, content_type="text/csv")) == (404, "not_found")
        assert caller.items("batches") == []
    assert code(admin.get(f"batches/{NOBODYS}")) == (404, "not_found")
    assert LearnerContentAssignment.objects.count() == 1
