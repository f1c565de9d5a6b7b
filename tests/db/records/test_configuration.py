"""AssignmentConfiguration: soft delete with its reason in the history, and the budget it belongs to."""

import pytest
from django.db import IntegrityError, transaction
from tests.db.records.rows import DAY, NOON, make_assignment, make_configuration

from bursar.assignments.models import AssignmentConfiguration
from bursar.kernel import clock
from bursar.testing.factories import make_house

pytestmark = pytest.mark.django_db
LONG = "The contract with this customer ended. " * 200


def history(configuration):
    rows = configuration.history.order_by("history_id")
    return list(rows.values_list("history_type", "active", "history_change_reason"))


def test_creating_is_history():
    configuration = make_configuration()
    assert history(configuration) == [("+", True, None)]


def test_deleting_makes_inactive_and_keeps_the_reason_of_any_length():
    configuration = make_configuration()
    configuration.delete(reason=LONG)
    assert AssignmentConfiguration.objects.get(pk=configuration.pk).active is False
    assert configuration.active is False
    assert history(configuration) == [("+", True, None), ("~", False, LONG)]


def test_deleting_needs_no_reason():
    configuration = make_configuration()
    configuration.delete()
    assert history(configuration)[1:] == [("~", False, None)]


def test_deleting_moves_modified_and_nothing_else():
    with clock.at(NOON):
        configuration = make_configuration()
    with clock.at(NOON + DAY):
        configuration.delete()
    configuration.refresh_from_db()
    assert (configuration.created, configuration.modified) == (NOON, NOON + DAY)


def test_deleting_what_is_inactive_does_nothing():
    configuration = make_configuration()
    configuration.delete(reason="first")
    assert configuration.delete(reason="second") == (0, {})
    assert AssignmentConfiguration.objects.get(pk=configuration.pk).delete(reason="third") == (0, {})
    assert [reason for _, _, reason in history(configuration)] == [None, "first"]


def test_deleting_what_somebody_else_has_deleted_meanwhile_does_nothing():
    configuration = make_configuration()
    loaded_before = AssignmentConfiguration.objects.get(pk=configuration.pk)
    configuration.delete(reason="first")
    assert loaded_before.delete(reason="second") == (0, {})
    assert loaded_before.active is False
    assert [reason for _, _, reason in history(configuration)] == [None, "first"]


def test_a_reason_stands_on_the_row_of_its_own_change_alone():
    configuration = make_configuration()
    configuration.delete(reason="ended")
    configuration.active = True
    configuration.save()
    assert history(configuration)[1:] == [("~", False, "ended"), ("~", True, None)]


def test_what_delete_returns_is_what_django_returns():
    label = "content_assignments.AssignmentConfiguration"
    assert make_configuration().delete() == (1, {label: 1})


def test_deleting_keeps_the_assignments():
    configuration = make_configuration()
    record = make_assignment(configuration)
    configuration.delete()
    record.refresh_from_db()
    assert record.assignment_configuration == configuration


def test_deleting_a_queryset_is_soft_too():
    first, second, third = (make_configuration() for _ in range(3))
    third.delete()
    label = "content_assignments.AssignmentConfiguration"
    assert AssignmentConfiguration.objects.filter(pk__in=[first.pk, third.pk]).delete(reason=LONG) == (1, {label: 1})
    states = dict(AssignmentConfiguration.objects.values_list("pk", "active"))
    assert states == {first.pk: False, second.pk: True, third.pk: False}
    assert history(first)[1:] == [("~", False, LONG)]
    assert [kind for kind, _, _ in history(third)] == ["+", "~"]


def test_deleting_a_queryset_of_inactive_ones_does_nothing():
    configuration = make_configuration(active=False)
    assert AssignmentConfiguration.objects.filter(pk=configuration.pk).delete() == (0, {})
    assert history(configuration) == [("+", False, None)]


def test_the_manager_deletes_nothing_by_itself():
    assert not hasattr(AssignmentConfiguration.objects, "delete")


def test_the_policy_is_the_budget_of_the_configuration():
    house = make_house()
    configuration = AssignmentConfiguration.objects.get(pk=house.budget.assignment_configuration_id)
    assert configuration.policy == configuration.subsidy_access_policy == house.budget


def test_without_a_budget_there_is_no_policy():
    assert make_configuration().policy is None


def test_a_configuration_has_at_most_one_budget():
    first, second = make_house().budget, make_house().budget
    second.assignment_configuration_id = first.assignment_configuration_id
    with pytest.raises(IntegrityError), transaction.atomic():
        second.save()


def test_every_change_is_history_with_its_date():
    with clock.at(NOON):
        configuration = make_configuration()
    with clock.at(NOON + DAY):
        configuration.enterprise_customer_uuid = configuration.pk
        configuration.save()
    rows = configuration.history.order_by("history_id").values_list(
        "history_type", "enterprise_customer_uuid", "history_date"
    )
    assert list(rows)[1] == ("~", configuration.pk, NOON + DAY)
    assert rows[0][2] == NOON
