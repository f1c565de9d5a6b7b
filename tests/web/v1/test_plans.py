"""Plans over our own API: told row by row, applied exactly or not at all, forgotten when they are over."""

from urllib.parse import urlencode

import pytest
from tests.db.verbs.steps import books, everything
from tests.web.v1.assigning import FILE, assignments, batch, offer, wanted
from tests.web.v1.caller import code

from bursar.assignments.models import LearnerContentAssignment
from bursar.catalog.models import Course
from bursar.testing.factories import make_course

pytestmark = pytest.mark.django_db
CANARY = "canary.bird@example.org"


@pytest.fixture(autouse=True)
def _course(db):
    make_course()


def plan(caller, house, *emails, **terms):
    response = caller.post("plans", wanted(house, *emails, **terms))
    assert response.status_code == 201, response.content
    assert response["Location"] == f"/v1/plans/{response.json()['uuid']}"
    return response.json()


def apply(caller, made, **how):
    return caller.pay(f"plans/{made['uuid']}/apply", {"digest": how.pop("digest", made["digest"])}, **how)


def test_a_plan_says_what_it_costs_and_what_is_left_and_when_it_ends(admin, house):
    made = plan(admin, house, "a@example.org", "b@example.org", "nobody")
    assert (made["charged_cents"], made["available_before_cents"], made["available_after_cents"]) == (
        9800, 500_000, 490_200,
    )  # fmt: skip
    assert made["rows"] == {"created": 2, "updated": 0, "unchanged": 0, "twin": 0, "refused": 1}
    assert (made["expires_reason"], made["state"], made["refusal"]) == ("NINETY_DAYS_PASSED", "open", None)
    assert not LearnerContentAssignment.objects.exists()
    assert admin.get(f"plans/{made['uuid']}").json() == made
    assert [item["uuid"] for item in admin.items(f"plans?budget={house.budget.pk}&state=open")] == [made["uuid"]]


def test_a_plan_names_every_row_of_a_file(admin, house):
    batch(admin, house, "old@example.org")
    path = f"plans/file?{urlencode(offer(house))}"
    made = admin.post(path, FILE, content_type="text/csv").json()
    rows = admin.items(f"plans/{made['uuid']}/rows")
    assert [(row["line"], row["outcome"], row["cost_cents"]) for row in rows] == [
        (2, "created", 4900), (3, "refused", 0), (4, "twin", 0), (5, "unchanged", 0),
    ]  # fmt: skip
    assert (rows[0]["email"], rows[2]["of_line"], rows[3]["was"]) == ("new@example.org", 2, "allocated")
    paged = admin.get(f"plans/{made['uuid']}/rows?limit=3").json()
    rest = admin.get(f"plans/{made['uuid']}/rows?limit=3&cursor={paged['next']}").json()
    assert (paged["items"] + rest["items"], rest["next"]) == (rows, None)


def test_applying_does_it_once_and_says_what_it_became(admin, house):
    made = plan(admin, house, "a@example.org", "b@example.org")
    done = apply(admin, made, key="k")
    assert (done.status_code, done.json()["rows"]["created"]) == (201, 2)
    assert apply(admin, made, key="k").content == done.content
    assert code(apply(admin, made)) == (409, "plan_used")
    assert books(house.budget)[0] == made["charged_cents"]
    after = admin.get(f"plans/{made['uuid']}").json()
    assert (after["state"], after["batch"]) == ("used", done.json()["uuid"])
    assert admin.items(f"plans/{made['uuid']}/rows") == []


def test_what_has_changed_is_named_and_nothing_is_done(admin, house):
    made = plan(admin, house, "a@example.org")
    batch(admin, house, "a@example.org")
    refused = apply(admin, made)
    assert code(refused) == (409, "plan_changed")
    assert refused.json()["facts"]["rows"] == [{"line": 1, "planned": "create", "now": "unchanged"}]
    other = plan(admin, house, "b@example.org")
    Course.objects.update(price_cents=5000)
    assert apply(admin, other).json()["facts"]["terms"]["price_cents"] == {"planned": 4900, "now": 5000}
    assert set(assignments(admin)) == {"a@example.org"}


def test_only_the_plan_that_was_looked_at_is_applied(admin, house):
    made = plan(admin, house, "a@example.org")
    assert code(apply(admin, made, digest="0" * 64)) == (400, "wrong_digest")
    assert code(apply(admin, made, digest="guess")) == (400, "invalid_input")


def test_a_plan_can_be_given_up(admin, house):
    made = plan(admin, house, CANARY)
    assert admin.delete(f"plans/{made['uuid']}").status_code == 204
    assert code(apply(admin, made)) == (409, "plan_lapsed")
    assert "canary" not in str(everything())


def test_what_no_rule_allows_makes_no_plan(admin, house):
    response = admin.post("plans", wanted(house, "a@example.org", content_key="DemoX+NONE"))
    assert code(response) == (409, "content_not_in_catalog")


@pytest.mark.parametrize("terms", [
    {"price_cents": -1}, {"price_cents": 1.5}, {"price_cents": True}, {"people": []}, {"people": [{"email": 5}]},
    {"people": [{"email": "a@example.org", "role": "admin"}]}, {"budget": "mine"}, {"content_key": ""}, {"note": "x"},
])  # fmt: skip
def test_what_cannot_be_read_is_refused_with_its_place(admin, house, terms):
    assert code(admin.post("plans", wanted(house, "a@example.org") | terms)) == (400, "invalid_input")


def test_strangers_and_learners_find_nothing(admin, house, stranger, learner):
    made = plan(admin, house, "a@example.org")
    for caller in (stranger, learner):
        assert code(caller.get(f"plans/{made['uuid']}")) == (404, "not_found")
        assert code(caller.get(f"plans/{made['uuid']}/rows")) == (404, "not_found")
        assert code(caller.delete(f"plans/{made['uuid']}")) == (404, "not_found")
        assert code(apply(caller, made)) == (404, "not_found")
        assert code(caller.post("plans", wanted(house, "x@example.org"))) == (404, "not_found")
        assert caller.items("plans") == []
