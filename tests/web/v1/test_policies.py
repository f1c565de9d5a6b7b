"""Rules of reminding and the audit over our own API: read by admins, changed by operators under the version they read."""

import pytest
from tests.db.verbs.steps import assigned
from tests.web.v1.caller import admin as as_admin
from tests.web.v1.caller import code
from tests.web.v1.caller import learner as as_learner
from tests.web.v1.caller import operator as as_operator

from bursar.assignments.models import LearnerContentAssignment
from bursar.assignments.services import policy_of
from bursar.kernel import clock
from bursar.people.keys import key_of
from bursar.people.models import AuditEntry
from bursar.people.suppression import unsubscribe
from bursar.testing.factories import make_course, make_customer, make_house

pytestmark = pytest.mark.django_db


@pytest.fixture
def house():
    return make_house()


@pytest.fixture
def operator(house):
    return as_operator()


@pytest.fixture
def place(house):
    return f"customers/{house.customer.pk}/reminder-policy"


def test_rules_that_nobody_has_made_are_off_and_can_be_changed(operator, house, place):
    first = operator.get(place)
    assert (first.json()["enabled"], first.json()["quiet"]) == (False, {"begin": "20:00", "end": "08:00"})
    done = operator.patch(place, {"enabled": True, "after_days": [3], "quiet": None}, etag=first["ETag"])
    assert done.status_code == 200
    assert done["ETag"] != first["ETag"]
    row = policy_of(house.customer.pk)
    assert (row.enabled, row.after_days, row.quiet_from, row.before_days) == (True, [3], None, [1, 7])
    assert AuditEntry.objects.latest("id").act == "reminders.set"


def test_an_edit_of_what_was_changed_meanwhile_is_refused(operator, place):
    before = operator.get(place)["ETag"]
    operator.patch(place, {"per_week": 3}, etag=before)
    assert operator.patch(place, {"per_week": 4}, etag=before).status_code == 412
    assert operator.patch(place, {"per_week": 4}, etag="").status_code == 428


def test_reminders_are_switched_off_and_the_rules_stay(operator, place):
    operator.patch(place, {"enabled": True, "per_week": 3}, etag="*")
    off = operator.patch(place, {"enabled": False}, etag="*").json()
    assert (off["enabled"], off["per_week"]) == (False, 3)
    assert operator.patch(place, {"per_week": 2}, etag="*").json()["enabled"] is False
    assert operator.patch(place, {"enabled": True}, etag="*").json()["per_week"] == 2


@pytest.mark.parametrize(
    "change",
    [
        {"after_days": [0]}, {"after_days": [366]}, {"per_week": 8}, {"quiet": {"begin": "20:00"}},
        {"quiet": {"begin": "25:00", "end": "08:00"}}, {"quiet": {"begin": "08:00", "end": "08:00"}},
        {"after_days": [], "before_days": []}, {"per_week": None}, {"unknown": 1},
    ],
)  # fmt: skip
def test_what_no_policy_can_be_is_refused(operator, house, place, change):
    assert operator.patch(place, change, etag="*").status_code == 400
    assert not policy_of(house.customer.pk).enabled


def test_rules_are_tried_before_they_are_kept(house, operator, place):
    make_course("EdxX+HTLO100", title="How to Learn Online")
    (row,) = assigned(house.budget, ["ana@example.org"], "EdxX+HTLO100")
    row.add_successful_notified_action()
    LearnerContentAssignment.objects.filter(pk=row.pk).update(notified_at=clock.now())
    kept = operator.post(f"{place}/forecast", {}).json()
    assert (kept["people"], kept["mails"]) == (0, [])  # reminders are off
    said = operator.post(f"{place}/forecast", {"after_days": [2], "before_days": [], "quiet": None})
    (mail,) = said.json()["mails"]
    about = {"assignment": str(row.pk), "title": "How to Learn Online", "step": "after:2"}
    assert (mail["email"], mail["about"], mail["dropped"]) == ("ana@example.org", [about], None)
    assert kept["begin"] < mail["at"] < said.json()["end"]
    assert not policy_of(house.customer.pk).enabled
    assert code(operator.post(f"{place}/forecast", {"after_days": [], "before_days": []})) == (400, "no_steps")
    assert operator.post(f"{place}/forecast", {"enabled": True}).status_code == 400


def test_what_is_held_back_is_foretold_with_its_reason(house, operator, place):
    make_course("EdxX+HTLO100")
    assigned(house.budget, ["ana@example.org"], "EdxX+HTLO100")
    unsubscribe(house.customer.pk, key_of("ana@example.org"))
    said = operator.post(f"{place}/forecast", {"after_days": [2], "before_days": [], "quiet": None}).json()
    assert [(one["email"], one["why"], one["holds"], one["until"]) for one in said["held"]] == [
        ("ana@example.org", "unsubscribed from reminders", [], None)
    ]


def test_admins_write_and_learners_and_strangers_find_nothing(house, place):
    admin = as_admin(house.customer)
    assert admin.get(place).status_code == 200
    assert admin.patch(place, {"per_week": 3}, etag="*").status_code == 200
    for path in (place, place.replace("reminder-policy", "acts")):
        for stranger in (as_learner(house.customer), as_admin(make_customer())):
            assert stranger.get(path).status_code == 404


def test_the_audit_says_who_did_what(operator, house):
    path = f"customers/{house.customer.pk}/acts"
    operator.post(f"customers/{house.customer.pk}/members", {"email": "lea@example.org", "role": "admin"})
    (entry,) = [row for row in as_admin(house.customer).items(path) if row["act"] == "member.added"]
    assert (entry["act"], entry["actor_kind"], entry["facts"]) == ("member.added", "client", {"role": "admin"})
    assert entry["token"]
    assert "example.org" not in repr(entry)
    assert as_admin(house.customer).items(f"{path}?actor_kind=person") == []


TEXT = {"kind": "assigned", "language": "de", "subject": "Für Sie", "body": "Hier geht es los: {{ link }}"}


def test_a_text_is_kept_listed_and_removed(operator, house):
    path = f"customers/{house.customer.pk}/texts"
    for subject in ("Für Sie", "Für Dich"):
        assert operator.post(path, TEXT | {"subject": subject}).status_code == 200
    (row,) = as_admin(house.customer).items(path)
    assert (row["kind"], row["language"], row["subject"]) == ("assigned", "de", "Für Dich")
    assert operator.delete(f"{path}/{row['uuid']}").status_code == 204
    assert operator.items(path) == []
    assert operator.delete(f"{path}/{row['uuid']}").status_code == 404


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"body": "No link"}, "missing_placeholder"),
        ({"body": "{{ link }} {% if x %}"}, "tag_not_allowed"),
        ({"subject": "{{ nonsense }}"}, "unknown_placeholder"),
        ({"kind": "nonsense"}, "unknown_kind"),
        ({"language": "no language"}, "invalid_language"),
        ({"extra": 1}, "invalid_input"),
    ],
)
def test_what_no_text_can_be_is_refused_by_its_code(operator, house, change, why):
    assert code(operator.post(f"customers/{house.customer.pk}/texts", TEXT | change)) == (400, why)


def test_a_text_of_another_customer_is_not_there(operator, house):
    other = make_customer()
    operator.post(f"customers/{other.pk}/texts", TEXT)
    (row,) = operator.items(f"customers/{other.pk}/texts")
    assert operator.delete(f"customers/{house.customer.pk}/texts/{row['uuid']}").status_code == 404
    assert as_admin(house.customer).post(f"customers/{other.pk}/texts", TEXT).status_code == 404
