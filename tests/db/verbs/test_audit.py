"""The audit names whatever does not follow from the records: each thing is broken behind its back, and found."""

from uuid import uuid4

import pytest
from tests.db.verbs.steps import accepted, assigned

from bursar.assignments import moves
from bursar.assignments.audit import run_audit
from bursar.assignments.models import AssignmentCounts, LearnerContentAssignment
from bursar.budgets.models import Budget, Transaction
from bursar.kernel import clock

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("unaudited", "course")]


def update(row, **values):
    """Write into the row alone, past history, counts and facts."""
    assert moves.raw([row.pk]).update(**values) == 1


def without_history(row):
    LearnerContentAssignment.history.model.objects.filter(uuid=row.pk).delete()


def without_payment(row):
    update(row, transaction_uuid=None)


def paid_twice(row):
    before = Transaction.objects.get(pk=row.transaction_uuid)
    before.pk, before.idempotency_key = uuid4(), "another"
    before.save(force_insert=True)


def half_paid(row):
    Transaction.objects.filter(pk=row.transaction_uuid).update(quantity=-1)


BROKEN = {
    "budget_held": (assigned, lambda row: Budget.objects.update(held_cents=1)),
    "count": (assigned, lambda row: AssignmentCounts.objects.update(errored=77)),
    "history_missing": (assigned, without_history),
    "history_behind": (assigned, lambda row: update(row, content_title="Another")),
    "pending_mismatch": (assigned, lambda row: update(row, redemption_uuid=uuid4())),
    "fact_notified_at": (assigned, lambda row: update(row, notified_at=clock.now())),
    "fact_expires_at": (assigned, lambda row: update(row, expires_at=clock.now())),
    "fact_learner_email_key": (assigned, lambda row: update(row, learner_email="somebody.else@example.org")),
    "unpaid": (accepted, without_payment),
    "paid_for_nothing": (accepted, paid_twice),
}


def differences(code):
    return [one for one in run_audit() if one.code == code]


@pytest.mark.parametrize("code", BROKEN)
def test_what_is_broken_is_named(house, code):
    made, breaking = BROKEN[code]
    (row,) = made(house.budget)
    assert run_audit() == []
    breaking(row)
    assert differences(code)


def test_a_payment_of_another_amount_is_one_that_does_not_pay(house):
    (row,) = accepted(house.budget)
    half_paid(row)
    (one,) = differences("unpaid")
    assert (one.subject, one.expected, one.found) == (f"assignment {row.pk}", row.content_quantity, -1)


def test_no_difference_shows_an_address(house):
    (row,) = assigned(house.budget)
    update(row, learner_email="somebody.else@example.org")
    assert "example.org" not in repr(run_audit())
