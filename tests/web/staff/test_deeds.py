"""What staff do goes through the verbs, asks for a reason, and is written down with who did it and why."""

import pytest
from django.contrib.admin.models import ADDITION, LogEntry
from django.urls import reverse
from tests.db.verbs.steps import fresh

from bursar.assignments import flows
from bursar.assignments.models import AllocationBatch, AllocationPlan, AssignmentConfiguration, LearnerContentAssignment
from bursar.budgets.models import Budget, Fund, LedgerEntry
from bursar.catalog.models import Catalog, Course
from bursar.kernel import clock
from bursar.kernel.actor import CONSOLE
from bursar.outbox.models import Message
from bursar.people.models import ApiToken, Customer, IdentityProvider, Mailbox, Membership, Person
from bursar.staff.site import site
from bursar.webhooks.models import Endpoint

pytestmark = pytest.mark.django_db
WHY = "Ticket 4711, says ada@acme.example"
KEPT = "Ticket 4711, says [address]"


@pytest.fixture(autouse=True)
def _as_it_is(unaudited):
    """The world holds a message that nobody failed to send."""


def page(model, deed, row=None):
    base = f"admin:{model._meta.app_label}_{model._meta.model_name}_"
    return reverse(f"{base}new", args=[deed]) if row is None else reverse(f"{base}deed", args=[row.pk, deed])


def do(client, model, deed, row=None, **given):
    return client.post(page(model, deed, row), {"reason": WHY, **given})


def log_of(row):
    return list(LogEntry.objects.filter(object_id=str(row.pk)).order_by("pk").values_list("user_id", "change_message"))


def test_every_deed_has_a_page_that_asks_for_a_reason(staff, world):
    for model, record in site._registry.items():
        for deed in record.deeds:
            row = None if deed.new else model._base_manager.order_by("pk").first()
            there = page(model, deed.name, row)
            asked = staff.get(there)
            assert asked.status_code == 200, there
            assert 'name="reason"' in asked.text
            before = LogEntry.objects.count()
            refused = staff.post(there, {"reason": "  "})
            assert refused.status_code == 200
            assert "This field is required." in refused.text
            assert LogEntry.objects.count() == before


def test_a_customer_is_changed_by_its_verb_with_the_reason_in_history_and_log(staff, world):
    given = {
        name: getattr(world.customer, name)
        for name in ("slug", "contact_email", "language", "time_zone", "brand_color")
    }
    there = do(staff, Customer, "change", world.customer, **given, name="Acme & Co", active="on")
    assert there.status_code == 302
    assert Customer.objects.get(pk=world.customer.pk).name == "Acme & Co"
    record = world.customer.history.order_by("-history_id").first()
    assert (record.history_change_reason, record.history_user_id) == (KEPT, staff.user.pk)
    assert log_of(world.customer) == [(staff.user.pk, f"Change details: {KEPT}")]
    shown = staff.get(reverse("admin:bursar_people_customer_history", args=[world.customer.pk])).text
    assert "Acme &amp; Co" in shown
    assert KEPT in shown
    assert staff.user.username in shown


def test_what_a_verb_refuses_is_shown_and_changes_nothing(staff, world):
    given = {name: getattr(world.customer, name) for name in ("slug", "language", "time_zone")}
    refused = do(
        staff, Customer, "change", world.customer, **given, name="Acme", brand_color="teal", contact_email="no"
    )
    assert refused.status_code == 200
    assert "A colour is #" in refused.text
    assert world.customer.history.count() == 1
    assert log_of(world.customer) == []


def test_what_is_made_is_logged_as_made(staff, world):
    do(staff, Customer, "add", name="Birch", slug="birch")
    made = Customer.objects.get(slug="birch")
    assert LogEntry.objects.get(object_id=str(made.pk)).action_flag == ADDITION
    assert made.history.get().history_change_reason == KEPT
    assert "slug" in do(staff, Customer, "add", name="Birch", slug="birch").text


def test_assignments_are_cancelled_by_their_verb_each_with_its_answer(staff, world):
    keys = [world.open.pk, world.reversed.pk]
    there = reverse("admin:content_assignments_learnercontentassignment_changelist")
    led = staff.post(there, {"action": "cancel", "_selected_action": keys, "index": 0})
    assert staff.get(led["Location"]).status_code == 200
    done = staff.post(led["Location"], {"reason": WHY}, follow=True).text
    assert "Cancel: done." in done
    assert "1 left as they were" in done
    assert fresh(world.open).state == "cancelled"
    assert fresh(world.reversed).state == "reversed"
    assert [entry for entry in log_of(world.open) if entry[1].startswith("Cancel")] == [
        (staff.user.pk, f"Cancel: {KEPT}")
    ]
    assert log_of(world.reversed) == []
    assert world.open.history.order_by("-history_id").first().history_user_id == staff.user.pk


