"""Assignments over our own API: lists of one's own or of what one manages, all about one, and the verbs item by item."""

from datetime import timedelta

import pytest
from tests.db.verbs.steps import books, later
from tests.web.v1.assigning import assignments, batch, learner_of, many, one, results
from tests.web.v1.caller import code

from bursar.assignments.models import LearnerContentAssignment
from bursar.budgets.models import Transaction
from bursar.kernel import clock
from bursar.testing.factories import make_budget, make_course

pytestmark = pytest.mark.django_db
NOBODYS = "6f0e3c9e-6d7a-4c55-9d52-0f3a3c3a7a10"
ANN = "ann@example.org"


@pytest.fixture(autouse=True)
def _course(db, settings):
    make_course(runs=["course-v1:DemoX+D101+R1"])
    settings.BURSAR = {**settings.BURSAR, "enrolment_port": "bursar.testing.scripted_enrolment.ScriptedEnrolment"}


@pytest.fixture
def ann(house):
    """Return Ann, a learner with an account."""
    return learner_of(house.customer, ANN, lms_user_id=77)


class TestLists:
    def test_open_ones_of_a_budget_come_first_the_newest_action_before(self, admin, house):
        for hour, email in enumerate(["a@example.org", "b@example.org", "c@example.org", "d@example.org"]):
            with later(timedelta(hours=hour)):
                batch(admin, house, email)
        found = assignments(admin, f"?budget={house.budget.pk}")
        assert list(found) == ["d@example.org", "c@example.org", "b@example.org", "a@example.org"]
        admin.pay("assignments/cancel", many(found["c@example.org"]["uuid"]))
        seen, cursor = [], ""
        while cursor is not None:
            page = admin.get(f"assignments?budget={house.budget.pk}&limit=1{cursor}").json()
            seen += [item["email"] for item in page["items"]]
            cursor = page["next"] and f"&cursor={page['next']}"
        assert seen == ["d@example.org", "b@example.org", "a@example.org", "c@example.org"]

    def test_each_filter_keeps_what_fits(self, admin, house):
        first = batch(admin, house, ANN)
        batch(admin, house, "ben@example.org")
        mine = assignments(admin)[ANN]
        admin.pay("assignments/cancel", many(mine["uuid"]))
        soon = (clock.now() + timedelta(days=91)).strftime("%Y-%m-%dT%H:%M:%SZ")
        for query in (
            "state=cancelled", f"batch={first['uuid']}", "email=ANN@Example.org", f"budget={house.budget.pk}&state=cancelled",
            f"budget={house.budget.pk}&email=ann@example.org",
        ):  # fmt: skip
            assert set(assignments(admin, f"?{query}")) == {ANN}, query
        for query in (
            "learner_state=notifying",
            f"expiring_before={soon}",
            f"budget={house.budget.pk}&state=allocated",
        ):
            assert set(assignments(admin, f"?{query}")) == {"ben@example.org"}, query
        for query in ("content=DemoX%2BD101", "search=course+demo", f"customer={house.customer.pk}"):
            assert set(assignments(admin, f"?{query}")) == {ANN, "ben@example.org"}, query
        for query in (f"budget={make_budget(house.fund).pk}", f"customer={NOBODYS}", "search=other", "mine=true"):
            assert assignments(admin, f"?{query}") == {}, query
        assert code(admin.get("assignments?email=nobody")) == (400, "invalid_address")

    def test_a_list_takes_as_many_statements_for_a_hundred_as_for_one(
        self, admin, house, django_assert_max_num_queries
    ):
        counted = []
        for many_people in (1, 100):
            batch(admin, house, *(f"n{many_people}p{number}@example.org" for number in range(many_people)))
            with django_assert_max_num_queries(12) as seen:
                admin.get(f"assignments?budget={house.budget.pk}&limit=200")
            counted.append(len(seen))
        assert counted[0] == counted[1]

    def test_a_learner_reads_only_their_own(self, admin, house, ann):
        batch(admin, house, ANN, "ben@example.org")
        assert set(assignments(ann)) == {ANN}
        others = assignments(admin)["ben@example.org"]["uuid"]
        assert code(ann.get(f"assignments/{others}")) == (404, "not_found")

    def test_a_stranger_reads_nothing(self, admin, house, stranger, learner):
        key = one(admin, house)
        for caller in (stranger, learner):
            assert assignments(caller) == {}
            assert code(caller.get(f"assignments/{key}")) == (404, "not_found")


