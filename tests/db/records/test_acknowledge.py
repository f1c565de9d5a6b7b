"""acknowledge_assignments: what a learner has seen, what was seen before, and what cannot be."""

import logging
from uuid import uuid4

import pytest
from django.core.exceptions import ValidationError
from tests.db.records.rows import DAY, NOON, add_action, make_assignment, make_configuration

from bursar.assignments.models import AssignmentConfiguration, LearnerContentAssignment
from bursar.assignments.services import acknowledge_many
from bursar.kernel import clock
from bursar.kernel.errors import NotFound

pytestmark = pytest.mark.django_db
LEARNER = 77
KINDS = [("expired", "expired_acknowledged"), ("cancelled", "cancelled_acknowledged")]


@pytest.fixture
def configuration():
    return make_configuration()


def ended(configuration, state, at=NOON, told=True, **facts):
    """Return an assignment that ended on a day and whose learner was told."""
    record = make_assignment(configuration, **{"state": state, "lms_user_id": LEARNER, f"{state}_at": at, **facts})
    if told:
        add_action(record, state, at)
    return record


def acknowledge(configuration, *records, learner=LEARNER):
    """Return the keys of the three lists."""
    answer = configuration.acknowledge_assignments([record.pk for record in records], learner)
    assert isinstance(answer, tuple)
    assert all(isinstance(part, list) for part in answer)
    return [[record.pk for record in part] for part in answer]


def acknowledgements(record, kind):
    return list(record.actions.filter(action_type=kind).order_by("created").values_list("completed_at", flat=True))


@pytest.mark.parametrize(("state", "kind"), KINDS)
def test_an_end_is_acknowledged_now(configuration, state, kind, caplog):
    record = ended(configuration, state)
    with clock.at(NOON + DAY):
        assert acknowledge(configuration, record) == [[record.pk], [], []]
    assert acknowledgements(record, kind) == [NOON + DAY]
    assert list(record.actions.get(action_type=kind).history.values_list("history_type", flat=True)) == ["+"]
    assert caplog.records == []


@pytest.mark.parametrize(("state", "kind"), KINDS)
def test_a_second_time_it_is_already_acknowledged(configuration, state, kind):
    record = ended(configuration, state)
    acknowledge(configuration, record)
    assert acknowledge(configuration, record) == [[], [record.pk], []]
    assert len(acknowledgements(record, kind)) == 1


@pytest.mark.parametrize(("state", "kind"), KINDS)
def test_an_acknowledgement_at_the_same_moment_counts(configuration, state, kind):
    record = ended(configuration, state)
    add_action(record, kind, NOON)
    assert acknowledge(configuration, record) == [[], [record.pk], []]


@pytest.mark.parametrize(("state", "kind"), KINDS)
def test_a_failed_acknowledgement_does_not_count(configuration, state, kind):
    record = ended(configuration, state)
    add_action(record, kind, NOON + DAY, error_reason="internal_api_error", completed_at=None)
    assert acknowledge(configuration, record) == [[record.pk], [], []]


def end_again(record, state, at, told=True):
    """Allocate a record again and let it end the same way a day later."""
    LearnerContentAssignment.objects.filter(pk=record.pk).update(
        state=state, allocated_at=at, cycle=2, **{f"{state}_at": at + DAY}
    )
    if told:
        add_action(record, state, at + DAY)


@pytest.mark.parametrize(("state", "kind"), KINDS)
def test_what_was_allocated_and_ended_again_must_be_acknowledged_anew(configuration, state, kind):
    record = ended(configuration, state)
    add_action(record, kind, NOON + DAY)
    end_again(record, state, NOON + 2 * DAY)
    with clock.at(NOON + 4 * DAY):
        assert acknowledge(configuration, record) == [[record.pk], [], []]
        assert acknowledge(configuration, record) == [[], [record.pk], []]
    assert acknowledgements(record, kind) == [NOON + DAY, NOON + 4 * DAY]


@pytest.mark.parametrize(("state", "kind"), KINDS)
def test_what_ended_again_must_be_acknowledged_anew_even_if_nobody_could_be_told(configuration, state, kind):
    record = ended(configuration, state)
    add_action(record, kind, NOON + DAY)
    end_again(record, state, NOON + 2 * DAY, told=False)
    add_action(record, state, NOON + 3 * DAY, completed_at=None, error_reason="email_error")
    with clock.at(NOON + 4 * DAY):
        assert acknowledge(configuration, record) == [[record.pk], [], []]
        assert acknowledge(configuration, record) == [[], [record.pk], []]


@pytest.mark.parametrize(("state", "kind"), KINDS)
def test_an_acknowledgement_of_the_other_kind_does_not_count(configuration, state, kind):
    record = ended(configuration, state)
    other = next(other for _, other in KINDS if other != kind)
    add_action(record, other, NOON + DAY)
    assert acknowledge(configuration, record) == [[record.pk], [], []]


