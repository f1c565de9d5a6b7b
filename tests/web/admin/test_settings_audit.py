"""Audit: who did what to whom, found by kind, by address, by day, page by page; nothing of anybody else."""

from datetime import timedelta

import pytest
from django.db.transaction import TransactionManagementError
from tests.db.verbs.steps import accept, assigned, keys, later
from tests.web.admin.settings_steps import STATEMENTS, text

from bursar.assignments import services
from bursar.kernel.actor import CONSOLE
from bursar.people.auditing import Act, record_act
from bursar.people.models import AuditEntry, Role
from bursar.people.services import add_member, take_role
from bursar.people.tokens import create_token, token_owner
from bursar.testing import factories

pytestmark = pytest.mark.django_db
HERE = "/admin-portal/acme/settings/audit/"
DAY = timedelta(days=1)


def test_it_says_who_did_what_to_whom(house, ada):
    actor = factories.make_member(house.customer, email="bo@example.org")
    add_member(house.customer.pk, "lea@example.org", Role.ADMIN, actor=actor)
    assert "Gave a role lea@example.org · Admin bo@example.org 22 Nov 2026" in text(ada.get(HERE))


def test_programs_and_the_command_line_are_named(house, ada):
    made = create_token("Nightly import", role=Role.ADMIN, customer=house.customer.pk, actor=CONSOLE)
    rows = assigned(house.budget, 3)
    services.cancel_many(keys(rows), actor=token_owner(made.text))
    page = text(ada.get(HERE))
    assert "Cancelled assignments cancelled by an admin 3 people the token Nightly import" in page
    assert "Assigned a course DemoX+D101 · 3 people Command line" in page
    assert "Made an API token Nightly import · Admin Command line" in page


def test_a_reason_that_only_repeats_the_act_is_left_out(house, ada):
    rows = accept(assigned(house.budget, 1))
    services.reverse_many(keys(rows), actor=CONSOLE)
    assert "Reversed acceptances 1 person Command line" in text(ada.get(HERE))


def test_what_jobs_do_by_themselves_is_left_to_each_assignment(house, ada):
    assigned(house.budget, 1)
    before = AuditEntry.objects.count()
    with later(91 * DAY):
        from bursar.assignments.jobs import expire_due

        assert expire_due() == 1
    assert AuditEntry.objects.count() == before


def test_it_is_searched_by_address_by_kind_and_by_day(house, ada):
    actor = factories.make_member(house.customer, email="bo@example.org")
    add_member(house.customer.pk, "lea@example.org", Role.ADMIN, actor=actor)
    with later(2 * DAY):
        create_token("Later", role=Role.ADMIN, customer=house.customer.pk, actor=CONSOLE)
    for query in ("?q=bo@example.org", "?q=LEA@example.org", "?by=person", "?to=2026-11-23"):
        page = text(ada.get(HERE + query))
        assert "Gave a role" in page, query
        assert "Made an API token" not in page, query
    for query in ("?by=console", "?from=2026-11-24"):
        page = text(ada.get(HERE + query))
        assert "Gave a role" not in page, query
        assert "Made an API token" in page, query
    assert "Nothing that was done here is like that." in text(ada.get(f"{HERE}?q=nobody@example.org"))


@pytest.mark.parametrize(
    "query",
    [
        "?q=%00",
        "?from=0001-01-01&to=9999-12-31",
        "?from=x&to=y",
        "?before=x",
        f"?before={'9' * 40}",
        "?by=x,y",
        "?sort=z",
    ],
)
def test_garbage_is_as_if_it_were_not_asked(ada, query):
    assert ada.get(HERE + query).status_code == 200


def test_other_organisations_are_not_shown(house, ada):
    other = factories.make_customer()
    add_member(other.pk, "stranger@example.org", Role.ADMIN, actor=CONSOLE)
    assert "stranger@example.org" not in text(ada.get(HERE))


def test_many_entries_come_page_by_page_in_as_many_statements(house, ada, django_assert_max_num_queries):
    for number in range(30):
        create_token(f"Token {number}", role=Role.ADMIN, customer=house.customer.pk, actor=CONSOLE)
    with django_assert_max_num_queries(STATEMENTS):
        page = ada.get(HERE)
    assert text(page).count("Made an API token") == 25
    last = list(AuditEntry.objects.order_by("-id"))[24]
    assert f"before={last.pk}" in page.text
    assert text(ada.get(f"{HERE}?before={last.pk}")).count("Made an API token") == 5


def test_nobody_who_was_erased_is_named(house, ada):
    from bursar.assignments.flows import erase_person

    row = add_member(house.customer.pk, "lea@example.org", Role.ADMIN, actor=CONSOLE)
    erase_person(row.person, actor=CONSOLE)
    assert "lea@example.org" not in ada.get(HERE).text
    assert "Erased a person" in text(ada.get(HERE))


def test_a_role_that_was_taken_is_said_of_whom(house, ada):
    row = add_member(house.customer.pk, "lea@example.org", Role.LEARNER, actor=CONSOLE)
    take_role(row.pk, actor=CONSOLE)
    assert "Took a role away lea@example.org · Learner Command line" in text(ada.get(HERE))


@pytest.mark.django_db(transaction=True)
def test_only_what_the_transaction_keeps_is_written_down(house):
    with pytest.raises(TransactionManagementError):
        record_act(CONSOLE, Act.MEMBER_ADDED, house.customer.pk)
