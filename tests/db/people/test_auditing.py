"""Who did what: written with what it tells of, found by kind, by address and by time, naming nobody who is forgotten."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from bursar.kernel import clock
from bursar.kernel.actor import CONSOLE, TICK, Actor
from bursar.people.auditing import Act, Wanted, acts_at, names_in, record_act
from bursar.people.keys import key_of
from bursar.people.models import AuditEntry, Membership, Role
from bursar.people.services import add_member, change_customer, grant, remove_member
from bursar.people.tokens import create_token, revoke_token
from bursar.testing.factories import make_customer, make_member, make_user

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture
def acme():
    return make_customer("Acme")


def acts(customer, **wanted):
    return [row.act for row in acts_at(customer.pk, wanted=Wanted(**wanted)).entries]


def test_every_change_of_who_may_do_what_is_written_down(acme):
    actor = make_member(None, Role.OPERATOR)
    row = add_member(acme.pk, "lea@example.org", Role.ADMIN, actor=actor)
    add_member(acme.pk, "lea@example.org", Role.ADMIN, actor=actor)
    remove_member(row.pk, actor=actor)
    token = create_token("Import", role=Role.ADMIN, customer=acme.pk, actor=actor).token
    for _ in range(2):
        revoke_token(token.pk, actor=actor)
    change_customer(acme.pk, {"name": "Acme Ltd"}, actor=actor)
    assert acts(acme) == [
        "customer.changed", "token.revoked", "token.made", "member.removed", "member.added",
    ]  # fmt: skip
    assert set(AuditEntry.objects.filter(customer_uuid=acme.pk).values_list("user_id", flat=True)) == {actor.user_id}


def test_what_was_there_already_is_not_written_down_again(acme):
    user = make_user()
    for _ in range(2):
        grant(user.pk, Role.ADMIN, acme.pk, actor=CONSOLE)
    assert acts(acme) == ["member.added"]


def test_an_entry_holds_ids_and_codes_and_no_address(acme):
    add_member(acme.pk, "lea@example.org", Role.ADMIN, actor=Actor("person", "bo@example.org", 7))
    (row,) = AuditEntry.objects.filter(act=Act.MEMBER_ADDED)
    assert "example.org" not in repr(vars(row))
    assert (row.actor_kind, row.actor_name, row.user_id) == ("person", "", 7)


def test_entries_are_found_by_kind_by_address_and_by_time(acme, transactional_entry):
    lea = make_member(acme, email="lea@example.org")
    with clock.at(NOON):
        transactional_entry(lea, acme)
    with clock.at(NOON + DAY):
        transactional_entry(TICK, acme)
    by_lea = {"address_key": key_of("lea@example.org")}
    assert acts(acme, **by_lea) == ["customer.changed"]
    assert acts(acme, kinds=["job"]) == ["customer.changed"]
    assert len(acts(acme, begin=NOON, end=NOON + DAY)) == 1
    assert acts(acme, kinds=["job"], **by_lea) == []
    assert acts(acme, address_key="") == []


@pytest.fixture
def transactional_entry():
    from bursar.kernel.transactions import writes

    @writes
    def write(actor, customer):
        record_act(actor, Act.CUSTOMER_CHANGED, customer.pk)

    return write


def test_pages_follow_one_another_without_gap(acme, transactional_entry):
    for _ in range(5):
        transactional_entry(CONSOLE, acme)
    first = acts_at(acme.pk, limit=3)
    second = acts_at(acme.pk, before=first.entries[-1].pk, limit=3)
    assert (len(first.entries), first.more, len(second.entries), second.more) == (3, True, 2, False)
    assert not {row.pk for row in first.entries} & {row.pk for row in second.entries}


def test_names_take_three_statements_at_most(acme, django_assert_max_num_queries):
    actor = make_member(acme, email="bo@example.org")
    for number in range(5):
        add_member(acme.pk, f"lea{number}@example.org", Role.ADMIN, actor=actor)
        create_token("Import", role=Role.ADMIN, customer=acme.pk, actor=Actor("client", str(uuid4())))
    entries = acts_at(acme.pk, limit=50).entries
    with django_assert_max_num_queries(3):
        names = names_in(entries)
    assert names.users[actor.user_id] == "bo@example.org"
    assert len(names.persons) == len(names.tokens) == 5
    assert Membership.objects.filter(customer=acme).exists()