class TestOne:
    def test_is_told_with_everything_that_happened_and_why(self, admin, house):
        told = admin.get(f"assignments/{one(admin, house)}").json()
        assert (told["email"], told["state"], told["price_cents"], told["refusal"]) == (ANN, "allocated", 4900, None)
        assert [item["wins"] for item in told["expiry_candidates"]].count(True) == 1
        assert [item["kind"] for item in told["messages"]] == ["assigned"]
        assert "history" in {item["kind"] for item in told["timeline"]}
        assert str(house.budget.pk) == told["budget"]

    def test_a_learner_is_not_told_who_did_what(self, admin, house, ann):
        told = ann.get(f"assignments/{one(admin, house)}").json()
        assert (told["timeline"], told["messages"], told["mail_stopped"]) == (None, None, None)

    def test_why_it_could_not_be_accepted_is_said(self, admin, house):
        key = one(admin, house)
        admin.pay("assignments/cancel", many(key))
        assert admin.get(f"assignments/{key}").json()["refusal"]["code"] == "reason_learner_assignment_cancelled"


class TestVerbs:
    def test_each_is_answered_for_every_one(self, admin, house):
        key = one(admin, house)
        assert results(admin.post("assignments/remind", many(key, NOBODYS))) == {key: "queued", NOBODYS: "not_found"}
        assert results(admin.post("assignments/remind", many(key))) == {key: "already_queued"}
        until = "2099-01-31T00:00:00Z"
        assert results(admin.post("assignments/extend", many(key, until=until))) == {key: "moved"}
        assert admin.get(f"assignments/{key}").json()["personal_deadline"] == until
        assert results(admin.post("assignments/nudge", many(key, days=3))) == {key: "wrong_state"}
        assert results(admin.pay("assignments/reverse", many(key))) == {key: "wrong_state"}
        assert results(admin.pay("assignments/cancel", many(key, NOBODYS))) == {key: "cancelled", NOBODYS: "not_found"}
        assert results(admin.pay("assignments/cancel", many(key))) == {key: "unchanged"}
        assert books(house.budget)[0] == 0

    def test_an_assignment_is_handed_to_somebody_else_once_for_a_key(self, admin, house):
        key = one(admin, house)
        held = books(house.budget)
        done = admin.pay(f"assignments/{key}/hand-over", {"email": "Eve@example.org", "name": "Eve"}, key="k")
        assert (done.status_code, done.json()["ended"]) == (201, key)
        new = admin.get(done["Location"].removeprefix("/v1/")).json()
        assert (new["uuid"], new["email"], new["state"]) == (done.json()["assignment"], "Eve@example.org", "allocated")
        again = admin.pay(f"assignments/{key}/hand-over", {"email": "Eve@example.org", "name": "Eve"}, key="k")
        assert (again.content, again["Idempotent-Replayed"]) == (done.content, "true")
        assert books(house.budget) == held

    def test_what_cannot_be_handed_on_says_why(self, admin, house, ann):
        key = one(admin, house)
        assert admin.pay(f"assignments/{key}/hand-over", {"email": "no address"}).json()["code"] == "invalid_address"
        assert admin.pay(f"assignments/{key}/hand-over", {"email": ANN}).json()["code"] == "already_assigned"
        for detail in ("name", "department", "language", "time_zone", "manager_email"):
            refused = admin.pay(f"assignments/{key}/hand-over", {"email": "eve@example.org", detail: "x" * 256})
            assert (refused.status_code, refused.json()["code"]) == (400, "invalid_input"), detail
            assert refused.json()["errors"][0]["where"] == f"body/{detail}"
        for who, assignment in ((admin, NOBODYS), (ann, key)):
            assert who.pay(f"assignments/{assignment}/hand-over", {"email": "eve@example.org"}).status_code == 404
        admin.pay("assignments/cancel", many(key))
        ended = admin.pay(f"assignments/{key}/hand-over", {"email": "eve@example.org"})
        assert (ended.status_code, ended.json()["code"]) == (409, "reason_learner_assignment_cancelled")

    def test_an_admin_accepts_for_a_learner_and_reverses(self, admin, house):
        key = one(admin, house)
        accepted = admin.pay("assignments/accept", many(key, NOBODYS), key="k")
        assert results(accepted) == {key: "accepted", NOBODYS: "not_found"}
        assert accepted.json()["done"][0]["transaction"]["state"] == "committed"
        again = admin.pay("assignments/accept", many(key, NOBODYS), key="k")
        assert (again.content, again["Idempotent-Replayed"]) == (accepted.content, "true")
        assert results(admin.pay("assignments/accept", many(key))) == {key: "unchanged"}
        assert Transaction.objects.count() == 1
        assert results(admin.pay("assignments/reverse", many(key, reason="a slip"))) == {key: "reversed"}

    def test_a_learner_accepts_and_acknowledges_their_own_and_nobody_elses(self, admin, house, ann):
        batch(admin, house, ANN, "ben@example.org")
        mine, other = (assignments(admin)[email]["uuid"] for email in (ANN, "ben@example.org"))
        for path, terms in (("acknowledge", {}), ("remind", {}), ("extend", {"until": None}), ("nudge", {"days": 2})):
            assert results(ann.post(f"assignments/{path}", many(other, **terms))) == {other: "not_found"}
        for path in ("cancel", "reverse", "accept"):
            assert results(ann.pay(f"assignments/{path}", many(other))) == {other: "not_found"}
        assert results(ann.pay("assignments/cancel", many(mine))) == {mine: "not_found"}
        assert results(ann.pay("assignments/accept", many(mine))) == {mine: "accepted"}
        states = dict(LearnerContentAssignment.objects.values_list("learner_email", "state"))
        assert states == {ANN: "accepted", "ben@example.org": "allocated"}

    def test_a_learner_dismisses_what_has_ended(self, admin, house, ann):
        key = one(admin, house)
        admin.pay("assignments/cancel", many(key))
        LearnerContentAssignment.objects.get(pk=key).add_successful_cancel_action()
        assert results(ann.post("assignments/acknowledge", many(key))) == {key: "acknowledged"}
        assert results(ann.post("assignments/acknowledge", many(key))) == {key: "unchanged"}

    def test_an_enrolment_refused_for_good_is_a_refusal(self, admin, house):
        from bursar.kernel.backends import backend

        key = one(admin, house)
        backend("enrolment_port").script(ANN, "refuse")
        refused = admin.pay("assignments/accept", many(key))
        assert list(results(refused)) == [key]
        assert refused.json()["refused"][0]["facts"]["transaction"] == str(Transaction.objects.get().pk)

    @pytest.mark.parametrize("body", [
        {}, {"assignments": []}, {"assignments": ["x"]}, {"assignments": [NOBODYS], "state": "accepted"},
        {"assignments": [NOBODYS] * 1001}, {"assignments": None}, [],
    ])  # fmt: skip
    @pytest.mark.parametrize("path", ["cancel", "accept", "remind"])
    def test_what_cannot_be_read_is_refused(self, admin, path, body):
        assert code(admin.pay(f"assignments/{path}", body)) == (400, "invalid_input")

    def test_more_than_one_transaction_takes_is_413(self, admin, settings):
        settings.BURSAR = {**settings.BURSAR, "chunk_size": 1}
        body = many(NOBODYS, "7f0e3c9e-6d7a-4c55-9d52-0f3a3c3a7a10")
        assert code(admin.post("assignments/remind", body)) == (413, "too_many_items")

    @pytest.mark.parametrize("path", ["cancel", "reverse", "accept"])
    def test_what_moves_money_needs_a_key(self, admin, path):
        assert code(admin.post(f"assignments/{path}", many(NOBODYS))) == (400, "idempotency_key_missing")