@pytest.mark.parametrize(("state", "kind"), KINDS)
def test_an_end_without_an_action_is_logged_as_an_error_and_can_be_acknowledged(configuration, state, kind, caplog):
    record = ended(configuration, state, told=False)
    with caplog.at_level(logging.ERROR):
        assert acknowledge(configuration, record) == [[record.pk], [], []]
    assert [(item.levelname, str(record.pk) in item.message) for item in caplog.records] == [("ERROR", True)]
    assert len(acknowledgements(record, kind)) == 1
    assert acknowledge(configuration, record) == [[], [record.pk], []]


@pytest.mark.parametrize("state", ["allocated", "accepted", "errored", "reversed", "of an older release"])
def test_any_other_state_cannot_be_acknowledged_and_is_logged_as_an_error(configuration, state, caplog):
    record = make_assignment(configuration, state=state, lms_user_id=LEARNER)
    with caplog.at_level(logging.ERROR):
        assert acknowledge(configuration, record) == [[], [], [record.pk]]
    assert [(item.levelname, str(record.pk) in item.message) for item in caplog.records] == [("ERROR", True)]
    assert not record.actions.exists()


def test_all_three_lists_at_once(configuration):
    expired, cancelled, before, allocated = (
        ended(configuration, "expired", content_key="a"),
        ended(configuration, "cancelled", content_key="b"),
        ended(configuration, "expired", content_key="c"),
        make_assignment(configuration, lms_user_id=LEARNER, content_key="d"),
    )
    add_action(before, "expired_acknowledged", NOON + DAY)
    answer = acknowledge(configuration, expired, cancelled, before, allocated)
    assert [set(part) for part in answer] == [{expired.pk, cancelled.pk}, {before.pk}, {allocated.pk}]


def test_the_lists_hold_assignments_that_know_they_are_acknowledged(configuration):
    record = ended(configuration, "expired")
    (fresh,), _, _ = configuration.acknowledge_assignments([str(record.pk)], LEARNER)
    assert isinstance(fresh, LearnerContentAssignment)
    assert fresh.learner_acknowledged is True


def test_only_assignments_of_this_configuration_and_this_learner_count(configuration):
    mine = ended(configuration, "expired")
    of_another_budget = ended(make_configuration(), "expired")
    of_another_learner = ended(configuration, "expired", lms_user_id=LEARNER + 1)
    of_nobody = ended(configuration, "expired", lms_user_id=None, content_key="other")
    assert acknowledge(configuration, mine, of_another_budget, of_another_learner, of_nobody) == [[mine.pk], [], []]
    for record in (of_another_budget, of_another_learner, of_nobody):
        assert acknowledgements(record, "expired_acknowledged") == []


def test_none_found_is_a_validation_error_that_names_both_arguments(configuration):
    wanted = [ended(configuration, "expired").pk, uuid4()]
    with pytest.raises(ValidationError) as caught:
        configuration.acknowledge_assignments(wanted, 4711)
    words = " ".join(caught.value.messages)
    assert f"assignment_uuids={[str(key) for key in wanted]}" in words
    assert "lms_user_id=4711" in words


@pytest.mark.parametrize("wanted", [[], (), iter(())])
def test_nothing_asked_for_is_nothing_found(configuration, wanted):
    with pytest.raises(ValidationError, match="assignment_uuids=\\[\\] and lms_user_id=77"):
        configuration.acknowledge_assignments(wanted, LEARNER)


def test_a_learner_without_an_id_has_no_assignments(configuration):
    record = ended(configuration, "expired", lms_user_id=None)
    with pytest.raises(ValidationError, match="lms_user_id=None"):
        configuration.acknowledge_assignments([record.pk], None)
    assert acknowledgements(record, "expired_acknowledged") == []


def test_text_that_is_no_uuid_is_a_validation_error(configuration):
    with pytest.raises(ValidationError):
        configuration.acknowledge_assignments(["nonsense"], LEARNER)


@pytest.mark.parametrize("wanted", [uuid4(), "nonsense"])
def test_the_transaction_of_a_caller_lives_on_after_a_validation_error(configuration, wanted):
    with pytest.raises(ValidationError):
        configuration.acknowledge_assignments([wanted], LEARNER)
    assert AssignmentConfiguration.objects.filter(pk=configuration.pk).exists()


def test_a_hundred_cost_as_many_statements_as_one(configuration, django_assert_max_num_queries):
    def statements(records):
        with django_assert_max_num_queries(1000) as seen:
            acknowledge(configuration, *records)
        return len(seen)

    one = [ended(configuration, "expired", content_key="one")]
    many = [ended(configuration, "expired", content_key=f"many {number}") for number in range(30)]
    assert statements(one) == statements(many)


def test_the_verb_does_the_same_in_a_transaction_of_its_own(configuration):
    record = ended(configuration, "cancelled")
    fresh, before, never = acknowledge_many(configuration.pk, [record.pk], lms_user_id=LEARNER)
    assert ([item.pk for item in fresh], before, never) == ([record.pk], [], [])
    with pytest.raises(NotFound):
        acknowledge_many(uuid4(), [record.pk], lms_user_id=LEARNER)
