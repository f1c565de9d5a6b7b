"""Roles: given by address, changed, taken away; nobody more than they have, and never the last admin."""

import pytest
from tests.web.admin.settings_steps import STATEMENTS, said, text

from bursar.people.models import AuditEntry, Membership, Role
from bursar.people.services import add_member
from bursar.testing import factories

pytestmark = pytest.mark.django_db
HERE = "/admin-portal/acme/settings/roles/"


def member(email, role="admin"):
    return next(
        row
        for row in Membership.objects.filter(role=role)
        if email in (getattr(row.person, "email", ""), row.user and row.user.email)
    )


def test_those_who_assign_are_listed_and_learners_on_request(house, ada):
    add_member(house.customer.pk, "lea@example.org", Role.LEARNER)
    page = text(ada.get(HERE))
    assert "ada@example.org you" in page
    assert "lea@example.org" not in page
    assert "lea@example.org has no account yet Learner" in text(ada.get(f"{HERE}?show=learning"))


def test_somebody_is_found_by_the_whole_address_however_it_is_spelled(house, ada):
    add_member(house.customer.pk, "lea@example.org", Role.LEARNER)
    assert "lea@example.org" in text(ada.get(f"{HERE}?q=LEA@example.org"))
    assert "ada@example.org you" in text(ada.get(f"{HERE}?q=ada@example.org"))
    for nobody in ("lea", "@", "nobody@example.org"):
        assert "Nobody with this address has a role" in text(ada.get(f"{HERE}?q={nobody}"))


def test_a_role_is_given_by_address_and_written_down(house, ada):
    page = said(ada, ada.post(HERE, {"email": "Bo@Example.org", "role": "admin"}))
    assert "They have the role" in page
    assert "Bo@Example.org has no account yet Admin" in page
    entry = AuditEntry.objects.filter(act="member.added").latest("id")
    assert (entry.actor_kind, entry.customer_uuid, entry.facts) == ("person", house.customer.pk, {"role": "admin"})


def test_what_is_no_address_is_refused_at_its_place(ada):
    response = ada.post(HERE, {"email": "bo", "role": "admin"})
    assert "This is no e-mail address." in text(response, 422)
    assert 'id="id_email_error"' in response.text


def test_nobody_gives_more_than_they_have(house, ada, operator):
    assert "Operator: may do everything" not in text(ada.get(HERE))
    assert ada.post(HERE, {"email": "bo@example.org", "role": "operator"}).status_code == 422
    said(operator, operator.post(HERE, {"email": "bo@example.org", "role": "operator"}))
    row = member("bo@example.org", "operator")
    assert "You may not change this" in text(ada.get(f"{HERE}{row.pk}/"))
    assert ada.post(f"{HERE}{row.pk}/", {"role": "learner"}).status_code == 422
    assert "may do what you may not" in said(ada, ada.post(f"{HERE}{row.pk}/remove/"))
    assert Membership.objects.filter(pk=row.pk).exists()


def test_a_role_is_changed_for_another_one(house, ada):
    factories.make_member(house.customer, email="bo@example.org")
    row = member("bo@example.org")
    said(ada, ada.post(f"{HERE}{row.pk}/", {"role": "learner"}))
    assert [found.role for found in Membership.objects.filter(user=row.user)] == ["learner"]
    acts = list(AuditEntry.objects.order_by("id").values_list("act", flat=True))
    assert acts[-2:] == ["member.added", "member.removed"]


def test_the_last_admin_stays_until_there_is_another(house, ada):
    row = member("ada@example.org")
    assert "This is you" in text(ada.get(f"{HERE}{row.pk}/"))
    assert "This is the last admin." in said(ada, ada.post(f"{HERE}{row.pk}/remove/"))
    assert "This is the last admin." in text(ada.post(f"{HERE}{row.pk}/", {"role": "learner"}), 422)
    add_member(house.customer.pk, "pending@example.org", Role.ADMIN)  # has no account: cannot administer
    assert "This is the last admin." in said(ada, ada.post(f"{HERE}{row.pk}/remove/"))
    factories.make_member(house.customer, email="bo@example.org")
    assert ada.post(f"{HERE}{row.pk}/remove/").status_code == 302
    assert ada.get(HERE).status_code == 404


@pytest.mark.parametrize("role", ["", "queen", "\0"])
def test_a_forged_role_is_refused(ada, role):
    assert ada.post(HERE, {"email": "bo@example.org", "role": role}).status_code == 422
    assert ada.post(f"{HERE}{member('ada@example.org').pk}/", {"role": role}).status_code == 422


def test_many_members_come_page_by_page_in_as_many_statements(house, ada, django_assert_max_num_queries):
    for number in range(30):
        add_member(house.customer.pk, f"learner{number}@example.org", Role.LEARNER)
    with django_assert_max_num_queries(STATEMENTS):
        page = ada.get(f"{HERE}?show=learning")
    assert "Older" in text(page)
    last = list(Membership.objects.filter(role="learner").order_by("uuid"))[24]
    assert f"after={last.pk}" in page.text
    rest = text(ada.get(f"{HERE}?show=learning&after={last.pk}"))
    assert "Newer" in rest
    assert "Older" not in rest
    assert ada.get(f"{HERE}?show=nonsense&after=nonsense&sort=x").status_code == 200