@pytest.mark.parametrize(("deed", "given"), [("remind", {}), ("deadline", {"until": "2026-12-24T12:00"})])
def test_people_are_reminded_and_given_time(deed, given, staff, world):
    assert do(staff, LearnerContentAssignment, deed, world.open, **given).status_code == 302
    assert len(log_of(world.open)) == 1
    if deed == "deadline":
        assert f"{fresh(world.open).personal_deadline:%Y-%m-%d}" == "2026-12-24"


def test_money_comes_back_by_a_reversal(staff, world):
    (paid,) = flows_accept(world)
    before = Budget.objects.get(pk=world.budget.pk).spent_cents
    do(staff, LearnerContentAssignment, "reverse", paid)
    assert fresh(paid).state == "reversed"
    assert Budget.objects.get(pk=world.budget.pk).spent_cents < before
    assert LedgerEntry.objects.filter(kind="reversal").count() == 2


def flows_accept(world):
    from tests.db.verbs.steps import accepted

    return accepted(world.budget, ["cem@acme.example"])


def test_each_small_deed_does_what_it_says(staff, world):
    budget, fund = world.budget, world.house.fund
    configuration = AssignmentConfiguration.objects.get(pk=budget.assignment_configuration_id)
    course, token = Course.objects.get(), world.token.token
    do(staff, Budget, "change", budget, display_name="Other", description="")
    do(staff, Fund, "end", fund, expires_at="2027-01-31T00:00")
    do(staff, AssignmentConfiguration, "off", configuration)
    do(staff, Course, "withdraw", course)
    do(staff, ApiToken, "revoke", token)
    do(staff, Endpoint, "disable", Endpoint.objects.get())
    do(staff, AllocationPlan, "discard", AllocationPlan.objects.get())
    do(staff, Mailbox, "allow", Mailbox.objects.get())
    do(staff, IdentityProvider, "remove", IdentityProvider.objects.get())
    do(staff, Membership, "add", customer="acme", email="dee@acme.example", role="admin")
    do(staff, Catalog, "change", Catalog.objects.get(), title="Few", rule="keys", keys=f"{course.key}\n")
    do(staff, Budget, "retire", budget)
    assert list(Budget.objects.values_list("display_name", "retired")) == [("Other", True)]
    assert f"{Fund.objects.get(pk=fund.pk).expires_at:%Y-%m-%d}" == "2027-01-31"
    assert AssignmentConfiguration.objects.get(pk=configuration.pk).history.first().history_change_reason == KEPT
    assert not Course.objects.get().active
    assert not ApiToken.objects.get().is_live(clock.now())
    assert Endpoint.objects.get().disabled_at
    assert AllocationPlan.objects.get().state == "withdrawn"
    assert not Mailbox.objects.exists()
    assert not IdentityProvider.objects.exists()
    assert Membership.objects.filter(person__email="dee@acme.example", role="admin").exists()
    assert Catalog.objects.get().keys == [course.key]
    assert LogEntry.objects.filter(user_id=staff.user.pk, change_message__endswith=KEPT).count() == 12


def test_an_allocation_is_undone_while_nobody_has_accepted(staff, world):
    batch = AllocationBatch.objects.get(pk=world.open.allocation_batch_id)
    do(staff, AllocationBatch, "undo", batch)
    assert fresh(world.open).state == "cancelled"
    assert len(log_of(batch)) == 1


def test_a_message_that_was_given_up_is_sent_again(staff, world):
    message = Message.objects.filter(state="failed").first()
    do(staff, Message, "again", message)
    assert Message.objects.get(pk=message.pk).state == "pending"
    assert "cannot be done" in do(staff, Message, "again", Message.objects.get(pk=message.pk)).text


def test_who_is_erased_is_erased_from_the_log_too(staff, world):
    do(staff, LearnerContentAssignment, "remind", world.open)
    do(staff, Person, "change", world.person, name="Ada")
    assert do(staff, Person, "erase", world.person).status_code == 302
    words = {entry.change_message for entry in LogEntry.objects.filter(object_id__in=[world.open.pk, world.person.pk])}
    assert words <= {"Removed with the personal data.", f"Erase this person: {KEPT}"}
    assert Person.objects.get(pk=world.person.pk).erased_at


def test_what_comes_too_late_is_refused(staff, world):
    there = page(Person, "erase", world.person)
    flows.erase_person(world.person, actor=CONSOLE)
    assert "cannot be done" in staff.post(there, {"reason": WHY}).text


def test_deeds_and_rows_that_there_are_not_are_not_found(staff, world):
    for there in (
        "new/change/",
        "new/x/",
        "do/change/?pk=1",
        "do/x/",
        "nobody/do/change/",
        f"{world.customer.pk}/do/add/",
    ):
        assert staff.get(f"/admin/bursar_people/customer/{there}").status_code == 404
        assert staff.post(f"/admin/bursar_people/customer/{there}", {"reason": WHY}).status_code == 404
