"""learner_acknowledged, on the record and on its actions: at or after, in both places (ruling 12)."""

import logging

import pytest
from tests.db.records.rows import DAY, NOON, TICK, add_action, make_assignment, stored

from bursar.assignments.models import LearnerContentAssignment

pytestmark = pytest.mark.django_db
KINDS = [("expired", "expired_acknowledged"), ("cancelled", "cancelled_acknowledged")]
OTHERS = [
    *("learner_linked", "notified", "reminded", "redeemed", "reversed"),
    *("cancelled_acknowledged", "expired_acknowledged"),
]


@pytest.fixture(params=[False, True], ids=["asked", "prefetched"])
def seen(request):
    """Return a record as the database has it, with its actions in memory or not."""

    def load(record):
        rows = LearnerContentAssignment.objects.prefetch_related("actions") if request.param else None
        return rows.get(pk=record.pk) if request.param else stored(record)

    return load


@pytest.mark.parametrize(("state", "kind"), KINDS)
@pytest.mark.parametrize(("after", "expected"), [(-TICK, False), (0 * DAY, True), (TICK, True), (DAY, True)])
def test_at_or_after_the_end_it_is_acknowledged(state, kind, after, expected, seen):
    record = make_assignment(state=state)
    action = add_action(record, state, NOON)
    add_action(record, kind, NOON + after)
    assert action.learner_acknowledged is expected
    assert seen(record).learner_acknowledged is expected


@pytest.mark.parametrize(("state", "kind"), KINDS)
def test_without_an_acknowledgement_it_is_not(state, kind, seen):
    record = make_assignment(state=state)
    action = add_action(record, state, NOON)
    assert action.learner_acknowledged is False
    assert seen(record).learner_acknowledged is False


@pytest.mark.parametrize(("state", "kind"), KINDS)
def test_an_acknowledgement_that_failed_or_was_not_completed_does_not_count(state, kind, seen):
    record = make_assignment(state=state)
    action = add_action(record, state, NOON)
    add_action(record, kind, NOON + DAY, error_reason="internal_api_error")
    add_action(record, kind, None, created=NOON + DAY)
    assert action.learner_acknowledged is False
    assert seen(record).learner_acknowledged is False


@pytest.mark.parametrize(("state", "kind"), KINDS)
def test_an_acknowledgement_of_the_other_kind_does_not_count(state, kind, seen):
    record = make_assignment(state=state)
    add_action(record, state, NOON)
    add_action(record, next(other for _, other in KINDS if other != kind), NOON + DAY)
    assert seen(record).learner_acknowledged is False


@pytest.mark.parametrize(("state", "kind"), KINDS)
def test_the_record_asks_its_last_successful_action(state, kind, seen):
    record = make_assignment(state=state)
    add_action(record, state, NOON)
    add_action(record, kind, NOON + DAY)
    add_action(record, state, NOON + 3 * DAY, completed_at=None, error_reason="email_error")
    assert seen(record).learner_acknowledged is True
    add_action(record, state, NOON + 2 * DAY)
    assert seen(record).learner_acknowledged is False


@pytest.mark.parametrize(("state", "kind"), KINDS)
def test_an_action_that_failed_is_not_acknowledged(state, kind):
    record = make_assignment(state=state)
    action = add_action(record, state, None, created=NOON, error_reason="email_error")
    add_action(record, kind, NOON + DAY)
    assert action.learner_acknowledged is False


@pytest.mark.parametrize(("state", "kind"), KINDS)
def test_an_end_without_an_action_is_a_warning_and_not_acknowledged(state, kind, seen, caplog):
    record = make_assignment(state=state)
    add_action(record, kind, NOON + DAY)
    loaded = seen(record)
    with caplog.at_level(logging.DEBUG, logger="bursar"):
        assert loaded.learner_acknowledged is False
    (line,) = caplog.records
    assert line.levelname == "WARNING"
    assert str(record.pk) in line.message
    assert record.learner_email not in line.message


@pytest.mark.parametrize(("state", "kind"), KINDS)
def test_an_acknowledgement_holds_for_one_end_alone(state, kind, seen, caplog):
    record = make_assignment(state=state, allocated_at=NOON + 4 * DAY, **{f"{state}_at": NOON + 5 * DAY})
    add_action(record, state, NOON)
    add_action(record, kind, NOON + DAY)
    loaded = seen(record)
    with caplog.at_level(logging.WARNING, logger="bursar"):
        assert loaded.learner_acknowledged is False
    assert len(caplog.records) == 1


@pytest.mark.parametrize(("state", "kind"), KINDS)
def test_an_end_told_of_before_its_written_date_is_the_present_one(state, kind, seen, caplog):
    record = make_assignment(state=state, allocated_at=NOON - DAY, **{f"{state}_at": NOON + DAY})
    add_action(record, state, NOON)
    loaded = seen(record)
    with caplog.at_level(logging.WARNING, logger="bursar"):
        assert loaded.learner_acknowledged is False
        add_action(record, kind, NOON)
        assert seen(record).learner_acknowledged is True
    assert caplog.records == []


@pytest.mark.parametrize("state", ["allocated", "accepted", "errored", "reversed"])
def test_in_any_other_state_there_is_nothing_to_acknowledge(state, caplog, seen):
    record = make_assignment(state=state)
    add_action(record, "expired", NOON)
    add_action(record, "expired_acknowledged", NOON)
    with caplog.at_level(logging.DEBUG, logger="bursar"):
        assert seen(record).learner_acknowledged is None
    assert caplog.records == []


@pytest.mark.parametrize("kind", OTHERS)
def test_any_other_action_cannot_be_acknowledged(kind):
    record = make_assignment(state="expired")
    assert add_action(record, kind, NOON).learner_acknowledged is None
