"""Who is staff, the words that history keeps for a block, and reasons in the admin's log that go with people."""

import pytest
from django.contrib.admin.models import CHANGE, LogEntry
from tests.db.surroundings import house

from bursar.kernel.errors import Refused
from bursar.kernel.history import because
from bursar.kernel.staff_log import REMOVED, forget_reasons
from bursar.kernel.transactions import one_commit
from bursar.people.services import change_customer, create_customer, set_staff
from bursar.testing import factories

pytestmark = pytest.mark.django_db
__all__ = ["house"]


def test_staff_are_made_and_unmade():
    user = factories.make_user()
    for wanted in (True, False):
        set_staff(user, staff=wanted)
        user.refresh_from_db()
        assert (user.is_staff, user.is_superuser) == (wanted, wanted)


def test_a_project_whose_users_cannot_be_staff_says_so():
    with pytest.raises(Refused) as refused:
        set_staff(object(), staff=True)
    assert refused.value.code == "no_staff_here"


def test_history_keeps_the_words_of_the_block_and_of_no_other():
    with because("asked for"):
        customer = create_customer("Birch")
        change_customer(customer.pk, {"name": "Birch Ltd"})
    change_customer(customer.pk, {"name": "Birch"})
    reasons = customer.history.order_by("history_id").values_list("history_change_reason", flat=True)
    assert list(reasons) == ["asked for", "asked for", None]


def test_reasons_go_for_the_rows_named_alone(house):
    user = factories.make_user()
    LogEntry.objects.log_actions(user.pk, [house.customer, house.budget], CHANGE, "Changed: because of Ada")
    with one_commit():
        assert forget_reasons([house.budget.pk]) == 1
    said = dict(LogEntry.objects.values_list("object_id", "change_message"))
    assert said == {str(house.customer.pk): "Changed: because of Ada", str(house.budget.pk): REMOVED}
