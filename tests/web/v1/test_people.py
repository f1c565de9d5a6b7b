"""People over our own API: what is known of them, all of it for them to have, and forgetting them everywhere."""

import json

import pytest
from tests.db.verbs.steps import everything, tick
from tests.web.v1.assigning import assignments, batch, learner_of, many, wanted
from tests.web.v1.caller import code

from bursar.people.models import Person
from bursar.testing.factories import make_course, make_house

pytestmark = pytest.mark.django_db
ANN = "ann@example.org"
CANARY = "canary.bird@example.org"


@pytest.fixture(autouse=True)
def _course(db, settings):
    make_course()
    settings.BURSAR = {**settings.BURSAR, "mail_port": "bursar.testing.fake_mail.FakeMail"}


def person(caller, email=ANN):
    (found,) = caller.items(f"people?email={email}")
    return found


def known(caller, house, email=ANN, **details):
    """Let somebody be known by an assignment."""
    body = wanted(house) | {"people": [{"email": email, **details}]}
    assert caller.pay("batches", body).status_code == 201
    return person(caller, email)


def test_who_was_assigned_something_is_known(admin, house):
    found = known(admin, house, "Ann@Example.org", name="Ann", manager_email="boss@example.org")
    assert (found["email"], found["name"], found["manager_email"]) == ("Ann@Example.org", "Ann", "boss@example.org")
    assert admin.get(f"people/{found['uuid']}").json() == found | {"mail_stopped": []}
    assert admin.items(f"people?customer={house.customer.pk}") == [found]


def test_details_are_changed_from_the_version_that_was_read(admin, house):
    found = known(admin, house, name="Ann")
    path = f"people/{found['uuid']}"
    changed = admin.patch(path, {"name": "Anna", "language": "PT_BR", "department": ""})
    assert (changed.json()["name"], changed.json()["language"]) == ("Anna", "pt-br")
    assert code(admin.patch(path, {"name": "Ana"}, etag='"old"')) == (412, "stale")
    assert code(admin.call("PATCH", path, {"name": "Ana"})) == (428, "precondition_required")
    assert Person.objects.get().name == "Anna"


@pytest.mark.parametrize(("change", "said"), [
    ({"language": "Portuguese"}, "invalid_language"), ({"time_zone": "Mars/Olympus"}, "invalid_time_zone"),
    ({"manager_email": "boss"}, "invalid_manager_address"), ({"email": "new@example.org"}, "invalid_input"),
    ({"lms_user_id": 5}, "invalid_input"), ({"name": None}, "invalid_input"), ({"name": "x" * 256}, "invalid_input"),
])  # fmt: skip
def test_what_a_file_would_not_take_is_refused_here_too(admin, house, change, said):
    found = known(admin, house, name="Ann")
    assert code(admin.patch(f"people/{found['uuid']}", change)) == (400, said)
    assert person(admin)["name"] == "Ann"


def test_somebody_gets_everything_that_is_known_about_them_and_nothing_of_others(admin, house):
    found = known(admin, house, name="Ann", department="Sales")
    batch(admin, house, "ben@example.org")
    key = assignments(admin)[ANN]["uuid"]
    admin.post("assignments/remind", many(key))
    admin.post("plans", wanted(house, ANN, "ben@example.org"))
    told = admin.get(f"people/{found['uuid']}/export").json()
    assert (told["person"]["email"], told["person"]["department"]) == (ANN, "Sales")
    (mine,) = told["assignments"]
    assert (mine["uuid"], len(mine["history"]), len(mine["actions"])) == (key, 1, 1)
    assert {item["kind"] for item in told["messages"]} == {"assigned", "reminded"}
    assert [row["outcome"] for row in told["planned"]] == ["unchanged"]
    assert told["memberships"][0]["role"] == "learner"
    assert "ben@" not in json.dumps(told)


def test_an_export_takes_as_many_statements_for_many_assignments_as_for_one(
    admin, house, django_assert_max_num_queries
):
    found = known(admin, house)
    counted = []
    for turn in range(2):
        with django_assert_max_num_queries(30) as seen:
            admin.get(f"people/{found['uuid']}/export")
        counted.append(len(seen))
        for number in range(4):
            course = make_course(f"DemoX+MORE{turn}{number}")
            admin.pay("batches", wanted(house, ANN, content_key=course.key))
    assert counted[0] == counted[1]


def test_somebody_who_is_erased_is_found_nowhere(admin, house, settings):
    """In a plan, in a batch that is done and in one that waits, behind an answer under a key, and as a manager."""
    batch(admin, house, CANARY)
    made = admin.post("plans", wanted(house, CANARY, "canary.bird@", "ben@example.org")).json()
    known(admin, house, "boss.has@example.org", manager_email=CANARY)
    done = batch(admin, house, CANARY, key="canary")
    tick()
    make_course("DemoX+OTHER")
    settings.BURSAR = {**settings.BURSAR, "inline_limit": 1}
    waiting = admin.pay("batches", wanted(house, CANARY, "eve@example.org", content_key="DemoX+OTHER")).json()
    assert waiting["state"] == "filling"
    found = person(admin, CANARY)
    assert "canary" in admin.get(f"people/{found['uuid']}/export").content.decode()
    assert "canary" in str(everything())

    erased = admin.post(f"people/{found['uuid']}/erase")
    assert erased.json() == {"person": found["uuid"], "assignments": 1}
    assert "canary" not in str(everything()).lower()
    tick()
    assert "canary" not in str(everything()).lower()
    for path in (f"batches/{done['uuid']}/rows", f"batches/{waiting['uuid']}/rows", "assignments", "people"):
        assert "canary" not in admin.get(path).content.decode()
    assert [row["email"] for row in admin.items(f"batches/{done['uuid']}/rows")] == [None]
    assert admin.items(f"plans/{made['uuid']}/rows") == []
    for path in (f"people/{found['uuid']}", f"people/{found['uuid']}/export"):
        assert code(admin.get(path)) == (404, "not_found")
    assert code(admin.post(f"people/{found['uuid']}/erase")) == (404, "not_found")


def test_strangers_and_learners_know_nobody(admin, house, stranger, learner):
    found = known(admin, house)
    other = make_house()
    path = f"people/{found['uuid']}"
    for caller in (stranger, learner, learner_of(other.customer, "x@example.org"), learner_of(house.customer, ANN)):
        assert caller.items("people") == []
        assert code(caller.get(path)) == (404, "not_found")
        assert code(caller.get(f"{path}/export")) == (404, "not_found")
        assert code(caller.post(f"{path}/erase")) == (404, "not_found")
        assert code(caller.call("PATCH", path, {"name": "x"}, etag="*")) == (404, "not_found")
    assert Person.objects.get(pk=found["uuid"]).email == ANN
